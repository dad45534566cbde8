"""The JSON Schemas of a repository: one per entity type.

Draft-07 (with formats) and 2020-12 are accepted, as `$schema` says. A `$ref` resolves among the repository's own
schema files by name or `$id`; nothing is ever fetched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import jsonschema_rs
import orjson

from ckit_daemon.core import layout
from ckit_daemon.core.document import Finding, Severity
from ckit_daemon.core.json import shorten, shown
from ckit_daemon.core.shapes import Described
from ckit_daemon.core.text import START, Location, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.json import JsonObject, JsonValue, Path
    from ckit_daemon.core.shapes import Shape

_KINDS: Final = jsonschema_rs.ValidationErrorKind
_MAX_MESSAGE: Final = 240
_UNRESOLVED: Final = re.compile(r"Resource '(.*)' is not present in a registry", re.DOTALL)
_TYPE_NAMES: Final = {
    "NoneType": "null",
    "bool": "boolean",
    "int": "integer",
    "float": "number",
    "str": "string",
    "list": "array",
    "dict": "object",
}


@dataclass(frozen=True, slots=True)
class SchemaError:
    """One way in which a value breaks its schema."""

    keyword: str
    message: str
    path: Path
    on_key: bool = False
    allowed: tuple[JsonValue, ...] = ()
    types: tuple[str, ...] = ()
    """What the value may be, in JSON Schema's names, where it is something else."""


class Schema:
    """A compiled schema."""

    def __init__(self, document: Document, definition: JsonObject, siblings: Mapping[str, JsonObject]) -> None:
        """Compile.

        Raises:
            ValueError: the schema breaks its own meta-schema, or refers to one that is not in the repository.

        """
        self.document = document
        self.definition = definition
        self.shape: Shape = (Described(definition, definition, siblings),)
        """What it says about values, for people who are about to write them."""

        def retrieve(uri: str) -> JsonObject:
            name = uri.rstrip("#").rsplit("/", 1)[-1]
            if name not in siblings:
                raise ValueError(f"no schema file has the name {name}")
            return siblings[name]

        self._validator = jsonschema_rs.validator_for(definition, validate_formats=True, retriever=retrieve)

    def errors(self, data: JsonValue) -> Iterator[SchemaError]:
        """Yield what is wrong with `data`, in the order of the schema."""
        if self._validator.is_valid(data):
            return
        for error in self._validator.iter_errors(data):
            kind, path = error.kind, tuple(error.instance_path)
            if isinstance(kind, (_KINDS.AdditionalProperties, _KINDS.UnevaluatedProperties)):
                for key in kind.unexpected:
                    message = f"the schema knows no field '{shorten(key)}'"
                    yield SchemaError(kind.name, message, (*path, key), on_key=True)
            else:
                yield _describe(error)

    def property_at(self, path: Path) -> JsonObject | None:
        """The schema of the value at `path`, for descriptions and enum values; None where the schema is silent."""
        current: JsonValue = self.definition
        for step in path:
            if not isinstance(current, dict):
                return None
            if isinstance(step, int):
                current = current.get("items")
            else:
                properties = current.get("properties")
                current = properties.get(step) if isinstance(properties, dict) else None
        return current if isinstance(current, dict) else None


def _reason(error: Exception) -> str:
    """The library's words in one line; it adds the whole place and value below."""
    message = error.message if isinstance(error, jsonschema_rs.ValidationError) else str(error)
    if found := _UNRESOLVED.match(message):
        return f"'$ref' names '{shorten(found[1])}', and no schema file of this repository has that name"
    return shorten(message, _MAX_MESSAGE)


def _describe(error: jsonschema_rs.ValidationError) -> SchemaError:
    path = tuple(error.instance_path)
    kind = error.kind
    name = ".".join(str(step) for step in path) or "the document"
    if isinstance(kind, _KINDS.Required):
        return SchemaError("required", f"the required field '{kind.property}' is missing", (*path, kind.property))
    if isinstance(kind, _KINDS.Enum):
        allowed = tuple(cast("list[JsonValue]", kind.options))
        options = ", ".join(shown(option) for option in allowed)
        return SchemaError("enum", f"'{name}' must be one of {options}, not {_show_at(error)}", path, allowed=allowed)
    if isinstance(kind, _KINDS.Type):
        message = f"'{name}' must be of type {' or '.join(kind.types)}, not {_type_of(error.instance)}"
        return SchemaError("type", message, path, types=tuple(kind.types))
    if isinstance(kind, _KINDS.Pattern):
        return SchemaError("pattern", f"'{name}' must match {kind.pattern}, and {_show_at(error)} does not", path)
    if isinstance(kind, _KINDS.BacktrackLimitExceeded):
        return SchemaError("pattern", f"the pattern of '{name}' takes too long to match; write it more simply", path)
    if isinstance(kind, _KINDS.Format):
        return SchemaError("format", f"'{name}' must be a {kind.format}, and {_show_at(error)} is none", path)
    message = error.message if len(error.message) <= _MAX_MESSAGE else f"'{name}' breaks '{kind.name}' of its schema"
    return SchemaError(kind.name, message, path)


def _show_at(error: jsonschema_rs.ValidationError) -> str:
    return shown(cast("JsonValue", error.instance))


def _type_of(value: object) -> str:
    return _TYPE_NAMES.get(type(value).__name__, "an unknown type")


class SchemaSet:
    """All schemas of a repository, and the entity types that they and the folders make known."""

    def __init__(self, documents: Mapping[str, Document]) -> None:
        self._by_type: dict[str, Schema] = {}
        self.findings: list[Finding] = []
        definitions: dict[str, JsonObject] = {}
        sources: dict[str, Document] = {}
        for path, document in sorted(documents.items()):
            name = path.removeprefix(f"{layout.SCHEMAS}/")
            if name == path or not name.endswith(layout.SCHEMA_SUFFIX):
                continue
            definition = self._read(document)
            if definition is not None:
                definitions[name] = definition
                sources[name] = document
        for name, definition in definitions.items():
            schema_name = name.removesuffix(layout.SCHEMA_SUFFIX)
            entity_type = next((key for key, value in layout.SCHEMA_NAMES.items() if value == schema_name), schema_name)
            try:
                self._by_type[entity_type] = Schema(sources[name], definition, definitions)
            except (ValueError, jsonschema_rs.ReferencingError) as error:
                path = tuple(error.instance_path) if isinstance(error, jsonschema_rs.ValidationError) else ()
                self._report(sources[name], f"this is no valid JSON Schema: {_reason(error)}", path)
        self._types = {
            folder: entity_type for entity_type in self._by_type for folder in layout.folder_names(entity_type)
        } | layout.FOLDERS

    def _read(self, document: Document) -> JsonObject | None:
        self.findings += document.failures
        if document.failures:
            return None
        try:
            definition = cast("JsonValue", orjson.loads(document.text))
        except orjson.JSONDecodeError as error:
            self._report(document, f"this is no valid JSON: {error.msg}")
            return None
        if not isinstance(definition, dict):
            self._report(document, "a schema must be a JSON object")
            return None
        return definition

    def _report(self, document: Document, message: str, path: Path = ()) -> None:
        # JSON is YAML as well, so that the place of an error is found in the same way.
        where = document.location_at(path) if path else Location(document.path, START)
        self.findings.append(Finding("schema.invalid", Severity.ERROR, sentence(message), where, path=path))

    def __getitem__(self, entity_type: str) -> Schema | None:
        return self._by_type.get(entity_type)

    def types(self) -> tuple[str, ...]:
        """Every type with a schema or a built-in folder, the built-in ones first."""
        return tuple(dict.fromkeys((*layout.FOLDERS.values(), *self._by_type)))

    def type_of_path(self, path: str) -> str | None:
        """The entity type of a file, from its folder under `contexts/`; None where no type claims the folder."""
        parts = path.split("/")
        return self._types.get(parts[1]) if len(parts) > 2 else None

    def folder_of(self, entity_type: str) -> str:
        """The folder for new entities of a type."""
        return f"{layout.ENTITIES}/{layout.folder_names(entity_type)[0]}"
