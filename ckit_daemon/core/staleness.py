"""How far a change reaches in the graph.

Every entity that one fact joins to what changed is reached, except the constitution that governs it. From there the
change goes on only to what depends on what it reached: a task depends on its specification and a package on the
service it uses, but a service does not depend on the tasks that modify it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.document import Severity
from ckit_daemon.core.relations import GOVERNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ckit_daemon.core.graph import Edge, Graph

DEPENDENT_IS_TARGET: Final = frozenset({"has-story", "has-spec", "has-task", "implements", "produces", GOVERNS})
DEPENDENT_IS_SOURCE: Final = frozenset({"requires", "depends-on", "uses"})


@dataclass(frozen=True, slots=True)
class Way:
    """The facts over which a change reaches an entity, from what changed on."""

    origin: str
    edges: tuple[Edge, ...]

    @property
    def severity(self) -> Severity:
        """How much it matters when no rule says so."""
        return Severity.INFORMATION if len(self.edges) == 1 else Severity.HINT


def dependent(edge: Edge) -> str | None:
    """The end of a fact that depends on the other one, if any does."""
    if edge.rel in DEPENDENT_IS_TARGET:
        return edge.target
    return edge.source if edge.rel in DEPENDENT_IS_SOURCE else None


def spread(graph: Graph, origins: Mapping[str, Iterable[tuple[str, Edge]]], depth: int | None = None) -> dict[str, Way]:
    """The shortest way to every entity that a change reaches.

    Args:
        graph: the facts.
        origins: what changed, with the facts about it and their other ends.
        depth: over how many facts the change goes on; without a bound by default.

    """
    ways: dict[str, Way] = {}
    goes_on: dict[str, None] = {}
    # All direct neighbours come first, so that each entity keeps its shortest way.
    for origin, edges in origins.items():
        for other, edge in edges:
            if other in origins or (edge.rel == GOVERNS and edge.source == other):
                continue
            ways.setdefault(other, Way(origin, (edge,)))
            if dependent(edge) == other:
                goes_on[other] = None
    queue = deque(goes_on)
    while queue:
        current = queue.popleft()
        way = ways[current]
        if depth is not None and len(way.edges) >= depth:
            continue
        for edge in graph.edges_of(current):
            other = edge.other(current)
            if dependent(edge) == other and other not in ways and other not in origins:
                ways[other] = Way(way.origin, (*way.edges, edge))
                queue.append(other)
    return ways
