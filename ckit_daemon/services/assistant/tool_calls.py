"""The tools that a model asks for in a turn: in the right order, on disk before and after, and told to the client."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

from langchain_core.messages import ToolMessage
from msgspec.structs import replace

from ckit_daemon.core.errors import CkitError, OperationCancelledError
from ckit_daemon.services.assistant.history import UNFINISHED, UNKNOWN
from ckit_daemon.services.assistant.masking import is_masked, masked_object
from ckit_daemon.services.assistant.records import NO_USAGE, ApprovalItem, ToolCall
from ckit_daemon.services.assistant.stream import new_item
from ckit_daemon.services.assistant.tools.outcome import longest_text
from ckit_daemon.services.assistant.tools.runner import ToolRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from langchain_core.messages import ToolCall as AskedCall

    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.services.assistant.agent import Answer
    from ckit_daemon.services.assistant.conversation import StartTurn, Surroundings
    from ckit_daemon.services.assistant.gateway import Account
    from ckit_daemon.services.assistant.records import Approval, Item, ItemStatus, ToolStatus, Usage
    from ckit_daemon.services.assistant.stream import TurnWriter
    from ckit_daemon.services.assistant.tools.outcome import ToolOutcome
    from ckit_daemon.services.assistant.tools.runner import ToolSpec

logger = logging.getLogger(__name__)

UNREADABLE: Final = "It was not run: its arguments are no JSON object. Call it again with correct ones."
REPEATED: Final = (
    "(You have made this very call before in this turn, and the result is the same. Do not make it again: go on with "
    "what you have, and answer.)"
)
REFUSED_BEFORE: Final = "It was not run, and nobody was asked again: this very call was refused a moment ago."
MASKED: Final = (
    "It was not run: the daemon was stopped before, and what looks like a secret in its arguments was not kept. Call "
    "it again if it is still wanted."
)
TOO_MANY: Final = "It was not run: the turn has made as many tool calls as it may (assistant.maxToolCalls)."

_STATUSES: Final[dict[ToolStatus, ItemStatus]] = {
    "ok": "completed",
    "denied": "completed",
    "error": "failed",
    "cancelled": "cancelled",
}


@dataclass(slots=True)
class _Pending:
    """A call that the model has made."""

    item: ToolCall
    arguments: JsonObject
    """As the model wrote them; those of the item are masked."""
    readable: bool
    before: Sequence[_Pending] = ()
    """The calls of the same answer that must have ended before this one begins."""
    done: asyncio.Event = field(default_factory=asyncio.Event)


class ToolCalls:
    """Runs the tools of one turn."""

    def __init__(self, request: StartTurn, around: Surroundings, writer: TurnWriter, account: Account) -> None:
        self.made = 0
        """Calls so far; `assistant.max_tool_calls` bounds them."""
        self._request = request
        self._around = around
        self._writer = writer
        self._account = account
        self._pending: dict[str, _Pending] = {}
        self._before: dict[str, ToolOutcome] = {}
        """What came of the calls since the person spoke last, by name and arguments."""
        self._approvals: dict[str, ApprovalItem] = {}

    async def ask(self, answer: Answer, message_id: str, tools: Iterable[ToolSpec]) -> None:
        """Note which tools an answer asks for; `run` runs them.

        Calls that read run side by side. One that writes or executes waits for all that were asked for before it, and
        what comes after it waits for it, since the model has written them in this order.
        """
        # Some models use the name that texts and people have for a tool, which the runner takes as well.
        known = {name: tool for tool in tools for name in (tool.name, tool.model_name)}
        self._pending = {}
        for call in answer.message.tool_calls:
            tool = known.get(call["name"])
            arguments = cast("JsonObject", call["args"])
            item = ToolCall(
                # The gateway has given it an id that was never used, of a form that all providers take.
                **new_item(self._writer.turn.id, item_id=call["id"]),
                # The runner says of an unknown name that there is no such tool.
                name=tool.name if tool else call["name"],
                tool_class=tool.tool_class if tool else "read",
                arguments=masked_object(self._writer.redactor, arguments),
                message_id=message_id,
            )
            reads = item.tool_class == "read"
            before = [each for each in self._pending.values() if not reads or each.item.tool_class != "read"]
            item = await self._writer.begin(item)
            self._pending[item.id] = _Pending(item, arguments, item.id not in answer.unreadable, before)
            self.made += 1

    async def run(self, call: AskedCall) -> ToolMessage:
        """Run a call that was noted."""
        pending = self._pending[call["id"] or ""]
        try:
            for earlier in pending.before:
                await earlier.done.wait()
            item = await self._perform(pending)
        finally:
            pending.done.set()
        return ToolMessage(
            item.text,
            tool_call_id=call["id"] or "",
            name=call["name"],
            artifact=item.output,
            status="success" if item.result == "ok" else "error",
        )

    def listen(self) -> None:
        """Take what was asked for before as new, because the person has spoken."""
        self._before.clear()

    async def refuse(self) -> None:
        """Run none of the calls that were noted last, because they are too many."""
        for pending in self._pending.values():
            await self._end(pending.item, "error", TOO_MANY)

    async def take_up(self, items: Sequence[Item]) -> None:
        """Give every call of an interrupted turn its result.

        What only reads is run again. So is what nobody had allowed by then: it had not begun, and its approval is asked
        for again under the same id. Neither can be run whose arguments were masked. Of anything else nobody knows
        whether it took effect, and the model is told so.

        Args:
            items: the items of the turn.
        """
        approvals = [item for item in items if isinstance(item, ApprovalItem)]
        self._approvals = {item.approval_id: item for item in approvals}
        not_begun = {item.tool_call_id for item in approvals if item.state != "allowed"}
        not_begun -= {item.tool_call_id for item in approvals if item.state == "allowed"}
        # A question is stored before its item, and nothing begins before the item says that it was allowed.
        stored = await self._around.store.approvals(session_id=self._around.session.id)
        not_begun |= {each.tool_call_id for each in stored} - {item.tool_call_id for item in approvals}
        for item in items:
            if not isinstance(item, ToolCall):
                continue
            self.made += 1
            if item.result is not None:
                continue
            if item.tool_class == "read" or item.id in not_begun:
                again = await self._writer.begin(replace(item, status="inProgress"))
                if is_masked(item.arguments):
                    await self._end(again, "error", MASKED)
                else:
                    await self._perform(_Pending(again, again.arguments, readable=True))
                for asked in [each for each in self._approvals.values() if each.tool_call_id == item.id]:
                    if asked.state == "pending":
                        # It could not even be planned any more, so that nobody was asked again.
                        await self._writer.add(replace(asked, status="cancelled", state="cancelled"))
            else:
                await self._writer.add(replace(item, status="interrupted", result="error", text=UNKNOWN))

    async def close(self, status: ItemStatus) -> None:
        """Give what is still in progress its final state."""
        left = list(self._writer.open.values())
        asked = {item.tool_call_id for item in left if isinstance(item, ApprovalItem)}
        for item in left:
            if isinstance(item, ApprovalItem):
                # A person may have answered in the moment in which the turn was ended; nothing has come of it.
                settled = await self._around.tools.withdraw(item.approval_id)
                ended: ItemStatus = "cancelled" if settled.state == "cancelled" else "completed"
                await self._writer.complete(replace(item, status=ended, state=settled.state, decision=settled.decision))
            elif isinstance(item, ToolCall):
                known = item.tool_class == "read" or item.id in asked
                result: ToolStatus = "cancelled" if status == "cancelled" else "error"
                text = UNFINISHED if known else UNKNOWN
                await self._writer.complete(replace(item, status=status, result=result, text=text))

    def report(self, doing: str) -> None:
        """Tell who watches the request what the turn does now."""
        # That nobody waits any more reaches the turn as its cancellation.
        with contextlib.suppress(OperationCancelledError):
            self._request.progress.report(0, 0, doing)

    async def _perform(self, pending: _Pending) -> ToolCall:
        item = pending.item
        if not pending.readable:
            return await self._end(item, "error", UNREADABLE)
        call = f"{item.name} {json.dumps(pending.arguments, sort_keys=True)}"
        before = self._before.get(call)
        if before is not None and before.status == "denied":
            return await self._end(item, "denied", REFUSED_BEFORE)
        self.report(f"Running {item.name}")
        account = self._charged(item)
        outcome = await self._around.tools.run(
            ToolRequest(
                name=item.name,
                arguments=pending.arguments,
                call_id=item.id,
                repository=self._around.repository,
                trusted=self._request.trusted,
                session=self._around.session,
                turn_id=item.turn_id,
                request_id=self._request.request_id,
                on_approval=self._on_approval,
                progress=self._request.progress,
                max_text=longest_text(self._around.context_tokens),
                account=account,
            )
        )
        self._before[call] = outcome
        same = before is not None and before.text == outcome.text
        return await self._writer.complete(
            replace(
                _with_usage(item, account),
                status=_STATUSES[outcome.status],
                result=outcome.status,
                text=f"{outcome.text}\n{REPEATED}" if same else outcome.text,
                output=outcome.output,
                truncated=outcome.truncated,
                duration_ms=outcome.duration_ms,
            )
        )

    def _charged(self, item: ToolCall) -> Account:
        """An account whose sum is on disk with the call while that runs: nobody can count it after kill -9."""

        async def note(_: Usage) -> None:
            try:
                await self._writer.save(_with_usage(item, account))
            except CkitError as error:
                # It goes into the sum of the turn all the same, whose end fails where this matters.
                logger.warning("what a tool took is not noted: %s", error.message, extra={"tool": item.name})

        account = self._account.part(note)
        return account

    async def _end(self, item: ToolCall, result: ToolStatus, text: str) -> ToolCall:
        return await self._writer.complete(replace(item, status=_STATUSES[result], result=result, text=text))

    async def _on_approval(self, approval: Approval) -> None:
        before = self._approvals.get(approval.id)
        if before is not None and before.state != "pending":
            # The decision was noted before the turn was interrupted, and an item ends once.
            return
        item = ApprovalItem(
            **new_item(self._writer.turn.id, "inProgress" if approval.state == "pending" else "completed"),
            approval_id=approval.id,
            tool_call_id=approval.tool_call_id,
            title=approval.title,
            state=approval.state,
            decision=approval.decision,
        )
        if before is not None:
            item = replace(item, id=before.id, created_at=before.created_at)
        if approval.state == "pending":
            self.report(f"Waiting for an approval: {approval.title}")
            item = await self._writer.begin(item)
        elif item.id in self._writer.open:
            item = await self._writer.complete(item)
        else:
            item = await self._writer.add(item)
        self._approvals[approval.id] = item


def _with_usage(item: ToolCall, account: Account) -> ToolCall:
    """The call with what it has taken: now, and before its turn was interrupted."""
    if account.taken == NO_USAGE:
        return item
    return replace(item, usage=(item.usage or NO_USAGE) + account.taken)
