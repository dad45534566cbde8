"""Turns and the models that answer them: which one, what it is told, and what fits into its context."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.rpc.test_turn_methods import RETITLE, calls
from tests.support.client import RpcError
from tests.support.model_server import Reply, model_server, provider_options
from tests.support.talk import CALL, client_tool, talking

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.asyncio


async def test_a_model_is_told_that_it_has_made_a_call_before_with_the_same_result(tmp_path: Path) -> None:
    look = ("entity_details", {"id": "T-001"})
    rename = ("entity_edit", {**RETITLE, "changes": [{"path": ["title"], "value": "Anew"}]})
    config = {"assistant": {"policies": [{"action": "allow", "tool": "entity.edit"}]}}
    replies = [calls(look), calls(look), calls(rename), calls(look), Reply(text="Well.")]
    async with talking(tmp_path, *replies, config=config) as talk:
        assert (await talk.turn())["stopReason"] == "endTurn"
        texts = [item["text"] for item in await talk.items("toolCall") if item["name"] == "entity.details"]
        assert ["You have made this very call before" in text for text in texts] == [False, True, False]
        assert "Anew" in texts[2]


async def test_old_results_give_way_where_the_context_is_small_and_each_one_is_bounded_by_it(tmp_path: Path) -> None:
    provider = {"models": {"scripted": {"contextTokens": 10_000, "maxOutputTokens": 1000}}}
    replies = [calls(("context_read", {"path": f"docs/long-{number}.md"})) for number in range(6)]
    async with talking(tmp_path, *replies, Reply(text="Read."), provider=provider) as talk:
        for number in range(6):
            said = f"Part {number} is said here.\n" * 1000
            (talk.root / "docs" / f"long-{number}.md").write_text(said, encoding="utf-8")
        turn = await talk.turn("Read all of them.")
        assert turn["stopReason"] == "endTurn"
        results = [message["content"] for message in talk.heard() if message["role"] == "tool"]
        assert len(results) == 6
        assert "was left out to make room" in results[0]
        assert "Part 5 is said here." in results[-1]
        assert "Cut after 4000 of " in results[-1]
        stored = [item["text"] for item in await talk.items("toolCall")]
        assert all(f"Part {number} is said here." in text for number, text in enumerate(stored))


async def test_model_and_mode_of_a_turn_stay_for_those_after_it(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await talk.turn(model="test/scripted-b", mode="clarification", temperature=0.5, maxOutputTokens=77)
        body = talk.server.calls[0].body
        assert (body["model"], body["temperature"]) == ("scripted-b", 0.5)
        assert 77 in {body.get("max_tokens"), body.get("max_completion_tokens")}
        assert "Ask" in body["messages"][0]["content"] or "ask" in body["messages"][0]["content"]
        turn = await talk.turn("Next.")
        assert (turn["model"], turn["mode"]) == ("test/scripted-b", "clarification")
        session = (await talk.stored())["session"]
        assert (session["model"], session["mode"], session["title"]) == ("test/scripted-b", "clarification", "Go.")


async def test_a_session_goes_on_with_any_provider_after_tools_that_another_one_ran(tmp_path: Path) -> None:
    look = calls(("entity_details", {"id": "FEAT-001"}))
    with model_server("azure") as azure, model_server("ollama") as ollama:
        azure.enqueue(look, Reply(text="By Azure."))
        ollama.enqueue(look, Reply(text="By Ollama."))
        large = {"models": {"scripted": {"contextTokens": 100_000}}}
        providers = {"azure": provider_options(azure, **large), "ollama": provider_options(ollama, **large)}
        config = {"models": {"providers": providers}}
        replies = [look, Reply(text="By OpenAI."), Reply(text="Back.")]
        async with talking(tmp_path, *replies, config=config, provider=large) as talk:
            used = [
                (await talk.turn(text, **more))["model"]
                for text, more in (
                    ("One.", {}),
                    ("Two.", {"model": "azure/scripted"}),
                    ("Three.", {"model": "ollama/scripted"}),
                    ("What is FEAT-001?", {"model": "offline/offline"}),
                    ("Five.", {"model": "test/scripted"}),
                )
            ]
            assert used == ["test/scripted", "azure/scripted", "ollama/scripted", "offline/offline", "test/scripted"]
            said = [item["text"] for item in await talk.items("message") if item["text"]]
            assert said[:3] == ["By OpenAI.", "By Azure.", "By Ollama."]
            assert said[3].startswith("**FEAT-001** ")
            roles = [message["role"] for message in talk.heard()][1:]
            assert roles == ["user", "assistant", "tool", "assistant"] * 4 + ["user"]
            # Each call has the result that belongs to it, whoever made it.
            asked = [call["id"] for message in talk.heard() for call in message.get("tool_calls") or ()]
            assert asked == [message["tool_call_id"] for message in talk.heard() if message["role"] == "tool"]
            assert len(set(asked)) == 4


async def test_the_modes_differ_in_what_the_model_is_told_and_may_do(tmp_path: Path) -> None:
    tools = {"tools": [client_tool("runner", "exec"), client_tool("weather")]}
    async with talking(tmp_path, session=tools, answers=[CALL]) as talk:
        told: dict[str, str] = {}
        offered: dict[str, set[str]] = {}
        for mode in ("general", "improvement", "clarification"):
            await talk.turn(mode=mode)
            body = talk.server.calls[-1].body
            told[mode] = body["messages"][0]["content"]
            offered[mode] = {tool["function"]["name"] for tool in body["tools"]}
        assert len(set(told.values())) == 3
        assert offered["general"] == offered["improvement"] > offered["clarification"]
        changing = {"entity_edit", "spec_generate", "pipeline_generate", "runner"}
        assert offered["general"] - offered["clarification"] == changing
        assert "weather" in offered["clarification"]


async def test_R18_an_answer_of_another_model_than_the_chosen_one_says_so_from_its_first_word(tmp_path: Path) -> None:
    with model_server("openai") as other:
        other.enqueue(Reply(text="Here I am.", stall_after=2), Reply(text="Again."))
        providers = {"other": provider_options(other)}
        models = {"maxRetries": 0, "fallbacks": ["other/scripted-b"], "providers": providers}
        async with talking(tmp_path, Reply(status=401), Reply(status=401), config={"models": models}) as talk:
            running = talk.start()
            await talk.said("I")
            begun = await talk.began("message")
            assert (begun["provider"], begun["model"]) == ("other", "scripted-b")
            turn = await talk.cancel()
            assert (await running)["turn"] == turn
            assert turn["model"] == "other/scripted-b"
            turn = await talk.turn("Again.")
            assert turn["model"] == "other/scripted-b"
            message = (await talk.items("message"))[-1]
            assert "test/scripted could not answer; other/scripted-b did instead." in message["note"]
            assert "refused the key" in message["note"] or "HTTP 401" in message["note"]
            export = await talk.client.request("ckit/session/export", {"id": talk.session, "format": "markdown"})
            assert "### Assistant (other, scripted-b, cancelled)" in export["content"]
            assert message["note"] in export["content"]


async def test_R20_a_kept_answer_costs_nothing_and_is_marked_in_message_turn_and_export(tmp_path: Path) -> None:
    async with talking(tmp_path, Reply(text="Well.")) as talk:
        first = await talk.turn("Is it?")
        assert "cached" not in first["usage"]
        other = (await talk.client.request("ckit/session/create", {}))["session"]["id"]
        turn = (await talk.client.request("ckit/turn/start", {"sessionId": other, "text": "Is it?"}))["turn"]
        assert turn["usage"] == {"inputTokens": 0, "outputTokens": 0, "cost": 0.0, "cached": True}
        stored = await talk.client.request("ckit/session/get", {"id": other})
        [message] = [item for item in stored["items"] if item["kind"] == "message"]
        assert (message["text"], message["cached"], message["usage"]) == ("Well.", True, turn["usage"])
        assert len(talk.server.calls) == 1
        export = await talk.client.request("ckit/session/export", {"id": other, "format": "markdown"})
        assert "### Assistant (test, scripted, from the cache)" in export["content"]
        # Together with an answer that was paid for, the session is no cached one.
        await talk.client.request("ckit/turn/start", {"sessionId": other, "text": "And now?"})
        assert "cached" not in (await talk.client.request("ckit/session/get", {"id": other}))["session"]["usage"]


async def test_a_summary_takes_the_place_of_the_history(tmp_path: Path) -> None:
    replies = [Reply(text="Blue, because of the sky."), Reply(text="They chose blue."), Reply(text="Blue.")]
    async with talking(tmp_path, *replies) as talk:
        await talk.turn("Which colour? " + "Think hard. " * 50)
        params = {"id": talk.session, "instructions": "the colour"}
        result = await talk.client.request("ckit/session/compact", params)
        assert result["item"]["text"] == "They chose blue."
        assert result["afterTokens"] < result["beforeTokens"]
        assert result["session"]["turns"] == 2
        assert "the colour" in talk.heard()[-1]["content"]
        await talk.turn("Which one was it?")
        contents = [message["content"] for message in talk.heard()]
        assert "Think hard." not in json.dumps(contents)
        assert "They chose blue." in contents[1]
        assert [item["kind"] for item in await talk.items()].count("userMessage") == 2
        talk.server.enqueue(Reply(text="Again blue."))
        await talk.client.request("ckit/session/compact", {"id": talk.session})
        with pytest.raises(RpcError) as caught:
            await talk.client.request("ckit/session/compact", {"id": talk.session})
        assert caught.value.code == "invalid_argument"


async def test_a_summary_has_an_end_whatever_the_model_writes(tmp_path: Path) -> None:
    async with talking(tmp_path, Reply(text="Blue."), Reply(text="and so on " * 2000)) as talk:
        await talk.turn("Which colour?")
        result = await talk.client.request("ckit/session/compact", {"id": talk.session})
        assert result["item"]["text"] == ("and so on " * 2000)[:5000]
        body = talk.server.calls[-1].body
        assert body.get("max_tokens", body.get("max_completion_tokens")) == 1000


async def test_nothing_is_said_into_a_summary_and_the_person_is_told_why(tmp_path: Path) -> None:
    async with talking(tmp_path, Reply(text="Blue."), Reply(text="They chose blue.", stall_after=1)) as talk:
        await talk.turn("Which colour?")
        summing = talk.client.start("ckit/session/compact", {"id": talk.session})
        await talk.said("They")
        with pytest.raises(RpcError) as caught:
            await talk.steer("Red, rather.")
        assert caught.value.code == "conflict"
        assert "being summarized" in caught.value.message
        await talk.cancel()
        with pytest.raises(RpcError):
            await summing


async def test_R18_without_a_model_the_summary_is_made_of_first_sentences(tmp_path: Path) -> None:
    config = {"models": {"maxRetries": 0}}
    async with talking(tmp_path, Reply(text="Blue. Nothing else."), config=config) as talk:
        await talk.turn("Which colour? Think hard.")
        talk.server.enqueue(Reply(status=500))
        item = (await talk.client.request("ckit/session/compact", {"id": talk.session}))["item"]
        assert "- The person: Which colour?" in item["text"]
        assert "- The assistant: Blue." in item["text"]
        assert "without a language model" in item["text"]


async def test_a_history_that_leaves_no_room_is_summarized_before_the_next_turn(tmp_path: Path) -> None:
    provider = {"models": {"scripted": {"contextTokens": 10_000, "maxOutputTokens": 2000}}}
    replies = [Reply(text="word " * 2000), Reply(text="Words."), Reply(text="Yes.")]
    async with talking(tmp_path, *replies, provider=provider) as talk:
        await talk.turn("Talk much. " + "Really much. " * 200)
        turn = await talk.turn("Enough?")
        assert turn["number"] == 3
        assert [item["kind"] for item in await talk.items() if item["kind"] in {"userMessage", "compaction"}] == [
            "userMessage", "compaction", "userMessage",
        ]  # fmt: skip
        assert "Words." in talk.heard()[1]["content"]
        assert "Really much." not in json.dumps(talk.heard())
