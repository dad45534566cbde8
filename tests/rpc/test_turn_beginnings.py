"""Which turns may begin: one at a time, within limits and budgets, in a session that can take them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.rpc.test_turn_methods import calls
from tests.support.client import RpcError
from tests.support.model_server import Reply
from tests.support.talk import talking

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Json

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"text": None}, "invalid_argument"),
        ({"text": "  \n"}, "invalid_argument"),
        ({"text": ""}, "invalid_params"),
        ({"text": "x" * 1_000_001}, "limit_exceeded"),
        ({"sessionId": "nobody"}, "not_found"),
        ({"model": "nowhere/model"}, "not_found"),
        ({"resume": "nothing", "text": None}, "not_found"),
        ({"resume": "nothing"}, "invalid_argument"),
        ({"attachments": [{"kind": "entity", "id": "FEAT-999"}]}, "not_found"),
        ({"attachments": [{"kind": "file", "path": "no/such.md"}]}, "not_found"),
        ({"attachments": [{"kind": "file", "path": "../outside.md"}]}, "path_not_allowed"),
    ],
)
async def test_R10_a_turn_that_can_t_be_is_refused_before_it_begins(tmp_path: Path, params: Json, code: str) -> None:
    async with talking(tmp_path) as talk:
        error = await talk.refused(**params)
        assert error.code == code, error.message
        assert talk.events == []
        assert (await talk.stored())["turns"] == []
        assert talk.server.calls == []


async def test_a_session_runs_one_turn_at_a_time_and_none_while_it_is_put_away(tmp_path: Path) -> None:
    async with talking(tmp_path, Reply(text="Slow words.", stall_after=1)) as talk:
        running = talk.start()
        await talk.said("Slow")
        error = await talk.refused("Me, too.")
        assert error.code == "conflict"
        assert error.data["details"]["turnId"] == talk.events[0]["turnId"]
        talk.server.release()
        await running
        await talk.client.request("ckit/session/archive", {"id": talk.session})
        assert (await talk.refused()).code == "conflict"


async def test_of_several_turns_at_the_same_moment_one_begins_and_the_others_change_nothing(tmp_path: Path) -> None:
    async with talking(tmp_path, Reply(text="Yes."), session={"mode": "general"}) as talk:
        modes = ("general", "improvement", "clarification", "general")
        started = [talk.start(f"Number {number}.", mode=mode) for number, mode in enumerate(modes)]
        ended = await asyncio.gather(*started, return_exceptions=True)
        [number] = [number for number, answer in enumerate(ended) if not isinstance(answer, RpcError)]
        assert {answer.code for answer in ended if isinstance(answer, RpcError)} == {"conflict"}
        stored = await talk.stored()
        assert (stored["session"]["title"], stored["session"]["mode"]) == (f"Number {number}.", modes[number])
        assert [(turn["number"], turn["mode"]) for turn in stored["turns"]] == [(1, modes[number])]


async def test_a_session_whose_repository_is_closed_says_how_to_go_on(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await talk.client.request("ckit/repo/close")
        error = await talk.refused()
        assert error.code == "not_found"
        assert "ckit/repo/open" in error.message


async def test_R05_a_session_may_begin_so_many_turns_a_minute(tmp_path: Path) -> None:
    async with talking(tmp_path, config={"assistant": {"turnsPerMinute": 2}}) as talk:
        await talk.turn()
        await talk.turn()
        error = await talk.refused()
        assert error.code == "rate_limited"
        assert error.data["retryAfterMs"] == 30_000
        assert len((await talk.stored())["turns"]) == 2


async def test_a_budget_ends_a_turn_and_then_allows_none(tmp_path: Path) -> None:
    # The first answer says that it took more than the budget holds, so that the next one is not asked for.
    asked = calls(("entity_details", {"id": "FEAT-001"}), usage=(90_000, 20_000))
    async with talking(tmp_path, asked, session={"budget": {"maxTokens": 100_000}}) as talk:
        turn = await talk.turn()
        assert turn["stopReason"] == "budget"
        assert turn["failure"]["code"] == "budget_exceeded"
        assert turn["usage"]["inputTokens"] == 90_000
        assert len(talk.server.calls) == 1
        assert (await talk.items("error"))[0]["failure"] == turn["failure"]
        error = await talk.refused()
        assert error.code == "budget_exceeded"
        assert len((await talk.stored())["turns"]) == 1
