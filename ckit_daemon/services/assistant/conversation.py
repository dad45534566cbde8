"""One turn of a conversation: what the person says, what the model answers, and the tools that it runs on the way."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import orjson
from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage
from msgspec.structs import replace

from ckit_daemon.core.errors import ConflictError
from ckit_daemon.services.assistant import agent, history
from ckit_daemon.services.assistant.attachments import SHARE, Attachments
from ckit_daemon.services.assistant.gateway import Account, ModelCall, answerer, call_info
from ckit_daemon.services.assistant.gateway.calls import REASONING_KEY
from ckit_daemon.services.assistant.gateway.tokens import estimate
from ckit_daemon.services.assistant.modes import system_prompt
from ckit_daemon.services.assistant.records import NO_USAGE, AssistantMessage, Reasoning, UserMessage
from ckit_daemon.services.assistant.stream import TextStream, new_item
from ckit_daemon.services.assistant.tool_calls import ToolCalls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langchain_core.messages import BaseMessage, ToolCall, ToolMessage

    from ckit_daemon.core.progress import Progress
    from ckit_daemon.services.assistant.gateway import CallInfo, ModelGateway
    from ckit_daemon.services.assistant.ports import SessionStore
    from ckit_daemon.services.assistant.records import Attachment, Item, ItemStatus, Mode, Session, StopReason, Usage
    from ckit_daemon.services.assistant.stream import NewItem, TurnWriter
    from ckit_daemon.services.assistant.tools.runner import ToolRunner, ToolSpec
    from ckit_daemon.services.open_repository import OpenRepository
    from ckit_daemon.settings import Settings

_STOPS: Final[Mapping[str, StopReason]] = {"length": "maxTokens", "refusal": "refusal"}
"""Why the model ended its answer, where that is not simply because it was done."""
GO_ON: Final = "(The daemon was stopped and started again while you worked on this. Go on from here.)"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTurn:
    """What somebody wants of a turn."""

    session_id: str
    text: str | None = None
    attachments: tuple[Attachment, ...] = ()
    resume: str | None = None
    """Id of an interrupted turn to go on with, instead of a text."""
    model: str | None = None
    """`provider/model`, for this turn and those after it."""
    mode: Mode | None = None
    """For this turn and those after it."""
    temperature: float | None = None
    max_output_tokens: int | None = None
    bypass_cache: bool = False
    request_id: str
    trusted: bool
    """Whether the workspace may run its own code."""
    progress: Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a turn works with."""

    store: SessionStore
    gateway: ModelGateway
    tools: ToolRunner
    settings: Callable[[], Settings]
    repository: OpenRepository
    session: Session
    """As it is when the turn begins."""
    model: str
    """`provider/model`."""
    context_tokens: int
    """The size of its context."""


def offered(tools: ToolRunner, session: Session, *, trusted: bool) -> list[ToolSpec]:
    """Return the tools that the model is told of; who only clarifies gets none that changes or runs something."""
    return [
        tool
        for tool in tools.tools(session, trusted=trusted)
        if tool.status != "disabled" and (session.mode != "clarification" or tool.tool_class == "read")
    ]


def always_sent(around: Surroundings, tools: Sequence[ToolSpec]) -> str:
    """Return what the model gets beside the conversation; may be called from any thread."""
    described = orjson.dumps([agent.described(tool) for tool in tools]).decode()
    return system_prompt(around.session.mode, around.repository) + described


class Conversation:
    """Drives the agent through one turn, and writes what comes of it."""

    def __init__(self, request: StartTurn, around: Surroundings, writer: TurnWriter) -> None:
        self.model_used = around.model
        """`provider/model` that answered last."""
        self._request = request
        self._around = around
        self._writer = writer
        self._attachments = Attachments(around.repository, writer.redactor)
        self._tools = offered(around.tools, around.session, trusted=request.trusted)
        # One for the whole turn, for its answers and for what its tools have models do.
        self._account = Account(around.session.budget, around.session.usage)
        self._calls = ToolCalls(request, around, writer, self._account)
        self._model = around.gateway.chat_model(
            ModelCall(
                model=around.model,
                temperature=request.temperature,
                max_output_tokens=request.max_output_tokens,
                session_id=request.session_id,
                request_id=request.request_id,
                bypass_cache=request.bypass_cache,
                account=self._account,
            )
        )
        self._answerer = _split(around.model)
        """Provider and model of the answer that comes or comes next."""
        self._settled = NO_USAGE
        """What was taken before the answer that comes."""
        self._message: TextStream[AssistantMessage] | None = None
        self._reasoning: TextStream[Reasoning] | None = None
        self._unread: list[UserMessage] = []
        self._steering = asyncio.Lock()
        # Not before the turn and its first message are on disk: what is said in it comes after them.
        self._listening = False

    # What the one who runs the turn calls

    @property
    def taken(self) -> Usage:
        """What the model's calls took since the turn began here, those included that were cancelled or broke off."""
        return self._account.taken

    async def run(self) -> StopReason:
        """Work until the turn has come to an end of its own; raises what ends it otherwise."""
        if self._request.resume is None:
            await self._add_message(self._request.text or "", self._request.attachments)
            self._listening = True
        else:
            self._listening = True
            found = await self._around.store.transcript(self._request.session_id)
            await self._calls.take_up([item for item in found.items if item.turn_id == self._request.resume])
        while True:
            stop = await self._work(await self._history())
            async with self._steering:
                if stop != "endTurn" or not self._unread:
                    self._listening = False
                    return stop

    async def steer(self, text: str) -> UserMessage:
        """Take what the person says while the turn runs; the model gets it before it is asked next.

        Raises:
            ConflictError: the turn has only just begun, or is about to end.
        """
        async with self._steering:
            if not self._listening:
                raise ConflictError(
                    "The turn has only just begun, or is about to end; say it again, or in a new turn.",
                    details={"kind": "turn"},
                )
            item = await self._add_message(text, (), steering=True)
            self._unread.append(item)
            return item

    async def close(self, status: ItemStatus) -> None:
        """Give what is still in progress its final state."""
        self._listening = False
        if self._reasoning is not None:
            await self._reasoning.close(status)
        if self._message is not None:
            taken = None if self.taken == self._settled else self.taken - self._settled
            self._message.item = replace(self._message.item, usage=taken)
            await self._message.close(status)
        await self._calls.close(status)

    # What the agent calls

    def said(self) -> list[BaseMessage]:
        """Return what the person has said since the model was asked last."""
        unread, self._unread = self._unread, []
        if unread:
            self._calls.listen()
        return [HumanMessage(item.text) for item in unread]

    async def run_tool(self, call: ToolCall) -> ToolMessage:
        """Run a tool."""
        return await self._calls.run(call)

    # What comes of it

    async def _work(self, messages: list[BaseMessage]) -> StopReason:
        stop: StopReason = "endTurn"
        mode = self._writer.turn.mode
        prompt = SystemMessage(
            await asyncio.to_thread(system_prompt, mode, self._around.repository),
            # The offline provider reads this; other providers send neither it nor its name.
            additional_kwargs={"ckit": {"mode": mode}},
        )
        left = max(0, self._around.settings().assistant.max_tool_calls - self._calls.made)
        beside = await asyncio.to_thread(always_sent, self._around, self._tools)
        room = await self._around.gateway.room(self._around.model, self._request.max_output_tokens) - estimate(beside)
        steps = agent.steps(
            self, self._model, tools=self._tools, system_prompt=prompt, messages=messages, max_calls=left, room=room
        )
        async with contextlib.aclosing(steps):
            async for step in steps:
                if isinstance(step, AIMessageChunk):
                    await self._take(step)
                elif isinstance(step, agent.Answer):
                    stop = await self._answered(step)
                else:
                    await self._calls.refuse()
                    stop = "maxToolCalls"
        return stop

    async def _take(self, chunk: AIMessageChunk) -> None:
        if (who := answerer(chunk)) is not None:
            self._answerer = who
            self.model_used = "/".join(who)
        thought = cast("dict[str, object]", chunk.additional_kwargs).get(REASONING_KEY)
        if isinstance(thought, str) and thought:
            (await self._thinking()).push(thought)
        if text := chunk.text:
            (await self._answering()).push(text)

    async def _answered(self, answer: agent.Answer) -> StopReason:
        message = await self._answering()
        info = call_info(answer.message)
        item = message.item
        finish = "stop"
        if info is not None:
            self.model_used = f"{info.provider}/{info.model}"
            finish = info.finish
            item = _told(item, info)
        item = await message.finish("completed", item)
        self._message, self._answerer = None, _split(self._around.model)
        await self._calls.ask(answer, item.id, self._tools)
        return _STOPS.get(finish, "endTurn")

    # A stream is kept before its item is stored: the turn may be cancelled in that moment, and whoever ends it must
    # know of the item.

    async def _thinking(self) -> TextStream[Reasoning]:
        if self._reasoning is None:
            self._calls.report("Thinking")
            self._reasoning = TextStream(self._writer, Reasoning(**self._new_item(), text=""))
            await self._reasoning.begin()
        return self._reasoning

    async def _answering(self) -> TextStream[AssistantMessage]:
        if self._message is None:
            if self._reasoning is not None:
                await self._reasoning.finish("completed")
                self._reasoning = None
            self._calls.report("Answering")
            self._settled = self.taken
            provider, model = self._answerer
            item = AssistantMessage(**self._new_item(), text="", provider=provider, model=model)
            self._message = TextStream(self._writer, item)
            await self._message.begin()
        return self._message

    async def _add_message(
        self, text: str, attachments: tuple[Attachment, ...], *, steering: bool = False
    ) -> UserMessage:
        item = UserMessage(
            **self._new_item("completed"),
            text=self._writer.redactor.text(text),
            attachments=attachments,
            steering=steering,
        )
        return await self._writer.add(item)

    async def _history(self) -> list[BaseMessage]:
        items = (await self._around.store.transcript(self._request.session_id)).items
        unread = {item.id for item in self._unread}
        items = [item for item in items if item.id not in unread]
        if self._request.resume is not None:
            items = history.without_torn_end(items, self._request.resume)
        names = {tool.name: tool.model_name for tool in self._tools}
        messages = history.to_messages(items, names=names, attached=await self._attached(items))
        # What was said while an answer was under way is on disk before that answer, but it was not heard yet.
        messages += self.said()
        if messages and messages[-1].type == "ai":
            messages.append(HumanMessage(GO_ON))
        return messages

    async def _attached(self, items: Sequence[Item]) -> dict[str, str]:
        items = [item for item in history.current(items) if isinstance(item, UserMessage) and item.attachments]
        if not items:
            return {}
        gateway, model = self._around.gateway, self._around.model

        async def count(text: str) -> int:
            return (await gateway.count_tokens(text, model)).tokens

        budget = await gateway.context_tokens(model) // SHARE
        return await self._attachments.texts(items, budget=budget, count=count)

    def _new_item(self, status: ItemStatus = "inProgress") -> NewItem:
        return new_item(self._writer.turn.id, status)


def _split(reference: str) -> tuple[str, str]:
    provider, _, model = reference.partition("/")
    return provider, model


def _told(item: AssistantMessage, info: CallInfo) -> AssistantMessage:
    return replace(item, provider=info.provider, model=info.model, usage=info.usage, cached=info.cached, note=info.note)
