"""Where texts mention entities by their ids."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.text import Position, Range

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_TELLING: Final = re.compile(r"(?=.*[^\W\d_])(?=.*[\d._-]).*", re.DOTALL)
_WORD: Final = re.compile(r"[^\W_](?:[\w.-]*\w)?")


def is_telling(identifier: str) -> bool:
    """Whether an id can't be mistaken for a word of the language: letters with digits, hyphens or dots."""
    return _TELLING.fullmatch(identifier) is not None


def whole_words(words: Iterable[str]) -> re.Pattern[str]:
    """A pattern for ids as whole words: `FEAT-1` stands neither in `FEAT-10` nor in `XFEAT-1` nor in `FEAT-1-plan`."""
    # The longest alternative goes first, since a file's name begins with the id.
    listed = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?:{listed})(?!-?\w)")


def mentions(pattern: re.Pattern[str], lines: Sequence[str]) -> Iterator[Range]:
    """Yield the places where a text mentions one of a pattern's words."""
    for number, line in enumerate(lines):
        for match in pattern.finditer(line):
            yield Range(Position(number, match.start()), Position(number, match.end()))


def words_in(lines: Sequence[str]) -> Iterator[tuple[str, Range]]:
    """Yield everything in a text that could be an id, with its place."""
    for number, line in enumerate(lines):
        for match in _WORD.finditer(line):
            yield match[0], Range(Position(number, match.start()), Position(number, match.end()))


def word_at(line: str, position: Position) -> tuple[str, Range] | None:
    """What could be an id at a position of a line; its end belongs to it."""
    for match in _WORD.finditer(line):
        if match.start() <= position.column <= match.end():
            return match[0], Range(position._replace(column=match.start()), position._replace(column=match.end()))
    return None
