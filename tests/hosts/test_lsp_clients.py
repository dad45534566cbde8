"""The LSP clients of real editors drive the daemon: the libraries of VS Code's client in Node, and Neovim's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.repositories import copy_example

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "hosts"
DAEMON = [sys.executable, "-m", "ckit_daemon", "--log-level", "warning"]
DEADLINE_SECONDS = 300


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    own = {name: str(tmp_path / name) for name in ("CKIT_PATHS_CACHE_DIR", "CKIT_PATHS_STATE_DIR", "XDG_STATE_HOME")}
    return {**os.environ, **own, "CKIT_CONFIG_FILE": os.devnull, **more}


def daemons_of(repository: Path) -> list[psutil.Process]:
    """Processes of the daemon that were started in this repository."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(repository) and "ckit_daemon" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture(scope="session")
def node_client() -> list[str]:
    """The command that runs the Node client, its libraries installed in the exact versions of `package.json`."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("Node and npm are not installed")
    CACHE.mkdir(parents=True, exist_ok=True)
    for source in (HERE / "node").iterdir():
        shutil.copy(source, CACHE)
    wanted: dict[str, str] = json.loads((CACHE / "package.json").read_text("utf-8"))["dependencies"]
    manifests = {name: CACHE / "node_modules" / name / "package.json" for name in wanted}
    if not all(
        path.exists() and json.loads(path.read_text("utf-8"))["version"] == wanted[name]
        for name, path in manifests.items()
    ):
        command = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
        installed = subprocess.run(command, cwd=CACHE, check=False, capture_output=True, text=True)
        if installed.returncode != 0:
            pytest.skip(f"npm could not install the client's libraries: {installed.stderr[-300:]}")
    return [node, str(CACHE / "client.mjs")]


def test_the_libraries_of_vs_code_s_client_drive_the_daemon(node_client: list[str], tmp_path: Path) -> None:
    root = copy_example(tmp_path / "lantern", git=False)
    run = subprocess.run(
        [*node_client, str(root), *DAEMON],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=DEADLINE_SECONDS,
        env=environment(tmp_path),
    )
    assert run.returncode == 0, run.stderr
    seen: dict[str, Any] = json.loads(run.stdout)
    assert seen == {
        "encoding": "utf-16",
        "registered": ["workspace/didChangeWatchedFiles"],
        "atFirst": [],
        "afterTyping": ["schema.enum"],
        "sameText": True,
        "isWorkspaceEdit": True,
        "editedVersion": 2,
        "editedLine": 'status: "done" # 😀',
        "streamed": True,
        "progress": seen["progress"],
        "cancelled": "cancelled",
        "exitCode": 0,
    }


def test_neovim_s_client_drives_the_daemon_and_leaves_no_process(tmp_path: Path) -> None:
    beside = Path(sys.executable).with_name("nvim")
    nvim = str(beside) if beside.exists() else shutil.which("nvim")
    if nvim is None:
        pytest.skip("Neovim is not installed")
    root = copy_example(tmp_path / "lantern", git=False)
    report = tmp_path / "seen.json"
    run = subprocess.run(
        [nvim, "--headless", "--clean", "-c", f"luafile {HERE / 'client.lua'}"],
        check=False,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        cwd=root,
        env=environment(tmp_path, REPO=str(root), SEEN=str(report), DAEMON=json.dumps(DAEMON)),
    )
    assert report.exists(), run.stderr
    seen: dict[str, Any] = json.loads(report.read_text("utf-8"))
    assert seen == {
        "encoding": "utf-8",
        "atFirst": [],
        "afterTyping": ["reference.unresolved", "reference.not-listed"],
        "emptied": True,
        "undone": [],
        "afterCancel": [],
        # Neovim keeps the answer to a cancelled request to itself.
        "called": False,
    }
    _, alive = psutil.wait_procs(daemons_of(root), timeout=DEADLINE_SECONDS)
    assert alive == []
