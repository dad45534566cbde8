"""The programs that the benchmark runs: the daemon, the bare pygls server, bare parsing and the Node reference."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from tests.bench.client import PeakMemory, Server
from tests.bench.repos import CACHE, PROJECT

if TYPE_CHECKING:
    from collections.abc import Generator

HERE: Final = Path(__file__).parent
NODE_SOURCES: Final = HERE / "node"


def _environment() -> dict[str, str]:
    # An installed program has its bytecode; where Python may not write it, every start would be spent on compiling.
    dropped = {"PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"}
    return {name: value for name, value in os.environ.items() if not name.startswith("CKIT_") and name not in dropped}


def daemon(state: Path) -> Server:
    """Start the daemon; its caches are in `state`, and no setting of the person at this machine counts."""
    environment = _environment() | {
        "CKIT_CONFIG_FILE": str(state / "none.toml"),
        "CKIT_PATHS_CACHE_DIR": str(state / "cache"),
        "CKIT_PATHS_STATE_DIR": str(state / "state"),
    }
    return Server([sys.executable, "-m", "ckit_daemon"], environment)


def bare_pygls() -> Server:
    return Server([sys.executable, str(HERE / "bare_pygls.py")], _environment())


@contextlib.contextmanager
def fresh_state() -> Generator[Path]:
    """A folder for the caches of one daemon, or of several in turn."""
    with tempfile.TemporaryDirectory(prefix="ckit-bench-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def parse_seconds(root: Path) -> float:
    """Read and parse every entity in a process of its own, and return the time without that process's start."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.bench.parsing", str(root)],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    )
    return float(run.stdout)


def _is_installed(folder: Path) -> bool:
    wanted: dict[str, str] = json.loads((folder / "package.json").read_text(encoding="utf-8"))["dependencies"]
    manifests = {name: folder / "node_modules" / name / "package.json" for name in wanted}
    return all(
        path.exists() and json.loads(path.read_text(encoding="utf-8"))["version"] == wanted[name]
        for name, path in manifests.items()
    )


class Node:
    """The pipelines of the Node reference, each call in a new process, as the predecessor ran them."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder

    @classmethod
    def prepare(cls) -> Node | None:
        """Install the libraries in the cache folder; None where there is no Node or no way to get them."""
        program, npm = shutil.which("node"), shutil.which("npm")
        if program is None or npm is None:
            return None
        folder = CACHE / "node"
        folder.mkdir(parents=True, exist_ok=True)
        for source in NODE_SOURCES.iterdir():
            shutil.copy(source, folder)
        if _is_installed(folder):
            return cls(program, folder)
        command = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
        installed = subprocess.run(command, cwd=folder, check=False, capture_output=True)
        return cls(program, folder) if installed.returncode == 0 else None

    def seconds(self, pipeline: str, *arguments: str) -> float:
        """Run a pipeline and return the time from its start to its end."""
        began = time.perf_counter()
        subprocess.run(self.command(pipeline, *arguments), check=True, stdout=subprocess.PIPE)
        return time.perf_counter() - began

    def peak_bytes(self, pipeline: str, *arguments: str) -> int:
        with subprocess.Popen(self.command(pipeline, *arguments), stdout=subprocess.DEVNULL) as process:
            with PeakMemory(process.pid) as peak, contextlib.suppress(psutil.Error):
                process.wait()
            return peak.bytes

    def command(self, pipeline: str, *arguments: str) -> list[str]:
        """The command line that runs a pipeline."""
        return [self._program, str(self._folder / f"{pipeline}.mjs"), *arguments]
