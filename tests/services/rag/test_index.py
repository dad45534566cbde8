"""The index of one daemon: real SQLite, a real Chroma in its child process, and an embedder that counts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ckit_daemon.core.errors import DegradedError, OperationCancelledError
from ckit_daemon.core.progress import SILENT
from ckit_daemon.services.rag import filling, sides, tidying
from ckit_daemon.services.rag.replica import Replica
from ckit_daemon.services.rag.standing import CANCELLED
from ckit_daemon.storage.vectors import SqliteVectorCache
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
    vector_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

pytestmark = pytest.mark.asyncio

TEXTS = some_texts(90)


async def test_every_passage_is_found_by_what_it_says_and_by_nothing_less(tmp_path: Path) -> None:
    corpus, embedder = a_corpus(TEXTS), CountingEmbedder()
    async with an_index(tmp_path, embedder) as index:
        assert index.status().state == "absent"
        status = await until_ready(index, corpus)
        assert (status.chunks, status.embedded, status.dimension) == (90, 90, embedder.dimension)
        assert (status.embedder, status.writer, status.reason) == (embedder.name, "none", None)
        assert status.bytes > 90 * 4 * embedder.dimension
        assert sorted(embedder.texts) == sorted(map(embedded, TEXTS))
        for text in TEXTS[::9]:
            assert await nearest(index, corpus, text) == text
        hits = await index.search(embedded("something else"), 30)
        assert len(hits) == len({hit.hash for hit in hits}) == 30
        expected = sorted(
            (float(vector_of(embedded("something else")) @ vector_of(embedded(t))) for t in TEXTS), reverse=True
        )
        np.testing.assert_allclose([hit.similarity for hit in hits], expected[:30], atol=1e-4)
        assert len(await index.search(embedded(TEXTS[0]), 10**6)) == 90
        assert await index.search(embedded(TEXTS[0]), 0) == []


async def test_only_what_is_new_is_embedded_and_what_is_gone_is_never_found(tmp_path: Path) -> None:
    embedder = CountingEmbedder()
    async with an_index(tmp_path, embedder) as index:
        await until_ready(index, a_corpus(TEXTS))
        embedder.texts.clear()
        changed = a_corpus([*TEXTS[5:], "quite new"], version=2)
        status = await until_ready(index, changed)
        assert embedder.texts == [embedded("quite new")]
        assert (status.chunks, status.embedded, status.version) == (86, 86, 2)
        assert await nearest(index, changed, "quite new") == "quite new"
        gone = await index.search(embedded(TEXTS[0]), 90)
        assert len(gone) == 86
        assert hash_of(TEXTS[0]) not in {hit.hash for hit in gone}
        # A branch brings back what was there before.
        await until_ready(index, a_corpus(TEXTS, version=3))
        assert len(embedder.texts) == 1


async def test_renames_and_copies_embed_nothing(tmp_path: Path) -> None:
    embedder = CountingEmbedder()
    async with an_index(tmp_path, embedder) as index:
        await until_ready(index, a_corpus(TEXTS))
        embedder.texts.clear()
        status = await until_ready(index, a_corpus([*reversed(TEXTS), *TEXTS[:10]], version=2))
        assert embedder.texts == []
        assert (status.chunks, status.embedded) == (100, 100)


async def test_a_changed_passage_comes_before_the_rest_of_the_first_index(tmp_path: Path) -> None:
    embedder = CountingEmbedder(hold_after=150)
    async with an_index(tmp_path, embedder) as index:
        index.follow(a_corpus(some_texts(2000)))
        await until(lambda: embedder.holds)
        changed = a_corpus([*some_texts(2000), "quite new"], version=2)
        index.follow(changed)
        embedder.release.set()
        await until(lambda: embedded("quite new") in embedder.texts)
        # What was begun was ended, and then came what is new.
        assert embedder.texts.index(embedded("quite new")) == 176
        await until_ready(index, changed)
        assert await nearest(index, changed, "quite new") == "quite new"


async def test_the_status_tells_who_embeds_and_how_long_the_rest_takes(tmp_path: Path) -> None:
    embedder = CountingEmbedder(hold_after=400)
    async with an_index(tmp_path, embedder) as index:
        index.follow(a_corpus(some_texts(2000)))
        await until(lambda: embedder.holds)
        status = index.status()
        assert (status.state, status.writer, status.chunks) == ("building", "this", 2000)
        assert 256 <= status.embedded <= 400
        assert status.seconds_left is not None
        assert 0 < status.seconds_left < 300


async def test_the_next_daemon_embeds_nothing_and_finds_everything(tmp_path: Path) -> None:
    corpus = a_corpus(TEXTS)
    async with an_index(tmp_path) as index:
        await until_ready(index, corpus)
    embedder = CountingEmbedder()
    async with an_index(tmp_path, embedder) as index:
        await until_ready(index, corpus)
        assert embedder.texts == []
        assert await nearest(index, corpus, TEXTS[3]) == TEXTS[3]
    assert [each.name for each in sorted((tmp_path / "repository").glob("*/replica-*"))] == [
        "replica-0",
        "replica-0.lock",
    ]


async def test_another_repository_takes_over_the_vectors_of_the_same_texts(tmp_path: Path) -> None:
    corpus = a_corpus(TEXTS)
    cache = SqliteVectorCache(tmp_path / "vectors.db")
    async with an_index(tmp_path / "one", cache=cache) as index:
        await until_ready(index, corpus)
        embedder = CountingEmbedder()
        async with an_index(tmp_path / "two", embedder, cache=cache) as other:
            await until_ready(other, corpus)
            assert await nearest(other, corpus, TEXTS[3]) == TEXTS[3]
        assert embedder.texts == []


async def test_two_daemons_embed_each_passage_once_and_both_find_all(tmp_path: Path) -> None:
    one, two = CountingEmbedder(hold_after=200), CountingEmbedder()
    texts = some_texts(600)
    corpus = a_corpus(texts)
    async with an_index(tmp_path, one) as first, an_index(tmp_path, two) as second:
        first.follow(corpus)
        await until(lambda: one.holds)
        second.follow(corpus)
        await until(lambda: second.status().writer == "another")
        assert first.status().writer == "this"
        assert "Another daemon embeds" in (second.status().reason or "")
        # What the first one has stored by now is found by the second one while it waits.
        await until(lambda: second.status().embedded >= 64)
        assert await second.search(embedded(texts[0]), 1)
        one.release.set()
        await until(lambda: first.status().state == second.status().state == "ready")
        assert (len(one.texts), two.texts) == (600, [])
        for index in (first, second):
            assert await nearest(index, corpus, texts[400]) == texts[400]
    assert {each.name for each in (tmp_path / "repository").glob("*/replica-*")} == {
        "replica-0", "replica-0.lock", "replica-1", "replica-1.lock"
    }  # fmt: skip


async def test_the_writer_s_end_is_noticed_and_another_daemon_goes_on(tmp_path: Path) -> None:
    one, two = CountingEmbedder(hold_after=100), CountingEmbedder()
    corpus = a_corpus(some_texts(600))
    async with an_index(tmp_path, two) as second:
        async with an_index(tmp_path, one) as first:
            first.follow(corpus)
            await until(lambda: one.holds)
            second.follow(corpus)
            await until(lambda: second.status().writer == "another")
        await until(lambda: bool(two.texts))
        await until(lambda: second.status().state == "ready")
        assert len(one.texts) + len(two.texts) == 600


async def test_build_tells_how_far_it_is_and_returns_when_all_is_there(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []

    class Progress:
        def report(self, done: int, total: int, message: str) -> None:
            told.append((done, total))

    async with an_index(tmp_path, CountingEmbedder(seconds=0.001)) as index:
        index.follow(a_corpus(some_texts(400)))
        await index.build(Progress(), rebuild=False)
        assert index.status().state == "ready"
    assert {total for _, total in told} == {400}
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert any(0 < done < 400 for done, _ in told)


async def test_a_cancelled_build_stops_keeps_what_it_has_and_goes_on_when_asked(tmp_path: Path) -> None:
    class Cancelling:
        def report(self, done: int, total: int, message: str) -> None:
            if done >= 64:
                raise OperationCancelledError("no more")

    embedder = CountingEmbedder(seconds=0.002)
    corpus = a_corpus(some_texts(600))
    async with an_index(tmp_path, embedder) as index:
        index.follow(corpus)
        with pytest.raises(OperationCancelledError):
            await index.build(Cancelling(), rebuild=False)
        await until(lambda: index.status().writer == "none")
        status, count = index.status(), len(embedder.texts)
        assert (status.state, status.reason) == ("degraded", CANCELLED)
        assert 64 <= status.embedded <= count < 600
        index.follow(corpus)
        assert index.status().state == "degraded"
        assert await index.search(embedded("anything"), 3)
        await index.build(SILENT, rebuild=False)
        assert (index.status().state, len(embedder.texts)) == ("ready", 600)


async def test_rebuilding_embeds_everything_once_more(tmp_path: Path) -> None:
    embedder, corpus = CountingEmbedder(), a_corpus(TEXTS)
    async with an_index(tmp_path, embedder) as index:
        await until_ready(index, corpus)
        embedder.salt = "other"
        await index.build(SILENT, rebuild=True)
        assert len(embedder.texts) == 180
        assert await nearest(index, corpus, TEXTS[4]) == TEXTS[4]


async def test_clearing_deletes_it_all_and_says_how_much_that_was(tmp_path: Path) -> None:
    embedder, corpus = CountingEmbedder(), a_corpus(TEXTS)
    cache = SqliteVectorCache(tmp_path / "vectors.db")
    async with an_index(tmp_path, embedder, cache=cache) as index:
        await until_ready(index, corpus)
        await cache.put(embedder.name, {"of another repository": b"1234"})
        assert await index.clear() == 90
        assert index.status().state == "absent"
        assert not [*(tmp_path / "repository").glob("*")]
        assert await cache.known(embedder.name, [*corpus.by_hash, "of another repository"]) == {"of another repository"}
        with pytest.raises(DegradedError, match="Nothing has been indexed yet"):
            await index.search("anything", 3)
        await until_ready(index, corpus)
        assert len(embedder.texts) == 180


async def test_a_daemon_that_has_not_searched_yet_can_clear_as_well(tmp_path: Path) -> None:
    corpus = a_corpus(TEXTS)
    async with an_index(tmp_path) as index:
        await until_ready(index, corpus)
    async with an_index(tmp_path) as index:
        index.follow(corpus)
        assert await index.clear() == 90
    assert not [*(tmp_path / "repository").glob("*")]


async def test_clearing_waits_for_no_embedder_and_who_waits_for_the_index_is_told(tmp_path: Path) -> None:
    embedder = CountingEmbedder(hold_after=0)
    async with an_index(tmp_path, embedder) as index:
        index.follow(a_corpus(TEXTS))
        building = asyncio.create_task(index.build(SILENT, rebuild=False))
        await until(lambda: embedder.holds)
        assert await index.clear() == 0
        with pytest.raises(DegradedError, match="cleared in the meantime"):
            await building
        assert index.status().state == "absent"


async def test_similarities_are_the_cosines_of_what_is_known(tmp_path: Path) -> None:
    async with an_index(tmp_path) as index:
        await until_ready(index, a_corpus(TEXTS))
        asked = ["one sentence", embedded(TEXTS[1])]
        found = await index.similarities(asked, [hash_of(TEXTS[0]), hash_of(TEXTS[1]), "unknown"])
        assert set(found) == {hash_of(TEXTS[0]), hash_of(TEXTS[1])}
        for text in TEXTS[:2]:
            expected = [float(vector_of(each) @ vector_of(embedded(text))) for each in asked]
            np.testing.assert_allclose(found[hash_of(text)], expected, atol=1e-4)
        assert await index.similarities([], [hash_of(TEXTS[0])]) == {}


async def test_another_embedder_is_built_beside_the_old_one_which_answers_until_then(tmp_path: Path) -> None:
    old, new = CountingEmbedder("offline/old"), CountingEmbedder("openai/new", dimension=24, hold_after=0)
    both = {"old": old, "new": new}
    chosen = settings_with(models={"embeddings": "old"})
    corpus = a_corpus(TEXTS)
    async with an_index(tmp_path, embedders=both.__getitem__, settings=lambda: chosen) as index:
        await until_ready(index, corpus)
        chosen = settings_with(models={"embeddings": "new"})
        changed = a_corpus([*TEXTS, "quite new"], version=2)
        index.follow(changed)
        await until(lambda: index.status().building_embedder == "openai/new")
        status = index.status()
        assert (status.state, status.embedder, status.dimension) == ("building", "offline/old", 16)
        assert await nearest(index, changed, TEXTS[7]) == TEXTS[7]
        new.release.set()
        await until(lambda: index.status().state == "ready")
        status = index.status()
        assert (status.embedder, status.dimension, status.building_embedder) == ("openai/new", 24, None)
        assert (status.embedded, len(new.texts)) == (91, 91)
        assert await nearest(index, changed, "quite new") == "quite new"
        await until(lambda: len([*(tmp_path / "repository").glob("*")]) == 1)
        # What the old one has embedded is kept.
        chosen = settings_with(models={"embeddings": "old"})
        old.texts.clear()
        await until_ready(index, a_corpus(TEXTS, version=3))
        assert (index.status().embedder, old.texts) == ("offline/old", [])


async def test_a_search_that_outlives_its_index_does_no_harm_to_the_next_one(tmp_path: Path) -> None:
    both = {"old": CountingEmbedder("offline/old"), "new": CountingEmbedder("offline/new")}
    chosen = settings_with(models={"embeddings": "old"})
    async with an_index(tmp_path, embedders=both.__getitem__, settings=lambda: chosen) as index:
        await until_ready(index, a_corpus(TEXTS))
        asked = await index.ask([embedded(TEXTS[7])])
        chosen = settings_with(models={"embeddings": "new"})
        await until_ready(index, a_corpus(TEXTS, version=2))
        with pytest.raises(DegradedError, match="ask again"):
            await asked.nearest(3)
        status = index.status()
        assert (status.state, status.reason, status.embedder) == ("ready", None, "offline/new")


async def test_after_a_restart_the_old_embedder_answers_until_the_new_one_can(tmp_path: Path) -> None:
    corpus = a_corpus(TEXTS)
    names = {"offline/old": CountingEmbedder("offline/old"), "": CountingEmbedder("offline/new", hold_after=0)}
    async with an_index(tmp_path, names["offline/old"]) as index:
        await until_ready(index, corpus)
    async with an_index(tmp_path, embedders=names.__getitem__) as index:
        index.follow(corpus)
        await until(lambda: index.status().embedder == "offline/old")
        assert await nearest(index, corpus, TEXTS[7]) == TEXTS[7]
        names[""].release.set()
        await until(lambda: index.status().state == "ready")
        assert index.status().embedder == "offline/new"


async def test_an_old_embedder_that_no_longer_works_hands_over_to_the_new_one(tmp_path: Path) -> None:
    old, new = CountingEmbedder("offline/old"), CountingEmbedder("offline/new", hold_after=200)
    both = {"old": old, "new": new}
    chosen = settings_with(models={"embeddings": "old"})
    corpus = a_corpus(some_texts(600))
    async with an_index(tmp_path, embedders=both.__getitem__, settings=lambda: chosen) as index:
        await until_ready(index, corpus)
        chosen = settings_with(models={"embeddings": "new"})
        old.fail = DegradedError("the old one is gone")
        index.follow(a_corpus(some_texts(600), version=2))
        await until(lambda: new.holds)
        assert index.status().state == "building"
        assert await index.search(embedded("anything"), 3)


async def test_vectors_of_passages_that_are_gone_are_deleted_when_there_are_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tidying, "STALE", 20)
    async with an_index(tmp_path) as index:
        await until_ready(index, a_corpus(TEXTS))
        fewer = a_corpus(TEXTS[60:], version=2)
        await until_ready(index, fewer)
        await index.build(SILENT, rebuild=False)
        side = index._sides.answering
        assert side is not None
        assert side.held == set(fewer.by_hash)
        found = await side.replica.query(vector_of(embedded(TEXTS[0])).tobytes(), 90)
        assert {hash_ for hash_, _ in found} == set(fewer.by_hash)


async def test_more_passages_than_the_settings_allow_are_left_to_the_words(tmp_path: Path) -> None:
    chosen = settings_with(rag={"maxPassages": 40})
    async with an_index(tmp_path, settings=lambda: chosen) as index:
        status = await until_ready(index, a_corpus(TEXTS))
        assert status.embedded == 40
        assert "Only 40 passages" in (status.reason or "")


async def test_the_pace_tells_how_long_the_rest_takes() -> None:
    now = 0.0
    pace = filling.Pace(lambda: now)
    assert pace.seconds_for(100) is None
    for _ in range(5):
        pace.add(10)
        now += 1.0
    assert pace.seconds_for(100) == 10.0
    pace.restart()
    assert pace.seconds_for(100) is None


@pytest.mark.parametrize(("seconds", "looks"), [(3600, 1), (0, 3)])
async def test_how_many_vectors_are_kept_is_looked_at_now_and_then_and_not_after_each_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, looks: int
) -> None:
    monkeypatch.setattr(tidying, "TRIM_SECONDS", seconds)
    kept: list[int] = []

    class WatchedCache(SqliteVectorCache):
        async def trim(self, embedder: str, max_rows: int, keep: Collection[str], most: int) -> int:
            kept.append(len(keep))
            return await super().trim(embedder, max_rows, keep, most)

    async with an_index(tmp_path, cache=WatchedCache(tmp_path / "vectors.db")) as index:
        for version in range(1, 4):
            index.follow(a_corpus(TEXTS[: 80 + version], version))
            await index.build(SILENT, rebuild=False)
    assert kept == [81, 82, 83][:looks]


async def test_what_comes_while_it_is_tidied_up_waits_for_one_step_and_the_rest_is_done_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tidying, "STALE", 0)
    monkeypatch.setattr(tidying, "DELETED", 10)
    monkeypatch.setattr(tidying, "TOUCHED", 10)
    embedder = CountingEmbedder()
    many, few, other = a_corpus(TEXTS, 1), a_corpus(TEXTS[:40], 2), a_corpus([*TEXTS[:40], "one more"], 3)
    steps: list[str] = []
    delete = Replica.delete

    class WatchedCache(SqliteVectorCache):
        async def touch(self, embedder: str, hashes: Collection[str]) -> None:
            note(f"touch {len(hashes)}")
            await super().touch(embedder, hashes)

        async def trim(self, embedder: str, max_rows: int, keep: Collection[str], most: int) -> int:
            note(f"trim {len(keep)}")
            return await super().trim(embedder, max_rows, keep, most)

    async def deleting(self: Replica, ids: Sequence[str]) -> None:
        note(f"delete {len(ids)}")
        await delete(self, ids)

    def note(step: str) -> None:
        # A new corpus comes with the first step of each kind.
        if step.split(maxsplit=1)[0] not in {each.split()[0] for each in steps}:
            index.follow(next(coming))
        steps.append(f"{step} with {len(embedder.texts)}")

    monkeypatch.setattr(Replica, "delete", deleting)
    async with an_index(tmp_path, embedder, cache=WatchedCache(tmp_path / "vectors.db")) as index:
        coming = iter([few, other, other])
        await until_ready(index, many)
        await index.build(SILENT, rebuild=False)
    assert steps == [
        # Of the first corpus, until the second comes.
        "touch 10 with 90",
        # Of the second, until the third comes, which is embedded before anything else is done.
        "delete 10 with 90",
        *["delete 10 with 91"] * 4,
        *["touch 10 with 91"] * 4,
        "touch 1 with 91",
        "trim 41 with 91",
    ]


@pytest.mark.parametrize(("lost", "folder"), [(4, "000001"), (5, "000002")])
async def test_a_store_is_only_made_anew_where_most_of_a_sample_do_not_find_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: int, folder: str
) -> None:
    async with an_index(tmp_path) as index:
        await until_ready(index, a_corpus(TEXTS))
    real = Replica.query
    asked: list[int] = []

    async def forgetful(self: Replica, vector: bytes, limit: int) -> list[tuple[str, float]]:
        asked.append(limit)
        return [] if len(asked) <= lost else await real(self, vector, limit)

    monkeypatch.setattr(Replica, "query", forgetful)
    async with an_index(tmp_path) as index:
        await until_ready(index, a_corpus(TEXTS))
        (found,) = (tmp_path / "repository").glob("*/replica-0/*")
        assert (found.name, len(asked)) == (folder, sides.ASKED)
        assert await nearest(index, a_corpus(TEXTS), TEXTS[5]) == TEXTS[5]
