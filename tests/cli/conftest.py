from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path  # noqa: TC003 - pytest's fixtures are typed with it.
from typing import Any

import pytest
from typer.testing import CliRunner

from ckit_daemon.cli.main import app

FAULTY = "contexts/userstories/US-007-collect-from-a-locker.yaml"


@dataclass(frozen=True)
class Run:
    """What a command printed and returned."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Ckit:
    """Runs the command in this process; the daemon that it starts is a real one."""

    def __init__(self, repo: Path) -> None:
        self.repo = repo

    def __call__(self, *arguments: str) -> Run:
        result = CliRunner().invoke(app, ["--repo", str(self.repo), *arguments], catch_exceptions=False)
        return Run(result.exit_code, result.stdout, result.stderr)


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the daemon's cache out of the person's home."""
    base = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("CKIT_PATHS_CACHE_DIR", str(base / "cache"))
    monkeypatch.setenv("CKIT_PATHS_STATE_DIR", str(base / "state"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")


def copy_example(target: Path) -> Path:
    with as_file(files("ckit_daemon") / "example") as source:
        shutil.copytree(source, target)
    return target


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example repository, to be read only."""
    return copy_example(tmp_path_factory.mktemp("cli") / "lantern")


@pytest.fixture
def ckit(example: Path) -> Ckit:
    return Ckit(example)


@pytest.fixture
def own(tmp_path: Path) -> Ckit:
    """A copy of the example that the test may change."""
    return Ckit(copy_example(tmp_path / "lantern"))


@pytest.fixture
def faulty(own: Ckit) -> Ckit:
    """A copy with a reference to nowhere and a status that the schema does not know."""
    file = own.repo / FAULTY
    text = file.read_text(encoding="utf-8")
    text = text.replace("feature: FEAT-003", "feature: FEAT-033").replace("status: proposed", "status: porposed")
    file.write_text(text, encoding="utf-8")
    return own
