"""The cache of vectors on disk: shared by daemons, bounded, and mended when it is damaged."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.core.errors import StorageError
from ckit_daemon.storage.database import Database
from ckit_daemon.storage.schema import Migration, packaged_migrations
from ckit_daemon.storage.vectors import BATCH, DAY_SECONDS, SqliteVectorCache

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.asyncio

ONE = "offline/one"
TWO = "openai/two"
MANY = 1000


def vectors(*names: str, mark: bytes = b"") -> dict[str, bytes]:
    return {name: mark + name.encode() * 8 for name in names}


async def test_vectors_come_back_as_they_were_and_each_embedder_has_its_own(tmp_path: Path) -> None:
    cache = SqliteVectorCache(tmp_path / "rag" / "vectors.db")
    many = [f"h{number}" for number in range(2 * BATCH + 3)]
    await cache.put(ONE, vectors(*many))
    await cache.put(TWO, vectors("h1", mark=b"two"))
    assert await cache.get(ONE, many) == vectors(*many)
    assert await cache.get(TWO, [*many, "unknown"]) == vectors("h1", mark=b"two")
    assert await cache.known(ONE, ["h1", "h2", "unknown"]) == {"h1", "h2"}
    assert await cache.known(ONE, []) == set()
    await cache.aclose()


async def test_two_daemons_see_at_once_what_the_other_has_put(tmp_path: Path) -> None:
    one, two = (SqliteVectorCache(tmp_path / "vectors.db") for _ in range(2))
    await asyncio.gather(
        *(
            cache.put(ONE, vectors(f"{name}{number}"))
            for name, cache in (("a", one), ("b", two))
            for number in range(40)
        )
    )
    everything = [f"{name}{number}" for name in "ab" for number in range(40)]
    assert await one.get(ONE, everything) == await two.get(ONE, everything) == vectors(*everything)
    await one.aclose()
    await two.aclose()


async def test_forgetting_takes_what_it_is_told_and_no_more(tmp_path: Path) -> None:
    cache = SqliteVectorCache(tmp_path / "vectors.db")
    await cache.put(ONE, vectors("a", "b", "c"))
    await cache.put(TWO, vectors("a", "b"))
    assert await cache.forget(ONE, ["a", "unknown"]) == 1
    assert await cache.known(ONE, ["a", "b", "c"]) == {"b", "c"}
    assert await cache.clear(ONE) == 2
    assert await cache.known(TWO, ["a", "b"]) == {"a", "b"}
    assert await cache.clear() == 2
    await cache.aclose()


async def test_what_was_used_longest_ago_goes_first_and_what_is_in_use_never(tmp_path: Path) -> None:
    now = 100 * DAY_SECONDS
    cache = SqliteVectorCache(tmp_path / "vectors.db", lambda: now)
    await cache.put(ONE, vectors("old"))
    await cache.put(TWO, vectors("in use"))
    now += DAY_SECONDS
    await cache.put(ONE, vectors("a", "b", "c"))
    now += DAY_SECONDS
    await cache.touch(TWO, ["in use", "unknown"])
    assert await cache.trim(TWO, 10, ["in use"], MANY) == 0
    assert await cache.trim(ONE, 3, ["c"], MANY) == 2
    assert await cache.known(ONE, ["old", "a", "b", "c"]) == {"b", "c"}
    # It was the oldest, until it was said to be in use.
    assert await cache.known(TWO, ["in use"]) == {"in use"}
    assert await cache.trim(ONE, 0, ["b", "c"], MANY) == 1
    assert await cache.known(ONE, ["b", "c"]) == {"b", "c"}
    await cache.aclose()


async def test_no_more_is_forgotten_at_once_than_was_asked_for(tmp_path: Path) -> None:
    cache = SqliteVectorCache(tmp_path / "vectors.db")
    await cache.put(ONE, vectors("a", "b", "c", "d"))
    assert [await cache.trim(ONE, 1, [], 2) for _ in range(3)] == [2, 1, 0]
    assert await cache.known(ONE, ["a", "b", "c", "d"]) == {"d"}
    await cache.aclose()


async def test_R36_what_is_in_use_is_not_looked_through_for_each_row(tmp_path: Path) -> None:
    class OnlyOnce(list[str]):
        def __contains__(self, _: object) -> bool:
            raise AssertionError("a search through a list, while no other daemon can write")

    cache = SqliteVectorCache(tmp_path / "vectors.db")
    await cache.put(ONE, vectors("a", "b", "c"))
    assert await cache.trim(ONE, 1, OnlyOnce(["b"]), MANY) == 2
    assert await cache.known(ONE, ["a", "b", "c"]) == {"b"}
    await cache.aclose()


async def test_a_damaged_file_is_set_aside_and_a_new_one_takes_its_place(tmp_path: Path) -> None:
    file = tmp_path / "vectors.db"
    cache = SqliteVectorCache(file)
    await cache.put(ONE, vectors("a"))
    await cache.aclose()
    file.write_bytes(b"no database at all" * 500)
    cache = SqliteVectorCache(file)
    assert await cache.get(ONE, ["a"]) == {}
    await cache.put(ONE, vectors("b"))
    assert await cache.get(ONE, ["a", "b"]) == vectors("b")
    await cache.aclose()
    assert [*tmp_path.glob("vectors.db.damaged-*")]


async def test_a_file_of_a_newer_version_is_left_alone_and_the_reason_speaks_of_vectors(tmp_path: Path) -> None:
    file = tmp_path / "vectors.db"
    newer = Database(file, [*packaged_migrations("vector_migrations"), Migration("9999_newer", "CREATE TABLE t (x)")])
    await newer.write(lambda _: None)
    await newer.aclose()
    cache = SqliteVectorCache(file)
    with pytest.raises(StorageError, match=r"database of vectors was written by a newer version.*paths\.cacheDir"):
        await cache.known(ONE, ["a"])
    await cache.aclose()


async def test_a_folder_that_can_t_be_made_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "rag").write_text("a file where a folder should be")
    cache = SqliteVectorCache(tmp_path / "rag" / "vectors.db")
    with pytest.raises(StorageError, match="database of vectors can't be used"):
        await cache.put(ONE, vectors("a"))
    await cache.aclose()
