"""One form for what providers stream."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk

from ckit_daemon.services.assistant.gateway.calls import CallDelta, Delta
from ckit_daemon.services.assistant.gateway.normalise import Normaliser


def part(name: str | None, arguments: str, identifier: str | None, index: int | None) -> AIMessageChunk:
    return AIMessageChunk(
        content="", tool_call_chunks=[tool_call_chunk(name=name, args=arguments, id=identifier, index=index)]
    )


def test_blocks_of_content_become_text_and_thoughts() -> None:
    blocks: list[str | dict[str, Any]] = [
        {"type": "reasoning", "reasoning": "Hm. "},
        {"type": "thinking", "thinking": "Ah."},
        {"type": "text", "text": "Yes"},
        " and no",
        {"type": "image", "url": "x"},
    ]
    assert Normaliser().read(AIMessageChunk(content=blocks)) == Delta("Yes and no", "Hm. Ah.")


@pytest.mark.parametrize(
    "chunks",
    [
        [part("a", "{", "1", 0), part(None, "}", None, 0), part("b", "{}", "2", 1)],
        [part("a", "{", "1", 0), part(None, "}", None, 0), part("b", "{}", "2", 0)],
        [part("a", "{", "1", None), part(None, "}", None, None), part("b", "{}", "2", None)],
        [part("a", "{", "1", 3), part(None, "}", "1", 3), part("b", "{}", "2", 7)],
    ],
    ids=["numbered", "all zero", "not numbered", "numbered from anywhere"],
)
def test_the_calls_of_an_answer_are_kept_apart_however_they_are_numbered(chunks: list[AIMessageChunk]) -> None:
    normaliser = Normaliser()
    read: list[CallDelta] = []
    for chunk in chunks:
        delta = normaliser.read(chunk)
        assert delta is not None
        read += delta.calls
    assert [(each.index, each.name, each.arguments) for each in read] == [(0, "a", "{"), (0, "", "}"), (1, "b", "{}")]


def test_the_last_counts_of_an_answer_count_and_zeros_are_none() -> None:
    normaliser = Normaliser()
    for tokens in ((5, 1), (5, 9), (0, 0)):
        usage: Any = {"input_tokens": tokens[0], "output_tokens": tokens[1], "total_tokens": sum(tokens)}
        assert normaliser.read(AIMessageChunk(content="", usage_metadata=usage)) is None
    assert normaliser.usage is not None
    assert (normaliser.usage.input_tokens, normaliser.usage.output_tokens) == (5, 9)


@pytest.mark.parametrize(
    ("metadata", "finish"),
    [
        ({"finish_reason": "length"}, "length"),
        ({"done_reason": "stop"}, "stop"),
        ({"finish_reason": "eos"}, "stop"),
        ({"finish_reason": "content_filter"}, "refusal"),
        ({}, None),
    ],
)
def test_the_reason_for_the_end_is_one_of_ours(metadata: dict[str, str], finish: str | None) -> None:
    normaliser = Normaliser()
    normaliser.read(AIMessageChunk(content="", response_metadata=metadata))
    assert normaliser.finish == finish
