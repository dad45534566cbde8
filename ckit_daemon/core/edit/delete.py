"""Deleting an entity, and what refers to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ckit_daemon.core.document import read_yaml
from ckit_daemon.core.edit.entities import edit_document, find_entity, schema_errors
from ckit_daemon.core.edit.plan import EditPlan
from ckit_daemon.core.edit.values import Remove, show_path
from ckit_daemon.core.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckit_daemon.core.json import JsonValue, Path
    from ckit_daemon.core.snapshot import Snapshot


def delete(
    snapshot: Snapshot,
    identifier: str,
    *,
    references: Literal["refuse", "remove"] = "refuse",
    path: str | None = None,
) -> EditPlan:
    """Plan to delete an entity's file, and with "remove" every reference to it.

    Where several files claim the id, `path` says which one goes; the references then stay, since the id does.

    Raises:
        NotFoundError: there is no such entity.
        ConflictError: something refers to it and `references` is "refuse" (`details` lists the places), or a
            reference can't be taken out by itself.

    """
    entity = find_entity(snapshot, identifier, path)
    before, after = {entity.path: entity.document.text}, dict[str, str]()
    warnings: list[str] = []
    if len(snapshot.definitions[identifier]) > 1:
        return EditPlan(before, deletes=(entity.path,))
    for referrer_path, places in _places(snapshot, identifier, entity.path):
        referrer = snapshot.by_path[referrer_path]
        if references == "refuse":
            continue
        # From the end of each list to its beginning, so that the places before stay where they are.
        removals = [Remove(place) for place in sorted(places, key=_order, reverse=True)]
        text = edit_document(snapshot, referrer.document, removals)
        before[referrer_path] = referrer.document.text
        after[referrer_path] = text
        old_errors = schema_errors(snapshot, referrer.type, referrer.document.value)
        new_errors = schema_errors(snapshot, referrer.type, read_yaml(referrer_path, text).value)
        warnings += (f"{referrer.id}: {message}" for message in new_errors if message not in old_errors)
    if references == "refuse":
        _refuse(snapshot, identifier, entity.path)
    return EditPlan(before, after, deletes=(entity.path,), warnings=tuple(warnings))


def _refuse(snapshot: Snapshot, identifier: str, own_path: str) -> None:
    found = [
        (snapshot.by_path[path].id, show_path(place), path)
        for path, places in _places(snapshot, identifier, own_path)
        for place in places
    ]
    if found:
        listed: list[JsonValue] = [{"id": name, "field": field, "path": path} for name, field, path in found]
        names = ", ".join(dict.fromkeys(name for name, _, _ in found))
        message = f"{identifier} is still needed by {names}; remove these references first or together with it."
        raise ConflictError(message, details={"references": listed})


def _places(snapshot: Snapshot, identifier: str, own_path: str) -> Iterator[tuple[str, list[Path]]]:
    """Yield the files that name an entity, with the places: references, and entries that repeat its data."""
    for path, entity in snapshot.by_path.items():
        if path == own_path:
            continue
        places = [reference.path for reference in entity.references if reference.target == identifier]
        places += (
            (key, index)
            for key, items in (entity.data.items() if identifier in entity.document.text else ())
            for index, item in enumerate(items if isinstance(items, list) else ())
            if isinstance(item, dict) and item.get("id") == identifier
        )
        if places:
            yield path, places


def _order(path: Path) -> tuple[tuple[str, int], ...]:
    return tuple(("", step) if isinstance(step, int) else (step, 0) for step in path)
