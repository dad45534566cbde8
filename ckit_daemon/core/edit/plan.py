"""What an edit does to the files of a repository, before anybody writes one."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import SequenceMatcher, unified_diff
from typing import TYPE_CHECKING, Literal

from ckit_daemon.core.text import START, Position, Range, TextEdit, lines_with_ends, split_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that an editor does to carry out a plan."""

    kind: Literal["make", "change", "rename", "delete"]
    path: str
    new_path: str = ""
    edits: tuple[TextEdit, ...] = ()


@dataclass(frozen=True, slots=True)
class EditPlan:
    """A change of a repository. All paths are relative to it; ranges are those of the texts in `before`."""

    before: Mapping[str, str] = field(default_factory=dict[str, str])
    """The present text of every file that is changed, renamed or deleted."""
    after: Mapping[str, str] = field(default_factory=dict[str, str])
    """The new text of every changed file, by its present path."""
    creates: Mapping[str, str] = field(default_factory=dict[str, str])
    renames: tuple[tuple[str, str], ...] = ()
    """Old and new paths; a renamed file may be changed too."""
    deletes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def edits(self) -> Mapping[str, tuple[TextEdit, ...]]:
        """The smallest edits of each changed file, by its present path."""
        return {path: edits_between(self.before[path], new) for path, new in self.after.items()}

    def steps(self) -> Iterator[Step]:
        """Yield what an editor has to do, in an order in which it can: make files, change them, rename, delete."""
        for path, text in self.creates.items():
            yield Step("make", path)
            yield Step("change", path, edits=(TextEdit(START, text),))
        for path, edits in self.edits.items():
            yield Step("change", path, edits=edits)
        for old, new in self.renames:
            yield Step("rename", old, new)
        for path in self.deletes:
            yield Step("delete", path)

    def changes(self) -> Iterator[tuple[str, str | None, str | None]]:
        """Yield path, new text (None: no file) and the text that must be there now (None: no file)."""
        moved = dict(self.renames)
        for path, old in self.before.items():
            if path in self.deletes:
                yield path, None, old
            elif path in moved:
                yield path, None, old
                yield moved[path], self.after.get(path, old), None
            else:
                yield path, self.after[path], old
        for path, new in self.creates.items():
            yield path, new, None

    def lines(self, path: str) -> list[str]:
        """The lines of a file that the ranges of its edits are in; none of a file that is made."""
        return split_lines(self.before[path]) if path in self.before else []

    def unified_diff(self) -> str:
        """The plan as a patch that people can read, in the format of Git."""
        moved = dict(self.renames)
        parts = [_diff(path, None, None, new) for path, new in self.creates.items()]
        for path, old in self.before.items():
            if path in self.deletes:
                parts.append(_diff(None, path, old, None))
            else:
                parts.append(_diff(moved.get(path, path), path, old, self.after.get(path, old)))
        return "".join(parts)


def edits_between(old: str, new: str) -> tuple[TextEdit, ...]:
    """The edits that turn `old` into `new`: the changed part of each run of changed lines."""
    if old == new:
        return ()
    old_lines, new_lines = lines_with_ends(old), lines_with_ends(new)
    head = _common(old_lines, new_lines)
    tail = _common(old_lines[head:][::-1], new_lines[head:][::-1])
    middle_old, middle_new = old_lines[head : len(old_lines) - tail], new_lines[head : len(new_lines) - tail]
    edits: list[TextEdit] = []
    matcher = SequenceMatcher(None, middle_old, middle_new)
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag != "equal":
            replacement = "".join(middle_new[new_start:new_end])
            edits.append(_edit(old_lines, head + start, head + end, replacement))
    return tuple(edits)


def _edit(lines: list[str], start: int, end: int, new: str) -> TextEdit:
    old = "".join(lines[start:end])
    prefix = _common(old, new)
    # A position between CR and LF is none in LSP.
    if prefix and old[prefix - 1] == "\r":
        prefix -= 1
    suffix = _common(old[prefix:][::-1], new[prefix:][::-1])
    if suffix and old[-suffix] == "\n" and (old[: len(old) - suffix].endswith("\r") or new[:-suffix].endswith("\r")):
        suffix -= 1
    where = Range(_position(lines, start, prefix), _position(lines, start, len(old) - suffix))
    return TextEdit(where, new[prefix : len(new) - suffix])


def _position(lines: list[str], line: int, offset: int) -> Position:
    while line < len(lines) and offset >= len(lines[line]) and lines[line].endswith(("\n", "\r")):
        offset -= len(lines[line])
        line += 1
    if line == len(lines) and lines and not lines[-1].endswith(("\n", "\r")):
        return Position(line - 1, len(lines[-1]) + offset)
    return Position(line, offset)


def _common(left: str | list[str], right: str | list[str]) -> int:
    count = 0
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        count += 1
    return count


def _diff(new_path: str | None, old_path: str | None, old: str | None, new: str | None) -> str:
    from_name = "/dev/null" if old_path is None else f"a/{old_path}"
    to_name = "/dev/null" if new_path is None else f"b/{new_path}"
    parts: list[str] = []
    if old_path is not None and new_path is not None and old_path != new_path:
        parts.append(f"rename from {old_path}\nrename to {new_path}\n")
    for line in unified_diff(lines_with_ends(old or ""), lines_with_ends(new or ""), from_name, to_name):
        parts += (line,) if line.endswith("\n") else (line, "\n\\ No newline at end of file\n")
    return "".join(parts)
