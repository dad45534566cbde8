"""The tools of retrieval: the same answers for a client, a model and the method behind them, with their sources."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.rpc.test_repository_methods import opened
from tests.rpc.test_tool_methods import listed, run
from tests.rpc.test_turn_methods import calls
from tests.support.model_server import Reply, model_server, openai_options
from tests.support.retrieval import indexed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.support.client import Client, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUESTION = "Can people borrow when the internet is down?"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Client]:
    """A daemon with an index that is complete, for tests that change nothing."""
    async with indexed(tmp_path_factory.mktemp("reader")) as (client, _):
        yield client


async def ask(client: Client, text: str) -> tuple[str, list[Json]]:
    """The answer of a turn, and the tools that it ran."""
    session = (await client.request("ckit/session/create"))["session"]["id"]
    turn = (await client.request("ckit/turn/start", {"sessionId": session, "text": text}))["turn"]
    assert turn["stopReason"] == "endTurn"
    items = (await client.request("ckit/session/get", {"id": session}))["items"]
    messages = [item for item in items if item["kind"] == "message"]
    return messages[-1]["text"], [item for item in items if item["kind"] == "toolCall"]


async def test_R03_the_tool_and_the_method_find_the_same(reader: Client) -> None:
    by_tool = await run(reader, "rag.search", {"query": QUESTION, "limit": 5})
    by_method = await reader.request("ckit/rag/search", {"query": QUESTION, "topK": 5})
    assert by_tool["status"] == "ok"
    assert by_tool["output"]["degraded"] is None
    assert [(hit["chunkId"], hit["score"], hit["line"]) for hit in by_tool["output"]["hits"]] == [
        (hit["chunkId"], hit["score"], hit["location"]["range"]["start"]["line"] + 1) for hit in by_method["hits"]
    ]
    first = by_tool["output"]["hits"][0]
    assert f"({first['path']}:{first['line']})" in by_tool["text"]
    assert first["text"] in by_tool["text"]
    assert first["why"]


async def test_R03_one_piece_of_code_shows_entities_and_finds_similar_ones_under_both_names(reader: Client) -> None:
    for one, other, arguments in (
        ("entity.details", "rag.getEntity", {"id": "T-012"}),
        ("entity.similar", "rag.findSimilar", {"id": "T-012"}),
        ("entity.similar", "rag.findSimilar", {"text": QUESTION, "types": ["task"]}),
    ):
        first, second = [(await run(reader, name, arguments))["output"] for name in (one, other)]
        assert first == second
    assert first["method"] == "meaning and shared words"
    assert first["entities"][0]["id"] == "T-012"
    assert {each["type"] for each in first["entities"]} == {"task"}
    similar = (await run(reader, "entity.similar", {"id": "T-012", "limit": 3}))["output"]["entities"]
    assert len(similar) == 3
    assert "T-012" not in {each["id"] for each in similar}


async def test_a_search_that_finds_nothing_relevant_says_so(reader: Client) -> None:
    done = await run(reader, "rag.search", {"query": "Who won the football world cup in 1998?"})
    assert not any(hit["relevant"] for hit in done["output"]["hits"])
    assert "Nothing" in done["text"]


async def test_the_offline_model_answers_a_question_from_passages_with_numbered_sources(reader: Client) -> None:
    text, [call] = await ask(reader, QUESTION)
    assert call["name"] == "rag.search"
    assert "**FEAT-001** Borrow and return items says:\n\n> Loans at the desk while the network is down [1]" in text
    assert "> Loans are written to a local journal and replayed later. [2]" in text
    assert "`contexts/tasks/T-012-desk-without-network.yaml:" in text
    assert text.endswith("no language model was asked._")


async def test_the_offline_model_says_that_nothing_answers(reader: Client) -> None:
    text, _ = await ask(reader, "Who won the football world cup in 1998?")
    assert text.startswith("Nothing in the repository answers this.")


async def test_a_language_model_finds_passages_with_the_tool_and_gets_them_fenced(tmp_path: Path) -> None:
    with model_server("openai") as server:
        async with indexed(tmp_path, config=openai_options(server)) as (client, _):
            server.enqueue(calls(("rag_search", {"query": QUESTION, "limit": 2})), Reply(text="When the line is down."))
            text, [call] = await ask(client, QUESTION)
            assert text == "When the line is down."
            assert call["result"] == "ok"
            offered = {tool["function"]["name"] for tool in server.calls[0].body["tools"]}
            assert {"rag_search", "rag_getEntity", "rag_findSimilar"} <= offered
            told = json.dumps(server.calls[1].body["messages"])
            assert "The desk keeps working when the line is down." in told
            assert 'source=\\"rag.search\\"' in told


async def test_R18_without_an_index_the_tools_find_by_words_and_say_so(tmp_path: Path) -> None:
    async with opened(tmp_path, config={"rag": {"index": "manual"}}) as (client, _):
        done = await run(client, "rag.search", {"query": "line is down"})
        assert done["output"]["mode"] == "lexical"
        assert "ckit rag index" in done["output"]["degraded"]
        assert "Searched by words." in done["text"]
        assert done["output"]["hits"][0]["id"] == "T-012"
        similar = await run(client, "entity.similar", {"text": "The desk keeps working when the line is down."})
        assert "shared words" in similar["output"]["method"]
        assert similar["output"]["entities"][0]["id"] == "T-012"
        text, ran = await ask(client, "Does the desk keep working when the line is down?")
        assert [call["name"] for call in ran] == ["rag.search", "context.search", "entity.details"]
        assert "**T-012** Lend at the desk without a network says:" in text
        assert "> The desk keeps working when the line is down." in text
        assert "ckit rag index" in text


async def test_R03_tools_whose_index_is_broken_are_offered_as_degraded_with_the_reason(tmp_path: Path) -> None:
    blocked = tmp_path / "cache" / "rag"
    blocked.parent.mkdir()
    blocked.write_text("a file where a folder should be", "utf-8")
    async with opened(tmp_path) as (client, _):
        done = await run(client, "rag.search", {"query": "line is down"})
        assert done["status"] == "ok"
        assert done["output"]["hits"][0]["id"] == "T-012"
        assert done["output"]["degraded"]
        status = await client.request("ckit/rag/status")
        assert status["state"] == "degraded"
        assert status["reason"]
        tools = await listed(client)
        assert {tools[name]["status"] for name in ("rag.search", "rag.findSimilar", "entity.similar")} == {"degraded"}
        assert tools["rag.search"]["reason"] == status["reason"]
        assert tools["rag.getEntity"]["status"] == "available"
        health = await client.request("ckit/health", {"fresh": True})
        [component] = [each for each in health["components"] if each["name"].startswith("index:")]
        assert component["status"] == "degraded"
        assert component["works"]
        assert str(tmp_path) not in json.dumps([status, component, done])
