"""Turns on a disk that refuses for a while: nothing that was acknowledged is lost, and the session goes on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.core.errors import StorageError
from ckit_daemon.storage.database import Database
from ckit_daemon.storage.sessions import SqliteSessionStore
from tests.support.model_server import Reply
from tests.support.talk import talking, talking_apart

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

    from ckit_daemon.services.assistant.records import Turn

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("refuses", ["the end alone", "everything after it, too"])
async def test_R04_a_turn_whose_end_can_t_be_written_is_interrupted_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuses: str
) -> None:
    full = StorageError("The database of conversations can't be used: the disk is full. Nothing was changed.")
    disk = {"end": True, "all": False}
    end_turn, write = SqliteSessionStore.end_turn, Database.write

    async def refuse_end(store: SqliteSessionStore, turn: Turn) -> tuple[Turn, int]:
        if not disk["end"]:
            return await end_turn(store, turn)
        disk["all"] = refuses != "the end alone"
        raise full

    async def refuse_write(database: Database, fn: Callable[[sqlite3.Connection], object]) -> object:
        if disk["all"]:
            raise full
        return await write(database, fn)

    monkeypatch.setattr(SqliteSessionStore, "end_turn", refuse_end)
    monkeypatch.setattr(Database, "write", refuse_write)
    async with talking(tmp_path, Reply(text="First."), Reply(text="Second.")) as talk:
        assert (await talk.refused("Go.")).code == "storage_error"
        disk.update(end=False, all=False)
        stored = await talk.stored()
        assert "runningTurn" not in stored["session"]
        [turn] = stored["turns"]
        assert turn["status"] == "interrupted"
        assert [item["text"] for item in stored["items"] if item["kind"] == "message"] == ["First."]
        resumed = await talk.client.request("ckit/turn/start", {"sessionId": talk.session, "resume": turn["id"]})
        assert (resumed["turn"]["id"], resumed["turn"]["stopReason"]) == (turn["id"], "endTurn")
        assert [item["text"] for item in await talk.items("message")] == ["First.", "Second."]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows moves no folder of open files")
async def test_a_daemon_that_can_store_nothing_any_more_ends_as_it_should(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with talking_apart(tmp_path, Reply(text="Hello."), environment={"CKIT_PATHS_STATE_DIR": str(state)}) as talk:
        await talk.turn()
        state.rename(tmp_path / "moved away")
        state.write_text("This is no folder.")
