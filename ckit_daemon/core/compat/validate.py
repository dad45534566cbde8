"""The JSON of the predecessor's `validate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ckit_daemon.core.compat.entities import constitution_of, counted, entities_of
from ckit_daemon.core.json import JsonValue
from ckit_daemon.core.relations import GOVERNANCE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckit_daemon.core.document import Finding
    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.core.snapshot import Snapshot

# The only reference fields that this pipeline resolved.
_CHECKED_FIELDS: Final = frozenset({"userStories", "specs", "tasks", "feature"})
_SCHEMA_AREAS: Final = frozenset({"yaml", "file", "schema", "entity"})
_NO_ERRORS: Final = frozenset({"yaml.tag", "yaml.key", "schema.invalid", "entity.unknown-type", "entity.duplicate-id"})


def validate(snapshot: Snapshot, findings: Iterable[Finding]) -> JsonObject:
    """Whether all is well, as far as the predecessor looked, and every error among `findings` that it knew."""
    errors = [error for finding in findings if (error := _error(finding)) is not None]
    entities = entities_of(snapshot)
    constitution = constitution_of(entities.values())
    types = [entity.type for entity in entities.values() if entity.type != GOVERNANCE]
    result: JsonObject = {
        "ok": not errors,
        "message": f"Validation failed with {len(errors)} error(s)" if errors else "All validations passed",
        "stats": {"totalEntities": len(types), "byType": counted(types)},
    }
    if constitution is not None:
        compliance = constitution.data.get("compliance")
        rules = compliance.get("rules") if isinstance(compliance, dict) else None
        result["constitution"] = {
            "id": constitution.id,
            **{key: constitution.data[key] for key in ("version", "checksum") if key in constitution.data},
            "evaluatedRules": len(rules) if isinstance(rules, list) else 0,
        }
    if errors:
        result["errors"] = list[JsonValue](errors)
    return result


def _error(finding: Finding) -> JsonObject | None:
    kind = _kind(finding)
    if kind is None:
        return None
    error: JsonObject = {"file": finding.location.path}
    if finding.entity is not None:
        error["entity"] = finding.entity
    error |= {"type": kind, "message": finding.message}
    if finding.path:
        error["field"] = ".".join(str(step) for step in finding.path)
    error["line"] = finding.location.range.start.line + 1
    return error


def _kind(finding: Finding) -> str | None:
    area = finding.code.partition(".")[0]
    if area in _SCHEMA_AREAS and finding.code not in _NO_ERRORS:
        return "schema"
    if finding.code == "reference.unresolved" and finding.path and finding.path[0] in _CHECKED_FIELDS:
        return "reference"
    return "compliance" if finding.code == "constitution.violation" else None
