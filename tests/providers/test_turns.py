"""What each kind of provider sends, through a daemon, a session and real HTTP."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.daemon import daemon
from tests.support.model_server import Reply, ToolCallReply, model_server
from tests.support.repositories import copy_example
from tests.support.talk import Talk, options_for

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.support.model_server_wire import Kind

pytestmark = pytest.mark.asyncio

KINDS = pytest.mark.parametrize("kind", ["openai", "azure", "ollama"])
FAILS_FAST = {"maxRetries": 0}


@contextlib.asynccontextmanager
async def talking_with(kind: Kind, folder: Path, *replies: Reply, **models: Any) -> AsyncGenerator[Talk]:
    """Open a session whose model is served by a server of this kind; `models` are settings."""
    root = copy_example(folder / "example", git=False)
    environment = {"CKIT_PATHS_CACHE_DIR": str(folder / "cache"), "CKIT_PATHS_STATE_DIR": str(folder / "state")}
    with model_server(kind) as server:
        server.enqueue(*replies)
        async with daemon(options_for(server, {"models": models}), environment=environment) as client:
            await client.request("ckit/repo/open", {"path": str(root)})
            created = await client.request("ckit/session/create", {})
            yield Talk(client, server, root, created["session"]["id"])


def deltas(talk: Talk) -> str:
    """The text that the client has seen grow."""
    return "".join(event["text"] for event in talk.events if event["type"] == "itemDelta")


@KINDS
async def test_an_answer_streams_with_the_usage_that_the_provider_tells(kind: Kind, tmp_path: Path) -> None:
    async with talking_with(kind, tmp_path, Reply(text="Borrowing needs a card.", usage=(123, 45))) as talk:
        turn = await talk.turn("What does borrowing need?")
        [message] = await talk.items("message")
    assert turn["stopReason"] == "endTurn"
    assert message["text"] == "Borrowing needs a card." == deltas(talk)
    assert (message["provider"], message["model"]) == ("test", "scripted")
    assert (message["usage"]["inputTokens"], message["usage"]["outputTokens"]) == (123, 45)
    assert "estimated" not in message["usage"]


@KINDS
async def test_R28_usage_is_estimated_and_said_to_be_where_the_provider_tells_none(kind: Kind, tmp_path: Path) -> None:
    async with talking_with(kind, tmp_path, Reply(text="Some words.", usage=None)) as talk:
        await talk.turn()
        [message] = await talk.items("message")
    assert message["usage"]["estimated"] is True
    assert message["usage"]["outputTokens"] > 0


@KINDS
async def test_a_tool_call_of_the_model_runs_and_its_result_goes_back(kind: Kind, tmp_path: Path) -> None:
    asked = ToolCallReply("entity_details", {"id": "FEAT-001"})
    async with talking_with(
        kind, tmp_path, Reply(text="Let me look.", tool_calls=[asked]), Reply(text="Done.")
    ) as talk:
        turn = await talk.turn("What is FEAT-001?")
        [call] = await talk.items("toolCall")
        heard = str(talk.heard())
    assert turn["stopReason"] == "endTurn"
    assert (call["name"], call["arguments"], call["result"]) == ("entity.details", {"id": "FEAT-001"}, "ok")
    assert "FEAT-001" in heard


@KINDS
async def test_R16_every_call_carries_the_request_id_as_a_header(kind: Kind, tmp_path: Path) -> None:
    async with talking_with(kind, tmp_path) as talk:
        said = {"sessionId": talk.session, "text": "Hello."}
        await talk.client.request("ckit/turn/start", said, request_id="editor-4711")
        assert [call.headers["x-request-id"] for call in talk.server.calls] == ["editor-4711"]


FAILURES = [
    (400, "context_too_long"),
    (401, "provider_error"),
    (404, "provider_error"),
    (408, "provider_unavailable"),
    (429, "rate_limited"),
    (500, "provider_unavailable"),
    (503, "provider_unavailable"),
]


@KINDS
async def test_R06_each_error_of_a_provider_has_a_code_of_ours(kind: Kind, tmp_path: Path) -> None:
    async with talking_with(kind, tmp_path, **FAILS_FAST, circuitFailures=100) as talk:
        for status, code in FAILURES:
            talk.server.enqueue(Reply(status=status, error={} if status != 404 else {"error": "no such model"}))
            turn = await talk.turn(f"Provoke {status}.")
            assert turn["stopReason"] == "error", status
            assert turn["failure"]["code"] == code, turn["failure"]
            assert turn["failure"].get("retryable", False) is (code in {"rate_limited", "provider_unavailable"})


@KINDS
async def test_R33_a_busy_provider_is_asked_again_after_the_time_that_it_names(kind: Kind, tmp_path: Path) -> None:
    busy = Reply(status=429, headers={"Retry-After": "1"})
    async with talking_with(kind, tmp_path, busy, Reply(text="Now."), retryBackoffSeconds=0.001) as talk:
        began = time.monotonic()
        turn = await talk.turn()
        assert time.monotonic() - began >= 1.0
        assert turn["stopReason"] == "endTurn"
        assert [item["text"] for item in await talk.items("message")] == ["Now."]
        assert len(talk.server.calls) == 2


BROKEN = {
    "disconnect before an answer": Reply(text="a b c", break_after=-1),
    "half an answer": Reply(text="a b c", break_after=2),
    "broken JSON": Reply(text="a b c", malformed_after=2),
    "an error in the stream": Reply(text="a b c", error_after=2),
}


@KINDS
async def test_a_broken_answer_ends_the_turn_and_keeps_what_was_said(kind: Kind, tmp_path: Path) -> None:
    async with talking_with(kind, tmp_path, **FAILS_FAST, circuitFailures=100) as talk:
        for what, reply in BROKEN.items():
            talk.server.enqueue(reply)
            turn = await talk.turn(f"Provoke {what}.")
            assert turn["stopReason"] == "error", what
            assert turn["failure"]["code"] == "provider_unavailable", (what, turn["failure"])
            said = [item["text"] for item in await talk.items("message") if item["turnId"] == turn["id"]]
            assert said == ([] if reply.break_after == -1 else ["a b"]), what


@KINDS
async def test_R11_a_stalled_stream_ends_at_its_deadline(kind: Kind, tmp_path: Path) -> None:
    stalled = Reply(text="a b c", stall_after=2)
    async with talking_with(kind, tmp_path, stalled, **FAILS_FAST, outputGapTimeoutSeconds=0.5) as talk:
        turn = await talk.turn()
        assert turn["stopReason"] == "error"
        assert turn["failure"]["code"] in {"deadline_exceeded", "provider_unavailable"}
        await talk.server.wait_idle()
        assert len(talk.server.closed_at) == 1


@KINDS
async def test_R31_cancelling_a_turn_hangs_up_on_the_provider_at_once(kind: Kind, tmp_path: Path) -> None:
    async with talking_with(kind, tmp_path, Reply(text="a b c", stall_after=2)) as talk:
        turn = talk.start()
        await talk.said("b")
        began = time.monotonic()
        await talk.cancel()
        await talk.server.wait_idle()
        # 200 ms is what is promised on an idle machine; the tests share theirs with others.
        assert talk.server.closed_at[0] - began < 10.0
        ended = (await turn)["turn"]
        assert ended["stopReason"] == "cancelled"
        assert [item["text"] for item in await talk.items("message")] == ["a b"]


@KINDS
async def test_calls_one_after_the_other_share_connections(kind: Kind, tmp_path: Path) -> None:
    async with talking_with(kind, tmp_path, cache=False) as talk:
        for number in range(5):
            await talk.turn(f"Question {number}")
        assert len(talk.server.calls) == 5
        # A second one is there because the provider is asked about its models during the first turn.
        assert talk.server.connections <= 2


async def test_reasoning_of_a_compatible_server_is_an_item_of_its_own(tmp_path: Path) -> None:
    async with talking_with("openai", tmp_path, Reply(text="42.", reasoning="Let me count.")) as talk:
        await talk.turn()
        assert [item["text"] for item in await talk.items("reasoning")] == ["Let me count."]
        assert [item["text"] for item in await talk.items("message")] == ["42."]


async def test_a_model_of_ollama_that_can_think_is_let_think(tmp_path: Path) -> None:
    thoughtful = Reply(text="42.", reasoning="Let me count.")
    async with talking_with("ollama", tmp_path, thoughtful, Reply(text="Hello."), chat="test/thinker") as talk:
        talk.server.models["thinker"] = 8192
        await talk.turn()
        assert [item["text"] for item in await talk.items("reasoning")] == ["Let me count."]
        await talk.turn("Again.", model="test/scripted")
        assert [call.body.get("think") for call in talk.server.calls] == [True, None]


async def test_a_refusal_of_the_model_is_the_reason_why_the_turn_stops(tmp_path: Path) -> None:
    async with talking_with("openai", tmp_path, Reply(refusal="I will not.")) as talk:
        turn = await talk.turn()
        assert turn["stopReason"] == "refusal"


@KINDS
async def test_an_answer_that_is_cut_at_its_length_says_so(kind: Kind, tmp_path: Path) -> None:
    async with talking_with(kind, tmp_path, Reply(text="Half a", finish="length")) as talk:
        assert (await talk.turn())["stopReason"] == "maxTokens"
