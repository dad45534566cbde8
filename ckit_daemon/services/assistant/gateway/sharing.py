"""One run for all who ask the same at the same time."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

T = TypeVar("T")


class _Run(Generic[T]):
    """A source that is read once, and what came of it so far."""

    def __init__(self, source: AsyncGenerator[T]) -> None:
        self._source = source
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.items: list[T] = []
        self.readers: list[object] = []
        self.owner: object = None
        self.ended = False
        self.error: Exception | None = None

    def join(self, reader: object) -> None:
        self.readers.append(reader)
        self.owner = self.readers[0]

    def leave(self, reader: object) -> None:
        self.readers.remove(reader)
        # Who owned it at its end owns it for good.
        if self.readers and not self.ended:
            self.owner = self.readers[0]

    def start(self) -> None:
        self._task = asyncio.create_task(self._read())

    async def more(self) -> None:
        await self._news.wait()

    async def stop(self) -> None:
        """End the source, and return when it has let go of everything."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _read(self) -> None:
        try:
            async with contextlib.aclosing(self._source) as source:
                async for item in source:
                    self.items.append(item)
                    self._tell()
        except Exception as error:  # noqa: BLE001 - passed on to every reader.
            self.error = error
        finally:
            self.ended = True
            self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class SharedRuns(Generic[T]):
    """Runs in flight by key; used on the event loop only."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run[T]] = {}

    async def read(self, key: str, source: Callable[[], AsyncGenerator[T]]) -> AsyncGenerator[tuple[T, bool]]:
        """Read what the run of a key gives, from its beginning; start one from `source` where there is none.

        A reader that leaves does not disturb the others; when the last one leaves, the run ends at once.

        Yields:
            Each item, and whether the run is this reader's own: that of the one who has been reading for longest.
        """
        run = self._runs.get(key)
        if run is None or run.ended:
            run = self._runs[key] = _Run(source())
            run.start()
        reader = object()
        run.join(reader)
        position = 0
        try:
            while True:
                while position < len(run.items):
                    position += 1
                    yield run.items[position - 1], run.owner is reader
                if run.ended:
                    break
                await run.more()
            if run.error is not None:
                raise run.error
        finally:
            run.leave(reader)
            if not run.readers:
                if self._runs.get(key) is run:
                    del self._runs[key]
                await run.stop()
