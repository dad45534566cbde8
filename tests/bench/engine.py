"""The work on repositories: in a new process, from the parse cache, and on a repository that is open already."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log10
from statistics import median
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.bench.programs import daemon, fresh_state, parse_seconds
from tests.bench.table import Row, at_least, at_most, compared

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.bench.client import Message, Server
    from tests.bench.programs import Node
    from tests.bench.repos import BenchRepository

PAGE: Final = "graph (1,000)"
LARGE: Final = 10_000
"""Entities of the repository that most aims are about."""
NO_NODE: Final = "no Node here"
# What is measured wavers by some percent, and so does the exponent of what grows in proportion.
LINEAR: Final = at_most(1.05)


class Operation(NamedTuple):
    """The same work on both sides."""

    method: str
    params: Message
    pipeline: str
    arguments: tuple[str, ...] = ()


def operations(repository: BenchRepository) -> Mapping[str, Operation]:
    feature = repository.feature
    return {
        "validate": Operation("ckit/repo/validate", {}, "validate"),
        "graph": Operation("ckit/repo/graph", {"limit": 10_000}, "build-graph"),
        "impact": Operation("ckit/repo/impact", {"ids": [feature]}, "impact", (feature,)),
        "inspect": Operation("ckit/repo/inspect", {}, "inspect"),
    }


class Session(NamedTuple):
    """Seconds of one daemon's life: from its start to the answer, and the parts of it that are ours."""

    whole: float
    opening: float
    answering: float


@dataclass(slots=True)
class Figures:
    """The best of all runs for one repository, by operation: whatever else the machine does can only add to it."""

    repository: BenchRepository
    parsing: float
    cold: dict[str, Session] = field(default_factory=dict[str, Session])
    warm: dict[str, Session] = field(default_factory=dict[str, Session])
    repeated: dict[str, float] = field(default_factory=dict[str, float])
    node: dict[str, float] = field(default_factory=dict[str, float])


def measure(repository: BenchRepository, node: Node | None, runs: int) -> Figures:
    """Run every operation in all ways, one after another, so that a busy moment of the machine hits all alike."""
    # Reading for the first time is the disk's matter; every program here finds the files in memory.
    parse_seconds(repository.root)
    parsing: list[float] = []
    figures = Figures(repository, parsing=0.0)
    for name, operation in operations(repository).items():
        cold: list[Session] = []
        warm: list[Session] = []
        by_node: list[float] = []
        for _ in range(runs):
            with fresh_state() as state:
                cold.append(_session(state, repository, operation))
                warm.append(_session(state, repository, operation))
            parsing.append(parse_seconds(repository.root))
            if node is not None:
                by_node.append(node.seconds(operation.pipeline, str(repository.root), *operation.arguments))
        figures.cold[name], figures.warm[name] = _best(cold), _best(warm)
        if by_node:
            figures.node[name] = min(by_node)
    figures.parsing = min(parsing)
    with fresh_state() as state, daemon(state) as server:
        open_repository(server, repository)
        for name, operation in operations(repository).items():
            figures.repeated[name] = _repeat(server, operation, runs)
        page = Operation("ckit/repo/graph", {}, "build-graph")
        figures.repeated[PAGE] = _repeat(server, page, runs)
    return figures


def _repeat(server: Server, operation: Operation, runs: int) -> float:
    return median(server.call(operation.method, operation.params).seconds for _ in range(5 + 5 * runs))


def open_repository(server: Server, repository: BenchRepository) -> float:
    """Shake hands, open, and return the seconds of opening."""
    server.initialize()
    return server.call("ckit/repo/open", {"path": str(repository.root)}).seconds


def _session(state: Path, repository: BenchRepository, operation: Operation) -> Session:
    with daemon(state) as server:
        starting = server.initialize().seconds
        opening = server.call("ckit/repo/open", {"path": str(repository.root)}).seconds
        answer = server.call(operation.method, operation.params)
        _check(operation, answer.result, repository)
        return Session(starting + opening + answer.seconds, opening, answer.seconds)


def _check(operation: Operation, result: Any, repository: BenchRepository) -> None:
    """Stop where the answer is not the expected one: how fast a wrong one comes interests nobody."""
    with_constitution = repository.entities + 1
    match operation.pipeline:
        case "validate":
            assert result["ok"], result["findings"][:3]
            assert result["entities"] == with_constitution
        case "build-graph":
            assert result["totalNodes"] == with_constitution
        case "impact":
            assert result["stale"]
        case _:
            assert result["total"] == with_constitution


def _best(sessions: list[Session]) -> Session:
    return Session(*(min(column) for column in zip(*sessions, strict=True)))


def rows_of(figures: Figures) -> Iterator[Row]:
    """Compare one repository's figures; the aims that name a size stand at that size alone."""
    section = f"{figures.repository.entities:,} entities"
    large = figures.repository.entities >= LARGE
    for name, cold in figures.cold.items():
        aim = at_least(3) if large and name == "validate" else None
        yield compared(section, f"{name}, cold process", cold.whole, *_node(figures, name), aim)
    for name, warm in figures.warm.items():
        yield compared(section, f"{name}, warm process", warm.whole, figures.cold[name].whole, "cold process")
    work = figures.cold["validate"].opening + figures.cold["validate"].answering
    yield compared(section, "open and validate, cold", work, *_node(figures, "validate"))
    aim = at_most(1.5) if large else None
    yield compared(section, "open and validate, cold", work, figures.parsing, "reading and parsing", aim)
    opening = min(session.opening for session in figures.cold.values())
    from_cache = min(session.opening for session in figures.warm.values())
    yield compared(section, "open, warm", from_cache, opening, "open, cold", at_least(3) if large else None)
    for name, seconds in figures.repeated.items():
        yield compared(section, f"{name}, open already", seconds, *_node(figures, name), at_least(100))


def _node(figures: Figures, name: str) -> tuple[float | None, str]:
    seconds = figures.node.get("graph" if name == PAGE else name)
    return seconds, NO_NODE if seconds is None else "Node process"


def growth(small: Figures, large: Figures) -> Iterator[Row]:
    """Exponents: 1 is linear growth, 0 is none."""
    section = f"growth {small.repository.entities:,} to {large.repository.entities:,}"
    steps = log10(large.repository.entities / small.repository.entities)

    def row(name: str, before: float, after: float, judged: bool) -> Row:
        return Row(section, f"{name}, exponent", log10(after / before) / steps, "", aim=LINEAR if judged else None)

    for name in small.cold:
        before, after = small.cold[name], large.cold[name]
        yield row(f"open and {name}, cold", before.opening + before.answering, after.opening + after.answering, True)
    for name in small.repeated:
        yield row(f"{name}, open already", small.repeated[name], large.repeated[name], True)
    for name in small.node:
        yield row(f"{name}, Node", small.node[name], large.node[name], False)
