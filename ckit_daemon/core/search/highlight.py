"""Where a hit matches, with enough around it to recognise it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.search.words import fold_with_offsets, scalars
from ckit_daemon.core.text import Position, Range

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import JsonObject, JsonValue, Path
    from ckit_daemon.core.search.query import Term

MAX_HIGHLIGHTS: Final = 3
EXCERPT: Final = 120
_LEAD: Final = 40
"""Characters before a match that an excerpt shows."""


@dataclass(frozen=True, slots=True)
class Highlight:
    """One match: the field, its text around the match, and where it stands in the file."""

    path: Path
    excerpt: str
    start: int
    """Where the match begins in the excerpt, in code points."""
    end: int
    range: Range


def highlights(entity: Entity, terms: Collection[Term], fields: Collection[str] | None) -> tuple[Highlight, ...]:
    """The first match of each term, at most `MAX_HIGHLIGHTS`, each field once."""
    found: dict[Path, Highlight] = {}
    for term in terms:
        for path, text in values_for(entity, term, fields):
            folded, offsets = fold_with_offsets(text)
            match = term.pattern.search(folded)
            if match is not None:
                if path not in found:
                    start, end = offsets[match.start()], offsets[match.end() - 1] + 1
                    found[path] = _highlight(entity.document, path, text, start, end)
                break
        if len(found) == MAX_HIGHLIGHTS:
            break
    return tuple(found.values())


def fields_of(data: JsonObject, name: str) -> Iterator[tuple[Path, str]]:
    """Yield the values of a field: below its path, or below every key of this name where there is no such path."""
    current: JsonValue = data
    steps = name.split(".")
    for step in steps:
        current = current.get(step) if isinstance(current, dict) else None
    if current is not None:
        yield from scalars(current, tuple(steps))
    else:
        yield from (found for found in scalars(data) if name in found[0])


def values_for(entity: Entity, term: Term, fields: Collection[str] | None) -> Iterator[tuple[Path, str]]:
    """Yield the values of an entity in which a term may stand."""
    names = [term.field] if term.field is not None else fields
    if names is None:
        yield from scalars(entity.data)
    else:
        for name in names:
            yield from fields_of(entity.data, name)


def _highlight(document: Document, path: Path, text: str, start: int, end: int) -> Highlight:
    first = max(0, start - _LEAD)
    last = min(len(text), max(end, first + EXCERPT))
    before, after = "…" if first else "", "…" if last < len(text) else ""
    excerpt = f"{before}{text[first:last]}{after}"
    shift = len(before) - first
    return Highlight(path, excerpt, start + shift, end + shift, _range_of(document, path, text[start:end]))


def _range_of(document: Document, path: Path, match: str) -> Range:
    """The range of the first occurrence of a match inside a value; of the value where it is written otherwise."""
    whole = document.range_at(path)
    for number, column in _columns(document, whole, match):
        return Range(Position(number, column), Position(number, column + len(match)))
    return whole


def _columns(document: Document, whole: Range, match: str) -> Iterator[tuple[int, int]]:
    for number in range(whole.start.line, min(whole.end.line + 1, len(document.lines))):
        line = document.lines[number]
        first = whole.start.column if number == whole.start.line else 0
        last = whole.end.column if number == whole.end.line else len(line)
        column = line.find(match, first, last)
        if column >= 0:
            yield number, column
