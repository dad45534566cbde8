"""Turns that are cancelled at any moment end whole: what began has ended, on the disk and for the client."""

from __future__ import annotations

import asyncio
import os
import random
from typing import TYPE_CHECKING

import pytest

from tests.rpc.test_turn_ends import ended_whole
from tests.support.client import RpcError
from tests.support.obedience import obey
from tests.support.talk import ASK, CALL, client_tool, talking

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Json
    from tests.support.talk import Talk

pytestmark = pytest.mark.asyncio

TURNS = 150
LONGEST_SECONDS = 0.12
"""About as long as a turn takes that nobody cancels."""
ORDERS = ("Do: say 20", "Do: look; say 5", "Do: read; append 7 T-001; say 5", "Do: append 8 T-002; look; say 9")


async def cancelled(talk: Talk, order: str, delay: float) -> Json:
    """Run a turn, cancel it after a while, and return it."""
    talk.client.notifications.clear()
    running = talk.start(order)
    await talk.until(lambda event: event["type"] == "turnStarted")
    await asyncio.sleep(delay)
    try:
        await talk.cancel()
    except RpcError as error:
        # It was over already.
        assert error.code == "conflict"
    return (await running)["turn"]


def settled(approval: Json) -> tuple[str, str | None]:
    """What became of an approval, or of the item about it."""
    return approval["state"], approval.get("decision")


async def test_R04_a_turn_that_is_cancelled_at_any_moment_leaves_nothing_in_progress(tmp_path: Path) -> None:
    seed = int(os.environ.get("CKIT_TEST_SEED") or random.SystemRandom().getrandbits(32))
    # pytest shows it where the test fails.
    print(f"CKIT_TEST_SEED={seed}")
    chance = random.Random(seed)

    async def decide(_: Json) -> Json:
        await asyncio.sleep(chance.random() * 0.02)
        return {"decision": chance.choice(["allowOnce", "deny"])}

    async def weather(_: Json) -> Json:
        await asyncio.sleep(chance.random() * 0.02)
        return {"text": "Sunny."}

    session = {"tools": [client_tool()]}
    config = {"assistant": {"turnsPerMinute": 100_000}}
    async with talking(tmp_path, config=config, answers=[ASK, CALL]) as talk:
        talk.server.respond = obey
        talk.client.answer(ASK, decide)
        talk.client.answer(CALL, weather)
        ends: list[str] = []
        for _ in range(TURNS):
            # A long conversation would be summarized first.
            talk.session = (await talk.client.request("ckit/session/create", session))["session"]["id"]
            turn = await cancelled(talk, chance.choice(ORDERS), chance.random() * LONGEST_SECONDS)
            ends.append(turn["stopReason"])
            stored = await talk.stored()
            ended_whole(talk, stored["items"])
            assert "runningTurn" not in stored["session"]
            every = {"sessionId": talk.session, "state": None}
            approvals = (await talk.client.request("ckit/approval/list", every))["approvals"]
            assert all(approval["state"] != "pending" for approval in approvals)
            states = {approval["id"]: settled(approval) for approval in approvals}
            told = [item for item in stored["items"] if item["kind"] == "approval"]
            assert [settled(item) for item in told] == [states[item["approvalId"]] for item in told]
        assert ends.count("cancelled") > TURNS / 5
        await talk.server.wait_idle()
