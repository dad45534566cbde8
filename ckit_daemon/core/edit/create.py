"""Making a new entity, and telling the entities that it names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ckit_daemon.core.document import read_yaml
from ckit_daemon.core.edit.entities import edit_document, key_order, missing_targets, refuse_errors, schema_errors
from ckit_daemon.core.edit.example import file_path, learn, write
from ckit_daemon.core.edit.ids import check_free, check_id, next_id
from ckit_daemon.core.edit.plan import EditPlan
from ckit_daemon.core.edit.template import fill, find_template, placeholders, without_placeholders
from ckit_daemon.core.edit.values import Append, Operation, Remove, SetValue, check_value, value_at
from ckit_daemon.core.edit.yaml_edit import edit_yaml
from ckit_daemon.core.entity import read_entity, text_of
from ckit_daemon.core.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError
from ckit_daemon.core.relations import relations_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import JsonValue
    from ckit_daemon.core.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class NewEntity:
    """What a new entity is to be."""

    type: str
    data: Mapping[str, JsonValue] = field(default_factory=dict[str, "JsonValue"])
    """Its fields, which take precedence over those of the template."""
    id: str | None = None
    template: str | None = None
    """The name of a builder template."""
    values: Mapping[str, JsonValue] = field(default_factory=dict[str, "JsonValue"])
    """What goes into the template's placeholders; the fields of `data` do as well."""


class Created(NamedTuple):
    """A new entity's id and file, and the plan that makes it."""

    id: str
    path: str
    plan: EditPlan


def create(
    snapshot: Snapshot,
    new: NewEntity,
    *,
    taken: frozenset[str] = frozenset(),
    link: bool = True,
    allow_invalid: bool = False,
) -> Created:
    """Plan a new entity.

    Without an id it gets the next free one, which is none of `taken`. With `link` the entities that it names get the
    reverse reference, where the format has one. Placeholders that nothing fills are taken out of reference fields
    and left elsewhere, with a warning.

    Raises:
        NotFoundError: no such type or template.
        AlreadyExistsError: the id or its file exists.
        InvalidArgumentError: the id is no id of the type, or the entity would break its schema (unless
            `allow_invalid`; then the errors are warnings).
        ConflictError: the template or an entity to be linked can't be edited.

    """
    if new.type not in snapshot.schemas.types():
        known: list[JsonValue] = list(snapshot.schemas.types())
        raise NotFoundError(f"There is no entity type {new.type}.", details={"types": known})
    check_value(dict(new.data))
    identifier = _identifier(snapshot, new, taken)
    fields = {"id": identifier, **{key: item for key, item in new.data.items() if key != "id"}}
    if new.template is None:
        text = write(fields, key_order(snapshot, new.type), learn(snapshot, new.type))
    else:
        strings = {key: item for key, item in fields.items() if isinstance(item, str)}
        text = fill(find_template(snapshot, new.template, new.type), {**strings, **new.values}, fields)
    draft = _without_unfilled(_read(new.type, "", text))
    path = file_path(snapshot, new.type, identifier, without_placeholders(draft.title or ""))
    entity = _read(new.type, path, draft.document.text)
    errors = schema_errors(snapshot, new.type, entity.document.value)
    if not allow_invalid:
        refuse_errors(identifier, errors)
    left = placeholders(entity.document.value)
    warnings = [f"nothing fills the placeholders {', '.join(left)}"] if left else []
    warnings += [*errors, *missing_targets(snapshot, entity)]
    linked = _linked(snapshot, entity, warnings) if link else {}
    before = {target: snapshot.documents[target].text for target in linked}
    plan = EditPlan(before, linked, creates={path: entity.document.text}, warnings=tuple(warnings))
    return Created(identifier, path, plan)


def _identifier(snapshot: Snapshot, new: NewEntity, taken: frozenset[str]) -> str:
    named = new.data.get("id", new.id)
    if named is None:
        title = next((text for holder in (new.data, new.values) if (text := _title(holder))), None)
        return next_id(snapshot, new.type, taken, title)
    if not isinstance(named, str) or (new.id is not None and named != new.id):
        raise InvalidArgumentError("The id must be a string, and the same wherever it is given.")
    check_id(snapshot, new.type, named)
    check_free(snapshot, named)
    if named.casefold() in {known.casefold() for known in taken}:
        raise AlreadyExistsError(f"{named} exists already, on another branch.", details={"id": named})
    return named


def _title(fields: Mapping[str, JsonValue]) -> str | None:
    return text_of(fields.get("title")) or text_of(fields.get("name")) or text_of(fields.get("iWant"))


def _without_unfilled(entity: Entity) -> Entity:
    """The entity without references that are still placeholders."""
    unfilled = [Remove(reference.path) for reference in entity.references if placeholders(reference.target)]
    # From the end of each list to its beginning, so that the places before stay where they are.
    return _read(entity.type, entity.path, edit_yaml(entity.document.text, reversed(unfilled)))


def _read(entity_type: str, path: str, text: str) -> Entity:
    entity = read_entity(entity_type, read_yaml(path, text))
    if entity is None:
        raise InvalidArgumentError("An entity is a mapping with an id.")
    return entity


def _linked(snapshot: Snapshot, entity: Entity, warnings: list[str]) -> dict[str, str]:
    """The new texts of the entities that `entity` names, with the reverse references in them."""
    operations: dict[str, list[Operation]] = {}
    for reference in entity.references:
        target = snapshot.get(reference.target)
        if target is None or not reference.relation.mirror:
            continue
        mirror = next((way for way in relations_of(target.type) if way.field == reference.relation.mirror), None)
        names_it = any(back.target == entity.id and back.relation == mirror for back in target.references)
        if mirror is None or entity.type not in mirror.targets or names_it:
            continue
        planned = operations.setdefault(target.path, [])
        present = value_at(target.data, mirror.field)
        if mirror.many:
            planned.append(Append(mirror.field, entity.id))
        elif not present:
            planned.append(SetValue(mirror.field, entity.id))
        else:
            warnings.append(f"{mirror.name} of {target.id} names {present} already and stays as it is")
    return {path: edit_document(snapshot, snapshot.documents[path], ways) for path, ways in operations.items() if ways}
