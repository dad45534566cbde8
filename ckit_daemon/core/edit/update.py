"""Changing fields of an entity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.core.document import read_yaml
from ckit_daemon.core.edit.entities import edit_document, find_entity, missing_targets, refuse_errors, schema_errors
from ckit_daemon.core.edit.plan import EditPlan
from ckit_daemon.core.entity import read_entity
from ckit_daemon.core.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckit_daemon.core.edit.values import Operation
    from ckit_daemon.core.snapshot import Snapshot


def update(
    snapshot: Snapshot,
    identifier: str,
    operations: Sequence[Operation],
    *,
    path: str | None = None,
    allow_invalid: bool = False,
) -> EditPlan:
    """Plan some changes of one entity's fields, made one after the other.

    Errors of the schema that the entity has already don't stand in the way, new ones do.

    Raises:
        NotFoundError: there is no such entity.
        InvalidArgumentError: a path leads nowhere, the id would change, or the entity would break its schema.
        ConflictError: several files claim the id, or the edit would change something else too.

    """
    if any(operation.path[:1] == ("id",) for operation in operations):
        raise InvalidArgumentError("An id is changed with rename, which changes every reference to it as well.")
    entity = find_entity(snapshot, identifier, path)
    text = edit_document(snapshot, entity.document, operations)
    if text == entity.document.text:
        return EditPlan()
    document = read_yaml(entity.path, text)
    old_errors = schema_errors(snapshot, entity.type, entity.document.value)
    errors = {
        message: where
        for message, where in schema_errors(snapshot, entity.type, document.value).items()
        if message not in old_errors
    }
    if not allow_invalid:
        refuse_errors(identifier, errors)
    changed = read_entity(entity.type, document)
    known = frozenset(reference.target for reference in entity.references)
    warnings = [*errors, *(missing_targets(snapshot, changed, known=known) if changed else ())]
    return EditPlan({entity.path: entity.document.text}, {entity.path: text}, warnings=tuple(warnings))
