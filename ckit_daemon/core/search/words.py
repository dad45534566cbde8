"""Words as search compares them: without case and without accents."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckit_daemon.core.json import JsonValue, Path

SEPARATOR: Final = "\x1f"
"""Stands between two fields in a text, so that no phrase reaches from one into the other."""
WORD: Final = re.compile(r"\w+")


def fold(text: str) -> str:
    """`text` without case and accents."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(character for character in decomposed if not unicodedata.combining(character)).casefold()


def fold_with_offsets(text: str) -> tuple[str, list[int] | range]:
    """`text` folded, and the offset in `text` of each of its characters."""
    if text.isascii():
        return text.lower(), range(len(text))
    pieces: list[str] = []
    offsets: list[int] = []
    for offset, character in enumerate(text):
        folded = fold(character)
        pieces.append(folded)
        offsets += [offset] * len(folded)
    return "".join(pieces), offsets


def phrase_pattern(words: tuple[str, ...], *, open_end: bool) -> re.Pattern[str]:
    """A pattern for words that follow one another; the last one may be the beginning of a word if `open_end`."""
    first = re.escape(words[0])
    gap = rf"[^\w{SEPARATOR}]+"
    end = r"\w*" if open_end else r"(?!\w)"
    # The look-behind stands after the first word, because a pattern that begins with plain text is searched for faster.
    return re.compile(rf"{first}(?<!\w{first}){''.join(gap + re.escape(word) for word in words[1:])}{end}")


def scalars(data: JsonValue, base: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield every value below `base` that is not a container, as text; a loop, since documents nest deeply."""
    waiting: list[tuple[Path, JsonValue]] = [(base, data)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += reversed([((*path, key), item) for key, item in value.items()])
        elif isinstance(value, list):
            waiting += reversed([((*path, index), item) for index, item in enumerate(value)])
        elif isinstance(value, str):
            yield path, value
        elif value is not None:
            yield path, str(value).lower() if isinstance(value, bool) else str(value)
