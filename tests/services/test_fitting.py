"""What of a conversation gives way where a model's context is too small for all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from ckit_daemon.services.assistant.fitting import LEFT_OUT, fitting

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

LONG = "word " * 700
"""A thousand tokens by the estimate."""


def looked(number: int, text: str = LONG) -> list[BaseMessage]:
    call = {"name": "context_read", "args": {"path": f"{number}.md"}, "id": f"c{number}"}
    return [AIMessage("", tool_calls=[call]), ToolMessage(text, tool_call_id=f"c{number}", artifact={"text": text})]


def test_what_fits_stays_as_it_is() -> None:
    messages = [HumanMessage("Read them."), *looked(1), *looked(2)]
    assert fitting(messages, 3000) == messages


def test_the_oldest_results_give_way_first_and_only_as_many_as_need_be() -> None:
    messages = [HumanMessage("Read them."), *looked(1), *looked(2), *looked(3)]
    kept = fitting(messages, 2500)
    assert [message.text for message in kept if isinstance(message, ToolMessage)] == [LEFT_OUT, LONG, LONG]
    assert [message.id for message in kept] == [message.id for message in messages]
    assert [message.tool_call_id for message in kept if isinstance(message, ToolMessage)] == ["c1", "c2", "c3"]
    # What the items on disk are made into again in the next turn is not touched.
    assert messages[2].text == LONG


def test_the_newest_result_and_what_was_said_stay_even_where_that_is_too_much() -> None:
    messages = [HumanMessage(LONG), *looked(1), *looked(2, "short"), *looked(3)]
    kept = fitting(messages, 100)
    assert [message.text for message in kept] == [LONG, "", LEFT_OUT, "", "short", "", LONG]
