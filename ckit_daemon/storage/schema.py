"""The database's tables: ordered migrations, and the ledger of those that a database has had."""

from __future__ import annotations

import importlib.resources
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckit_daemon.core.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Sequence

LEDGER = "migrations"


@dataclass(frozen=True, slots=True)
class Migration:
    """A step from one form of the database to the next."""

    name: str
    """`NNNN_words`; names sort in the order of application."""
    sql: str


def packaged_migrations(name: str = "migrations") -> tuple[Migration, ...]:
    """The migrations of this version in a folder of this package, in order."""
    folder = importlib.resources.files(__package__ or "") / name
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(Migration(file.name.removesuffix(".sql"), file.read_text("utf-8")) for file in files)


def applied_migrations(connection: sqlite3.Connection) -> frozenset[str]:
    """Names of the migrations that a database has had."""
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", [LEDGER]).fetchone() is None:
        return frozenset()
    rows: list[tuple[str]] = connection.execute(f"SELECT name FROM {LEDGER}").fetchall()  # noqa: S608 - a constant.
    return frozenset(name for (name,) in rows)


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration], holds: str = "conversations") -> None:
    """Bring a database up to date, each step in a transaction of its own.

    The caller sees to it that nobody else does the same meanwhile.

    Raises:
        StorageError: a newer version of the daemon has had the database; it is left as it is.
        sqlite3.Error: SQLite refused.
    """
    applied = applied_migrations(connection)
    unknown = sorted(applied.difference(migration.name for migration in migrations))
    if unknown:
        raise StorageError(
            f"The database of {holds} was written by a newer version of the daemon; use that version, "
            "or point paths.stateDir and paths.cacheDir at other folders.",
            details={"migrations": [*unknown]},
        )
    for migration in migrations:
        if migration.name not in applied:
            _apply(connection, migration)


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    ledger = f"CREATE TABLE IF NOT EXISTS {LEDGER} (name TEXT PRIMARY KEY NOT NULL, applied_at TEXT NOT NULL)"
    try:
        # sqlite3 runs several statements only as a script, and the script must hold its own transaction.
        connection.executescript(f"BEGIN IMMEDIATE;\n{ledger};\n{migration.sql}")
        connection.execute(
            f"INSERT INTO {LEDGER} VALUES (?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",  # noqa: S608 - a constant.
            [migration.name],
        )
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
