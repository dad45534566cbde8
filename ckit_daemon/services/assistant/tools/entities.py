"""Tools that look at single entities."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from pydantic import Field, model_validator

from ckit_daemon.services.assistant.tools.arguments import Arguments, EntityIdArgument
from ckit_daemon.services.assistant.tools.base import Output, ReadTool
from ckit_daemon.services.rag.records import Filters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.services.assistant.tools.base import AnyTool, Status, ToolContext
    from ckit_daemon.services.rag.records import Mode, SearchResponse
    from ckit_daemon.settings import Settings

RETRIEVAL: Final = "rag"
"""The feature flag without which nothing is compared by meaning."""
BY_WORDS: Final = (
    "shared words, weighted by how rare they are (BM25); texts that say the same in other words are missed"
)
METHODS: Final[Mapping[Mode, str]] = {
    "hybrid": "meaning and shared words",
    "vector": "meaning",
    "lexical": BY_WORDS,
}


def _file_of(context: ToolContext, identifier: str | None) -> tuple[str, ...]:
    entity = context.repository.store.snapshot.get(identifier or "")
    return () if entity is None else (entity.path,)


class DetailsArguments(Arguments):
    """Which entity."""

    id: EntityIdArgument = Field(description="Its id, e.g. FEAT-001.")


class Details(ReadTool[DetailsArguments]):
    """Shows an entity."""

    name = "entity.details"
    description = "Show one entity: its fields, the facts that join it to others, and what is wrong with it."
    arguments = DetailsArguments

    def files(self, context: ToolContext, arguments: DetailsArguments) -> tuple[str, ...]:
        """Return the entity's file."""
        return _file_of(context, arguments.id)

    async def look(self, context: ToolContext, arguments: DetailsArguments) -> Output:
        """Describe in a worker thread."""
        return await asyncio.to_thread(self._describe, context, arguments.id)

    @staticmethod
    def _describe(context: ToolContext, identifier: str) -> Output:
        report = context.repository.report(context.progress)
        snapshot = report.snapshot
        entity = snapshot.require(identifier)
        entities, readable = snapshot.graph.entities, context.readable
        edges = [
            edge
            for edge in snapshot.graph.edges_of(entity.id)
            if readable is None or readable(entities[edge.other(entity.id)].path)
        ]
        findings = [each for each in report.by_path.get(entity.path, ()) if each.entity in {None, entity.id}]
        others = {edge.other(entity.id): entities[edge.other(entity.id)] for edge in edges}
        value: JsonObject = {
            "id": entity.id,
            "type": entity.type,
            "title": entity.title,
            "status": entity.status,
            "path": entity.path,
            "data": entity.data,
            "relations": [
                {
                    "rel": edge.rel,
                    "direction": "out" if edge.source == entity.id else "in",
                    "id": edge.other(entity.id),
                    "type": others[edge.other(entity.id)].type,
                    "title": others[edge.other(entity.id)].title,
                    "status": others[edge.other(entity.id)].status,
                }
                for edge in edges
            ],
            "findings": [
                {"code": each.code, "severity": each.severity.name.lower(), "message": each.message}
                for each in findings
            ],
        }
        lines = [f"{entity.path} ({entity.type}):", entity.document.text.rstrip("\n"), "Relations:"]
        lines += [
            f"{edge.source} {edge.rel} {edge.target} ({other.type}, {other.title or 'no title'})"
            for edge in edges
            for other in (others[edge.other(entity.id)],)
        ]
        lines += ["Findings:", *(f"{each.severity.name.lower()} {each.code}: {each.message}" for each in findings)]
        return Output(value, "\n".join(lines))


class SimilarArguments(Arguments):
    """What to compare with; one of `id` and `text`."""

    id: EntityIdArgument | None = Field(default=None, description="An entity.")
    text: str | None = Field(default=None, min_length=1, max_length=20_000, description="A text.")
    types: list[str] | None = Field(default=None, max_length=50, description="Only these types, e.g. feature.")
    limit: int = Field(default=10, ge=1, le=50, description="Most entities to return.")

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.id is None) == (self.text is None):
            raise ValueError("give one of 'id' and 'text'")
        return self


class Similar(ReadTool[SimilarArguments]):
    """Finds entities that are alike."""

    name = "entity.similar"
    description = (
        "Find entities that are like an entity or a text, e.g. to see whether something is specified already. "
        "Compares by meaning where there is an index and by words elsewhere, and says which; scores go from 0 to 1."
    )
    arguments = SimilarArguments
    uses_index = True

    def status(self, settings: Settings, *, trusted: bool) -> tuple[Status, str | None]:
        """Return that only words are compared where retrieval is switched off."""
        status, reason = super().status(settings, trusted=trusted)
        if status == "available" and not settings.enabled(RETRIEVAL):
            return "degraded", f"A setting switches meaning off (features.{RETRIEVAL}), so it compares by {BY_WORDS}."
        return status, reason

    def files(self, context: ToolContext, arguments: SimilarArguments) -> tuple[str, ...]:
        """Return the file of the entity that is compared, if one is."""
        return _file_of(context, arguments.id)

    async def look(self, context: ToolContext, arguments: SimilarArguments) -> Output:
        """Compare by what there is."""
        if not context.settings.enabled(RETRIEVAL):
            return await asyncio.to_thread(self._compare_words, context, arguments)
        service = await context.rag.get()
        found = await service.similar(
            context.repository,
            arguments.id or arguments.text or "",
            arguments.limit,
            Filters(
                types=frozenset(arguments.types) if arguments.types else None,
                kinds=frozenset({"entity"}),
                readable=context.readable,
            ),
            context.progress,
            is_text=arguments.id is None,
        )
        return await asyncio.to_thread(self._found, found, context.repository.store.snapshot)

    @staticmethod
    def _found(found: SearchResponse, snapshot: Snapshot) -> Output:
        method = METHODS[found.mode]
        if found.degraded is not None:
            method = f"{method} ({found.degraded})"
        alike = [
            _Alike(entity, hit.score, [part.why for part in hit.parts])
            for hit in found.hits
            if (entity := snapshot.get(hit.chunk.entity or "")) is not None
        ]
        return _similar_output(method, alike)

    @staticmethod
    def _compare_words(context: ToolContext, arguments: SimilarArguments) -> Output:
        snapshot = context.repository.store.snapshot
        like = snapshot.require(arguments.id) if arguments.id is not None else arguments.text or ""
        found = context.repository.search_index.similar(
            snapshot,
            like,
            types=arguments.types,
            readable=context.readable,
            limit=arguments.limit,
            progress=context.progress,
        )
        return _similar_output(BY_WORDS, [_Alike(each.entity, each.score, [", ".join(each.words)]) for each in found])


@dataclass(frozen=True, slots=True)
class _Alike:
    entity: Entity
    score: float
    why: list[str]


def _similar_output(method: str, found: Sequence[_Alike]) -> Output:
    value: JsonObject = {
        "method": method,
        "entities": [
            {
                "id": each.entity.id,
                "type": each.entity.type,
                "title": each.entity.title,
                "status": each.entity.status,
                "score": round(each.score, 4),
                "why": [*each.why],
            }
            for each in found
        ],
    }
    lines = [f"Compared by {method}."]
    lines += [
        f"{each.score:.2f} {each.entity.id} ({each.entity.type}) {each.entity.title or ''}: {'; '.join(each.why)}"
        for each in found
    ]
    return Output(value, "\n".join(lines))


TOOLS: Final[tuple[AnyTool, ...]] = (Details(), Similar())
