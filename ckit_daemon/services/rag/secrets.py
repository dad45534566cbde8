"""Keeps secrets out of passages, and out of the way of the many texts that hold none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ckit_daemon.redaction import ASSIGNMENT, BEARER, MASK, SECRET_VALUE, URL_PASSWORD, ValueRedactor, names_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_WORD: Final = re.compile(r"[A-Za-z]+(?:[-_./@][A-Za-z]+)*[.:,;)\]`*]*")
_REFERENCE: Final = re.compile(r"(?:env|keyring|client):")
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]*=['\"]?")
"""Begins what a shell puts into a variable; in sentences nobody writes so."""
_PLACEHOLDER: Final = re.compile(
    r"(?:[a-z]+:)?//.*|\$[A-Z_][A-Z0-9_]*|\$[{(].*|\{\{.*|<.*|(?i:change[-_]?me|example|placeholder|your[-_].*|(.)\1*)"
)
"""Stands for a secret, or says where there is one: `$TOKEN`, `<token>`, `xxxxxx`, an address."""
_MIN_VALUE: Final = 6
_NAMES: Final = tuple(
    [f"{first}{joint}key" for first in ("api", "access", "private") for joint in ("", "_", "-")]
    + ["secret", "password", "passwd", "pwd", "credential", "authorization", "token"]
)


def _tells(value: str, *, in_variable: bool = False) -> bool:
    """Whether a value reads like a secret: like no placeholder; outside of variables like no word, number or date."""
    if len(value) < _MIN_VALUE or _PLACEHOLDER.fullmatch(value):
        return False
    return in_variable or (not _WORD.fullmatch(value) and any(map(str.isalpha, value)))


def _names_secrets(name: str) -> bool:
    """Whether a name is that of a secret, or of several; tokens in the plural are mostly those of texts and designs."""
    one = name.removesuffix("s")
    return names_secret(name) or (not one.lower().endswith("token") and names_secret(one))


def _mask_value(found: re.Match[str]) -> str:
    """Mask what is assigned, unless it reads like a word or names where the secret is kept."""
    text = found[0]
    value = found.string[found.end(found.re.groups) : found.end()].lstrip()
    in_variable = _VARIABLE.match(text) is not None
    if not _tells(value, in_variable=in_variable) or MASK in text or _REFERENCE.match(value):
        return text
    return f"{text.removesuffix(value)}{MASK}"


_FORMS: Final[tuple[tuple[tuple[str, ...], re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]] = (
    (("sk-",), re.compile(r"\bsk-[A-Za-z0-9_-]{8,}"), MASK),
    (
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "akia", "aiza", "eyj", "-----begin"),
        SECRET_VALUE,
        MASK,
    ),
    (("bearer", "basic"), BEARER, _mask_value),
    (("://",), URL_PASSWORD, rf"\1:{MASK}@"),
    (_NAMES, ASSIGNMENT, _mask_value),
)
"""Forms of secrets: what a text holds in lower case in which there may be some, their pattern, what takes their place.
To look for the first is twenty times faster than to search for the second."""


class PassageRedactor(ValueRedactor):
    """Masks known secrets, what looks like one, and what is assigned to the name of one and reads like no word.

    Specifications speak of tokens and passwords all the time: `token: str` and "basic authentication" are no secrets,
    `password: hunter2` is one.
    """

    def text(self, text: str) -> str:
        """Return the text with every recognised secret masked."""
        text = self.without_known(text)
        lower = text.lower()
        for hints, pattern, mask in _FORMS:
            if any(hint in lower for hint in hints):
                text = pattern.sub(mask, text)
        return text

    def field(self, names: Sequence[str], text: str) -> str:
        """Return the value of a field with every recognised secret masked, also one that only a name gives away.

        Args:
            names: of the field and of all above it.
            text: its value.
        """
        is_secret = len(text.split()) == 1 and _tells(text.strip()) and any(map(_names_secrets, names))
        return MASK if is_secret and "://" not in text and not _REFERENCE.match(text) else self.text(text)

    def may_mask(self, text: str) -> bool:
        """Return whether there may be something to mask in the values of a file, from its text as it is written."""
        # An escape in YAML or JSON may stand for any character, and a name for a secret may be part of another name.
        lower = text.lower()
        return "\\" in text or any(name in lower for name in _NAMES) or self.text(text) != text
