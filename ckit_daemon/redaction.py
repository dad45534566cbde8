"""Keeps secrets out of logs and settings: by the name of a field, by the look of a value, by known values."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import threading
from bisect import bisect_left
from typing import TYPE_CHECKING, cast
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MASK = "[redacted]"

CREDENTIALS = (
    r"api[_-]?key|apikey|access[_-]?key|private[_-]?key|secret(?:[_-]?key)?|password|passwd"
    # By itself it is the working directory.
    r"|(?<=[a-z0-9][_-])pwd|credentials?|authorization"
)
# Programs have names of their own in one word with it: `PGPASSWORD`.
SECRET_NAME = re.compile(
    rf"(?:^|[^a-z]|(?=passw))(?:{CREDENTIALS}|(?:auth|access|refresh|bearer|id|session)[_-]?token|token)(?:$|[^a-z])"
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
# A scheme has a bound, or a long line of words and dots would be read again from each of them.
URL_PASSWORD = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,63}://[^\s:/@]*):[^\s/@]+@")
ASSIGNMENT = re.compile(
    # The first letter alone rules out most places.
    rf"(?i)(?=[acpst])(?:(?<![^\W_])|(?=passw))({CREDENTIALS}|token)(['\"]?\s*[=:]\s*['\"]?)[^\s'\",;&}}]{{4,}}"
)

SECRET_REFERENCE = re.compile(r"(env|keyring|client):[\w./@ -]+")
"""Says where a secret is kept, and holds none."""
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)")
STEP_CHARACTERS = 16_384
"""About as much of a text is searched at a time: a pattern keeps the interpreter to itself from its first character to
the last, and in between others get their turn."""

_ANY_VALUE = re.compile(rf"(?=[sgxAe-])(?:{SECRET_VALUE.pattern})", re.VERBOSE)
"""The same, ten times faster: the first character alone rules out most places."""
_VALUE_MARKS = (
    *("sk-", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "AKIA", "AIza", "eyJ"),
    "-----BEGIN",
)
_FORMS = (
    (("bearer", "basic"), BEARER, rf"\1 {MASK}"),
    (("://",), URL_PASSWORD, rf"\1:{MASK}@"),
    (("key", "secret", "passw", "pwd", "credential", "authorization", "token"), ASSIGNMENT, rf"\1\2{MASK}"),
)
"""What a text holds, whatever the case, in which there may be a secret of a form; the form; what takes its place. To
look for the first takes a hundredth of the time."""
_ALIKE = "\u0131"
"""A letter that patterns take for an i, and nobody else does."""
_SEAM = re.compile(r"(?<=[^\s=:rRcC])\n(?=[^\s=:])")
"""An end of a line that no secret goes across, nor what gives it away: no separator is near, and no `Bearer`."""

PROGRESS_TOKENS = frozenset({"workdonetoken", "partialresulttoken", "work_done_token", "partial_result_token"})
MIN_KNOWN_SECRET = 6
MIN_TELLING = 4
"""Fewer of a secret's first characters tell nothing."""
MIN_BASE64 = 8
"""Less of base64 may as well stand for something else."""
MAX_DEPTH = 8
_URL_SAFE = str.maketrans("+/", "-_")


class _Values:
    """Texts that are masked wherever they occur; may be used from any thread."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._by_length: tuple[str, ...] = ()
        self._by_name: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        forms = {form for secret in secrets if len(secret) >= MIN_KNOWN_SECRET for form in _forms(secret)}
        with self._lock:
            if forms.issubset(self._by_name):
                return
            forms.update(self._by_name)
            # Longer ones first, so that a secret that contains another one is masked whole.
            self._by_length = tuple(sorted(forms, key=len, reverse=True))
            self._by_name = tuple(sorted(forms))

    def __len__(self) -> int:
        return len(self._by_name)

    def begun(self, text: str) -> int:
        by_name = self._by_name
        longest = min(len(self._by_length[0]), len(text)) if by_name else 0
        for length in range(longest, MIN_TELLING - 1, -1):
            end = text[-length:]
            at = bisect_left(by_name, end)
            if at < len(by_name) and by_name[at].startswith(end):
                return length
        return 0

    def mask(self, text: str) -> str:
        # A search for each is many times faster than one for a pattern of all of them.
        for value in self._by_length:
            if value in text:
                text = text.replace(value, MASK)
        return text


def _forms(secret: str) -> set[str]:
    """How a secret may be written: as it is, in JSON, also within JSON, in Python, in URLs, in HTML, and in base64."""
    data = secret.encode("utf-8", "surrogatepass")
    escaped = json.dumps(secret)[1:-1]
    quoted = {secret.replace("\\", "\\\\").replace("'", "\\'"), repr(secret)[1:-1], ascii(secret)[1:-1]}
    written = {
        secret,
        escaped,
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(escaped)[1:-1],
        repr(data)[2:-1],
        repr(data)[2:-1].replace("'", "\\'"),
        quote(data),
        quote(data, safe=""),
        quote_plus(data),
        html.escape(secret),
        html.escape(secret, quote=False),
    }
    return {form for form in (*written, *quoted, *_in_base64(data)) if len(form) >= MIN_KNOWN_SECRET}


def _in_base64(data: bytes) -> Iterator[str]:
    """What base64 makes of it whatever stands before and behind it: three ways to be cut into groups of three bytes."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + data).decode()
        inner = encoded[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        if len(inner) >= MIN_BASE64:
            yield inner
            yield inner.translate(_URL_SAFE)


# One for the process, as its loggers are: a key that one daemon learns must not appear in what another one logs.
_learned = _Values()


def learn(secret: str) -> None:
    """Mask a value from now on in everything that any `Redactor` of this process sees, also in its written forms."""
    _learned.add(secret)


def names_secret(name: str) -> bool:
    """Return whether a field of this name holds a secret; LSP's progress tokens don't."""
    if name.rpartition(".")[2].lower() in PROGRESS_TOKENS:
        return False
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return SECRET_NAME.search(snake) is not None


def looks_secret(text: str) -> bool:
    """Return whether a text holds a secret that was learnt, or something in the form of a known kind of credential."""
    return _learned.mask(text) != text or SECRET_VALUE.search(text) is not None or BEARER.search(text) is not None


def _by_look(text: str, *, values_only: bool = False) -> str:
    """Mask what looks like a secret, step by step."""
    if "-----BEGIN" in text:
        text = PRIVATE_KEY.sub(MASK, text)
    return "".join(_step(piece, values_only=values_only) for piece in _pieces(text))


def _pieces(text: str) -> Iterator[str]:
    begin = 0
    while len(text) - begin > STEP_CHARACTERS and (seam := _SEAM.search(text, begin + STEP_CHARACTERS)) is not None:
        yield text[begin : seam.end()]
        begin = seam.end()
    yield text[begin:]


def _step(text: str, *, values_only: bool) -> str:
    folded = text.casefold()
    if any(mark in text for mark in _VALUE_MARKS):
        text = _ANY_VALUE.sub(MASK, text)
    if not values_only:
        for hints, pattern, mask in _FORMS:
            if _ALIKE in folded or any(hint in folded for hint in hints):
                text = pattern.sub(mask, text)
    return text


class Redactor:
    """Masks secrets in values on their way to a log."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """Learn the values of environment variables whose names mark them as secrets."""
        env = os.environ if environment is None else environment
        # A setting that names the place of a secret must be named in messages about it.
        self._known = _Values(
            value for name, value in env.items() if names_secret(name) and not SECRET_REFERENCE.fullmatch(value)
        )

    def text(self, text: str) -> str:
        """Return the text with every recognised secret masked."""
        return _by_look(_learned.mask(self._known.mask(text)))

    @property
    def known(self) -> int:
        """How many values of secrets are known; it only grows, so that it tells whether there are new ones."""
        return len(self._known) + len(_learned)

    def without_known(self, text: str) -> str:
        """Return the text with the secrets masked whose values are known, whatever looks like one."""
        return _learned.mask(self._known.mask(text))

    def begun(self, text: str) -> int:
        """Return how many characters at the end of a text are a known secret's beginning, or the whole of one."""
        return max(self._known.begun(text), _learned.begun(text))

    def hides(self, name: str) -> bool:
        """Return whether the value of a field is masked on account of its name, whatever it looks like."""
        return names_secret(name)

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
        """Return the mapping with secrets masked by name and by look; its own names, at depth 0, are the program's."""
        if depth > MAX_DEPTH:
            return {}
        return {
            self.text(str(k)) if depth else str(k): MASK
            if self.hides(str(k)) and v is not None
            else self.value(v, depth)
            for k, v in mapping.items()
        }


class ValueRedactor(Redactor):
    """Masks known secrets and what looks like one; a name before a value means nothing.

    For code and specifications, in which `token: str` is a type and no secret.
    """

    def text(self, text: str) -> str:
        """Return the text with every recognised secret masked."""
        return _by_look(_learned.mask(self._known.mask(text)), values_only=True)

    def hides(self, name: str) -> bool:  # noqa: ARG002 - see the class.
        """Return False."""
        return False
