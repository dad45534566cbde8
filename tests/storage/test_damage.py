"""A damaged database is set aside, what can be read of it goes into a new one, and nobody loses what comes after."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.core.errors import NotFoundError
from ckit_daemon.services.assistant.ports import SessionQuery
from ckit_daemon.storage.database import Database
from ckit_daemon.storage.file import DamagedDatabaseError
from ckit_daemon.storage.probe import DatabaseProbe
from ckit_daemon.storage.sessions import SqliteSessionStore
from tests.support.conversations import a_message, a_session, a_store, a_turn, integrity

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.asyncio

SESSIONS = 120
PAGE = 4096


async def fill(folder: Path) -> None:
    """Many sessions with a turn and a message each."""
    async with a_store(folder) as store:
        await asyncio.gather(*(_fill_one(store, f"s{n}") for n in range(SESSIONS)))


async def _fill_one(store: SqliteSessionStore, session_id: str) -> None:
    await store.create(a_session(session_id, title=f"About {session_id}"))
    turn = await store.begin_turn(a_turn(f"t-{session_id}", session_id))
    await store.put_item(session_id, a_message(f"i-{session_id}", turn.id, text="x" * 500))
    await store.end_turn(turn)


def overwrite_the_header(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.write(random.Random(1).randbytes(100))


def overwrite_a_page_with_items(file: Path) -> None:
    place = file.read_bytes().index(f'"id":"i-s{SESSIONS // 2}"'.encode())
    with file.open("r+b") as stream:
        stream.seek(place // PAGE * PAGE)
        stream.write(random.Random(1).randbytes(PAGE))


def cut_off_the_end(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.truncate(file.stat().st_size * 2 // 3 // PAGE * PAGE)


@pytest.mark.parametrize(
    ("damage", "least"),
    [(overwrite_the_header, SESSIONS), (overwrite_a_page_with_items, SESSIONS * 9 // 10), (cut_off_the_end, 1)],
)
async def test_R04_a_damaged_database_is_set_aside_and_what_can_be_read_is_saved(
    tmp_path: Path, damage: Callable[[Path], None], least: int
) -> None:
    await fill(tmp_path)
    damage(tmp_path / "ckit.db")
    broken = (tmp_path / "ckit.db").read_bytes()
    database = Database(tmp_path / "ckit.db")
    store = SqliteSessionStore(database)
    probe = DatabaseProbe(database)
    health = await asyncio.to_thread(probe.check)
    report = database.damage
    assert report is not None
    assert (tmp_path / report.set_aside).read_bytes() == broken
    assert (health.status, report.set_aside in health.detail) == ("degraded", True)
    saved = 0
    for number in range(SESSIONS):
        with contextlib.suppress(NotFoundError):
            found = await store.transcript(f"s{number}")
            assert found.session.title == f"About s{number}"
            saved += len(found.items)
    assert saved >= least
    await store.create(a_session("new"))
    assert (await store.find("new")).id == "new"
    await store.aclose()
    await database.aclose()
    assert integrity(tmp_path) == "ok"
    async with a_store(tmp_path) as again:
        assert (await again.find("new")).id == "new"
    assert len([*tmp_path.glob("ckit.db.damaged-*Z")]) == 1


async def test_R04_a_file_that_is_no_database_at_all_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "ckit.db").write_bytes(random.Random(2).randbytes(50_000))
    async with a_store(tmp_path) as store:
        await store.create(a_session())
        assert (await store.find("s")).id == "s"
    assert len([*tmp_path.glob("ckit.db.damaged-*Z")]) == 1


async def test_R04_damage_that_shows_while_the_database_is_open_costs_no_daemon_a_later_write(tmp_path: Path) -> None:
    await fill(tmp_path)
    async with a_store(tmp_path) as one, a_store(tmp_path) as other:
        # Both have the file open, and a turn runs in one of them.
        await one.find("s1")
        turn = await other.begin_turn(a_turn("running", "s1"))
        # Connections keep pages in memory, so that only what is read anew shows the damage.
        overwrite_the_header(tmp_path / "ckit.db")
        for session_id in ("first", "second"):
            await one.create(a_session(session_id))
            await other.put_item("s1", a_message(f"item-{session_id}", turn.id))
        await other.end_turn(turn)
        found = {session_id: await one.find(session_id) for session_id in ("first", "second")}
        assert [*found] == ["first", "second"]
        items = (await one.transcript("s1")).items
        assert {item.id for item in items} >= {"item-first", "item-second"}
    assert integrity(tmp_path) == "ok"


async def test_R04_two_daemons_that_find_the_same_damage_set_one_file_aside(tmp_path: Path) -> None:
    await fill(tmp_path)
    async with a_store(tmp_path) as one, a_store(tmp_path) as other:
        await one.find("s1")
        await other.find("s1")
        databases = [store._database for store in (one, other)]
        files = [database._file for database in databases]
        for database, file in zip(databases, files, strict=True):
            assert file is not None
            with database._exclusive():
                database._replace(file, DamagedDatabaseError("both saw it"))
        for session_id in ("new", "newer"):
            await one.create(a_session(session_id))
        assert [database.damage is not None for database in databases] == [True, False]
        assert (await other.query(SessionQuery()))[1] == SESSIONS + 2
    assert len([*tmp_path.glob("ckit.db.damaged-*Z")]) == 1
