"""What people do with sessions: begin, find, read, name, copy, put away, delete and export them."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from ckit_daemon.core.errors import InvalidArgumentError, StorageError
from ckit_daemon.core.json import shorten
from ckit_daemon.services.assistant.export import to_json, to_markdown
from ckit_daemon.services.assistant.ids import new_id
from ckit_daemon.services.assistant.ports import Retention, SessionQuery
from ckit_daemon.services.assistant.records import NO_USAGE, Budget, Session
from ckit_daemon.services.clock import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.services.assistant.ports import SessionStore
    from ckit_daemon.services.assistant.records import ClientTool, Item, Mode, Turn
    from ckit_daemon.settings import Settings

logger = logging.getLogger(__name__)

RETENTION_SECONDS: Final = 3600.0
"""How often old sessions are looked for."""

DAY_SECONDS: Final = 86_400.0
PAGE_SHARE: Final = 0.5
"""Part of the largest message that the records of one page may fill; what they belong to comes beside them."""


@dataclass(frozen=True, slots=True)
class NewSession:
    """How a session is to be."""

    repository: str
    """Id of the repository."""
    title: str = ""
    """Empty: it gets one with its first message."""
    mode: Mode = "general"
    model: str | None = None
    budget: Budget | None = None
    tools: tuple[ClientTool, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionPage:
    """A session with its turns and a page of its items."""

    session: Session
    turns: Sequence[Turn]
    items: Sequence[Item]
    next_replay_from: int | None
    """Sequence number to go on from; None at the end."""


@dataclass(frozen=True, slots=True)
class SessionExport:
    """A whole session as one text."""

    media_type: str
    content: str


class SessionService:
    """The sessions of all repositories; used on the event loop only."""

    def __init__(self, store: SessionStore, settings: Callable[[], Settings]) -> None:
        self._store = store
        self._settings = settings
        self._next_retention = 0.0

    async def create(self, new: NewSession) -> Session:
        """Begin a session; without a budget of its own it gets the settings'.

        Raises:
            InvalidArgumentError: a provider that the settings don't have, or a tool that can't be offered.
        """
        await self._retain()
        self._check_model(new.model)
        if new.tools:
            await asyncio.to_thread(_check_tools, new.tools)
        now = timestamp()
        return await self._store.create(
            Session(
                id=new_id(),
                repository=new.repository,
                title=new.title,
                mode=new.mode,
                model=new.model,
                created_at=now,
                updated_at=now,
                last_seq=0,
                turns=0,
                usage=NO_USAGE,
                budget=new.budget or self._default_budget(),
                tools=new.tools,
            )
        )

    async def query(self, query: SessionQuery) -> tuple[Sequence[Session], int]:
        """Return a page of sessions, and how many there are in all."""
        await self._retain()
        return await self._store.query(query)

    async def get(self, session_id: str, *, replay_from: int | None = None, limit: int = 1000) -> SessionPage:
        """Return a session as it is on disk, whichever daemon wrote it.

        Args:
            session_id: which one.
            replay_from: only items with a later event than this sequence number, in the order of those events;
                without it all items, in the order of their beginning.
            limit: most items of the page; fewer, where they would make too large a message.

        Raises:
            NotFoundError: there is no such session.
        """
        found = await self._store.transcript(session_id, after_seq=replay_from or 0, limit=limit + 1)
        by_seq = sorted(found.items, key=lambda item: item.seq)
        room = int(self._settings().limits.max_message_bytes * PAGE_SHARE)
        fitting = await asyncio.to_thread(_fitting, by_seq[:limit], room)
        page = by_seq[:fitting]
        rest = len(by_seq) > fitting
        shown = {item.id for item in page}
        return SessionPage(
            session=found.session,
            turns=found.turns,
            items=[item for item in found.items if item.id in shown] if replay_from is None else page,
            next_replay_from=page[-1].seq if rest else None,
        )

    async def rename(self, session_id: str, title: str) -> Session:
        """Give a session another title; raises NotFoundError."""
        return await self._store.change(session_id, title=title)

    async def archive(self, session_id: str, *, archived: bool) -> Session:
        """Put a session away, or fetch it back; raises NotFoundError."""
        return await self._store.change(session_id, archived=archived)

    async def fork(
        self, session_id: str, *, up_to_turn: str | None = None, title: str | None = None, budget: Budget | None = None
    ) -> Session:
        """Copy a session with its ended turns, up to and including one of them.

        Raises:
            NotFoundError: there is no such session or turn.
        """
        await self._retain()
        source = await self._store.find(session_id)
        now = timestamp()
        copy = Session(
            id=new_id(),
            repository=source.repository,
            title=title or source.title,
            mode=source.mode,
            model=source.model,
            created_at=now,
            updated_at=now,
            last_seq=0,
            turns=0,
            usage=NO_USAGE,
            budget=budget or source.budget,
            tools=source.tools,
            forked_from=source.id,
        )
        return await self._store.fork(session_id, copy, up_to_turn=up_to_turn)

    async def delete(self, session_id: str) -> None:
        """Delete a session with everything in it.

        Raises:
            NotFoundError: there is no such session.
            ConflictError: a turn of it is running.
        """
        await self._store.delete(session_id)

    async def export(self, session_id: str, *, markdown: bool) -> SessionExport:
        """Return a whole session as one text, for people or for programs; raises NotFoundError."""
        transcript = await self._store.transcript(session_id)
        if markdown:
            return SessionExport("text/markdown", await asyncio.to_thread(to_markdown, transcript))
        return SessionExport("application/json", await asyncio.to_thread(to_json, transcript))

    def _check_model(self, model: str | None) -> None:
        providers = ["offline", *self._settings().models.providers]
        if model is not None and model.partition("/")[0] not in providers:
            raise InvalidArgumentError(
                f"No provider of the settings serves {model}; there are: {', '.join(dict.fromkeys(providers))}.",
                details={"model": model, "setting": "models.providers"},
            )

    def _default_budget(self) -> Budget | None:
        settings = self._settings().assistant
        if settings.max_session_tokens is None and settings.max_session_cost is None:
            return None
        return Budget(max_tokens=settings.max_session_tokens, max_cost=settings.max_session_cost)

    async def _retain(self) -> None:
        """Archive and delete old sessions, now and then."""
        now = time.monotonic()
        if now < self._next_retention:
            return
        self._next_retention = now + RETENTION_SECONDS
        settings = self._settings().assistant
        try:
            retained = await self._store.retain(
                Retention(
                    archive_before=timestamp(-settings.archive_after_days * DAY_SECONDS),
                    delete_before=timestamp(-settings.delete_after_days * DAY_SECONDS),
                    max_sessions=settings.max_sessions,
                    max_bytes=settings.max_database_bytes,
                )
            )
        except StorageError as error:
            # Whoever asks for something now should get it if it can be had.
            logger.warning("old sessions could not be put away: %s", error.message)
            return
        if retained.archived or retained.deleted:
            logger.info("old sessions put away: %d archived, %d deleted", retained.archived, retained.deleted)


def _fitting(items: Sequence[Item], room: int) -> int:
    """How many of the first items fit into so many bytes; one at least, or there would be no way past it."""
    for count, item in enumerate(items):
        room -= len(item.to_json()) + 1
        if room < 0:
            return max(count, 1)
    return len(items)


def _check_tools(tools: Sequence[ClientTool]) -> None:
    # Imported here, in a worker thread: the daemon's tools stand on the engine.
    from ckit_daemon.services.assistant.tools.registry import TOOLS  # noqa: PLC0415

    seen: set[str] = set()
    for tool in tools:
        if tool.name in TOOLS:
            raise InvalidArgumentError(
                f"The daemon has a tool {tool.name} of its own; give yours another name.", details={"tool": tool.name}
            )
        if tool.name in seen:
            raise InvalidArgumentError(f"Two tools have the name {tool.name}.", details={"tool": tool.name})
        seen.add(tool.name)
        problem = _schema_problem(tool.input_schema)
        if problem is not None:
            raise InvalidArgumentError(
                f"The inputSchema of {tool.name} can't be used: {problem}.", details={"tool": tool.name}
            )


def _schema_problem(schema: JsonObject) -> str | None:
    import jsonschema_rs  # noqa: PLC0415 - only sessions whose client brings tools need it.

    if schema.get("type") != "object":
        return "its 'type' must be 'object'"
    try:
        jsonschema_rs.validator_for(schema, retriever=_fetch_nothing)
    except jsonschema_rs.ValidationError as error:
        return shorten(error.message, 200).removesuffix(".")
    return None


def _fetch_nothing(uri: str) -> NoReturn:
    message = f"schemas are not fetched: {uri}"
    raise ValueError(message)
