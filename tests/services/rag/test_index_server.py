"""The index on a Chroma server that a team shares: a real one on loopback."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from ckit_daemon.core.errors import DegradedError
from ckit_daemon.core.progress import SILENT
from ckit_daemon.services.rag import standing
from tests.support.chroma_server import chroma_server, free_port, gate
from tests.support.indexes import (
    CountingEmbedder,
    a_corpus,
    an_index,
    embedded,
    hash_of,
    nearest,
    settings_with,
    some_texts,
    until,
    until_ready,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from ckit_daemon.settings import Settings

pytestmark = pytest.mark.asyncio

TEXTS = some_texts(90)
TOKEN = "token-of-a-team-0123456789"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "FIRST_RETRY_SECONDS", 0.05)
    monkeypatch.setattr(standing, "LONGEST_RETRY_SECONDS", 1.0)
    # For a server on this machine nobody asks a proxy.
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    with chroma_server(tmp_path_factory.mktemp("chroma") / "data") as url:
        yield url


def at(url: str, collection: str, **more: object) -> Callable[[], Settings]:
    chosen = settings_with(rag={"chromaUrl": url, "chromaCollection": collection, **more})
    return lambda: chosen


def ask(url: str, method: str, path: str, body: object = None) -> Any:
    """Ask the server itself: Chroma's HTTP API, version 2."""
    base = f"{url}/api/v2/tenants/default_tenant/databases/default_database/collections"
    with httpx.Client(trust_env=False) as client:
        answer = client.request(method, base + path, json=body)
    answer.raise_for_status()
    return answer.json()


def collections(url: str, prefix: str) -> list[dict[str, Any]]:
    return [each for each in ask(url, "GET", "?limit=1000") if each["name"].startswith(prefix)]


async def test_a_team_shares_what_one_of_them_has_embedded(server: str, tmp_path: Path) -> None:
    corpus, one, two = a_corpus(TEXTS), CountingEmbedder(), CountingEmbedder()
    settings = at(server, "shared")
    async with an_index(tmp_path / "one", one, settings=settings) as first:
        status = await until_ready(first, corpus)
        assert (status.store, status.embedded, status.dimension) == (server, 90, 16)
        # Another machine: another cache, and a text of its own.
        changed = a_corpus([*TEXTS[10:], "quite new"], version=2)
        async with an_index(tmp_path / "two", two, settings=settings) as second:
            await until_ready(second, changed)
            # One more than what is new, to learn how long a vector is.
            assert sorted(two.texts) in ([embedded("quite new")], sorted([embedded("quite new"), embedded(TEXTS[10])]))
            assert await nearest(second, changed, "quite new") == "quite new"
            # What only others have is never found, however near it is.
            found = await second.search(embedded(TEXTS[0]), 100)
            assert {hit.hash for hit in found} == set(changed.by_hash)
            assert hash_of("quite new") not in {hit.hash for hit in await first.search(embedded("quite new"), 100)}
            near = await second.similarities([embedded(TEXTS[20])], [hash_of(TEXTS[20])])
            assert near[hash_of(TEXTS[20])][0] == pytest.approx(1.0, abs=1e-4)
    (kept,) = collections(server, "shared-")
    assert kept["metadata"] == {"embedder": "offline/counting", "dimension": 16}
    found = ask(server, "POST", f"/{kept['id']}/get", {"include": ["documents", "metadatas"]})
    # Nothing of what the passages say is there.
    assert (len(found["ids"]), set(found["documents"]), set(found["metadatas"])) == (91, {None}, {None})


async def test_what_many_others_have_does_not_hide_what_there_is_here(server: str, tmp_path: Path) -> None:
    settings, few = at(server, "crowded"), a_corpus(some_texts(8, "mine"))
    async with (
        an_index(tmp_path / "others", settings=settings) as others,
        an_index(tmp_path / "mine", settings=settings) as mine,
    ):
        await until_ready(others, a_corpus(some_texts(600)))
        await until_ready(mine, few)
        assert {hit.hash for hit in await mine.search(embedded("anything"), 8)} == set(few.by_hash)


async def test_nothing_is_deleted_there_but_by_who_clears(server: str, tmp_path: Path) -> None:
    settings = at(server, "cleared")
    async with an_index(tmp_path, settings=settings) as index:
        await until_ready(index, a_corpus(TEXTS))
        await until_ready(index, a_corpus(TEXTS[:5], version=2))
        (kept,) = collections(server, "cleared-")
        assert ask(server, "GET", f"/{kept['id']}/count") == 90
        async with an_index(tmp_path / "another", settings=settings) as another:
            another.follow(a_corpus(TEXTS[:5]))
            assert await another.clear() == 90
        assert not collections(server, "cleared-")
        status = await until_ready(index, a_corpus(TEXTS, version=3))
        assert status.embedded == 90


async def test_what_one_of_a_team_clears_the_others_fill_again_by_themselves(server: str, tmp_path: Path) -> None:
    corpus = a_corpus(TEXTS)
    async with an_index(tmp_path, settings=at(server, "emptied")) as index:
        await until_ready(index, corpus)
        (kept,) = collections(server, "emptied-")
        ask(server, "DELETE", f"/{kept['name']}")
        with pytest.raises(DegradedError, match="filled again"):
            await index.search(embedded(TEXTS[8]), 1)
        await until(lambda: index.status().state == "ready")
        assert await nearest(index, corpus, TEXTS[8]) == TEXTS[8]
        (again,) = collections(server, "emptied-")
        assert ask(server, "GET", f"/{again['id']}/count") == 90


async def test_the_collection_is_named_by_the_repository_where_the_settings_name_none(
    server: str, tmp_path: Path
) -> None:
    async with an_index(tmp_path, settings=at(server, "")) as index:
        await until_ready(index, a_corpus(TEXTS[:5]))
    assert collections(server, "My-repository-offline-counting-")


async def test_a_server_that_goes_away_is_said_and_found_again(tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "chroma"
    corpus = a_corpus(TEXTS)
    async with an_index(tmp_path / "own", settings=at(f"http://127.0.0.1:{port}", "away")) as index:
        index.follow(corpus)
        await until(lambda: index.status().state == "degraded")
        assert "Chroma server can't be used: it can't be reached" in (index.status().reason or "")
        with chroma_server(folder, port):
            await until(lambda: index.status().state == "ready")
            assert await nearest(index, corpus, TEXTS[8]) == TEXTS[8]
        with pytest.raises(DegradedError, match="Chroma server can't be used"):
            await index.search(embedded(TEXTS[8]), 1)
        assert index.status().state == "degraded"
        with chroma_server(folder, port):
            await until(lambda: index.status().state == "ready")
            assert await nearest(index, corpus, TEXTS[8]) == TEXTS[8]


async def test_a_token_opens_the_gate_and_is_never_told(
    server: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    corpus = a_corpus(TEXTS)
    with gate(server, "another token") as before:
        async with an_index(tmp_path, settings=at(before.url, "gate"), token=TOKEN) as index:
            index.follow(corpus)
            await until(lambda: index.status().state == "degraded")
            assert "it refuses the token" in (index.status().reason or "")
            assert f"authorization: bearer {TOKEN}" in before.heads[0].lower()
            before.token = TOKEN
            await until(lambda: index.status().state == "ready")
            assert await nearest(index, corpus, TEXTS[8]) == TEXTS[8]
            assert TOKEN not in str(index.status())
        async with an_index(tmp_path / "without", settings=at(before.url, "gate")) as index:
            index.follow(corpus)
            await until(lambda: index.status().state == "degraded")
            assert "it wants a token (rag.chromaToken)" in (index.status().reason or "")
    assert TOKEN not in caplog.text
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or TOKEN.encode() not in file.read_bytes()


async def test_a_server_that_does_not_answer_holds_nobody_up(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = a_corpus(TEXTS)
    with gate(server, TOKEN) as before:
        async with an_index(tmp_path, settings=at(before.url, "stalls"), token=TOKEN) as index:
            monkeypatch.setattr("ckit_daemon.services.rag.replica.OPEN_SECONDS", 6.0)
            before.stalls = True
            index.follow(corpus)
            await until(lambda: index.status().state == "degraded")
            assert "did not answer within 6 s" in (index.status().reason or "")
            monkeypatch.setattr("ckit_daemon.services.rag.replica.OPEN_SECONDS", 60.0)
            before.stalls = False
            await until(lambda: index.status().state == "ready")
            assert await nearest(index, corpus, TEXTS[8]) == TEXTS[8]


async def test_a_collection_of_other_vectors_is_left_alone_and_said(server: str, tmp_path: Path) -> None:
    settings = at(server, "mismatch")
    async with an_index(tmp_path, settings=settings) as index:
        await until_ready(index, a_corpus(TEXTS[:5]))
    (kept,) = collections(server, "mismatch-")
    ask(server, "DELETE", f"/{kept['name']}")
    ask(server, "POST", "", {"name": kept["name"], "metadata": {"embedder": "another", "dimension": 3}})
    async with an_index(tmp_path, settings=settings) as index:
        index.follow(a_corpus(TEXTS[:5]))
        await until(lambda: index.status().state == "degraded")
        assert "holds vectors of another with 3 dimensions" in (index.status().reason or "")
        with pytest.raises(DegradedError, match=r"rag\.chromaCollection"):
            await index.build(SILENT, rebuild=False)
