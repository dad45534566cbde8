"""Which fields a template asks for, and which of them no schema knows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.shapes import child, items
from ckit_daemon.core.templates.engine import HELPERS
from ckit_daemon.core.templates.scan import Tag, Word, scan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckit_daemon.core.shapes import Shape


BUILT_IN: Final = {"if", "unless", "each", "with", "lookup"} | HELPERS.keys()
PARTIALS: Final = {"#>", "#*", ">"}
_SEGMENT: Final = re.compile(r"\.\.|\[([^\]]*)\]|[^./\[\]]+|\.")


@dataclass(frozen=True, slots=True)
class UnknownField:
    """A field that a template asks for in vain, at its first place."""

    path: str
    start: int
    end: int


@dataclass(slots=True)
class _Frame:
    """A block: what `this` is in it. A transparent one (`if`) leaves `this` as it is."""

    shape: Shape
    label: str
    transparent: bool = False
    params: dict[str, tuple[Shape, str]] = field(default_factory=dict[str, "tuple[Shape, str]"])


def unknown_fields(source: str, root: Shape, provided: Mapping[str, Shape]) -> Iterator[UnknownField]:
    """Yield the fields that a template reads though no schema of `root` knows them, each once.

    `provided` are the values that the rendering adds to the fields of the entity.
    """
    walk = _Walk(root, provided)
    for item in scan(source):
        if isinstance(item, Tag):
            yield from walk.enter(item)


class _Walk:
    def __init__(self, root: Shape, provided: Mapping[str, Shape]) -> None:
        self._root = root
        self._provided = provided
        self._frames = [_Frame(root, "")]
        self._reported: set[str] = set()
        self._unknown: list[UnknownField] = []

    def enter(self, tag: Tag) -> Iterator[UnknownField]:
        self._unknown = []
        if tag.opener == "/":
            if len(self._frames) > 1:
                self._frames.pop()
        else:
            self._read(tag)
        yield from self._unknown

    def _read(self, tag: Tag) -> None:
        words = tag.words
        if tag.opener == "else":
            # The other branch of a block sees what stands around the block.
            if len(self._frames) > 1:
                outer = self._frames[-2]
                self._frames[-1] = _Frame(outer.shape, outer.label, transparent=True)
            for word in words:
                if not word.called:
                    self._resolve(word)
            return
        if tag.opener in PARTIALS:
            if tag.opener != ">":
                self._frames.append(_Frame(None, tag.name))
            return
        values = [self._resolve(word) for word in words if not word.called and word.text not in BUILT_IN]
        if tag.opener in {"#", "^"}:
            self._frames.append(self._frame(tag, values))

    def _frame(self, tag: Tag, values: list[tuple[Shape, str]]) -> _Frame:
        current = self._frames[-1]
        shape, label = values[0] if values else (None, "")
        if tag.name in {"if", "unless"} or tag.opener == "^" or not values:
            return _Frame(current.shape, current.label, transparent=True)
        if any(word.called for word in tag.words[1:]):
            # A subexpression may give anything.
            return _Frame(None, label)
        if tag.name == "each":
            shape, label = items(shape), f"{label}[]"
        elif tag.name != "with":
            if len(tag.words) > 1:
                return _Frame(None, label)
            within = items(shape)
            shape, label = (within, f"{label}[]") if within else (shape, label)
        params = {name: (shape if index == 0 else None, label) for index, name in enumerate(tag.params)}
        return _Frame(shape, label, params=params)

    def _resolve(self, word: Word) -> tuple[Shape, str]:
        """The shape of the value that a word names, and a label for it."""
        shape, label, segments = self._start(word.text)
        for segment in segments:
            if shape is None:
                return None, label
            at_root = label == ""
            label = f"{label}.{segment}".removeprefix(".")
            found = child(shape, segment)
            if found == () and at_root and segment in self._provided:
                found = self._provided[segment]
            if found == ():
                if label not in self._reported:
                    self._reported.add(label)
                    self._unknown.append(UnknownField(label, word.start, word.start + len(word.text)))
                return None, label
            shape = found
        return shape, label

    def _start(self, text: str) -> tuple[Shape, str, list[str]]:
        segments = [match[1] if match[1] is not None else match[0] for match in _SEGMENT.finditer(text)]
        segments = [segment for segment in segments if segment not in {".", "this"}]
        if text.startswith("@"):
            return (self._root, "", segments[1:]) if segments[0] == "@root" else (None, text, [])
        frames = [frame for frame in self._frames if not frame.transparent]
        climbed = 0
        while segments and segments[0] == "..":
            climbed += 1
            segments = segments[1:]
        if not climbed and segments:
            for frame in reversed(frames):
                if segments[0] in frame.params:
                    return *frame.params[segments[0]], segments[1:]
        if climbed >= len(frames):
            return None, text, []
        frame = frames[-1 - climbed]
        return frame.shape, frame.label, segments
