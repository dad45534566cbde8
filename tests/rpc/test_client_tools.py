"""Tools that a client brings along and runs itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.rpc.test_repository_methods import opened
from tests.rpc.test_tool_methods import listed, run, session_of, tool
from tests.support.talk import ASK, CALL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Json

pytestmark = pytest.mark.asyncio


async def test_R03_a_tool_of_the_client_is_listed_checked_and_called(tmp_path: Path) -> None:
    async with opened(tmp_path, answers=[CALL]) as (client, _):
        calls: list[Json] = []

        def call(params: Json) -> Json:
            calls.append(params)
            return {"text": "It rains.", "output": {"mm": 3}}

        client.answer(CALL, call)
        session = await session_of(client, tool())
        tools = await listed(client, sessionId=session)
        assert (tools["weather"]["source"], tools["weather"]["status"]) == ("client", "available")
        assert "weather" not in await listed(client)
        done = await run(client, "weather", {"town": "Bergen"}, sessionId=session)
        assert (done["status"], done["output"]) == ("ok", {"mm": 3})
        assert "It rains." in done["text"]
        assert done["text"].startswith("<data-")
        expected = {"sessionId": session, "callId": done["callId"], "name": "weather", "arguments": {"town": "Bergen"}}
        assert calls == [expected]
        for wrong in ({}, {"town": 1}):
            refused = await run(client, "weather", wrong, sessionId=session)
            assert refused["errorCode"] == "invalid_argument"
            assert "town" in refused["text"]
        assert len(calls) == 1


@pytest.mark.parametrize("answer", [{"text": "no such town", "isError": True}, {"nonsense": 1}])
async def test_a_tool_of_the_client_that_fails_is_an_outcome(tmp_path: Path, answer: Json) -> None:
    async with opened(tmp_path, answers=[CALL]) as (client, _):
        session = await session_of(client, tool())
        client.answer(CALL, lambda _: answer)
        done = await run(client, "weather", {"town": "Oslo"}, sessionId=session)
        assert (done["status"], done["errorCode"]) == ("error", "client_failed")


async def test_a_tool_of_the_client_that_is_silent_is_an_outcome(tmp_path: Path) -> None:
    options: Json = {"answers": [CALL], "config": {"assistant": {"clientTimeoutSeconds": 0.1}}}
    async with opened(tmp_path, **options) as (client, _):
        session = await session_of(client, tool())

        async def silent(_: Json) -> Json:
            await asyncio.Event().wait()
            return {}

        client.answer(CALL, silent)
        done = await run(client, "weather", {"town": "Oslo"}, sessionId=session)
        assert (done["status"], done["errorCode"]) == ("error", "deadline_exceeded")


async def test_a_tool_of_a_client_that_answers_no_calls_is_degraded(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, _):
        session = await session_of(client, tool())
        assert (await listed(client, sessionId=session))["weather"]["status"] == "degraded"
        done = await run(client, "weather", {"town": "Oslo"}, sessionId=session)
        assert (done["status"], done["errorCode"]) == ("error", "degraded")


async def test_R38_a_writing_tool_of_the_client_asks_for_approval(tmp_path: Path) -> None:
    async with opened(tmp_path, answers=[CALL, ASK]) as (client, _):
        session = await session_of(client, tool("deploy", "exec"))
        calls: list[Json] = []
        client.answer(CALL, lambda params: calls.append(params) or {"text": "done"})
        client.answer(ASK, lambda _: {"decision": "deny"})
        assert (await run(client, "deploy", {"town": "Oslo"}, sessionId=session))["status"] == "denied"
        assert calls == []
        client.answer(ASK, lambda _: {"decision": "allowOnce", "arguments": {"town": "Bergen"}})
        assert (await run(client, "deploy", {"town": "Oslo"}, sessionId=session))["status"] == "ok"
        assert [call["arguments"] for call in calls] == [{"town": "Bergen"}]
