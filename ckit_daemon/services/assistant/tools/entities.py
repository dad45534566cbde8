"""Tools that look at single entities."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Self

from pydantic import Field, model_validator

from ckit_daemon.services.assistant.tools.arguments import Arguments, EntityIdArgument
from ckit_daemon.services.assistant.tools.base import Output, ReadTool

if TYPE_CHECKING:
    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.services.assistant.tools.base import AnyTool, ToolContext

METHOD: Final = "shared words, weighted by how rare they are (BM25); texts that say the same in other words are missed"


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
        entity = context.repository.store.snapshot.get(arguments.id)
        return () if entity is None else (entity.path,)

    async def look(self, context: ToolContext, arguments: DetailsArguments) -> Output:
        """Describe in a worker thread."""
        return await asyncio.to_thread(self._describe, context, arguments.id)

    @staticmethod
    def _describe(context: ToolContext, identifier: str) -> Output:
        report = context.repository.report(context.progress)
        snapshot = report.snapshot
        entity = snapshot.require(identifier)
        edges = [*snapshot.graph.edges_of(entity.id)]
        findings = [each for each in report.by_path.get(entity.path, ()) if each.entity in {None, entity.id}]
        others = {edge.other(entity.id): snapshot.graph.entities[edge.other(entity.id)] for edge in edges}
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
        "Compares words, and says which ones they share; scores go from 0 to 1."
    )
    arguments = SimilarArguments
    limitation = f"It compares by {METHOD}."

    async def look(self, context: ToolContext, arguments: SimilarArguments) -> Output:
        """Compare in a worker thread."""
        return await asyncio.to_thread(self._compare, context, arguments)

    @staticmethod
    def _compare(context: ToolContext, arguments: SimilarArguments) -> Output:
        snapshot = context.repository.store.snapshot
        like = snapshot.require(arguments.id) if arguments.id is not None else arguments.text or ""
        found = context.repository.search_index.similar(
            snapshot, like, types=arguments.types, limit=arguments.limit, progress=context.progress
        )
        value: JsonObject = {
            "method": METHOD,
            "entities": [
                {
                    "id": each.entity.id,
                    "type": each.entity.type,
                    "title": each.entity.title,
                    "status": each.entity.status,
                    "score": round(each.score, 4),
                    "words": [*each.words],
                }
                for each in found
            ],
        }
        lines = [f"Compared by {METHOD}."]
        lines += [
            f"{each.score:.2f} {each.entity.id} ({each.entity.type}) {each.entity.title or ''}: {', '.join(each.words)}"
            for each in found
        ]
        return Output(value, "\n".join(lines))


TOOLS: Final[tuple[AnyTool, ...]] = (Details(), Similar())
