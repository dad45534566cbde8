"""Carrying out the fix of a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.core.edit.create import NewEntity, create
from ckit_daemon.core.edit.entities import edit_document
from ckit_daemon.core.edit.ids import check_id
from ckit_daemon.core.edit.plan import EditPlan
from ckit_daemon.core.edit.template import templates_of
from ckit_daemon.core.edit.values import Operation, Remove, RenameKey, SetValue, nested
from ckit_daemon.core.errors import CkitError, InvalidArgumentError, NotFoundError
from ckit_daemon.core.relations import relation_at, relations_of

if TYPE_CHECKING:
    from ckit_daemon.core.document import Finding, Fix
    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.core.relations import Relation
    from ckit_daemon.core.snapshot import Snapshot


def mend(snapshot: Snapshot, finding: Finding, fix: Fix) -> EditPlan:
    """Plan one of a finding's fixes.

    A missing entity is made from the first builder template of its type, or of what is known; it names back who
    names it, and what else its schema asks for is left to a person.

    Raises:
        NotFoundError: the file is gone.
        InvalidArgumentError: the entity can't have the id that is missed.
        ConflictError: the file can't be changed without changing something else.

    """
    if fix.creates is not None:
        return _create(snapshot, finding, fix.creates)
    path = fix.file or finding.location.path
    document = snapshot.documents.get(path)
    if document is None:
        raise NotFoundError(f"There is no file {path}.", details={"path": path})
    text = edit_document(snapshot, document, [_operation(fix)])
    return EditPlan({path: document.text}, {path: text})


def _operation(fix: Fix) -> Operation:
    if fix.renames_to is not None:
        return RenameKey(fix.path, fix.renames_to)
    return Remove(fix.path) if fix.removes else SetValue(fix.path, fix.value)


def _create(snapshot: Snapshot, finding: Finding, identifier: str) -> EditPlan:
    owner = snapshot.by_path.get(finding.location.path)
    relation = relation_at(owner.type, finding.path) if owner is not None else None
    if owner is None or relation is None:
        raise InvalidArgumentError(f"Nothing tells of which type {identifier} would be.")
    entity_type = _type(snapshot, relation, identifier)
    template = next((document.path for document in templates_of(snapshot, entity_type)), None)
    data = _back(entity_type, relation, owner.id)
    new = NewEntity(entity_type, data, identifier, template)
    return create(snapshot, new, link=False, allow_invalid=True).plan


def _type(snapshot: Snapshot, relation: Relation, identifier: str) -> str:
    """The type, of those that the field may name, whose ids look like this one."""
    for entity_type in relation.targets[:-1]:
        try:
            check_id(snapshot, entity_type, identifier)
        except CkitError:
            continue
        return entity_type
    return relation.targets[-1]


def _back(entity_type: str, relation: Relation, owner: str) -> JsonObject:
    """The reverse reference, where the format has one."""
    mirror = next((way for way in relations_of(entity_type) if way.field == relation.mirror), None)
    if mirror is None:
        return {}
    value = nested(mirror.field, [owner] if mirror.many else owner)
    return value if isinstance(value, dict) else {}
