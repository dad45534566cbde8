"""The cache of answers on disk."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.core.errors import StorageError
from ckit_daemon.settings import ModelsSettings, Settings
from ckit_daemon.storage.answers import ROW_BYTES, SqliteAnswerCache

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

pytestmark = pytest.mark.asyncio


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@contextlib.asynccontextmanager
async def opened(
    path: Path, *, max_bytes: int = 1_000_000, max_age: float = 1000.0, clock: Clock | None = None
) -> AsyncGenerator[SqliteAnswerCache]:
    settings = Settings(models=ModelsSettings(cache_max_bytes=max_bytes, cache_max_age_seconds=max_age))
    cache = SqliteAnswerCache(path, lambda: settings, clock or Clock())
    try:
        yield cache
    finally:
        await cache.aclose()


async def test_R20_what_was_kept_is_there_in_the_next_session_and_in_another_daemon(tmp_path: Path) -> None:
    path = tmp_path / "a" / "answers.db"
    async with opened(path) as cache:
        cache.put("k", b"answer")
        assert await cache.get("k") == b"answer"
        async with opened(path) as other:
            assert await other.get("k") == b"answer"
    async with opened(path) as cache:
        assert await cache.get("k") == b"answer"
        assert await cache.get("other") is None


async def test_R20_an_old_answer_is_only_given_when_asked_for_and_a_very_old_one_never(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path / "answers.db", max_age=100.0, clock=clock) as cache:
        cache.put("k", b"answer")
        assert await cache.get("k") == b"answer"
        clock.now += 100
        assert await cache.get("k") is None
        assert await cache.get("k", stale=True) == b"answer"
        clock.now += 100
        assert await cache.get("k", stale=True) is None
    async with opened(tmp_path / "answers.db", max_age=100.0, clock=clock):
        pass
    with contextlib.closing(sqlite3.connect(tmp_path / "answers.db")) as database:
        assert database.execute("SELECT count(*) FROM answer").fetchone() == (1,)
    async with opened(tmp_path / "answers.db", max_age=100.0, clock=clock) as cache:
        assert await cache.get("k") is None
    with contextlib.closing(sqlite3.connect(tmp_path / "answers.db")) as database:
        assert database.execute("SELECT count(*) FROM answer").fetchone() == (0,)


async def test_R20_the_cache_stays_within_its_size_and_the_least_recently_used_go_first(tmp_path: Path) -> None:
    size = 1000
    most = 10 * (size + ROW_BYTES)
    async with opened(tmp_path / "answers.db", max_bytes=most) as cache:
        for number in range(10):
            cache.put(f"{number}", bytes(size))
        assert await cache.get("0") is not None
        for number in range(10, 15):
            cache.put(f"{number}", bytes(size))
        kept = [number for number in range(15) if await cache.get(f"{number}") is not None]
        assert 8 <= len(kept) <= 10
        assert 0 in kept
        assert 1 not in kept
        assert kept[-5:] == [10, 11, 12, 13, 14]
        cache.put("huge", bytes(most))
        assert await cache.get("huge") is None


async def test_R20_clearing_says_how_many_answers_went(tmp_path: Path) -> None:
    async with opened(tmp_path / "answers.db") as cache:
        cache.put("a", b"1")
        cache.put("b", b"2")
        assert await cache.clear() == 2
        assert await cache.get("a") is None
        assert await cache.clear() == 0


@pytest.mark.parametrize("damage", [b"this is no database", b"SQLite format 3\0" + bytes(5000)])
async def test_a_damaged_cache_is_made_anew(tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "answers.db"
    path.write_bytes(damage)
    async with opened(path) as cache:
        assert await cache.get("k") is None
        cache.put("k", b"answer")
        assert await cache.get("k") == b"answer"
    assert "damaged" in caplog.text


async def test_a_cache_that_can_not_be_written_has_nothing_and_harms_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", "utf-8")
    async with opened(tmp_path / "file" / "answers.db") as cache:
        cache.put("k", b"answer")
        assert await cache.get("k") is None
        with pytest.raises(StorageError) as caught:
            await cache.clear()
        assert str(tmp_path) not in caught.value.message


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
async def test_nobody_else_may_read_the_cache(tmp_path: Path) -> None:
    async with opened(tmp_path / "answers.db") as cache:
        cache.put("k", b"answer")
        assert await cache.get("k")
        assert (tmp_path / "answers.db").stat().st_mode & 0o077 == 0
