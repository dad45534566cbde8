"""Every bound of the assistant, reached in a real daemon: it is told by its name, and nothing is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.client import RpcError
from tests.support.model_server import Reply, ToolCallReply
from tests.support.talk import ASK, talking_apart

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Json
    from tests.support.talk import Talk

pytestmark = pytest.mark.asyncio

LONG = 1_000_000
STALLED = Reply(text="Slow words.", stall_after=1)
EDIT: Json = {"action": "update", "id": "T-001", "changes": [{"path": ["title"], "value": "Anew"}]}


async def refusal(talk: Talk, method: str, params: Json) -> RpcError:
    """The error of a request."""
    with pytest.raises(RpcError) as caught:
        await talk.client.request(method, params)
    return caught.value


async def another(talk: Talk, **params: Any) -> str:
    """The id of one more session."""
    return (await talk.client.request("ckit/session/create", params))["session"]["id"]


async def say(talk: Talk, session: str, text: str = "Go.", **params: Any) -> Json:
    """Run a turn of any session."""
    return (await talk.client.request("ckit/turn/start", {"sessionId": session, "text": text, **params}))["turn"]


async def test_R05_beyond_the_turns_at_a_time_others_wait_and_those_that_run_can_be_ended(tmp_path: Path) -> None:
    async with talking_apart(tmp_path, STALLED, config={"assistant": {"maxTurns": 2}}) as talk:
        waiting = talk.start("One.")
        await talk.said("Slow")
        edit = talk.client.start("ckit/tool/run", {"name": "entity.edit", "arguments": EDIT})
        while not (approvals := (await talk.client.request("ckit/approval/list"))["approvals"]):
            pass
        for method, params in (
            ("ckit/turn/start", {"sessionId": await another(talk), "text": "Two."}),
            ("ckit/tool/run", {"name": "entity.details", "arguments": {"id": "FEAT-001"}}),
            ("ckit/session/compact", {"id": talk.session}),
            ("ckit/spec/generate", {"requirement": "X"}),
            ("ckit/entity/generate", {"type": "task", "request": "X"}),
            ("ckit/code/generate", {"spec": "SPEC-001"}),
            ("ckit/code/apply", {"generationId": "x"}),
            ("ckit/provider/test", {"provider": "offline"}),
            ("ckit/provider/models", {"provider": "offline"}),
        ):
            error = await refusal(talk, method, params)
            assert (error.code, error.data["retryable"]) == ("overloaded", True), method
            assert error.data["retryAfterMs"] > 0
            assert error.data["details"] == {"maxTurns": 2}
        # What ends or answers those that run is never kept out by them.
        assert (await talk.steer("Quickly."))["steering"] is True
        answer = {"id": approvals[0]["id"], "decision": "deny"}
        assert (await talk.client.request("ckit/approval/resolve", answer))["approval"]["state"] == "denied"
        assert (await edit)["status"] == "denied"
        assert (await talk.cancel())["stopReason"] == "cancelled"
        await waiting
        assert (await talk.turn("Now?"))["stopReason"] == "endTurn"


async def test_R05_model_calls_and_requests_beyond_their_queues_say_when_to_come_back(tmp_path: Path) -> None:
    models = {"maxConcurrent": 1, "maxQueued": 1, "maxRetries": 0}
    config = {"models": models, "limits": {"maxConcurrent": 1, "maxQueued": 1}}
    async with talking_apart(tmp_path, STALLED, config=config) as talk:
        sessions = [talk.session, await another(talk), await another(talk)]
        first = talk.start("One.")
        await talk.said("Slow")
        second = asyncio.create_task(say(talk, sessions[1], "Two."))
        await talk.until(lambda event: event["type"] == "turnStarted" and event["sessionId"] == sessions[1])
        while (await talk.client.request("ckit/metrics"))["modelsQueued"] < 1:
            pass
        third = await say(talk, sessions[2], "Three.")
        assert third["stopReason"] == "error"
        assert third["failure"]["code"] == "overloaded"
        assert third["failure"]["retryable"] is True
        assert third["failure"]["retryAfterMs"] > 0
        talk.server.release()
        assert {(await first)["turn"]["stopReason"], (await second)["stopReason"]} == {"endTurn"}
        assert (await say(talk, sessions[2], "Again."))["stopReason"] == "endTurn"
        many = [talk.client.start("ckit/session/get", {"id": talk.session}) for _ in range(200)]
        found = await asyncio.gather(*many, return_exceptions=True)
        refused = [each for each in found if isinstance(each, RpcError)]
        assert {(each.code, each.data["retryAfterMs"] > 0) for each in refused} == {("overloaded", True)}
        assert len(refused) < len(found)


async def test_R05_turns_a_minute_are_counted_for_each_session_and_requests_for_each_provider(tmp_path: Path) -> None:
    config = {"assistant": {"turnsPerMinute": 2}, "models": {"maxRetries": 0, "totalTimeoutSeconds": 10.0}}
    async with talking_apart(tmp_path, config=config, provider={"requestsPerMinute": 3}) as talk:
        for text in ("One.", "Two."):
            assert (await talk.turn(text))["stopReason"] == "endTurn"
        error = await talk.refused("Three.")
        assert (error.code, error.data["retryable"], error.data["retryAfterMs"]) == ("rate_limited", True, 30_000)
        assert "assistant.turnsPerMinute" in error.message
        assert len((await talk.stored())["turns"]) == 2
        assert len(talk.server.calls) == 2
        other = await another(talk)
        assert (await say(talk, other, "Three."))["stopReason"] == "endTurn"
        turn = await say(talk, other, "Four.")
        assert turn["failure"]["code"] == "rate_limited"
        assert turn["failure"]["retryAfterMs"] > 0
        assert len(talk.server.calls) == 3


async def test_a_session_over_its_tokens_is_refused_until_it_is_copied_with_another_budget(tmp_path: Path) -> None:
    dear = Reply(text="A dear answer.", usage=(45_000, 10_000))
    async with talking_apart(tmp_path, dear, config={"assistant": {"maxSessionTokens": 50_000}}) as talk:
        assert (await talk.stored())["session"]["budget"] == {"maxTokens": 50_000}
        # What an answer takes is known at its end, and what was paid for is kept.
        await talk.turn("One.")
        assert [item["text"] for item in await talk.items("message")] == ["A dear answer."]
        error = await talk.refused("Two.")
        assert error.code == "budget_exceeded"
        assert error.data["details"] == {"tokens": 55_000, "maxTokens": 50_000}
        # A summary is made all the same, of first sentences, because it asks no model.
        assert (await talk.client.request("ckit/session/compact", {"id": talk.session}))["item"]["text"]
        assert (await talk.refused("Three.")).code == "budget_exceeded"
        assert len(talk.server.calls) == 1
        fork = {"id": talk.session, "budget": {"maxTokens": 100_000}}
        copy = (await talk.client.request("ckit/session/fork", fork))["session"]
        assert (await say(talk, copy["id"], "Three."))["stopReason"] == "endTurn"


async def test_a_session_over_its_cost_is_refused_and_one_without_money_may_use_what_costs_nothing(
    tmp_path: Path,
) -> None:
    prices = {"models": {"scripted": {"inputPrice": 1000.0, "outputPrice": 1000.0}}}
    asked = Reply(tool_calls=[ToolCallReply("entity_details", {"id": "FEAT-001"})], usage=(9000, 2000))
    async with talking_apart(tmp_path, asked, provider=prices, session={"budget": {"maxCost": 10.0}}) as talk:
        turn = await talk.turn("One.")
        assert (turn["stopReason"], turn["failure"]["code"]) == ("budget", "budget_exceeded")
        assert turn["usage"]["cost"] == pytest.approx(11.0)
        error = await talk.refused("Two.")
        assert error.code == "budget_exceeded"
        assert error.data["details"] == {"cost": pytest.approx(11.0), "maxCost": 10.0}
        assert len(talk.server.calls) == 1
        poor = await another(talk, budget={"maxCost": 0})
        turn = await say(talk, poor)
        assert (turn["stopReason"], turn["failure"]["code"]) == ("budget", "budget_exceeded")
        assert len(talk.server.calls) == 1
        assert (await say(talk, poor, model="offline/offline"))["stopReason"] == "endTurn"


@pytest.mark.parametrize("most", [0, 2])
async def test_a_turn_runs_so_many_tools_and_says_that_it_wanted_more(most: int, tmp_path: Path) -> None:
    greedy = [Reply(tool_calls=[ToolCallReply("entity_details", {"id": f"T-00{n}"})]) for n in range(1, 5)]
    async with talking_apart(tmp_path, *greedy, config={"assistant": {"maxToolCalls": most}}) as talk:
        turn = await talk.turn()
        assert turn["stopReason"] == "maxToolCalls"
        calls = await talk.items("toolCall")
        assert [call["result"] for call in calls].count("ok") == most
        assert len(talk.server.calls) == most + 1


async def test_R21_a_message_of_one_character_too_many_is_refused_by_name_and_stored_nowhere(tmp_path: Path) -> None:
    async with talking_apart(tmp_path, STALLED, config={"assistant": {"maxMessageCharacters": 1000}}) as talk:
        for text in ("🎉" * 1001, "x" * LONG):
            error = await talk.refused(text)
            assert (error.code, error.data["details"]) == ("limit_exceeded", {"limit": 1000})
            assert "assistant.maxMessageCharacters" in error.message
        for text, code in (("", "invalid_params"), (" \n\u2003", "invalid_argument")):
            error = await talk.refused(text)
            assert error.code == code
            assert "text" in str(error.data["details"])
        assert (await talk.stored())["items"] == []
        running = talk.start("🎉" * 1000)
        await talk.said("Slow")
        for text, code in (("x" * 1001, "limit_exceeded"), (" ", "invalid_argument"), ("", "invalid_params")):
            error = await refusal(talk, "ckit/turn/steer", {"sessionId": talk.session, "text": text})
            assert error.code == code
        assert (await talk.steer("y" * 1000))["text"] == "y" * 1000
        talk.server.release()
        await running
        said = [item["text"] for item in await talk.items("userMessage")]
        assert said == ["🎉" * 1000, "y" * 1000]


async def test_R28_a_message_of_a_megabyte_is_kept_and_answered_where_settings_and_model_allow(tmp_path: Path) -> None:
    config = {"assistant": {"maxMessageCharacters": 2 * LONG}}
    roomy = {"models": {"scripted": {"contextTokens": 4_000_000}, "scripted-b": {"contextTokens": 8192}}}
    said = "word " * (LONG // 5)
    async with talking_apart(tmp_path, Reply(text="Much."), config=config, provider=roomy) as talk:
        assert (await talk.turn(said))["stopReason"] == "endTurn"
        assert talk.heard()[-1]["content"] == said
        assert [item["text"] for item in await talk.items("userMessage")] == [said]
        assert said in (await talk.client.request("ckit/session/export", {"id": talk.session}))["content"]
        # A model with less room does not get it, and the session goes on all the same.
        small = await another(talk, model="test/scripted-b")
        turn = await say(talk, small, said)
        assert (turn["stopReason"], turn["failure"]["code"]) == ("error", "context_too_long")
        assert turn["failure"].get("retryable", False) is False
        kept = await talk.client.request("ckit/session/get", {"id": small})
        assert [item["text"] for item in kept["items"] if item["kind"] == "userMessage"] == [said]
        turn = await say(talk, small, "Shorter, then.")
        assert turn["stopReason"] == "endTurn", turn


async def test_R11_an_approval_that_a_turn_waits_for_ends_with_the_deadline_of_the_turn(tmp_path: Path) -> None:
    edits = Reply(tool_calls=[ToolCallReply("entity_edit", EDIT)])
    # Long enough for a busy machine to ask before it has passed.
    config = {"assistant": {"turnTimeoutSeconds": 8.0}}
    async with talking_apart(tmp_path, edits, config=config, answers=[ASK]) as talk:
        withdrawn = asyncio.Event()

        async def silent(_: Json) -> Json:
            try:
                return await asyncio.Future()
            finally:
                withdrawn.set()

        talk.client.answer(ASK, silent)
        turn = await talk.turn()
        assert (turn["stopReason"], turn["failure"]["code"]) == ("error", "deadline_exceeded")
        await withdrawn.wait()
        [approval] = (await talk.client.request("ckit/approval/list", {"state": None}))["approvals"]
        assert approval["state"] in {"cancelled", "expired"}
        assert (await refusal(talk, "ckit/approval/resolve", {"id": approval["id"], "decision": "allowOnce"})).code == (
            "conflict"
        )
