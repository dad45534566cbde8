"""A real daemon process: how it starts, what it leaves alone, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator  # noqa: TC003 - pytest-lsp evaluates annotations.
from typing import TYPE_CHECKING

import psutil
import pytest
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient

from ckit_daemon import app, lifecycle
from ckit_daemon.settings import LimitSettings
from tests.support.client import TIMEOUT_SECONDS, RpcError, frame
from tests.support.daemon import spawned
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Json

PROMISED_SECONDS = 2.0
LATEST_SECONDS = 20.0
"""Ten times the promise holds on a busy machine, too; what ends by itself only later takes ten minutes."""
CUT_OFF_SECONDS = LimitSettings().shutdown_grace_seconds + app.CLOSE_SECONDS
"""What takes longer at the end is cut off, so that the daemon is gone in time."""
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

# A daemon that has a running child with a child of its own, and a worker thread that never ends.
BUSY = """
import subprocess, sys, threading, time
from ckit_daemon import app
original = app.App.initialized
def initialized(self):
    original(self)
    sleep = "import time; time.sleep(600)"
    child = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {sleep!r}]); time.sleep(600)"
    subprocess.Popen([sys.executable, "-c", child])
    threading.Thread(target=time.sleep, args=(600,)).start()
    print("stray text on standard output")
app.App.initialized = initialized
from ckit_daemon.__main__ import main
main()
"""


async def grandchildren(pid: int, count: int) -> list[psutil.Process]:
    """Wait until the process has this many descendants."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while len(found := psutil.Process(pid).children(recursive=True)) < count:
            await asyncio.to_thread(psutil.wait_procs, found, 0.05)
    return found


def still_running(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return what lives on; a zombie that a container's first process never collects is dead all the same."""
    _, alive = psutil.wait_procs(processes, timeout=0.05)
    return [process for process in alive if runs(process)]


def runs(process: psutil.Process) -> bool:
    """Whether a process is there, and no zombie."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_R04_what_is_waited_for_at_the_end_takes_less_than_the_time_that_is_promised() -> None:
    assert lifecycle.FORCE_AFTER_SECONDS + lifecycle.CHILD_GRACE_SECONDS < PROMISED_SECONDS
    assert lifecycle.POLL_SECONDS < PROMISED_SECONDS - lifecycle.FORCE_AFTER_SECONDS


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("end of input", 1),
        ("end of input after shutdown", 0),
        ("exit", 1),
        ("exit after shutdown", 0),
        pytest.param("SIGTERM", 0, marks=posix),
        pytest.param("SIGINT", 130, marks=posix),
    ],
)
async def test_R04_the_daemon_and_its_children_are_gone_in_time(tmp_path: Path, ending: str, code: int) -> None:
    async with spawned(tmp_path, command=(sys.executable, "-c", BUSY)) as daemon:
        client = daemon.client
        descendants = await grandchildren(daemon.process.pid, 2)
        if "shutdown" in ending:
            await client.request("shutdown")
        started = time.monotonic()
        match ending.split(maxsplit=1)[0]:
            case "end":
                client.close_input()
            case "exit":
                client.notify("exit")
            case name:
                os.kill(daemon.process.pid, getattr(signal, name))
        assert await daemon.exit_code(LATEST_SECONDS) == code
        assert not still_running(descendants)
        assert time.monotonic() - started < LATEST_SECONDS
    assert "stray text" in daemon.log.read_text()


# A script whose own child has a child: npm runs Node, which runs Node.
TREE = """
import {spawn} from 'node:child_process';
const child = `require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'],
  {stdio: 'inherit'}); setInterval(() => {}, 1000)`;
spawn(process.execPath, ['-e', child], {stdio: 'inherit'});
setInterval(() => {}, 1000);
"""


@pytest.mark.asyncio
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
async def test_R23_a_script_that_runs_when_the_input_closes_is_gone_with_everything_below_it(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "repo", git=False)
    (root / "job.mjs").write_text(TREE, "utf-8")
    (root / "package.json").write_text(json.dumps({"scripts": {"job": "node job.mjs"}}), "utf-8")
    async with spawned(tmp_path, {"trusted": True}) as daemon:
        await daemon.client.request("ckit/repo/open", {"path": str(root)})
        params = {"name": "job", "engine": "script", "confirm": True}
        running = daemon.client.start("ckit/pipeline/run", params)
        # The two that the script itself starts, one below the other; npm and its shell stand above them.
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while len(found := [p for p in children(daemon.process.pid) if "setInterval" in command(p)]) < 2:
                assert not running.done()
                await daemon.client.request("ckit/capabilities")
        descendants = children(daemon.process.pid)
        started = time.monotonic()
        daemon.client.close_input()
        assert await daemon.exit_code(LATEST_SECONDS) == 1
        assert not still_running([*descendants, *found])
        seconds = time.monotonic() - started
        assert seconds < LATEST_SECONDS
        await is_cancelled(running, seconds)


async def is_cancelled(running: asyncio.Task[Json], seconds: float) -> None:
    """See that a request ends as cancelled; a daemon that took so long that it had to be cut off says nothing more."""
    with pytest.raises((RpcError, ConnectionError)) as caught:
        await running
    if isinstance(caught.value, RpcError):
        assert caught.value.code == "cancelled"
    else:
        assert seconds > CUT_OFF_SECONDS


def children(pid: int) -> list[psutil.Process]:
    """Return all processes below one."""
    return psutil.Process(pid).children(recursive=True)


def command(process: psutil.Process) -> str:
    """Return a process's command line, '' when it has gone."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@pytest.mark.asyncio
@posix
async def test_the_daemon_ends_when_its_parent_dies_though_the_pipes_stay_open(tmp_path: Path) -> None:
    parent = (
        "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-m', 'ckit_daemon']); time.sleep(600)"
    )
    async with spawned(tmp_path, command=(sys.executable, "-c", parent)) as daemon:
        (child,) = await grandchildren(daemon.process.pid, 1)
        daemon.process.kill()
        started = time.monotonic()
        while still_running([child]):
            assert time.monotonic() - started < LATEST_SECONDS


@pytest.mark.asyncio
async def test_the_daemon_ends_when_the_process_named_in_initialize_dies(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as named:  # noqa: ASYNC220 - as in `spawned`.
        async with spawned(tmp_path, initialize=False) as daemon:
            await daemon.client.initialize(processId=named.pid)
            named.kill()
            named.wait()
            assert await daemon.exit_code(LATEST_SECONDS) == 1


@posix
def test_the_daemon_ends_when_nobody_reads_its_answers_any_more() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "ckit_daemon"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(frame({"jsonrpc": "2.0", "id": 1, "method": "x"}))
        process.stdin.flush()
        assert process.stdout.readline()
        process.stdout.close()
        process.stdin.write(frame({"jsonrpc": "2.0", "id": 2, "method": "x"}))
        process.stdin.flush()
        assert process.wait(LATEST_SECONDS) == 1


@pytest.mark.asyncio
async def test_a_length_beyond_repair_is_answered_and_ends_the_daemon(tmp_path: Path) -> None:
    async with spawned(tmp_path) as daemon:
        daemon.client.send_bytes(b"Content-Length: 99999999999999\r\n\r\n")
        assert "beyond all measure" in (await daemon.client.stray())["error"]["message"]
        assert await daemon.exit_code(LATEST_SECONDS) == 1


@pytest.mark.asyncio
async def test_everything_sent_before_the_input_is_closed_is_answered(tmp_path: Path) -> None:
    async with spawned(tmp_path) as daemon:
        # More than run at a time, and so few that a busy machine answers them before force ends the daemon.
        answers = [daemon.client.expect(f"a{i}") for i in range(50)]
        daemon.client.send_bytes(
            b"".join(frame({"jsonrpc": "2.0", "id": f"a{i}", "method": "ckit/config/get"}) for i in range(50))
        )
        daemon.client.close_input()
        assert all("result" in a for a in await asyncio.wait_for(asyncio.gather(*answers), TIMEOUT_SECONDS))


@pytest.mark.asyncio
async def test_R01_nothing_listens_and_R16_every_line_names_its_request(tmp_path: Path) -> None:
    async with spawned(tmp_path, arguments=("--stdio", "--log-level", "debug")) as daemon:
        calls = [daemon.client.start("ckit/health", request_id=f"h{i}") for i in range(100)]
        connections = [c for p in [psutil.Process(daemon.process.pid)] for c in p.net_connections(kind="inet")]
        assert not [c for c in connections if c.status == psutil.CONN_LISTEN]
        await asyncio.gather(*calls)
        await daemon.client.request("shutdown")
        daemon.client.notify("exit")
        await daemon.exit_code()
    records = [json.loads(line) for line in daemon.log.read_text().splitlines()]
    finished = [r for r in records if r["event"] == "request finished"]
    assert {r["request_id"] for r in finished} == {f"h{i}" for i in range(100)}
    assert all("duration_ms" in r for r in finished)


@pytest.mark.asyncio
async def test_a_thousand_requests_at_once_are_all_answered(tmp_path: Path) -> None:
    async with spawned(tmp_path) as daemon:
        calls = [daemon.client.start("ckit/capabilities") for _ in range(1000)]
        assert len(await asyncio.gather(*calls)) == 1000


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [(["--version"], 0, "ckit-daemon "), (["--help"], 0, "--log-level"), (["--nope"], 2, "--nope"), (["x"], 2, "x")],
)
def test_the_command_line_answers_clearly(arguments: list[str], code: int, text: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ckit_daemon", *arguments], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert done.returncode == code
    assert text in (done.stdout if code == 0 else done.stderr).decode()


@pytest_lsp.fixture(config=ClientServerConfig(server_command=[sys.executable, "-m", "ckit_daemon"]))
async def editor(lsp_client: LanguageClient) -> AsyncGenerator[None]:
    await lsp_client.initialize_session(
        types.InitializeParams(capabilities=types.ClientCapabilities(), process_id=None, root_uri=None)
    )
    yield
    await lsp_client.shutdown_session()


@pytest.mark.asyncio
async def test_a_stock_lsp_client_shakes_hands_edits_and_leaves(editor: LanguageClient) -> None:
    editor.text_document_did_open(
        types.DidOpenTextDocumentParams(types.TextDocumentItem("file:///x.yaml", "yaml", 1, "id: FEAT-001\n"))
    )
    answer = await editor.protocol.send_request_async("ckit/capabilities", {})
    assert answer.protocolVersion == "1.0"
