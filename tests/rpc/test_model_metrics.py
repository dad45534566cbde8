"""What a client sees of the gateway: metrics, kept answers, circuits, fallbacks, budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.model_server import Reply, ToolCallReply, model_server, provider_options
from tests.support.talk import talking

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Json

pytestmark = pytest.mark.asyncio

PRICED: Json = {"models": {"scripted": {"inputPrice": 1.0, "outputPrice": 10.0}}}


async def test_R14_metrics_count_model_calls_tokens_cost_retries_and_tool_runs(tmp_path: Path) -> None:
    asked = [ToolCallReply("entity_details", {"id": "FEAT-001"})]
    replies = [Reply(status=503), Reply(tool_calls=asked, usage=(100, 20)), Reply(text="Done.", usage=(300, 30))]
    config: Json = {"models": {"retryBackoffSeconds": 0.01}}
    async with talking(tmp_path, *replies, config=config, provider=PRICED) as talk:
        turn = await talk.turn("What is FEAT-001?")
        metrics = await talk.client.request("ckit/metrics")
    (model,) = metrics["models"]
    assert (model["provider"], model["model"], model["outcome"], model["count"]) == ("test", "scripted", "ok", 2)
    assert (model["inputTokens"], model["outputTokens"]) == (400, 50)
    assert model["cost"] == pytest.approx(0.0009)
    assert turn["usage"]["cost"] == pytest.approx(0.0009)
    assert metrics["answers"] == {"cacheHits": 0, "cacheMisses": 2, "staleHits": 0, "shared": 0, "retries": 1}
    assert metrics["modelsQueued"] == 0
    (tool,) = metrics["tools"]
    assert (tool["tool"], tool["status"], tool["count"]) == ("entity.details", "ok", 1)
    for line in (
        'ckit_model_calls_total{model="scripted",outcome="ok",provider="test"} 2.0',
        'ckit_model_tokens_total{direction="input",model="scripted",outcome="ok",provider="test"} 400.0',
        "ckit_model_retries_total 1.0",
        'ckit_tool_runs_total{status="ok",tool="entity.details"} 1.0',
    ):
        assert line in metrics["prometheus"]


async def test_R20_a_kept_answer_says_so_in_its_message_and_can_be_bypassed_and_cleared(tmp_path: Path) -> None:
    async with talking(tmp_path, Reply(text="First."), Reply(text="Second."), Reply(text="Third.")) as talk:
        sessions = [await talk.client.request("ckit/session/create", {}) for _ in range(3)]
        await talk.turn("Say something.")

        async def say(session: Json, **params: bool) -> Json:
            params_: Json = {"sessionId": session["session"]["id"], "text": "Say something.", **params}
            await talk.client.request("ckit/turn/start", params_)
            items = (await talk.client.request("ckit/session/get", {"id": session["session"]["id"]}))["items"]
            return next(item for item in items if item["kind"] == "message")

        kept = await say(sessions[0])
        assert (kept["text"], kept["cached"], kept["usage"]["cached"]) == ("First.", True, True)
        fresh = await say(sessions[1], bypassCache=True)
        assert fresh["text"] == "Second."
        assert "cached" not in fresh
        assert (await talk.client.request("ckit/provider/clearCache"))["removed"] == 1
        assert (await say(sessions[2]))["text"] == "Third."
        metrics = await talk.client.request("ckit/metrics")
        assert metrics["answers"]["cacheHits"] == 1


async def test_R18_R27_a_turn_is_answered_by_the_fallback_and_the_circuit_is_seen(tmp_path: Path) -> None:
    with model_server() as down, model_server() as other:
        down.enqueue(Reply(status=500))
        other.enqueue(Reply(text="I am here."))
        models: Json = {
            "providers": {"test": provider_options(down), "other": provider_options(other)},
            "fallbacks": ["other/scripted-b"],
            "maxRetries": 0,
            "circuitFailures": 1,
        }
        async with talking(tmp_path, config={"models": models}) as talk:
            turn = await talk.turn()
            assert turn["model"] == "other/scripted-b"
            (message,) = await talk.items("message")
            assert (message["text"], message["provider"], message["model"]) == ("I am here.", "other", "scripted-b")
            listed = (await talk.client.request("ckit/provider/list"))["providers"]
            circuits = {each["name"]: each["circuit"] for each in listed}
            assert circuits == {"offline": "closed", "other": "closed", "test": "open"}


async def test_a_turn_that_runs_over_its_budget_is_stopped_and_says_what_it_took(tmp_path: Path) -> None:
    long = Reply(text="word " * 20_000)
    async with talking(tmp_path, long, session={"budget": {"maxTokens": 20_000}}) as talk:
        turn = await talk.turn("Write.")
        assert turn["stopReason"] == "budget"
        await talk.server.wait_idle()
        (message,) = await talk.items("message")
        assert 100 < len(message["text"].split()) < 20_000
        used = turn["usage"]["inputTokens"] + turn["usage"]["outputTokens"]
        assert 19_000 < used < 21_000


async def test_a_cancelled_answer_counts_for_the_budget_of_the_session(tmp_path: Path) -> None:
    async with talking(tmp_path, Reply(text="One two three", stall_after=2), provider=PRICED) as talk:
        running = talk.start("Count.")
        await talk.said("two")
        await talk.cancel()
        turn = (await running)["turn"]
        assert turn["stopReason"] == "cancelled"
        assert turn["usage"]["estimated"]
        assert turn["usage"]["inputTokens"] > 100
        assert 2 <= turn["usage"]["outputTokens"] <= 5
        assert turn["usage"]["cost"] > 0
        assert (await talk.stored())["session"]["usage"] == turn["usage"]
