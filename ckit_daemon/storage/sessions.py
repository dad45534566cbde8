"""Sessions, turns and items in the database."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, TypeVar

from msgspec.structs import replace

from ckit_daemon.core.errors import ConflictError, StorageError
from ckit_daemon.services.assistant.ports import Transcript
from ckit_daemon.services.assistant.turn_checks import already_running
from ckit_daemon.services.clock import timestamp
from ckit_daemon.storage import rows
from ckit_daemon.storage.approvals import SqliteApprovals, withdraw
from ckit_daemon.storage.fork import copy_turns
from ckit_daemon.storage.owner import Owner
from ckit_daemon.storage.retention import retain

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from ckit_daemon.services.assistant.ports import Retained, Retention, SessionQuery
    from ckit_daemon.services.assistant.records import Item, Record, Session, Turn, Usage
    from ckit_daemon.storage.database import Database

T = TypeVar("T")
R = TypeVar("R", bound="Record")

CHANGEABLE: Final = frozenset({"title", "model", "mode", "archived", "budget"})

_QUERY: Final = (
    "(:repository IS NULL OR s.repository = :repository) AND (:archived IS NULL OR s.archived = :archived) "
    "AND instr(s.folded_title, :text) > 0"
)


class SqliteSessionStore(SqliteApprovals):
    """Implements `services.assistant.ports.SessionStore`.

    A turn that runs has a lease, whose owner is the only one who may write to the session. Whoever comes upon the
    lease of an owner that is dead marks the turn as interrupted.
    """

    def __init__(self, database: Database) -> None:
        """Remember the database; nothing is read before the first use."""
        super().__init__(database)
        self._owner = Owner(database.path.with_name(f"{database.path.name}.owners"))
        self._given_up: set[str] = set()
        """Turns of this owner that are over, although their leases could not be ended."""

    async def create(self, session: Session) -> Session:
        """Store a new session."""
        clean = await self._clean(session)
        await self._database.write(lambda connection: rows.insert_session(connection, clean))
        return clean

    async def find(self, session_id: str) -> Session:
        """Return a session."""
        found = await self._read(lambda connection: [rows.require_session(connection, session_id)])
        return found[0]

    async def query(self, query: SessionQuery) -> tuple[Sequence[Session], int]:
        """Return a page of sessions, and how many there are in all."""
        values = {
            "repository": query.repository,
            "archived": query.archived,
            "text": query.text.casefold(),
            "limit": query.limit,
            "offset": query.offset,
        }
        total = 0

        def read(connection: sqlite3.Connection) -> list[tuple[Session, str | None]]:
            nonlocal total
            total = connection.execute(f"SELECT count(*) FROM sessions s WHERE {_QUERY}", values).fetchone()[0]  # noqa: S608 - constants.
            order = "ORDER BY s.updated_at DESC, s.rowid DESC LIMIT :limit OFFSET :offset"
            found = connection.execute(f"{rows.SESSIONS} WHERE {_QUERY} {order}", values)
            return [rows.to_session(row) for row in found]

        return await self._read(read), total

    async def transcript(self, session_id: str, *, after_seq: int = 0, limit: int | None = None) -> Transcript:
        """Return a session with its turns and the earliest items whose `seq` is greater than `after_seq`."""
        turns: list[Turn] = []
        items: list[Item] = []

        def read(connection: sqlite3.Connection) -> list[tuple[Session, str | None]]:
            turns[:] = rows.turns_of(connection, session_id)
            items[:] = rows.items_of(connection, session_id, after_seq, limit)
            return [rows.require_session(connection, session_id)]

        session = (await self._read(read))[0]
        return Transcript(session, turns, items)

    async def change(self, session_id: str, **fields: object) -> Session:
        """Change `title`, `model`, `mode`, `archived` or `budget` of a session."""
        unknown = fields.keys() - CHANGEABLE
        if unknown:
            message = f"not to be changed: {', '.join(sorted(unknown))}"
            raise TypeError(message)

        def change(connection: sqlite3.Connection) -> Session:
            session = rows.require_session(connection, session_id)[0]
            # Putting a session away is no use of it.
            used = session.updated_at if fields.keys() == {"archived"} else timestamp()
            changed = self._redacted(replace(session, **fields, updated_at=used))
            rows.update_session(connection, changed)
            return changed

        return await self._database.write(change)

    async def fork(self, session_id: str, new: Session, *, up_to_turn: str | None) -> Session:
        """Copy a session's ended turns, up to and including one of them, into a new session with new ids."""
        clean = await self._clean(new)
        return await self._database.write(
            lambda connection: copy_turns(connection, session_id, clean, up_to_turn=up_to_turn)
        )

    async def delete(self, session_id: str) -> None:
        """Delete a session with everything in it.

        Raises:
            ConflictError: a turn of it is running.
        """

        def delete(connection: sqlite3.Connection) -> None:
            rows.require_session(connection, session_id)
            self._refuse_if_running(connection, session_id)
            connection.execute("DELETE FROM sessions WHERE id = ?", [session_id])

        await self._database.write(delete)

    async def charge(self, session_id: str, usage: Usage) -> None:
        """Add to a session's usage what was taken outside of its turns."""

        def charge(connection: sqlite3.Connection) -> None:
            rows.require_session(connection, session_id)
            rows.add_usage(connection, session_id, usage)

        await self._database.write(charge)

    async def retain(self, retention: Retention) -> Retained:
        """Archive and delete what has not been used for long, or is too much."""
        return await self._database.write(lambda connection: retain(connection, retention))

    async def begin_turn(self, turn: Turn) -> Turn:
        """Store a running turn, or take over an interrupted one, and become the session's only writer.

        The store gives a new turn its number.

        Raises:
            ConflictError: a turn of the session is running, here or in another daemon; `details.turnId` names it.
        """
        clean = await self._clean(turn)
        try:
            return await self._database.write(lambda connection: self._begin(connection, clean))
        except asyncio.CancelledError:
            # Nobody knows of the turn, so nobody would end it. Writes keep their order.
            await self.give_up_turn(clean)
            raise

    async def put_item(self, session_id: str, item: Item) -> Item:
        """Store an item's new state and return it with its sequence number.

        Raises:
            ConflictError: the turn is not running, or the session has been taken over by another daemon.
        """
        clean = await self._clean(item)

        def put(connection: sqlite3.Connection) -> Item:
            self._require_lease(connection, session_id, clean.turn_id)
            numbered = replace(clean, seq=rows.next_seq(connection, session_id))
            rows.put_item(connection, session_id, numbered)
            return numbered

        return await self._database.write(put)

    async def end_turn(self, turn: Turn) -> tuple[Turn, int]:
        """Store the end of a turn, add its usage to the session, and stop being its writer; raises as `put_item`.

        Returns:
            The turn, and the sequence number of its end.
        """
        clean = await self._clean(turn)

        def end(connection: sqlite3.Connection) -> tuple[Turn, int]:
            self._require_lease(connection, clean.session_id, clean.id)
            rows.put_turn(connection, clean)
            rows.add_usage(connection, clean.session_id, clean.usage)
            withdraw(connection, clean.session_id)
            seq = rows.next_seq(connection, clean.session_id)
            rows.end_lease(connection, clean.session_id)
            return clean, seq

        return await self._database.write(end)

    async def give_up_turn(self, turn: Turn) -> None:
        """Mark a turn as interrupted whose end could not be written; where that fails, too, it is made up for later."""
        lease = rows.Lease(turn.id, self._owner.id)

        def give_up(connection: sqlite3.Connection) -> None:
            if rows.lease_of(connection, turn.session_id) == lease:
                rows.interrupt(connection, turn.session_id)

        self._given_up.add(turn.id)
        with contextlib.suppress(StorageError):
            await self._database.write(give_up)
            self._given_up.discard(turn.id)

    async def aclose(self) -> None:
        """Mark the turns that still run here as interrupted, and let go of what shows that this owner lives."""

        def interrupt(connection: sqlite3.Connection) -> None:
            for session_id in rows.sessions_of(connection, self._owner.id):
                rows.interrupt(connection, session_id)

        if self._owner.lives:
            try:
                await self._database.write(interrupt)
            finally:
                # Whoever comes upon them then finds their owner dead.
                self._owner.close()

    def _begin(self, connection: sqlite3.Connection, turn: Turn) -> Turn:
        session_id = turn.session_id
        rows.require_session(connection, session_id)
        self._refuse_if_running(connection, session_id)
        before = rows.find_turn(connection, turn.id)
        if before is None:
            # What was interrupted before can't be resumed any more.
            withdraw(connection, session_id)
            begun = replace(turn, number=rows.next_number(connection, session_id))
        elif before.session_id == session_id and before.status == "interrupted":
            begun = replace(turn, number=before.number)
            # It is added again, with what is still to come, when the turn ends.
            rows.add_usage(connection, session_id, rows.negative(before.usage))
        else:
            raise ConflictError("The turn is not interrupted, so it can't be resumed.", details={"turnId": turn.id})
        self._owner.live()
        self._given_up.discard(turn.id)
        rows.put_turn(connection, begun)
        rows.begin_lease(connection, session_id, rows.Lease(turn.id, self._owner.id))
        rows.next_seq(connection, session_id)
        return begun

    def _require_lease(self, connection: sqlite3.Connection, session_id: str, turn_id: str) -> None:
        if rows.lease_of(connection, session_id) != rows.Lease(turn_id, self._owner.id):
            rows.require_session(connection, session_id)
            raise ConflictError(
                "The turn does not run here any more: it has ended, or another daemon has taken the session over.",
                details={"turnId": turn_id},
            )

    def _refuse_if_running(self, connection: sqlite3.Connection, session_id: str) -> None:
        lease = self._lease(connection, session_id)
        if lease is not None:
            raise already_running(turnId=lease.turn_id)

    def _lease(self, connection: sqlite3.Connection, session_id: str) -> rows.Lease | None:
        """The lease of a session; one that nobody holds any more is ended, and its turn marked as interrupted."""
        lease = rows.lease_of(connection, session_id)
        if lease is not None and not self._is_held(lease):
            rows.interrupt(connection, session_id)
            return None
        return lease

    def _is_held(self, lease: rows.Lease) -> bool:
        return lease.turn_id not in self._given_up and self._owner.is_alive(lease.owner)

    async def _read(self, fn: Callable[[sqlite3.Connection], list[tuple[Session, str | None]]]) -> list[Session]:
        """Read sessions with the owners of their leases; again, if nobody holds one of those any more."""

        def read(connection: sqlite3.Connection) -> tuple[list[Session], list[str]]:
            found = fn(connection)
            left = [
                session.id
                for session, owner in found
                if owner is not None and not self._is_held(rows.Lease(session.running_turn or "", owner))
            ]
            return [session for session, _ in found], left

        def tidy(connection: sqlite3.Connection) -> None:
            for session_id in left:
                self._lease(connection, session_id)

        sessions, left = await self._database.run(read)
        if left:
            await self._database.write(tidy)
            sessions, _ = await self._database.run(read)
        return sessions
