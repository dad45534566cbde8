"""How turns end before their time: cancelled in every phase, failed, overdue, or left behind by a daemon that stops."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from ckit_daemon.services.assistant.records import AssistantMessage
from ckit_daemon.storage.sessions import SqliteSessionStore
from tests.rpc.test_repository_methods import a_file
from tests.rpc.test_turn_methods import RETITLE, calls
from tests.support.client import TIMEOUT_SECONDS, RpcError
from tests.support.daemon import daemon
from tests.support.model_server import Reply
from tests.support.talk import ASK, CALL, Talk, client_tool, talking

if TYPE_CHECKING:
    from pathlib import Path

    from ckit_daemon.services.assistant.records import Item
    from tests.support.client import Json

pytestmark = pytest.mark.asyncio

NO_RETRY: Json = {"models": {"maxRetries": 0}}
AT_ONCE_SECONDS = 10.0
"""Fifty times what it takes on an idle machine, and less than the model would go on."""


async def never(params: Json) -> Json:
    await asyncio.Event().wait()
    return {}


async def twice(happened: asyncio.Semaphore) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        await happened.acquire()
        await happened.acquire()


def ended_whole(talk: Talk, items: list[Json]) -> None:
    """Nothing is left in progress, and the client was told the end of all that it was told the beginning of."""
    assert all(item["status"] != "inProgress" for item in items)
    begun = [event["item"]["id"] for event in talk.events if event["type"] == "itemStarted"]
    ended = [event["item"]["id"] for event in talk.events if event["type"] == "itemCompleted"]
    assert sorted(begun) == sorted(ended) == sorted(item["id"] for item in items)
    assert talk.events[-1]["type"] == "turnCompleted"


async def test_a_turn_cancelled_before_the_first_token_lets_go_of_the_provider(tmp_path: Path) -> None:
    async with talking(tmp_path, Reply(text="Never.", first_delay=60)) as talk:
        running = talk.start()
        await talk.server.until(lambda: talk.server.open_streams == 1)
        begun = time.monotonic()
        turn = await talk.cancel()
        await talk.server.wait_idle()
        assert time.monotonic() - begun < AT_ONCE_SECONDS
        assert turn["stopReason"] == "cancelled"
        assert (await running)["turn"] == turn
        items = await talk.items()
        assert [item["kind"] for item in items] == ["userMessage"]
        ended_whole(talk, items)


async def test_a_turn_cancelled_while_it_streams_keeps_what_was_said(tmp_path: Path) -> None:
    async with talking(tmp_path, Reply(text="One two three four.", stall_after=2)) as talk:
        running = talk.start()
        await talk.said("two")
        begun = time.monotonic()
        turn = await talk.cancel(turnId=talk.events[0]["turnId"])
        await talk.server.wait_idle()
        assert time.monotonic() - begun < AT_ONCE_SECONDS
        assert (await running)["turn"] == turn
        [message] = await talk.items("message")
        assert (message["text"], message["status"]) == ("One two", "cancelled")
        assert message["usage"] == turn["usage"]
        assert turn["usage"]["estimated"]
        assert turn["usage"]["outputTokens"] > 0
        ended_whole(talk, await talk.items())
        # It can be named again after its end, and the session goes on with what it was.
        assert await talk.cancel(turnId=turn["id"]) == turn
        assert (await talk.turn("Go on."))["stopReason"] == "endTurn"
        assert [(m["role"], m["content"]) for m in talk.heard()][1:] == [
            ("user", "Go."), ("assistant", "One two"), ("user", "Go on."),
        ]  # fmt: skip


async def test_a_turn_cancelled_while_its_answer_is_first_stored_leaves_nothing_in_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storing, go = asyncio.Event(), asyncio.Event()
    put_item = SqliteSessionStore.put_item

    async def put_slowly(store: SqliteSessionStore, session_id: str, item: Item) -> Item:
        if isinstance(item, AssistantMessage) and not storing.is_set():
            storing.set()
            await go.wait()
        return await put_item(store, session_id, item)

    monkeypatch.setattr(SqliteSessionStore, "put_item", put_slowly)
    async with talking(tmp_path, Reply(text="One two.", stall_after=1)) as talk:
        running = talk.start()
        await storing.wait()
        cancelling = talk.client.start("ckit/turn/cancel", {"sessionId": talk.session})
        # What is asked later is answered, so that the cancellation has been heard.
        await talk.client.request("ckit/capabilities")
        go.set()
        turn = (await cancelling)["turn"]
        assert turn["stopReason"] == "cancelled"
        assert (await running)["turn"] == turn
        [message] = await talk.items("message")
        assert message["status"] == "cancelled"
        ended_whole(talk, await talk.items())


async def test_a_request_that_is_cancelled_ends_its_turn_whole(tmp_path: Path) -> None:
    async with talking(tmp_path, Reply(text="One two three.", stall_after=1)) as talk:
        params = {"sessionId": talk.session, "text": "Count."}
        running = talk.client.start("ckit/turn/start", params, request_id="mine")
        await talk.said("One")
        talk.client.notify("$/cancelRequest", {"id": "mine"})
        with pytest.raises(RpcError) as caught:
            await running
        assert caught.value.code == "cancelled"
        event = await talk.until(lambda event: event["type"] == "turnCompleted")
        assert event["turn"]["stopReason"] == "cancelled"
        await talk.server.wait_idle()
        assert (await talk.items("message"))[0]["text"] == "One"
        ended_whole(talk, await talk.items())


async def test_a_turn_cancelled_in_a_tool_withdraws_the_tool(tmp_path: Path) -> None:
    asked = calls(("weather", {"town": "Bern"}), ("weather", {"town": "Bonn"}))
    session = {"tools": [client_tool()]}
    async with talking(tmp_path, asked, answers=[CALL], session=session) as talk:
        arrived, withdrawn = asyncio.Semaphore(0), asyncio.Semaphore(0)

        async def weather(params: Json) -> Json:
            arrived.release()
            try:
                return await never(params)
            except asyncio.CancelledError:
                withdrawn.release()
                raise

        talk.client.answer(CALL, weather)
        running = talk.start()
        await twice(arrived)
        turn = await talk.cancel()
        assert (await running)["turn"] == turn
        found = await talk.items("toolCall")
        assert [(call["status"], call["result"]) for call in found] == [("cancelled", "cancelled")] * 2
        ended_whole(talk, await talk.items())
        await twice(withdrawn)
        # Providers want a result for each call, also for these.
        await talk.turn("Next.")
        assert [message["role"] for message in talk.heard()][-3:] == ["tool", "tool", "user"]


async def test_a_turn_cancelled_in_an_approval_changes_nothing_and_withdraws_the_question(tmp_path: Path) -> None:
    async with talking(tmp_path, calls(("entity_edit", RETITLE)), answers=[ASK]) as talk:
        before = a_file(talk.root, "T-001").read_bytes()
        talk.client.answer(ASK, never)
        running = talk.start()
        item = await talk.began("approval")
        turn = await talk.cancel()
        assert turn["stopReason"] == "cancelled"
        await running
        assert a_file(talk.root, "T-001").read_bytes() == before
        ended_whole(talk, await talk.items())
        assert (await talk.items("approval"))[0]["state"] == "cancelled"
        assert "had a result" in (await talk.items("toolCall"))[0]["text"]
        approvals = await talk.client.request("ckit/approval/list", {"state": None})
        assert [(each["id"], each["state"]) for each in approvals["approvals"]] == [(item["approvalId"], "cancelled")]


async def test_to_cancel_what_does_not_run_is_told_apart(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        for params, code in [({}, "conflict"), ({"turnId": "nothing"}, "not_found")]:
            with pytest.raises(RpcError) as caught:
                await talk.cancel(**params)
            assert caught.value.code == code


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(status=401), "provider_error"),
        (Reply(status=500), "provider_unavailable"),
        (Reply(status=429, headers={"retry-after": "7"}), "rate_limited"),
        (Reply(text="One two three.", break_after=1), "provider_unavailable"),
    ],
)
async def test_R06_what_goes_wrong_at_the_provider_is_told_by_the_turn(tmp_path: Path, reply: Reply, code: str) -> None:
    async with talking(tmp_path, reply, config=NO_RETRY) as talk:
        turn = await talk.turn()
        assert turn["stopReason"] == "error"
        assert turn["failure"]["code"] == code
        items = await talk.items()
        assert [item["failure"] for item in items if item["kind"] == "error"] == [turn["failure"]]
        ended_whole(talk, items)
        said = [item for item in items if item["kind"] == "message"]
        assert [(item["text"], item["status"]) for item in said] == ([("One", "failed")] if reply.break_after else [])
        assert [item["usage"] for item in said] == ([turn["usage"]] if reply.break_after else [])


async def test_R11_a_turn_has_a_deadline_of_its_own(tmp_path: Path) -> None:
    config = {"assistant": {"turnTimeoutSeconds": 0.5}}
    async with talking(tmp_path, Reply(text="One two.", stall_after=1), config=config) as talk:
        running = talk.start()
        event = await talk.until(lambda event: event["type"] == "turnCompleted")
        assert event["turn"]["stopReason"] == "error"
        assert event["turn"]["failure"]["code"] == "deadline_exceeded"
        assert "assistant.turnTimeoutSeconds" in event["turn"]["failure"]["message"]
        assert (await running)["turn"] == event["turn"]
        await talk.server.wait_idle()
        ended_whole(talk, await talk.items())


async def test_a_daemon_that_is_told_to_stop_writes_its_turns_to_their_end(tmp_path: Path) -> None:
    async with talking(tmp_path, Reply(text="One two.", stall_after=1)) as talk:
        running: asyncio.Task[Any] = talk.start()
        await talk.said("One")
    with pytest.raises(RpcError) as caught:
        await running
    assert caught.value.code == "cancelled"
    environment = {"CKIT_PATHS_STATE_DIR": str(tmp_path / "state")}
    async with daemon(environment=environment) as client:
        stored = await client.request("ckit/session/get", {"id": talk.session})
        assert stored["turns"][0]["stopReason"] == "cancelled"
        assert [(item["kind"], item.get("text")) for item in stored["items"]][:2] == [
            ("userMessage", "Go."), ("message", "One"),
        ]  # fmt: skip
