"""A daemon process of which everything is kept: what it writes, and the command lines and environments below it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psutil

from tests.support.client import Client

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from pathlib import Path

    from tests.support.client import Json

POLL_SECONDS: Final = 0.01
END_SECONDS: Final = 60


@dataclass
class Watched:
    """A daemon, its client, and who watches its children."""

    process: subprocess.Popen[bytes]
    client: Client
    children: Children

    async def ended(self) -> int:
        """Wait for the end of the process and return its exit code."""
        return await asyncio.to_thread(self.process.wait, END_SECONDS)


class Children:
    """Notes the command line and the environment of every process below one, until that one ends."""

    def __init__(self, pid: int) -> None:
        self.own_command: list[str] = []
        self.seen: dict[tuple[int, float], tuple[list[str], dict[str, str]]] = {}
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the watch."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(self._pid)
            while not self._ended.wait(POLL_SECONDS):
                self.own_command = root.cmdline() or self.own_command
                for child in root.children(recursive=True):
                    self._note(child)

    def _note(self, child: psutil.Process) -> None:
        # A child that has just been made is still a copy of its parent: what it becomes is seen the next time.
        with contextlib.suppress(psutil.Error):
            command, environment = child.cmdline(), child.environ()
            if command and command != self.own_command:
                self.seen[child.pid, child.create_time()] = command, environment


@contextlib.asynccontextmanager
async def watched(
    folder: Path, name: str, environment: Mapping[str, str], options: Json, *arguments: str
) -> AsyncGenerator[Watched]:
    """Run a daemon; what it writes is found in `folder` as `name`.stdout and `name`.stderr."""
    with (folder / f"{name}.stderr").open("wb") as stderr:
        process = subprocess.Popen(  # noqa: ASYNC220 - starting takes no time that a test would miss.
            [sys.executable, "-m", "ckit_daemon", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=dict(environment),
        )
    assert process.stdin is not None
    assert process.stdout is not None
    read_fd, write_fd = os.pipe()
    output = os.dup(process.stdout.fileno())
    copying = threading.Thread(target=_copy, args=(output, write_fd, folder / f"{name}.stdout"), daemon=True)
    copying.start()
    client = Client(read_fd, os.dup(process.stdin.fileno()))
    process.stdin.close()
    process.stdout.close()
    children = Children(process.pid)
    try:
        await client.initialize(options)
        yield Watched(process, client, children)
    finally:
        with contextlib.suppress(OSError):
            client.close_input()
        try:
            await asyncio.to_thread(process.wait, END_SECONDS)
        finally:
            process.kill()
            process.wait()
            await asyncio.to_thread(copying.join, END_SECONDS)
            children.stop()
        async with asyncio.timeout(END_SECONDS):
            await client.closed.wait()


def _copy(source: int, target: int, file: Path) -> None:
    with file.open("wb") as kept, os.fdopen(source, "rb", 0) as stream, os.fdopen(target, "wb", 0) as onward:
        while data := stream.read(65536):
            kept.write(data)
            onward.write(data)
