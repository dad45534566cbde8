"""Entities: what a context repository is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckit_daemon.core.relations import Misfit, Reference, references_of

if TYPE_CHECKING:
    from ckit_daemon.core.document import Document
    from ckit_daemon.core.json import JsonObject, JsonValue


@dataclass(frozen=True, slots=True, eq=False)
class Entity:
    """A YAML mapping with an id. It exists even if its schema is broken, so that references to it resolve."""

    id: str
    type: str
    document: Document
    data: JsonObject
    references: tuple[Reference, ...]
    misfits: tuple[Misfit, ...]

    @property
    def path(self) -> str:
        """The file, relative to the repository."""
        return self.document.path

    @property
    def title(self) -> str | None:
        """The title, or the name for types that have one instead; None where it is no text."""
        return text_of(self.data.get("title")) or text_of(self.data.get("name")) or text_of(self.data.get("iWant"))

    @property
    def status(self) -> str | None:
        """The status, or None where it is no text."""
        return text_of(self.data.get("status"))


def text_of(value: JsonValue) -> str | None:
    """`value` if it is a text that says something."""
    return value if isinstance(value, str) and value else None


def read_entity(entity_type: str, document: Document) -> Entity | None:
    """The entity that a document defines; None where it has no usable id.

    A document that can't be parsed still names its id in most cases, and an id that is written as a number is still
    what others refer to: both define an entity, so that one fault is not reported as many.
    """
    if isinstance(document.value, dict):
        data = document.value
        raw = data.get("id")
        identifier = str(raw) if isinstance(raw, (str, int, float)) and not isinstance(raw, bool) else ""
    elif document.readable:
        return None
    else:
        data = {}
        identifier = document.tree.top_level_text("id")
    if not identifier:
        return None
    references: list[Reference] = []
    misfits: list[Misfit] = []
    for found in references_of(entity_type, data):
        if isinstance(found, Reference):
            references.append(found)
        else:
            misfits.append(found)
    return Entity(identifier, entity_type, document, data, tuple(references), tuple(misfits))
