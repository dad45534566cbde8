"""Finding passages in the example repository, with the built-in embedder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from ckit_daemon.services.rag import retrieval
from tests.support.retrieval import indexed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.support.client import Client, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[tuple[Client, Path]]:
    async with indexed(tmp_path_factory.mktemp("retrieval")) as found:
        yield found


@pytest.fixture
def client(opened: tuple[Client, Path]) -> Client:
    return opened[0]


async def search(client: Client, query: str, **params: object) -> Json:
    return await client.request("ckit/rag/search", {"query": query, **params})


def entities(found: Json) -> list[str]:
    return [hit.get("entity", hit["location"]["path"]) for hit in found["hits"]]


async def test_ids_always_come_first_in_the_order_of_the_query(client: Client) -> None:
    for query in ("T-009", "t-009", "What is T-009 about?", "waiting on the hold shelf, T-009"):
        found = await search(client, query)
        assert entities(found)[0] == "T-009", query
        assert found["hits"][0]["parts"][0]["source"] == "exactId"
    both = await search(client, "compare svc-notify with SPEC-001")
    assert entities(both)[:2] == ["svc-notify", "SPEC-001"]
    for query in ("US-001 US-002", "US-002 US-001", "FEAT-002 and US-001"):
        for mode in ("hybrid", "lexical"):
            found = await search(client, query, mode=mode)
            assert entities(found)[:2] == [query.split()[0], query.split()[-1]], (query, mode)
            scores = [hit["score"] for hit in found["hits"]]
            assert scores == sorted(scores, reverse=True)


async def test_meaning_finds_what_shares_no_words_and_words_do_not(client: Client) -> None:
    query = "Signing up from the couch without visiting the building"
    assert "US-010" in entities(await search(client, query))[:3]
    assert "US-010" not in entities(await search(client, query, mode="lexical"))[:3]


async def test_scores_are_the_sum_of_their_parts_and_fall(client: Client) -> None:
    found = await search(client, "How long does an item wait?", topK=10)
    scores = [hit["score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True)
    for hit in found["hits"]:
        assert hit["score"] == pytest.approx(sum(p["score"] * p["weight"] for p in hit["parts"]), abs=2e-3)
    assert "degraded" not in found


async def test_filters_leave_only_what_fits(client: Client) -> None:
    query = "fees of members"
    tasks = await search(client, query, types=["task"])
    assert entities(tasks)
    assert {hit["type"] for hit in tasks["hits"]} == {"task"}
    todo = await search(client, query, statuses=["todo"])
    assert {hit["status"] for hit in todo["hits"]} == {"todo"}
    for folder in ("docs/**", "docs", "docs/"):
        docs = await search(client, query, paths=[folder])
        assert docs["hits"]
        assert all(hit["location"]["path"].startswith("docs/") for hit in docs["hits"])
    assert (await search(client, query, paths=["doc", "d*"]))["hits"] == []
    notes = await search(client, query, kinds=["note"])
    assert {hit["kind"] for hit in notes["hits"]} == {"note"}
    near = await search(client, query, relatedTo="FEAT-005", relations=["has-story"])
    assert set(entities(near)) == {"US-010", "US-011"}


async def test_filters_that_leave_much_find_what_is_far_from_the_nearest_of_all(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Json = {"query": "the constitution and its principles", "types": ["task"], "mode": "vector", "topK": 50}
    expected = await search(client, **asked)
    assert len(expected["hits"]) > 5
    monkeypatch.setattr(retrieval, "EXACT_BELOW", 7)
    monkeypatch.setattr(retrieval, "OVERSHOOT", 1)
    assert (await search(client, **asked))["hits"] == expected["hits"]


async def test_neighbours_of_strong_hits_are_lent_a_little_and_say_why(client: Client) -> None:
    query = "waiting on the hold shelf"
    lent = await search(client, query, topK=10)
    plain = await search(client, query, topK=10, expand="none")
    why = [part["why"] for hit in lent["hits"] for part in hit["parts"] if part["source"] == "graph"]
    assert any("FEAT-003" in each for each in why)
    assert not [part for hit in plain["hits"] for part in hit["parts"] if part["source"] == "graph"]


async def test_neighbours_of_strong_hits_are_found_where_neither_words_nor_meanings_lead_to_them(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrieval, "POOL", 1)
    query = "waiting on the hold shelf"
    plain = await search(client, query, topK=30, expand="none")
    found = await search(client, query, topK=30)
    joined = [hit for hit in found["hits"] if hit["entity"] not in entities(plain)]
    assert 0 < len(joined) <= retrieval.JOINED
    # They are judged as all others are, and not only by what is lent to them.
    assert all([part["source"] for part in hit["parts"]] == ["lexical", "vector", "graph"] for hit in joined)
    assert [hit["score"] for hit in found["hits"]] == sorted((hit["score"] for hit in found["hits"]), reverse=True)
    of_features = await search(client, query, topK=30, types=["feature"])
    assert {hit["type"] for hit in of_features["hits"]} == {"feature"}


async def test_an_edit_that_is_not_saved_is_found_at_once(opened: tuple[Client, Path]) -> None:
    client, root = opened
    path = next((root / "contexts" / "tasks").glob("T-007*"))
    text = path.read_text("utf-8").replace("must not sleep on a shelf", "goes to the zeppelin hangar")
    document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": text}
    client.notify("textDocument/didOpen", {"textDocument": document})
    assert entities(await search(client, "zeppelin hangar"))[0] == "T-007"
    client.notify("textDocument/didClose", {"textDocument": {"uri": path.as_uri()}})
    assert "T-007" not in [
        hit["entity"] for hit in (await search(client, "zeppelin hangar"))["hits"] if hit["relevant"]
    ]


async def test_similar_finds_siblings_and_never_the_entity_itself(client: Client) -> None:
    found = await client.request("ckit/rag/similar", {"id": "T-009"})
    assert "T-009" not in entities(found)
    assert "SPEC-005" in entities(found)[:3]


async def test_nothing_is_called_relevant_where_nothing_is(client: Client) -> None:
    found = await search(client, "How do I bake sourdough bread at high altitude?")
    assert not any(hit["relevant"] for hit in found["hits"])
