"""Specifications: written by a model as Markdown, then made into an entity that fits the repository's schema."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.errors import InvalidArgumentError
from ckit_daemon.services.generation.drafts import (
    answer_schema,
    draft_messages,
    mended,
    planned,
    problems_of,
    provisional_id,
)
from ckit_daemon.services.generation.facts import short_title
from ckit_daemon.services.generation.linking import link
from ckit_daemon.services.generation.markdown import BODY_FIELDS, Section, sections
from ckit_daemon.services.generation.prompts import WRITER, spec_request, writer_messages
from ckit_daemon.services.generation.run import AS_SET
from ckit_daemon.services.generation.spec_log import new_entry
from ckit_daemon.services.generation.templates import spec_template

if TYPE_CHECKING:
    from ckit_daemon.core.edit import EditPlan
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.services.generation.drafts import Drafted
    from ckit_daemon.services.generation.run import ModelChoice, Run
    from ckit_daemon.services.generation.templates import Template
    from ckit_daemon.services.generation.workshop import Basis, TextSink, Workshop
    from ckit_daemon.services.open_repository import OpenRepository

SPEC: Final = "spec"
_LINKED: Final = ("feature", "service", "package")
_MAX_SUMMARY: Final = 400
_WRAPPED: Final = re.compile(r"\s*```(?:markdown|md)?[ \t]*\n(.*?)\n```\s*", re.DOTALL | re.IGNORECASE)
_LISTS: Final = {
    "constraints": ("constraint",),
    "assumptions": ("assumption",),
    "clarifications": ("open question", "clarification"),
    "examples": ("example",),
    "acceptance": ("acceptance",),
    "acceptanceCriteria": ("acceptance",),
}
"""Fields that are lists, and the headings of the sections whose items they hold."""
_BEGINNINGS: Final = ("draft", "proposed", "new", "open", "todo")


@dataclass(frozen=True, slots=True)
class SpecRequest:
    """What a specification is to be about."""

    entities: tuple[str, ...] = ()
    requirement: str = ""
    template: str = "default"
    context: bool = False
    """Whether to search the repository for the requirement besides."""
    id: str | None = None
    choice: ModelChoice = AS_SET

    def as_parameters(self) -> JsonObject:
        """What provenance keeps of it."""
        asked: JsonObject = {
            "entities": [*self.entities],
            "requirement": self.requirement or None,
            "template": self.template,
            "context": self.context,
            "id": self.id,
        }
        return asked | self.choice.as_parameters()


@dataclass(frozen=True, slots=True)
class PlannedSpec:
    """A specification that is written, and not saved yet."""

    markdown: str
    drafted: Drafted
    plan: EditPlan
    """Makes the entity, the links to it and the entry of the log."""
    log_path: str


async def draft_spec(
    workshop: Workshop, run: Run, repository: OpenRepository, request: SpecRequest, stream: TextSink | None
) -> tuple[JsonObject, str]:
    """Have a specification written; returns the fields of the entity, which fit the schema, and the text in Markdown.

    Raises:
        InvalidArgumentError: nothing is named to write about.
        NotFoundError: an entity or the template does not exist.
        GenerationFailedError: the model's answer never became a specification.
        CkitError: as the gateway says.
    """
    if not request.entities and not request.requirement.strip():
        raise InvalidArgumentError("Name entities, a requirement or both; a specification is about something.")
    run.caller.progress.report(0, 100, "Reading the repository")
    search = request.requirement if request.context else ""
    basis = await workshop.basis(repository, request.entities, run, guidance=SPEC, search=search)
    template = await asyncio.to_thread(spec_template, basis.snapshot, basis.kit, request.template, basis.material)
    run.template = template.as_used()
    run.warnings += basis.kit.warnings
    identifier = await asyncio.to_thread(provisional_id, basis.snapshot, SPEC, request.id, request.requirement)
    asked = spec_request(template.text, request.requirement)
    packed = await workshop.packed(asked, basis.material.sources, run, beside=WRITER)
    facts: JsonObject = {
        **basis.material.facts,
        "template": template.name,
        "outline": template.text,
        "requirement": request.requirement,
    }
    markdown = _unwrapped(await workshop.write(writer_messages(packed.text, facts), run, stream))
    if run.info is not None and run.info.finish == "length":
        run.warnings.append("The model stopped at its limit of tokens, so that the end may be missing.")
    draft, body = await asyncio.to_thread(_derived, run, basis, request, template, markdown)
    schema = answer_schema(basis.snapshot, SPEC, known=draft)

    def whole(value: JsonObject) -> JsonObject:
        """A draft with what only the text can say."""
        return {**draft, **value, **({body: draft[body]} if body else {})}

    def check(value: JsonValue) -> list[str]:
        return problems_of(basis.snapshot, SPEC, whole(value) if isinstance(value, dict) else value, identifier)

    found = await mended(
        workshop,
        run,
        await asyncio.to_thread(draft_messages, basis, SPEC, schema, markdown, {}),
        schema,
        check,
        max_repairs=workshop.settings.generation.max_repairs,
        draft=draft,
    )
    # What the repository itself says, e.g. the title of a feature, has gone in as it is.
    return await asyncio.to_thread(workshop.mask, whole(found)), markdown


def place_spec(
    run: Run, repository: OpenRepository, request: SpecRequest, data: JsonObject, markdown: str
) -> PlannedSpec:
    """Plan the files of a specification: the entity, the links to it and the entry of the log; reads disk and Git.

    Raises:
        CkitError: as `core.edit.create`.
    """
    drafted = planned(repository, SPEC, data, request.id)
    run.entity = drafted.id
    cut = run.info is not None and run.info.finish == "length"
    output: JsonObject = {"specId": drafted.id, "path": drafted.path, "content": markdown}
    log_path, log = new_entry(repository.store, run.record("succeeded"), output, partial=cut)
    plan = replace(drafted.plan, creates={**drafted.plan.creates, log_path: log})
    return PlannedSpec(markdown, drafted, plan, log_path)


def _unwrapped(text: str) -> str:
    """The text without the code fence that some models put around everything."""
    whole = _WRAPPED.fullmatch(text)
    return (whole[1] if whole else text).strip() + "\n"


def _derived(
    run: Run, basis: Basis, request: SpecRequest, template: Template, markdown: str
) -> tuple[JsonObject, str | None]:
    """An entity's fields as far as the text tells them, and the field that holds the text itself."""
    schema = basis.snapshot.schemas[SPEC]
    properties = (schema.definition if schema else {}).get("properties")
    known: JsonObject = properties if isinstance(properties, dict) else {}
    closed = schema is not None and schema.definition.get("additionalProperties") is False
    found = sections(markdown)
    heading = next((section for section in found if section.level == 1), None)
    data: JsonObject = {"title": _title(heading, request, basis)}
    for key, value in template.defaults.items():
        if _takes(known, key, value):
            data[key] = value
    status = known.get("status")
    options = status.get("enum") if isinstance(status, dict) else None
    if isinstance(options, list):
        data.setdefault("status", next((option for option in _BEGINNINGS if option in options), options[0]))
    if summary := _summary(found):
        data |= {"summary": summary} if "summary" in known else {}
    for key, headings in _LISTS.items():
        items = _items(found, headings)
        limit = (rules := known.get(key)) and isinstance(rules, dict) and rules.get("maxItems")
        if key in known and items:
            data[key] = items[:limit] if isinstance(limit, int) else items
    left = link(data, SPEC, _subjects(basis, markdown))
    run.warnings += [f"The schema has no place to name {identifier}." for identifier in left]
    body = next((key for key in BODY_FIELDS if key in known), None if closed else BODY_FIELDS[0])
    if body is not None:
        data[body] = _without_title(markdown)
    else:
        run.warnings.append("The schema of specifications has no field for the text; only the log holds it.")
    return data, body


def _takes(known: JsonObject, key: str, value: JsonValue) -> bool:
    rules = known.get(key)
    options = rules.get("enum") if isinstance(rules, dict) else None
    return isinstance(rules, dict) and (not isinstance(options, list) or value in options)


def _title(heading: Section | None, request: SpecRequest, basis: Basis) -> str:
    if heading is not None and heading.heading.strip("<> "):
        return re.sub(r"^(?:technical )?spec(?:ification)?\s*[:\u2013-]\s*", "", heading.heading, flags=re.IGNORECASE)
    if request.requirement.strip():
        return short_title(request.requirement)
    return f"Specification of {basis.focus[0].title or basis.focus[0].id}"


def _summary(found: list[Section]) -> str:
    named = [part for part in found if part.heading.casefold() in {"summary", "overview", "abstract"}]
    paragraph = next((text for part in [*named, *found] if (text := part.first_paragraph)), "")
    return paragraph if len(paragraph) <= _MAX_SUMMARY else f"{paragraph[:_MAX_SUMMARY].rsplit(' ', 1)[0]}…"


def _items(found: list[Section], headings: tuple[str, ...]) -> list[JsonValue]:
    holders = [part for part in found if any(name in part.heading.casefold() for name in headings)]
    return [*dict.fromkeys(item for part in holders for item in part.items)]


def _subjects(basis: Basis, markdown: str) -> list[Entity]:
    """What the specification is to name: the entities in question, the features they belong to, and parts it names."""
    graph = basis.snapshot.graph
    found = {entity.id: entity for entity in basis.focus if entity.type in _LINKED}
    for entity in basis.focus:
        if entity.type == "feature":
            continue
        for edge in graph.edges_of(entity.id):
            other = graph.entities[edge.other(entity.id)]
            if other.type == "feature":
                found[other.id] = other
    for entity in basis.material.entities:
        if entity.type in {"service", "package"} and re.search(rf"(?<![\w-]){re.escape(entity.id)}(?![\w-])", markdown):
            found[entity.id] = entity
    return list(found.values())


def _without_title(markdown: str) -> str:
    return re.sub(r"\A\s*#[ \t][^\n]*\n+", "", markdown)
