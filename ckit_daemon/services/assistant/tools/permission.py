"""Whether a plan may be carried out: the policies first, then what was allowed before, then a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import orjson

from ckit_daemon.core.errors import ConflictError, DeniedError
from ckit_daemon.services.assistant.approvals import edited, shows
from ckit_daemon.services.assistant.masking import unmasked
from ckit_daemon.services.assistant.tools.policy import decide

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.services.assistant.approvals import ApprovalService, Question
    from ckit_daemon.services.assistant.records import Approval
    from ckit_daemon.services.assistant.tools.base import Plan
    from ckit_daemon.settings import PolicyAction, Settings


@dataclass(frozen=True, slots=True)
class Edited:
    """What a person has allowed instead of what they were asked."""

    approval: Approval
    arguments: JsonObject
    """As they are to be used; those of the approval are masked."""


class Gate:
    """Lets through what is allowed."""

    def __init__(self, approvals: ApprovalService, settings: Callable[[], Settings]) -> None:
        self._approvals = approvals
        self._settings = settings

    async def permit(
        self, plan: Plan, question: Question, announce: Callable[[Approval], Awaitable[None]] | None
    ) -> Edited | None:
        """Return once a plan may be carried out.

        Args:
            plan: what would happen.
            question: how to ask a person about it.
            announce: is told an approval once it is on disk, and again once it is decided.

        Returns:
            What a person wants instead, if they want other arguments than those that were planned; else nothing.

        Raises:
            DeniedError: a policy or a person says no, nobody answered in time, or a person must first see what comes of
                other arguments.
            ConflictError: something else was approved, before the repository changed.
            InvalidArgumentError: the person's own arguments can't be used.
        """
        action = self._action(plan, question)
        if action == "deny":
            raise _refused_by_policy(question)
        if action == "allow" or plan.idle:
            return None
        shown = await self._approvals.prepare(question)
        if await self._approvals.granted(shown):
            return None
        approval = await self._approvals.ask(shown, announce)
        if approval.state != "allowed":
            raise _refused(approval)
        if edited(approval, shown):
            if not plan.determined:
                raise _wants_other(approval)
            wanted = unmasked(approval.arguments, shown.arguments, question.arguments)
            return Edited(approval, cast("JsonObject", wanted))
        if not shows(approval, shown):
            raise ConflictError(
                "The repository has changed since this was approved, so that something else would happen now; nothing "
                "is done. Ask for it again."
            )
        return None

    async def amend(self, approval: Approval, plan: Plan, question: Question) -> None:
        """Let a plan through that a person's own arguments have made, and store what it really does.

        Raises:
            DeniedError: a policy says no.
        """
        if self._action(plan, question) == "deny":
            raise _refused_by_policy(question)
        await self._approvals.amend(approval, await self._approvals.prepare(question))

    def _action(self, plan: Plan, question: Question) -> PolicyAction:
        return decide(self._settings().assistant.policies, question.tool, question.tool_class, plan.files)


def _refused_by_policy(question: Question) -> DeniedError:
    return DeniedError(
        f"A policy in the settings denies {question.tool} here (assistant.policies).", details={"by": "policy"}
    )


def _wants_other(approval: Approval) -> DeniedError:
    arguments = orjson.dumps(approval.arguments).decode()
    return DeniedError(
        f"The person wants other arguments, and must see first what comes of them. Call it again with {arguments}",
        details={"by": "person", "approval": approval.id, "arguments": approval.arguments},
    )


def _refused(approval: Approval) -> DeniedError:
    if approval.state == "expired":
        message = "Nobody answered the approval in time, so that it counts as refused; nothing is done."
    elif approval.state == "cancelled":
        message = "The approval was withdrawn; nothing is done."
    elif approval.note:
        message = f"The person refused this and says: {approval.note}"
    else:
        message = "The person refused this; nothing is done."
        if approval.turn_id is not None:
            # A model hears it, and some would ask once more.
            message += " Do not try again unless they ask for it."
    return DeniedError(message, details={"by": "person", "state": approval.state, "approval": approval.id})
