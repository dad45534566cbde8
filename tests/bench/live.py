"""A daemon at work on a large repository: its answers while it opens one, a file that changes, and its memory."""

from __future__ import annotations

import os
import time
from statistics import median
from typing import TYPE_CHECKING, Final

from tests.bench.engine import LARGE, NO_NODE, open_repository, operations
from tests.bench.programs import daemon, fresh_state
from tests.bench.table import Aim, Row, at_most, compared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.client import Server
    from tests.bench.programs import Node
    from tests.bench.repos import BenchRepository

MEGABYTE: Final = 1024 * 1024
HEALTH_PAUSE_SECONDS: Final = 0.003
PATIENCE_SECONDS: Final = 120


def _if_large(repository: BenchRepository, aim: Aim) -> Aim | None:
    return aim if repository.entities >= LARGE else None


def health_while_opening(repository: BenchRepository) -> Iterator[Row]:
    """Ask for health all the while that a repository is opened without a cache."""
    with fresh_state() as state, daemon(state) as server:
        server.initialize()
        server.call("ckit/health")
        opening = server.send("ckit/repo/open", {"path": str(repository.root)})
        answers = health_until_answered(server, opening)
    section = f"opening {repository.entities:,}"
    aim = _if_large(repository, at_most(0.020))
    yield Row(section, f"ckit/health, p50 of {len(answers)}", median(answers), "s", aim=aim)
    yield Row(section, "ckit/health, slowest", max(answers), "s", aim=aim)


def health_until_answered(server: Server, request: int) -> list[float]:
    """Ask for health every few milliseconds until another request is answered; return the seconds of each answer."""
    answers: list[float] = []
    while not server.is_answered(request):
        answers.append(server.call("ckit/health").seconds)
        time.sleep(HEALTH_PAUSE_SECONDS)
    return answers


def one_changed_file(repository: BenchRepository, changes: int) -> Iterator[Row]:
    """Break and mend one file by turns; a change takes from writing it to the answer that shows it."""
    path = repository.edited
    sound = path.read_bytes()
    broken = sound.replace(b"status: done", b"status: banana")
    assert broken != sound
    times = path.stat()
    seconds: list[float] = []
    try:
        with fresh_state() as state, daemon(state) as server:
            open_repository(server, repository)
            _wait_for_errors(server, expected=False)
            for change in range(2 * changes):
                began = time.perf_counter()
                path.write_bytes(sound if change % 2 else broken)
                server.notify("ckit/repo/didChange", {"paths": [path.relative_to(repository.root).as_posix()]})
                _wait_for_errors(server, expected=change % 2 == 0)
                seconds.append(time.perf_counter() - began)
    finally:
        path.write_bytes(sound)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    section = f"one file of {repository.entities:,}"
    aim = _if_large(repository, at_most(0.050))
    yield Row(section, "written, told, validated: p50", median(seconds), "s", aim=aim)
    yield Row(section, "written, told, validated: slowest", max(seconds), "s", aim=aim)


def _wait_for_errors(server: Server, *, expected: bool) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (server.call("ckit/repo/validate").result["counts"].get("error", 0) > 0) is not expected:
        assert time.monotonic() < deadline, "the change was never seen"


def memory(repository: BenchRepository, node: Node | None) -> Iterator[Row]:
    """Resident memory of the daemon: idle, with a repository open, and at its highest on the way there."""
    with fresh_state() as state, daemon(state) as server:
        server.initialize()
        started = server.resident_bytes()
        server.call("ckit/health", {"fresh": True})
        idle = server.resident_bytes()
        with server.peak_memory() as peak:
            server.call("ckit/repo/open", {"path": str(repository.root)})
            server.call("ckit/repo/validate")
            opened = server.resident_bytes()
            for operation in operations(repository).values():
                server.call(operation.method, operation.params)
        used = server.resident_bytes()
    size = f"{repository.entities:,}"
    yield Row("memory", "after initialize", started / MEGABYTE, "MB", aim=at_most(80))
    yield Row("memory", "idle, every component probed", idle / MEGABYTE, "MB", aim=at_most(80))
    aim = _if_large(repository, at_most(250))
    yield Row("memory", f"{size} open and validated", opened / MEGABYTE, "MB", aim=aim)
    yield Row("memory", f"{size} after graph, impact, inspect", used / MEGABYTE, "MB", aim=aim)
    by_node = None if node is None else node.peak_bytes("validate", str(repository.root)) / MEGABYTE
    name = NO_NODE if by_node is None else "Node validate, peak"
    yield compared("memory", f"{size}, peak on the way", peak.bytes / MEGABYTE, by_node, name, unit="MB")
