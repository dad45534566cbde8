"""The entity that a position in a document is about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from ckit_daemon.core import layout
from ckit_daemon.core.edit.values import value_at
from ckit_daemon.core.mentions import is_telling, word_at
from ckit_daemon.core.relations import relation_at, split_version
from ckit_daemon.core.text import Position, Range
from ckit_daemon.core.yaml.cursor import Role, Scalar, cursor_at, outline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.relations import Relation
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.core.yaml.cursor import Cursor, Outline


@dataclass(frozen=True, slots=True)
class Target:
    """An id in a document; no entity need have it."""

    id: str
    range: Range
    relation: Relation | None = None
    """What the field states, where the id stands in a field for ids."""
    is_definition: bool = False
    """Whether the document defines the id here."""


def is_yaml(path: str) -> bool:
    """Whether a file is YAML by its name."""
    return path.lower().endswith(layout.YAML_SUFFIXES)


@lru_cache(maxsize=16)
def cursor_in(document: Document, position: Position) -> Cursor:
    """What stands at a position of a YAML document; several features ask in turn."""
    return cursor_at(document.text, position)


@lru_cache(maxsize=16)
def outline_of(document: Document) -> Outline:
    """Where the keys and values of a YAML document stand; several features ask in turn."""
    return outline(document.text)


def target_at(snapshot: Snapshot, document: Document, position: Position) -> Target | None:
    """The id at a position: in a field for ids, as the document's own, or mentioned in any text."""
    if is_yaml(document.path):
        cursor = cursor_in(document, position)
        is_value = cursor.role in {Role.VALUE, Role.NEW} and bool(cursor.text)
        scalar = Scalar(cursor.path, cursor.range, cursor.text, cursor.quote)
        found = _in_field(snapshot, document, scalar) if is_value else None
        if found is not None:
            return found
    word = word_at(document.lines[position.line], position)
    if word is None or not is_telling(word[0]) or word[0] not in snapshot.definitions:
        return None
    return Target(*word)


def ids_in(snapshot: Snapshot, document: Document) -> Iterator[tuple[Scalar, Target]]:
    """Yield every value of a YAML document that stands where an id belongs, in the order of the text."""
    for scalar in outline_of(document).scalars:
        found = _in_field(snapshot, document, scalar) if scalar.text else None
        if found is not None:
            yield scalar, found


def _in_field(snapshot: Snapshot, document: Document, scalar: Scalar) -> Target | None:
    path, text, start = scalar.path, scalar.text, scalar.range.start
    if not document.path.startswith(f"{layout.ENTITIES}/"):
        return None
    if path == ("id",):
        return Target(text, _stretch(start, text), is_definition=True)
    entity_type = snapshot.schemas.type_of_path(document.path)
    relation = relation_at(entity_type, path) if entity_type is not None else None
    if relation is None:
        return None
    if text.startswith("*") and not scalar.quote:
        # An alias says what its anchor says; in a text that does not parse nobody knows what that is.
        named = value_at(document.value, path)
        if not isinstance(named, str):
            return None
        return Target(split_version(named)[0] if relation.versioned else named, scalar.range, relation)
    identifier = split_version(text)[0] if relation.versioned else text
    return Target(identifier, _stretch(start, identifier), relation)


def _stretch(start: Position, text: str) -> Range:
    return Range(start, Position(start.line, start.column + len(text)))
