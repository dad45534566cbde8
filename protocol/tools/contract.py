"""The contract as the generator reads it: messages with their schemas, parsed, and the types in them."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

from ckit_daemon.wire.methods import METHODS
from ckit_daemon.wire.schema import error_schema, initialize_schema, method_schema
from ckit_daemon.wire.version import PROTOCOL_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckit_daemon.wire.row import Method

DIALECT = "https://json-schema.org/draft/2020-12/schema"

TypeKeyword = Literal["object", "array", "string", "integer", "number", "boolean", "null"]


class Discriminator(BaseModel):
    """The field that tells the members of a union apart (OpenAPI 3.1)."""

    property_name: str = Field(alias="propertyName")
    mapping: dict[str, str]


class Schema(BaseModel):
    """The part of JSON Schema 2020-12 that the contract uses; another keyword is an error, so that none is lost."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)

    title: str | None = None
    description: str | None = None
    type: TypeKeyword | None = None
    ref: str | None = Field(default=None, alias="$ref")
    defs: dict[str, Schema] = Field(default={}, alias="$defs")
    properties: dict[str, Schema] = {}
    required: list[str] = []
    additional_properties: bool | Schema | None = None
    property_names: Schema | None = None
    items: Schema | None = None
    any_of: list[Schema] = []
    one_of: list[Schema] = []
    discriminator: Discriminator | None = None
    enum: list[JsonValue] = []
    const: JsonValue = None
    default: JsonValue = None
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    min_items: int | None = None
    max_items: int | None = None

    @property
    def target(self) -> str | None:
        """Name of the definition that the schema stands for."""
        return self.ref.removeprefix("#/$defs/") if self.ref else None


@dataclass(frozen=True)
class Message:
    """One side of a method: its schema as published and as parsed.

    Attributes:
        name: path of its files, e.g. `repo/validate.params`.
        document: JSON Schema document.
        schema: the same, parsed.
    """

    name: str
    document: dict[str, Any]
    schema: Schema

    @property
    def type_name(self) -> str:
        """Name of the message's type."""
        if self.schema.title is None:
            raise ValueError(f"{self.name} has no title")
        return self.schema.title


def short_name(method: str) -> str:
    """Return a method's name without what all have in common."""
    return method.removeprefix("ckit/")


def method_messages(method: Method) -> dict[str, Message]:
    """Return `params`, and `result` for requests."""
    return _messages(short_name(method.name), method_schema(method))


def initialize_messages() -> dict[str, Message]:
    """Return `params` and `result` of LSP's initialize, with our part in them."""
    return _messages("initialize", initialize_schema())


def error_message() -> Message:
    """Return the schema of `error`."""
    return _message("error", error_schema())


def all_messages() -> Iterator[Message]:
    """Yield every message of the contract."""
    yield from initialize_messages().values()
    for method in METHODS:
        yield from method_messages(method).values()
    yield error_message()


@functools.cache
def named_types() -> Mapping[str, Schema]:
    """Return every object type of the contract by name, parts after the messages.

    Raises:
        ValueError: one name stands for two different types.
    """
    messages: dict[str, Schema] = {}
    parts: dict[str, Schema] = {}
    for message in all_messages():
        for name, schema in message.schema.defs.items():
            if schema.properties or schema.one_of:
                _add(parts, schema.title or name, schema)
        # Initialize belongs to LSP; only our part of it is a type of ours.
        if not message.name.startswith("initialize."):
            _add(messages, message.type_name, message.schema.model_copy(update={"defs": {}}))
    return messages | {name: parts[name] for name in sorted(parts) if name not in messages}


def schema_files() -> dict[str, str]:
    """Return the text of every file under `schema/` by name."""
    return {f"schema/{message.name}.json": to_text(message.document) for message in all_messages()}


def index_file() -> str:
    """Return the text of `index.json`: the table of methods with the files that describe each."""
    rows: list[dict[str, Any]] = []
    for method in METHODS:
        messages = method_messages(method)
        rows.append(
            {
                "name": method.name,
                "summary": method.summary,
                "kind": method.kind,
                "direction": method.direction,
                "stability": method.stability,
                "cost": method.cost,
                "feature": method.feature,
                "params": f"schema/{messages['params'].name}.json",
                "result": f"schema/{messages['result'].name}.json" if "result" in messages else None,
                "golden": f"golden/{short_name(method.name)}.json",
            }
        )
    return to_text({"protocolVersion": PROTOCOL_VERSION, "error": "schema/error.json", "methods": rows})


def to_text(document: object) -> str:
    """Return a JSON document as it stands in a file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _messages(name: str, schemas: dict[str, dict[str, Any]]) -> dict[str, Message]:
    return {side: _message(f"{name}.{side}", schema) for side, schema in schemas.items()}


def _message(name: str, schema: dict[str, Any]) -> Message:
    document = {"$schema": DIALECT, "$id": f"urn:ckit:protocol:{PROTOCOL_VERSION}:{name}", **schema}
    return Message(name, document, Schema.model_validate(schema))


def _add(types: dict[str, Schema], name: str, schema: Schema) -> None:
    known = types.setdefault(name, schema)
    if known == schema:
        return
    if _without_nulls(known) != _without_nulls(schema):
        raise ValueError(f"two types are called {name}")
    # Both sides send the type. The daemon leaves out what it reads as null too, so that its own form suits both.
    types[name] = min(known, schema, key=_count_nulls)


def _count_nulls(schema: Schema) -> int:
    return sum(_is_null(item) for field in schema.properties.values() for item in field.any_of)


def _without_nulls(schema: Schema) -> Schema:
    fields: dict[str, Schema] = {}
    for name, field in schema.properties.items():
        match [item for item in field.any_of if not _is_null(item)]:
            case [other]:
                fields[name] = other.model_copy(update={"description": field.description})
            case _:
                fields[name] = field
    return schema.model_copy(update={"properties": fields})


def _is_null(schema: Schema) -> bool:
    return schema.type == "null"
