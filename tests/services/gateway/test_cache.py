"""Kept answers and shared runs, over real HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from ckit_daemon.core.errors import ProviderError
from ckit_daemon.services.assistant.gateway import ModelCall
from tests.support.gateways import Gateways, ask, gateways
from tests.support.indexes import until
from tests.support.model_server import Reply, ToolCallReply, model_server

if TYPE_CHECKING:
    from pathlib import Path

    from langchain_core.messages import BaseMessage

    from tests.support.model_server_reply import Json

pytestmark = pytest.mark.asyncio

TOOL: Json = {"type": "function", "function": {"name": "look", "description": "Look.", "parameters": {}}}


async def test_R20_a_kept_answer_says_so_costs_nothing_and_streams_like_a_real_one(tmp_path: Path) -> None:
    text = "Some words that are said, " * 10
    prices = {"models": {"scripted": {"inputPrice": 2.0, "outputPrice": 10.0}}}
    with model_server() as server:
        server.enqueue(Reply(text=text, reasoning="I think so."))
        async with gateways(tmp_path, {"test": server}, provider=prices) as built:
            first = await ask(built.gateway)
        async with gateways(tmp_path, {"test": server}, provider=prices) as built:
            again = await ask(built.gateway)
            assert built.metrics.answers.cache_hits == 1
        assert len(server.calls) == 1
    assert again.text == first.text == text
    thoughts = "".join(chunk.additional_kwargs.get("reasoning_content", "") for chunk in again.chunks)
    assert thoughts == "I think so."
    assert len(again.chunks) > 5
    assert again.info.cached
    assert again.info.attempts == 0
    assert (again.info.provider, again.info.model) == ("test", "scripted")
    assert again.info.usage.cached
    assert again.info.usage.cost == 0
    assert again.info.usage.input_tokens == again.info.usage.output_tokens == 0
    assert not first.info.cached


async def test_R20_bypassing_asks_anew_and_keeps_the_new_answer(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(Reply(text="Old"), Reply(text="New"))
        async with gateways(tmp_path, {"test": server}) as built:
            assert (await ask(built.gateway)).text == "Old"
            assert (await ask(built.gateway, call=ModelCall(bypass_cache=True))).text == "New"
            heard = await ask(built.gateway)
            assert heard.text == "New"
            assert heard.info.cached


async def test_R20_clearing_forgets_and_the_setting_switches_it_off(tmp_path: Path) -> None:
    with model_server() as server:
        async with gateways(tmp_path, {"test": server}) as built:
            await ask(built.gateway)
            assert await built.gateway.clear_cache() == 1
            assert not (await ask(built.gateway)).info.cached
        async with gateways(tmp_path, {"test": server}, cache=False) as built:
            assert not (await ask(built.gateway)).info.cached
        assert len(server.calls) == 3


@pytest.mark.parametrize(
    "reply",
    [
        Reply(text="Cut", finish="length"),
        Reply(text="No", finish="content_filter"),
        Reply(refusal="No"),
        Reply(text=" "),
        Reply(status=404),
        Reply(text="One two", break_after=1),
    ],
    ids=["cut", "filtered", "refused", "empty", "error", "broken"],
)
async def test_R20_only_whole_answers_are_kept(tmp_path: Path, reply: Reply) -> None:
    with model_server() as server:
        server.enqueue(reply, Reply(text="Whole"))
        async with gateways(tmp_path, {"test": server}) as built:
            await ask(built.gateway)
            assert (await ask(built.gateway)).text == "Whole"


async def test_an_answer_with_a_key_in_it_is_not_written_to_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED_API_KEY", "planted-0123456789")
    with model_server() as server:
        server.enqueue(Reply(text="Your key is planted-0123456789."))
        async with gateways(tmp_path, {"test": server}) as built:
            await ask(built.gateway, "What is my key, planted-0123456789?")
            await ask(built.gateway, "Anything else")
        kept = b"".join(path.read_bytes() for path in (tmp_path / "cache").glob("answers.db*"))
        assert b"Anything else" in kept
        assert b"planted-0123456789" not in kept


async def test_R20_what_changes_the_answer_changes_the_key_and_what_merely_varies_does_not(tmp_path: Path) -> None:
    def conversation(call_id: str, result: str = "It is red.") -> list[BaseMessage]:
        return [
            HumanMessage("Look", id=f"h-{call_id}"),
            AIMessage("", tool_calls=[{"name": "look", "args": {"at": "it"}, "id": call_id}]),
            ToolMessage(result, tool_call_id=call_id),
        ]

    with model_server() as server:
        async with gateways(tmp_path, {"test": server}) as built:
            asked = [
                await ask(built.gateway, conversation("a"), tools=[TOOL]),
                await ask(built.gateway, conversation("b"), tools=[TOOL]),
                await ask(built.gateway, conversation("b", "It is blue."), tools=[TOOL]),
                await ask(built.gateway, conversation("b")),
                await ask(built.gateway, conversation("b"), ModelCall(temperature=0.3), tools=[TOOL]),
                await ask(built.gateway, conversation("b"), ModelCall(max_output_tokens=99), tools=[TOOL]),
                await ask(built.gateway, conversation("b"), ModelCall(model="test/scripted-b"), tools=[TOOL]),
            ]
    assert [heard.info.cached for heard in asked] == [False, True, False, False, False, False, False]


async def test_tool_calls_have_ids_of_their_own_each_time_they_are_told(tmp_path: Path) -> None:
    call = ToolCallReply("look", {"at": "it"}, id="call_1")
    with model_server() as server:
        server.enqueue(Reply(tool_calls=[call, call]))
        async with gateways(tmp_path, {"test": server}) as built:
            told = [await ask(built.gateway, tools=[TOOL]) for _ in range(3)]
    ids: list[str] = []
    for heard in told:
        whole = heard.chunks[0]
        for chunk in heard.chunks[1:]:
            whole += chunk
        assert [each["name"] for each in whole.tool_calls] == ["look", "look"]
        assert sum(bool(part["id"]) for chunk in heard.chunks for part in chunk.tool_call_chunks) == 2
        assert [each["args"] for each in whole.tool_calls] == [{"at": "it"}] * 2
        assert heard.info.finish == "toolCalls"
        ids += [each["id"] or "" for each in whole.tool_calls]
    assert len(set(ids)) == 6
    assert all(len(each) == 9 and each.isalnum() for each in ids)


def readers(built: Gateways) -> list[int]:
    """How many read each answer that is under way."""
    return [len(run.readers) for run in built.gateway._runs._runs.values()]


async def test_R29_identical_requests_in_flight_share_one_call_and_one_of_them_pays(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(Reply(text="One two three", stall_after=1))
        async with gateways(tmp_path, {"test": server}) as built:
            asking = [asyncio.create_task(ask(built.gateway)) for _ in range(10)]
            await server.wait_stalled()
            await until(lambda: readers(built) == [10])
            server.release()
            heard = await asyncio.gather(*asking)
            assert built.metrics.answers.shared == 9
        assert len(server.calls) == 1
    assert {each.text for each in heard} == {"One two three"}
    assert sorted(each.info.cached for each in heard) == [False] + [True] * 9
    assert sum(each.info.usage.input_tokens for each in heard) == 11


async def test_R29_cancelling_one_of_several_leaves_the_call_to_the_others_and_the_last_one_ends_it(
    tmp_path: Path,
) -> None:
    with model_server() as server:
        server.enqueue(Reply(text="One two three", stall_after=1), Reply(text="Never heard", stall_after=1))
        async with gateways(tmp_path, {"test": server}) as built:
            first, second = (asyncio.create_task(ask(built.gateway)) for _ in range(2))
            await server.wait_stalled()
            await until(lambda: readers(built) == [2])
            first.cancel()
            await asyncio.wait([first])
            assert server.open_streams == 1
            server.release()
            heard = await second
            assert heard.text == "One two three"
            assert heard.info.usage.input_tokens == 11
            third, fourth = (asyncio.create_task(ask(built.gateway, "Other")) for _ in range(2))
            await server.wait_stalled()
            third.cancel()
            fourth.cancel()
            await asyncio.wait([third, fourth])
            await server.wait_idle()
            assert len(server.calls) == 2


async def test_R29_a_failure_is_everybodys_and_not_remembered(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(Reply(status=404, first_delay=2.0))
        async with gateways(tmp_path, {"test": server}) as built:
            heard = await asyncio.gather(ask(built.gateway), ask(built.gateway))
            assert [type(each.error) for each in heard] == [ProviderError, ProviderError]
            assert len(server.calls) == 1
            assert (await ask(built.gateway)).error is None
