"""Daemons for tests: in memory over pipes, and as real processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckit_daemon.app import App
from ckit_daemon.config import Configuration, load
from tests.support.client import TIMEOUT_SECONDS, Client

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping
    from pathlib import Path

    from tests.support.client import Json

COMMON = {"CKIT_CONFIG_FILE": os.devnull, "CKIT_LIMITS_PROBE_TIMEOUT_SECONDS": "60"}
"""The environment of every daemon: no settings of the person's, and probes that may take long on a busy machine."""


@contextlib.asynccontextmanager
async def daemon(
    options: Json | None = None,
    *,
    initialize: bool = True,
    environment: Mapping[str, str] | None = None,
    arrange: Callable[[App], None] | None = None,
    allow_strays: bool = False,
) -> AsyncGenerator[Client]:
    """Run a daemon in this process over in-memory pipes; ends it and checks that no answer stayed unread."""
    to_daemon_read, to_daemon_write = os.pipe()
    from_daemon_read, from_daemon_write = os.pipe()
    configuration: Configuration = load({**COMMON, **(environment or {})})
    app = App(configuration, own_process=False)
    if arrange is not None:
        arrange(app)
    serving = asyncio.create_task(app.serve(to_daemon_read, from_daemon_write))
    client = Client(from_daemon_read, to_daemon_write)
    try:
        if initialize:
            await client.initialize(options)
        yield client
        assert allow_strays or not client.strays
    finally:
        client.close_input()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await serving
        os.close(from_daemon_write)
        os.close(to_daemon_read)
        await client.closed.wait()


@dataclass
class Spawned:
    """A daemon process and its client."""

    process: subprocess.Popen[bytes]
    client: Client
    log: Path

    async def exit_code(self, within: float = TIMEOUT_SECONDS) -> int:
        """Wait for the end of the process."""
        return await asyncio.to_thread(self.process.wait, within)


@contextlib.asynccontextmanager
async def spawned(
    folder: Path,
    options: Json | None = None,
    *,
    arguments: tuple[str, ...] = (),
    initialize: bool = True,
    environment: Mapping[str, str] | None = None,
    command: tuple[str, ...] = (sys.executable, "-m", "ckit_daemon"),
) -> AsyncGenerator[Spawned]:
    """Run a daemon process whose files lie in `folder`."""
    log = folder / "daemon.log"
    own = {**COMMON, "CKIT_PATHS_CACHE_DIR": str(folder), "CKIT_PATHS_STATE_DIR": str(folder)}
    with log.open("wb") as stderr:
        process = subprocess.Popen(  # noqa: ASYNC220 - starting takes no time that a test would miss.
            [*command, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, **own, **(environment or {})},
        )
    assert process.stdin is not None
    assert process.stdout is not None
    client = Client(os.dup(process.stdout.fileno()), os.dup(process.stdin.fileno()))
    process.stdin.close()
    process.stdout.close()
    try:
        if initialize:
            await client.initialize(options)
        yield Spawned(process, client, log)
    finally:
        with contextlib.suppress(OSError):
            client.close_input()
        try:
            await asyncio.to_thread(process.wait, TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        # The thread that reads must have said its last word before the loop is gone.
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await client.closed.wait()
