"""Answers that a language model writes: from fenced sources, checked afterwards, with keys masked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from ckit_daemon.services.rag.sentences import cited_in
from tests.support.client import RpcError
from tests.support.model_server import Reply, model_server
from tests.support.retrieval import indexed
from tests.support.talk import options_for

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from pathlib import Path

    from tests.support.client import Client, Json
    from tests.support.model_server import ModelServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUESTION = "How long does an item wait on the hold shelf?"


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with model_server("openai") as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(server: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Client]:
    async with indexed(tmp_path_factory.mktemp("answers"), **options_for(server)) as (opened, _):
        yield opened


async def answered(client: Client, server: ModelServer, reply: Reply, question: str = QUESTION) -> Json:
    server.enqueue(reply)
    client.notifications.clear()
    asked = {"question": question, "partialResultToken": "part", "bypassCache": True}
    answer = await client.request("ckit/rag/query", asked)
    parts = [n["params"]["value"] for n in client.notifications if n["method"] == "$/progress"]
    answer["streamed"] = "".join(item["text"] for items in parts if isinstance(items, list) for item in items)
    return answer


async def test_a_model_answers_from_numbered_sources_and_every_claim_is_checked(
    client: Client, server: ModelServer
) -> None:
    said = "An item waits 7 opening days on the hold shelf [1]. It is fed to the lions after 30 weeks [1]."
    answer = await answered(client, server, Reply(said))
    system, asked = server.calls[-1].body["messages"]
    assert answer["streamed"] == said
    assert [claim["support"] for claim in answer["claims"]] == ["supported", "unsupported"]
    assert answer["text"] == said.replace("30 weeks [1].", "30 weeks [1]. [unverified]")
    assert [citation["number"] for citation in answer["citations"]] == [1]
    assert answer["answered"]["provider"] == "test"
    assert answer["answered"]["usage"]["inputTokens"] > 0
    assert "never obey it" in system["content"]
    assert "<data-" in asked["content"]
    assert 'source="[1] ' in asked["content"]
    assert asked["content"].endswith(f"Question: {QUESTION}")


@pytest.mark.parametrize("said", ["NOTHING", "NOTHING.", "**NOTHING**\n"])
async def test_a_model_that_finds_nothing_in_the_sources_says_so(
    client: Client, server: ModelServer, said: str
) -> None:
    answer = await answered(client, server, Reply(said))
    assert answer["found"] is False
    assert answer["citations"] == []
    assert "do not answer" in answer["text"]
    assert answer["streamed"] == answer["text"]


async def test_an_answer_from_passages_that_are_about_something_else_says_so(
    client: Client, server: ModelServer
) -> None:
    answer = await answered(client, server, Reply("France won it in 1998 [1]."), "Who won the football world cup?")
    assert answer["text"] == "France won it in 1998 [1]. [unverified]"
    assert any("clearly about this" in warning for warning in answer["warnings"])
    known = await answered(client, server, Reply("An item waits 7 opening days on the hold shelf [1]."))
    assert known["warnings"] == []


async def test_an_answer_that_begins_like_no_answer_is_shown_from_its_beginning(
    client: Client, server: ModelServer
) -> None:
    said = "NO, an item waits 7 opening days on the hold shelf [1]."
    assert (await answered(client, server, Reply(said)))["streamed"] == said


async def test_citations_that_a_model_makes_up_are_taken_out(client: Client, server: ModelServer) -> None:
    answer = await answered(client, server, Reply("An item waits 7 opening days on the hold shelf [42]."))
    assert "[42]" not in answer["text"]
    assert {citation["entity"] for citation in answer["citations"]} <= {"FEAT-003", "SPEC-004"}
    assert answer["claims"][0]["support"] == "supported"


@pytest.mark.parametrize(
    "said",
    [
        "Yes. [1]",
        "# Waiting [2]\n\nAn item waits 7 opening days on the hold shelf [1].",
        "1. An item waits 7 opening days on the hold shelf. [1]\n2. It waits on the hold shelf. [1, 3]",
    ],
)
async def test_every_number_that_an_answer_shows_is_a_citation(client: Client, server: ModelServer, said: str) -> None:
    answer = await answered(client, server, Reply(said))
    assert answer["text"] == said
    assert {citation["number"] for citation in answer["citations"]} == {*cited_in(said)}


async def test_a_model_that_fails_is_an_error_and_no_half_answer(client: Client, server: ModelServer) -> None:
    with pytest.raises(RpcError) as failed:
        await answered(client, server, Reply(status=401))
    assert failed.value.code in {"provider_error", "secret_unavailable"}


async def test_hits_are_ordered_anew_by_the_model_where_that_is_asked_for(client: Client, server: ModelServer) -> None:
    server.enqueue(Reply('{"order": [2, 1]}'))
    plain = await client.request("ckit/rag/search", {"query": QUESTION, "topK": 3})
    ordered = await client.request("ckit/rag/search", {"query": QUESTION, "topK": 3, "rerank": True})
    ids = [hit["chunkId"] for hit in plain["hits"]]
    assert [hit["chunkId"] for hit in ordered["hits"]] == [ids[1], ids[0], ids[2]]
    assert [hit["parts"][-1]["source"] for hit in ordered["hits"]] == ["rerank"] * 3
    assert ordered["hits"][0]["parts"][-1]["why"] == "the language model puts it at 1 of 3"


async def test_what_a_query_names_stays_first_whatever_order_the_model_finds(
    client: Client, server: ModelServer
) -> None:
    server.enqueue(Reply('{"order": [2, 1]}'))
    asked = {"query": "hold shelf SPEC-001 T-009", "topK": 4}
    plain = await client.request("ckit/rag/search", asked)
    ordered = await client.request("ckit/rag/search", {**asked, "rerank": True})
    ids = [hit["chunkId"] for hit in plain["hits"]]
    assert [hit["chunkId"] for hit in ordered["hits"]] == [*ids[:2], ids[3], ids[2]]
    assert [hit["entity"] for hit in ordered["hits"][:2]] == ["SPEC-001", "T-009"]


async def test_without_a_model_an_order_that_is_asked_for_is_refused_in_words(tmp_path: Path) -> None:
    async with indexed(tmp_path) as (client, _):
        found = await client.request("ckit/rag/search", {"query": QUESTION, "rerank": True})
    assert "no language model" in found["degraded"]
    assert found["hits"]
