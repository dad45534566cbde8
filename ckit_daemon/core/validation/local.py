"""Findings that one file alone gives rise to: its YAML, its schema, and the constitution's rules for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ckit_daemon.core import layout
from ckit_daemon.core.json import shorten
from ckit_daemon.core.relations import GOVERNANCE
from ckit_daemon.core.text import Location
from ckit_daemon.core.validation.codes import CODES, make
from ckit_daemon.core.validation.schema_fixes import schema_fixes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckit_daemon.core.constitution import Constitution
    from ckit_daemon.core.document import Document, Finding
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import Path
    from ckit_daemon.core.schema import SchemaError, SchemaSet
    from ckit_daemon.core.shapes import Shape
    from ckit_daemon.core.yaml import Problem


@dataclass(frozen=True, slots=True)
class LocalResult:
    """What is wrong with one file."""

    findings: tuple[Finding, ...] = ()
    broken: frozenset[Path] = frozenset()
    """The places whose value breaks its schema; nothing else is said about these."""


CLEAN: Final = LocalResult()


def check_document(
    document: Document, entity: Entity | None, schemas: SchemaSet, constitution: Constitution
) -> LocalResult:
    """Find what is wrong with a file, whatever the others hold."""
    # What is wrong with a schema file is known since the schemas were compiled.
    if document.path.startswith(f"{layout.SCHEMAS}/"):
        return CLEAN
    findings = list(document.failures)
    findings += (_yaml_finding(document, problem, entity) for problem in document.problems)
    broken: set[Path] = set()
    if document.readable and document.path.startswith(f"{layout.ENTITIES}/"):
        for found, place in _check_content(document, entity, schemas):
            findings.append(found)
            broken.add(place)
        if entity is not None:
            findings += (found for found in constitution.violations(entity) if found.path not in broken)
            findings += (
                found
                for found in (constitution.findings if entity.type == GOVERNANCE else ())
                if found.location.path == document.path and found.path not in broken
            )
    return LocalResult(tuple(findings), frozenset(broken)) if findings else CLEAN


def _yaml_finding(document: Document, problem: Problem, entity: Entity | None) -> Finding:
    message = f"{problem.message[:1].upper()}{problem.message[1:]}. {CODES[problem.code].advice}"
    return make(problem.code, message, Location(document.path, problem.range), entity=entity.id if entity else None)


def _check_content(document: Document, entity: Entity | None, schemas: SchemaSet) -> Iterator[tuple[Finding, Path]]:
    entity_type = schemas.type_of_path(document.path)
    identifier = entity.id if entity else None
    if entity_type is None:
        yield make("entity.unknown-type", _unknown_type(document.path, schemas), document.location_at((), key=True)), ()
        return
    data = document.value
    if not isinstance(data, dict):
        what = "is empty" if data is None else f"holds {_KINDS[type(data).__name__]}"
        message = f"This file {what}, and an entity is a mapping of keys and values: begin it with 'id: ...'."
        yield make("entity.not-a-mapping", message, document.location_at(())), ()
        return
    if entity is None:
        message = f"This {entity_type} has no id, so nothing can name it: add a text 'id'."
        yield make("entity.no-id", message, document.location_at((), key=True), path=("id",)), ("id",)
    schema = schemas[entity_type]
    for error in schema.errors(data) if schema else ():
        # A missing id is one fault and not two.
        if schema and (entity is not None or error.path != ("id",)):
            yield _schema_finding(document, identifier, entity_type, error, schema.shape), error.path


def _schema_finding(
    document: Document, identifier: str | None, entity_type: str, error: SchemaError, shape: Shape
) -> Finding:
    message = f"{error.message[:1].upper()}{error.message[1:]} (schema of {entity_type})."
    return make(
        f"schema.{error.keyword}",
        message,
        # What is missing has no value to show, only a neighbour's key.
        document.location_at(error.path, key=error.on_key or error.keyword == "required"),
        entity=identifier,
        path=error.path,
        fixes=schema_fixes(document, error, shape),
    )


def _unknown_type(path: str, schemas: SchemaSet) -> str:
    known = ", ".join(schemas.folder_of(entity_type) for entity_type in schemas.types())
    parts = path.split("/")
    if len(parts) == 2:
        return f"A file directly in {layout.ENTITIES}/ has no type: move it into one of {known}."
    return f"No schema claims the folder {layout.ENTITIES}/{shorten(parts[1])}: use one of {known}, or add a schema."


_KINDS: Final = {"list": "a list", "str": "a text", "int": "a number", "float": "a number", "bool": "a truth value"}
