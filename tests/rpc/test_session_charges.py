"""What a session is charged with: everything that models do for it, whoever had them do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.rpc.test_turn_methods import calls
from tests.support.client import RpcError
from tests.support.model_server import Reply
from tests.support.talk import ASK, Talk, talking

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Json

pytestmark = pytest.mark.asyncio

SPEC = Reply(text="# Renewals\n\nMembers renew.\n\n## Behaviour\n\n- A member renews once.\n", usage=(5000, 4000))
GENERATE: Json = {"entities": ["FEAT-001"]}


async def allow(params: Json) -> Json:
    return {"decision": "allowOnce"}


async def used(talk: Talk) -> tuple[int, int]:
    usage = (await talk.stored())["session"]["usage"]
    return usage["inputTokens"], usage["outputTokens"]


async def test_what_a_tool_has_a_model_write_is_part_of_the_turn_and_of_no_answer(tmp_path: Path) -> None:
    asked = calls(("spec_generate", GENERATE), usage=(100, 10))
    async with talking(tmp_path, asked, SPEC, Reply(text="It is saved.", stall_after=1), answers=[ASK]) as talk:
        talk.client.answer(ASK, allow)
        running = talk.start()
        await talk.said("It")
        await talk.cancel()
        turn = (await running)["turn"]
        first, second = [item["usage"] for item in await talk.items("message")]
        assert (first["inputTokens"], first["outputTokens"]) == (100, 10)
        # It was cancelled, so that what it took is what is left of the whole.
        assert second["estimated"]
        assert turn["usage"]["inputTokens"] == 100 + 5000 + second["inputTokens"]
        assert turn["usage"]["outputTokens"] == 10 + 4000 + second["outputTokens"]
        assert await used(talk) == (turn["usage"]["inputTokens"], turn["usage"]["outputTokens"])


async def test_what_a_tool_has_a_model_write_counts_against_the_budget(tmp_path: Path) -> None:
    asked = calls(("spec_generate", GENERATE))
    async with talking(tmp_path, asked, SPEC, session={"budget": {"maxTokens": 9000}}, answers=[ASK]) as talk:
        talk.client.answer(ASK, allow)
        turn = await talk.turn()
        assert turn["stopReason"] == "budget"
        assert [call["result"] for call in await talk.items("toolCall")] == ["ok"]
        assert (await talk.refused()).code == "budget_exceeded"
        assert len(talk.server.calls) == 2


async def test_a_tool_that_the_client_runs_for_a_session_is_charged_to_it(tmp_path: Path) -> None:
    async with talking(tmp_path, SPEC, session={"budget": {"maxTokens": 9000}}, answers=[ASK]) as talk:
        talk.client.answer(ASK, allow)
        run: Json = {"name": "spec.generate", "arguments": GENERATE, "sessionId": talk.session}
        assert (await talk.client.request("ckit/tool/run", run))["status"] == "ok"
        assert await used(talk) == (5000, 4000)
        again = await talk.client.request("ckit/tool/run", run)
        assert again["errorCode"] == "budget_exceeded"
        assert (await talk.refused()).code == "budget_exceeded"
        assert len(talk.server.calls) == 1


async def test_R04_what_a_tool_has_a_model_write_is_on_disk_before_anybody_approves_it(tmp_path: Path) -> None:
    asked = calls(("spec_generate", GENERATE), usage=(100, 10))
    async with talking(tmp_path, asked, SPEC) as talk:
        running = talk.start()
        await talk.began("approval")
        [call] = await talk.items("toolCall")
        assert (call["status"], call["usage"]["inputTokens"], call["usage"]["outputTokens"]) == (
            "inProgress",
            5000,
            4000,
        )
        turn = await talk.cancel()
        await running
        assert [each["usage"] for each in await talk.items("toolCall")] == [call["usage"]]
        assert await used(talk) == (turn["usage"]["inputTokens"], turn["usage"]["outputTokens"]) == (5100, 4010)


async def test_R04_a_client_s_run_is_charged_before_anybody_approves_it(tmp_path: Path) -> None:
    async with talking(tmp_path, SPEC, answers=[ASK]) as talk:
        charged: list[tuple[int, int]] = []

        async def deny(params: Json) -> Json:
            charged.append(await used(talk))
            return {"decision": "deny"}

        talk.client.answer(ASK, deny)
        run: Json = {"name": "spec.generate", "arguments": GENERATE, "sessionId": talk.session}
        assert (await talk.client.request("ckit/tool/run", run))["status"] == "denied"
        assert charged == [(5000, 4000)]
        assert await used(talk) == (5000, 4000)


async def test_a_summary_that_is_cancelled_is_charged_as_far_as_it_came(tmp_path: Path) -> None:
    async with talking(tmp_path, Reply(text="One.", usage=(1, 1)), Reply(text="In short this.", stall_after=2)) as talk:
        await talk.turn()
        summing = talk.client.start("ckit/session/compact", {"id": talk.session})
        await talk.said("short")
        turn = await talk.cancel()
        with pytest.raises(RpcError):
            await summing
        assert turn["usage"]["estimated"]
        assert turn["usage"]["outputTokens"] > 0
        [summary] = await talk.items("compaction")
        assert summary["usage"] == turn["usage"]
        assert await used(talk) == (1 + turn["usage"]["inputTokens"], 1 + turn["usage"]["outputTokens"])


async def test_a_generation_that_breaks_off_is_recorded_with_what_it_took(tmp_path: Path) -> None:
    broken = Reply(text="# Renewals", break_after=1)
    async with talking(tmp_path, broken, config={"models": {"maxRetries": 0}}) as talk:
        with pytest.raises(RpcError) as caught:
            await talk.client.request("ckit/spec/generate", GENERATE)
        assert caught.value.code == "provider_unavailable"
        identifier = caught.value.data["details"]["generationId"]
        explained = await talk.client.request("ckit/generation/explain", {"id": identifier})
        assert explained["generation"]["outcome"] == "failed"
        assert explained["generation"]["usage"]["outputTokens"] > 0
