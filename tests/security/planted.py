"""Keys that are planted into a run, and the search for whatever of them is found somewhere afterwards."""

from __future__ import annotations

import base64
import html
import json
import urllib.parse
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

KNOWN_FORM: Final = "sk-proj-Q7mZx2LpVt9KdRw4HsYbNc83"
AZURE: Final = "3f9a1c7e5b2d48069ce1f7a3b5d80246"
GATEWAY: Final = "q9X+/dR4kPz7W/uM+0sTbLxY6w=="
ASKED: Final = "Vermk%unbound/otzer=4471+lantrn&ufq"
STAMP: Final = "qorv zimt der nurd harb 5582"
PHRASE: Final = 'zq\'vurm "xelt" jof\\krin <wubb> & 7319'
UMLAUT: Final = "Schlüßel für die grozze Brücke 6604"
IDLE: Final = "nevr-calld_harbr.9127-cranx"
IDLE_RING: Final = "ringd*but!nevr?calld~2286"
CHROMA: Final = "kroma.of_the+team%4419xy"
INLINE: Final = "sk-inline-Zp3Lw8RtYv6Nq1Bx"
ODD_INLINE: Final = "ynlane.worz-tryrqd_8841.zent"

VARIABLES: Final = {
    "WORK_LLM": KNOWN_FORM,
    "TEAM_STAMP": STAMP,
    "LANTERN_PHRASE": PHRASE,
    "BRIDGE": UMLAUT,
    "SPARE_LLM": IDLE,
    # The same key once more, under a name that no setting knows.
    "COPY_OF_IT": PHRASE,
}
"""Variables whose names say nothing of secrets; the settings refer to all but the last."""
RING: Final = {
    ("azure", "me"): AZURE,
    ("gateway", "team"): GATEWAY,
    ("spare", "me"): IDLE_RING,
    ("chroma", "team"): CHROMA,
}

EARLY: Final = (KNOWN_FORM, AZURE, GATEWAY, STAMP, PHRASE, UMLAUT, IDLE, IDLE_RING, CHROMA, INLINE)
"""What can be known before anybody has used it."""
ALL: Final = (*EARLY, ASKED)
KEYS: Final = {
    "known form": KNOWN_FORM,
    "azure": AZURE,
    "gateway": GATEWAY,
    "asked": ASKED,
    "stamp": STAMP,
    "phrase": PHRASE,
    "umlaut": UMLAUT,
    "idle": IDLE,
    "idle ring": IDLE_RING,
    "chroma": CHROMA,
    "inline": INLINE,
    "odd inline": ODD_INLINE,
}
WINDOW: Final = 10
"""So many characters of a key tell of it; keys are cut in many ways."""


def told(keys: Collection[str] = ALL) -> str:
    """A text that repeats keys."""
    return "\n".join(f"Take {key} for it." for key in keys)


def forms(key: str) -> set[str]:
    """How a key may be written."""
    escaped = json.dumps(key)[1:-1]
    written = {
        key,
        escaped,
        json.dumps(key, ensure_ascii=False)[1:-1],
        json.dumps(escaped)[1:-1],
        repr(key)[1:-1],
        ascii(key)[1:-1],
        repr(key.encode())[2:-1],
        urllib.parse.quote(key),
        urllib.parse.quote_plus(key),
        html.escape(key),
        key.encode().hex(),
    }
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + key.encode()).decode()
        # The first characters and the last ones depend on what stands beside the key.
        inner = encoded[shift + (shift > 0) : (shift + len(key.encode())) * 8 // 6]
        written |= {inner, inner.replace("+", "-").replace("/", "_")}
    return written


class Finder:
    """Finds keys, also parts of them and in other forms."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._parts: dict[bytes, str] = {}
        for name, key in keys.items():
            for form in map(str.encode, forms(key)):
                for start in range(max(1, len(form) - WINDOW + 1)):
                    self._parts[form[start : start + WINDOW]] = name

    def find(self, data: bytes | str) -> dict[str, str]:
        """Return the text around the first trace of each key, by the key's name."""
        text = data if isinstance(data, bytes) else data.encode("utf-8", "replace")
        found: dict[str, str] = {}
        for start in range(len(text) - WINDOW + 1):
            name = self._parts.get(text[start : start + WINDOW])
            if name is not None and name not in found:
                found[name] = text[max(0, start - 150) : start + 60].decode("utf-8", "replace")
        return found


def files_below(folder: Path) -> Iterator[Path]:
    """Every file below a folder, hidden ones included."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
