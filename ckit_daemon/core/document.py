"""One file of a repository as the engine sees it, and what is found wrong in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from ckit_daemon.core.text import START, Location, Range, split_lines
from ckit_daemon.core.yaml import Problem, SourceTree, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckit_daemon.core.json import JsonValue, Path


class Severity(IntEnum):
    """How much a finding matters; the numbers are those of LSP's `DiagnosticSeverity`."""

    ERROR = 1
    WARNING = 2
    INFORMATION = 3
    HINT = 4


@dataclass(frozen=True, slots=True)
class Related:
    """A second place that explains a finding."""

    location: Location
    message: str


@dataclass(frozen=True, slots=True)
class Fix:
    """What would mend a finding: a value to put at `path` of a file, a key there to rename, or a new entity to make.

    A path that ends with the length of a list appends to that list.
    """

    title: str
    path: Path = ()
    value: JsonValue = None
    creates: str | None = None
    file: str | None = None
    """The file to change, where it is not the one that the finding is about."""
    renames_to: str | None = None
    """The new name of the key at `path`, whose value stays."""
    removes: bool = False
    """Whether what stands at `path` is taken away."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person should know about a repository.

    `code` is stable: `area.kind`, for instance `schema.enum` or `reference.unresolved`.
    """

    code: str
    severity: Severity
    message: str
    location: Location
    entity: str | None = None
    path: Path = ()
    related: tuple[Related, ...] = ()
    fixes: tuple[Fix, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A file's text, and for YAML what it says. Two documents are the same only if they are one object."""

    path: str
    text: str
    value: JsonValue = None
    problems: tuple[Problem, ...] = ()
    readable: bool = True
    failures: tuple[Finding, ...] = field(default=())
    """Why the file could not be read at all: too large, binary, not UTF-8, unreadable."""

    def range_at(self, path: Path, *, key: bool = False) -> Range:
        """The range of the value at `path` (or of its key); of the nearest ancestor where it is missing."""
        located = _tree(self).locate(path)
        return located.key or located.value if key else located.value

    def location_at(self, path: Path, *, key: bool = False) -> Location:
        """Like `range_at`, with the file."""
        return Location(self.path, self.range_at(path, key=key))

    @property
    def tree(self) -> SourceTree:
        """The syntax tree, built when first asked for and kept for as long as it is likely to be asked again."""
        return _tree(self)

    @property
    def lines(self) -> Sequence[str]:
        """The text in lines, without their terminators."""
        return _lines(self)


@lru_cache(maxsize=64)
def _tree(document: Document) -> SourceTree:
    return SourceTree(document.text)


@lru_cache(maxsize=64)
def _lines(document: Document) -> list[str]:
    return split_lines(document.text)


def read_yaml(path: str, text: str) -> Document:
    """Make the document of a YAML file from its text."""
    parsed = parse(text)
    return Document(path, text, parsed.value, parsed.problems, parsed.readable)


def unreadable(path: str, code: str, message: str) -> Document:
    """Make the document of a file that could not be read."""
    finding = Finding(code, Severity.ERROR, message, Location(path, START))
    return Document(path, "", None, (), readable=False, failures=(finding,))
