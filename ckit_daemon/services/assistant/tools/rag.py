"""Tools that find passages and entities by meaning, and read them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeVar

from pydantic import Field

from ckit_daemon.services.assistant.tools.arguments import Arguments, EntityIdArgument
from ckit_daemon.services.assistant.tools.base import Output, ReadTool
from ckit_daemon.services.assistant.tools.entities import Details, Similar
from ckit_daemon.services.rag.records import Filters, SearchRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.services.assistant.tools.base import AnyTool, ToolContext
    from ckit_daemon.services.rag.records import Hit, SearchResponse

T = TypeVar("T")

RAG: Final = ("rag",)
_WAYS: Final = {"hybrid": "words and meaning", "lexical": "words", "vector": "meaning"}


class SearchArguments(Arguments):
    """What to look for, and where."""

    query: str = Field(min_length=1, max_length=20_000, description="A question in plain words, or words, or ids.")
    types: list[str] | None = Field(default=None, max_length=50, description="Only these types, e.g. feature.")
    statuses: list[str] | None = Field(default=None, max_length=50, description="Only entities with these statuses.")
    kinds: list[Literal["entity", "markdown", "note", "specLog"]] | None = Field(
        default=None, max_length=4, description="Only these kinds of passages."
    )
    paths: list[Annotated[str, Field(min_length=1, max_length=1000)]] | None = Field(
        default=None, max_length=50, description="Only files that fit one of these globs."
    )
    related_to: EntityIdArgument | None = Field(default=None, description="Only entities joined to this one.")
    limit: int = Field(default=8, ge=1, le=50, description="Most passages to return.")


class SearchPassages(ReadTool[SearchArguments]):
    """Searches passages by meaning."""

    name = "rag.search"
    description = (
        "Find the passages of the repository that answer a question: fields of entities, sections of Markdown, notes. "
        "Finds by meaning as well as by words. Returns texts with their file and line; cite those that you use."
    )
    arguments = SearchArguments
    features = RAG
    uses_index = True

    async def look(self, context: ToolContext, arguments: SearchArguments) -> Output:
        """Search."""
        request = SearchRequest(
            arguments.query,
            limit=arguments.limit,
            filters=Filters(
                types=_set(arguments.types),
                statuses=_set(arguments.statuses),
                kinds=_set(arguments.kinds),
                paths=tuple(arguments.paths) if arguments.paths else None,
                related_to=arguments.related_to,
                readable=context.readable,
            ),
        )
        service = await context.rag.get()
        found = await service.search(context.repository, request, context.progress)
        return await asyncio.to_thread(_output, found, context.repository.store.snapshot)


def _set(values: Iterable[T] | None) -> frozenset[T] | None:
    # An empty list is what models write where they mean no restriction.
    return frozenset(values) if values else None


def _output(found: SearchResponse, snapshot: Snapshot) -> Output:
    value: JsonObject = {
        "mode": found.mode,
        "degraded": found.degraded,
        "hits": [_described(hit, snapshot) for hit in found.hits],
    }
    lines = [f"Searched by {_WAYS[found.mode]}."]
    if found.degraded:
        lines.append(f"Not as asked: {found.degraded}")
    if not found.hits:
        lines.append("Nothing was found.")
    elif not any(hit.relevant for hit in found.hits):
        lines.append("Nothing is clearly about this; these are the nearest passages.")
    for number, hit in enumerate(found.hits, 1):
        where = f"{hit.chunk.path}:{hit.location.range.start.line + 1}"
        lines += [f"[{number}] {hit.score:.2f} {hit.chunk.heading} ({where})", hit.chunk.text]
    return Output(value, "\n".join(lines))


def _described(hit: Hit, snapshot: Snapshot) -> JsonObject:
    chunk, where = hit.chunk, hit.location.range
    entity = snapshot.get(chunk.entity) if chunk.entity is not None else None
    return {
        "chunkId": chunk.id,
        "kind": chunk.kind,
        "id": chunk.entity,
        "type": chunk.entity_type,
        "title": None if entity is None else entity.title,
        "status": chunk.status,
        "path": chunk.path,
        "line": where.start.line + 1,
        "endLine": where.end.line + 1,
        "field": ".".join(map(str, chunk.field)),
        "heading": chunk.heading,
        "text": chunk.text,
        "score": round(hit.score, 4),
        "relevant": hit.relevant,
        "why": [part.why for part in hit.parts],
    }


class GetEntity(Details):
    """The same as `entity.details`, where agents look for it that know retrieval."""

    name = "rag.getEntity"
    description = (
        "Show the entity that a passage belongs to: its fields, the facts that join it to others, its findings."
    )
    features = RAG


class FindSimilar(Similar):
    """The same as `entity.similar`, where agents look for it that know retrieval."""

    name = "rag.findSimilar"
    description = "Find entities that are like an entity or a text by meaning, e.g. what a new story repeats."
    features = RAG


TOOLS: Final[tuple[AnyTool, ...]] = (SearchPassages(), GetEntity(), FindSimilar())
