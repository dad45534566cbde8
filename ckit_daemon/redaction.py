"""Keeps secrets out of logs and settings: by the name of a field, by the look of a value, by known values."""

from __future__ import annotations

import json
import os
import re
import threading
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

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
    | -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----[\s\S]*?(?:-----END[ ][A-Z ]*PRIVATE[ ]KEY-----|\Z)
    """,
    re.VERBOSE,
)
BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
URL_PASSWORD = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s/@]+@")
ASSIGNMENT = re.compile(rf"(?i)\b((?:\w*[_-])?(?:{CREDENTIALS}|token))(['\"]?\s*[=:]\s*['\"]?)[^\s'\",;&}}]{{4,}}")

PROGRESS_TOKENS = frozenset({"workdonetoken", "partialresulttoken", "work_done_token", "partial_result_token"})
MIN_KNOWN_SECRET = 6
MIN_TELLING = 4
"""Fewer of a secret's first characters tell nothing."""
MAX_DEPTH = 8


class _Values:
    """Texts that are masked wherever they occur; may be used from any thread."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._beginnings: frozenset[str] = frozenset()
        self._longest = 0
        self._lock = threading.Lock()

    def add(self, *values: str) -> None:
        with self._lock:
            if self._values.issuperset(values):
                return
            self._values.update(value for value in values if len(value) >= MIN_KNOWN_SECRET)
            # Longer values first, so that a secret that contains another one is masked whole.
            ordered = sorted(self._values, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None
            self._longest = len(ordered[0]) if ordered else 0
            self._beginnings = frozenset(v[:end] for v in ordered for end in range(MIN_TELLING, len(v) + 1))

    def begun(self, text: str) -> int:
        beginnings, longest = self._beginnings, min(self._longest, len(text))
        return next((n for n in range(longest, MIN_TELLING - 1, -1) if text[-n:] in beginnings), 0)

    def mask(self, text: str) -> str:
        return text if self._pattern is None else self._pattern.sub(MASK, text)


# One for the process, as its loggers are: a key that one daemon learns must not appear in what another one logs.
_learned = _Values()


def learn(secret: str) -> None:
    """Mask a value from now on in everything that any `Redactor` of this process sees, also in its written forms."""
    _learned.add(secret, quote(secret, safe=""), json.dumps(secret)[1:-1])


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
        self._known = _Values()
        self._known.add(*(value for name, value in env.items() if names_secret(name)))

    def text(self, text: str) -> str:
        """Return the text with every recognised secret masked."""
        text = _learned.mask(self._known.mask(text))
        text = SECRET_VALUE.sub(MASK, text)
        text = BEARER.sub(rf"\1 {MASK}", text)
        text = URL_PASSWORD.sub(rf"\1:{MASK}@", text)
        return ASSIGNMENT.sub(rf"\1\2{MASK}", text)

    def begun(self, text: str) -> int:
        """Return how many characters at the end of a text are a known secret's beginning, or the whole of one."""
        return max(self._known.begun(text), _learned.begun(text))

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


class ValueRedactor(Redactor):
    """Masks known secrets and what looks like one; a name before a value means nothing.

    For code and specifications, in which `token: str` is a type and no secret.
    """

    def text(self, text: str) -> str:
        """Return the text with every recognised secret masked."""
        return SECRET_VALUE.sub(MASK, _learned.mask(self._known.mask(text)))
