"""The offline model: no language model, but rules that follow simple requests to tools and report what these say."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import uuid4

from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool
from typing_extensions import override

from ckit_daemon.services.assistant.providers.offline.exchange import read
from ckit_daemon.services.assistant.providers.offline.replies import respond

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
    from langchain_core.language_models import LanguageModelInput
    from langchain_core.messages import AIMessage, BaseMessage
    from langchain_core.runnables import Runnable

NAME: Final = "offline"
_WORD: Final = re.compile(r"\s*+\S+(?:\s+$)?|\s+")


class OfflineChatModel(BaseChatModel):
    """Answers from the last message and the results of tools alone; the same input gives the same answer.

    It gives no counts of tokens, since it has none; who needs them estimates them, as for other such providers.
    """

    @property
    @override
    def _llm_type(self) -> str:
        return NAME

    @override
    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[LanguageModelInput, AIMessage]:
        """Tell the model about tools, which it calls by their names."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(_chunks(messages, kwargs))

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        chunks = await asyncio.to_thread(lambda: list(_chunks(messages, kwargs)))
        for chunk in chunks:
            yield chunk
            # Others get their turn between two words, among them who cancels this.
            await asyncio.sleep(0)


def _chunks(messages: Sequence[BaseMessage], options: dict[str, Any]) -> Iterator[ChatGenerationChunk]:
    tools = cast("list[dict[str, dict[str, str]]]", options.get("tools") or [])
    reply = respond(
        read(messages), tools=[tool["function"]["name"] for tool in tools], structured="answer_schema" in options
    )
    for word in _WORD.findall(reply.text):
        yield ChatGenerationChunk(message=AIMessageChunk(content=word))
    for index, step in enumerate(reply.steps):
        call = tool_call_chunk(
            # Approvals are found by the id of the call, also those of other sessions.
            name=step.tool,
            args=json.dumps(step.arguments, ensure_ascii=False),
            id=f"call_{uuid4().hex}",
            index=index,
        )
        yield ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=[call]))
    end = {"finish_reason": "tool_calls" if reply.steps else "stop", "model_name": NAME}
    yield ChatGenerationChunk(
        message=AIMessageChunk(content="", response_metadata=end, chunk_position="last"), generation_info=end
    )
