"""JSON Schemas (2020-12) of the table of methods, and their hash; for the generator and the tests, not at run time."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, cast

from pydantic.json_schema import GenerateJsonSchema

from ckit_daemon.wire.base import Params, StoredModel
from ckit_daemon.wire.errors import NUMBERS, ErrorObject
from ckit_daemon.wire.lifecycle import InitializeOptions
from ckit_daemon.wire.methods import METHODS
from ckit_daemon.wire.server import Capabilities

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.json_schema import JsonSchemaMode, JsonSchemaValue
    from pydantic_core import core_schema

    from ckit_daemon.wire.row import Method


class _WireSchema(GenerateJsonSchema):
    """Describes messages as they are on the wire.

    What the daemon sends has no None fields, and every other field is there even where it holds its default, except
    in stored models; pydantic would call each field with a default optional and nullable.
    """

    _stored = False
    """Whether the fields at hand are those of a stored model."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 - pydantic's signature.
        # Titles of fields repeat their names, and code generators make a type of each.
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        outer, self._stored = self._stored, issubclass(schema["cls"], StoredModel)
        try:
            return super().model_schema(schema)
        finally:
            self._stored = outer

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if self.mode == "validation":
            return super().default_schema(schema)
        inner = schema["schema"]
        if not _defaults_to_none(schema):
            return super().default_schema(schema) if self._stored else self.generate_inner(inner)
        if inner["type"] == "nullable":
            inner = cast("core_schema.NullableSchema", inner)["schema"]
        return self.generate_inner(inner)

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        schema = field["schema"]
        if self.mode == "serialization" and schema["type"] == "default":
            return not (self._stored or _defaults_to_none(schema))
        return super().field_is_required(field, total)


def _defaults_to_none(schema: core_schema.CoreSchema) -> bool:
    with_default = cast("core_schema.WithDefaultSchema", schema)
    return "default" in with_default and with_default["default"] is None


def type_name(model: type[BaseModel], method: str = "") -> str:
    """Return the name of a message's type, unique in the whole contract: `ckit/repo/list`, ListResult: RepoListResult.

    Args:
        model: model of the message.
        method: full name of its method.
    """
    name = model.__name__
    prefix = "".join(part[0].upper() + part[1:] for part in method.split("/")[1:-1])
    shared = max(length for length in range(len(name) + 1) if prefix.endswith(name[:length]))
    return prefix + name[shared:]


def model_schema(model: type[BaseModel], mode: JsonSchemaMode, method: str = "") -> dict[str, Any]:
    """Return the schema of one model: `validation` is what the daemon reads, `serialization` what it sends."""
    schema = model.model_json_schema(schema_generator=_WireSchema, mode=mode)
    return {"title": type_name(model, method), **{key: value for key, value in schema.items() if key != "title"}}


def method_schema(method: Method) -> dict[str, dict[str, Any]]:
    """Return the schemas of one method: of `params`, and of `result` for requests."""
    shared = method.params.__module__ == Params.__module__
    asks: JsonSchemaMode = "validation"
    answers: JsonSchemaMode = "serialization"
    if method.direction == "serverToClient":
        asks, answers = answers, asks
    schemas = {"params": model_schema(method.params, asks, "" if shared else method.name)}
    if method.result is not None:
        schemas["result"] = model_schema(method.result, answers, method.name)
    return schemas


def initialize_schema() -> dict[str, dict[str, Any]]:
    """Return the schemas of the contract's part in LSP's initialize: of its params and of its result."""
    options = model_schema(InitializeOptions, "validation")
    capabilities = model_schema(Capabilities, "serialization")
    return {
        "params": _within(options, "InitializeParams", ["initializationOptions", "ckit"]),
        "result": _within(capabilities, "InitializeResult", ["capabilities", "experimental", "ckit"]),
    }


def error_schema() -> dict[str, Any]:
    """Return the schema of `error` in every error answer."""
    return model_schema(ErrorObject, "serialization")


def schema_hash() -> str:
    """Return the SHA-256 over everything that the contract says about messages, in hexadecimal."""
    contract = {
        "methods": {m.name: [m.direction, m.kind, m.stability, method_schema(m)] for m in METHODS},
        "initialize": initialize_schema(),
        "error": error_schema(),
        "numbers": NUMBERS,
    }
    return hashlib.sha256(json.dumps(contract, sort_keys=True).encode()).hexdigest()


def _within(schema: dict[str, Any], title: str, path: list[str]) -> dict[str, Any]:
    """Return the schema of an LSP message that holds ours at a path and much else beside it."""
    definitions: dict[str, Any] = schema.pop("$defs", {})
    name: str = schema["title"]
    inner: dict[str, Any] = {"$ref": f"#/$defs/{name}"}
    for key in reversed(path):
        inner = {"type": "object", "properties": {key: inner}}
    return {
        "title": title,
        "description": f"Our part of LSP's {title}; LSP 3.17 describes the rest.",
        **inner,
        "$defs": {name: schema, **definitions},
    }
