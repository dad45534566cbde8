"""Entities of any type, made up by a model so that they fit the repository's schema."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckit_daemon.core.errors import InvalidArgumentError
from ckit_daemon.services.generation.drafts import (
    answer_schema,
    draft_messages,
    mended,
    problems_of,
    provisional_id,
)
from ckit_daemon.services.generation.facts import short_title
from ckit_daemon.services.generation.linking import link
from ckit_daemon.services.generation.run import AS_SET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.services.generation.run import ModelChoice, Run
    from ckit_daemon.services.generation.workshop import Workshop
    from ckit_daemon.services.open_repository import OpenRepository


@dataclass(frozen=True, slots=True)
class EntityRequest:
    """What an entity is to be."""

    type: str
    request: str
    feature: str | None = None
    id: str | None = None
    max_repairs: int | None = None
    """None: as the settings say."""
    choice: ModelChoice = AS_SET

    def as_parameters(self) -> JsonObject:
        """What provenance keeps of it."""
        asked: JsonObject = {
            "type": self.type,
            "requirement": self.request,
            "feature": self.feature,
            "id": self.id,
            "maxRepairs": self.max_repairs,
        }
        return asked | self.choice.as_parameters()


async def draft_entity(workshop: Workshop, run: Run, repository: OpenRepository, request: EntityRequest) -> JsonObject:
    """Have an entity made up; returns its fields, which fit the schema, without an id.

    Raises:
        NotFoundError: there is no such type or feature.
        InvalidArgumentError: the feature is none, or the request is empty.
        GenerationFailedError: the model's answer never fitted the schema; `details` lists the problems.
        CkitError: as the gateway says.
    """
    if not request.request.strip():
        raise InvalidArgumentError("Say what the entity is to be.")
    run.caller.progress.report(0, 100, "Reading the repository")
    named = [request.feature] if request.feature else []
    basis = await workshop.basis(repository, named, run, guidance="", search=request.request)
    schema = answer_schema(basis.snapshot, request.type)
    links: JsonObject = {}
    for feature in basis.focus:
        if feature.type != "feature":
            raise InvalidArgumentError(f"{feature.id} is a {feature.type}, not a feature.")
        if link(links, request.type, [feature]):
            run.warnings.append(f"A {request.type} has no place to name {feature.id}.")
    title = short_title(request.request)
    identifier = await asyncio.to_thread(provisional_id, basis.snapshot, request.type, request.id, title)

    def check(value: JsonValue) -> list[str]:
        whole = _linked(value, request.type, basis.focus) if isinstance(value, dict) else value
        return problems_of(basis.snapshot, request.type, whole, identifier)

    bare = await asyncio.to_thread(draft_messages, basis, request.type, schema, request.request, links)
    beside = "\n".join(message.text for message in bare)
    packed = await workshop.packed("The material:", basis.material.sources, run, beside=beside)
    limit = workshop.settings.generation.max_repairs if request.max_repairs is None else request.max_repairs
    data = await mended(
        workshop,
        run,
        await asyncio.to_thread(draft_messages, basis, request.type, schema, request.request, links, packed.text),
        schema,
        check,
        max_repairs=limit,
    )
    return {key: value for key, value in _linked(data, request.type, basis.focus).items() if key != "id"}


def _linked(value: JsonObject, entity_type: str, focus: Sequence[Entity]) -> JsonObject:
    """A copy of a draft that names the feature which the person has named, whatever the model put there."""
    linked = deepcopy(value)
    link(linked, entity_type, focus)
    return linked
