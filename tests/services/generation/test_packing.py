"""Packing keeps the budget whatever the texts are, and says what became of each."""

from __future__ import annotations

import asyncio
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckit_daemon.core.errors import LimitExceededError
from ckit_daemon.services.assistant.fencing import MAX_CHARACTERS
from ckit_daemon.services.generation.material import Source
from ckit_daemon.services.generation.packing import Packed, pack


async def count_words(text: str) -> tuple[int, bool]:
    """A tokenizer of words, in which a whole text counts more than its parts."""
    return len(re.findall(r"\w+|[^\w\s]", text)) + text.count("\n\n"), True


def packed(instructions: str, texts: list[str], budget: int) -> Packed:
    sources = [Source("neighbour", f"Text {number}", text, "why not") for number, text in enumerate(texts)]
    return asyncio.run(pack(instructions, sources, budget, count_words))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.text(alphabet="ab \n.<|>", max_size=400), max_size=8),
    st.integers(min_value=20, max_value=900),
)
def test_a_text_is_never_longer_than_its_budget_and_every_source_has_its_receipt(texts: list[str], budget: int) -> None:
    found = packed("Do it.", texts, budget)
    assert found.tokens <= budget
    assert found.tokens == asyncio.run(count_words(found.text))[0]
    assert [receipt.source.title for receipt in found.receipts] == [
        "Instructions",
        *(f"Text {number}" for number in range(len(texts))),
    ]
    for receipt in found.receipts[1:]:
        there = f"## {receipt.source.title}\n" in found.text
        assert there == (receipt.state != "left-out")
        assert (receipt.tokens == receipt.of_tokens) == (receipt.state == "whole")
    assert sum(receipt.state == "cut" for receipt in found.receipts) <= 1


def test_the_first_texts_go_in_first_and_a_small_one_may_follow_one_that_was_cut() -> None:
    found = packed("Do it.", ["one " * 50, "two " * 500, "three " * 500, "four"], 300)
    assert [receipt.state for receipt in found.receipts] == ["whole", "whole", "cut", "left-out", "left-out"]
    assert found.tokens > 250
    found = packed("Do it.", ["one " * 50, "two " * 500, "four"], 130)
    assert [receipt.state for receipt in found.receipts] == ["whole", "whole", "left-out", "whole"]
    assert "more than the" in found.receipts[2].reason


def test_a_text_is_cut_at_the_end_of_a_line_and_says_so() -> None:
    found = packed("Do it.", ["a line of words\n" * 200], 300)
    assert "a line of words\n[the rest is cut]\n</data-" in found.text


def test_a_text_beyond_what_one_fence_holds_is_cut_even_where_there_is_room() -> None:
    found = packed("Do it.", ["word\n" * (MAX_CHARACTERS // 4)], 10_000_000)
    assert found.receipts[1].state == "cut"
    assert found.receipts[1].of_tokens > found.receipts[1].tokens > 30_000


def test_instructions_beyond_the_budget_are_refused() -> None:
    with pytest.raises(LimitExceededError) as caught:
        packed("Do it at once. " * 20, [], 30)
    assert caught.value.details == {"tokens": 100, "maxTokens": 30}
