"""Old sessions go: by age, by number, by size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from ckit_daemon.services.assistant.ports import Retained, Retention, SessionQuery
from ckit_daemon.services.generation.records import GeneratedFile, Generation
from ckit_daemon.storage.database import Database
from ckit_daemon.storage.generations import SqliteGenerationStore
from tests.support.conversations import a_message, a_session, a_store, a_turn, an_approval, integrity

if TYPE_CHECKING:
    from pathlib import Path

    from ckit_daemon.storage.sessions import SqliteSessionStore

pytestmark = pytest.mark.asyncio

KEEP_ALL = Retention(archive_before="", delete_before="", max_sessions=1000, max_bytes=2**40)


async def ids(store: SqliteSessionStore, *, archived: bool | None = None) -> list[str]:
    return sorted(session.id for session in (await store.query(SessionQuery(archived=archived)))[0])


async def test_R22_unused_sessions_are_archived_and_archived_ones_deleted_by_age(tmp_path: Path) -> None:
    async with a_store(tmp_path) as store:
        for year in (2020, 2022, 2024, 2026):
            await store.create(a_session(f"{year}", updated_at=f"{year}-06-01T00:00:00.000Z"))
        await store.create(a_session("running", updated_at="2019-01-01T00:00:00.000Z"))
        await store.begin_turn(a_turn("t", "running"))
        rule = Retention(archive_before="2025", delete_before="2021", max_sessions=1000, max_bytes=2**40)
        assert await store.retain(rule) == Retained(archived=3, deleted=1)
        assert await ids(store, archived=True) == ["2022", "2024"]
        assert await ids(store, archived=False) == ["2026", "running"]
        assert await store.retain(rule) == Retained(archived=0, deleted=0)


async def test_R22_beyond_the_number_archived_ones_go_first_and_the_oldest_of_those(tmp_path: Path) -> None:
    async with a_store(tmp_path) as store:
        for number in range(8):
            await store.create(a_session(f"s{number}", updated_at=f"2026-01-0{number + 1}"))
        for number in (3, 5, 6):
            await store.change(f"s{number}", archived=True)
        rule = Retention(archive_before="", delete_before="", max_sessions=6, max_bytes=2**40)
        assert (await store.retain(rule)).deleted == 2
        assert await ids(store) == ["s0", "s1", "s2", "s4", "s6", "s7"]
        assert (await store.retain(Retention("", "", 3, 2**40))).deleted == 3
        assert await ids(store) == ["s2", "s4", "s7"]


async def test_R22_the_size_is_kept_and_the_file_shrinks_but_what_is_in_use_stays(tmp_path: Path) -> None:
    async with a_store(tmp_path) as store:
        for number in range(40):
            session_id = f"s{number:02}"
            await store.create(a_session(session_id))
            turn = await store.begin_turn(a_turn(f"t{number}", session_id))
            await store.put_item(session_id, a_message(turn_id=turn.id, text="x" * 50_000))
            if number:
                await store.end_turn(turn)
        await store.retain(KEEP_ALL)
        assert len(await ids(store)) == 40
    before = (tmp_path / "ckit.db").stat().st_size
    async with a_store(tmp_path) as store:
        await store.begin_turn(a_turn("t0", "s00"))
        assert (await store.retain(Retention("", "", 1000, before * 6 // 10))).deleted == 20
        assert {"s00", "s39"} <= {*await ids(store)}
        await store.retain(Retention("", "", 1000, 0))
        # A turn runs in it, so it is the one that was used last, too.
        assert await ids(store) == ["s00"]
        await store.end_turn(a_turn("t0", "s00"))
        assert await store.retain(Retention("", "", 1000, 0)) == Retained(archived=0, deleted=0)
    assert (tmp_path / "ckit.db").stat().st_size < before // 4
    assert integrity(tmp_path) == "ok"


async def test_R22_what_was_generated_costs_no_conversation(tmp_path: Path) -> None:
    database = Database(tmp_path / "ckit.db")
    generations = SqliteGenerationStore(database)
    for number in range(60):
        await generations.put(
            Generation(
                id=f"g{number}", kind="code", outcome="succeeded", repository="r", created_at="2026-01-01",
                duration_ms=1, request_id="", parameters={},
                files=(GeneratedFile(path="a.py", old=None, new="x" * 50_000),),
            ),
            keep=1000,
        )  # fmt: skip
    await database.aclose()
    async with a_store(tmp_path) as store:
        for number in range(10):
            await store.create(a_session(f"s{number}"))
        assert (await store.retain(Retention("", "", 1000, 2_000_000))).deleted == 0
        assert len(await ids(store)) == 10
    database = Database(tmp_path / "ckit.db")
    kept = [number for number in range(60) if await SqliteGenerationStore(database).find(f"g{number}") is not None]
    await database.aclose()
    assert kept == [*range(60 - len(kept), 60)]
    assert 10 <= len(kept) < 40
    assert integrity(tmp_path) == "ok"


async def test_R22_approvals_that_belong_to_no_session_go_by_age_once_they_are_settled(tmp_path: Path) -> None:
    async with a_store(tmp_path) as store:
        for year in (2020, 2024):
            old = replace(an_approval(f"{year}", None), turn_id=None, created_at=f"{year}-06-01T00:00:00.000Z")
            await store.put_approval(replace(old, id=f"{year} waits"))
            await store.put_approval(replace(old, state="denied"))
        await store.retain(Retention("", "2021", 1000, 2**40))
        assert sorted(each.id for each in await store.approvals()) == ["2020 waits", "2024", "2024 waits"]
