"""One SQLite file that is open: the connection that writes, and those that read."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

BUSY_SECONDS: Final = 5.0
"""How long SQLite waits for programs that don't keep to the daemons' own lock, a shell on the database for example."""

RETIRE_SECONDS: Final = 10.0
QUICK_CHECK_BYTES: Final = 64 * 1024 * 1024
"""Largest database that is looked through when it is opened; that takes about a tenth of a second."""

_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY: Final = 0xFF


class DamagedDatabaseError(sqlite3.DatabaseError):
    """SQLite's own check found that the file is not whole."""


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error says that the file itself is damaged."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return isinstance(error, DamagedDatabaseError) or code & _PRIMARY in _DAMAGE


def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Connect to a file that exists; transactions are the caller's business."""
    uri = f"{path.resolve().as_uri()}?mode={'ro' if read_only else 'rw'}"
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS, cached_statements=256
    )
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


class DatabaseFile:
    """An open database file. Only one thread at a time may use `writer`; `reading` is for any."""

    def __init__(self, path: Path) -> None:
        """Open the file, made empty and private where there is none.

        Raises:
            OSError: the folder or the file can't be made.
            sqlite3.Error: SQLite refused.
        """
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileExistsError):
            # SQLite gives its journals the permissions of the database.
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        self.path = path
        self._identity = _identity(path)
        self._idle: list[sqlite3.Connection] = []
        self._reading = 0
        self._retired = False
        self._changed = threading.Condition()
        self.writer = connect(path, read_only=False)

    def prepare(self) -> None:
        """Check a file that was there before, and set it up for several daemons.

        Raises:
            sqlite3.Error: the file is damaged (see `is_damage`), or SQLite refused.
        """
        empty = not self.path.stat().st_size
        if empty:
            # A database that shrinks hands its pages back without being written anew; to be said before all else.
            self.writer.execute("PRAGMA auto_vacuum = INCREMENTAL")
        elif self.path.stat().st_size <= QUICK_CHECK_BYTES:
            # What lies deeper in a large one is found when it is read.
            found: str = self.writer.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise DamagedDatabaseError(found)
        self.writer.execute("PRAGMA journal_mode = WAL")
        self.writer.execute("PRAGMA synchronous = FULL")
        # On macOS only this makes the disk itself write; elsewhere it says nothing new.
        self.writer.execute("PRAGMA fullfsync = ON")

    def is_current(self) -> bool:
        """Whether the path still leads to this file; another daemon may have set it aside."""
        try:
            return not self._retired and _identity(self.path) == self._identity
        except OSError:
            return False

    @contextlib.contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """A connection inside a read transaction: all that it sees is of one moment."""
        connection = self._take()
        try:
            connection.execute("BEGIN")
            yield connection
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._give_back(connection)

    def close(self) -> None:
        """Let running reads end, and close all connections; the writer last, since that empties the journal."""
        with self._changed:
            self._retired = True
            self._changed.wait_for(lambda: not self._reading, RETIRE_SECONDS)
            for connection in self._idle:
                connection.close()
            self._idle.clear()
        self.writer.close()

    def _take(self) -> sqlite3.Connection:
        with self._changed:
            if self._retired:
                message = "the database file was closed"
                raise sqlite3.ProgrammingError(message)
            self._reading += 1
            if self._idle:
                return self._idle.pop()
        try:
            return connect(self.path, read_only=True)
        except sqlite3.Error:
            with self._changed:
                self._reading -= 1
                self._changed.notify_all()
            raise

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._changed:
            self._reading -= 1
            if self._retired:
                connection.close()
            else:
                self._idle.append(connection)
            self._changed.notify_all()


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
