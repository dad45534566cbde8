"""The principles of constitutions that bear on some types of entities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.core.relations import GOVERNANCE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.core.snapshot import Snapshot


def principles_of(snapshot: Snapshot, types: Collection[str]) -> Iterator[JsonObject]:
    """Yield the principles of all constitutions that bear on some types."""
    for entity in snapshot.entities:
        if entity.type == GOVERNANCE:
            yield from _bearing(entity.data.get("principles"), "appliesTo", types)


def principles_markdown(constitution: Entity, types: Collection[str]) -> str:
    """The principles and rules of one constitution that bear on some types, as a list; '' where there are none."""
    lines: list[str] = []
    for principle in _bearing(constitution.data.get("principles"), "appliesTo", types):
        firm = " (not negotiable)" if principle.get("nonNegotiable") is True else ""
        lines.append(f"- **{_text(principle, 'title', 'id')}**{firm}: {_text(principle, 'summary', 'details')}")
        requirements = principle.get("requirements")
        listed = requirements if isinstance(requirements, list) else []
        statements = [_text(item, "statement") for item in listed if isinstance(item, dict)]
        lines += [f"  - {statement}" for statement in statements if statement]
    compliance = constitution.data.get("compliance")
    rules = compliance.get("rules") if isinstance(compliance, dict) else None
    lines += [f"- Rule: {_text(rule, 'description', 'id')}" for rule in _bearing(rules, "targets", types)]
    return "\n".join(lines)


def _bearing(value: JsonValue, key: str, types: Collection[str]) -> Iterator[JsonObject]:
    for item in value if isinstance(value, list) else ():
        targets = item.get(key) if isinstance(item, dict) else None
        if isinstance(item, dict) and isinstance(targets, list) and any(t in types or t == "global" for t in targets):
            yield item


def _text(holder: JsonObject, *keys: str) -> str:
    found = next((value for key in keys if isinstance(value := holder.get(key), str) and value.strip()), "")
    return " ".join(found.split())
