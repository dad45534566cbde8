"""`python -m tests.bench`: measure, and print one table of ratios. Nothing here fails because something is slow."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.bench.assistant import memory_after_turns, turns
from tests.bench.cancelling import cancels
from tests.bench.client import ServerError
from tests.bench.engine import Figures, growth, measure, rows_of
from tests.bench.language import typing
from tests.bench.live import health_while_opening, memory, one_changed_file
from tests.bench.programs import Node
from tests.bench.repos import repository_of
from tests.bench.retrieval import indexing, searching
from tests.bench.table import Row, as_json, show
from tests.bench.wire import round_trips, start_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

GROUPS: Final = ("wire", "repositories", "assistant", "retrieval")


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    result.add_argument("--sizes", type=_sizes, help="entities of the repositories, e.g. 100,1000,10000 (the default)")
    result.add_argument("--quick", action="store_true", help="few runs, and sizes 100,1000 unless --sizes says more")
    result.add_argument("--only", choices=GROUPS, help="one group of rows")
    result.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as well")
    return result


def _sizes(text: str) -> list[int]:
    sizes = sorted({int(part) for part in text.split(",")})
    if sizes[0] < 42:
        raise argparse.ArgumentTypeError("42 entities is the smallest size: those of one example repository")
    return sizes


def main() -> int:
    arguments = parser().parse_args()
    sizes: list[int] = arguments.sizes or ([100, 1000] if arguments.quick else [100, 1000, 10_000])
    quick: bool = arguments.quick
    groups = GROUPS if arguments.only is None else (arguments.only,)
    runs = 1 if quick else 3
    rows: list[Row] = []
    failures: list[str] = []

    def add(what: str, measured: Callable[[], Iterable[Row]]) -> None:
        began = time.monotonic()
        try:
            rows.extend(measured())
        except (ServerError, AssertionError, KeyError, OSError, subprocess.SubprocessError):
            # What was measured is still worth its table.
            failures.append(what)
            traceback.print_exc()
        print(f"{what}: {time.monotonic() - began:.0f} s", file=sys.stderr)

    if "wire" in groups:
        add("start-up", lambda: start_up(3 if quick else 9))
        add("round trips", lambda: round_trips(400 if quick else 4000))
    if "repositories" in groups:
        _add_repositories(add, sizes, runs)
    if "assistant" in groups:
        add("turns", lambda: turns(2 if quick else 10))
        add("cancels", lambda: cancels(2 if quick else 10))
        add("turns without end", lambda: memory_after_turns(500 if quick else 10_000))
    if "retrieval" in groups:
        add("indexing", lambda: indexing(repository_of(42 if quick else 300)))
        add("searching", lambda: searching(repository_of(sizes[-1]), 1 if quick else 5, 3 if quick else 20))
    show(rows)
    print(f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, best of {runs} runs")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(as_json(rows), indent=2) + "\n", encoding="utf-8")
    return 1 if failures else 0


def _add_repositories(add: Callable[[str, Callable[[], Iterable[Row]]], None], sizes: list[int], runs: int) -> None:
    node = Node.prepare()
    figures: list[Figures] = []

    def measure_size(size: int) -> Iterable[Row]:
        figures.append(measure(repository_of(size), node, runs))
        return rows_of(figures[-1])

    for size in sizes:
        add(f"{size} entities", lambda: measure_size(size))  # noqa: B023 - called at once.
    largest = repository_of(sizes[-1])
    add("one changed file", lambda: one_changed_file(largest, 3 if runs == 1 else 10))
    add("typing", lambda: typing(largest, 20 if runs == 1 else 200))
    add("health", lambda: health_while_opening(largest))
    add("memory", lambda: memory(largest, node))
    if len(figures) > 1:
        add("growth", lambda: growth(figures[-2], figures[-1]))


if __name__ == "__main__":
    sys.exit(main())
