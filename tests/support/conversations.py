"""Sessions, turns and items for tests, and databases to put them in."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from typing import TYPE_CHECKING

from ckit_daemon.services.assistant.records import (
    NO_USAGE,
    Approval,
    AssistantMessage,
    Session,
    ToolCall,
    Turn,
    Usage,
    UserMessage,
)
from ckit_daemon.services.clock import timestamp
from ckit_daemon.storage.database import Database
from ckit_daemon.storage.sessions import SqliteSessionStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from ckit_daemon.services.assistant.records import ItemStatus

_numbers = itertools.count(1)


def a_session(session_id: str = "s", *, updated_at: str = "", title: str = "A title", repository: str = "r") -> Session:
    """A new session."""
    return Session(
        id=session_id,
        repository=repository,
        title=title,
        mode="general",
        created_at="2026-01-01T00:00:00.000Z",
        updated_at=updated_at or timestamp(),
        last_seq=0,
        turns=0,
        usage=NO_USAGE,
    )


def a_turn(turn_id: str = "t", session_id: str = "s") -> Turn:
    """A turn that runs."""
    return Turn(
        id=turn_id,
        session_id=session_id,
        number=0,
        status="running",
        mode="general",
        model="offline/offline",
        started_at=timestamp(),
        usage=NO_USAGE,
    )


def a_message(
    item_id: str = "", turn_id: str = "t", *, text: str = "Hello", status: ItemStatus = "completed", tokens: int = 0
) -> AssistantMessage:
    """Something that the model said."""
    return AssistantMessage(
        id=item_id or f"item-{next(_numbers)}",
        turn_id=turn_id,
        seq=0,
        status=status,
        created_at=timestamp(),
        text=text,
        provider="offline",
        model="offline",
        usage=Usage(input_tokens=tokens, output_tokens=tokens, cost=tokens / 1000) if tokens else None,
    )


def a_question(item_id: str, turn_id: str = "t", *, text: str = "What?") -> UserMessage:
    """Something that the person said."""
    return UserMessage(id=item_id, turn_id=turn_id, seq=0, status="completed", created_at=timestamp(), text=text)


def a_tool_call(item_id: str, turn_id: str = "t", *, message_id: str | None = None) -> ToolCall:
    """A tool run that is in progress."""
    return ToolCall(
        id=item_id,
        turn_id=turn_id,
        seq=0,
        status="inProgress",
        created_at=timestamp(),
        name="pipeline.validate",
        arguments={"deep": [1, {"a": None}]},
        tool_class="read",
        message_id=message_id,
    )


def an_approval(approval_id: str = "a", session_id: str | None = "s") -> Approval:
    """A question that waits for an answer."""
    return Approval(
        id=approval_id,
        session_id=session_id,
        turn_id="t",
        tool_call_id="call",
        repository="r",
        tool="entity.edit",
        tool_class="write",
        title="Change FEAT-001",
        created_at=timestamp(),
        expires_at=timestamp(600),
        state="pending",
    )


@contextlib.asynccontextmanager
async def a_store(folder: Path) -> AsyncGenerator[SqliteSessionStore]:
    """A store as one daemon has it, closed at the end."""
    database = Database(folder / "ckit.db")
    store = SqliteSessionStore(database)
    try:
        yield store
    finally:
        await store.aclose()
        await database.aclose()


def integrity(folder: Path) -> str:
    """What SQLite itself says about the database."""
    with contextlib.closing(sqlite3.connect(folder / "ckit.db")) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        found: str = connection.execute("PRAGMA integrity_check").fetchone()[0]
        return found
