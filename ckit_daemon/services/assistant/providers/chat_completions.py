"""langchain's model for the chat completions of OpenAI, with what compatible servers add to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast

from langchain_openai.chat_models.base import BaseChatOpenAI
from pydantic import model_validator
from typing_extensions import override

if TYPE_CHECKING:
    from langchain_core.outputs import ChatGenerationChunk

REASONING_FIELDS = ("reasoning_content", "reasoning")


class ChatCompletionsModel(BaseChatOpenAI):
    """A model behind a client that is given, with what the server tells of its thoughts and refusals."""

    @model_validator(mode="after")
    @override
    def validate_environment(self) -> Self:
        # The inherited one makes clients of its own from variables of the environment.
        return self

    @override
    def _convert_chunk_to_generation_chunk(
        self,
        chunk: dict[str, Any],
        default_chunk_class: type,
        base_generation_info: dict[str, Any] | None,
    ) -> ChatGenerationChunk | None:
        converted = super()._convert_chunk_to_generation_chunk(  # pyright: ignore[reportUnknownMemberType] - bare dicts.
            chunk, default_chunk_class, base_generation_info
        )
        if converted is None:
            return None
        delta = _delta(chunk)
        more = converted.message.additional_kwargs
        for field in REASONING_FIELDS:
            if isinstance(text := delta.get(field), str) and text:
                more["reasoning_content"] = text
                break
        if isinstance(refusal := delta.get("refusal"), str) and refusal:
            more["refusal"] = refusal
        return converted


def _delta(chunk: dict[str, Any]) -> dict[str, object]:
    choices = cast("list[dict[str, Any]]", chunk.get("choices") or [])
    return cast("dict[str, object]", choices[0].get("delta") or {}) if choices else {}
