"""The command in a run with planted keys."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.security import planted
from tests.security.planted import EARLY, told
from tests.security.planted_run import POSIX
from tests.security.planted_scenes import says

if TYPE_CHECKING:
    from tests.security.planted_run import Run


async def commands_are_used(run: Run) -> None:
    """The command, with the log of its daemon."""
    for server in run.servers.values():
        # Nobody is asked for the client's key here, so that no process can know it.
        server.respond = lambda _: says(told(EARLY))
    session = ["sessions", "export"]
    given: tuple[list[str], ...] = (
        ["--verbose", "ask", told(EARLY)],
        ["--verbose", "--json", "ask", "-m", "azure/scripted", told(EARLY)],
        ["--verbose", "providers", "test", "openai", "scripted"],
        ["--verbose", "providers", "test", planted.IDLE],
        ["--json", "providers"],
        ["--verbose", "spec", "FEAT-004", "-r", told(EARLY), "--apply", "--yes"],
        ["promptify", "T-001", "--target", "review"],
        ["--verbose", *session, await asyncio.to_thread(_a_session, run)],
        ["doctor"],
    )
    for number, arguments in enumerate(given):
        done = await asyncio.to_thread(_ckit, run, *arguments)
        run.printed[f"{number} {' '.join(arguments[:3])}"] = done.stdout + done.stderr
        assert done.returncode in {0, 1, 2}
    if POSIX:
        run.printed["chat"] = await asyncio.to_thread(_chat, run)


def _ckit(run: Run, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "ckit_daemon.cli.main", "--repo", str(run.root), *arguments]
    return subprocess.run(
        command, capture_output=True, check=False, stdin=subprocess.DEVNULL, env=run.environment, timeout=120
    )


def _a_session(run: Run) -> str:
    return json.loads(_ckit(run, "--json", "sessions").stdout)["sessions"][0]["id"]


def _chat(run: Run) -> bytes:
    from tests.support.terminal import on_terminal  # noqa: PLC0415 - there are no such terminals on Windows.

    arguments = ["-C", str(run.root), "--verbose", "chat", "-m", "asked/scripted"]
    run.servers["asked"].respond = lambda _: says(told())
    with on_terminal("ckit_daemon.cli.main", arguments, run.environment) as terminal:
        terminal.expect("/help lists commands")
        terminal.type("Tell me.\r")
        terminal.expect("Key (kept in memory only")
        terminal.type(f"{planted.ASKED}\r")
        terminal.expect("asked/scripted")
        terminal.type("/exit\r")
        assert terminal.end() == 0
        return terminal.screen.encode()
