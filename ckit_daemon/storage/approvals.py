"""Approvals in the database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar, cast

import msgspec
from msgspec.structs import replace

from ckit_daemon.core.errors import ConflictError, NotFoundError
from ckit_daemon.redaction import Redactor
from ckit_daemon.services.assistant.masking import masked
from ckit_daemon.services.assistant.records import Approval
from ckit_daemon.services.clock import timestamp
from ckit_daemon.storage.rows import encoded, require_session

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from ckit_daemon.core.json import JsonValue
    from ckit_daemon.services.assistant.records import ApprovalState, Record
    from ckit_daemon.storage.database import Database

R = TypeVar("R", bound="Record")

_APPROVAL: Final = msgspec.json.Decoder(Approval)
_FITS: Final = "(:session IS NULL OR session_id = :session) AND (:state IS NULL OR state = :state)"
_PAGE: Final = f"SELECT record FROM approvals WHERE {_FITS} ORDER BY created_at, rowid LIMIT :limit OFFSET :offset"  # noqa: S608 - a constant.


class SqliteApprovals:
    """The part of `services.assistant.ports.SessionStore` that is about approvals."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._redactor = Redactor()

    async def put_approval(self, approval: Approval) -> None:
        """Store an approval's new state."""
        clean = await self._clean(approval)
        await self._database.write(lambda connection: _put(connection, clean))

    async def update_pending_approval(self, approval: Approval) -> Approval:
        """Store the new state of an approval that is still pending, whichever daemon asked for it.

        Raises:
            ConflictError: it has been decided already; `details` has the decision.
        """
        clean = await self._clean(approval)

        def update(connection: sqlite3.Connection) -> Approval:
            stored = _find(connection, clean.id)
            if stored.state != "pending":
                raise ConflictError(
                    f"The approval has been settled already: {stored.state}.",
                    details={"id": stored.id, "state": stored.state, "decision": stored.decision},
                )
            _put(connection, clean)
            return clean

        return await self._database.write(update)

    async def approval(self, approval_id: str) -> Approval:
        """Return an approval."""
        return await self._database.run(lambda connection: _find(connection, approval_id))

    async def approvals(
        self, *, session_id: str | None = None, state: ApprovalState | None = None
    ) -> Sequence[Approval]:
        """Return approvals, the oldest first."""
        values = {"session": session_id, "state": state, "offset": 0, "limit": -1}

        def read(connection: sqlite3.Connection) -> list[Approval]:
            if session_id is not None:
                require_session(connection, session_id)
            return [_APPROVAL.decode(record) for (record,) in connection.execute(_PAGE, values)]

        return await self._database.run(read)

    async def page_of_approvals(
        self, *, session_id: str | None, state: ApprovalState | None, offset: int, limit: int, room: int
    ) -> tuple[Sequence[Approval], int]:
        """Return at most `limit` approvals in `room` bytes, but one at least, and how many there are in all."""
        values = {"session": session_id, "state": state, "offset": offset, "limit": limit}

        def read(connection: sqlite3.Connection) -> tuple[list[Approval], int]:
            if session_id is not None:
                require_session(connection, session_id)
            total: int = connection.execute(f"SELECT count(*) FROM approvals WHERE {_FITS}", values).fetchone()[0]  # noqa: S608 - constants.
            page: list[Approval] = []
            left = room
            for (record,) in connection.execute(_PAGE, values):
                left -= len(record.encode()) + 1
                if page and left < 0:
                    break
                page.append(_APPROVAL.decode(record))
            return page, total

        return await self._database.run(read)

    async def _clean(self, record: R) -> R:
        # In a thread, because patterns take their time with long texts.
        return await asyncio.to_thread(self._redacted, record)

    def _redacted(self, record: R) -> R:
        """The record with recognised secrets masked in all its texts; whatever is stored goes through here."""
        plain = cast("JsonValue", msgspec.json.decode(record.to_json()))
        clean = masked(self._redactor, plain)
        return record if clean == plain else msgspec.convert(clean, type(record))


def withdraw(connection: sqlite3.Connection, session_id: str) -> None:
    """Take back the questions of a session's turns, where nothing waits for their answers any more."""
    found: list[tuple[str]] = connection.execute(
        "SELECT record FROM approvals WHERE session_id = ? AND state = 'pending'", [session_id]
    ).fetchall()
    for (record,) in found:
        approval = _APPROVAL.decode(record)
        # Without a turn it is a client's own run, which may still wait in whatever daemon.
        if approval.turn_id is not None:
            _put(connection, replace(approval, state="cancelled", decided_at=timestamp()))


def _find(connection: sqlite3.Connection, approval_id: str) -> Approval:
    row: tuple[str] | None = connection.execute("SELECT record FROM approvals WHERE id = ?", [approval_id]).fetchone()
    if row is None:
        raise NotFoundError(
            "There is no approval of this id; ckit/approval/list names those that there are.",
            details={"kind": "approval", "id": approval_id},
        )
    return _APPROVAL.decode(row[0])


def _put(connection: sqlite3.Connection, approval: Approval) -> None:
    if approval.session_id is not None:
        require_session(connection, approval.session_id)
    connection.execute(
        "INSERT INTO approvals VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET state = excluded.state, record = excluded.record",
        [approval.id, approval.session_id, approval.state, approval.created_at, encoded(approval)],
    )
