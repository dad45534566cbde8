"""What conversations need of the outside world; `ckit_daemon.storage` and `ckit_daemon.rpc` implement these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.services.assistant.records import (
        Approval,
        ApprovalState,
        Item,
        Session,
        Turn,
        TurnEvent,
        Usage,
    )


class Client(Protocol):
    """The program at the other end of the connection."""

    def answers(self, method: str) -> bool:
        """Whether the client has said in initialize that it answers this request."""
        ...

    async def request(self, method: str, params: JsonObject, *, timeout_seconds: float) -> JsonObject:
        """Ask the client something; cancelling the call withdraws the question.

        Raises:
            DegradedError: the client does not answer such requests.
            DeadlineExceededError: it did not answer in time.
            ClientFailedError: it answered with an error, or with something else than the method's result.
        """
        ...

    def notify(self, method: str, params: bytes) -> None:
        """Tell the client something; `params` is JSON. Returns at once."""
        ...


class EventSink(Protocol):
    """Takes the events of turns on their way to the client."""

    def __call__(self, event: TurnEvent, /) -> None:
        """Send an event; returns at once."""
        ...


@dataclass(frozen=True, slots=True)
class SessionQuery:
    """Which sessions to list, the most recently used first."""

    repository: str | None = None
    archived: bool | None = False
    """None: both."""
    text: str = ""
    """Part of the title, whatever its case."""
    offset: int = 0
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Transcript:
    """A session with a part of what was said in it, read at one moment."""

    session: Session
    turns: Sequence[Turn]
    items: Sequence[Item]
    """In the order of their beginning."""


@dataclass(frozen=True, slots=True)
class Retention:
    """What becomes of old sessions; one in which a turn runs, and the one that was used last, always stay."""

    archive_before: str
    """Sessions last used before this time are archived; ISO 8601, UTC."""
    delete_before: str
    """Archived sessions last used before this time are deleted."""
    max_sessions: int
    """Beyond this many the oldest are deleted, archived ones first."""
    max_bytes: int
    """The same, as long as the database is larger; what was generated keeps to half of it, the oldest going first."""


@dataclass(frozen=True, slots=True)
class Retained:
    """How many sessions were put away."""

    archived: int
    deleted: int


class SessionStore(Protocol):
    """Sessions, turns and items on disk. What a method returned is there after kill -9 and power loss.

    Any number of daemons may use one database. Only the daemon that began a turn can write to its session until the
    turn ends or that daemon is found dead. Every write that is an event takes the session's next sequence number.

    All methods raise StorageError where the disk refuses, and NotFoundError where the named session is not there.
    """

    async def create(self, session: Session) -> Session:
        """Store a new session."""
        ...

    async def find(self, session_id: str) -> Session:
        """Return a session."""
        ...

    async def query(self, query: SessionQuery) -> tuple[Sequence[Session], int]:
        """Return a page of sessions, and how many there are in all."""
        ...

    async def transcript(self, session_id: str, *, after_seq: int = 0, limit: int | None = None) -> Transcript:
        """Return a session with its turns and those items whose `seq` is greater than `after_seq`."""
        ...

    async def change(self, session_id: str, **fields: object) -> Session:
        """Change `title`, `model`, `mode`, `archived` or `budget` of a session."""
        ...

    async def fork(self, session_id: str, new: Session, *, up_to_turn: str | None) -> Session:
        """Copy a session's ended turns, up to and including one of them, into a new session with new ids."""
        ...

    async def delete(self, session_id: str) -> None:
        """Delete a session with everything in it.

        Raises:
            ConflictError: a turn of it is running.
        """
        ...

    async def charge(self, session_id: str, usage: Usage) -> None:
        """Add to a session's usage what was taken outside of its turns."""
        ...

    async def retain(self, retention: Retention) -> Retained:
        """Archive and delete what has not been used for long, or is too much."""
        ...

    async def begin_turn(self, turn: Turn) -> Turn:
        """Store a running turn, or take over an interrupted one, and become the session's only writer.

        The store gives a new turn its number.

        Raises:
            ConflictError: a turn of the session is running, here or in another daemon; `details.turnId` names it.
        """
        ...

    async def put_item(self, session_id: str, item: Item) -> Item:
        """Store an item's new state and return it with its sequence number.

        The turn must be ours and running.

        Raises:
            ConflictError: the session has been taken over by another daemon.
        """
        ...

    async def end_turn(self, turn: Turn) -> tuple[Turn, int]:
        """Store the end of a turn, add its usage to the session, and stop being its writer; raises as `put_item`.

        Returns:
            The turn, and the sequence number of its end: what the session has by then may be another daemon's.
        """
        ...

    async def give_up_turn(self, turn: Turn) -> None:
        """Mark a turn as interrupted whose end could not be written, at once or as soon as the disk takes it.

        Does nothing where the turn does not run here; unlike others it raises no StorageError.
        """
        ...

    async def put_approval(self, approval: Approval) -> None:
        """Store an approval's new state."""
        ...

    async def update_pending_approval(self, approval: Approval) -> Approval:
        """Store the new state of an approval that is still pending, whichever daemon asked for it.

        Raises:
            ConflictError: it has been decided already; `details` has the decision.
        """
        ...

    async def approval(self, approval_id: str) -> Approval:
        """Return an approval."""
        ...

    async def approvals(
        self, *, session_id: str | None = None, state: ApprovalState | None = None
    ) -> Sequence[Approval]:
        """Return approvals, the oldest first."""
        ...

    async def page_of_approvals(
        self, *, session_id: str | None, state: ApprovalState | None, offset: int, limit: int, room: int
    ) -> tuple[Sequence[Approval], int]:
        """Return at most `limit` approvals, the oldest first, and how many there are in all.

        They have `room` bytes of JSON; the first one comes all the same, or there would be no way past it.
        """
        ...
