"""One run for all who ask the same."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.services.assistant.gateway.sharing import SharedRuns

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

pytestmark = pytest.mark.asyncio


class Source:
    """A source that gives what it is told to, one item at a time."""

    def __init__(self, error: Exception | None = None) -> None:
        self.runs = 0
        self.closed = 0
        self.items: asyncio.Queue[str | None] = asyncio.Queue()
        self._error = error

    async def __call__(self) -> AsyncGenerator[str]:
        self.runs += 1
        try:
            while (item := await self.items.get()) is not None:
                yield item
            if self._error is not None:
                raise self._error
        finally:
            self.closed += 1


class Reader:
    """Reads a run in a task of its own."""

    def __init__(self, runs: SharedRuns[str], source: Source, key: str = "k") -> None:
        self.items: list[str] = []
        self.owns: list[bool] = []
        self.got = asyncio.Condition()
        self.task = asyncio.create_task(self._read(runs, source, key))

    async def _read(self, runs: SharedRuns[str], source: Source, key: str) -> None:
        async with contextlib.aclosing(runs.read(key, source)) as items:
            async for item, own in items:
                async with self.got:
                    self.items.append(item)
                    self.owns.append(own)
                    self.got.notify_all()

    async def until(self, count: int) -> None:
        async with self.got:
            await self.got.wait_for(lambda: len(self.items) >= count)


async def test_R29_those_who_ask_the_same_share_a_run_and_each_hears_it_from_the_beginning() -> None:
    runs, source = SharedRuns[str](), Source()
    first = Reader(runs, source)
    source.items.put_nowait("a")
    await first.until(1)
    second = Reader(runs, source)
    await second.until(1)
    source.items.put_nowait("b")
    source.items.put_nowait(None)
    await asyncio.gather(first.task, second.task)
    assert first.items == second.items == ["a", "b"]
    assert first.owns == [True, True]
    assert second.owns == [False, False]
    assert source.runs == source.closed == 1


async def test_a_reader_that_is_cancelled_does_not_disturb_the_others_and_the_next_one_owns_the_run() -> None:
    runs, source = SharedRuns[str](), Source()
    first, second = Reader(runs, source), Reader(runs, source)
    source.items.put_nowait("a")
    await asyncio.gather(first.until(1), second.until(1))
    first.task.cancel()
    await asyncio.wait([first.task])
    source.items.put_nowait("b")
    source.items.put_nowait(None)
    await second.task
    assert second.items == ["a", "b"]
    assert second.owns == [False, True]
    assert source.runs == 1


async def test_when_the_last_reader_is_cancelled_the_run_has_ended_and_the_next_begins_anew() -> None:
    runs, source = SharedRuns[str](), Source()
    readers = [Reader(runs, source), Reader(runs, source)]
    source.items.put_nowait("a")
    await readers[1].until(1)
    for reader in readers:
        reader.task.cancel()
    await asyncio.wait([reader.task for reader in readers])
    assert source.closed == 1
    again = Reader(runs, source)
    source.items.put_nowait("b")
    source.items.put_nowait(None)
    await again.task
    assert again.items == ["b"]
    assert source.runs == 2


async def test_an_error_reaches_every_reader_after_what_came_before_it() -> None:
    runs, source = SharedRuns[str](), Source(ValueError("broken"))
    readers = [Reader(runs, source), Reader(runs, source)]
    source.items.put_nowait("a")
    source.items.put_nowait(None)
    results = await asyncio.gather(*(reader.task for reader in readers), return_exceptions=True)
    assert [str(result) for result in results] == ["broken", "broken"]
    assert [reader.items for reader in readers] == [["a"], ["a"]]


async def test_other_keys_have_runs_of_their_own_and_a_run_that_is_over_is_not_joined() -> None:
    runs, source = SharedRuns[str](), Source()
    readers = [Reader(runs, source, "x"), Reader(runs, source, "y")]
    for _ in readers:
        source.items.put_nowait(None)
    await asyncio.gather(*(reader.task for reader in readers))
    assert source.runs == 2
    source.items.put_nowait(None)
    await Reader(runs, source, "x").task
    assert source.runs == 3
