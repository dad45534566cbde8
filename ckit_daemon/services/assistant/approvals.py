"""Asks a person whether something may be done, and remembers the answer.

A question is on disk before anybody sees it. The client's dialog, `ckit/approval/resolve` and another daemon on the
same database may all answer it: the first answer counts. No answer by the deadline is a no.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast

import orjson
from msgspec.structs import replace

from ckit_daemon.core.errors import CkitError, ConflictError, InvalidArgumentError
from ckit_daemon.redaction import Redactor
from ckit_daemon.services.assistant.ids import new_id
from ckit_daemon.services.assistant.masking import masked_object
from ckit_daemon.services.assistant.records import Approval
from ckit_daemon.services.assistant.sessions import PAGE_SHARE
from ckit_daemon.services.clock import timestamp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.services.assistant.ports import Client, SessionStore
    from ckit_daemon.services.assistant.records import ApprovalState, Decision, ToolClass
    from ckit_daemon.settings import Settings

METHOD: Final = "ckit/approval/request"
POLL_SECONDS: Final = 0.5
"""How often the store is asked whether another daemon has taken the answer."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked: may this be done, exactly so?"""

    call_id: str
    """Id of the run; asking again for the same run finds the stored approval."""
    repository: str
    tool: str
    tool_class: ToolClass
    title: str
    arguments: JsonObject
    diff: str | None = None
    files: tuple[str, ...] = ()
    command: tuple[str, ...] | None = None
    session_id: str | None = None
    turn_id: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person says."""

    decision: Decision
    arguments: JsonObject | None = None
    """Other arguments than those asked about; only with `allowOnce`."""
    note: str | None = None


class ApprovalService:
    """Asks, waits and takes answers; used on the event loop only."""

    def __init__(self, store: SessionStore, client: Client, settings: Callable[[], Settings]) -> None:
        self._store = store
        self._client = client
        self._settings = settings
        self._redactor = Redactor()
        self._waiting: dict[str, asyncio.Event] = {}

    async def prepare(self, question: Question) -> Approval:
        """Return what a person would be shown: the question as an approval that nobody has stored yet.

        Keys are masked in a worker thread, because patterns take their time with long patches.
        """
        return await asyncio.to_thread(self._prepared, question)

    async def granted(self, shown: Approval) -> bool:
        """Whether the person allowed the same for the rest of the session, in whatever daemon.

        The same is the same tool on the same files; the same command line, which means the same; where there is
        neither, the same arguments.
        """
        if shown.session_id is None:
            return False
        return any(
            earlier.decision == "allowForSession"
            and (earlier.tool, earlier.repository) == (shown.tool, shown.repository)
            and (earlier.files, earlier.command) == (shown.files, shown.command)
            # The title says what a script of this name does.
            and (shown.command is None or earlier.title == shown.title)
            and (bool(shown.files or shown.command) or earlier.arguments == shown.arguments)
            for earlier in await self._store.approvals(session_id=shown.session_id, state="allowed")
        )

    async def ask(self, shown: Approval, announce: Callable[[Approval], Awaitable[None]] | None = None) -> Approval:
        """Ask, and wait until the question is decided one way or another.

        A run that was asked about before the daemon ended uses the decision that was made since, or is asked about
        again under the same id. Cancelling the call withdraws the question.

        Args:
            shown: what `prepare` made of the question.
            announce: is told the approval once it is on disk, before anybody is asked, and again once it is decided.

        Raises:
            StorageError: the question can't be stored, so nobody is asked.
        """
        approval = await self._stored(shown)
        if approval.state == "pending":
            if announce is not None:
                await announce(approval)
            approval = await self._answered(approval)
        if announce is not None:
            await announce(approval)
        return approval

    async def withdraw(self, approval_id: str) -> Approval:
        """Take a question back, unless it was answered; return the approval as it is on disk then."""
        return await self._decide(await self._store.approval(approval_id), "cancelled")

    async def amend(self, approval: Approval, shown: Approval) -> None:
        """Store what edited arguments really do, so that the approval goes on showing what was allowed."""
        await self._store.put_approval(
            replace(approval, title=shown.title, diff=shown.diff, files=shown.files, command=shown.command)
        )

    async def query(
        self, session_id: str | None, state: ApprovalState | None, *, offset: int = 0, limit: int = 1000
    ) -> tuple[Sequence[Approval], int]:
        """Return a page of approvals, the oldest first, and how many there are in all.

        A question of a client's own run ends with the daemon that asked it. One of a turn can be asked again.

        Args:
            session_id: only those of this session.
            state: only those in this state.
            offset: how many to leave out at the beginning.
            limit: most of the page; fewer, where they would make too large a message.

        Raises:
            NotFoundError: there is no such session.
        """
        for each in await self._store.approvals(session_id=session_id, state="pending"):
            if each.turn_id is None and _overdue(each):
                await self._expire(each)
        room = int(self._settings().limits.max_message_bytes * PAGE_SHARE)
        return await self._store.page_of_approvals(
            session_id=session_id, state=state, offset=offset, limit=limit, room=room
        )

    async def resolve(self, approval_id: str, answer: Answer) -> Approval:
        """Take a person's answer, and return the approval as it is on disk then.

        Raises:
            NotFoundError: there is no such approval.
            ConflictError: it is decided already, or its deadline has passed.
            InvalidArgumentError: other arguments with another decision than `allowOnce`.
        """
        approval = await self._store.approval(approval_id)
        if approval.state == "pending" and _overdue(approval):
            approval = await self._expire(approval)
        if approval.state != "pending":
            raise ConflictError(
                f"The approval is {approval.state} already; the first answer counts, and none counts after the "
                "deadline.",
                details={"id": approval.id, "state": approval.state, "decision": approval.decision},
            )
        if answer.arguments is not None and answer.decision != "allowOnce":
            raise InvalidArgumentError(
                "Other arguments go with the decision 'allowOnce' only.", details={"decision": answer.decision}
            )
        decided = await self._store.update_pending_approval(self._with_answer(approval, answer))
        if (waiting := self._waiting.get(approval_id)) is not None:
            waiting.set()
        return decided

    # Asking

    async def _stored(self, shown: Approval) -> Approval:
        """Store the question; return it as it is on disk, with the decision where it was asked and answered before."""
        known = await self._asked_before(shown)
        if known is None:
            await self._store.put_approval(shown)
            return shown
        if known.state != "pending":
            return known
        return await self._update(replace(shown, id=known.id, created_at=known.created_at))

    async def _asked_before(self, shown: Approval) -> Approval | None:
        if shown.session_id is None:
            return None
        found = [
            each
            for each in await self._store.approvals(session_id=shown.session_id)
            if (each.tool_call_id, each.tool) == (shown.tool_call_id, shown.tool)
        ]
        # A question that was withdrawn has no answer, so that the same run is asked about anew.
        return found[-1] if found and found[-1].state != "cancelled" else None

    async def _answered(self, approval: Approval) -> Approval:
        answered = self._waiting[approval.id] = asyncio.Event()
        asking = asyncio.create_task(self._ask_client(approval))
        deadline = asyncio.timeout(self._settings().assistant.approval_timeout_seconds)
        try:
            async with deadline:
                return await self._watch(approval.id, answered)
        except TimeoutError:
            if not deadline.expired():
                raise
            return await self._expire(approval)
        except asyncio.CancelledError:
            # A question that can't be taken back expires; whoever was cancelled must end in either case.
            with contextlib.suppress(CkitError):
                await asyncio.shield(self._decide(approval, "cancelled"))
            raise
        finally:
            del self._waiting[approval.id]
            asking.cancel()
            # It is waited for rather than awaited: its cancellation must not be taken for that of the caller.
            await asyncio.wait([asking])

    async def _watch(self, approval_id: str, answered: asyncio.Event) -> Approval:
        while True:
            found = await self._store.approval(approval_id)
            if found.state != "pending":
                return found
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await answered.wait()

    async def _ask_client(self, approval: Approval) -> None:
        if not self._client.answers(METHOD):
            return
        seconds = self._settings().assistant.approval_timeout_seconds
        shown = cast("JsonObject", orjson.loads(approval.to_json()))
        try:
            result = await self._client.request(METHOD, {"approval": shown}, timeout_seconds=seconds)
            await self._take(approval, result)
        except CkitError as error:
            # It may still be answered by `ckit/approval/resolve`, or have been answered so before.
            logger.info("no answer to an approval from the client: %s", error.message, extra={"code": error.code})

    async def _take(self, approval: Approval, result: JsonObject) -> None:
        answer = Answer(
            cast("Decision", result["decision"]),
            cast("JsonObject | None", result.get("arguments")),
            cast("str | None", result.get("note")),
        )
        try:
            await self.resolve(approval.id, answer)
        except InvalidArgumentError as error:
            # The person is done with the dialog, and nobody would come back to it.
            await self.resolve(approval.id, Answer("deny", note=f"The client's answer can't be used. {error.message}"))

    # Records

    def _prepared(self, question: Question) -> Approval:
        mask = self._redactor.text
        return Approval(
            id=new_id(),
            session_id=question.session_id,
            turn_id=question.turn_id,
            tool_call_id=question.call_id,
            repository=question.repository,
            tool=question.tool,
            tool_class=question.tool_class,
            title=mask(question.title),
            diff=None if question.diff is None else mask(question.diff),
            files=question.files,
            command=None if question.command is None else tuple(mask(part) for part in question.command),
            arguments=masked_object(self._redactor, question.arguments),
            created_at=timestamp(),
            expires_at=timestamp(self._settings().assistant.approval_timeout_seconds),
            state="pending",
        )

    def _with_answer(self, approval: Approval, answer: Answer) -> Approval:
        arguments = approval.arguments
        if answer.arguments is not None:
            arguments = masked_object(self._redactor, answer.arguments)
        return replace(
            approval,
            state="denied" if answer.decision == "deny" else "allowed",
            decision=answer.decision,
            arguments=arguments,
            note=None if answer.note is None else self._redactor.text(answer.note),
            decided_at=timestamp(),
        )

    async def _expire(self, approval: Approval) -> Approval:
        return await self._decide(approval, "expired")

    async def _decide(self, approval: Approval, state: ApprovalState) -> Approval:
        return await self._update(replace(approval, state=state, decided_at=timestamp()))

    async def _update(self, approval: Approval) -> Approval:
        """Store a change that no person made, unless a person was faster; return what is on disk then."""
        try:
            return await self._store.update_pending_approval(approval)
        except ConflictError:
            return await self._store.approval(approval.id)


def shows(approval: Approval, shown: Approval) -> bool:
    """Whether an approval was given for just this, so that it holds."""
    return (approval.tool, approval.title, approval.diff, approval.files, approval.command) == (
        shown.tool,
        shown.title,
        shown.diff,
        shown.files,
        shown.command,
    )


def edited(approval: Approval, shown: Approval) -> bool:
    """Whether the person has allowed other arguments than those asked about."""
    return approval.arguments != shown.arguments


def _overdue(approval: Approval) -> bool:
    return datetime.fromisoformat(approval.expires_at) <= datetime.now(UTC)
