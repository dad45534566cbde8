"""A turn comes to its end and says so, however its work ends."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from ckit_daemon.core.errors import StorageError
from ckit_daemon.redaction import Redactor
from ckit_daemon.services.assistant import stream
from ckit_daemon.services.assistant.records import NO_USAGE
from ckit_daemon.services.assistant.running import RunningTurn
from ckit_daemon.services.assistant.stream import TurnWriter
from tests.support.conversations import a_message, a_session, a_store, a_turn

if TYPE_CHECKING:
    from pathlib import Path

    from ckit_daemon.services.assistant.records import Item, ItemStatus, StopReason

pytestmark = pytest.mark.asyncio


class Stubborn:
    """Work that fails when it is cancelled."""

    taken = NO_USAGE
    model_used = "offline/offline"

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def run(self) -> StopReason:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise StorageError("The disk is full.")

    async def close(self, status: ItemStatus) -> None:
        assert status == "cancelled"


async def test_a_text_is_whole_at_its_end_though_a_part_of_it_could_not_be_saved(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "SAVE_SECONDS", 0.0)
    async with a_store(tmp_path) as store:
        await store.create(a_session())
        writer = TurnWriter(store, lambda _: None, a_turn(), Redactor({}))
        await writer.start_turn()
        text = stream.TextStream(writer, a_message("m", text="", status="inProgress"))
        await text.begin()

        async def refuse(item: Item) -> Item:
            raise StorageError("The disk is full.")

        with monkeypatch.context() as patched:
            patched.setattr(writer, "save", refuse)
            text.push("All of it. ")
            assert (await text.finish("completed")).text == "All of it. "
        del text
        gc.collect()
        assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []
        await writer.end_turn(structs.replace(writer.turn, status="completed"))


async def test_work_that_fails_while_it_is_cancelled_leaves_nobody_an_error_that_nobody_wants(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_store(tmp_path) as store:
        await store.create(a_session())
        work = Stubborn()
        running = RunningTurn(TurnWriter(store, lambda _: None, a_turn(), Redactor({})), work, 60)
        running.start()
        await work.begun.wait()
        running.cancel()
        turn = await running.ended()
        assert (turn.status, turn.stop_reason, turn.failure) == ("completed", "cancelled", None)
        del running
        gc.collect()
        assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []
        assert "The disk is full." in caplog.text
