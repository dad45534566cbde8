"""Retrieval through the wire: the index, what is found, answers with citations, and what is refused."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.rpc.test_repository_methods import a_file, opened
from tests.support.client import TIMEOUT_SECONDS, RpcError
from tests.support.daemon import daemon, spawned
from tests.support.repositories import copy_example
from tests.support.retrieval import INDEX_SECONDS, complete, indexed, with_vectors

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.support.client import Client, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUESTION = "How long does a book that nobody picks up stay reserved?"
METHODS: dict[str, Json] = {
    "ckit/rag/status": {},
    "ckit/rag/index": {},
    "ckit/rag/search": {"query": "fee"},
    "ckit/rag/similar": {"id": "US-008"},
    "ckit/rag/query": {"question": "fee"},
    "ckit/rag/check": {"citations": [{"chunkId": "a", "contentHash": "0" * 64}]},
    "ckit/rag/clear": {},
}


async def search(client: Client, query: str, **params: Any) -> Json:
    return await client.request("ckit/rag/search", {"query": query, **params})


def entities(found: Json) -> list[str]:
    """What each hit belongs to: an entity, a Markdown file, or itself."""
    whole = {"markdown": lambda hit: hit["location"]["path"]}
    return [hit.get("entity") or whole.get(hit["kind"], lambda hit: hit["chunkId"])(hit) for hit in found["hits"]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[tuple[Client, Path]]:
    """A daemon with an index that is complete, for tests that change nothing."""
    async with indexed(tmp_path_factory.mktemp("reader")) as opened_example:
        yield opened_example


# Finding


async def test_R02_a_question_in_other_words_finds_the_passage_with_its_place_and_explains_the_score(
    reader: tuple[Client, Path],
) -> None:
    client, root = reader
    found = await search(client, QUESTION)
    assert found["mode"] == "hybrid"
    assert "degraded" not in found
    assert {"FEAT-003", "T-007"} & set(entities(found)[:3])
    for hit in found["hits"]:
        assert hit["score"] == pytest.approx(sum(p["score"] * p["weight"] for p in hit["parts"]), abs=0.001)
        assert 0 <= hit["score"] <= 1
        assert all(part["why"] for part in hit["parts"])
    scores = [hit["score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert len({*entities(found)}) == len(found["hits"])
    hit = next(hit for hit in found["hits"] if hit.get("entity") == "FEAT-003")
    lines = (root / hit["location"]["path"]).read_text("utf-8").splitlines()
    start, end = hit["location"]["range"]["start"], hit["location"]["range"]["end"]
    shown = "\n".join(lines[start["line"] : end["line"] + 1])
    assert hit["text"].split()[0] in shown


@pytest.mark.parametrize("mode", ["hybrid", "lexical", "vector"])
async def test_each_mode_says_how_it_looked_and_only_names_its_own_sources(
    reader: tuple[Client, Path], mode: str
) -> None:
    client, _ = reader
    found = await search(client, "members pause reminders while they travel", mode=mode, topK=5, expand="none")
    assert found["mode"] == mode
    assert len(found["hits"]) == 5
    sources = {part["source"] for hit in found["hits"] for part in hit["parts"] if part["score"] * part["weight"]}
    assert sources <= {"hybrid": {"lexical", "vector"}, "lexical": {"lexical"}, "vector": {"vector"}}[mode]


async def test_an_exact_id_comes_first_whatever_else_is_asked(reader: tuple[Client, Path]) -> None:
    client, _ = reader
    assert entities(await search(client, "SPEC-004"))[0] == "SPEC-004"
    found = await search(client, "What about T-007 and the fees of members?")
    assert entities(found)[0] == "T-007"
    assert found["hits"][0]["parts"][0]["source"] == "exactId"


async def test_filters_leave_only_what_fits_all_of_them(reader: tuple[Client, Path]) -> None:
    client, _ = reader
    typed = await search(client, "loan", types=["task"], statuses=["todo"])
    assert typed["hits"]
    assert {(hit["type"], hit["status"]) for hit in typed["hits"]} == {("task", "todo")}
    prose = await search(client, "loan", kinds=["markdown"], paths=["docs/**"])
    assert {hit["location"]["path"].split("/")[0] for hit in prose["hits"]} == {"docs"}
    joined = await search(client, "members wait", relatedTo="FEAT-003", relations=["has-story"])
    assert {hit["entity"] for hit in joined["hits"] if "entity" in hit} == {"US-006", "US-007"}
    about = [hit for hit in joined["hits"] if "entity" not in hit]
    assert all({"US-006", "US-007"} & set(hit["mentions"]) for hit in about)


async def test_similar_passages_never_hold_the_entity_itself(tmp_path: Path) -> None:
    async with indexed(tmp_path) as (client, root):
        twin = a_file(root, "T-007").read_text("utf-8").replace("id: T-007", "id: T-907")
        (root / "contexts" / "tasks" / "T-907.yaml").write_text(twin, "utf-8")
        client.notify("ckit/repo/didChange", {})
        await complete(client)
        found = await client.request("ckit/rag/similar", {"id": "T-007", "topK": 5})
        assert entities(found)[0] == "T-907"
        assert "T-007" not in entities(found)
        text = "Reservations that nobody fetches are given to the next member."
        by_text = await client.request("ckit/rag/similar", {"text": text, "types": ["task"]})
        assert {"T-007", "T-907"} <= set(entities(by_text)[:3])


async def test_unsaved_text_and_changed_files_are_found_at_once(tmp_path: Path) -> None:
    async with indexed(tmp_path) as (client, root):
        path = a_file(root, "US-008")
        unsaved = path.read_text("utf-8") + "notes: The zeppelin brings periodicals on Sundays.\n"
        document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": unsaved}
        client.notify("textDocument/didOpen", {"textDocument": document})
        found = await search(client, "zeppelin")
        assert entities(found)[0] == "US-008"
        client.notify("textDocument/didClose", {"textDocument": {"uri": path.as_uri()}})
        assert not any("zeppelin" in hit["text"] for hit in (await search(client, "zeppelin"))["hits"])
        (root / "docs" / "airships.md").write_text("# Airships\n\nThe zeppelin lands on the roof.\n", "utf-8")
        client.notify("ckit/repo/didChange", {"paths": ["docs/airships.md"]})
        assert entities(await search(client, "zeppelin"))[0] == "docs/airships.md"


async def test_an_index_is_not_called_ready_while_what_has_just_changed_is_missing(tmp_path: Path) -> None:
    async with indexed(tmp_path) as (client, root):
        for number in range(5):
            (root / "docs" / f"{number}.md").write_text(f"# Airship {number}\n\nIt lands on the roof.\n", "utf-8")
            client.notify("ckit/repo/didChange", {"paths": [f"docs/{number}.md"]})
            status = await client.request("ckit/rag/status")
            assert status["state"] != "ready" or status["embedded"] == status["chunks"]


@pytest.mark.parametrize(("encoding", "width"), [("utf-8", 4), ("utf-16", 2), ("utf-32", 1)])
async def test_places_are_in_the_negotiated_encoding_in_markdown_too(tmp_path: Path, encoding: str, width: int) -> None:
    root = copy_example(tmp_path / "example")
    (root / "docs" / "owls.md").write_text("# Owls\n\nxylograph \U0001f989", "utf-8")
    general = {"general": {"positionEncodings": [encoding]}}
    environment = {"CKIT_RAG_INDEX": "manual"}
    async with spawned(tmp_path, initialize=False, environment=environment) as daemon:
        client = daemon.client
        await client.initialize({"protocolVersions": ["1.0"]}, capabilities=general)
        await client.request("ckit/repo/open", {"path": str(root)})
        found = await search(client, "xylograph", mode="lexical")
        assert found["hits"][0]["location"]["range"]["end"] == {"line": 2, "character": len("xylograph ") + width}


# Answering


async def test_R02_an_answer_streams_and_every_citation_resolves(reader: tuple[Client, Path]) -> None:
    client, root = reader
    before = sum(each["count"] for each in (await client.request("ckit/metrics"))["searches"])
    answer = await client.request("ckit/rag/query", {"question": QUESTION, "partialResultToken": "text"})
    after = sum(each["count"] for each in (await client.request("ckit/metrics"))["searches"])
    assert after == before + 1
    parts = [note["params"] for note in client.notifications if note["method"] == "$/progress"]
    assert "".join(item["text"] for part in parts if part["token"] == "text" for item in part["value"])
    assert answer["found"] is True
    assert answer["answered"]["provider"] == "offline"
    assert answer["citations"]
    for citation in answer["citations"]:
        assert f"[{citation['number']}]" in answer["text"]
        assert (root / citation["location"]["path"]).is_file()
        assert citation["commit"]
        assert citation["excerpt"]
    assert any("7 opening days" in citation["excerpt"] for citation in answer["citations"])
    numbers = {citation["number"] for citation in answer["citations"]}
    assert {number for claim in answer["claims"] for number in claim["citations"]} <= numbers
    assert all(claim["support"] == "supported" for claim in answer["claims"] if claim["citations"])


async def test_an_answer_says_that_the_repository_has_none(reader: tuple[Client, Path]) -> None:
    client, _ = reader
    answer = await client.request("ckit/rag/query", {"question": "Who won the football world cup in 1998?"})
    assert answer["found"] is False
    assert answer["text"]
    assert answer["citations"] == []


async def test_citations_are_fresh_until_their_place_says_something_else_or_is_gone(tmp_path: Path) -> None:
    async with indexed(tmp_path) as (client, root):
        answer = await client.request("ckit/rag/query", {"question": QUESTION})
        cited = [{"chunkId": each["chunkId"], "contentHash": each["contentHash"]} for each in answer["citations"]]
        checked = await client.request("ckit/rag/check", {"citations": cited})
        assert checked["states"] == ["fresh"] * len(cited)
        path = root / answer["citations"][0]["location"]["path"]
        excerpt = answer["citations"][0]["excerpt"].split()
        before = path.read_text("utf-8")
        path.write_text(before.replace(" ".join(excerpt[:3]), "Something else entirely"), "utf-8")
        client.notify("ckit/repo/didChange", {})
        checked = await client.request("ckit/rag/check", {"citations": cited})
        assert checked["states"][0] == "changed"
        assert checked["version"] == 2
        path.unlink()
        client.notify("ckit/repo/didChange", {})
        assert (await client.request("ckit/rag/check", {"citations": cited}))["states"][0] == "gone"


# The index


async def test_a_first_search_begins_the_index_and_is_answered_by_words_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ckit_daemon.services.rag.probe.PROBE_SECONDS", TIMEOUT_SECONDS)
    async with opened(tmp_path) as (client, _):
        assert (await client.request("ckit/rag/status"))["state"] == "absent"
        found = await search(client, "hold shelf")
        assert found["hits"]
        assert found["degraded"]
        status = await client.request("ckit/rag/index", {"workDoneToken": "work"})
        assert (status["state"], status["writer"]) == ("ready", "none")
        assert status["embedded"] == status["chunks"] > 100
        assert status["bytes"] > 0
        assert "degraded" not in await search(client, "hold shelf")
        reports = [n["params"]["value"] for n in client.notifications if n["method"] == "$/progress"]
        assert reports[0]["kind"] == "begin"
        assert reports[-1]["kind"] == "end"
        assert any(report.get("percentage") for report in reports)
        told = [re.search(r"(\d+) of (\d+)", report.get("message", "")) for report in reports]
        assert {int(found[2]) for found in told if found} == {status["chunks"]}
        assert any("s left" in report.get("message", "") for report in reports)
        metrics = await client.request("ckit/metrics")
        # One more tells whether the model is still the same.
        assert 100 < metrics["passagesEmbedded"] <= status["chunks"] + 1
        assert {each["mode"]: each["degraded"] for each in metrics["searches"]}["hybrid"] == 0
        assert sum(each["count"] for each in metrics["searches"]) == 2
        assert "ckit_rag_passages_embedded_total" in metrics["prometheus"]
        health = await client.request("ckit/health", {"fresh": True})
        [component] = [each for each in health["components"] if each["name"].startswith("index:")]
        assert component["status"] == "ok", component


async def test_indexing_can_be_cancelled_and_goes_on_from_there(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, _):
        begun = asyncio.Event()
        client.watch = lambda message: begun.set() if message.get("method") == "$/progress" else None
        indexing = client.start("ckit/rag/index", {"workDoneToken": "work"}, request_id="indexing")
        await asyncio.wait_for(begun.wait(), TIMEOUT_SECONDS)
        client.notify("$/cancelRequest", {"id": "indexing"})
        with pytest.raises(RpcError) as caught:
            await indexing
        assert caught.value.code == "cancelled"
        assert (await complete(client))["state"] == "ready"


async def test_a_cleared_index_is_gone_and_comes_back(tmp_path: Path) -> None:
    async with indexed(tmp_path) as (client, _):
        chunks = (await client.request("ckit/rag/status"))["chunks"]
        cleared = await client.request("ckit/rag/clear")
        assert 100 < cleared["removed"] <= chunks
        status = await client.request("ckit/rag/status")
        assert (status["state"], status["embedded"]) == ("absent", 0)
        assert (await complete(client))["embedded"] == chunks


async def test_a_search_promises_nothing_that_the_settings_forbid(tmp_path: Path) -> None:
    async with opened(tmp_path, config={"rag": {"maxPassages": 20}}) as (client, _):
        await complete(client)
        found = await search(client, "hold shelf")
        assert found["mode"] == "hybrid"
        assert found["degraded"].startswith("20 of ")
        assert "rag.maxPassages" in found["degraded"]
        assert "follows" not in found["degraded"]


async def test_a_search_with_the_vectors_of_a_former_embedder_says_why_not_with_the_new_one(tmp_path: Path) -> None:
    async with indexed(tmp_path):
        pass
    environment = {"CKIT_PATHS_CACHE_DIR": str(tmp_path / "cache"), "CKIT_PATHS_STATE_DIR": str(tmp_path / "state")}
    wrong = {"protocolVersions": ["1.0"], "config": {"models": {"embeddings": "nobody/model"}}}
    async with daemon(wrong, environment=environment) as client:
        await client.request("ckit/repo/open", {"path": str(tmp_path / "example")})
        await search(client, "hold shelf")
        async with asyncio.timeout(INDEX_SECONDS):
            while (status := await client.request("ckit/rag/status"))["state"] != "degraded":
                pass
        assert "There is no provider 'nobody'" in status["reason"]
        found = await search(client, "hold shelf")
        assert found["mode"] == "hybrid"
        assert found["degraded"].startswith("nobody/model can't be used yet")
        assert status["reason"] in found["degraded"]


async def test_broken_lines_of_notes_are_left_out_and_the_status_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path, config={"rag": {"index": "manual"}}) as (client, root):
        assert (await client.request("ckit/rag/status"))["broken"] == 0
        notes = root / ".context-kit" / "rag" / "more.jsonl"
        notes.write_text('{"text": "Turnips are out of scope."}\nno JSON\n["no object"]\n', "utf-8")
        assert (await client.request("ckit/rag/status"))["broken"] == 2
        assert (await search(client, "turnips", mode="lexical"))["hits"][0]["location"]["path"].endswith("more.jsonl")
        # One byte that is no UTF-8 costs the whole file.
        (root / ".context-kit" / "rag" / "latin.jsonl").write_bytes(b'{"text": "Caf\xe9"}\n{"text": "Tea"}\n')
        assert (await client.request("ckit/rag/status"))["broken"] == 3


async def test_an_index_of_nothing_says_which_settings_leave_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, config={"rag": {"include": ["nowhere/**"]}}) as (client, root):
        status = await client.request("ckit/rag/status")
        assert (status["state"], status["chunks"]) == ("ready", 0)
        assert "rag.include" in status["reason"]
        assert (await search(client, "hold shelf"))["hits"] == []
        (root / "nowhere").mkdir()
        (root / "nowhere" / "new.md").write_text("# Turnips\n\nTurnips are out of scope.\n", "utf-8")
        assert "rag.include" not in ((await client.request("ckit/rag/status")).get("reason") or "")


async def test_an_index_that_is_kept_by_hand_is_not_begun_by_a_search(tmp_path: Path) -> None:
    async with opened(tmp_path, config={"rag": {"index": "manual"}}) as (client, _):
        found = await search(client, "hold shelf")
        assert found["mode"] == "lexical"
        assert found["degraded"]
        assert (await client.request("ckit/rag/status"))["state"] == "absent"
        assert (await client.request("ckit/metrics"))["passagesEmbedded"] == 0


async def test_an_index_that_was_made_by_hand_is_opened_by_the_searches_of_later_daemons(tmp_path: Path) -> None:
    with_vectors(tmp_path / "cache")
    async with opened(tmp_path, config={"rag": {"index": "manual"}}) as (client, root):
        status = await client.request("ckit/rag/status")
        assert (status["state"], status["reason"]) == ("ready", "It is opened at the first search.")
        (root / "docs" / "new.md").write_text("# Turnips\n\nTurnips are out of scope.\n", "utf-8")
        status = await client.request("ckit/rag/status")
        assert (status["state"], status["embedded"]) == ("absent", status["chunks"] - 1)
        assert "what is new is embedded then" in status["reason"]
        await search(client, "turnips")
        async with asyncio.timeout(INDEX_SECONDS):
            while (await client.request("ckit/rag/status"))["state"] != "ready":
                pass
        assert "degraded" not in await search(client, "turnips")


async def test_the_status_says_that_nobody_can_tell_what_is_on_the_disk(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "rag").write_text("a file where a folder should be", "utf-8")
    async with opened(tmp_path, config={"rag": {"index": "manual"}}) as (client, _):
        status = await client.request("ckit/rag/status")
        assert status["state"] == "degraded"
        assert "database of vectors can't be used" in status["reason"]
        assert str(tmp_path) not in status["reason"]
        assert (await search(client, "hold shelf"))["mode"] == "lexical"


async def test_an_index_can_begin_when_the_repository_is_opened(tmp_path: Path) -> None:
    async with opened(tmp_path, config={"rag": {"index": "onOpen"}}) as (client, _):
        async with asyncio.timeout(INDEX_SECONDS):
            while (await client.request("ckit/rag/status"))["state"] != "ready":
                pass


async def test_a_repository_that_is_closed_and_opened_again_has_its_index_at_once(tmp_path: Path) -> None:
    async with indexed(tmp_path) as (client, root):
        await client.request("ckit/repo/close")
        await client.request("ckit/repo/open", {"path": str(root)})
        await complete(client)
        assert "degraded" not in await search(client, QUESTION)
        health = await client.request("ckit/health")
        assert len([each for each in health["components"] if each["name"].startswith("index:")]) == 1


async def test_a_real_daemon_process_ends_in_time_while_it_indexes(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "example")
    async with spawned(tmp_path, {"protocolVersions": ["1.0"]}) as daemon:
        await daemon.client.request("ckit/repo/open", {"path": str(root)})
        await search(daemon.client, "hold shelf")
        daemon.client.close_input()
        await daemon.exit_code(within=10)
    assert b"Traceback" not in daemon.log.read_bytes()


async def test_R01_R02_a_daemon_process_with_vectors_answers_by_meaning(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "example")
    with_vectors(tmp_path)
    async with spawned(tmp_path, {"protocolVersions": ["1.0"]}) as daemon:
        await daemon.client.request("ckit/repo/open", {"path": str(root)})
        await complete(daemon.client)
        found = await search(daemon.client, QUESTION, mode="vector")
        assert {"FEAT-003", "T-007"} & set(entities(found)[:3])


# Refusing


@pytest.mark.parametrize(
    ("method", "params", "code", "named"),
    [
        ("ckit/rag/search", {}, "invalid_params", "query"),
        ("ckit/rag/search", {"query": ""}, "invalid_params", "query"),
        ("ckit/rag/search", {"query": " \n\t"}, "invalid_argument", "query"),
        ("ckit/rag/search", {"query": "x" * 100_000}, "invalid_params", "query"),
        ("ckit/rag/search", {"query": "x", "topK": 0}, "invalid_params", "topK"),
        ("ckit/rag/search", {"query": "x", "topK": 10**9}, "invalid_params", "topK"),
        ("ckit/rag/search", {"query": "x", "topK": -1}, "invalid_params", "topK"),
        ("ckit/rag/search", {"query": "x", "topK": 10**30}, "invalid_params", "topK"),
        ("ckit/rag/search", {"query": "x", "mode": "magic"}, "invalid_params", "mode"),
        ("ckit/rag/search", {"query": {"$ne": ""}}, "invalid_params", "query"),
        ("ckit/rag/search", {"query": "x", "types": ["epic"]}, "invalid_argument", "epic"),
        ("ckit/rag/search", {"query": "x", "types": []}, "invalid_params", "types"),
        ("ckit/rag/search", {"query": "x", "types": [{"$ne": "task"}]}, "invalid_params", "types"),
        ("ckit/rag/search", {"query": "x", "kinds": ["code"]}, "invalid_params", "kinds"),
        ("ckit/rag/search", {"query": "x", "relatedTo": "FEAT-404"}, "not_found", "FEAT-404"),
        ("ckit/rag/search", {"query": "x", "relatedTo": {"$ne": ""}}, "invalid_params", "relatedTo"),
        ("ckit/rag/search", {"query": "x", "relations": ["has-story"]}, "invalid_argument", "relatedTo"),
        (
            "ckit/rag/search",
            {"query": "x", "relatedTo": "FEAT-001", "relations": ["$or"]},
            "invalid_argument",
            "$or",
        ),
        ("ckit/rag/search", {"query": "x", "paths": ["../secrets/**"]}, "invalid_argument", "../secrets"),
        ("ckit/rag/search", {"query": "x", "paths": ["/etc/*"]}, "invalid_argument", "/etc"),
        ("ckit/rag/search", {"query": "x", "where": {"$or": []}}, "invalid_params", "where"),
        ("ckit/rag/search", {"query": "x", "repository": "elsewhere"}, "not_found", "repo/list"),
        ("ckit/rag/similar", {}, "invalid_argument", "id"),
        ("ckit/rag/similar", {"id": "US-008", "text": "x"}, "invalid_argument", "text"),
        ("ckit/rag/similar", {"id": "US-404"}, "not_found", "US-404"),
        ("ckit/rag/similar", {"id": {"$ne": "US-008"}}, "invalid_params", "id"),
        ("ckit/rag/similar", {"id": '{"$ne": null}'}, "not_found", "$ne"),
        ("ckit/rag/similar", {"text": " "}, "invalid_argument", "text"),
        ("ckit/rag/similar", {"text": "x" * 100_000}, "invalid_params", "text"),
        ("ckit/rag/similar", {"id": "US-008", "topK": 0}, "invalid_params", "topK"),
        ("ckit/rag/query", {"question": ""}, "invalid_params", "question"),
        ("ckit/rag/query", {"question": "\u3000"}, "invalid_argument", "question"),
        ("ckit/rag/query", {"question": "x" * 100_000}, "invalid_params", "question"),
        ("ckit/rag/query", {"question": "x", "topK": 10**9}, "invalid_params", "topK"),
        ("ckit/rag/query", {"question": "x", "types": ["epic"]}, "invalid_argument", "epic"),
        ("ckit/rag/query", {"question": "loan", "model": "nobody/nothing"}, "not_found", "nobody"),
        ("ckit/rag/check", {"citations": []}, "invalid_params", "citations"),
        ("ckit/rag/check", {"citations": [{"chunkId": "a"}]}, "invalid_params", "contentHash"),
        ("ckit/rag/check", {"citations": [{"chunkId": "a", "contentHash": "zz"}]}, "invalid_params", "contentHash"),
        (
            "ckit/rag/check",
            {"citations": [{"chunkId": {"$ne": ""}, "contentHash": "0" * 64}]},
            "invalid_params",
            "chunkId",
        ),
        ("ckit/rag/index", {"rebuild": "yes"}, "invalid_params", "rebuild"),
        ("ckit/rag/status", {"deep": True}, "invalid_params", "deep"),
        ("ckit/rag/clear", {"everything": True}, "invalid_params", "everything"),
    ],
)
async def test_R10_bad_parameters_are_refused_by_name_and_break_nothing(
    reader: tuple[Client, Path], method: str, params: Json, code: str, named: str
) -> None:
    client, _ = reader
    with pytest.raises(RpcError) as caught:
        await client.request(method, params)
    assert caught.value.code == code
    assert named in f"{caught.value.message} {caught.value.data}"
    assert len(caught.value.message) < 500
    assert "degraded" not in await search(client, "loan")


@pytest.mark.parametrize(
    "query", ['{"$ne": ""}', '" OR 1=1 --', "NEAR(a b", "*", "a AND NOT", "\x00", "\U0001f989", "-" * 500]
)
async def test_R21_a_query_is_words_whatever_characters_it_holds(reader: tuple[Client, Path], query: str) -> None:
    client, _ = reader
    for mode in ("hybrid", "lexical", "vector"):
        found = await search(client, query, mode=mode)
        assert found["mode"] == mode
    answer = await client.request("ckit/rag/query", {"question": query})
    assert answer["text"]


@pytest.mark.parametrize("method", METHODS)
async def test_R10_a_repository_that_is_not_open_is_refused(reader: tuple[Client, Path], method: str) -> None:
    client, _ = reader
    for name in ("elsewhere", "file:///nowhere/at%20all", ""):
        with pytest.raises(RpcError) as caught:
            await client.request(method, {**METHODS[method], "repository": name})
        assert caught.value.code == "not_found"


async def test_R37_without_the_feature_there_is_nothing_of_it(tmp_path: Path) -> None:
    async with opened(tmp_path, config={"features": {"rag": False}}) as (client, _):
        capabilities = await client.request("ckit/capabilities")
        assert "rag" not in capabilities["features"]
        assert not [each for each in capabilities["methods"] if each["name"].startswith("ckit/rag/")]
        for method, params in METHODS.items():
            with pytest.raises(RpcError) as caught:
                await client.request(method, params)
            assert caught.value.code == "capability_disabled"
        tools = {each["name"]: each for each in (await client.request("ckit/tool/list"))["tools"]}
        assert {tools[name]["status"] for name in ("rag.search", "rag.getEntity", "rag.findSimilar")} == {"disabled"}
        assert "features.rag" in tools["rag.search"]["reason"]
        assert tools["entity.similar"]["status"] == "degraded"
        done = await client.request("ckit/tool/run", {"name": "rag.search", "arguments": {"query": "loan"}})
        assert (done["status"], done["errorCode"]) == ("error", "capability_disabled")
