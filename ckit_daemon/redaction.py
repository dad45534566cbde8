"""Keeps secrets out of logs and settings: by the name of a field, by the look of a value, by known values."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

MASK = "[redacted]"

CREDENTIALS = r"api[_-]?key|apikey|access[_-]?key|private[_-]?key|secret|password|passwd|credentials?|authorization"
SECRET_NAME = re.compile(
    rf"(?:^|[^a-z])(?:{CREDENTIALS}|(?:auth|access|refresh|bearer|id|session)[_-]?token|token)(?:$|[^a-z])"
)
SECRET_VALUE = re.compile(
    r"""
    \bsk-[A-Za-z0-9_-]{8,}                                    # OpenAI, Anthropic and look-alikes
    | \b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{20,} | \bgithub_pat_[A-Za-z0-9_]{20,}
    | \bglpat-[A-Za-z0-9_-]{16,}
    | \bxox[abposr]-[A-Za-z0-9-]{10,}
    | \bAKIA[0-9A-Z]{16}\b
    | \bAIza[0-9A-Za-z_-]{30,}
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+  # JSON Web Tokens
    | -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----[\s\S]*?(?:-----END[ ][A-Z ]*PRIVATE[ ]KEY-----|$)
    """,
    re.VERBOSE,
)
BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
URL_PASSWORD = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s/@]+@")
ASSIGNMENT = re.compile(rf"(?i)\b((?:\w*[_-])?(?:{CREDENTIALS}|token))(['\"]?\s*[=:]\s*['\"]?)[^\s'\",;&}}]{{4,}}")

PROGRESS_TOKENS = frozenset({"workdonetoken", "partialresulttoken", "work_done_token", "partial_result_token"})
MIN_KNOWN_SECRET = 6
MAX_DEPTH = 8


def names_secret(name: str) -> bool:
    """Return whether a field of this name holds a secret; LSP's progress tokens don't."""
    if name.rpartition(".")[2].lower() in PROGRESS_TOKENS:
        return False
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return SECRET_NAME.search(snake) is not None


def looks_secret(text: str) -> bool:
    """Return whether a text holds something in the form of a known kind of credential."""
    return SECRET_VALUE.search(text) is not None or BEARER.search(text) is not None


class Redactor:
    """Masks secrets in values on their way to a log."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """Learn the values of environment variables whose names mark them as secrets."""
        env = os.environ if environment is None else environment
        known = {v for k, v in env.items() if len(v) >= MIN_KNOWN_SECRET and names_secret(k)}
        # Longer values first, so that a secret that contains another one is masked whole.
        self._known = (
            re.compile("|".join(re.escape(v) for v in sorted(known, key=len, reverse=True))) if known else None
        )

    def text(self, text: str) -> str:
        """Return the text with every recognised secret masked."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        text = SECRET_VALUE.sub(MASK, text)
        text = BEARER.sub(rf"\1 {MASK}", text)
        text = URL_PASSWORD.sub(rf"\1:{MASK}@", text)
        return ASSIGNMENT.sub(rf"\1\2{MASK}", text)

    def value(self, value: object, depth: int = 0) -> object:
        """Return the value with every recognised secret masked, at any depth."""
        match value:
            case str():
                return self.text(value)
            case None | bool() | int() | float():
                return value
            case dict():
                return self.mapping(cast("dict[object, object]", value), depth + 1)
            case list() | tuple():
                items = cast("list[object]", value)
                return [self.value(item, depth + 1) for item in items] if depth < MAX_DEPTH else MASK
            case _:
                return self.text(str(value))

    def mapping(self, mapping: Mapping[object, object], depth: int = 0) -> dict[str, object]:
        """Return the mapping with secrets masked by name and by look."""
        if depth > MAX_DEPTH:
            return {}
        return {
            str(k): MASK if names_secret(str(k)) and v is not None else self.value(v, depth) for k, v in mapping.items()
        }
