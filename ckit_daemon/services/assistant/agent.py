"""The agent: langchain's `create_agent`, with what a turn of ours adds to it.

What langchain's own middleware offers is used where it fits: `ToolCallLimitMiddleware` ends a turn that calls too many
tools, and with it a turn that goes round in circles, so that `ModelCallLimitMiddleware` would never act. Not used are

- `HumanInTheLoopMiddleware`: approvals belong to the tool runner, because a client's direct call needs the same ones,
  and only the tool knows the exact change that a person must see; they also survive a restart without a checkpoint;
- `PIIMiddleware`: what people say and what tools return is masked when it is stored, and the model gets what is stored;
- `SummarizationMiddleware`: it shortens messages in memory, where our summaries are items that stay (`compaction.py`);
- `ContextEditingMiddleware`: it copies all messages with their results deeply for each request; ours is `fitting.py`;
- retry and fallback: the gateway does both, for generation as well.
"""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from langchain.agents import create_agent  # pyright: ignore[reportUnknownVariableType] - langgraph leaves types open.
from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse, ToolCallLimitMiddleware
from langchain_core.messages import AIMessage, AIMessageChunk, ToolMessage

from ckit_daemon.core.json import is_plain
from ckit_daemon.services.assistant.fitting import fitting
from ckit_daemon.services.assistant.gateway import call_info

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from langchain.agents.middleware.types import ToolCallRequest
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage, SystemMessage, ToolCall

    from ckit_daemon.services.assistant.tools.runner import ToolSpec


MODEL: Final = "model"
"""The agent's node that asks the model."""


class Driver(Protocol):
    """The turn that an agent works for."""

    def said(self) -> list[BaseMessage]:
        """Return what the person has said since the model was asked last; each message is returned once."""
        ...

    async def run_tool(self, call: ToolCall) -> ToolMessage:
        """Run a tool; what goes wrong is a result, too."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer of the model; the tools that it asks for run when the next step is asked for."""

    message: AIMessage
    unreadable: frozenset[str]
    """Ids of the calls whose arguments are no JSON object."""


@dataclass(frozen=True, slots=True)
class TooManyCalls:
    """The last answer asked for more tools than a turn may use; none of its calls ran."""


Step = AIMessageChunk | Answer | TooManyCalls
"""A piece of an answer, the whole of it, or the end of a turn that calls too many tools."""


class _Agent(Protocol):
    """The part of a compiled graph that is used here, with types."""

    def astream(self, state: dict[str, object], /, *, stream_mode: list[str]) -> AsyncGenerator[tuple[str, object]]: ...


class TurnMiddleware(AgentMiddleware[Any, Any]):
    """Gives the agent what the person adds, and the tool runner; and keeps requests within the model's context."""

    def __init__(self, driver: Driver, room: int) -> None:
        super().__init__()
        self._driver = driver
        self._room = room

    async def abefore_model(self, state: object, runtime: object) -> dict[str, Any] | None:  # noqa: ARG002 - langchain's.
        """Add what the person has said meanwhile."""
        said = self._driver.said()
        return {"messages": said} if said else None

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        """Ask the model, and keep calls that can't be read among the others, so that the model hears of them."""
        response = await handler(request.override(messages=fitting(request.messages, self._room)))
        for message in response.result:
            if isinstance(message, AIMessage):
                _mend(message)
        return response

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Any]]
    ) -> ToolMessage:
        """Run the tool through the runner, which knows more tools than the agent and needs the call's id."""
        del handler
        return await self._driver.run_tool(request.tool_call)


async def steps(
    driver: Driver,
    model: BaseChatModel,
    *,
    tools: Sequence[ToolSpec],
    system_prompt: SystemMessage,
    messages: Sequence[BaseMessage],
    max_calls: int,
    room: int,
) -> AsyncGenerator[Step]:
    """Let the agent work until it has nothing more to do.

    The tools that an answer asks for run only after the step with that answer has been taken.

    Args:
        driver: the turn.
        model: whom to ask.
        tools: what the model may call.
        system_prompt: what it is told first.
        messages: the conversation so far.
        max_calls: how many calls it may make.
        room: how many tokens of messages its context has room for.
    """
    limit: AgentMiddleware[Any, Any] = ToolCallLimitMiddleware(run_limit=max_calls, exit_behavior="end")
    # The tools are there as descriptions alone: every call goes to the middleware, and langchain has nothing to run.
    descriptions: list[dict[str, Any]] = [described(tool) for tool in tools]
    agent = cast(
        "_Agent",
        create_agent(
            model, descriptions, system_prompt=system_prompt, middleware=[TurnMiddleware(driver, room), limit]
        ),
    )
    streamed = agent.astream({"messages": list(messages)}, stream_mode=["messages", "updates"])
    arguments = _Arguments()
    async with aclosing(streamed):
        async for mode, data in streamed:
            if mode == "messages":
                chunk, metadata = cast("tuple[BaseMessage, dict[str, object]]", data)
                if metadata["langgraph_node"] == MODEL and isinstance(chunk, AIMessageChunk):
                    arguments.add(chunk)
                    yield chunk
                continue
            for node, update in cast("dict[str, dict[str, Any] | None]", data).items():
                if node == MODEL and update is not None:
                    yield Answer(cast("AIMessage", update["messages"][-1]), arguments.unreadable())
                    arguments = _Arguments()
                elif update is not None and update.get("jump_to") == "end":
                    yield TooManyCalls()


class _Arguments:
    """The arguments of an answer's calls as the model wrote them: langchain would complete what was cut off."""

    def __init__(self) -> None:
        self._ids: dict[int | None, str] = {}
        self._texts: defaultdict[int | None, list[str]] = defaultdict(list)

    def add(self, chunk: AIMessageChunk) -> None:
        for part in chunk.tool_call_chunks:
            if part["id"]:
                self._ids[part["index"]] = part["id"]
            self._texts[part["index"]].append(part["args"] or "")

    def unreadable(self) -> frozenset[str]:
        return frozenset(
            self._ids.get(index, "") for index, parts in self._texts.items() if not _is_object("".join(parts))
        )


def _is_object(text: str) -> bool:
    try:
        # No arguments at all are what some models write for a tool that takes none.
        value: object = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and is_plain(cast("dict[str, object]", value))


def described(tool: ToolSpec) -> dict[str, Any]:
    """Return what the model is told of a tool, in OpenAI's format."""
    function = {"name": tool.model_name, "description": tool.description, "parameters": tool.input_schema}
    return {"type": "function", "function": function}


def _mend(message: AIMessage) -> None:
    info = call_info(message)
    if info is not None and info.finish == "length":
        # What was cut off is not what the model wanted to do.
        message.tool_calls = []
    else:
        for call in message.invalid_tool_calls:
            message.tool_calls.append({"type": "tool_call", "id": call["id"], "name": call["name"] or "", "args": {}})
        for call in message.tool_calls:
            if not is_plain(call["args"]):
                # It is among those that can't be read, and could not be stored or sent back either.
                call["args"] = {}
    message.invalid_tool_calls = []
