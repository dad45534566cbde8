"""The tools of a turn: their order, their approvals, and calls that don't run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.rpc.test_repository_methods import a_file
from tests.rpc.test_turn_methods import RETITLE, calls
from tests.support.model_server import Reply, ToolCallReply
from tests.support.talk import ASK, CALL, client_tool, talking

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Json

pytestmark = pytest.mark.asyncio


async def test_tools_that_read_run_side_by_side(tmp_path: Path) -> None:
    arrived = asyncio.Event()
    towns: list[str] = []

    async def weather(params: Json) -> Json:
        towns.append(params["arguments"]["town"])
        if len(towns) == 2:
            arrived.set()
        await arrived.wait()
        return {"text": "Rain."}

    asked = calls(("weather", {"town": "Bern"}), ("weather", {"town": "Bonn"}))
    session = {"tools": [client_tool()]}
    async with talking(tmp_path, asked, Reply(text="Wet."), answers=[CALL], session=session) as talk:
        talk.client.answer(CALL, weather)
        assert (await talk.turn())["stopReason"] == "endTurn"
        assert sorted(towns) == ["Bern", "Bonn"]
        assert [call["result"] for call in await talk.items("toolCall")] == ["ok", "ok"]


@pytest.mark.parametrize("name", ["entity_edit", "entity.edit"])
async def test_tools_that_write_run_in_the_order_in_which_the_model_asked(tmp_path: Path, name: str) -> None:
    begun: list[str] = []

    def decide(params: Json) -> Json:
        begun.append(params["approval"]["arguments"]["changes"][0]["value"])
        return {"decision": "allowOnce"}

    changes = [{**RETITLE, "changes": [{"path": ["title"], "value": value}]} for value in ("One", "Two", "Three")]
    # Some models call a tool by the name that texts and people have for it.
    asked = calls(*((name, change) for change in changes), ("entity_details", {"id": "T-001"}))
    async with talking(tmp_path, asked, Reply(text="Done."), answers=[ASK]) as talk:
        talk.client.answer(ASK, decide)
        assert (await talk.turn("Rename it thrice."))["stopReason"] == "endTurn"
        assert begun == ["One", "Two", "Three"]
        assert [call["result"] for call in await talk.items("toolCall")] == ["ok"] * 4
        assert [call["class"] for call in await talk.items("toolCall")] == ["write"] * 3 + ["read"]
        assert "Three" in (await talk.items("toolCall"))[-1]["text"]
        assert [item["state"] for item in await talk.items("approval")] == ["allowed"] * 3


async def test_a_person_is_asked_before_the_model_changes_anything(tmp_path: Path) -> None:
    asked, denied = calls(("entity_edit", RETITLE)), Reply(text="As you like.")
    async with talking(tmp_path, asked, denied, answers=[ASK]) as talk:
        before = a_file(talk.root, "T-001").read_bytes()
        talk.client.answer(ASK, lambda params: {"decision": "deny", "note": "Not today."})
        await talk.turn("Rename it.")
        assert a_file(talk.root, "T-001").read_bytes() == before
        [call] = await talk.items("toolCall")
        assert call["result"] == "denied"
        assert "Not today." in talk.heard()[-1]["content"]
        [item] = await talk.items("approval")
        assert (item["state"], item["decision"], item["toolCallId"]) == ("denied", "deny", call["id"])
        kinds = [(e["type"], e["item"]["kind"]) for e in talk.events if "item" in e]
        assert kinds.index(("itemStarted", "approval")) > kinds.index(("itemStarted", "toolCall"))
        assert kinds.index(("itemCompleted", "approval")) < kinds.index(("itemCompleted", "toolCall"))


async def test_a_call_that_was_refused_is_not_asked_about_again_before_the_person_speaks(tmp_path: Path) -> None:
    asked: list[Json] = []

    def refuse(params: Json) -> Json:
        asked.append(params)
        return {"decision": "deny"}

    retitle = ("entity_edit", RETITLE)
    replies = [calls(retitle), calls(retitle), Reply(text="Well."), calls(retitle), Reply(text="Well.")]
    async with talking(tmp_path, *replies, answers=[ASK]) as talk:
        talk.client.answer(ASK, refuse)
        assert (await talk.turn())["stopReason"] == "endTurn"
        first, second = await talk.items("toolCall")
        assert (first["result"], second["result"]) == ("denied", "denied")
        assert "nobody was asked again" in second["text"]
        assert len(asked) == 1
        await talk.turn("Do it after all.")
        assert len(asked) == 2


async def test_a_word_of_the_person_in_between_lets_a_refused_call_be_asked_about_again(tmp_path: Path) -> None:
    asked: list[Json] = []
    retitle = ("entity_edit", RETITLE)
    async with talking(tmp_path, calls(retitle), calls(retitle), Reply(text="Well."), answers=[ASK]) as talk:

        async def refuse(params: Json) -> Json:
            asked.append(params)
            if len(asked) == 1:
                await talk.steer("Ask me once more.")
            return {"decision": "deny"}

        talk.client.answer(ASK, refuse)
        assert (await talk.turn())["stopReason"] == "endTurn"
        assert len(asked) == 2


async def test_calls_that_can_t_be_read_or_run_are_results_that_the_model_hears_of(tmp_path: Path) -> None:
    broken = Reply(tool_calls=[ToolCallReply("entity_details", '{"id": "FEAT-0'), ToolCallReply("no_such_tool", {})])
    async with talking(tmp_path, broken, Reply(text="Sorry.")) as talk:
        assert (await talk.turn())["stopReason"] == "endTurn"
        unreadable, unknown = await talk.items("toolCall")
        assert unreadable["result"] == unknown["result"] == "error"
        assert "no JSON object" in unreadable["text"]
        assert unknown["output"]["code"] == "not_found"
        assert [message["role"] for message in talk.heard()][-2:] == ["tool", "tool"]


async def test_an_answer_that_was_cut_off_runs_no_tool(tmp_path: Path) -> None:
    async with talking(tmp_path, calls(("entity_details", {"id": "FEAT-001"}), text="So", finish="length")) as talk:
        assert (await talk.turn())["stopReason"] == "maxTokens"
        assert await talk.items("toolCall") == []


async def test_a_turn_ends_where_it_would_call_too_many_tools(tmp_path: Path) -> None:
    asked = calls(("entity_details", {"id": "FEAT-001"}), ("entity_details", {"id": "FEAT-002"}))
    async with talking(tmp_path, config={"assistant": {"maxToolCalls": 3}}) as talk:
        talk.server.respond = lambda body: asked
        assert (await talk.turn())["stopReason"] == "maxToolCalls"
        found = await talk.items("toolCall")
        assert [call["result"] for call in found] == ["ok", "ok", "error", "error"]
        assert "maxToolCalls" in found[-1]["text"]
        # The history stays one that providers take.
        talk.server.respond = lambda body: Reply(text="Fine.")
        assert (await talk.turn())["stopReason"] == "endTurn"
        assert len([message for message in talk.heard() if message["role"] == "tool"]) == 4
