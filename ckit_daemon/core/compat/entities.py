"""Which entities the predecessor saw, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ckit_daemon.core import layout
from ckit_daemon.core.json import JsonObject, JsonValue
from ckit_daemon.core.relations import GOVERNANCE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.snapshot import Snapshot

_REJECTED: Final = frozenset({"yaml.syntax", "yaml.duplicate-key", "yaml.multiple-documents", "yaml.alias-limit"})

_ORDER: Final = {entity_type: index for index, entity_type in enumerate(layout.FOLDERS.values())}


def is_read(document: Document) -> bool:
    """Whether the predecessor's parser took a document at all."""
    return document.readable and not any(problem.code in _REJECTED for problem in document.problems)


def entity_of(snapshot: Snapshot, identifier: str) -> Entity | None:
    """The entity with this id, if it is of a built-in type; of several with one id the last file's."""
    read = [each for each in snapshot.definitions.get(identifier, ()) if is_read(each.document)]
    return read[-1] if read and read[-1].type in _ORDER else None


def place_of(entity: Entity) -> tuple[int, str]:
    """Where an entity comes in the old order: by type and then by file."""
    return _ORDER[entity.type], entity.path


def entities_of(snapshot: Snapshot) -> dict[str, Entity]:
    """The entities of the built-in types by id, in the old order."""
    found = [entity for identifier in snapshot.definitions if (entity := entity_of(snapshot, identifier)) is not None]
    return {entity.id: entity for entity in sorted(found, key=place_of)}


def constitution_of(entities: Iterable[Entity]) -> Entity | None:
    """The constitution, which the old counts leave out."""
    return next((entity for entity in entities if entity.type == GOVERNANCE), None)


def counted(values: Iterable[str]) -> JsonObject:
    """How often each value occurs, in the order of first occurrence."""
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return dict[str, JsonValue](counts)
