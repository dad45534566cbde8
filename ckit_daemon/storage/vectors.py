"""Keeps vectors in an SQLite file of the cache folder: what took time to compute, for all daemons of this user."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Final

from ckit_daemon.storage.database import Database
from ckit_daemon.storage.schema import packaged_migrations

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

BATCH: Final = 500
"""Hashes in one statement; SQLite takes 32,766 parameters, and a short statement is found again in its cache."""
DAY_SECONDS: Final = 86_400


class SqliteVectorCache:
    """Implements `services.rag.ports.VectorCache`."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        """Prepare a cache at a path; nothing is opened before the first use."""
        self._database = Database(path, packaged_migrations("vector_migrations"), holds="vectors")
        self._clock = clock

    @property
    def database(self) -> Database:
        """The file, for whoever looks after its health."""
        return self._database

    async def known(self, embedder: str, hashes: Collection[str]) -> set[str]:
        """Return the hashes whose vectors are there; raises StorageError."""

        def read(connection: sqlite3.Connection) -> set[str]:
            found: set[str] = set()
            for batch in _batches(hashes):
                found.update(
                    hash_
                    for (hash_,) in connection.execute(
                        f"SELECT hash FROM vector WHERE embedder = ? AND hash IN ({_marks(batch)})",  # noqa: S608 - marks.
                        [embedder, *batch],
                    )
                )
            return found

        return await self._database.run(read) if hashes else set()

    async def get(self, embedder: str, hashes: Sequence[str]) -> Mapping[str, bytes]:
        """Return vectors by hash, without those that are missing; raises StorageError."""

        def read(connection: sqlite3.Connection) -> dict[str, bytes]:
            found: dict[str, bytes] = {}
            for batch in _batches(hashes):
                found.update(
                    connection.execute(
                        f"SELECT hash, data FROM vector WHERE embedder = ? AND hash IN ({_marks(batch)})",  # noqa: S608 - marks.
                        [embedder, *batch],
                    )
                )
            return found

        return await self._database.run(read) if hashes else {}

    async def put(self, embedder: str, vectors: Mapping[str, bytes]) -> None:
        """Store vectors, on disk when this returns; raises StorageError."""
        today = self._today()

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "INSERT INTO vector VALUES (?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET data = excluded.data, used_on = excluded.used_on",
                [(embedder, hash_, data, today) for hash_, data in vectors.items()],
            )

        if vectors:
            await self._database.write(write)

    async def forget(self, embedder: str, hashes: Collection[str]) -> int:
        """Forget some vectors of an embedder; return how many there were. Raises StorageError."""

        def write(connection: sqlite3.Connection) -> int:
            gone = 0
            for batch in _batches(hashes):
                gone += connection.execute(
                    f"DELETE FROM vector WHERE embedder = ? AND hash IN ({_marks(batch)})",  # noqa: S608 - marks.
                    [embedder, *batch],
                ).rowcount
            return gone

        return await self._database.write(write) if hashes else 0

    async def clear(self, embedder: str | None = None) -> int:
        """Forget the vectors of one embedder, or all; return how many there were. Raises StorageError."""

        def write(connection: sqlite3.Connection) -> int:
            return connection.execute("DELETE FROM vector WHERE embedder = coalesce(?, embedder)", [embedder]).rowcount

        gone = await self._database.write(write)
        await self._database.write(_shrink)
        return gone

    async def touch(self, embedder: str, hashes: Collection[str]) -> None:
        """Note that vectors are used today, so that they are forgotten last; raises StorageError."""
        today = self._today()

        def write(connection: sqlite3.Connection) -> None:
            for batch in _batches(hashes):
                connection.execute(
                    f"UPDATE vector SET used_on = ? WHERE embedder = ? AND used_on < ? AND hash IN ({_marks(batch)})",  # noqa: S608 - marks.
                    [today, embedder, today, *batch],
                )

        if hashes:
            await self._database.write(write)

    async def trim(self, embedder: str, max_rows: int, keep: Collection[str], most: int) -> int:
        """Forget the vectors that were used longest ago; return how many. Raises StorageError.

        Args:
            embedder: whose vectors `keep` names.
            max_rows: how many vectors of all embedders may stay.
            keep: hashes that are in use; they stay whatever the number.
            most: how many to forget in this call, which keeps other daemons from writing.
        """

        def write(connection: sqlite3.Connection) -> int:
            kept = frozenset(keep)
            rows: int = connection.execute("SELECT count(*) FROM vector").fetchone()[0]
            old = connection.execute("SELECT embedder, hash, rowid FROM vector ORDER BY used_on, rowid")
            idle = ([rowid] for whose, hash_, rowid in old if whose != embedder or hash_ not in kept)
            doomed = list(itertools.islice(idle, min(max(rows - max_rows, 0), most)))
            connection.executemany("DELETE FROM vector WHERE rowid = ?", doomed)
            return len(doomed)

        gone = await self._database.write(write)
        if gone:
            await self._database.write(_shrink)
        return gone

    async def aclose(self) -> None:
        """Close the file."""
        await self._database.aclose()

    def _today(self) -> int:
        return int(self._clock() // DAY_SECONDS)


def _shrink(connection: sqlite3.Connection) -> None:
    # Hands the pages of deleted rows back to the disk; one step a row of the result.
    connection.execute("PRAGMA incremental_vacuum").fetchall()


def _batches(hashes: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(hashes)
    while batch := list(itertools.islice(rest, BATCH)):
        yield batch


def _marks(batch: Collection[str]) -> str:
    return ",".join("?" * len(batch))
