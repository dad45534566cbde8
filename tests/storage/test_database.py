"""The database: what is acknowledged is there, whoever else writes, and old and new versions get along."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.core.errors import ConflictError, StorageError
from ckit_daemon.storage.database import Database
from ckit_daemon.storage.schema import Migration, applied_migrations, packaged_migrations

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

pytestmark = pytest.mark.asyncio

FIRST = Migration("0001_first", "CREATE TABLE notes (text TEXT PRIMARY KEY NOT NULL) /* ; */;")
SECOND = Migration(
    "0002_second", "ALTER TABLE notes ADD COLUMN length INTEGER; UPDATE notes SET length = length(text);"
)


@contextlib.asynccontextmanager
async def opened(folder: Path, *migrations: Migration) -> AsyncGenerator[Database]:
    """A database of notes."""
    database = Database(folder / "ckit.db", migrations or (FIRST,))
    try:
        yield database
    finally:
        await database.aclose()


def add(text: str) -> Callable[[sqlite3.Connection], None]:
    def write(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO notes (text) VALUES (?)", [text])

    return write


def notes(connection: sqlite3.Connection) -> list[str]:
    return [text for (text,) in connection.execute("SELECT text FROM notes ORDER BY rowid")]


async def test_R04_what_was_written_is_there_for_a_reader_that_opens_the_file_by_itself(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await database.write(add("one"))
        with contextlib.closing(sqlite3.connect(tmp_path / "ckit.db")) as other:
            assert notes(other) == ["one"]
            assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert await database.write(lambda connection: connection.execute("PRAGMA synchronous").fetchone()) == (2,)


async def test_writes_happen_in_the_order_of_the_calls_and_a_failing_one_leaves_no_trace(tmp_path: Path) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        add("half")(connection)
        raise ConflictError("No.")

    async with opened(tmp_path) as database:
        done = await asyncio.gather(
            *(database.write(add(str(n))) for n in range(50)),
            database.write(fail),
            database.write(add("7")),
            database.write(add("last")),
            return_exceptions=True,
        )
        assert isinstance(done[50], ConflictError)
        assert isinstance(done[51], sqlite3.IntegrityError)
        assert await database.run(notes) == [*(str(n) for n in range(50)), "last"]


async def test_a_reader_sees_one_moment_and_can_not_write(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await database.write(add("one"))
        begun, go_on = threading.Event(), threading.Event()

        def read(connection: sqlite3.Connection) -> tuple[list[str], list[str]]:
            first = notes(connection)
            begun.set()
            assert go_on.wait(60)
            return first, notes(connection)

        reading = asyncio.create_task(database.run(read))
        await asyncio.to_thread(begun.wait, 60)
        await database.write(add("two"))
        go_on.set()
        assert await reading == (["one"], ["one"])
        with pytest.raises(StorageError, match="read-only"):
            await database.run(add("three"))


async def test_a_write_that_is_cancelled_before_its_turn_does_not_happen(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        begun, go_on = threading.Event(), threading.Event()

        def hold(_: sqlite3.Connection) -> None:
            begun.set()
            assert go_on.wait(60)

        holding = asyncio.create_task(database.write(hold))
        await asyncio.to_thread(begun.wait, 60)
        waiting = asyncio.create_task(database.write(add("cancelled")))
        behind = asyncio.create_task(database.write(add("behind")))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        go_on.set()
        await asyncio.gather(holding, behind)
        assert await database.run(notes) == ["behind"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
async def test_nobody_else_on_the_machine_can_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        async with opened(tmp_path / "state") as database:
            await database.write(add("one"))
            assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
            modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "state").iterdir()}
            assert modes.keys() >= {"ckit.db", "ckit.db-wal"}
            assert set(modes.values()) == {0o600}
    finally:
        os.umask(before)


async def test_an_older_database_is_brought_up_to_date_and_keeps_what_it_holds(tmp_path: Path) -> None:
    async with opened(tmp_path, FIRST) as database:
        await database.write(add("four"))
    async with opened(tmp_path, FIRST, SECOND) as database:
        assert await database.run(lambda c: c.execute("SELECT * FROM notes").fetchall()) == [("four", 4)]
        assert await database.run(applied_migrations) == {"0001_first", "0002_second"}


async def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    broken = Migration("0002_broken", "ALTER TABLE notes ADD COLUMN other TEXT; DROP TABLE nowhere;")
    async with opened(tmp_path, FIRST, broken) as database:
        with pytest.raises(sqlite3.OperationalError, match="nowhere"):
            await database.run(notes)
    async with opened(tmp_path, FIRST, SECOND) as database:
        assert await database.run(notes) == []


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    async with opened(tmp_path, FIRST, SECOND) as database:
        await database.write(add("new"))
    before = (tmp_path / "ckit.db").read_bytes()
    async with opened(tmp_path, FIRST) as database:
        for attempt in (database.run(notes), database.write(add("old"))):
            with pytest.raises(StorageError, match="newer version") as caught:
                await attempt
            assert caught.value.details == {"migrations": ["0002_second"]}
    assert (tmp_path / "ckit.db").read_bytes() == before


async def test_several_daemons_may_open_a_new_database_at_once(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        daemons = [await stack.enter_async_context(opened(tmp_path, FIRST, SECOND)) for _ in range(6)]
        await asyncio.gather(*(database.write(add(str(n))) for n, database in enumerate(daemons)))
        assert sorted(await daemons[0].run(notes)) == list("012345")


async def test_the_package_brings_its_migrations_in_order() -> None:
    names = [migration.name for migration in packaged_migrations()]
    assert names[:2] == ["0001_sessions", "0002_approvals"]
    assert names == sorted(names)


async def test_a_full_disk_is_an_error_for_people_and_ends_when_there_is_room_again(tmp_path: Path) -> None:
    def limit(pages: int) -> Callable[[sqlite3.Connection], None]:
        return lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").close()

    async with opened(tmp_path) as database:
        await database.write(limit(10))
        with pytest.raises(StorageError, match="disk is full"):
            await database.write(add("x" * 100_000))
        await database.write(limit(1_000_000))
        await database.write(add("y"))
        assert await database.run(notes) == ["y"]


async def test_a_folder_that_can_not_be_made_is_an_error_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", "utf-8")
    async with opened(tmp_path / "file") as database:
        for attempt in (database.run(notes), database.write(add("x"))):
            with pytest.raises(StorageError) as caught:
                await attempt
            assert str(tmp_path) not in caught.value.message


async def test_R24_after_the_end_nothing_is_open_and_every_call_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        waiting = [asyncio.create_task(database.write(add(str(n)))) for n in range(20)]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert not (tmp_path / "ckit.db-wal").exists()
    for attempt in (database.run(notes), database.write(add("late"))):
        with pytest.raises(StorageError, match="shutting down"):
            await attempt
    assert "ckit-database" not in {thread.name for thread in threading.enumerate()}
    async with opened(tmp_path) as database:
        assert len(await database.run(notes)) == 20


async def test_a_database_that_somebody_deletes_is_made_anew(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await database.write(add("gone"))
        for file in tmp_path.glob("ckit.db*"):
            file.unlink()
        assert await database.run(notes) == []
        await database.write(add("new"))
        assert await database.run(notes) == ["new"]
