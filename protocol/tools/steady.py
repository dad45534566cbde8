"""What stands in golden messages for values that differ from run to run or from machine to machine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    JsonObject = dict[str, JsonValue]

MOMENT = "2026-01-05T09:00:00.000Z"
LOG_FOLDER = "/spec-log/"

COUNTED = re.compile(r"\d+ tokens in, \d+ out")
NOW = re.compile(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
"""A time as the daemon writes it; those in the example repository have no milliseconds."""
FRACTION = re.compile(r"\d\.\d+")
MEASURED = re.compile(r'"(durationMs|prompt|completion|total)": \d+')
"""What an entry of that log says about one run."""


STEADY: Mapping[str, JsonValue] = {
    "ageSeconds": 0.5,
    "bytes": 1690788,
    "bytesReceived": 4096,
    "bytesSent": 65536,
    "commit": "0123456789abcdef0123456789abcdef01234567",
    "daemonVersion": "<version>",
    "durationMs": 12.5,
    "expiresAt": "2026-01-05T09:10:00.000Z",
    "firstOutputMs": 0.75,
    "head": "0123456789abcdef0123456789abcdef01234567",
    "latencyMs": 0.25,
    "logId": "<log id>",
    "maxSeconds": 0.002,
    "memoryBytes": 50331648,
    "prometheus": "<Prometheus text>",
    "schemaHash": "<SHA-256>",
    "serverInfo": {"name": "ckit-daemon", "version": "<version>"},
    "tokensUsed": {"prompt": 1200, "completion": 96, "total": 1296},
    "totalMs": 1.25,
    "totalSeconds": 0.002,
    "uptimeSeconds": 60.5,
    "versions": {"ckit-daemon": "<version>", "protocol": "1.0", "python": "<version>"},
}
"""What stands in golden messages for values that are never the same twice, by name of the field."""

COUNTS: Mapping[str, JsonValue] = {
    "afterTokens": 96,
    "beforeTokens": 1200,
    "inputTokens": 1200,
    "outputTokens": 96,
}
"""The same for counts that every new word in a prompt or a tool's description would change; zero stays."""


def steady_text(text: str) -> str:
    """Return a text without times and measurements."""
    return MEASURED.sub(r'"\1": 12', NOW.sub(MOMENT, text))


def _steady_health(result: JsonObject) -> None:
    """Make every component well: which ones are depends on the machine."""
    result["status"] = "ok"
    for component in _objects(result["components"]):
        component |= {"status": "ok", "detail": "<what the probe found>"}
        component.pop("works", None)


def _steady_metrics(result: JsonObject) -> None:
    """Leave one request of the kind that every machine counts alike."""
    requests = cast("list[JsonValue]", result["requests"])
    del requests[1:]
    result["errors"] = {"invalid_params": 3}


def _steady_pipelines(result: JsonObject) -> None:
    """Say of every script that it can't run: whether it could depends on Node."""
    for pipeline in _objects(result["pipelines"]):
        if pipeline["engine"] == "script":
            pipeline |= {"available": False, "reason": "<why it can't run, and what to do>"}


def _steady_export(result: JsonObject) -> None:
    """Replace the counts of tokens in the text."""
    result["content"] = COUNTED.sub("1200 tokens in, 96 out", str(result["content"]))


def _steady_explain(result: JsonObject) -> None:
    """Replace the hash of the log entry, which tells when it was written."""
    generation = cast("JsonObject", result["generation"])
    for file in _objects(generation["files"]):
        if LOG_FOLDER in str(file["path"]):
            file["sha256"] = "<SHA-256>"


def _steady_hits(result: JsonObject) -> None:
    """Replace the scores, whose last digits depend on how the machine computes."""
    for hit in _objects(result["hits"]):
        hit["score"] = 0.42
        for part in _objects(hit["parts"]):
            part |= {"score": 0.6, "weight": 0.7, "why": FRACTION.sub("0.53", str(part["why"]))}


def _steady_answer(result: JsonObject) -> None:
    """Replace the scores of claims likewise."""
    for claim in _objects(result["claims"]):
        claim["score"] = 0.9


STEADIERS = {
    "ckit/generation/explain": _steady_explain,
    "ckit/health": _steady_health,
    "ckit/metrics": _steady_metrics,
    "ckit/pipeline/list": _steady_pipelines,
    "ckit/rag/query": _steady_answer,
    "ckit/rag/search": _steady_hits,
    "ckit/rag/similar": _steady_hits,
    "ckit/session/export": _steady_export,
}
"""What is done to the results of some methods besides."""


def _objects(value: JsonValue) -> list[JsonObject]:
    return cast("list[JsonObject]", value)
