"""Masks secrets in a text that arrives in pieces, so that none slips through cut in two."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Protocol, cast

import regex

from ckit_daemon.redaction import CREDENTIALS, MASK, SECRET_VALUE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckit_daemon.redaction import Redactor


class _Match(Protocol):
    partial: bool

    def start(self) -> int: ...

    def end(self) -> int: ...


class _Pattern(Protocol):
    def finditer(self, string: str, *, partial: bool) -> Iterator[_Match]: ...


# The standard library's `re` can't say whether more text could complete a match; `regex`, which tiktoken needs anyway,
# can.
_SECRET: Final = cast("_Pattern", regex.compile(SECRET_VALUE.pattern, regex.VERBOSE))
_OPEN: Final = re.compile(
    rf"""(?ix)
    (?: (?:{CREDENTIALS}|token)['"]?\s*[=:]\s*['"]? (?P<value>[^\s'",;&}}]+)
      | \b(?:bearer|basic)\s+ (?P<credentials>[A-Za-z0-9._~+/=-]+)
      | \b[a-z][a-z0-9+.-]{{0,63}}://[^\s:/@]*: (?P<password>[^\s/@]+)
    )\Z"""
)
"""Values that are masked because of what stands before them, and may not be over yet."""
_MAX_WINDOW: Final = 256
_CONTEXT: Final = 96
"""Text that is kept because what follows may be a secret on account of it."""
_MIN_PART: Final = 8
"""Fewer of a secret's first characters may as well be a word."""
_MAX_HELD: Final = 4096
_HELD_ENDS: Final = 64


class StreamMasker:
    """Gives out a text as soon as no part of it can belong to a secret any more.

    Nothing is held back but what could be the beginning of a secret, so ordinary words pass without delay.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._window = ""
        self._done = 0
        """Characters of the window that were given out."""
        self._shown = ""
        """As what they were given out."""

    def push(self, text: str) -> str:
        """Take the next piece and return what may be shown now."""
        self._window += text
        shown = self._advance(max(self._done, self._open_from()))
        self._forget()
        return shown

    def finish(self) -> str:
        """Return the rest; nothing follows.

        A text may break off in the middle of a secret; most of one tells as much as all of it.
        """
        begin, end = self._begun_from(), len(self._window)
        rest = self._window[begin:]
        if end - begin >= _MIN_PART and self._redactor.text(rest) == rest:
            return self._advance(max(begin, self._done)) + MASK
        return self._advance(end)

    def _advance(self, end: int) -> str:
        if end == self._done:
            return ""
        masked = self._redactor.text(self._window[:end])
        self._done = end
        shown, self._shown = self._shown, masked
        if masked.startswith(shown):
            return masked[len(shown) :]
        # A known secret was recognized only after its first characters were out.
        pairs = enumerate(zip(shown, masked, strict=False))
        same = next((at for at, (old, new) in pairs if old != new), len(masked))
        return masked[same:]

    def _open_from(self) -> int:
        """Where the first secret begins that more text could complete; the end of the window without one."""
        opened = _OPEN.search(self._window)
        start = self._begun_from()
        return start if opened is None else min(start, opened.start(opened.lastgroup or 0))

    def _begun_from(self) -> int:
        """The same for secrets that are known by themselves and not by what stands before them."""
        text, end = self._window, len(self._window)
        starts = [end - self._redactor.begun(text)]
        starts += (
            found.start() for found in _SECRET.finditer(text, partial=True) if found.partial or found.end() == end
        )
        return min(starts)

    def _forget(self) -> None:
        held = len(self._window) - self._done
        if held == 0 and self._done > _MAX_WINDOW:
            self._window = self._window[-_CONTEXT:]
            self._done = len(self._window)
            self._shown = self._redactor.text(self._window)
        elif held > _MAX_HELD:
            # It is a secret by now, however long it goes on: its ends tell where it stops.
            begin = self._window[self._done : self._done + _HELD_ENDS]
            self._window = self._window[: self._done] + begin + self._window[-_HELD_ENDS:]
