"""Places in YAML text, and what stands there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from ckit_daemon.core.text import Position, Range

if TYPE_CHECKING:
    from ckit_daemon.core.json import Path


class Role(Enum):
    """What may stand at a place."""

    KEY = auto()
    """A key of the mapping at the path."""
    VALUE = auto()
    """The value at the path, on the line of its key or within brackets."""
    NEW = auto()
    """Anything at the path: the value itself, the first key of a mapping, the first dash of a list."""
    TEXT = auto()
    """A comment or the lines of a text, where nothing has a meaning."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value on one line."""

    path: Path
    range: Range
    """Without quotes."""
    text: str
    quote: str = ""

    @property
    def end(self) -> Position:
        """Where it ends, its closing quote included."""
        return Position(self.range.end.line, self.range.end.column + len(self.quote))


@dataclass(frozen=True, slots=True)
class Outline:
    """The keys and values of a document, each in their order."""

    keys: tuple[tuple[Path, Range], ...]
    scalars: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a document that may be half typed."""

    role: Role
    path: Path
    """Of the mapping for a key, of the value for all others."""
    range: Range
    """What stands there, without quotes; empty where nothing does."""
    text: str
    """The same as it is written, escapes included."""
    quote: str = ""
    """The quote that it begins with."""
    has_colon: bool = False
    """Whether a key is followed by its colon."""
    in_flow: bool = False
    """Whether it stands within brackets."""
    column: int = 0
    """Where the line's entry begins, from which a block below is indented."""
    after_dash: bool = False
    """Whether nothing but dashes stands before it on its line."""
    keys: frozenset[str] = frozenset()
    """The keys that the mapping at the path has beside this one."""
    items: frozenset[str] = frozenset()
    """The texts in the list around it beside this one."""
