"""The JSON of the predecessor's `impact`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from ckit_daemon.core.changes import field_changes
from ckit_daemon.core.compat.entities import counted, entity_of, is_read, place_of
from ckit_daemon.core.json import JsonValue
from ckit_daemon.core.rules import SEVERITIES, read_rules, values_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.core.rules import Rule
    from ckit_daemon.core.snapshot import Snapshot

SUGGESTED_ACTIONS: Final = {
    "feature": "Review and update implementation to align with feature changes",
    "userstory": "Review tasks and specs against the updated acceptance criteria",
    "spec": "Review implementation against updated technical specifications",
    "task": "Address blocking issues or adjust feature timeline",
    "service": "Review consumers against the updated service contract",
    "package": "Review transitive dependencies and update version constraints",
}
_OTHER_ACTION: Final = "Review related entities"
_SEVERITY_NAMES: Final = {severity: name for name, severity in SEVERITIES.items()}


class _Neighbour(NamedTuple):
    entity: Entity
    rel: str


def impact(
    snapshot: Snapshot, changed_ids: Sequence[str], baseline: Mapping[str, Document | None] | None = None
) -> JsonObject:
    """What the change of some entities asks of their direct neighbours.

    `baseline` holds the committed documents of files that differ from the commit, by path.
    """
    rules = read_rules(snapshot)
    impacted: dict[str, Entity] = {}
    issues: list[JsonObject] = []
    for identifier in changed_ids:
        changed = entity_of(snapshot, identifier)
        if changed is None:
            message = f"Entity {identifier} does not exist"
            issues.append({"id": identifier, "type": "not-found", "message": message, "severity": "error"})
            continue
        around = _neighbours(snapshot, changed)
        impacted |= {near.entity.id: near.entity for near in around}
        issues += _reviews(changed, around, rules, snapshot, baseline or {})
        for entity in (changed, *(near.entity for near in around)):
            issues += _insights(entity)
    return {
        "changedIds": list[JsonValue](changed_ids),
        "impactedIds": list[JsonValue](impacted),
        "staleIds": list[JsonValue](impacted),
        "issues": list[JsonValue](issues),
        "stats": {
            "totalChanged": len(changed_ids),
            "totalImpacted": len(impacted),
            "totalStale": len(impacted),
            "totalIssues": len(issues),
            "issuesByType": counted(str(issue["type"]) for issue in issues),
        },
        "impactedEntities": [
            {**_summary(entity), **_given(status=entity.data.get("status")), "isStale": True}
            for entity in impacted.values()
        ],
    }


def _neighbours(snapshot: Snapshot, changed: Entity) -> list[_Neighbour]:
    """The other end of every reference from or to an entity, once for each place that states it."""
    paths = snapshot.referrers.get(changed.id, frozenset())
    stating = [changed, *(entity for path in paths if (entity := snapshot.by_path.get(path)) is not changed and entity)]
    found: list[_Neighbour] = []
    for entity in sorted((each for each in stating if entity_of(snapshot, each.id) is each), key=place_of):
        for reference in entity.references:
            other = entity_of(snapshot, reference.target) if entity is changed else entity
            if other is not None and (entity is changed or reference.target == changed.id):
                found.append(_Neighbour(other, reference.relation.rel))
    return found


def _given(**values: JsonValue) -> JsonObject:
    return {key: value for key, value in values.items() if value is not None}


def _summary(entity: Entity) -> JsonObject:
    title = entity.data.get("title") or entity.data.get("name")
    return {"id": entity.id, "type": entity.type, **_given(title=title)}


def _reviews(
    changed: Entity,
    around: Sequence[_Neighbour],
    rules: Sequence[Rule],
    snapshot: Snapshot,
    baseline: Mapping[str, Document | None],
) -> Iterator[JsonObject]:
    document = baseline.get(changed.path)
    old = None if document is None or not is_read(document) else snapshot.read(document)
    changes = () if old is None else field_changes(changed.type, old.data, changed.data)
    for rule in rules:
        if rule.entity != changed.type:
            continue
        message = f"{changed.type} {changed.id} changed"
        details: JsonObject = {}
        if old is not None and changes:
            fields = rule.fired_by(old.data, changed.data, changes)
            if not fields:
                continue
            shown = [_field_change(old, changed, name) for name in fields]
            texts = [f'{each["field"]}: "{each["oldValue"]}" → "{each["newValue"]}"' for each in shown]
            message = f"{changed.type} {changed.id}: {', '.join(texts)}"
            details["changes"] = list[JsonValue](shown)
        for near in around:
            if rule.leads_to(near.rel, near.entity.type):
                yield {
                    "id": near.entity.id,
                    "type": rule.status,
                    "message": message,
                    "reason": rule.reason,
                    "suggestedAction": SUGGESTED_ACTIONS.get(changed.type, _OTHER_ACTION),
                    "severity": _SEVERITY_NAMES[rule.severity],
                    "ruleId": rule.id,
                    "sourceEntity": _summary(changed),
                    "hasGitDiff": bool(details),
                    **details,
                }


def _field_change(old: Entity, new: Entity, name: str) -> JsonObject:
    return {
        "field": name,
        "oldValue": _written(old, name),
        "newValue": _written(new, name),
        "valueType": _type_name(next(iter(values_at(new.data, name.split("."))), None)),
    }


def _written(entity: Entity, name: str) -> str:
    """A value as its file has it, quotes included; as JSON where it is more than a scalar on one line."""
    path = tuple(name.split("."))
    values = values_at(entity.data, path)
    if not values:
        return ""
    start, end = entity.document.range_at(path)
    if isinstance(values[0], (dict, list)) or len(values) > 1 or start.line != end.line:
        return json.dumps(values[0] if len(values) == 1 else values, ensure_ascii=False)
    return entity.document.lines[start.line][start.column : end.column]


def _type_name(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, list):
        return "array"
    if isinstance(value, dict):
        return "object"
    return "null" if value is None else "string"


def _insights(entity: Entity) -> Iterator[JsonObject]:
    """Gaps that the predecessor mentioned, once for each time an entity came up."""
    api = entity.data.get("api")
    if entity.type == "service" and not (isinstance(api, dict) and api.get("version")):
        action = "Add api.version to document the current contract version"
        yield _insight(entity, "Service is missing API version metadata", action)
    if entity.type == "feature" and not entity.data.get("specs"):
        action = "Link specifications that define how to implement this feature"
        yield _insight(entity, "Feature has no linked specs", action)
    if entity.type == "feature" and not entity.data.get("tasks"):
        action = "Create tasks to plan the implementation for this feature"
        yield _insight(entity, "Feature has no linked tasks", action)


def _insight(entity: Entity, message: str, action: str) -> JsonObject:
    return {"id": entity.id, "type": "insight", "severity": "info", "message": message, "suggestedAction": action}
