"""Three hosts on one repository at once: what one of them writes, the others show."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from tests.hosts.building import EDITORS, build
from tests.support.code_server import code_server, settings
from tests.support.nvim_editor import Editor
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.hosts.install import Hosts

TITLE = "Register everybody online"
SECONDS = 300


@pytest.fixture(scope="module")
def built(hosts: Hosts) -> Hosts:
    """The installed hosts, with what runs in them."""
    build(EDITORS / "client", "build")
    build(EDITORS / "electron", "build:old")
    build(EDITORS / "vscode", "package")
    return hosts


class Script:
    """A program that drives a host and says how far it is."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._said: queue.Queue[str] = queue.Queue()
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self._said.put(line.strip())

    def says(self, word: str) -> None:
        """Wait for a line."""
        seen: list[str] = []
        while True:
            try:
                line = self._said.get(timeout=SECONDS)
            except queue.Empty:
                raise AssertionError(f"it never said {word}; it said {seen}") from None
            if line == word:
                return
            seen.append(line)


@contextlib.contextmanager
def script(command: list[str], environment: dict[str, str]) -> Generator[Script]:
    opened = Script(command, environment)
    try:
        yield opened
        assert opened.process.wait(SECONDS) == 0
    finally:
        opened.process.kill()
        opened.process.wait()


def test_neovim_vs_code_and_electron_share_a_repository(built: Hosts, tmp_path: Path) -> None:
    hosts = built
    root = copy_example(tmp_path / "lantern", git=False)
    own = {name: str(tmp_path / "electron" / name) for name in ("CKIT_PATHS_CACHE_DIR", "CKIT_PATHS_STATE_DIR", "HOME")}
    daemon = json.dumps([sys.executable, "-m", "ckit_daemon", "--log-level", "warning"])
    desktop = {**os.environ, **own, "CKIT_CONFIG_FILE": os.devnull, "CKIT_DAEMON": daemon}
    story = [hosts.node, str(EDITORS / "electron" / "test" / "together.cjs"), hosts.electron, hosts.electron_tools]
    screen = ["xvfb-run", "--auto-servernum", "--server-args=-screen 0 1400x900x24"]
    (tmp_path / "code").mkdir()
    person = settings(**{"security.workspace.trust.enabled": False})
    package = EDITORS / "vscode" / "dist" / "ckit.vsix"
    editor = Editor(root, tmp_path / "neovim")
    with contextlib.closing(editor.nvim), code_server(hosts, tmp_path / "code", person, extension=package) as server:
        options = {"url": server.url, "folder": str(root), "tools": hosts.tools, "chromium": hosts.chromium}
        window = [hosts.node, str(EDITORS / "vscode" / "test" / "ui" / "together.mjs")]
        with (
            script([*screen, *story, str(root), TITLE], desktop) as electron,
            script([*window, json.dumps({**options, "title": TITLE})], server.environment) as code,
        ):
            electron.says("ready")
            code.says("ready")
            path = editor.edit("tasks", "T-010")
            editor.ready()
            editor.command(f"silent %s/^title: .*/title: {TITLE}/")
            editor.command("write")
            assert f"title: {TITLE}\n" in path.read_text("utf-8")
            electron.says("seen")
            code.says("seen")
            electron.says("changed")
        done = {"status": "done"}
        editor.until(
            lambda: editor.ask("ckit/entity/get", {"id": "T-011"})["entity"].items() >= done.items(), "the task"
        )
        editor.command("Ckit show T-011")
        editor.shows("status: done")
        editor.nvim.quit()
