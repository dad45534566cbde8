"""Keeps answers of models in an SQLite file of the cache folder, bounded by size and age.

It is only a cache: one thread does all its work, nothing waits for the disk, and a file that can't be used is made
anew or done without. The package diskcache was considered; it pickles what it keeps, and so runs what it reads.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

from ckit_daemon.core.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ckit_daemon.settings import Settings

T = TypeVar("T")

logger = logging.getLogger(__name__)

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS answer (
    key TEXT PRIMARY KEY, body BLOB NOT NULL, size INTEGER NOT NULL, made_at REAL NOT NULL, used_at REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS answer_used ON answer (used_at);
"""
BUSY_SECONDS: Final = 2.0
ROW_BYTES: Final = 256
"""What an answer takes beside its text, roughly."""
FILLED: Final = 0.9
"""How full a cache is that has been made smaller."""
STALE_FACTOR: Final = 2.0
"""Answers are kept for so many times their age limit, for the case that no provider can be reached."""


class SqliteAnswerCache:
    """A cache of answers; several daemons may share one file."""

    def __init__(self, path: Path, settings: Callable[[], Settings], clock: Callable[[], float] = time.time) -> None:
        """Prepare a cache at a path; nothing is opened before the first use."""
        self._path = path
        self._settings = settings
        self._clock = clock
        self._worker = ThreadPoolExecutor(1, "ckit-answers")
        self._connection: sqlite3.Connection | None = None
        self._total = 0

    async def get(self, key: str, *, stale: bool = False) -> bytes | None:
        """Return what was put under a key, unless it is too old; with `stale` whatever is still there."""
        return await self._run(lambda: self._attempt(lambda db: self._get(db, key, stale=stale)))

    def put(self, key: str, answer: bytes) -> None:
        """Keep an answer, in the background."""
        now = self._clock()
        self._worker.submit(self._attempt, lambda db: self._put(db, key, answer, now))

    async def clear(self) -> int:
        """Throw everything away and return how many answers that were.

        Raises:
            StorageError: the disk refuses.
        """
        return await self._run(self._clear)

    async def aclose(self) -> None:
        """Write what is to be kept and close the file."""
        await self._run(self._close)
        self._worker.shutdown(wait=False)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    def _attempt(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Do something that may fail: then there is one answer less in the cache."""
        try:
            return work(self._open())
        except sqlite3.DatabaseError as error:
            if not isinstance(error, sqlite3.OperationalError):
                logger.warning("the cache of answers is damaged and made anew: %s", error)
                self._discard()
            else:
                logger.warning("the cache of answers can't be used: %s", error)
        except OSError as error:
            logger.warning("the cache of answers can't be used: %s", error.strerror)
        return None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path.touch(mode=0o600)
            connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                # What is lost with the power is only asked again.
                connection.execute("PRAGMA synchronous = OFF")
                connection.executescript(SCHEMA)
            except sqlite3.DatabaseError:
                connection.close()
                raise
            self._connection = connection
            self._total = _total(connection)
            self._trim(connection, self._clock())
        return self._connection

    def _get(self, database: sqlite3.Connection, key: str, *, stale: bool) -> bytes | None:
        now = self._clock()
        oldest = now - self._settings().models.cache_max_age_seconds * (STALE_FACTOR if stale else 1.0)
        found = database.execute("SELECT body FROM answer WHERE key = ? AND made_at >= ?", (key, oldest)).fetchone()
        if found is None:
            return None
        database.execute("UPDATE answer SET used_at = ? WHERE key = ?", (now, key))
        return bytes(found[0])

    def _put(self, database: sqlite3.Connection, key: str, answer: bytes, now: float) -> None:
        models = self._settings().models
        size = len(answer) + ROW_BYTES
        if size > models.cache_max_bytes:
            return
        database.execute("BEGIN IMMEDIATE")
        with database:
            database.execute(
                "INSERT OR REPLACE INTO answer (key, body, size, made_at, used_at) VALUES (?, ?, ?, ?, ?)",
                (key, answer, size, now, now),
            )
            self._total += size
            if self._total > models.cache_max_bytes:
                self._trim(database, now)

    def _trim(self, database: sqlite3.Connection, now: float) -> None:
        """Throw away what is too old, then the least recently used until there is some room again."""
        models = self._settings().models
        database.execute("DELETE FROM answer WHERE made_at < ?", (now - models.cache_max_age_seconds * STALE_FACTOR,))
        database.execute(
            "DELETE FROM answer WHERE key IN (SELECT key FROM (SELECT key, sum(size) OVER "
            "(ORDER BY used_at DESC, key) AS total FROM answer) WHERE total > ?)",
            (models.cache_max_bytes * FILLED,),
        )
        self._total = _total(database)

    def _clear(self) -> int:
        try:
            database = self._open()
            removed = database.execute("DELETE FROM answer").rowcount
            database.execute("VACUUM")
        except (sqlite3.DatabaseError, OSError) as error:
            # The text of the system's own errors holds the path.
            reason = error.strerror if isinstance(error, OSError) else error
            raise StorageError(f"The cache of answers can't be cleared: {reason}. Try again later.") from None
        return removed

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _discard(self) -> None:
        self._close()
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                self._path.with_name(self._path.name + suffix).unlink()


def _total(database: sqlite3.Connection) -> int:
    return int(database.execute("SELECT coalesce(sum(size), 0) FROM answer").fetchone()[0])
