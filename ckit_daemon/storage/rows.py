"""Sessions, turns and items as rows; functions that run inside a transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from ckit_daemon.core.errors import ConflictError, NotFoundError
from ckit_daemon.services.assistant.records import (
    ITEM_DECODER,
    NO_USAGE,
    AssistantMessage,
    Compaction,
    Item,
    Session,
    ToolCall,
    Turn,
    Usage,
)
from ckit_daemon.services.clock import timestamp

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from ckit_daemon.services.assistant.records import Record

SESSIONS: Final = (
    "SELECT s.record, s.archived, s.updated_at, s.last_seq, s.turns, s.usage, l.turn_id, l.owner "
    "FROM sessions s LEFT JOIN leases l ON l.session_id = s.id "
)
_SessionRow = tuple[str, int, str, int, int, str, str | None, str | None]

_SESSION: Final = msgspec.json.Decoder(Session)
_TURN: Final = msgspec.json.Decoder(Turn)
_USAGE: Final = msgspec.json.Decoder(Usage)


@dataclass(frozen=True, slots=True)
class Lease:
    """Who may write to a session now, and what turn that is for."""

    turn_id: str
    owner: str


def encoded(record: Record) -> str:
    """A record as the text of its column."""
    return record.to_json().decode()


def to_session(row: _SessionRow) -> tuple[Session, str | None]:
    """The session that a row of `SESSIONS` holds, and the owner of its lease."""
    record, archived, updated_at, last_seq, turns, usage, running, owner = row
    session = replace(
        _SESSION.decode(record),
        archived=bool(archived),
        updated_at=updated_at,
        last_seq=last_seq,
        turns=turns,
        usage=_USAGE.decode(usage),
        running_turn=running,
    )
    return session, owner


def require_session(connection: sqlite3.Connection, session_id: str) -> tuple[Session, str | None]:
    """A session and the owner of its lease.

    Raises:
        NotFoundError: there is no such session.
    """
    row: _SessionRow | None = connection.execute(f"{SESSIONS} WHERE s.id = ?", [session_id]).fetchone()
    if row is None:
        raise NotFoundError(
            "There is no session of this id; ckit/session/list names those that there are.",
            details={"kind": "session", "id": session_id},
        )
    return to_session(row)


def insert_session(connection: sqlite3.Connection, session: Session) -> None:
    """Store a session that is new."""
    connection.execute(
        "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            session.id,
            session.repository,
            session.title.casefold(),
            session.archived,
            session.updated_at,
            session.last_seq,
            session.turns,
            encoded(session.usage),
            encoded(session),
        ],
    )


def update_session(connection: sqlite3.Connection, session: Session) -> None:
    """Store what people may change about a session."""
    connection.execute(
        "UPDATE sessions SET folded_title = ?, archived = ?, updated_at = ?, record = ? WHERE id = ?",
        [session.title.casefold(), session.archived, session.updated_at, encoded(session), session.id],
    )


def add_usage(connection: sqlite3.Connection, session_id: str, usage: Usage) -> None:
    """Add to what a session has taken."""
    stored: str = connection.execute("SELECT usage FROM sessions WHERE id = ?", [session_id]).fetchone()[0]
    total = encoded(_USAGE.decode(stored) + usage)
    connection.execute("UPDATE sessions SET usage = ? WHERE id = ?", [total, session_id])


def negative(usage: Usage) -> Usage:
    """What to add where something was counted that is about to be counted again."""
    return replace(
        usage,
        input_tokens=-usage.input_tokens,
        output_tokens=-usage.output_tokens,
        cached_input_tokens=-usage.cached_input_tokens,
        reasoning_tokens=-usage.reasoning_tokens,
        cost=None if usage.cost is None else -usage.cost,
    )


def next_seq(connection: sqlite3.Connection, session_id: str) -> int:
    """Take the session's next sequence number."""
    connection.execute(
        "UPDATE sessions SET last_seq = last_seq + 1, updated_at = ? WHERE id = ?", [timestamp(), session_id]
    )
    seq: int = connection.execute("SELECT last_seq FROM sessions WHERE id = ?", [session_id]).fetchone()[0]
    return seq


def find_turn(connection: sqlite3.Connection, turn_id: str) -> Turn | None:
    """A turn, if there is one of this id."""
    row: tuple[str] | None = connection.execute("SELECT record FROM turns WHERE id = ?", [turn_id]).fetchone()
    return None if row is None else _TURN.decode(row[0])


def next_number(connection: sqlite3.Connection, session_id: str) -> int:
    """Take the number of the session's next turn."""
    connection.execute("UPDATE sessions SET turns = turns + 1 WHERE id = ?", [session_id])
    number: int = connection.execute(
        "SELECT coalesce(max(number), 0) + 1 FROM turns WHERE session_id = ?", [session_id]
    ).fetchone()[0]
    return number


def put_turn(connection: sqlite3.Connection, turn: Turn) -> None:
    """Store a turn's new state."""
    connection.execute(
        "INSERT INTO turns VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET status = excluded.status, record = excluded.record",
        [turn.id, turn.session_id, turn.number, turn.status, encoded(turn)],
    )


def turns_of(connection: sqlite3.Connection, session_id: str) -> list[Turn]:
    """All turns of a session, in order."""
    rows: Iterable[tuple[str]] = connection.execute(
        "SELECT record FROM turns WHERE session_id = ? ORDER BY number", [session_id]
    )
    return [_TURN.decode(record) for (record,) in rows]


def put_item(connection: sqlite3.Connection, session_id: str, item: Item) -> None:
    """Store an item's new state.

    Raises:
        ConflictError: another turn has an item of this id.
    """
    done = connection.execute(
        "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, status = excluded.status, record = excluded.record "
        "WHERE turn_id = excluded.turn_id",
        [item.id, session_id, item.turn_id, item.seq, item.seq, item.status, encoded(item)],
    )
    if not done.rowcount:
        raise ConflictError("Another turn has an item of this id.", details={"item": item.id})


def items_of(connection: sqlite3.Connection, session_id: str, after_seq: int, limit: int | None) -> list[Item]:
    """Items with a later event than `after_seq`, the earliest `limit` of those, in the order of their beginning."""
    rows: list[tuple[int, str]] = connection.execute(
        "SELECT began, record FROM items WHERE session_id = ? AND seq > ? ORDER BY seq LIMIT ?",
        [session_id, after_seq, -1 if limit is None else limit],
    ).fetchall()
    return [ITEM_DECODER.decode(record) for _, record in sorted(rows)]


def lease_of(connection: sqlite3.Connection, session_id: str) -> Lease | None:
    """The lease of a session, if a turn runs."""
    row: tuple[str, str] | None = connection.execute(
        "SELECT turn_id, owner FROM leases WHERE session_id = ?", [session_id]
    ).fetchone()
    return None if row is None else Lease(*row)


def sessions_of(connection: sqlite3.Connection, owner: str) -> list[str]:
    """Ids of the sessions that an owner writes to."""
    found: list[tuple[str]] = connection.execute("SELECT session_id FROM leases WHERE owner = ?", [owner]).fetchall()
    return [session_id for (session_id,) in found]


def begin_lease(connection: sqlite3.Connection, session_id: str, lease: Lease) -> None:
    """Somebody is the session's only writer from now on."""
    connection.execute("INSERT INTO leases VALUES (?, ?, ?)", [session_id, lease.turn_id, lease.owner])


def end_lease(connection: sqlite3.Connection, session_id: str) -> None:
    """Nobody is the session's writer any more."""
    connection.execute("DELETE FROM leases WHERE session_id = ?", [session_id])


def interrupt(connection: sqlite3.Connection, session_id: str) -> None:
    """Mark the turn that runs, and what of it is in progress, as interrupted; the lease ends."""
    lease = lease_of(connection, session_id)
    turn = None if lease is None else find_turn(connection, lease.turn_id)
    if turn is None:
        return
    rows: list[tuple[str, str]] = connection.execute(
        "SELECT status, record FROM items WHERE turn_id = ? ORDER BY began", [turn.id]
    ).fetchall()
    usage = NO_USAGE
    for status, record in rows:
        item = ITEM_DECODER.decode(record)
        if isinstance(item, AssistantMessage | Compaction | ToolCall) and item.usage is not None:
            usage += item.usage
        if status == "inProgress":
            seq = next_seq(connection, session_id)
            put_item(connection, session_id, replace(item, seq=seq, status="interrupted"))
    put_turn(connection, replace(turn, status="interrupted", ended_at=timestamp(), usage=usage))
    add_usage(connection, session_id, usage)
    next_seq(connection, session_id)
    end_lease(connection, session_id)
