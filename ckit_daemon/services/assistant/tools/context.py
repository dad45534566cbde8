"""Tools that read the repository's files and search its entities."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Self

from pydantic import Field, model_validator

from ckit_daemon.services.assistant.tools.arguments import Arguments, EntityIdArgument
from ckit_daemon.services.assistant.tools.base import Output, Plan, ReadTool, Tool

if TYPE_CHECKING:
    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.core.search.index import SearchResult
    from ckit_daemon.services.assistant.records import ToolClass
    from ckit_daemon.services.assistant.tools.base import AnyTool, ToolContext
    from ckit_daemon.services.ports import FileContent


class ReadArguments(Arguments):
    """Which text; one of `path` and `id`."""

    path: str | None = Field(
        default=None, min_length=1, max_length=4096, description="A file, relative to the repository, with '/'."
    )
    id: EntityIdArgument | None = Field(default=None, description="An entity, whose file is read.")
    start_line: int = Field(default=1, ge=1, le=10_000_000, description="First line, 1-based.")
    max_lines: int = Field(default=400, ge=1, le=5000, description="Most lines to return.")

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.path is None) == (self.id is None):
            raise ValueError("give one of 'path' and 'id'")
        return self


class ReadText(Tool[ReadArguments]):
    """Reads a file or an entity."""

    name = "context.read"
    description = "Read a text file of the repository, or the file of an entity, unsaved changes included."
    tool_class: ToolClass = "read"
    arguments = ReadArguments

    async def plan(self, context: ToolContext, arguments: ReadArguments) -> Plan:
        """Read already now, since only then it is known which file the arguments mean."""
        found = await asyncio.to_thread(self._read, context, arguments)

        async def show() -> Output:
            return _shown(found)

        return Plan(f"Read {found.path}.", show, files=(found.path,))

    @staticmethod
    def _read(context: ToolContext, arguments: ReadArguments) -> FileContent:
        store = context.repository.store
        path = store.snapshot.require(arguments.id).path if arguments.id is not None else arguments.path or ""
        return store.read_file(path, start_line=arguments.start_line - 1, max_lines=arguments.max_lines)


def _shown(found: FileContent) -> Output:
    first = found.first_line + 1
    value: JsonObject = {
        "path": found.path,
        "text": found.text,
        "firstLine": first,
        "lines": found.lines,
        "truncated": found.truncated,
        "sha256": found.sha256,
    }
    shown = found.text.count("\n") + (not found.text.endswith("\n") if found.text else 0)
    more = f"The file has {found.lines} lines; go on with startLine {first + shown}." if found.truncated else ""
    return Output(value, f"{found.path}, from line {first}:\n{found.text}", more)


class SearchArguments(Arguments):
    """What to look for."""

    query: str = Field(
        min_length=1,
        max_length=1000,
        description='Words, "phrases", -excluded words, field:value (status:blocked, owner:@mei).',
    )
    types: list[str] | None = Field(default=None, max_length=50, description="Only these types, e.g. feature.")
    statuses: list[str] | None = Field(default=None, max_length=50, description="Only these statuses.")
    offset: int = Field(default=0, ge=0, le=100_000, description="Hits to leave out at the beginning.")
    limit: int = Field(default=10, ge=1, le=50, description="Most hits to return.")


class Search(ReadTool[SearchArguments]):
    """Searches entities."""

    name = "context.search"
    description = (
        "Find entities by id, title, text and fields. Returns ids, titles and excerpts, the best first; "
        "read the ones that matter with entity.details or context.read."
    )
    arguments = SearchArguments

    async def look(self, context: ToolContext, arguments: SearchArguments) -> Output:
        """Search in a worker thread."""
        found = await asyncio.to_thread(
            context.repository.search_index.search,
            context.repository.store.snapshot,
            arguments.query,
            types=arguments.types,
            statuses=arguments.statuses,
            readable=context.readable,
            limit=arguments.limit,
            offset=arguments.offset,
            progress=context.progress,
        )
        return await asyncio.to_thread(_hits, found, arguments.offset)


def _hits(found: SearchResult, offset: int) -> Output:
    value: JsonObject = {
        "total": found.total,
        "hits": [
            {
                "id": hit.entity.id,
                "type": hit.entity.type,
                "title": hit.entity.title,
                "status": hit.entity.status,
                "path": hit.entity.path,
                "score": round(hit.score, 4),
                "excerpts": [match.excerpt for match in hit.highlights],
            }
            for hit in found.hits
        ],
    }
    lines = [f"{found.total} entities fit."]
    for hit in found.hits:
        entity = hit.entity
        lines.append(f"{entity.id} ({entity.type}) {entity.title or ''} [{entity.status or 'no status'}]")
        lines += [f"  {'.'.join(map(str, match.path))}: {' '.join(match.excerpt.split())}" for match in hit.highlights]
    end = offset + len(found.hits)
    more = f"{found.total - end} more hits: go on with offset {end}." if found.hits and end < found.total else ""
    return Output(value, "\n".join(lines), more)


TOOLS: Final[tuple[AnyTool, ...]] = (ReadText(), Search())
