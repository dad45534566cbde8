"""Calls that go well, over real HTTP: one form for all providers, usage, cost, metrics, the log."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from ckit_daemon.core.errors import InvalidArgumentError, NotFoundError
from ckit_daemon.services.assistant.gateway import ModelCall, call_info
from tests.support.gateways import ask, gateways
from tests.support.model_server import Reply, model_server
from tests.support.model_server_wire import WIRES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.model_server_reply import Json
    from tests.support.model_server_wire import Kind

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("kind", ["openai", "azure", "ollama"])
async def test_an_answer_has_the_same_form_from_every_kind_of_provider(
    tmp_path: Path, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CKIT_TEST_AZURE_KEY", "planted-azure-key")
    with model_server(kind) as server:
        server.enqueue(Reply(text="Hello there, you.", reasoning="Let me think.", usage=(30, 5)))
        async with gateways(tmp_path, {"test": server}) as built:
            heard = await ask(built.gateway)
    assert heard.error is None
    assert heard.text == "Hello there, you."
    if kind == "openai":
        thoughts = [chunk.additional_kwargs.get("reasoning_content", "") for chunk in heard.chunks]
        assert "".join(thoughts) == "Let me think."
    assert len([chunk for chunk in heard.chunks if chunk.text]) > 1
    last = heard.chunks[-1]
    assert last.text == ""
    assert last.usage_metadata is not None
    assert (last.usage_metadata["input_tokens"], last.usage_metadata["output_tokens"]) == (30, 5)
    assert [call_info(chunk) for chunk in heard.chunks[:-1]] == [None] * (len(heard.chunks) - 1)
    info = heard.info
    assert (info.provider, info.model, info.finish, info.attempts) == ("test", "scripted", "stop", 1)
    assert not info.cached
    assert not info.usage.estimated
    assert info.note is None


async def test_R16_the_request_id_goes_with_the_call_and_into_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with model_server() as server:
        async with gateways(tmp_path, {"test": server}) as built:
            await ask(built.gateway, call=ModelCall(request_id="r-77", session_id="s-5"))
        assert server.calls[0].headers["x-request-id"] == "r-77"
    (record,) = [record for record in caplog.records if record.message == "model call"]
    assert record.__dict__["request_id"] == "r-77"
    assert record.__dict__["session_id"] == "s-5"
    assert record.__dict__["model"] == "test/scripted"
    assert record.__dict__["outcome"] == "ok"
    assert record.__dict__["input_tokens"] == 11


@pytest.mark.parametrize("kind", ["openai", "ollama"])
@pytest.mark.parametrize(
    ("request_id", "sent"),
    [
        ("7f:a-b/c", "7f:a-b/c"),
        ("Ausl\u00f6ser 1", "Ausl%C3%B6ser%201"),
        ("a\r\nX-Evil: 1\0", "a%0D%0AX-Evil:%201%00"),
        ("100%", "100%25"),
    ],
)
async def test_R16_any_request_id_goes_with_the_call(tmp_path: Path, kind: Kind, request_id: str, sent: str) -> None:
    with model_server(kind) as server:
        async with gateways(tmp_path, {"test": server}) as built:
            heard = await ask(built.gateway, call=ModelCall(request_id=request_id))
        assert heard.error is None
        assert server.calls[-1].headers["x-request-id"] == sent
        assert "x-evil" not in server.calls[-1].headers


async def test_whole_answers_come_through_invoke_as_well(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(Reply(text="All at once."))
        async with gateways(tmp_path, {"test": server}) as built:
            message = await built.gateway.chat_model(ModelCall()).ainvoke([HumanMessage("Hi")])
    assert isinstance(message, AIMessage)
    assert message.text == "All at once."
    info = call_info(message)
    assert info is not None
    assert info.finish == "stop"


async def test_parameters_come_from_the_call_then_from_the_settings(tmp_path: Path) -> None:
    with model_server() as server:
        settings: Json = {"temperature": 0.5, "maxOutputTokens": 100, "generation": "test/scripted-b"}
        async with gateways(tmp_path, {"test": server}, **settings) as built:
            await ask(built.gateway)
            await ask(built.gateway, call=ModelCall(temperature=0.0, max_output_tokens=7))
            await ask(built.gateway, call=ModelCall(purpose="generation"))
            await ask(built.gateway, call=ModelCall(purpose="generation", model="test/scripted"))
        bodies = [call.body for call in server.calls]
    assert [(body["model"], body["temperature"]) for body in bodies] == [
        ("scripted", 0.5),
        ("scripted", 0.0),
        ("scripted-b", 0.5),
    ]
    assert [body.get("max_tokens") or body.get("max_completion_tokens") for body in bodies] == [100, 7, 100]


@pytest.mark.parametrize(
    ("finish", "expected"), [("stop", "stop"), ("length", "length"), ("content_filter", "refusal")]
)
async def test_the_end_of_an_answer_has_a_reason(tmp_path: Path, finish: str, expected: str) -> None:
    with model_server() as server:
        server.enqueue(Reply(text="Well", finish=finish))
        async with gateways(tmp_path, {"test": server}) as built:
            assert (await ask(built.gateway)).info.finish == expected


async def test_a_refusal_in_openais_own_field_is_text_and_says_that_it_is_one(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(Reply(refusal="I will not do that."))
        async with gateways(tmp_path, {"test": server}) as built:
            heard = await ask(built.gateway)
    assert heard.text == "I will not do that."
    assert heard.info.finish == "refusal"


async def test_R28_tokens_are_counted_here_and_marked_where_the_provider_gives_no_usage(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(Reply(text="one two three four five six", usage=None))
        async with gateways(tmp_path, {"test": server}) as built:
            info = (await ask(built.gateway, "Some words to count")).info
    assert info.usage.estimated
    assert 3 <= info.usage.input_tokens <= 10
    assert 6 <= info.usage.output_tokens <= 12


async def test_the_cost_follows_from_the_settings_and_is_counted(tmp_path: Path) -> None:
    prices = {"models": {"scripted": {"inputPrice": 2.0, "outputPrice": 10.0}}}
    with model_server() as server:
        server.enqueue(Reply(text="Hm", usage=(1000, 100)))
        async with gateways(tmp_path, {"test": server}, provider=prices) as built:
            info = (await ask(built.gateway)).info
            assert info.usage.cost == pytest.approx(0.003)
            (counted,) = built.metrics.snapshot(0).models
    assert counted.cost == pytest.approx(0.003)
    assert (counted.provider, counted.model, counted.outcome, counted.count) == ("test", "scripted", "ok", 1)
    assert (counted.input_tokens, counted.output_tokens) == (1000, 100)
    assert counted.total_seconds > 0


async def test_a_model_without_a_known_price_has_no_cost(tmp_path: Path) -> None:
    with model_server() as server:
        async with gateways(tmp_path, {"test": server}) as built:
            assert (await ask(built.gateway)).info.usage.cost is None
            assert await built.gateway.prices("test/scripted") == (None, None)


async def test_a_model_that_nobody_has_is_named_in_the_error(tmp_path: Path) -> None:
    async with gateways(tmp_path, {}) as built:
        heard = await ask(built.gateway, call=ModelCall(model="nowhere/x"))
        assert isinstance(heard.error, NotFoundError)
        assert "nowhere" in heard.error.message
        heard = await ask(built.gateway, call=ModelCall(model="offline"))
        assert isinstance(heard.error, InvalidArgumentError)


async def test_the_model_on_board_answers_without_a_network_and_for_nothing(tmp_path: Path) -> None:
    async with gateways(tmp_path, {}) as built:
        heard = await ask(built.gateway, [SystemMessage("Help."), HumanMessage("Hello")])
        assert heard.error is None
        assert heard.text
        assert (heard.info.provider, heard.info.usage.cost) == ("offline", 0.0)
        assert not (await ask(built.gateway, [SystemMessage("Help."), HumanMessage("Hello")])).info.cached


async def test_one_after_another_calls_use_one_connection(tmp_path: Path) -> None:
    with model_server() as server:
        async with gateways(tmp_path, {"test": server}) as built:
            for number in range(3):
                await ask(built.gateway, f"Question {number}")
        assert len(server.calls) == 3
        assert server.connections == 1


async def test_others_get_their_turn_between_the_chunks_of_an_answer_that_comes_all_at_once(tmp_path: Path) -> None:
    pieces = Reply(chunks=["word "] * 300)
    asked = {"stream": True, "messages": []}
    body = b"".join(frame.data for frame in WIRES["openai"].frames(asked, "scripted", pieces))
    with model_server() as server:
        server.enqueue(Reply(raw=body, headers={"content-type": WIRES["openai"].content_type}))
        async with gateways(tmp_path, {"test": server}) as built:
            turns: list[int] = []

            async def other() -> None:
                while True:
                    turns[:] = [count + 1 for count in turns]
                    await asyncio.sleep(0)

            running = asyncio.create_task(other())
            async for _ in built.gateway.chat_model(ModelCall()).astream([HumanMessage("Hi")]):
                if not turns:
                    turns.append(0)
            running.cancel()
    assert turns[0] >= 300


async def test_cancelling_the_reader_ends_the_providers_stream(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(Reply(text="One two three", stall_after=1))
        async with gateways(tmp_path, {"test": server}) as built:
            asking = asyncio.create_task(ask(built.gateway))
            await server.wait_stalled()
            asking.cancel()
            await asyncio.wait([asking])
            assert asking.cancelled()
            await server.wait_idle()
            assert len(server.closed_at) == 1
            (counted,) = built.metrics.snapshot(0).models
            assert counted.outcome == "cancelled"


async def test_nothing_of_a_call_is_left_running(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(Reply(text="Well"), Reply(text="One two three", stall_after=1), Reply(status=400))
        async with gateways(tmp_path, {"test": server}) as built:
            await ask(built.gateway)
            before = asyncio.all_tasks()
            asking = asyncio.create_task(ask(built.gateway, "Another"))
            await server.wait_stalled()
            asking.cancel()
            await asyncio.wait([asking])
            await ask(built.gateway, "A third")
            assert asyncio.all_tasks() == before
