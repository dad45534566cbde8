"""What stands at a place of YAML text that somebody is typing, and what may come there.

A parser reads whole documents; a person types half ones. So this goes by what people see: the columns where lines
begin, dashes, keys with their colons, brackets and quotes. What it does not understand it passes over, and the next
key further to the left is understood again: a bracket or a quote that nothing closes ends there.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

from ckit_daemon.core.text import Position, Range, split_lines
from ckit_daemon.core.yaml.places import Cursor, Outline, Role, Scalar
from ckit_daemon.core.yaml.tree import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ckit_daemon.core.json import Path

__all__ = ["Cursor", "Outline", "Role", "Scalar", "cursor_at", "outline"]

_PLAIN_START: Final = r"(?:[^\s\-?:,\[\]{}#&*!|>'\"%@`]|[-?:](?=\S))"
# Two quotes in a row are one within the text: taken back, the first of them would end it.
_QUOTED: Final = r"\"(?:[^\"\\]|\\.)*+\"|'(?:[^']|'')*+'"
# Runs of blanks are taken whole: trying each of their parts would take the square of their length.
_IN_KEY: Final = r"(?:[^\s:#]|:(?=\S)|(?<=\S)#|[ \t]++(?![#:]))"
_KEY: Final = re.compile(rf"(?P<key>{_QUOTED}|{_PLAIN_START}{_IN_KEY}*?)[ \t]*+:(?=[ \t]|$)")
_DASH: Final = re.compile(r"-(?=[ \t]|$)[ \t]*")
_PROPERTIES: Final = re.compile(r"(?:[&!][^\s,\[\]{}]*(?:[ \t]+|$))*")
_BLOCK_SCALAR: Final = re.compile(r"[|>][-+0-9]*[ \t]*(?:#.*)?$")
_PLAIN: Final = re.compile(r"(?:[^\s]|[ \t]++(?![#\s]))*")
_FLOW_PLAIN: Final = re.compile(r"(?:[^\s,\[\]{}:]|:(?![\s,\[\]{}]|$)|[ \t]++(?![#\s,\[\]{}:]))+")
_FLOW_PROPERTIES: Final = re.compile(r"(?:[&!][^\s,\[\]{}]*+[ \t]*+)++")
_BEHIND_PROPERTIES: Final = re.compile(r"(?:^|[\s\[{,:])[&!][^\s,\[\]{}]*$")
_QUOTED_SCALAR: Final = re.compile(_QUOTED)
_END_OF_QUOTED: Final = {'"': re.compile(r"(?:[^\"\\]|\\.)*+\""), "'": re.compile(r"(?:[^']|'')*+'")}
_MARKERS: Final = ("---", "...")


def cursor_at(text: str, position: Position) -> Cursor:
    """Tell what stands at a position. Any text will do."""
    return _Scanner(split_lines(text), position).scan()


def outline(text: str) -> Outline:
    """Tell where every key and every value of one line stands. Any text will do."""
    scanner = _Scanner(split_lines(text), Position(-1, 0))
    scanner.scan()
    return Outline(tuple(scanner.places), tuple(scanner.scalars))


class _Flags(TypedDict, total=False):
    quote: str
    has_colon: bool
    in_flow: bool
    column: int
    after_dash: bool


@dataclass(slots=True)
class _Frame:
    """An open mapping or list."""

    column: int
    step: str | int
    filled: bool = False
    """Whether the value at `step` has begun."""


@dataclass(slots=True)
class _Bracket:
    closing: str
    step: str | int
    in_value: bool
    """In a mapping, whether the colon was seen."""


@dataclass(slots=True)
class _Scanner:
    lines: list[str]
    target: Position
    frames: list[_Frame] = field(default_factory=list[_Frame])
    brackets: list[_Bracket] = field(default_factory=list[_Bracket])
    base: Path = ()
    """Where the outermost bracket stands."""
    block: int | None = None
    """The column that the lines of an open block scalar stand to the right of."""
    quote: str = ""
    """The quote of an open scalar."""
    owner: int = -1
    """The column that the lines of an open bracket or quote stand to the right of."""
    found: Cursor | None = None
    keys: dict[Path, list[str]] = field(default_factory=dict["Path", list[str]])
    scalars: list[Scalar] = field(default_factory=list[Scalar])
    places: list[tuple[Path, Range]] = field(default_factory=list[tuple["Path", Range]])

    def scan(self) -> Cursor:
        for number in range(len(self.lines)):
            self._line(number)
            if number == self.target.line and self.found is None:
                self._note(Role.TEXT, (), self.target.column, self.target.column)
        found = self.found
        if found is None:
            return Cursor(Role.NEW, (), Range(self.target, self.target), "")
        if self._is_beside_something(found):
            found = replace(found, role=Role.TEXT, path=())
        return _with_siblings(found, self.keys, self.scalars)

    def _is_beside_something(self, found: Cursor) -> bool:
        """Whether what would be put into a gap would spoil what stands there already."""
        if found.text or found.quote or found.role is Role.TEXT:
            return False
        line, column = self.lines[self.target.line], self.target.column
        before, behind = line[:column].rstrip(" \t"), line[column:].lstrip(" \t")
        if behind and behind[0] not in ("#:,]}" if found.in_flow else "#:"):
            return True
        if found.in_flow:
            # Behind an item, and not behind what comes before one.
            return bool(before) and before[-1] not in "[{,:" and _BEHIND_PROPERTIES.search(before) is None
        return found.role is Role.VALUE and self._goes_on_below(found.path)

    def _goes_on_below(self, path: Path) -> bool:
        """Whether the lines below a key hold its value; another key of the same name may stand anywhere."""
        entries = itertools.chain(self.places, ((scalar.path, scalar.range) for scalar in self.scalars))
        below = ((where.start, found) for found, where in entries if where.start.line > self.target.line)
        _, following = min(below, key=lambda each: each[0], default=(None, ()))
        return len(following) > len(path) and following[: len(path)] == path

    # Lines

    def _line(self, number: int) -> None:
        line = self.lines[number]
        indent = len(line) - len(line.lstrip(" \t"))
        here = number == self.target.line
        blank = indent == len(line)
        if self.block is not None:
            if blank or indent > self.block:
                if here and (not blank or self.target.column > self.block):
                    self._note(Role.TEXT, (), self.target.column, self.target.column)
                elif here:
                    self._gap(self.target.column)
                return
            self.block = None
        if (self.quote or self.brackets) and not self._goes_on(line, indent, blank=blank):
            self.quote, self.brackets = "", []
        if self.quote:
            self._end_quote(line, here=here)
        elif self.brackets:
            self._flow(number, indent)
        elif blank or line[indent] == "#":
            if here and (blank or self.target.column <= indent):
                self._gap(self.target.column)
        elif line.startswith(_MARKERS) and line[3:4] in {"", " "}:
            self.frames.clear()
        else:
            self._block_line(number, line, indent)

    def _goes_on(self, line: str, indent: int, *, blank: bool) -> bool:
        """Whether a line still belongs to what is open."""
        closes = bool(self.brackets) and line[indent : indent + 1] in {"]", "}"}
        return blank or indent > self.owner or closes

    def _end_quote(self, line: str, *, here: bool) -> None:
        if here:
            self._note(Role.TEXT, (), self.target.column, self.target.column)
        if _END_OF_QUOTED[self.quote].match(line):
            self.quote = ""

    def _block_line(self, number: int, line: str, column: int) -> None:
        dashed = False
        while len(self.frames) < MAX_DEPTH and (dash := _DASH.match(line, column)):
            if number == self.target.line and self.target.column <= column and self.found is None:
                self._gap(self.target.column)
            self._dash(column)
            column = dash.end()
            dashed = True
        at_target = number == self.target.line and self.found is None
        if column >= len(line) or line[column] == "#":
            if at_target:
                self._note(Role.NEW, self._path(), self.target.column, self.target.column, after_dash=True)
            return
        if at_target and self.target.column < column:
            if dashed:
                self._note(Role.NEW, self._path(), self.target.column, self.target.column, after_dash=True)
            else:
                self._gap(self.target.column)
        properties = _PROPERTIES.match(line, column)
        start = properties.end() if properties else column
        if key := _KEY.match(line, start):
            self._key(number, line, column, key, dashed=dashed)
        elif dashed or line[start : start + 1] in {"[", "{", '"', "'", "*", "|", ">"} or start >= len(line):
            self._fill(column)
            self._value(number, column, self._path(), self._owner(column), dashed=dashed)
        else:
            self._word(number, line, column)

    def _word(self, number: int, line: str, column: int) -> None:
        """A word on a line of its own: a key whose colon is still to come, or the value of the key above."""
        plain = _PLAIN.match(line, column)
        end = plain.end() if plain else len(line)
        if number == self.target.line and self.found is None:
            if self.target.column <= end:
                self._gap(column, end)
            else:
                self._note(Role.TEXT, (), self.target.column, self.target.column)
            return
        self._fill(column)

    def _key(self, number: int, line: str, column: int, key: re.Match[str], *, dashed: bool) -> None:
        start, end = key.span("key")
        quote = line[start] if line[start] in "\"'" else ""
        name = key["key"][1:-1] if quote else key["key"]
        self._close(column, keep_list=False)
        if not self.frames or self.frames[-1].column != column or isinstance(self.frames[-1].step, int):
            self.frames.append(_Frame(column, name))
        frame = self.frames[-1]
        frame.step, frame.filled = name, False
        parent = self._path()[:-1]
        self.places.append((self._path(), Range(Position(number, start), Position(number, end))))
        here = number == self.target.line and self.found is None
        if here and self.target.column <= key.end() - 1:
            inner = (start + 1, end - 1) if quote else (start, end)
            self._note(Role.KEY, parent, *inner, quote=quote, has_colon=True, column=column, after_dash=dashed)
        else:
            self.keys.setdefault(parent, []).append(name)
        self._value(number, _skip(line, key.end()), self._path(), column)
        frame.filled = frame.filled or bool(self.brackets or self.quote or self.block is not None)

    def _value(self, number: int, column: int, path: Path, owner: int, *, dashed: bool = False) -> None:
        """The value that begins on a line behind a key or a dash."""
        line = self.lines[number]
        here = number == self.target.line and self.found is None
        role = Role.NEW if dashed else Role.VALUE
        properties = _PROPERTIES.match(line, column)
        if properties and self._note_within(number, *properties.span()):
            here = False
        column = properties.end() if properties else column
        first = line[column : column + 1]
        if here and (self.target.column < column or first in {"", "#"}):
            if first == "#" and self.target.column > column:
                self._note(Role.TEXT, (), self.target.column, self.target.column)
            else:
                self._note(role, path, self.target.column, self.target.column, column=owner, after_dash=dashed)
        if first in {"", "#"}:
            return
        self._mark_filled()
        if first in {"|", ">"} and _BLOCK_SCALAR.match(line, column):
            self.block = owner
        elif first in {"[", "{"}:
            self.base, self.owner = path, owner
            self._flow(number, column)
        elif first in {'"', "'"}:
            self._quoted(number, column, role, path, owner, dashed=dashed)
        else:
            plain = _PLAIN.match(line, column)
            end = plain.end() if plain else len(line)
            self._scalar(number, column, end, role, path, column=owner, after_dash=dashed)

    def _quoted(self, number: int, column: int, role: Role, path: Path, owner: int, *, dashed: bool) -> None:
        line = self.lines[number]
        whole = _QUOTED_SCALAR.match(line, column)
        end = whole.end() - 1 if whole else len(line)
        if whole is None:
            self.quote, self.owner = line[column], owner
        self._scalar(number, column + 1, end, role, path, column=owner, after_dash=dashed, quote=line[column])

    def _note_within(self, number: int, start: int, end: int) -> bool:
        """Note a place within an anchor or a tag; return whether it is there."""
        at = self.target.column
        is_within = number == self.target.line and self.found is None and start < at <= end
        if is_within and (at < end or self.lines[number][at - 1] not in " \t"):
            self._note(Role.TEXT, (), at, at)
            return True
        return False

    def _scalar(self, number: int, start: int, end: int, role: Role, path: Path, **flags: Unpack[_Flags]) -> None:
        """A scalar with its place; what is behind it on the line is nothing."""
        quote = flags.get("quote", "")
        if number == self.target.line and self.found is None and self.target.column <= end + len(quote):
            self._note(role, path, start, end, **flags)
        else:
            where = Range(Position(number, start), Position(number, end))
            self.scalars.append(Scalar(path, where, self.lines[number][start:end], quote))

    # Brackets

    def _flow(self, number: int, column: int) -> None:
        line = self.lines[number]
        here = number == self.target.line
        while True:
            begin = column
            column = _skip(line, column)
            if here and self.found is None and self.target.column < column:
                self._flow_gap()
            if column >= len(line) or (line[column] == "#" and (column == 0 or column > begin)):
                if here and self.found is None and self.brackets and self.target.column <= column:
                    self._flow_gap()
                return
            character = line[column]
            if here and self.found is None and self.brackets and self.target.column <= column and character in "],}":
                self._flow_gap()
            if character in "[{" and len(self.brackets) == MAX_DEPTH:
                # Nobody has typed this.
                self.brackets.clear()
                return
            if character in "[{":
                self.brackets.append(_Bracket("]" if character == "[" else "}", 0 if character == "[" else "", False))
                column += 1
            elif character in "]}":
                self.brackets.pop()
                column += 1
                if not self.brackets:
                    return
            elif character == ",":
                self._next_item()
                column += 1
            elif character == ":":
                self.brackets[-1].in_value = True
                column += 1
            else:
                column = self._flow_scalar(number, column)

    def _next_item(self) -> None:
        bracket = self.brackets[-1]
        bracket.step = bracket.step + 1 if isinstance(bracket.step, int) else ""
        bracket.in_value = False

    def _flow_scalar(self, number: int, column: int) -> int:
        line = self.lines[number]
        if properties := _FLOW_PROPERTIES.match(line, column):
            self._note_within(number, *properties.span())
            return properties.end()
        quote = line[column] if line[column] in "\"'" else ""
        match = (_QUOTED_SCALAR if quote else _FLOW_PLAIN).match(line, column)
        after = match.end() if match else len(line) if quote else column + 1
        start, end = (column + 1, after - bool(match)) if quote else (column, after)
        bracket = self.brackets[-1]
        if isinstance(bracket.step, str) and not bracket.in_value:
            name = line[start:end]
            bracket.step = name
            colon = _skip(line, after)
            parent = self._flow_path()[:-1]
            self.places.append((self._flow_path(), Range(Position(number, column), Position(number, after))))
            if number == self.target.line and self.found is None and self.target.column <= end + bool(quote):
                has_colon = line[colon : colon + 1] == ":"
                self._note(Role.KEY, parent, start, end, quote=quote, in_flow=True, has_colon=has_colon)
            else:
                self.keys.setdefault(parent, []).append(name)
        else:
            path = self._flow_path()
            self._scalar(number, start, end, Role.VALUE, path, column=self.owner, quote=quote, in_flow=True)
        return after

    def _flow_gap(self) -> None:
        if not self.brackets:
            return
        bracket = self.brackets[-1]
        path = self._flow_path()
        is_key = isinstance(bracket.step, str) and not bracket.in_value
        place = self.target.column
        self._note(Role.KEY if is_key else Role.VALUE, path[:-1] if is_key else path, place, place, in_flow=True)

    def _flow_path(self) -> Path:
        return (*self.base, *(bracket.step for bracket in self.brackets))

    # Blocks

    def _path(self) -> Path:
        return tuple(frame.step for frame in self.frames)

    def _dash(self, column: int) -> None:
        self._close(column, keep_list=True)
        if self.frames and self.frames[-1].column == column and isinstance(step := self.frames[-1].step, int):
            self.frames[-1].step, self.frames[-1].filled = step + 1, False
            return
        self._mark_filled()
        self.frames.append(_Frame(column, 0))

    def _close(self, column: int, *, keep_list: bool) -> None:
        """Leave what stands further to the right; a list may stand below the first letter of its key."""
        frames = self.frames
        while frames and (
            frames[-1].column > column
            or (frames[-1].column == column and isinstance(frames[-1].step, int) and not keep_list)
        ):
            frames.pop()

    def _mark_filled(self) -> None:
        if self.frames:
            self.frames[-1].filled = True

    def _fill(self, column: int) -> None:
        """A line that is neither key nor dash belongs to what is open to the left of it."""
        while self.frames and self.frames[-1].column >= column:
            self.frames.pop()
        self._mark_filled()

    def _owner(self, column: int) -> int:
        return self.frames[-1].column if self.frames else min(column, 0) - 1

    def _gap(self, column: int, end: int | None = None) -> None:
        """A place where a line begins, or a word that does: what may come there depends on its column."""
        frames = [frame for frame in self.frames if frame.column <= column]
        end = column if end is None else end
        path = tuple(frame.step for frame in frames)
        if not frames:
            self._note(Role.KEY, (), column, end)
            return
        last = frames[-1]
        if last.column == column and isinstance(last.step, int) and len(frames) > 1 and frames[-2].column == column:
            # Dashes below the first letter of their key: a new key is more likely than another dash.
            frames.pop()
            path, last = path[:-1], frames[-1]
        if last.column == column:
            if isinstance(last.step, str):
                self._note(Role.KEY, path[:-1], column, end, column=column)
            else:
                self._note(Role.NEW, path[:-1], column, end, column=column)
        elif last.filled:
            self._note(Role.TEXT, (), column, end)
        else:
            self._note(Role.NEW, path, column, end, column=column)

    def _note(self, role: Role, path: Path, start: int, end: int, **flags: Unpack[_Flags]) -> None:
        line = self.target.line
        where = Range(Position(line, start), Position(line, end))
        self.found = Cursor(role, path, where, self.lines[line][start:end], **flags)


def _skip(line: str, column: int) -> int:
    while column < len(line) and line[column] in " \t":
        column += 1
    return column


def _with_siblings(found: Cursor, keys: Mapping[Path, list[str]], scalars: Iterable[Scalar]) -> Cursor:
    in_list = bool(found.path) and isinstance(found.path[-1], int)
    items = {
        scalar.text
        for scalar in (scalars if in_list else ())
        if len(scalar.path) == len(found.path) and scalar.path[:-1] == found.path[:-1]
    }
    return replace(found, keys=frozenset(keys.get(found.path, ())), items=frozenset(items))
