"""VS Code in a browser, as tests use it: its server on loopback, with folders of its own."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import psutil

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from tests.hosts.install import Hosts

START_SECONDS: Final = 300
END_SECONDS: Final = 60
DAEMON: Final = str(Path(sys.executable).with_name("ckit-daemon"))
_DAEMON: Final = re.compile(r"ckit-daemon|ckit_daemon")
_LISTENING: Final = re.compile(r"Extension host agent listening on (\d+)")


@dataclass(frozen=True)
class CodeServer:
    """A running server.

    Attributes:
        url: where it is.
        process: the server itself.
        environment: what it and all that it starts were given.
    """

    url: str
    process: subprocess.Popen[str]
    environment: dict[str, str]

    def daemons(self) -> list[psutil.Process]:
        """Return the ckit daemons that extensions of this server have started, and what these have started."""
        mark = self.environment["CKIT_PATHS_STATE_DIR"]
        found: list[psutil.Process] = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                program = " ".join(process.cmdline()[:4])
                if process.environ().get("CKIT_PATHS_STATE_DIR") == mark and _DAEMON.search(program):
                    found.append(process)
        return found


def settings(**more: object) -> dict[str, object]:
    """Settings of a person who wants nothing but ckit."""
    return {
        "ckit.path": DAEMON,
        "chat.disableAIFeatures": True,
        "workbench.startupEditor": "none",
        "workbench.secondarySideBar.defaultVisibility": "hidden",
        "remote.autoForwardPorts": False,
        "git.openRepositoryInParentFolders": "never",
        # In a browser VS Code saves by itself after a second, and what is typed would not stay unsaved.
        "files.autoSave": "off",
        **more,
    }


@contextlib.contextmanager
def code_server(
    hosts: Hosts, folder: Path, settings: Mapping[str, object], *, extension: Path | None = None, **more: str
) -> Generator[CodeServer]:
    """Run a server; everything that it writes is in `folder`.

    Args:
        hosts: where VS Code is.
        folder: an empty folder.
        settings: those of the person.
        extension: a package to install before.
        more: variables of the environment.
    """
    data = folder / "data"
    machine = {name: value for name, value in settings.items() if name.startswith("ckit.")}
    for name, some in (("User", settings), ("Machine", machine)):
        # Settings that depend on the machine count only where they are said of it.
        (data / name).mkdir(parents=True)
        (data / name / "settings.json").write_text(json.dumps(some), "utf-8")
    (folder / "home").mkdir()
    own = {name: str(folder / name) for name in ("CKIT_PATHS_CACHE_DIR", "CKIT_PATHS_STATE_DIR")}
    environment = {
        **os.environ,
        **own,
        "HOME": str(folder / "home"),
        "PATH": f"{Path(hosts.node).parent}{os.pathsep}{os.environ['PATH']}",
        "CKIT_CONFIG_FILE": os.devnull,
        # Nothing is ever looked for in a market place.
        "EXTENSIONS_GALLERY": '{"serviceUrl": "", "itemUrl": "", "resourceUrlTemplate": "", "controlUrl": ""}',
        **more,
    }
    command = [hosts.node, "out/server-main.js", "--accept-server-license-terms", "--disable-telemetry"]
    command += ["--server-data-dir", str(folder / "server"), "--user-data-dir", str(data)]
    command += ["--extensions-dir", str(folder / "extensions")]
    if extension is not None:
        _install(hosts, command, extension, environment)
    listen = ["--host", "127.0.0.1", "--port", "0", "--without-connection-token", "--enable-smoke-test-driver"]
    process = subprocess.Popen(
        [*command, *listen],
        cwd=hosts.vscode,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield CodeServer(f"http://127.0.0.1:{_port(process)}", process, environment)
    finally:
        _end(process)


def _install(hosts: Hosts, command: list[str], extension: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [*command, "--install-extension", str(extension)],
        cwd=hosts.vscode,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )
    assert "was successfully installed" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]


def _port(process: subprocess.Popen[str]) -> int:
    """Wait until the server says where it listens, and go on reading, so that it never waits for a reader."""
    assert process.stdout is not None
    said: queue.Queue[int | None] = queue.Queue()
    threading.Thread(target=_read, args=(process.stdout, said), daemon=True).start()
    port = said.get(timeout=START_SECONDS)
    assert port is not None, f"VS Code's server ended with code {process.wait()}"
    return port


def _read(output: IO[str], said: queue.Queue[int | None]) -> None:
    with output:
        for line in output:
            if (found := _LISTENING.search(line)) is not None:
                said.put(int(found[1]))
    said.put(None)


def _end(process: subprocess.Popen[str]) -> None:
    """End the server as a person does who closes the window, and by force what is left of it."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        children = []
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
    _, alive = psutil.wait_procs(children, timeout=END_SECONDS)
    for each in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
