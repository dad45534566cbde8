"""Turns of daemons that die: what was said is there, and the turn goes on where it was. And of two daemons at once."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from ckit_daemon.services.assistant import stream
from ckit_daemon.services.assistant.records import ApprovalItem
from tests.rpc.test_repository_methods import a_file
from tests.rpc.test_turn_methods import RETITLE, calls
from tests.support.client import RpcError
from tests.support.conversations import a_store
from tests.support.daemon import daemon, spawned
from tests.support.model_server import Reply, model_server
from tests.support.repositories import copy_example
from tests.support.talk import ASK, CALL, Talk, client_tool, options_for

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.support.client import Json
    from tests.support.model_server import ModelServer

pytestmark = pytest.mark.asyncio

SESSION: Json = {"tools": [client_tool(), client_tool("send", "exec")]}
ALLOW_SEND: Json = {"assistant": {"policies": [{"action": "allow", "tool": "send"}]}}


async def never(params: Json) -> Json:
    await asyncio.Event().wait()
    return {}


@contextlib.asynccontextmanager
async def that_dies(tmp_path: Path, server: ModelServer, config: Json | None = None) -> AsyncGenerator[Talk]:
    """A conversation with a process that is killed at its end."""
    root = copy_example(tmp_path / "example")
    state = tmp_path / "state"
    state.mkdir()
    async with spawned(state, options_for(server, config, answers=[ASK, CALL])) as process:
        await process.client.request("ckit/repo/open", {"path": str(root)})
        created = await process.client.request("ckit/session/create", SESSION)
        yield Talk(process.client, server, root, created["session"]["id"])
        process.process.kill()
        await process.exit_code()


async def died_asking(tmp_path: Path, server: ModelServer) -> tuple[Talk, Json]:
    """A conversation whose process was killed while it asked for an approval, and the item of that."""
    async with that_dies(tmp_path, server) as talk:
        talk.client.answer(ASK, never)
        running = talk.start()
        item = await talk.began("approval")
    await asyncio.wait([running])
    assert running.exception() is not None
    return talk, item


@contextlib.asynccontextmanager
async def again(talk: Talk, tmp_path: Path, config: Json | None = None) -> AsyncGenerator[Talk]:
    """The same conversation with another daemon on the same database."""
    environment = {"CKIT_PATHS_CACHE_DIR": str(tmp_path / "cache"), "CKIT_PATHS_STATE_DIR": str(tmp_path / "state")}
    options = options_for(talk.server, config, answers=[ASK, CALL])
    async with daemon(options, environment=environment) as client:
        await client.request("ckit/repo/open", {"path": str(talk.root)})
        yield replace(talk, client=client)


async def resumed(talk: Talk) -> Json:
    """Go on with the last turn and return it."""
    last = (await talk.stored())["turns"][-1]
    assert last["status"] == "interrupted"
    return (await talk.client.request("ckit/turn/start", {"sessionId": talk.session, "resume": last["id"]}))["turn"]


def integrity(tmp_path: Path) -> str:
    with contextlib.closing(sqlite3.connect(tmp_path / "state" / "ckit.db")) as connection:
        return connection.execute("PRAGMA integrity_check").fetchone()[0]


async def test_R04_a_turn_killed_while_it_streams_is_marked_and_goes_on(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(calls(("entity_details", {"id": "FEAT-001"})), Reply(text="It is about", stall_after=2))
        async with that_dies(tmp_path, server) as talk:
            running = talk.start("What is FEAT-001?")
            await talk.said("is")
            told = {e["item"]["id"]: e["item"] for e in talk.events if e["type"] == "itemCompleted"}
        with pytest.raises(ConnectionError):
            await running
        assert integrity(tmp_path) == "ok"
        async with again(talk, tmp_path) as talk:
            stored = await talk.stored()
            assert [item for item in stored["items"] if item["id"] in told] == [*told.values()]
            assert (stored["items"][-1]["kind"], stored["items"][-1]["status"]) == ("message", "interrupted")
            server.enqueue(Reply(text="It is about borrowing."))
            turn = await resumed(talk)
            assert (turn["stopReason"], turn["number"], turn["id"]) == ("endTurn", 1, stored["turns"][0]["id"])
            assert [message["role"] for message in talk.heard()] == ["system", "user", "assistant", "tool"]
            assert [item["status"] for item in await talk.items("message")] == ["completed", "interrupted", "completed"]
            assert turn["usage"]["inputTokens"] == 22
            assert (await talk.stored())["session"]["usage"] == turn["usage"]
            error = await talk.refused(None, resume=turn["id"])
            assert error.code == "conflict"


async def test_R04_a_reading_tool_that_was_killed_runs_again(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(calls(("weather", {"town": "Bern"}), ("entity_details", {"id": "FEAT-001"})))
        async with that_dies(tmp_path, server) as talk:
            talk.client.answer(CALL, never)
            running = talk.start()
            await talk.until(lambda e: e["type"] == "itemCompleted" and e["item"].get("name") == "entity.details")
        await asyncio.wait([running])
        assert running.exception() is not None
        async with again(talk, tmp_path) as talk:
            talk.client.answer(CALL, lambda params: {"text": f"Rain in {params['arguments']['town']}."})
            assert (await resumed(talk))["stopReason"] == "endTurn"
            weather, details = await talk.items("toolCall")
            assert (weather["result"], details["result"]) == ("ok", "ok")
            assert "Rain in Bern." in weather["text"]
            assert [message["role"] for message in talk.heard()][-3:] == ["assistant", "tool", "tool"]


async def test_R04_nobody_knows_whether_a_killed_command_took_effect_and_the_model_is_told(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(calls(("send", {"town": "Bern"})))
        async with that_dies(tmp_path, server, ALLOW_SEND) as talk:
            called = asyncio.Event()

            async def send(params: Json) -> Json:
                called.set()
                return await never(params)

            talk.client.answer(CALL, send)
            running = talk.start()
            await called.wait()
        await asyncio.wait([running])
        assert running.exception() is not None
        async with again(talk, tmp_path, ALLOW_SEND) as talk:
            assert (await resumed(talk))["stopReason"] == "endTurn"
            [sent] = await talk.items("toolCall")
            assert (sent["status"], sent["result"]) == ("interrupted", "error")
            assert "not known" in talk.heard()[-1]["content"]


@pytest.mark.parametrize("first", ["asked again", "answered before"])
async def test_R04_an_approval_survives_and_counts_whenever_it_is_given(tmp_path: Path, first: str) -> None:
    with model_server() as server:
        server.enqueue(calls(("entity_edit", RETITLE)))
        talk, item = await died_asking(tmp_path, server)
        async with again(talk, tmp_path) as talk:
            [approval] = (await talk.client.request("ckit/approval/list", {"sessionId": talk.session}))["approvals"]
            assert (approval["id"], approval["state"]) == (item["approvalId"], "pending")
            asked: list[Json] = []

            def decide(params: Json) -> Json:
                asked.append(params["approval"])
                return {"decision": "allowOnce"}

            talk.client.answer(ASK, decide)
            if first == "answered before":
                answer = {"id": approval["id"], "decision": "allowOnce"}
                await talk.client.request("ckit/approval/resolve", answer)
            assert (await resumed(talk))["stopReason"] == "endTurn"
            assert [each["id"] for each in asked] == ([approval["id"]] if first == "asked again" else [])
            assert "Anew" in a_file(talk.root, "T-001").read_text("utf-8")
            assert [(each["id"], each["state"]) for each in await talk.items("approval")] == [(item["id"], "allowed")]
            assert [call["result"] for call in await talk.items("toolCall")] == ["ok"]


async def test_R07_a_call_whose_arguments_were_masked_is_not_run_with_the_mask_after_a_restart(tmp_path: Path) -> None:
    changes = [{"path": ["summary"], "value": "The password: twelve characters or more."}]
    with model_server() as server:
        server.enqueue(calls(("entity_edit", {**RETITLE, "changes": changes})))
        talk, item = await died_asking(tmp_path, server)
        async with again(talk, tmp_path) as talk:
            before = a_file(talk.root, "T-001").read_text("utf-8")
            talk.client.answer(ASK, lambda _: {"decision": "allowOnce"})
            assert (await resumed(talk))["stopReason"] == "endTurn"
            assert a_file(talk.root, "T-001").read_text("utf-8") == before
            [call] = await talk.items("toolCall")
            assert call["result"] == "error"
            assert "Call it again" in call["text"]
            assert [(each["id"], each["state"]) for each in await talk.items("approval")] == [(item["id"], "cancelled")]
            assert (await talk.client.request("ckit/approval/list", {}))["approvals"] == []


async def test_R04_a_refusal_that_was_told_before_the_death_is_told_no_second_time(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(calls(("entity_edit", RETITLE)))
        talk, _ = await died_asking(tmp_path, server)
        # As if it had died a moment later, when the refusal was on disk and the end of the call was not.
        async with a_store(tmp_path / "state") as store:
            found = await store.transcript(talk.session)
            [asked] = [item for item in found.items if isinstance(item, ApprovalItem)]
            [approval] = await store.approvals(session_id=talk.session)
            await store.update_pending_approval(structs.replace(approval, state="denied", decision="deny"))
            await store.begin_turn(structs.replace(found.turns[0], status="running"))
            told = structs.replace(asked, status="completed", state="denied", decision="deny")
            told = await store.put_item(talk.session, told)
        async with again(talk, tmp_path) as talk:
            assert (await resumed(talk))["stopReason"] == "endTurn"
            assert [item["seq"] for item in await talk.items("approval")] == [told.seq]
            assert [call["result"] for call in await talk.items("toolCall")] == ["denied"]
            assert "approval" not in {event["item"]["kind"] for event in talk.events if "item" in event}


@pytest.mark.parametrize("then", ["another turn", "the same turn"])
async def test_a_question_is_withdrawn_when_nothing_waits_for_its_answer_any_more(tmp_path: Path, then: str) -> None:
    with model_server() as server:
        server.enqueue(calls(("entity_edit", RETITLE)))
        talk, item = await died_asking(tmp_path, server)
        if then == "the same turn":
            # It can't be changed any more, so that nobody is asked again.
            a_file(talk.root, "T-001").unlink()
        async with again(talk, tmp_path) as talk:
            ended = await resumed(talk) if then == "the same turn" else await talk.turn("Let it be.")
            assert ended["stopReason"] == "endTurn"
            listed = await talk.client.request("ckit/approval/list", {"sessionId": talk.session, "state": None})
            assert [(each["id"], each["state"]) for each in listed["approvals"]] == [(item["approvalId"], "cancelled")]
            with pytest.raises(RpcError) as caught:
                await talk.client.request("ckit/approval/resolve", {"id": item["approvalId"], "decision": "allowOnce"})
            assert caught.value.code == "conflict"
            if then == "the same turn":
                [asked] = await talk.items("approval")
                assert (asked["id"], asked["status"], asked["state"]) == (item["id"], "cancelled", "cancelled")
                assert [call["result"] for call in await talk.items("toolCall")] == ["error"]


async def test_two_daemons_on_one_database_see_one_another_and_take_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where the disk is slow, what has been said would be saved once more between two looks.
    monkeypatch.setattr(stream, "SAVE_SECONDS", 3600)
    with model_server() as server:
        server.enqueue(Reply(text="One two three.", stall_after=1))
        root = copy_example(tmp_path / "example")
        environment = {"CKIT_PATHS_CACHE_DIR": str(tmp_path / "cache"), "CKIT_PATHS_STATE_DIR": str(tmp_path / "state")}
        async with daemon(options_for(server), environment=environment) as client:
            await client.request("ckit/repo/open", {"path": str(root)})
            session = (await client.request("ckit/session/create", {}))["session"]["id"]
            talk = Talk(client, server, root, session)
            async with again(talk, tmp_path) as other:
                running = talk.start("Count.")
                await talk.said("One")
                stored = await other.stored(replayFrom=0)
                assert [item["kind"] for item in stored["items"]] == ["userMessage", "message"]
                seen = stored["session"]["lastSeq"]
                turn = stored["session"]["runningTurn"]
                for attempt in (
                    other.turn("Me, too.", mode="improvement"),
                    other.steer("Faster."),
                    other.cancel(),
                    other.cancel(turnId=turn),
                ):
                    with pytest.raises(RpcError) as caught:
                        await attempt
                    assert caught.value.code == "conflict"
                    assert caught.value.data["details"]["turnId"] == turn
                assert (await other.stored())["session"] == stored["session"]
                server.release()
                ended = (await running)["turn"]
                news = await other.stored(replayFrom=seen)
                assert news["turns"] == [ended]
                assert [item["kind"] for item in news["items"]] == ["message", "usage"]
                assert news["items"][0]["text"] == "One two three."
                assert (await other.turn("Now I."))["number"] == 2
                assert len((await talk.stored())["turns"]) == 2
