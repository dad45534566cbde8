"""SARIF 2.1.0 (OASIS), for code scanning services and editors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from ckit_daemon import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from ckit_daemon.wire.common import Finding, Location

    JsonObject = dict[str, JsonValue]

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Final[Mapping[str, str]] = {"error": "error", "warning": "warning", "information": "note", "hint": "note"}


def to_sarif(findings: Sequence[Finding], prefix: str) -> str:
    """Write one run. `prefix` leads from where paths should start to the repository (`docs/` or nothing)."""
    codes = sorted({finding.code for finding in findings})
    rules: list[JsonValue] = [{"id": code} for code in codes]
    driver: JsonObject = {"name": "ckit", "version": __version__, "rules": rules}
    run: JsonObject = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, codes.index(finding.code), prefix) for finding in findings],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _result(finding: Finding, rule: int, prefix: str) -> JsonObject:
    result: JsonObject = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": _physical(finding.location, prefix)}],
    }
    if finding.related:
        result["relatedLocations"] = [
            {
                "id": number,
                "message": {"text": related.message},
                "physicalLocation": _physical(related.location, prefix),
            }
            for number, related in enumerate(finding.related)
        ]
    return result


def _physical(location: Location, prefix: str) -> JsonObject:
    start, end = location.range.start, location.range.end
    return {
        "artifactLocation": {"uri": quote(prefix + location.path), "uriBaseId": "%SRCROOT%"},
        "region": {
            "startLine": start.line + 1,
            "startColumn": start.character + 1,
            "endLine": end.line + 1,
            "endColumn": end.character + 1,
        },
    }
