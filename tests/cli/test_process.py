"""The command as a process: what only a real one shows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ckit_daemon import __version__

if TYPE_CHECKING:
    from pathlib import Path

CKIT = [sys.executable, "-m", "ckit_daemon.cli.main"]


def run(*arguments: str, repo: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*CKIT, "--repo", str(repo), *arguments], capture_output=True, timeout=120, check=False)


def test_output_through_a_pipe_is_utf8_and_free_of_escapes(example: Path) -> None:
    done = run("graph", "FEAT-003", repo=example)
    assert done.returncode == 0
    assert "has-story \u2192 US-006" in done.stdout.decode()
    assert b"\x1b" not in done.stdout


def test_wrong_usage_exits_with_2_and_prints_no_traceback(example: Path) -> None:
    done = run("validate", "--frobnicate", repo=example)
    assert done.returncode == 2
    assert b"frobnicate" in done.stderr
    assert b"Traceback" not in done.stderr


def test_the_version_is_told_without_a_daemon(example: Path) -> None:
    done = run("--version", repo=example)
    assert done.returncode == 0
    assert done.stdout.decode().split() == ["ckit", __version__]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGINT that one process sends another")
def test_ctrl_c_ends_the_command_with_130_and_its_daemon_too(example: Path) -> None:
    # Whoever runs the tests in the background of a shell hands down a SIGINT that is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [*CKIT, "--repo", str(example), "validate", "--watch"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    # The pipes end only when the daemon, which inherits none of them, and the command are gone.
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert b"Cancelled." in err


@pytest.mark.skipif(os.name != "posix", reason="a broken pipe is an error of its own on Windows")
def test_a_reader_that_has_seen_enough_causes_no_complaint(example: Path) -> None:
    process = subprocess.Popen(
        [*CKIT, "--repo", str(example), "graph", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    process.wait(120)
    assert b"Traceback" not in err
    assert b"Exception" not in err
