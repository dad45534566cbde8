"""Builds what Node hosts are made of, once for all tests that run at the same time."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from filelock import FileLock

from tests.hosts.install import CACHE

EDITORS: Final = Path(__file__).parents[2] / "editors"
MINUTES: Final = 10


def build(folder: Path, *steps: str) -> None:
    """Install what a package needs, where that has changed, and run scripts of its `package.json`."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / ".building"):
        lock, installed = folder / "package-lock.json", folder / "node_modules" / ".package-lock.json"
        if not installed.is_file() or installed.stat().st_mtime < lock.stat().st_mtime:
            run("npm", folder, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
            installed.touch()
        for step in steps:
            run("npm", folder, "run", step)


def run(name: str, folder: Path, *arguments: str) -> str:
    """Run Node or npm and return what it says, which is shown where it fails."""
    program = shutil.which(name)
    assert program is not None, f"{name} is not installed"
    done = subprocess.run(
        [program, *arguments], cwd=folder, check=False, capture_output=True, text=True, timeout=MINUTES * 60
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout
