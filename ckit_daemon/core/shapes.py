"""What JSON Schemas say about the value at a place: its fields, its kinds, what it means.

Validation asks a compiled schema; this is for people who are about to write a value, and for templates that read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckit_daemon.core.json import JsonObject, JsonValue, Path


class Described(NamedTuple):
    """A schema, the document that its local references are resolved in, and the other schema files by name."""

    schema: JsonObject
    root: JsonObject
    others: Mapping[str, JsonObject]


Shape: TypeAlias = tuple[Described, ...] | None
"""The schemas that a value may obey; None where nothing is known about it, so that it may hold anything."""

SCALAR: Final[Shape] = (Described({"type": "string"}, {}, {}),)
_SCALARS: Final = {"string", "number", "integer", "boolean", "null"}
_MAX_VARIANTS: Final = 200
"""Schemas that are asked about one value; references may run in a circle."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the schemas of one value say about it."""

    description: str = ""
    types: tuple[str, ...] = ()
    choices: tuple[JsonValue, ...] = ()
    """The values that are allowed; empty where that is not said."""
    default: JsonValue = None
    examples: tuple[JsonValue, ...] = ()
    pattern: str = ""
    format: str = ""
    deprecated: bool = False


def variants(shape: Shape) -> Iterator[Described]:
    """Every schema that takes part in describing a value."""
    waiting = list(shape or ())
    for count, described in enumerate(waiting):
        if count == _MAX_VARIANTS:
            return
        yield described
        schema, root, others = described
        parts: list[JsonValue] = [schema.get("then"), schema.get("else")]
        for keyword in ("allOf", "anyOf", "oneOf"):
            listed = schema.get(keyword)
            parts += listed if isinstance(listed, list) else ()
        waiting += (Described(part, root, others) for part in parts if isinstance(part, dict))
        waiting += _referred(described)


def _referred(described: Described) -> Iterator[Described]:
    """What a `$ref` names; a schema that says nothing where it can't be followed."""
    reference = described.schema.get("$ref")
    if not isinstance(reference, str):
        return
    file, _, pointer = reference.partition("#")
    root: JsonValue = described.root if not file else described.others.get(file.rsplit("/", 1)[-1])
    target = root
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        target = target.get(name) if isinstance(target, dict) else None
    if isinstance(target, dict) and isinstance(root, dict):
        yield Described(target, root, described.others)
    else:
        yield Described({}, {}, {})


def child(shape: Shape, name: str) -> Shape:
    """The shape of a field: None where it may be anything, nothing at all where no schema knows it."""
    found: list[Described] = []
    for described in variants(shape):
        schema = described.schema
        properties = schema.get("properties")
        additional = schema.get("additionalProperties")
        if isinstance(properties, dict) and name in properties:
            there = properties[name]
            if not isinstance(there, dict):
                return None
            found.append(described._replace(schema=there))
        elif isinstance(additional, dict):
            found.append(described._replace(schema=additional))
        elif name == "length" and schema.get("type") in {"array", "string"}:
            found += SCALAR or ()
        elif name.isdigit() and isinstance(within := schema.get("items"), dict):
            found.append(described._replace(schema=within))
        elif _is_open(schema):
            return None
    return tuple(found)


def items(shape: Shape) -> Shape:
    """The shape of what a list or a mapping holds."""
    found = [
        described._replace(schema=within)
        for described in variants(shape)
        for within in (described.schema.get("items"), described.schema.get("additionalProperties"))
        if isinstance(within, dict)
    ]
    return tuple(found) or None


def at(shape: Shape, path: Path) -> Shape:
    """The shape of the value at a path; None where it may be anything, nothing where no schema knows it."""
    for step in path:
        if shape is None:
            return None
        shape = _item(shape, step) if isinstance(step, int) else child(shape, step)
    return shape


def _item(shape: Shape, index: int) -> Shape:
    found: list[Described] = []
    for described in variants(shape):
        first = described.schema.get("prefixItems")
        within = described.schema.get("items")
        if not isinstance(first, list):
            first = within if isinstance(within, list) else []
            within = described.schema.get("additionalItems") if first else within
        chosen = first[index] if index < len(first) else within
        if isinstance(chosen, dict):
            found.append(described._replace(schema=chosen))
        elif _is_open(described.schema):
            return None
    return tuple(found)


def properties(shape: Shape) -> dict[str, Shape]:
    """The fields that schemas name, in their order, each with its shape."""
    found: dict[str, list[Described]] = {}
    for described in variants(shape):
        named = described.schema.get("properties")
        for name, schema in named.items() if isinstance(named, dict) else ():
            found.setdefault(name, []).append(described._replace(schema=schema if isinstance(schema, dict) else {}))
    return {name: tuple(schemas) for name, schemas in found.items()}


def required(shape: Shape) -> frozenset[str]:
    """The fields that every value must have."""
    names = (described.schema.get("required") for described in variants(shape))
    return frozenset(name for listed in names if isinstance(listed, list) for name in listed if isinstance(name, str))


def facts(shape: Shape) -> Facts:
    """What is said about a value: the first description, default and pattern, and all types and choices."""
    types: list[str] = []
    choices: list[JsonValue] = []
    examples: list[JsonValue] = []
    texts = {"description": "", "title": "", "pattern": "", "format": ""}
    default: JsonValue = None
    deprecated = False
    for described in variants(shape):
        schema = described.schema
        kinds = schema.get("type")
        types += [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if isinstance(kind, str)]
        allowed = schema.get("enum")
        choices += allowed if isinstance(allowed, list) else ()
        choices += [schema["const"]] if "const" in schema else ()
        shown = schema.get("examples")
        examples += shown if isinstance(shown, list) else ()
        for keyword, known in texts.items():
            text = schema.get(keyword)
            texts[keyword] = known or (text if isinstance(text, str) else "")
        default = schema.get("default") if default is None else default
        deprecated = deprecated or schema.get("deprecated") is True
    return Facts(
        description=texts["description"] or texts["title"],
        types=tuple(dict.fromkeys(types)),
        choices=_each_once(choices),
        default=default,
        examples=_each_once(examples),
        pattern=texts["pattern"],
        format=texts["format"],
        deprecated=deprecated,
    )


def _each_once(values: list[JsonValue]) -> tuple[JsonValue, ...]:
    # Python takes 1 for true.
    return tuple({(type(value), str(value)): value for value in values}.values())


def _is_open(schema: JsonObject) -> bool:
    """Whether a schema says nothing about which fields there are."""
    if "patternProperties" in schema:
        return True
    closed = {"properties", "items", "allOf", "anyOf", "oneOf", "enum", "const", "then", "else", "required", "$ref"}
    kinds = schema.get("type")
    scalar = isinstance(kinds, str) and kinds in _SCALARS
    return not (scalar or kinds == "array" or closed & schema.keys())
