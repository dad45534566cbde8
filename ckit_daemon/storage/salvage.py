"""What is done about a damaged database: it is set aside, and what can still be read goes into a new one."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ckit_daemon.storage.file import connect
from ckit_daemon.storage.schema import LEDGER

if TYPE_CHECKING:
    from collections.abc import Generator

HEADER_BYTES: Final = 100
"""SQLite, database file format, 1.3: the part of the first page that describes the file."""

SUFFIXES: Final = ("-wal", "-shm", "")
"""Of the names of the files that make up a database; the main one is the last."""


@dataclass(frozen=True, slots=True)
class Damage:
    """What happened to a database that was found damaged."""

    set_aside: str
    """Name of the damaged file in the same folder."""
    rows: int
    """How many rows could be saved."""


def set_aside(path: Path) -> Path:
    """Give a damaged database another name, together with its journal, and return where it is.

    Raises:
        OSError: the file can't be renamed; on Windows it can't as long as any process has it open.
    """
    to = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}")
    # The main file last: a new database beside an old journal would be damaged by it.
    for suffix in SUFFIXES:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(to.with_name(to.name + suffix))
    return to


def salvage(damaged: Path, into: sqlite3.Connection) -> int:
    """Copy what can be read of a damaged database into an empty one that has the same tables.

    Returns:
        How many rows there are now.
    """
    into.execute("PRAGMA foreign_keys = OFF")
    into.execute("BEGIN IMMEDIATE")
    with _readable(damaged, into) as source:
        for table in _tables(into):
            _copy(table, source, into)
    while orphans := into.execute("PRAGMA foreign_key_check").fetchall():
        into.executemany(
            f'DELETE FROM "{orphans[0][0]}" WHERE rowid = ?',  # noqa: S608 - the name of a table of ours.
            [[orphan[1]] for orphan in orphans if orphan[0] == orphans[0][0]],
        )
    rows = sum(into.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0] for table in _tables(into))  # noqa: S608
    into.execute("COMMIT")
    into.execute("PRAGMA foreign_keys = ON")
    return rows


def _tables(connection: sqlite3.Connection) -> list[str]:
    rows: list[tuple[str]] = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> ?", [LEDGER]
    ).fetchall()
    return [name for (name,) in rows]


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    rows: list[tuple[str]] = connection.execute("SELECT name FROM pragma_table_info(?)", [table]).fetchall()
    return [name for (name,) in rows]


def _copy(table: str, source: sqlite3.Connection, into: sqlite3.Connection) -> None:
    """Read a table from its beginning to the first damage, and then from its end."""
    with contextlib.suppress(sqlite3.DatabaseError):
        shared = [column for column in _columns(into, table) if column in _columns(source, table)]
        if not shared:
            return
        names = ", ".join(f'"{column}"' for column in shared)
        # Rows that break a constraint are garbage, or were read from the other end already.
        insert = f'INSERT OR IGNORE INTO "{table}" ({names}) VALUES ({", ".join("?" * len(shared))})'  # noqa: S608
        for order in ("ASC", "DESC"):
            select = f'SELECT {names} FROM "{table}" NOT INDEXED ORDER BY rowid {order}'  # noqa: S608 - as above.
            with contextlib.suppress(sqlite3.DatabaseError):
                into.executemany(insert, source.execute(select))
                return


@contextlib.contextmanager
def _readable(damaged: Path, fresh: sqlite3.Connection) -> Generator[sqlite3.Connection]:
    """A connection to the damaged file, or to a copy with a new header if its own can't be read."""
    copy = damaged.with_name(f"{damaged.name}.copy")
    source = connect(damaged, read_only=True)
    try:
        try:
            source.execute("SELECT count(*) FROM sqlite_schema")
        except sqlite3.DatabaseError:
            source.close()
            _copy_with_header(damaged, copy, fresh)
            source = connect(copy, read_only=True)
        yield source
    finally:
        source.close()
        for suffix in SUFFIXES:
            copy.with_name(copy.name + suffix).unlink(missing_ok=True)


def _copy_with_header(damaged: Path, copy: Path, fresh: sqlite3.Connection) -> None:
    path: str = fresh.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchone()[0]
    with Path(path).open("rb") as file:
        header = bytearray(file.read(HEADER_BYTES))
    # With no free pages, and with a size that counts as unknown, so that it is the file's.
    header[32:40] = bytes(8)
    header[92:96] = b"\xff" * 4
    # SQLite makes the shared memory anew.
    for suffix in ("-wal", ""):
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(damaged.with_name(damaged.name + suffix), copy.with_name(copy.name + suffix))
    with copy.open("r+b") as file:
        file.write(header)
