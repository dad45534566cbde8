"""Makes entities from drafts: checked against the repository's schema, and mended by the model where they break it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import orjson

from ckit_daemon.core.constitution import Constitution
from ckit_daemon.core.document import read_yaml
from ckit_daemon.core.edit import NewEntity, check_id, create, next_id
from ckit_daemon.core.edit.ids import check_free
from ckit_daemon.core.entity import text_of
from ckit_daemon.core.errors import GenerationFailedError, NotFoundError
from ckit_daemon.core.relations import Misfit, references_of
from ckit_daemon.services.generation.prompts import entity_request, modeller_messages, repair_messages

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from langchain_core.messages import BaseMessage

    from ckit_daemon.core.edit import EditPlan
    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.services.generation.run import Run
    from ckit_daemon.services.generation.workshop import Basis, Workshop
    from ckit_daemon.services.open_repository import OpenRepository

MAX_PROBLEMS: Final = 20
_SIBLINGS: Final = 5
_META: Final = ("$schema", "$id", "title", "description", "examples")


@dataclass(frozen=True, slots=True)
class Drafted:
    """A new entity that fits its schema, and what makes it."""

    id: str
    path: str
    data: JsonObject
    plan: EditPlan
    warnings: tuple[str, ...]


def answer_schema(snapshot: Snapshot, entity_type: str, *, known: Collection[str] = ()) -> JsonObject:
    """The JSON Schema of a model's answer: the repository's own of the type, without the id.

    Args:
        snapshot: where the schema is.
        entity_type: the type.
        known: fields that need not be in the answer, since they are there already.

    Raises:
        NotFoundError: there is no such type.
    """
    types = snapshot.schemas.types()
    if entity_type not in types:
        listed: list[JsonValue] = [*types]
        raise NotFoundError(
            f"There is no entity type {entity_type[:100]}; there are {', '.join(types)}.",
            details={"kind": "type", "types": listed},
        )
    schema = snapshot.schemas[entity_type]
    definition = {} if schema is None else {key: item for key, item in schema.definition.items() if key not in _META}
    properties, required = definition.get("properties"), definition.get("required")
    if isinstance(properties, dict):
        definition["properties"] = {key: item for key, item in properties.items() if key != "id"}
    if isinstance(required, list):
        definition["required"] = [name for name in required if name != "id" and name not in known]
    return {"type": "object", **definition}


def draft_messages(
    basis: Basis, entity_type: str, schema: JsonObject, request: str, links: JsonObject, packed: str = ""
) -> list[BaseMessage]:
    """The messages that ask for an entity of a type: the request, the schema, the material and some of its kind."""
    alike = [entity.data for entity in basis.snapshot.entities if entity.type == entity_type]
    siblings: list[JsonValue] = [*alike[:_SIBLINGS]]
    facts: JsonObject = {
        **basis.material.facts,
        "request": request,
        "schema": schema,
        "links": links,
        "siblings": siblings,
    }
    form = orjson.dumps(schema, option=orjson.OPT_INDENT_2).decode()
    return modeller_messages(entity_request(entity_type, request, form) + packed, facts)


def problems_of(snapshot: Snapshot, entity_type: str, value: JsonValue, identifier: str) -> list[str]:
    """What is wrong with a draft: against the schema, and references to what does not exist; [] if nothing is."""
    if not isinstance(value, dict):
        return ["the answer must be a JSON object"]
    data = {**value, "id": identifier}
    schema = snapshot.schemas[entity_type]
    found = [] if schema is None else [error.message for error in schema.errors(data)]
    for reference in references_of(entity_type, data):
        if isinstance(reference, Misfit):
            continue
        target = snapshot.get(reference.target)
        if target is None:
            found.append(f"{reference.relation.name} names {reference.target}, which does not exist")
        elif target.type not in reference.relation.targets:
            found.append(f"{reference.relation.name} names {reference.target}, which is a {target.type}")
    if not any(text_of(data.get(key)) for key in ("title", "name", "iWant")) and schema is None:
        found.append("the required field 'title' is missing")
    return found[:MAX_PROBLEMS]


async def mended(
    workshop: Workshop,
    run: Run,
    messages: list[BaseMessage],
    schema: JsonObject,
    check: Callable[[JsonValue], list[str]],
    *,
    max_repairs: int,
    draft: JsonValue = None,
) -> JsonObject:
    """A draft without problems: the one given, or the model's answer, mended by the model as often as is allowed.

    Raises:
        GenerationFailedError: it still has problems; `details` lists them.
        CkitError: as the gateway says.
    """
    problems = ["nothing is written yet"] if draft is None else await asyncio.to_thread(check, draft)
    asked, text, repairs = messages, "", 0
    while problems:
        if repairs > max_repairs:
            listed: list[JsonValue] = [*problems]
            reasons = "; ".join(problem.rstrip(".") for problem in problems)
            raise GenerationFailedError(
                f"The model's answer still does not fit after {max_repairs} repairs: {reasons}. "
                "Say more exactly what is wanted, or try another model.",
                details={"problems": listed, "repairs": max_repairs},
            )
        if text:
            asked = repair_messages(messages, text, problems, repair=repairs)
            run.repairs = repairs
        draft, text, problems = await workshop.structured(asked, schema, run.kind, run)
        problems = problems or await asyncio.to_thread(check, draft)
        repairs += 1
        run.caller.progress.report(repairs, max_repairs + 2, f"{len(problems)} problems are left")
    if not isinstance(draft, dict):
        raise GenerationFailedError("The model's answer is no JSON object.")
    return draft


def planned(repository: OpenRepository, entity_type: str, data: JsonObject, identifier: str | None) -> Drafted:
    """Plan a checked draft as a new entity of the newest snapshot; reads Git.

    Raises:
        CkitError: as `core.edit.create`.
    """
    store = repository.store
    snapshot = store.snapshot
    taken = store.history.ids_on_branches() if identifier is None else frozenset[str]()
    created = create(snapshot, NewEntity(entity_type, data, identifier), taken=taken)
    document = read_yaml(created.path, created.plan.creates[created.path])
    entity = snapshot.read(document)
    warnings = list(created.plan.warnings)
    if entity is not None:
        rules = Constitution.of(snapshot, None, datetime.now(UTC).date())
        warnings += [finding.message for finding in rules.violations(entity)]
    return Drafted(created.id, created.path, {} if entity is None else entity.data, created.plan, tuple(warnings))


def provisional_id(snapshot: Snapshot, entity_type: str, identifier: str | None, title: str) -> str:
    """The id to check a draft with: the one that is asked for, or about the one that it will get.

    Raises:
        InvalidArgumentError: the id that is asked for is none of the type.
        AlreadyExistsError: it is taken.
    """
    if identifier is None:
        return next_id(snapshot, entity_type, title=title or "draft")
    check_id(snapshot, entity_type, identifier)
    check_free(snapshot, identifier)
    return identifier
