"""The daemon's side of a vector store: a child process that is asked, watched, and ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar, cast

import msgspec

import ckit_daemon
from ckit_daemon.core.errors import DegradedError, StorageError
from ckit_daemon.services.pipelines.script import reduced_environment
from ckit_daemon.services.rag.store.calls import (
    ANSWERS,
    LENGTH,
    Add,
    Answer,
    Delete,
    Done,
    Drop,
    Failed,
    Found,
    Get,
    Ids,
    Known,
    Nearest,
    Opened,
    Query,
)
from ckit_daemon.services.rag.store.disk import DISK_FULL

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Callable, Mapping, Sequence

    from ckit_daemon.services.rag.store.calls import Call, Open

T = TypeVar("T", bound=Answer)

logger = logging.getLogger(__name__)

if sys.platform == "win32":
    CREATION_FLAGS: Final = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
else:
    CREATION_FLAGS: Final = 0
COMMAND: Final = ("-P", "-m", "ckit_daemon.services.rag.store.process")
"""`-P`: nothing is imported from the folder that it runs in."""
OPEN_SECONDS: Final = 60.0
CALL_SECONDS: Final = 30.0
END_SECONDS: Final = 10.0
STDERR_BYTES: Final = 4000
LARGE_BYTES: Final = 500_000
BATCH: Final = 32
"""Vectors in one call: a query waits for the end of the call before it, some 20 ms of so many."""


class DamagedStoreError(Exception):
    """The store's files are damaged; whoever has the vectors elsewhere makes it anew."""


class Replica:
    """A collection of vectors in a process of its own; used on the event loop only."""

    def __init__(self, call: Open, folder: Path, on_end: Callable[[], None] = lambda: None) -> None:
        """Remember what to open.

        Args:
            call: what the child is told first.
            folder: where the child runs: one that holds nothing that it could take for its settings.
            on_end: is called when the child comes to a sudden end.
        """
        self._open = call
        self._cwd = folder
        self._on_end = on_end
        self._process: Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting: deque[asyncio.Future[bytes]] = deque()
        self._stderr = b""
        self._closing = False
        self.size = 0
        """Bytes on this disk."""

    @property
    def is_open(self) -> bool:
        """Whether there is somebody to ask."""
        return self._process is not None and self._process.returncode is None and not self._closing

    async def open(self) -> Opened:
        """Start the child and open the collection.

        Raises:
            StorageError: the disk refuses.
            DegradedError: the server does, or the child can't be started.
            DamagedStoreError: the child came to a sudden end.
        """
        # Who is cancelled while a process starts would lose it, and could not end it.
        starting = asyncio.create_task(self._start())
        try:
            await asyncio.shield(starting)
            opened = await self._ask(self._open, Opened, OPEN_SECONDS)
        except BaseException:
            await asyncio.wait([starting])
            await self.aclose()
            raise
        self.size = opened.size
        return opened

    async def known(self, ids: Sequence[str]) -> list[str]:
        """Return those ids that are there."""
        return (await self._ask(Known(list(ids)), Ids)).ids

    async def add(self, vectors: Mapping[str, bytes]) -> None:
        """Add vectors, or replace them, a few at a time, so that queries come in between."""
        items = list(vectors.items())
        for start in range(0, len(items), BATCH):
            part = items[start : start + BATCH]
            done = await self._ask(Add([id_ for id_, _ in part], [vector for _, vector in part]), Done)
            self.size = done.size

    async def delete(self, ids: Sequence[str]) -> None:
        """Delete vectors, a few at a time."""
        for start in range(0, len(ids), BATCH):
            self.size = (await self._ask(Delete(list(ids[start : start + BATCH])), Done)).size

    async def query(self, vector: bytes, limit: int) -> list[tuple[str, float]]:
        """Return the ids nearest to a vector with their cosines, the nearest first."""
        found = await self._ask(Query(vector, limit), Nearest)
        return list(zip(found.ids, found.similarities, strict=True))

    async def get(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return vectors by id, without those that are missing."""
        found = await self._ask(Get(list(ids)), Found)
        return dict(zip(found.ids, found.vectors, strict=True))

    async def drop(self) -> None:
        """Delete everything."""
        await self._ask(Drop(), Done)
        self.size = 0

    async def aclose(self) -> None:
        """End the child when it has done what it was asked for; all files are closed when this returns."""
        self._closing = True
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(END_SECONDS):
                await process.wait()
        except TimeoutError:
            _kill(process)
            await process.wait()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def _start(self) -> None:
        try:
            await asyncio.to_thread(self._cwd.mkdir, parents=True, exist_ok=True, mode=0o700)
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *COMMAND,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=self._cwd,
                env=_environment(),
                # A signal that the terminal sends to the daemon is none for its children; and no window.
                start_new_session=sys.platform != "win32",
                creationflags=CREATION_FLAGS,
            )
        except OSError as error:
            raise StorageError(f"The vector store can't be started: {error.strerror}.") from None
        self._tasks = [
            asyncio.create_task(self._read(self._process)),
            asyncio.create_task(self._read_errors(self._process)),
        ]

    async def _ask(self, call: Call, _: type[T], seconds: float | None = None) -> T:
        """Ask the child.

        Raises:
            StorageError: the disk refuses.
            DegradedError: the server does, or is too slow.
            DamagedStoreError: the files are damaged, or the child came to a sudden end.
        """
        process = self._process
        if process is None or process.stdin is None or process.returncode is not None or self._closing:
            raise DamagedStoreError("the process of the vector store has ended")
        seconds = CALL_SECONDS if seconds is None else seconds
        data = msgspec.msgpack.encode(call)
        answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append(answered)
        try:
            async with asyncio.timeout(seconds):
                process.stdin.write(LENGTH.pack(len(data)) + data)
                with contextlib.suppress(ConnectionError):
                    await process.stdin.drain()
                answer = await _read_answer(await answered)
        except TimeoutError:
            # Its answers would be taken for those of later calls.
            _kill(process)
            if self._open.url:
                raise DegradedError(f"The Chroma server did not answer within {seconds:g} s.") from None
            raise DamagedStoreError(f"it did not answer within {seconds:g} s") from None
        if isinstance(answer, Failed):
            if answer.reason == DISK_FULL:
                # Whatever Chroma is asked after that, a query too, may never be answered.
                self._closing = True
                _kill(process)
            raise self._error(answer)
        return cast("T", answer)

    def _error(self, failed: Failed) -> Exception:
        match failed.fault:
            case "damaged":
                return DamagedStoreError(failed.reason)
            case "disk":
                return StorageError(f"The index can't be written: {failed.reason}.")
            case _:
                return DegradedError(f"The Chroma server can't be used: {failed.reason}.")

    async def _read(self, process: Process) -> None:
        """Hand the answers to those who wait for them, in order."""
        if process.stdout is None:
            raise AssertionError("the child has no output")
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
                answer = await process.stdout.readexactly(length)
                answered = self._waiting.popleft()
                if not answered.done():
                    answered.set_result(answer)
        code = await process.wait()
        if not self._closing:
            logger.error(
                "the process of the vector store ended: %s", self._stderr.decode(errors="replace"), extra={"code": code}
            )
            self._on_end()
        while self._waiting:
            answered = self._waiting.popleft()
            if not answered.done():
                answered.set_exception(DamagedStoreError(f"its process ended with code {code}"))

    async def _read_errors(self, process: Process) -> None:
        if process.stderr is None:
            raise AssertionError("the child has no error output")
        while data := await process.stderr.read(STDERR_BYTES):
            self._stderr = (self._stderr + data)[-STDERR_BYTES:]


async def _read_answer(data: bytes) -> Answer:
    # A list of all ids is long.
    return ANSWERS.decode(data) if len(data) < LARGE_BYTES else await asyncio.to_thread(ANSWERS.decode, data)


def _environment() -> dict[str, str]:
    """The variables of the child, which imports this program from where the daemon has it."""
    environment = reduced_environment()
    own = str(Path(ckit_daemon.__file__).parent.parent)
    return environment | {"PYTHONPATH": os.pathsep.join(filter(None, (own, environment.get("PYTHONPATH"))))}


def _kill(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
