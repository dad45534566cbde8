"""The one way to run a tool, for the client's `ckit/tool/run` and for models alike.

Find, check, plan, policy, approval, run, and say what came of it: masked, cut and fenced. What goes wrong on the way
is an outcome that the model can read, not an exception (R03, R11, R21, R38).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ckit_daemon.core.errors import (
    CkitError,
    DeadlineExceededError,
    InvalidArgumentError,
    NotFoundError,
    OperationCancelledError,
)
from ckit_daemon.redaction import Redactor, ValueRedactor
from ckit_daemon.services.assistant.approvals import Question
from ckit_daemon.services.assistant.gateway import Account
from ckit_daemon.services.assistant.masking import masked_object
from ckit_daemon.services.assistant.tools.base import ToolContext, places
from ckit_daemon.services.assistant.tools.client import RemoteTool
from ckit_daemon.services.assistant.tools.names import model_names
from ckit_daemon.services.assistant.tools.outcome import MAX_TEXT, ToolOutcome, failure, success
from ckit_daemon.services.assistant.tools.permission import Gate
from ckit_daemon.services.assistant.tools.policy import readable
from ckit_daemon.services.assistant.tools.registry import TOOLS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping

    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.core.progress import Progress
    from ckit_daemon.metrics import Metrics
    from ckit_daemon.services.assistant.approvals import Answer, ApprovalService
    from ckit_daemon.services.assistant.container import Part
    from ckit_daemon.services.assistant.ports import Client, SessionStore
    from ckit_daemon.services.assistant.records import Approval, Session, ToolClass, Usage
    from ckit_daemon.services.assistant.tools.base import AnyTool, Output, Plan, Status
    from ckit_daemon.services.generation.service import GenerationService
    from ckit_daemon.services.open_repository import OpenRepository
    from ckit_daemon.services.pipelines.script import ScriptRunner
    from ckit_daemon.services.rag.service import RagService
    from ckit_daemon.settings import Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as it is offered, the same to clients and models."""

    name: str
    model_name: str
    """Its name for models, which take no dots; unique among the tools of one session."""
    description: str
    tool_class: ToolClass
    input_schema: JsonObject
    source: Literal["daemon", "client"]
    status: Status
    reason: str | None


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A run that somebody wants."""

    name: str
    arguments: JsonObject
    call_id: str
    """Unique; a run that is asked for again after a restart has the same."""
    repository: OpenRepository
    trusted: bool
    """Whether the workspace may run its own code."""
    session: Session | None
    turn_id: str | None
    request_id: str
    on_approval: Callable[[Approval], Awaitable[None]] | None
    """Is told an approval once it is on disk, and again once it is decided."""
    progress: Progress
    max_text: int = MAX_TEXT
    """Characters of the result that a model gets."""
    account: Account | None = None
    """What models do for the run is charged to this; without it to the session."""


class ToolRunner:
    """Runs tools; used on the event loop only."""

    def __init__(
        self,
        *,
        store: SessionStore,
        approvals: ApprovalService,
        client: Client,
        settings: Callable[[], Settings],
        generation: Part[GenerationService],
        rag: Part[RagService],
        scripts: ScriptRunner,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._approvals = approvals
        self._gate = Gate(approvals, settings)
        self._client = client
        self._settings = settings
        self._generation = generation
        self._rag = rag
        self._scripts = scripts
        self._metrics = metrics
        self._redactor = Redactor()
        self._values = ValueRedactor()
        for tool in TOOLS.values():
            # Made here, in the worker thread that builds the runner; a model's first turn would wait for them.
            tool.input_schema()

    def tools(self, session: Session | None, *, trusted: bool = False) -> list[ToolSpec]:
        """Return every tool by name, also those that can't run now, with the reason.

        Args:
            session: the session whose client's tools to add.
            trusted: whether the workspace may run its own code.
        """
        settings = self._settings()
        offered = self._offered(session)
        names = model_names(offered)
        lacking = self._lacking(session)
        found: list[ToolSpec] = []
        for name, tool in sorted(offered.items()):
            status, reason = tool.status(settings, trusted=trusted)
            if status == "available" and tool.uses_index and lacking is not None:
                status, reason = "degraded", lacking
            found.append(
                ToolSpec(
                    name=name,
                    model_name=names[name],
                    description=tool.description,
                    tool_class=tool.tool_class,
                    input_schema=tool.input_schema(),
                    source="daemon" if name in TOOLS else "client",
                    status=status,
                    reason=reason,
                )
            )
        return found

    async def session(self, session_id: str) -> Session:
        """Return a session whose approvals and tools are to hold for a run; raises NotFoundError."""
        return await self._store.find(session_id)

    async def run(self, request: ToolRequest) -> ToolOutcome:
        """Run a tool, with the approvals that it needs; what goes wrong is an outcome. Cancelling the call ends it."""
        watch = _Stopwatch()
        try:
            # What is run must be what is shown, and no program needs one of our keys as an argument.
            arguments = await asyncio.to_thread(masked_object, self._values, request.arguments)
            output = await self._perform(replace(request, arguments=arguments), self._account(request), watch)
            # Patterns take their time with long texts.
            outcome = await asyncio.to_thread(
                success, output, request.name, self._redactor, watch.milliseconds, request.max_text
            )
        except CkitError as error:
            outcome = failure(error, request.name, self._redactor, watch.milliseconds)
        # Names that clients make up would be as many labels for whoever collects the metrics.
        label = request.name if request.name in TOOLS else "client"
        self._metrics.record_tool(label, outcome.status, watch.milliseconds / 1000)
        return outcome

    async def resolve(self, approval_id: str, answer: Answer) -> Approval:
        """Take a person's answer to an approval; edited arguments must fit the tool.

        Raises:
            NotFoundError: there is no such approval.
            ConflictError: it is decided already, or its deadline has passed.
            InvalidArgumentError: the edited arguments don't fit.
        """
        if answer.arguments is not None:
            approval = await self._store.approval(approval_id)
            session = None if approval.session_id is None else await self._store.find(approval.session_id)
            tool = self._offered(session).get(approval.tool)
            if tool is None:
                raise InvalidArgumentError(
                    f"The arguments of {approval.tool} can't be edited here.", details={"tool": approval.tool}
                )
            tool.check(answer.arguments)
        return await self._approvals.resolve(approval_id, answer)

    async def withdraw(self, approval_id: str) -> Approval:
        """Take a question back, unless a person was faster; return the approval as it is on disk then."""
        return await self._approvals.withdraw(approval_id)

    async def permit(self, plan: Plan, question: Question) -> None:
        """Return once a plan that is no tool's may be carried out, by the same policies and approvals.

        Raises:
            DeniedError: a policy or a person says no, nobody answered in time, or the person wants something else.
        """
        await self._gate.permit(replace(plan, determined=False), question, None)

    # Running

    def _account(self, request: ToolRequest) -> Account:
        session = request.session
        if request.account is not None or session is None:
            return request.account or Account()

        async def charge(usage: Usage) -> None:
            # What the run comes to is told all the same.
            try:
                await asyncio.shield(self._store.charge(session.id, usage))
            except CkitError as error:
                logger.warning("what a tool took is not noted: %s", error.message, extra={"session": session.id})

        return Account(session.budget, session.usage, note=charge)

    async def _perform(self, request: ToolRequest, account: Account, watch: _Stopwatch) -> Output:
        tool = self._find(request)
        progress = _StoppableProgress(request.progress)
        settings = self._settings()
        context = ToolContext(
            repository=request.repository,
            settings=settings,
            progress=progress,
            request_id=request.request_id,
            call_id=request.call_id,
            trusted=request.trusted,
            session=request.session,
            turn_id=request.turn_id,
            account=account,
            readable=readable(settings.assistant.policies, tool.name, tool.tool_class, request.repository.store),
            scripts=self._scripts,
            generation=self._generation,
            rag=self._rag,
        )
        try:
            plan = await self._planned(tool, context, request.arguments, watch)
            question = _question(tool, request, request.arguments, plan)
            other = await self._gate.permit(plan, question, request.on_approval)
            if other is not None:
                # By writing their own arguments a person has approved them.
                plan = await self._planned(tool, context, other.arguments, watch)
                await self._gate.amend(other.approval, plan, _question(tool, request, other.arguments, plan))
            with watch.running():
                async with self._deadline(tool.name):
                    return await plan.run()
        finally:
            progress.stop()

    def _find(self, request: ToolRequest) -> AnyTool:
        if request.repository.store.closed:
            raise NotFoundError(
                "The repository was closed in the meantime; open it with ckit/repo/open.",
                details={"kind": "repository", "id": request.repository.id},
            )
        offered = self._offered(request.session)
        tool = offered.get(request.name)
        if tool is None:
            raise NotFoundError(
                f"There is no tool {request.name[:64]!r}; there are {', '.join(offered)}.", details={"kind": "tool"}
            )
        refusal = tool.refusal(self._settings(), trusted=request.trusted)
        if refusal is not None:
            raise refusal
        return tool

    async def _planned(self, tool: AnyTool, context: ToolContext, arguments: JsonObject, watch: _Stopwatch) -> Plan:
        with watch.running():
            async with self._deadline(tool.name):
                plan = await tool.planned(context, arguments)
                if not plan.files:
                    return plan
                found = await asyncio.to_thread(places, context.repository.store, plan.files)
                return replace(plan, files=found)

    def _lacking(self, session: Session | None) -> str | None:
        """Why the index that a session asks finds less than it should, if that is known."""
        service = self._rag.built
        return None if service is None else service.lacking(None if session is None else session.repository)

    def _offered(self, session: Session | None) -> Mapping[str, AnyTool]:
        remote = () if session is None else session.tools
        return {**{tool.name: RemoteTool(tool, self._client) for tool in remote}, **TOOLS}

    @contextlib.asynccontextmanager
    async def _deadline(self, name: str) -> AsyncGenerator[None]:
        seconds = self._settings().assistant.tool_timeout_seconds
        deadline = asyncio.timeout(seconds)
        try:
            async with deadline:
                yield
        except TimeoutError:
            if not deadline.expired():
                raise
            raise DeadlineExceededError(
                f"{name} took longer than its deadline of {seconds:g} s. Ask for less at a time, or raise "
                "assistant.toolTimeoutSeconds.",
                details={"timeoutSeconds": seconds},
            ) from None


class _Stopwatch:
    """Measures the work on both sides of a wait for a person."""

    def __init__(self) -> None:
        self._seconds = 0.0

    @property
    def milliseconds(self) -> float:
        return round(self._seconds * 1000, 3)

    @contextlib.contextmanager
    def running(self) -> Generator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self._seconds += time.perf_counter() - started


class _StoppableProgress:
    """Passes reports on until the run is over; a worker thread that goes on afterwards stops at its next report."""

    def __init__(self, inner: Progress) -> None:
        self._inner = inner
        self._stopped = False

    def report(self, done: int, total: int, message: str) -> None:
        if self._stopped:
            raise OperationCancelledError("The tool run is over.")
        self._inner.report(done, total, message)

    def stop(self) -> None:
        self._stopped = True


def _question(tool: AnyTool, request: ToolRequest, arguments: JsonObject, plan: Plan) -> Question:
    return Question(
        call_id=request.call_id,
        repository=request.repository.id,
        tool=tool.name,
        tool_class=tool.tool_class,
        title=plan.title,
        arguments=arguments,
        diff=plan.diff,
        files=plan.files,
        command=plan.command,
        session_id=None if request.session is None else request.session.id,
        turn_id=request.turn_id,
    )
