"""The log of generations in a repository: one JSON file each under `.context-kit/spec-log`."""

from __future__ import annotations

import json
import os
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast

import jsonschema_rs
import orjson

from ckit_daemon.core.document import Document
from ckit_daemon.core.edit.values import value_at
from ckit_daemon.core.entity import text_of
from ckit_daemon.core.errors import ContentRejectedError, NotFoundError, PathNotAllowedError
from ckit_daemon.core.layout import KIT, SPEC_LOG
from ckit_daemon.core.schema import Schema
from ckit_daemon.core.text import sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.services.generation.records import Generation
    from ckit_daemon.services.ports import Repository

SCHEMA: Final = f"{KIT}/schemas/spec-log.schema.json"
REQUEST_TYPES: Final = {"spec": "spec-generate", "prompt": "promptify", "code": "codegen"}
_ID: Final = re.compile(r"[a-z0-9-]+")
_REQUIRED: Final = frozenset({(), ("id",), ("timestamp",), ("requestType",), ("status",)})
"""Paths that are never taken out."""
_MAX_DROPPED: Final = 100


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry as its file has it."""

    id: str
    path: str
    value: JsonValue
    problems: tuple[str, ...]

    def text(self, key: str) -> str | None:
        """A field of the entry where it is a text."""
        return text_of(self.value.get(key)) if isinstance(self.value, dict) else None

    @property
    def spec_id(self) -> str | None:
        """The specification that came out."""
        output = self.value.get("output") if isinstance(self.value, dict) else None
        return text_of(output.get("specId")) if isinstance(output, dict) else None

    @property
    def entities(self) -> list[str]:
        """The ids of the entities that it is about, each once."""
        value = self.value if isinstance(self.value, dict) else {}
        asked = value.get("input")
        lists = [asked.get("entityIds") if isinstance(asked, dict) else None, value.get("relatedEntities")]
        found = [item for each in lists if isinstance(each, list) for item in each if isinstance(item, str)]
        return list(dict.fromkeys([*found, *([self.spec_id] if self.spec_id else [])]))

    @property
    def moment(self) -> datetime:
        """When it happened; the beginning of time where the entry does not say."""
        try:
            moment = datetime.fromisoformat(self.text("timestamp") or "")
        except ValueError:
            return datetime.min.replace(tzinfo=UTC)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def log_schema(store: Repository) -> Schema | None:
    """The repository's schema of log entries, None where it has none that can be used; reads the disk."""
    try:
        text = store.read_file(SCHEMA).text
        definition = cast("JsonValue", orjson.loads(text))
        return Schema(Document(SCHEMA, text), definition, {}) if isinstance(definition, dict) else None
    except (
        NotFoundError,
        ContentRejectedError,
        PathNotAllowedError,
        ValueError,
        jsonschema_rs.ReferencingError,
    ):
        return None


def new_entry(
    store: Repository, generation: Generation, output: JsonObject, *, partial: bool = False
) -> tuple[str, str]:
    """The path and the text of a new entry about a generation, fitting the repository's schema; reads the disk."""
    schema = log_schema(store)
    moment = datetime.fromisoformat(generation.created_at)
    name = REQUEST_TYPES[generation.kind]
    identifier = f"{moment:%Y-%m-%d-%H%M%S}-{name}-{secrets.token_hex(3)}"
    entry = _entry(identifier, generation, output)
    if partial:
        entry["status"] = "partial"
    entry = _fitting(entry, schema)
    return f"{SPEC_LOG}/{identifier}.json", json.dumps(entry, ensure_ascii=False, indent=2) + "\n"


def _entry(identifier: str, generation: Generation, output: JsonObject) -> JsonObject:
    asked = generation.parameters
    named = [found.id for found in generation.inputs if found.id is not None]
    entry: JsonObject = {
        "id": identifier,
        "timestamp": generation.created_at,
        "requestType": REQUEST_TYPES[generation.kind],
        "status": "success" if generation.outcome == "succeeded" else "failure",
        "input": {
            "entityIds": cast("JsonValue", asked.get("entities") or []),
            "userPrompt": text_of(asked.get("requirement")) or text_of(asked.get("text")),
            "templateId": generation.template.name if generation.template else None,
            "ragContext": [found.path for found in generation.inputs],
        },
        "output": {
            **output,
            "metadata": {
                "generationId": generation.id,
                "requestId": generation.request_id,
                "cached": generation.cached,
                "repairs": generation.repairs,
                "inputs": {found.path: found.sha256 for found in generation.inputs},
            },
        },
        "durationMs": round(generation.duration_ms),
        "relatedEntities": [*dict.fromkeys([*([generation.entity] if generation.entity else []), *named])],
    }
    if generation.provider is not None:
        usage = generation.usage
        entry["model"] = {
            "provider": generation.provider,
            "model": generation.model,
            "temperature": asked.get("temperature"),
            "tokensUsed": {
                "prompt": usage.input_tokens,
                "completion": usage.output_tokens,
                "total": usage.input_tokens + usage.output_tokens,
            },
        }
    if generation.failure is not None:
        failure = generation.failure
        entry["error"] = {"message": failure.message, "code": failure.code, "retryable": failure.retryable}
    return cast("JsonObject", _without_nothing(entry))


def _without_nothing(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {key: _without_nothing(item) for key, item in value.items() if item is not None}
    return value


def _fitting(entry: JsonObject, schema: Schema | None) -> JsonObject:
    """The entry without what the repository's schema refuses; what is taken out moves into `output.metadata`."""
    refused: JsonObject = {}
    for _ in range(_MAX_DROPPED):
        error = next(schema.errors(entry), None) if schema else None
        if error is None:
            break
        path = error.path[:-1] if error.keyword == "required" else error.path
        holder = value_at(entry, path[:-1])
        if not isinstance(holder, dict) or path[-1:] in _REQUIRED:
            break
        refused[".".join(map(str, path))] = holder.pop(str(path[-1]), None)
    metadata = value_at(entry, ("output", "metadata"))
    if refused and schema is not None and isinstance(metadata, dict):
        metadata["besides"] = refused
        if next(schema.errors(entry), None) is not None:
            del metadata["besides"]
    return entry


def read_log(store: Repository) -> list[LogEntry]:
    """All entries, the newest first; reads the disk."""
    try:
        names = sorted(item.name for item in os.scandir(store.root / SPEC_LOG) if item.name.endswith(".json"))
    except OSError:
        return []
    schema = log_schema(store)
    entries = [_read(store, name.removesuffix(".json"), schema) for name in names]
    return sorted(entries, key=lambda entry: (entry.moment, entry.id), reverse=True)


def read_entry(store: Repository, identifier: str) -> LogEntry:
    """One entry; reads the disk.

    Raises:
        NotFoundError: there is none.
    """
    entry = _read(store, identifier, log_schema(store)) if _ID.fullmatch(identifier) else None
    if entry is None or (entry.value is None and not (store.root / entry.path).is_file()):
        raise NotFoundError(
            f"The log has no entry {identifier[:100]!r}; ckit/specLog/list names those that it has.",
            details={"kind": "logEntry", "id": identifier[:100]},
        )
    return entry


def _read(store: Repository, identifier: str, schema: Schema | None) -> LogEntry:
    path = f"{SPEC_LOG}/{identifier}.json"
    problems: Sequence[str]
    value: JsonValue = None
    try:
        value = cast("JsonValue", orjson.loads(store.read_file(path).text))
        problems = [sentence(error.message) for error in schema.errors(value)] if schema else []
    except orjson.JSONDecodeError as error:
        problems = [f"This is no valid JSON: {error.msg}."]
    except (NotFoundError, ContentRejectedError, PathNotAllowedError) as error:
        problems = [error.message]
    return LogEntry(identifier, path, value, tuple(problems))
