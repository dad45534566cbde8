"""Turns what a provider's chat model streams into parts of an answer that look the same for all providers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast

from ckit_daemon.services.assistant.gateway.calls import REASONING_KEY, CallDelta, Delta
from ckit_daemon.services.assistant.records import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.messages import AIMessageChunk, BaseMessageChunk
    from langchain_core.messages.ai import UsageMetadata

    from ckit_daemon.services.assistant.gateway.calls import Finish

FINISH: Final[Mapping[str, Finish]] = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "toolCalls",
    "function_call": "toolCalls",
    "content_filter": "refusal",
    "refusal": "refusal",
}

SURROGATES: Final = re.compile(r"[\ud800-\udfff]")
HIGH: Final = ("\ud800", "\udbff")
"""The first halves of surrogate pairs."""


class Normaliser:
    """Reads the chunks of one answer.

    Attributes:
        finish: why the answer ended, by the provider's word; None before it has said so.
        usage: the provider's counts; None where it gives none.
    """

    def __init__(self) -> None:
        self.finish: Finish | None = None
        self.usage: Usage | None = None
        self._numbers: dict[int, int] = {}
        self._ids: dict[int, str] = {}
        self._calls = 0
        self._halves: dict[str, str] = {}

    def read(self, chunk: BaseMessageChunk) -> Delta | None:
        """Return what a chunk adds to the answer; None where that is nothing."""
        message = cast("AIMessageChunk", chunk)
        extra = cast("dict[str, object]", message.additional_kwargs)
        text, reasoning = _content(message)
        refusal = extra.get("refusal")
        if isinstance(refusal, str) and refusal:
            self.finish = "refusal"
            text = text or refusal
        thought = extra.get(REASONING_KEY)
        if isinstance(thought, str):
            reasoning = reasoning or thought
        calls = tuple(
            self._call(part["index"], part["id"] or "", part["name"] or "", part["args"] or "")
            for part in message.tool_call_chunks
        )
        text, reasoning = self._whole("text", text), self._whole("reasoning", reasoning)
        self._note_end(cast("dict[str, object]", message.response_metadata))
        if message.usage_metadata is not None:
            self._note_usage(message.usage_metadata)
        return Delta(text, reasoning, calls) if text or reasoning or calls else None

    def _call(self, index: object, provider_id: str, name: str, arguments: str) -> CallDelta:
        # Some servers number no calls, and some give all calls of an answer the same number.
        key = index if isinstance(index, int) else -1
        number = self._numbers.get(key)
        other = provider_id != "" and number is not None and self._ids.get(number, provider_id) != provider_id
        if number is None or other or (key == -1 and name):
            number = self._numbers[key] = self._calls
            self._calls += 1
        if provider_id:
            self._ids[number] = provider_id
        return CallDelta(number, _repaired(provider_id), _repaired(name), self._whole(f"arguments {number}", arguments))

    def _whole(self, stream: str, text: str) -> str:
        """Return more of a stream of text without halves of characters, which some servers send one by one."""
        text = self._halves.pop(stream, "") + text
        if text and HIGH[0] <= text[-1] <= HIGH[1]:
            text, self._halves[stream] = text[:-1], text[-1]
        return _repaired(text)

    def _note_end(self, metadata: dict[str, object]) -> None:
        reason = metadata.get("finish_reason") or metadata.get("done_reason") or metadata.get("stop_reason")
        if isinstance(reason, str) and self.finish != "refusal":
            self.finish = FINISH.get(reason, "stop")

    def _note_usage(self, usage: UsageMetadata) -> None:
        if not usage["input_tokens"] and not usage["output_tokens"]:
            return
        # Each is what the answer has taken so far: the last one counts.
        self.usage = Usage(
            input_tokens=usage["input_tokens"],
            output_tokens=usage["output_tokens"],
            cached_input_tokens=(usage.get("input_token_details") or {}).get("cache_read") or 0,
            reasoning_tokens=(usage.get("output_token_details") or {}).get("reasoning") or 0,
        )


def _repaired(text: str) -> str:
    """Put halves of surrogate pairs together, and U+FFFD in the place of those that have lost the other half."""
    if SURROGATES.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _content(message: AIMessageChunk) -> tuple[str, str]:
    content = cast("str | list[str | dict[str, object]]", message.content)
    if isinstance(content, str):
        return content, ""
    text: list[str] = []
    reasoning: list[str] = []
    for block in content:
        if isinstance(block, str):
            text.append(block)
        elif block.get("type") == "text":
            text.append(str(block.get("text") or ""))
        elif block.get("type") in {"reasoning", "thinking"}:
            reasoning.append(str(block.get("reasoning") or block.get("thinking") or ""))
    return "".join(text), "".join(reasoning)
