"""TypeScript types of the contract, written from the JSON Schemas."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ckit_daemon.wire.errors import NUMBERS
from ckit_daemon.wire.methods import METHODS
from ckit_daemon.wire.version import PROTOCOL_VERSION
from tools.contract import method_messages, named_types

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.contract import Schema

HEADER = """\
// Types of the ckit protocol. Written by `python protocol/generate.py` from the JSON Schemas; don't edit.

export type ProtocolVersion = %s;

/** Any JSON value. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
"""

HELPERS = """\
export type RequestMethod = keyof Methods;
export type NotificationMethod = keyof Notifications;
export type ParamsOf<M extends RequestMethod> = Methods[M]['params'];
export type ResultOf<M extends RequestMethod> = Methods[M]['result'];

/** What a host does about the daemon's requests; their names go into `InitializeOptions.answers`. */
export type ClientHandlers = {
  [M in keyof ClientMethods]?: (params: ClientMethods[M]['params']) => Promise<ClientMethods[M]['result']>;
};

/** `initializationOptions` of LSP's initialize. */
export interface InitializationOptions {
  ckit?: InitializeOptions;
}

/** `capabilities.experimental` in the answer to LSP's initialize. */
export interface ExperimentalCapabilities {
  ckit: Capabilities;
}
"""


def type_expression(schema: Schema) -> str:
    """Return the type of a value as TypeScript writes it."""
    if schema.target:
        return schema.target
    if schema.const is not None:
        return _literal(schema.const)
    if schema.enum:
        return " | ".join(_literal(value) for value in schema.enum)
    if choices := schema.any_of or schema.one_of:
        return " | ".join(dict.fromkeys(type_expression(item) for item in choices))
    if schema.type == "array":
        item = type_expression(schema.items) if schema.items else "JsonValue"
        return f"({item})[]" if " | " in item else f"{item}[]"
    if schema.type == "object":
        return _map_expression(schema)
    return {"integer": "number", None: "JsonValue"}.get(schema.type, schema.type or "")


def types_file() -> str:
    """Return the text of `ts/index.d.ts`."""
    blocks = [HEADER % _literal(PROTOCOL_VERSION)]
    blocks += [_declaration(name, schema) for name, schema in named_types().items()]
    blocks += [
        _error_codes(),
        _method_map("Methods", "clientToServer", "Requests that a host sends."),
        _method_map("ClientMethods", "serverToClient", "Requests that the daemon sends, where the host said so."),
        _notification_map(),
        HELPERS,
    ]
    return "\n".join(blocks)


def package_file() -> str:
    """Return the text of `ts/package.json`."""
    package = {
        "name": "@ckit/protocol",
        "version": f"{PROTOCOL_VERSION}.0",
        "description": "Types of the messages between a host and the ckit daemon.",
        "license": "MIT",
        "types": "index.d.ts",
        "files": ["index.d.ts"],
    }
    return json.dumps(package, indent=2) + "\n"


def _map_expression(schema: Schema) -> str:
    values = schema.additional_properties
    if isinstance(values, bool) or values is None:
        return "Record<string, never>" if values is False else "{ [key: string]: JsonValue }"
    if schema.property_names and schema.property_names.enum:
        # Only the keys that occur are sent.
        return f"Partial<Record<{type_expression(schema.property_names)}, {type_expression(values)}>>"
    return f"Record<string, {type_expression(values)}>"


def _declaration(name: str, schema: Schema) -> str:
    if not schema.properties:
        return _comment(schema.description, "") + f"export type {name} = {type_expression(schema)};\n"
    lines = [_comment(schema.description, "") + f"export interface {name} {{\n"]
    for field, value in schema.properties.items():
        optional = "" if field in schema.required else "?"
        lines.append(_comment(field_note(value), "  ") + f"  {field}{optional}: {type_expression(value)};\n")
    return "".join([*lines, "}\n"])


def field_note(schema: Schema) -> str:
    """Return what a reader should know of a field beside its type: meaning, default and bounds."""
    notes = [schema.description] if schema.description else []
    if schema.default is not None:
        notes.append(f"Default: `{json.dumps(schema.default, ensure_ascii=False)}`.")
    inner = next((item for item in schema.any_of if item.type != "null"), schema)
    notes += _bounds(inner)
    return " ".join(notes)


def _bounds(schema: Schema) -> Iterator[str]:
    for low, high, what in (
        (schema.minimum, schema.maximum, ""),
        (schema.min_length, schema.max_length, " characters"),
        (schema.min_items, schema.max_items, " items"),
    ):
        match low, high:
            case None, None:
                continue
            case low, None:
                yield f"At least {low:g}{what}."
            case None, high:
                yield f"At most {high:.10g}{what}."
            case low, high:
                yield f"{low:g} to {high:.10g}{what}."


def _error_codes() -> str:
    lines = [f"  {code}: {number};\n" for code, number in NUMBERS.items()]
    head = _comment("Number in `error.code` of each string in `error.data.code`.", "")
    return (
        f"{head}export interface ErrorNumbers {{\n{''.join(lines)}}}\n\nexport type ErrorCode = keyof ErrorNumbers;\n"
    )


def _method_map(name: str, direction: str, note: str) -> str:
    lines: list[str] = []
    for method in METHODS:
        messages = method_messages(method)
        if "result" in messages and method.direction == direction:
            params, result = (messages[side].type_name for side in ("params", "result"))
            summary = method.summary if method.stability == "stable" else f"{method.summary} @experimental"
            lines.append(_comment(summary, "  ") + f"  '{method.name}': {{ params: {params}; result: {result} }};\n")
    return _comment(note, "") + f"export interface {name} {{\n{''.join(lines)}}}\n"


def _notification_map() -> str:
    lines: list[str] = []
    for method in METHODS:
        if method.kind == "notification":
            params = method_messages(method)["params"].type_name
            lines.append(_comment(method.summary, "  ") + f"  '{method.name}': {{ params: {params} }};\n")
    return _comment("Notifications.", "") + f"export interface Notifications {{\n{''.join(lines)}}}\n"


def _comment(text: str | None, indent: str) -> str:
    # A comment must not end early; TSDoc reads the escape as the plain characters.
    safe = (text or "").replace("*/", "*\\/")
    return f"{indent}/** {safe} */\n" if text else ""


def _literal(value: object) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'" if isinstance(value, str) else json.dumps(value)
