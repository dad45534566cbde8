"""What becomes of an index when things go wrong: it says so, goes on by words, and mends itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.core.errors import (
    ContextTooLongError,
    DegradedError,
    ProviderError,
    ProviderUnavailableError,
    StorageError,
)
from ckit_daemon.core.progress import SILENT
from ckit_daemon.services.rag import open_sides, standing
from ckit_daemon.services.rag.index import PROBE
from ckit_daemon.services.rag.sides import slug
from ckit_daemon.storage.vectors import SqliteVectorCache
from tests.support.indexes import (
    CountingEmbedder,
    a_corpus,
    an_index,
    embedded,
    hash_of,
    nearest,
    some_texts,
    until,
    until_ready,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ckit_daemon.services.rag.index import SemanticIndex

pytestmark = pytest.mark.asyncio

# Chroma writes the index itself, and not only its log, after a thousand vectors.
TEXTS = some_texts(1100)
NAME = "offline/counting"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "FIRST_RETRY_SECONDS", 0.05)


async def pid_of(index: SemanticIndex) -> int:
    """The process of the store that answers."""
    side = index._sides.answering
    assert side is not None
    assert side.replica._process is not None
    return side.replica._process.pid


def files(folder: Path, pattern: str) -> Path:
    (found,) = (folder / "repository" / slug(NAME) / "replica-0").glob(f"*/{pattern}")
    return found


def garble(file: Path) -> None:
    file.write_bytes(random.Random(1).randbytes(file.stat().st_size))


def garble_the_middle(file: Path) -> None:
    data = file.read_bytes()
    third = len(data) // 3
    file.write_bytes(data[:third] + random.Random(1).randbytes(third) + data[2 * third :])


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def empty(file: Path) -> None:
    os.truncate(file, 0)


def delete(file: Path) -> None:
    file.unlink()


DAMAGES = [
    ("chroma.sqlite3", garble_the_middle),
    ("chroma.sqlite3", empty),
    ("chroma.sqlite3", delete),
    ("*/data_level0.bin", garble),
    ("*/data_level0.bin", cut),
    ("*/data_level0.bin", delete),
    ("*/header.bin", garble),
    ("*/index_metadata.pickle", delete),
    ("*/length.bin", garble),
    ("*/link_lists.bin", cut),
]


@pytest.mark.parametrize(("pattern", "harm"), DAMAGES, ids=[f"{p.split('/')[-1]}-{h.__name__}" for p, h in DAMAGES])
async def test_a_damaged_store_is_filled_again_without_embedding(
    pattern: str, harm: Callable[[Path], None], tmp_path: Path
) -> None:
    corpus = a_corpus(TEXTS)
    async with an_index(tmp_path) as index:
        await until_ready(index, corpus)
    harm(files(tmp_path, pattern))
    embedder = CountingEmbedder()
    async with an_index(tmp_path, embedder) as index:
        await until_ready(index, corpus)
        assert embedder.texts == []
        for text in TEXTS[::100]:
            assert await nearest(index, corpus, text) == text
        assert len(await index.search(embedded("anything"), 2000)) == len(TEXTS)


async def test_a_store_that_holds_other_vectors_than_were_embedded_is_made_anew(tmp_path: Path) -> None:
    corpus = a_corpus(TEXTS[:90])
    async with an_index(tmp_path) as index:
        await until_ready(index, corpus)
    # The cache is right by definition; it is easier to change.
    cache = SqliteVectorCache(tmp_path / "vectors.db")
    await cache.clear(NAME)
    async with an_index(tmp_path / "other", CountingEmbedder(salt="other"), cache=cache) as other:
        await until_ready(other, corpus)
    embedder = CountingEmbedder(salt="other")
    async with an_index(tmp_path, embedder) as index:
        await until_ready(index, corpus)
        assert embedder.texts == []
        assert await nearest(index, corpus, TEXTS[8]) == TEXTS[8]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
async def test_the_sudden_end_of_the_store_is_noticed_and_mended_without_a_query(tmp_path: Path) -> None:
    corpus, embedder = a_corpus(TEXTS[:90]), CountingEmbedder()
    async with an_index(tmp_path, embedder) as index:
        await until_ready(index, corpus)
        before = await pid_of(index)
        os.kill(before, signal.SIGKILL)
        await until(lambda: index.status().state != "ready")
        assert index.status().reason
        await until(lambda: index.status().state == "ready")
        assert await pid_of(index) != before
        assert await nearest(index, corpus, TEXTS[8]) == TEXTS[8]
        assert len(embedder.texts) == 90


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
async def test_what_a_store_held_that_is_gone_is_not_counted_as_found_by_meaning(tmp_path: Path) -> None:
    async with an_index(tmp_path) as index:
        await until_ready(index, a_corpus(TEXTS[:20]))
        await asyncio.to_thread(shutil.rmtree, tmp_path / "repository")
        (tmp_path / "repository").write_text("a file where a folder should be")
        os.kill(await pid_of(index), signal.SIGKILL)
        await until(lambda: index.status().state == "degraded")
        assert (index.status().embedded, index.status().chunks) == (0, 20)
        (tmp_path / "repository").unlink()
        await until(lambda: index.status().state == "ready")
        assert index.status().embedded == 20


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
async def test_a_store_that_hangs_is_ended_and_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = a_corpus(TEXTS[:90])
    async with an_index(tmp_path) as index:
        await until_ready(index, corpus)
        side = index._sides.answering
        assert side is not None
        os.kill(await pid_of(index), signal.SIGSTOP)
        with monkeypatch.context() as patched:
            patched.setattr("ckit_daemon.services.rag.replica.CALL_SECONDS", 0.3)
            with pytest.raises(DegradedError, match="damaged"):
                await index.search(embedded(TEXTS[8]), 1)
        await until(lambda: index.status().state == "ready" and index._sides.answering is not side)
        assert await nearest(index, corpus, TEXTS[8]) == TEXTS[8]


async def test_an_embedder_that_is_down_is_said_and_tried_again_until_it_works(tmp_path: Path) -> None:
    embedder = CountingEmbedder(fail=ProviderUnavailableError("The provider test can't be reached."))
    corpus = a_corpus(TEXTS[:90])
    async with an_index(tmp_path, embedder) as index:
        index.follow(corpus)
        await until(lambda: index.status().state == "degraded")
        assert index.status().reason == "The provider test can't be reached. It is tried again by itself."
        assert index.status().embedded == 0
        # Another daemon may try its luck: the lease is given back soon after.
        await until(lambda: index.status().writer == "none")
        with pytest.raises(DegradedError, match="can't be reached"):
            await index.search(embedded(TEXTS[8]), 1)
        with pytest.raises(DegradedError, match="can't be reached"):
            await index.build(SILENT, rebuild=False)
        embedder.fail = None
        await until(lambda: index.status().state == "ready")
        assert index.status().reason is None
        assert await nearest(index, corpus, TEXTS[8]) == TEXTS[8]


async def test_an_embedder_that_fails_in_the_middle_loses_nothing_that_it_has_made(tmp_path: Path) -> None:
    embedder = CountingEmbedder(hold_after=304)
    corpus = a_corpus(some_texts(600))
    async with an_index(tmp_path, embedder) as index:
        index.follow(corpus)
        await until(lambda: embedder.holds)
        embedder.fail = ProviderUnavailableError("It broke off.")
        embedder.release.set()
        await until(lambda: index.status().state == "degraded")
        assert index.status().embedded == len(embedder.texts) == 320
        embedder.fail = None
        await until(lambda: index.status().state == "ready")
        assert len(embedder.texts) == 600


async def test_an_embedder_that_fails_a_query_is_watched_until_it_works(tmp_path: Path) -> None:
    embedder, corpus = CountingEmbedder(), a_corpus(TEXTS[:20])
    async with an_index(tmp_path, embedder) as index:
        await until_ready(index, corpus)
        embedder.fail = ProviderUnavailableError("The provider test can't be reached.")
        with pytest.raises(DegradedError, match="can't be reached"):
            await index.search(embedded(TEXTS[8]), 1)
        await until(lambda: index.status().state == "degraded")
        assert "can't be reached" in (index.status().reason or "")
        embedder.fail = None
        await until(lambda: index.status().state == "ready")
        assert await nearest(index, corpus, TEXTS[8]) == TEXTS[8]


async def test_a_query_does_not_wait_for_a_slow_embedder_and_the_next_one_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder, corpus = CountingEmbedder(), a_corpus(TEXTS[:20])
    async with an_index(tmp_path, embedder) as index:
        await until_ready(index, corpus)
        monkeypatch.setattr(open_sides, "QUERY_SECONDS", 0.05)
        embedder.seconds, embedder.hold_after = 3600, 0
        with pytest.raises(DegradedError, match=r"did not answer within 0\.05 s"):
            await index.search(embedded(TEXTS[8]), 1)
        assert index.status().state == "ready"
        monkeypatch.setattr(open_sides, "QUERY_SECONDS", 3600)
        async with asyncio.timeout(60):
            with pytest.raises(DegradedError, match=r"did not answer within 0\.05 s"):
                await index.search(embedded(TEXTS[8]), 1)
        await until(lambda: embedder.holds)
        embedder.seconds = 0
        embedder.release.set()
        await until(lambda: PROBE in embedder.texts)
        assert await nearest(index, corpus, TEXTS[8]) == TEXTS[8]


@pytest.mark.parametrize(
    "error",
    [ContextTooLongError("too long"), ProviderError("refused by a filter", details={"status": 400})],
    ids=["too long", "refused"],
)
async def test_a_passage_that_the_embedder_refuses_costs_only_itself(error: Exception, tmp_path: Path) -> None:
    class Picky(CountingEmbedder):
        async def embed(self, texts, *, interactive):  # pyright: ignore  # noqa: PGH003
            if any("bad" in text for text in texts):
                raise error
            return await super().embed(texts, interactive=interactive)

    corpus = a_corpus([*TEXTS[:60], "bad one", "bad two"])
    async with an_index(tmp_path, Picky()) as index:
        status = await until_ready(index, corpus)
        assert (status.chunks, status.embedded) == (62, 60)
        assert status.reason == "2 passages are searched by words only: the embedder refuses them."
        assert await nearest(index, corpus, TEXTS[8]) == TEXTS[8]


async def test_vectors_of_another_dimension_make_the_index_anew(tmp_path: Path) -> None:
    embedder, corpus = CountingEmbedder(), a_corpus(TEXTS[:90])
    async with an_index(tmp_path, embedder) as index:
        await until_ready(index, corpus)
        embedder.dimension, embedder.hold_after = 24, 100
        with pytest.raises(DegradedError, match="embedder has changed"):
            await index.search(embedded(TEXTS[8]), 1)
        await until(lambda: embedder.holds)
        status = index.status()
        assert (status.state, status.reason) == ("building", "The embedder has changed, and the index is made anew.")
        embedder.release.set()
        await until(lambda: index.status().state == "ready")
        assert index.status().dimension == 24
        assert await nearest(index, corpus, TEXTS[8]) == TEXTS[8]
        assert len(embedder.texts) == 180


async def test_another_model_by_the_same_name_makes_the_index_anew(tmp_path: Path) -> None:
    corpus = a_corpus(TEXTS[:90])
    async with an_index(tmp_path, CountingEmbedder("ollama/model")) as index:
        await until_ready(index, corpus)
    embedder = CountingEmbedder("ollama/model", salt="another model")
    changed = a_corpus([*TEXTS[:90], "quite new"], version=2)
    async with an_index(tmp_path, embedder) as index:
        await until_ready(index, changed)
        assert await nearest(index, changed, TEXTS[8]) == TEXTS[8]
        assert set(embedder.texts) == {embedded(text) for text in (*TEXTS[:90], "quite new")}


async def test_a_cache_of_several_dimensions_is_forgotten(tmp_path: Path) -> None:
    corpus, embedder = a_corpus(TEXTS[:90]), CountingEmbedder()
    cache = SqliteVectorCache(tmp_path / "vectors.db")
    await cache.put(NAME, {hash_of(TEXTS[0]): bytes(8), hash_of(TEXTS[1]): bytes(4 * 24)})
    async with an_index(tmp_path, embedder, cache=cache) as index:
        await until_ready(index, corpus)
        assert await nearest(index, corpus, TEXTS[0]) == TEXTS[0]


async def test_a_damaged_cache_is_set_aside_and_the_index_is_still_there(tmp_path: Path) -> None:
    corpus, embedder = a_corpus(TEXTS[:90]), CountingEmbedder()
    async with an_index(tmp_path, embedder) as index:
        await until_ready(index, corpus)
    (tmp_path / "vectors.db").write_bytes(b"no database at all" * 1000)
    async with an_index(tmp_path, embedder) as index:
        changed = a_corpus([*TEXTS[:90], "quite new"], version=2)
        await until_ready(index, changed)
        assert await nearest(index, changed, "quite new") == "quite new"
        assert len(embedder.texts) == 91
    assert [*tmp_path.glob("vectors.db.damaged-*")]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], check=False, capture_output=True
    ).returncode:
        pytest.skip("only root can mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


async def remount(disk: Path, option: str) -> None:
    await asyncio.to_thread(subprocess.run, ["mount", "-o", f"remount,{option}", str(disk)], check=True)


@pytest.mark.skipif(sys.platform == "win32", reason="a small disk can be mounted on Linux")
async def test_a_full_disk_is_said_and_the_index_goes_on_when_there_is_room(small_disk: Path) -> None:
    embedder, corpus = CountingEmbedder(dimension=384), a_corpus(some_texts(600))
    async with an_index(small_disk, embedder) as index:
        index.follow(corpus)
        await until(lambda: "disk is full" in (index.status().reason or ""))
        assert index.status().state == "degraded"
        await remount(small_disk, "size=60m")
        await until(lambda: index.status().state == "ready")
        assert await nearest(index, corpus, some_texts(600)[8]) == some_texts(600)[8]
        assert index.status().embedded == 600


@pytest.mark.skipif(sys.platform == "win32", reason="a small disk can be mounted on Linux")
@pytest.mark.parametrize("cache_fits", [False, True])
async def test_nobody_waits_for_a_store_without_room_and_it_is_not_called_damaged(
    small_disk: Path, tmp_path: Path, cache_fits: bool
) -> None:
    await remount(small_disk, "size=1m")
    embedder, corpus, said = CountingEmbedder(dimension=384), a_corpus(some_texts(600)), set[str]()
    cache = SqliteVectorCache((tmp_path if cache_fits else small_disk) / "vectors.db")
    async with an_index(small_disk, embedder, cache=cache) as index:
        index.follow(corpus)
        await until(lambda: index.status().state == "degraded")
        # What Chroma is to write after it had no room may never end.
        async with asyncio.timeout(20):
            while index._standing._failures < 2:
                with contextlib.suppress(DegradedError):
                    await index.search(embedded("anything"), 3)
                said.add(index.status().reason or "")
                await asyncio.sleep(0)
        assert any("the disk is full" in each for each in said)
        assert not any("damaged" in each or "does not work" in each for each in said)
        await remount(small_disk, "size=60m")
        await until(lambda: index.status().state == "ready")
        assert await nearest(index, corpus, some_texts(600)[8]) == some_texts(600)[8]


async def test_a_disk_that_fails_a_query_is_said_until_it_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise StorageError("The index can't be read: the disk is full.")

    async with an_index(tmp_path) as index:
        await until_ready(index, a_corpus(TEXTS[:20]))
        side = index._sides.answering
        assert side is not None
        with monkeypatch.context() as patched:
            patched.setattr(side.replica, "query", refuse)
            with pytest.raises(DegradedError, match="the disk is full"):
                await index.search(embedded(TEXTS[8]), 1)
            assert index.status().state == "degraded"
        await until(lambda: index.status().state == "ready")


@pytest.mark.skipif(sys.platform == "win32", reason="a small disk can be mounted on Linux")
async def test_a_disk_that_becomes_read_only_is_said_and_searched_as_long_as_that_works(small_disk: Path) -> None:
    embedder, corpus = CountingEmbedder(), a_corpus(TEXTS[:90])
    async with an_index(small_disk, embedder) as index:
        await remount(small_disk, "ro")
        index.follow(corpus)
        await until(lambda: index.status().state == "degraded")
        assert "read-only" in (index.status().reason or "").lower()
        await remount(small_disk, "rw")
        await until(lambda: index.status().state == "ready")
        assert await nearest(index, corpus, TEXTS[8]) == TEXTS[8]


async def test_a_folder_that_can_t_be_made_is_said_and_used_once_it_can(tmp_path: Path) -> None:
    (tmp_path / "repository").write_text("a file where a folder should be")
    corpus = a_corpus(TEXTS[:20])
    async with an_index(tmp_path) as index:
        index.follow(corpus)
        await until(lambda: index.status().state == "degraded")
        assert "index can't be written" in (index.status().reason or "")
        (tmp_path / "repository").unlink()
        await until(lambda: index.status().state == "ready")


async def test_a_folder_that_somebody_deletes_is_made_again(tmp_path: Path) -> None:
    corpus, embedder = a_corpus(TEXTS[:90]), CountingEmbedder()
    async with an_index(tmp_path, embedder) as index:
        await until_ready(index, corpus)
        await asyncio.to_thread(shutil.rmtree, tmp_path / "repository")
        changed = a_corpus([*TEXTS[:90], "quite new"], version=2)
        await until_ready(index, changed)
        assert await nearest(index, changed, "quite new") == "quite new"
        assert await nearest(index, changed, TEXTS[8]) == TEXTS[8]


async def test_clearing_a_folder_that_the_disk_keeps_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    async with an_index(tmp_path) as index:
        await until_ready(index, a_corpus(TEXTS[:20]))
        monkeypatch.setattr("ckit_daemon.services.rag.sides.shutil.rmtree", refuse)
        with pytest.raises(StorageError, match="can't be deleted: Permission denied"):
            await index.clear()


async def test_what_stands_in_the_environment_or_in_the_current_folder_is_none_of_the_store_s_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    (hostile / ".env").write_text("IS_PERSISTENT=neither\nCHROMA_API_IMPL=nobody.knows.This\n")
    monkeypatch.chdir(hostile)
    monkeypatch.setenv("CHROMA_SERVER_NOFILE", "many")
    monkeypatch.setenv("CHROMA_API_IMPL", "chromadb.api.fastapi.FastAPI")
    monkeypatch.setenv("ANONYMIZED_TELEMETRY", "perhaps")
    monkeypatch.setenv("MIGRATIONS", "never")
    corpus = a_corpus(TEXTS[:20])
    async with an_index(tmp_path) as index:
        await until_ready(index, corpus)
        assert await nearest(index, corpus, TEXTS[8]) == TEXTS[8]
