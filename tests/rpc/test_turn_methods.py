"""Turns through the wire: what is streamed, stored, attached, said meanwhile and remembered."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from ckit_daemon.services.assistant import stream
from ckit_daemon.storage.sessions import SqliteSessionStore
from tests.support.client import RpcError
from tests.support.model_server import Reply, ToolCallReply
from tests.support.talk import CALL, client_tool, talking

if TYPE_CHECKING:
    from pathlib import Path

    from ckit_daemon.services.assistant.records import Turn
    from tests.support.client import Json

pytestmark = pytest.mark.asyncio

KEY = "sk-proj-abcdEFGH1234567890"
RETITLE: Json = {"action": "update", "id": "T-001", "changes": [{"path": ["title"], "value": "Anew"}]}


def calls(*asked: tuple[str, Json], text: str = "", **more: Any) -> Reply:
    return Reply(text=text, tool_calls=[ToolCallReply(name, arguments) for name, arguments in asked], **more)


async def test_R31_a_turn_streams_its_items_in_order_and_the_completed_ones_count(tmp_path: Path) -> None:
    asked = calls(("entity_details", {"id": "FEAT-001"}), text="Let me see.", reasoning="It names a feature.")
    async with talking(tmp_path, asked, Reply(text="It is about borrowing.")) as talk:
        turn = await talk.turn("What is FEAT-001?")
        assert turn["status"] == "completed"
        assert turn["stopReason"] == "endTurn"
        assert turn["model"] == "test/scripted"
        assert turn["usage"]["inputTokens"] == 22
        events = talk.events
        assert events[0]["type"] == "turnStarted"
        assert events[-1] | {"turn": turn} == events[-1]
        assert [e["item"]["kind"] for e in events if e["type"] == "itemStarted"] == [
            "userMessage", "reasoning", "message", "toolCall", "message", "usage",
        ]  # fmt: skip
        numbers = [event["seq"] for event in events]
        assert numbers == sorted(numbers)
        assert numbers[0] > 0
        final = {event["item"]["id"]: event["item"] for event in events if event["type"] == "itemCompleted"}
        assert [*final.values()] == await talk.items()
        for identifier, item in final.items():
            deltas = [e for e in events if e["type"] == "itemDelta" and e["itemId"] == identifier]
            if deltas:
                assert "".join(delta["text"] for delta in deltas) == item["text"]
                assert [delta["offset"] for delta in deltas] == [
                    sum(len(earlier["text"]) for earlier in deltas[:at]) for at in range(len(deltas))
                ]
        assert len([event for event in events if event["type"] == "itemDelta"]) >= 3 + 4
        session = (await talk.stored())["session"]
        assert session["lastSeq"] == numbers[-1]
        assert session["usage"] == turn["usage"]
        assert session["title"] == "What is FEAT-001?"
        assert "runningTurn" not in session


async def test_R03_the_model_s_tools_really_run_and_it_reads_what_they_found(tmp_path: Path) -> None:
    asked = calls(("entity_details", {"id": "FEAT-001"}))
    async with talking(tmp_path, asked, Reply(text="Done.")) as talk:
        await talk.turn()
        [call] = await talk.items("toolCall")
        assert call["name"] == "entity.details"
        assert call["arguments"] == {"id": "FEAT-001"}
        assert (call["class"], call["result"], call["status"]) == ("read", "ok", "completed")
        assert call["output"]["id"] == "FEAT-001"
        message = (await talk.items("message"))[0]
        assert call["messageId"] == message["id"]
        assert message["text"] == ""
        system, user, assistant, tool = talk.heard()
        assert (system["role"], user["role"], assistant["role"], tool["role"]) == (
            "system",
            "user",
            "assistant",
            "tool",
        )
        assert tool["content"] == call["text"]
        assert "<data-" in tool["content"]
        assert tool["tool_call_id"] == assistant["tool_calls"][0]["id"] == call["id"]
        offered = [each["function"]["name"] for each in talk.server.calls[0].body["tools"]]
        assert {"entity_details", "pipeline_validate", "context_search"} <= set(offered)
        assert "example" in system["content"]
        # The next turn tells the model the same again.
        await talk.turn("And now?")
        assert talk.heard()[:4] == [system, user, {**assistant, "content": assistant.get("content")}, tool]


async def test_R04_what_was_announced_is_on_disk_already(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Where the disk is slow, what has been said would be saved once more meanwhile.
    monkeypatch.setattr(stream, "SAVE_SECONDS", 3600)
    async with talking(tmp_path, Reply(text="One two three.", stall_after=1)) as talk:
        running = talk.start("Count.")
        await talk.said("One")
        stored = await talk.stored()
        assert [item["kind"] for item in stored["items"]] == ["userMessage", "message"]
        assert stored["items"][0]["text"] == "Count."
        assert stored["items"][1]["status"] == "inProgress"
        assert stored["session"]["runningTurn"] == stored["turns"][0]["id"]
        assert stored["session"]["lastSeq"] == talk.events[-1]["seq"]
        talk.server.release()
        assert (await running)["turn"]["stopReason"] == "endTurn"


async def test_a_refusal_is_named_as_such(tmp_path: Path) -> None:
    async with talking(tmp_path, Reply(text="No.", finish="content_filter")) as talk:
        assert (await talk.turn())["stopReason"] == "refusal"


async def test_what_is_said_meanwhile_is_read_before_the_model_is_asked_next(tmp_path: Path) -> None:
    called, go_on = asyncio.Event(), asyncio.Event()

    async def weather(params: Json) -> Json:
        called.set()
        await go_on.wait()
        return {"text": "Rain."}

    asked = calls(("weather", {"town": "Bern"}))
    session = {"tools": [client_tool()]}
    async with talking(tmp_path, asked, Reply(text="Wet."), answers=[CALL], session=session) as talk:
        talk.client.answer(CALL, weather)
        running = talk.start("How is it?")
        await called.wait()
        item = await talk.steer("In one word.")
        assert item["steering"] is True
        go_on.set()
        assert (await running)["turn"]["stopReason"] == "endTurn"
        assert [(m["role"], m.get("content")) for m in talk.heard()][-1] == ("user", "In one word.")
        assert len(talk.server.calls) == 2
        assert item in await talk.items()
        # Later turns put the tool's result where providers want it: right behind the call.
        await talk.turn("Next.")
        roles = [message["role"] for message in talk.heard()]
        assert roles == ["system", "user", "assistant", "tool", "user", "assistant", "user"]


async def test_what_is_said_during_the_last_answer_gets_one_more_answer(tmp_path: Path) -> None:
    async with talking(tmp_path, Reply(text="First words.", stall_after=1), Reply(text="Second.")) as talk:
        running = talk.start("Go.")
        await talk.said("First")
        await talk.steer("Shorter.")
        talk.server.release()
        assert (await running)["turn"]["stopReason"] == "endTurn"
        assert [item["text"] for item in await talk.items("message")] == ["First words.", "Second."]
        assert [(m["role"], m["content"]) for m in talk.heard()][1:] == [
            ("user", "Go."), ("assistant", "First words."), ("user", "Shorter."),
        ]  # fmt: skip
        with pytest.raises(RpcError, match="No turn") as caught:
            await talk.steer("Too late.")
        assert caught.value.code == "conflict"


async def test_nothing_is_said_in_a_turn_before_it_has_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    begin_turn = SqliteSessionStore.begin_turn

    async def slow(store: SqliteSessionStore, turn: Turn) -> Turn:
        stored = await begin_turn(store, turn)
        begun.set()
        await go_on.wait()
        return stored

    monkeypatch.setattr(SqliteSessionStore, "begin_turn", slow)
    async with talking(tmp_path, Reply(text="First.")) as talk:
        running = talk.start("Go.")
        await begun.wait()
        # It is on disk, but nobody was told of it.
        with pytest.raises(RpcError) as caught:
            await talk.steer("Faster.")
        assert caught.value.code == "conflict"
        go_on.set()
        assert (await running)["turn"]["stopReason"] == "endTurn"
        assert [item.get("text") for item in await talk.items()][:2] == ["Go.", "First."]
        assert talk.events[0]["type"] == "turnStarted"
        assert [event["seq"] for event in talk.events[:2]] == [1, 2]


async def test_attachments_reach_the_model_as_data_and_are_bounded(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        (talk.root / "long.md").write_text("word " * 20_000, "utf-8")
        attachments = [
            {"kind": "entity", "id": "FEAT-001"},
            {"kind": "selection", "path": "a.py", "startLine": 3, "endLine": 4, "text": f"token = '{KEY}'"},
            {"kind": "file", "path": "long.md"},
        ]
        await talk.turn("Read these.", attachments=attachments)
        content = talk.heard()[-1]["content"]
        assert content.startswith("Read these.")
        assert 'source="entity FEAT-001"' in content
        assert "id: FEAT-001" in content
        assert 'source="selection in a.py, lines 4 to 5"' in content
        assert "Cut after" in content
        assert len(content) < 20_000
        assert KEY not in json.dumps([call.body for call in talk.server.calls])
        assert KEY not in json.dumps(await talk.stored())
        (talk.root / "long.md").unlink()
        await talk.turn("And then?")
        assert "file long.md, which is no longer there" in json.dumps(talk.heard())


async def test_a_copy_goes_its_own_way_from_the_turn_where_it_branched_off(tmp_path: Path) -> None:
    replies = [Reply(text="First."), Reply(text="Second."), Reply(text="In the copy."), Reply(text="Third.")]
    async with talking(tmp_path, *replies) as talk:
        first = await talk.turn("One.")
        await talk.turn("Two.")
        fork = {"id": talk.session, "upToTurn": first["id"]}
        copy = (await talk.client.request("ckit/session/fork", fork))["session"]["id"]
        await talk.client.request("ckit/turn/start", {"sessionId": copy, "text": "Other."})
        assert [m["content"] for m in talk.heard()][1:] == ["One.", "First.", "Other."]
        await talk.turn("Three.")
        assert [m["content"] for m in talk.heard()][1:] == ["One.", "First.", "Two.", "Second.", "Three."]
        for session in (talk.session, copy):
            stored = await talk.client.request("ckit/session/get", {"id": session})
            export = await talk.client.request("ckit/session/export", {"id": session, "format": "json"})
            assert json.loads(export["content"]) == stored


async def test_who_comes_back_in_the_middle_of_a_turn_misses_nothing(tmp_path: Path) -> None:
    look = calls(("entity_details", {"id": "FEAT-001"}), text="I look.")
    async with talking(tmp_path, look, Reply(text="One two three.", stall_after=2)) as talk:
        running = talk.start()
        await talk.said("two")
        seen = await talk.stored()
        assert seen["session"]["runningTurn"] == seen["turns"][0]["id"]
        talk.server.release()
        await running
        new = await talk.stored(replayFrom=seen["session"]["lastSeq"])
        kept = {item["id"]: item for item in seen["items"]} | {item["id"]: item for item in new["items"]}
        assert list(kept.values()) == await talk.items()
        assert [(turn["status"], turn["stopReason"]) for turn in new["turns"]] == [("completed", "endTurn")]
        assert (await talk.stored(replayFrom=new["session"]["lastSeq"]))["items"] == []


async def test_R07_a_key_in_an_answer_a_call_or_a_message_is_masked_everywhere(tmp_path: Path) -> None:
    pieces = ["The key is ", "sk-pr", "oj-abcdE", "FGH123", "4567890", ", keep it."]
    asked = calls(("context_search", {"query": KEY}))
    async with talking(tmp_path, Reply(chunks=pieces), asked, Reply(text="Well.")) as talk:
        await talk.turn(f"Mine is {KEY}.")
        await talk.turn("Search for it.")
        seen = json.dumps([talk.events, await talk.stored()])
        assert KEY not in seen
        assert "4567890" not in seen
        message = (await talk.items("message"))[0]
        assert message["text"] == "The key is [redacted], keep it."
        assert (await talk.items("userMessage"))[0]["text"] == "Mine is [redacted]."
        assert KEY not in json.dumps(talk.server.calls[0].body)


async def test_progress_says_what_a_turn_does(tmp_path: Path) -> None:
    asked = calls(("entity_details", {"id": "FEAT-001"}), text="Wait.")
    async with talking(tmp_path, asked, Reply(text="Done.")) as talk:
        await talk.turn(workDoneToken="t")
        reports = [n["params"]["value"] for n in talk.client.notifications if n["method"] == "$/progress"]
        assert reports[0]["kind"] == "begin"
        assert reports[-1]["kind"] == "end"
