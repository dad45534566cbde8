"""Start-up and round trips: the daemon against a bare pygls server."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from tests.bench.programs import bare_pygls, daemon, fresh_state
from tests.bench.table import Row, at_least, at_most, compared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.bench.client import Message, Server

BARE = "bare pygls"
SMALL = "ckit/capabilities"
"""Some kilobytes, read from memory: what an instant method costs."""
PIPELINED = 10_000


def start_up(runs: int) -> Iterator[Row]:
    """Spawn both servers in turn, so that a busy moment of the machine hits both."""
    ours: list[float] = []
    theirs: list[float] = []
    with fresh_state() as state:
        # The first start of each compiles what it imports.
        for measured in (False, *[True] * runs):
            with daemon(state) as server:
                seconds = server.initialize().seconds
            with bare_pygls() as server:
                bare_seconds = server.initialize().seconds
            if measured:
                ours.append(seconds)
                theirs.append(bare_seconds)
    yield compared("start-up", "spawn to initialize answer", min(ours), min(theirs), BARE, at_most(1.3))


def round_trips(calls: int) -> Iterator[Row]:
    """Call one small method after another, then many without waiting."""
    with fresh_state() as state, daemon(state) as ours, bare_pygls() as theirs:
        ours.initialize()
        theirs.initialize()

        def echo(server: Server) -> float:
            return server.call("bench/echo", {"value": "x"}).seconds

        small, echoed = _alternate(lambda: ours.call(SMALL).seconds, lambda: echo(theirs), calls)
        yield compared("round trip", f"{SMALL}, p50", small, echoed, "pygls echo, p50", at_least(2))
        health, echoed = _alternate(lambda: ours.call("ckit/health").seconds, lambda: echo(theirs), calls // 4)
        yield compared("round trip", "ckit/health, p50", health, echoed, "pygls echo, p50")
        rates = [
            (_rate(ours, SMALL, {}), _rate(theirs, "bench/echo", {"value": "x"}))
            for _ in range(3 if calls > 1000 else 1)
        ]
        yield compared(
            "round trip",
            f"{PIPELINED:,} pipelined, all answered",
            median(rate for rate, _ in rates),
            median(rate for _, rate in rates),
            "pygls echo",
            at_least(3),
            unit="/s",
        )


def _alternate(first: Callable[[], float], second: Callable[[], float], calls: int) -> tuple[float, float]:
    """Return the medians of both after some calls that warm them up, in alternating blocks of a hundred."""
    times: tuple[list[float], list[float]] = ([], [])
    for block in range(max(calls // 100, 1) + 1):
        for call, kept in zip((first, second), times, strict=True):
            block_times = [call() for _ in range(100)]
            if block > 0:
                kept.extend(block_times)
    return median(times[0]), median(times[1])


def _rate(server: Server, method: str, params: Message) -> float:
    return PIPELINED / server.pipeline(method, params, PIPELINED)
