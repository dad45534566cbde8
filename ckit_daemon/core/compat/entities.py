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


def is_read(document: Document) -> bool:
    """Whether the predecessor's parser took a document at all."""
    return document.readable and not any(problem.code in _REJECTED for problem in document.problems)


def entities_of(snapshot: Snapshot) -> dict[str, Entity]:
    """The entities of the built-in types by id, by type and then by file; of several with one id the last file's."""
    found: dict[str, Entity] = {}
    for entity in snapshot.entities:
        read = [each for each in snapshot.definitions[entity.id] if is_read(each.document)]
        if read and entity.type in layout.FOLDERS.values():
            found[entity.id] = read[-1]
    return found


def constitution_of(entities: Iterable[Entity]) -> Entity | None:
    """The constitution, which the old counts leave out."""
    return next((entity for entity in entities if entity.type == GOVERNANCE), None)


def counted(values: Iterable[str]) -> JsonObject:
    """How often each value occurs, in the order of first occurrence."""
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return dict[str, JsonValue](counts)
