"""The SQLite database that conversations are kept in: any number of readers, one thread that writes.

The standard library's sqlite3 does all that is needed here; an ORM would hide the transactions that matter. Several
daemons may use one file. They take turns at writing through a lock beside it, since the same lock lets one of them
set a damaged file aside without another one's writes going into it, which SQLite's own locks can't do.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import sqlite3
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

from filelock import FileLock, Timeout

from ckit_daemon.core.errors import StorageError
from ckit_daemon.storage.file import DatabaseFile, is_damage
from ckit_daemon.storage.salvage import Damage, salvage, set_aside
from ckit_daemon.storage.schema import migrate, packaged_migrations

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from ckit_daemon.storage.schema import Migration

    _Explain = Callable[[Exception], Exception]

T = TypeVar("T")

logger = logging.getLogger(__name__)

LOCK_SECONDS: Final = 10.0
"""How long to wait for other daemons that write."""

LOCK_POLL_SECONDS: Final = 0.001
BATCH: Final = 256
"""Most writes that share one transaction, and with it the wait for the disk."""


class _Write(Generic[T]):
    """A function that waits for its turn to write, and what came of it."""

    def __init__(self, run: Callable[[sqlite3.Connection], T]) -> None:
        self.run = run
        self.future: Future[T] = Future()
        self._settle: Callable[[_Explain], None] = lambda _: None

    def attempt(self, connection: sqlite3.Connection) -> None:
        """Run, so that a failure leaves no trace in the transaction.

        Raises:
            sqlite3.Error: the database failed and not the function; the whole transaction is void.
        """
        connection.execute("SAVEPOINT one")
        try:
            value = self.run(connection)
        except Exception as error:
            if isinstance(error, sqlite3.Error) and (is_damage(error) or not connection.in_transaction):
                raise
            connection.execute("ROLLBACK TO one")
            self._fail_with(error)
        else:
            self._settle = lambda _: self.future.set_result(value)
        connection.execute("RELEASE one")

    def _fail_with(self, error: Exception) -> None:
        self._settle = lambda explain: self.future.set_exception(explain(error))

    def settle(self, explain: _Explain) -> None:
        """Tell whoever waits; `explain` makes an error of ours of SQLite's."""
        self._settle(explain)


class Database:
    """A database file, opened when it is first used."""

    def __init__(
        self, path: Path, migrations: Sequence[Migration] | None = None, *, holds: str = "conversations"
    ) -> None:
        """Remember where it is.

        Args:
            path: the file; it and its folder need not exist.
            migrations: how its tables come about; those of conversations if left out.
            holds: what is kept in it, for people.
        """
        self.path = path
        self._holds = holds
        self._migrations = migrations
        self._file: DatabaseFile | None = None
        self._damage: Damage | None = None
        self._closed = False
        self._lock = FileLock(path.with_name(f"{path.name}.lock"), LOCK_SECONDS, mode=0o600, thread_local=False)
        # The file's lock keeps other processes out, and this one other threads.
        self._threads = threading.Lock()
        self._writes: queue.SimpleQueue[_Write[object] | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None

    @property
    def damage(self) -> Damage | None:
        """What happened, if the database was found damaged and built anew since this object exists."""
        return self._damage

    async def run(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Read: call `fn` in a worker thread with a connection that sees one moment and can't write.

        Raises:
            StorageError: the database can't be used.
        """
        return await asyncio.to_thread(self.read, fn)

    def read(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Read as `run` does, in the calling thread."""
        try:
            return self._read(fn)
        except (sqlite3.Error, OSError, Timeout) as error:
            raise self._explained(error) from error

    async def write(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Call `fn` in the thread that writes; what it did is on disk when this returns, or nothing of it is.

        Writes happen in the order of the calls. One that is cancelled before its turn does not happen; a later one
        does, and nobody learns what came of it.

        Raises:
            StorageError: the database can't be used.
        """
        write = _Write(fn)
        if self._closed:
            raise self._is_closed()
        if self._writer is None:
            # A daemon thread: if the process must end in the middle of a write, SQLite undoes it.
            self._writer = threading.Thread(target=self._write, name="ckit-database", daemon=True)
            self._writer.start()
        self._writes.put(cast("_Write[object]", write))
        return await asyncio.wrap_future(write.future)

    async def aclose(self) -> None:
        """Do the writes that wait, then close everything."""
        self._closed = True
        if self._writer is not None:
            self._writes.put(None)
            await asyncio.to_thread(self._writer.join)
        if self._file is not None:
            await asyncio.to_thread(self._file.close)
            self._file = None

    def _read(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        file = self._current()
        try:
            with file.reading() as connection:
                return fn(connection)
        except sqlite3.Error as error:
            if is_damage(error):
                with self._exclusive():
                    self._replace(file, error)
            elif file.is_current():
                raise
        with self._current().reading() as connection:
            return fn(connection)

    def _write(self) -> None:
        ended = False
        while not ended:
            waiting = [self._writes.get()]
            with contextlib.suppress(queue.Empty):
                while len(waiting) < BATCH:
                    waiting.append(self._writes.get_nowait())
            ended = None in waiting
            batch = [write for write in waiting if write is not None and write.future.set_running_or_notify_cancel()]
            if batch:
                self._write_batch(batch)

    def _write_batch(self, batch: Sequence[_Write[object]]) -> None:
        try:
            with self._exclusive():
                file = self._opened()
                try:
                    _transact(file.writer, batch)
                except sqlite3.Error as error:
                    if not is_damage(error):
                        raise
                    self._replace(file, error)
                    _transact(self._opened().writer, batch)
        except Exception as error:  # noqa: BLE001 - somebody waits for each of them, and the thread must go on.
            for write in batch:
                write.future.set_exception(self._explained(error))
            return
        for write in batch:
            write.settle(self._explained)

    @contextlib.contextmanager
    def _exclusive(self) -> Generator[None]:
        """Keep all other threads and daemons from writing to, opening or replacing the file."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._threads, self._lock.acquire(poll_interval=LOCK_POLL_SECONDS):
            yield

    def _current(self) -> DatabaseFile:
        file = self._file
        if file is not None and file.is_current():
            return file
        if self._closed:
            raise self._is_closed()
        with self._exclusive():
            return self._opened()

    def _opened(self) -> DatabaseFile:
        """The file that the path leads to; the caller has exclusive use."""
        if self._file is not None:
            if self._file.is_current():
                return self._file
            self._file.close()
            self._file = None
        file = DatabaseFile(self.path)
        try:
            file.prepare()
            migrate(file.writer, self._known_migrations(), self._holds)
        except sqlite3.Error as error:
            if not is_damage(error):
                file.close()
                raise
            self._replace(file, error)
            return self._opened()
        except StorageError:
            file.close()
            raise
        self._file = file
        return file

    def _replace(self, file: DatabaseFile, error: sqlite3.Error) -> None:
        """Set a damaged file aside, unless somebody has done so, and build a new one from what it still holds."""
        current = file.is_current()
        file.close()
        if not current:
            return
        damaged = set_aside(self.path)
        self._file = DatabaseFile(self.path)
        self._file.prepare()
        migrate(self._file.writer, self._known_migrations(), self._holds)
        rows = salvage(damaged, self._file.writer)
        self._damage = Damage(damaged.name, rows)
        logger.error(
            "the database of %s was damaged (%s); it was set aside, and %d rows could be saved",
            self._holds,
            error,
            rows,
            extra={"set_aside": damaged.name},
        )

    def _explained(self, error: Exception) -> Exception:
        return _explained(error, self._holds)

    def _is_closed(self) -> StorageError:
        return StorageError(f"The daemon is shutting down and keeps no {self._holds} any more.")

    def _known_migrations(self) -> Sequence[Migration]:
        if self._migrations is None:
            self._migrations = packaged_migrations()
        return self._migrations


def _transact(connection: sqlite3.Connection, batch: Sequence[_Write[object]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for write in batch:
            write.attempt(connection)
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


_REASONS: Final = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_CANTOPEN: "it can't be opened",
    sqlite3.SQLITE_PERM: "the permission is missing",
    sqlite3.SQLITE_BUSY: "another program keeps it locked",
    sqlite3.SQLITE_LOCKED: "another program keeps it locked",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_CORRUPT: "it is damaged",
    sqlite3.SQLITE_NOTADB: "it is damaged",
}


def _explained(error: Exception, holds: str) -> Exception:
    """The error for whoever asked; texts of the system hold paths. An error of our own stays what it is."""
    match error:
        case Timeout():
            reason = "another daemon keeps it locked"
        case OSError():
            reason = error.strerror or "the system refuses it"
        case sqlite3.Error():
            reason = _REASONS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        case _:
            reason = None
    if reason is None:
        return error
    return StorageError(f"The database of {holds} can't be used: {reason}. Nothing was changed.")
