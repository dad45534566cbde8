"""Positions in text, in the units that editors use.

Inside the engine a column counts Unicode code points, as Python strings do. The wire speaks the encoding that was
negotiated (LSP 3.17, `PositionEncodingKind`), so columns are converted once, at the boundary, with the line at hand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Position(NamedTuple):
    """A place between two characters: line and column, both 0-based, the column in code points."""

    line: int
    column: int


class Range(NamedTuple):
    """A half-open stretch of text."""

    start: Position
    end: Position


_LINES: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")

START = Range(Position(0, 0), Position(0, 0))
"""The beginning of a document: for findings about a file that has no better place."""


@dataclass(frozen=True, slots=True)
class Location:
    """A range in a file; `path` is relative to the repository, with forward slashes."""

    path: str
    range: Range


@dataclass(frozen=True, slots=True)
class TextEdit:
    """A replacement of one range; an empty range inserts, an empty text deletes."""

    range: Range
    new_text: str


class PositionEncoding(StrEnum):
    """The units of a column on the wire."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    UTF32 = "utf-32"

    def encode_column(self, line: str, column: int) -> int:
        """Convert a code-point column of `line` to this encoding's units."""
        if self is PositionEncoding.UTF32 or line.isascii():
            return column
        prefix = line[:column]
        if self is PositionEncoding.UTF8:
            return len(prefix.encode("utf-8", "surrogatepass"))
        return len(prefix) + sum(character > "\uffff" for character in prefix)

    def decode_column(self, line: str, units: int) -> int:
        """Convert a column in this encoding's units to code points; what lies behind the line's end is its end.

        A column inside of a character means the place before it.
        """
        if self is PositionEncoding.UTF32 or line.isascii():
            return min(units, len(line))
        seen = 0
        for column, character in enumerate(line):
            seen += self.encode_column(character, 1)
            if seen > units:
                return column
        return len(line)

    def encode_position(self, position: Position, lines: Sequence[str]) -> tuple[int, int]:
        """The line and the column of a position in this encoding's units; behind the last line columns stay."""
        line, column = position
        return line, self.encode_column(lines[line], column) if line < len(lines) else column

    def decode_position(self, line: int, units: int, lines: Sequence[str]) -> Position:
        """The position of a line and a column in this encoding's units, moved into the text where it is outside."""
        if line >= len(lines):
            return Position(len(lines) - 1, len(lines[-1]))
        return Position(line, self.decode_column(lines[line], units))


def sentence(text: str) -> str:
    """`text` with a capital letter at its beginning and a full stop at its end, where it has none."""
    end = "" if text.endswith((".", "!", "?")) else "."
    return f"{text[:1].upper()}{text[1:]}{end}"


def split_lines(text: str) -> list[str]:
    """Split at LF, CRLF and CR as LSP does, without the terminators; always at least one line."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.split("\n")


def lines_with_ends(text: str) -> list[str]:
    """Split where `split_lines` does and keep the terminators, so that joining the lines gives the text again."""
    return _LINES.findall(text)


def position_at(text: str, offset: int) -> Position:
    """The position of the character at `offset`."""
    lines = split_lines(text[:offset])
    return Position(len(lines) - 1, len(lines[-1]))


def apply_edits(text: str, edits: Iterable[TextEdit]) -> str:
    """Return `text` with all `edits` made; every byte outside their ranges stays as it is.

    Raises:
        ValueError: two edits overlap, which would make the result depend on their order.

    """
    starts = [0, *accumulate(map(len, lines_with_ends(text)))]

    def offset(position: Position) -> int:
        if position.line >= len(starts):
            return len(text)
        return min(starts[position.line] + position.column, len(text))

    spans: Sequence[tuple[int, int, str]] = sorted(
        (offset(edit.range.start), offset(edit.range.end), edit.new_text) for edit in edits
    )
    pieces: list[str] = []
    cursor = 0
    for start, end, new_text in spans:
        if start < cursor:
            raise ValueError("edits overlap")
        pieces += (text[cursor:start], new_text)
        cursor = end
    pieces.append(text[cursor:])
    return "".join(pieces)
