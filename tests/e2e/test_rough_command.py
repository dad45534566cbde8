"""The `ckit` command in poor surroundings: every failure is a sentence and an exit code, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.repositories import copy_example

CKIT = (sys.executable, "-m", "ckit_daemon.cli.main")
posix_only = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")


@pytest.fixture(scope="module")
def lantern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_example(tmp_path_factory.mktemp("Ü ber räum") / "la tern 'q'", git=False)


def run(
    *arguments: str, folder: Path, environment: dict[str, str] | None = None, shell: str = ""
) -> subprocess.CompletedProcess[str]:
    own = {"CKIT_PATHS_CACHE_DIR": str(folder.parent / "c"), "CKIT_PATHS_STATE_DIR": str(folder.parent / "s")}
    # The words after the script's name are its `$@`: no name of a test is ever read by the shell.
    command = ["sh", "-c", shell, "sh", *CKIT, *arguments] if shell else [*CKIT, *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **own, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("show", ""), 2, "'id' is not usable"),
        (("rename", "FEAT-001", "a/../b"), 2, "is no usable id"),
        (("--repo", "/", "validate"), 2, "There is no context repository"),
        (("init", "README.md/x"), 2, "README.md"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, tuple) else None,
)
def test_what_can_not_be_done_is_said_in_words(lantern: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = run(*arguments, folder=lantern)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@posix_only
@pytest.mark.parametrize(
    ("shell", "arguments", "code", "said"),
    [
        ('"$@" >&-', ("list",), 0, ""),
        ('"$@" 2>&-', ("list",), 0, ""),
        ('test -e /dev/full || exit 9; "$@" >/dev/full', ("graph", "--json"), 2, "No space left on device"),
        ('mkdir gone; cd gone; rmdir ../gone; "$@"', ("validate",), 2, "no longer exists"),
    ],
)
def test_closed_full_and_vanished_surroundings_end_in_a_sentence(
    lantern: Path, shell: str, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = run(*arguments, folder=lantern, shell=shell)
    if done.returncode == 9:
        pytest.skip("this system has no /dev/full")
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize(
    "environment",
    [
        {"TERM": "dumb", "COLUMNS": "40", "LANG": "C", "LC_ALL": "C"},
        {"HOME": "/proc", "CKIT_PATHS_CACHE_DIR": "/proc/c", "CKIT_PATHS_STATE_DIR": "/proc/s"},
        {"CKIT_LIMITS_MAX_QUEUED": "many", "CKIT_NO_SUCH_SETTING": "1"},
    ],
    ids=["narrow", "read-only home", "bad settings"],
)
def test_a_poor_environment_changes_the_looks_alone(lantern: Path, environment: dict[str, str]) -> None:
    done = run("inspect", folder=lantern, environment=environment)
    assert done.returncode == 0, done.stderr
    assert "userstory" in done.stdout
    assert done.stderr == ""
    if "COLUMNS" in environment:
        assert max(len(line) for line in done.stdout.splitlines()[1:]) <= 40
