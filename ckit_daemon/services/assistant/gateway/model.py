"""The chat model that callers see: langchain's interface in front of the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import agenerate_from_stream
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr
from typing_extensions import override

from ckit_daemon.services.assistant.gateway.calls import (
    INFO_KEY,
    REASONING_KEY,
    STARTED_KEY,
    CallInfo,
    Delta,
    ModelRequest,
    Started,
)
from ckit_daemon.services.assistant.ids import new_call_id

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence

    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
    from langchain_core.language_models import LanguageModelInput
    from langchain_core.messages import AIMessage, BaseMessage
    from langchain_core.messages.tool import ToolCallChunk
    from langchain_core.outputs import ChatResult
    from langchain_core.runnables import Runnable

    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.services.assistant.gateway.calls import CallDelta, Part


class GatewayChatModel(BaseChatModel):
    """A chat model whose every request goes through the gateway."""

    _parts: Callable[[ModelRequest], AsyncGenerator[Part]] = PrivateAttr()

    def __init__(self, parts: Callable[[ModelRequest], AsyncGenerator[Part]]) -> None:
        super().__init__()
        self._parts = parts

    @property
    @override
    def _llm_type(self) -> str:
        return "ckit"

    @override
    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Return the model with tools, kept in OpenAI's format until a provider is known."""
        bound = self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], tool_choice=tool_choice, **kwargs)
        return cast("Runnable[LanguageModelInput, AIMessage]", bound)

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        request = ModelRequest(
            messages=messages,
            tools=cast("list[JsonObject]", kwargs.get("tools") or []),
            tool_choice=cast("JsonValue", kwargs.get("tool_choice")),
            stop=stop,
        )
        ids: dict[int, str] = {}
        parts = self._parts(request)
        try:
            async for part in parts:
                match part:
                    case Started():
                        message = _first(part)
                    case Delta():
                        message = _chunk(part, ids)
                    case CallInfo():
                        message = _last(part)
                yield ChatGenerationChunk(message=message)
        finally:
            await parts.aclose()

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return await agenerate_from_stream(self._astream(messages, stop, run_manager, **kwargs))

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError("The gateway lives on the event loop: use ainvoke or astream.")


def _first(started: Started) -> AIMessageChunk:
    return AIMessageChunk(content="", response_metadata={STARTED_KEY: [started.provider, started.model]})


def _chunk(delta: Delta, ids: dict[int, str]) -> AIMessageChunk:
    return AIMessageChunk(
        content=delta.text,
        additional_kwargs={REASONING_KEY: delta.reasoning} if delta.reasoning else {},
        tool_call_chunks=[_call(part, ids) for part in delta.calls],
    )


def _call(part: CallDelta, ids: dict[int, str]) -> ToolCallChunk:
    # An id is new for each caller, since approvals and results are found by it: a kept answer that is told twice, or
    # a server that counts its calls anew in each answer, must not make one call look like another.
    new = part.index not in ids
    made = ids.setdefault(part.index, new_call_id())
    return tool_call_chunk(name=part.name or None, args=part.arguments, id=made if new else None, index=part.index)


def _last(info: CallInfo) -> AIMessageChunk:
    usage = info.usage
    return AIMessageChunk(
        content="",
        response_metadata={INFO_KEY: info.to_builtins()},
        usage_metadata=UsageMetadata(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            total_tokens=usage.input_tokens + usage.output_tokens,
            input_token_details=InputTokenDetails(cache_read=usage.cached_input_tokens),
            output_token_details=OutputTokenDetails(reasoning=usage.reasoning_tokens),
        ),
        chunk_position="last",
    )
