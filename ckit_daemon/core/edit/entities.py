"""What all edits of entities share: finding one, changing its file, and telling what the change breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.core.edit.values import show_path
from ckit_daemon.core.edit.yaml_edit import edit_yaml
from ckit_daemon.core.errors import ConflictError, InvalidArgumentError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.edit.values import Operation
    from ckit_daemon.core.edit.yaml_edit import KeyOrder
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import JsonValue, Path
    from ckit_daemon.core.snapshot import Snapshot


def find_entity(snapshot: Snapshot, identifier: str, path: str | None = None) -> Entity:
    """The entity with an id; `path` chooses among several that claim it.

    Raises:
        NotFoundError: there is none.
        ConflictError: several files claim the id and `path` names none of them.

    """
    snapshot.require(identifier)
    found = [entity for entity in snapshot.definitions[identifier] if path in {None, entity.path}]
    if not found:
        raise NotFoundError(f"There is no entity {identifier} in {path}.", details={"kind": "entity", "id": identifier})
    if len(found) > 1:
        paths: list[JsonValue] = [entity.path for entity in found]
        message = f"{len(found)} files claim the id {identifier}: {', '.join(map(str, paths))}; say which one is meant."
        raise ConflictError(message, details={"paths": paths})
    return found[0]


def key_order(snapshot: Snapshot, entity_type: str) -> KeyOrder:
    """The order of keys that a type's schema suggests."""
    schema = snapshot.schemas[entity_type]

    def order(path: Path) -> Sequence[str]:
        definition = None if schema is None else schema.property_at(path)
        properties = (definition or {}).get("properties")
        return tuple(properties) if isinstance(properties, dict) else ()

    return order


def edit_document(snapshot: Snapshot, document: Document, operations: Iterable[Operation]) -> str:
    """The text of an entity's file after some operations. Raises as `edit_yaml`, with the file named."""
    entity_type = snapshot.schemas.type_of_path(document.path) or ""
    try:
        return edit_yaml(document.text, operations, key_order(snapshot, entity_type))
    except ConflictError as error:
        raise ConflictError(f"{document.path}: {error.message}", details={"path": document.path}) from error


def schema_errors(snapshot: Snapshot, entity_type: str, data: JsonValue) -> dict[str, Path]:
    """What a type's schema says against `data`: messages, with the places."""
    schema = snapshot.schemas[entity_type]
    return {} if schema is None else {error.message: error.path for error in schema.errors(data)}


def refuse_errors(identifier: str, errors: dict[str, Path]) -> None:
    """Refuse an edit that makes an entity break its schema.

    Raises:
        InvalidArgumentError: there are errors; `details` lists them.

    """
    if errors:
        listed: list[JsonValue] = [{"path": show_path(path), "message": message} for message, path in errors.items()]
        message = f"{identifier} would break its schema: {'; '.join(errors)}."
        raise InvalidArgumentError(message, details={"errors": listed})


def missing_targets(snapshot: Snapshot, entity: Entity, *, known: frozenset[str] = frozenset()) -> list[str]:
    """A warning for each reference of `entity` outside `known` to what does not exist or has a wrong type."""
    warnings: list[str] = []
    for reference in entity.references:
        if reference.target in known or reference.target == entity.id:
            continue
        target = snapshot.get(reference.target)
        where = f"{show_path(reference.path)} of {entity.id} names {reference.target}"
        if target is None:
            warnings.append(f"{where}, which does not exist")
        elif target.type not in reference.relation.targets:
            warnings.append(f"{where}, which is a {target.type}")
    return warnings
