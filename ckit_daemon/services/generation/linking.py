"""How a new entity names those that it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.core.relations import relations_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import JsonObject, JsonValue


def link(data: JsonObject, entity_type: str, targets: Iterable[Entity]) -> list[str]:
    """Put the ids of some entities into the reference fields of a new one, over what stands there where only one fits.

    Returns:
        The ids for which the type has no field.
    """
    left: list[str] = []
    for target in targets:
        relation = next((way for way in relations_of(entity_type) if target.type in way.targets), None)
        if relation is None:
            left.append(target.id)
            continue
        holder = data
        for key in relation.field[:-1]:
            inner = holder.get(key)
            if not isinstance(inner, dict):
                inner = holder[key] = dict[str, "JsonValue"]()
            holder = inner
        name = relation.field[-1]
        present = holder.get(name)
        if not relation.many:
            holder[name] = target.id
        elif not isinstance(present, list) or target.id not in present:
            holder[name] = [*(present if isinstance(present, list) else ()), target.id]
    return left
