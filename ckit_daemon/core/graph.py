"""The one graph of a repository: each fact once, with every place that states it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import rustworkx

from ckit_daemon.core.errors import LimitExceededError
from ckit_daemon.core.relations import ACYCLIC, GOVERNANCE, GOVERNS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import JsonValue, Path

Direction = Literal["out", "in", "both"]
MAX_PATHS = 1000
MAX_STEPS = 2_000_000
"""Steps that one search for paths may take."""
MAX_CYCLES = 200
"""Rings that are told at a time; in one big tangle there are as many as edges, and each costs a search."""


class Statement(NamedTuple):
    """A place in an entity that states a fact."""

    entity: Entity
    path: Path


@dataclass(slots=True, unsafe_hash=True)
class Edge:
    """A fact: `source` has the relation `rel` to `target`. Nobody changes one, but frozen ones take thrice as long."""

    source: str
    target: str
    rel: str
    statements: list[Statement] = field(compare=False, hash=False)

    def other(self, identifier: str) -> str:
        """The end that is not `identifier`."""
        return self.target if identifier == self.source else self.source


@dataclass(frozen=True, slots=True)
class Subgraph:
    """A part of a graph, in a stable order."""

    entities: tuple[Entity, ...]
    edges: tuple[Edge, ...]


class Graph:
    """Entities and the facts between them. A fact that names a missing entity is not in the graph."""

    def __init__(
        self,
        entities: Mapping[str, Entity],
        edges: Sequence[Edge],
        outgoing: Mapping[str, Sequence[Edge]],
        incoming: Mapping[str, Sequence[Edge]],
    ) -> None:
        """Make a graph of its parts; see `of`."""
        self.entities = entities
        self.edges = edges
        self._out = outgoing
        self._in = incoming

    @classmethod
    def of(cls, entities: Iterable[Entity]) -> Graph:
        """Build the graph of `entities`, which have unique ids."""
        known = {entity.id: entity for entity in entities}
        facts: dict[tuple[str, str, str], Edge] = {}

        def state(source: str, target: str, rel: str, statement: Statement) -> None:
            edge = facts.get((source, target, rel))
            if edge is None:
                facts[source, target, rel] = Edge(source, target, rel, [statement])
            else:
                edge.statements.append(statement)

        by_type: dict[str, list[str]] = {}
        for entity in known.values():
            by_type.setdefault(entity.type, []).append(entity.id)
        for entity in known.values():
            for reference in entity.references:
                relation = reference.relation
                target = known.get(reference.target)
                if target is not None and target.type in relation.targets:
                    ends = (target.id, entity.id) if relation.reverse else (entity.id, target.id)
                    state(*ends, relation.rel, Statement(entity, reference.path))
            if entity.type == GOVERNANCE:
                named = list(governed_types(entity))
                for governed_type, governed in by_type.items():
                    # These are a quarter of all facts, so one list of statements serves all entities of a type.
                    statements = [Statement(entity, path) for name, path in named if name in {governed_type, "global"}]
                    for target in governed if statements else ():
                        if target != entity.id:
                            facts[entity.id, target, GOVERNS] = Edge(entity.id, target, GOVERNS, statements)
        outgoing: dict[str, list[Edge]] = {}
        incoming: dict[str, list[Edge]] = {}
        for edge in facts.values():
            outgoing.setdefault(edge.source, []).append(edge)
            incoming.setdefault(edge.target, []).append(edge)
        return cls(known, list(facts.values()), outgoing, incoming)

    def with_entities(self, changed: Mapping[str, Entity]) -> Graph:
        """The graph after entities changed in nothing that states a fact: not in their id, type or references.

        It is the one that `of` builds, in a twentieth of the time.
        """
        renewed: dict[int, Edge] = {}
        for identifier in changed:
            for edge in self.edges_of(identifier):
                if any(statement.entity.id in changed for statement in edge.statements):
                    statements = [Statement(changed.get(at.entity.id, at.entity), at.path) for at in edge.statements]
                    renewed[id(edge)] = Edge(edge.source, edge.target, edge.rel, statements)

        def renew(edges: Iterable[Edge]) -> list[Edge]:
            return [renewed.get(id(edge), edge) for edge in edges]

        outgoing = {edge.source: renew(self._out[edge.source]) for edge in renewed.values()}
        incoming = {edge.target: renew(self._in[edge.target]) for edge in renewed.values()}
        return Graph(
            {**self.entities, **changed}, renew(self.edges), {**self._out, **outgoing}, {**self._in, **incoming}
        )

    def edges_of(
        self, identifier: str, direction: Direction = "both", relations: Collection[str] | None = None
    ) -> Iterator[Edge]:
        """Yield the facts about one entity: those that leave it, those that reach it, or both."""
        found: list[Edge] = []
        if direction in {"out", "both"}:
            found += self._out.get(identifier, ())
        if direction in {"in", "both"}:
            found += (edge for edge in self._in.get(identifier, ()) if direction == "in" or edge.source != identifier)
        for edge in found:
            if relations is None or edge.rel in relations:
                yield edge

    def distances(
        self,
        origins: Iterable[str],
        *,
        depth: int | None = None,
        direction: Direction = "both",
        relations: Collection[str] | None = None,
    ) -> dict[str, int]:
        """How many facts away each entity is from the nearest origin, origins included at 0."""
        reached = dict.fromkeys((origin for origin in origins if origin in self.entities), 0)
        queue = deque(reached)
        while queue:
            current = queue.popleft()
            if depth is not None and reached[current] >= depth:
                continue
            for edge in self.edges_of(current, direction, relations):
                other = edge.other(current)
                if other not in reached:
                    reached[other] = reached[current] + 1
                    queue.append(other)
        return reached

    def subgraph(
        self,
        *,
        ids: Collection[str] | None = None,
        types: Collection[str] | None = None,
        relations: Collection[str] | None = None,
        depth: int | None = None,
        direction: Direction = "both",
    ) -> Subgraph:
        """The part of the graph around `ids` (the whole without them) that the filters leave.

        A filter on types hides entities but not the ways through them.
        """
        kept: Collection[str] = self.entities.keys()
        if ids is not None:
            kept = self.distances(ids, depth=depth, direction=direction, relations=relations).keys()
        entities = tuple(
            entity for entity in self.entities.values() if entity.id in kept and (types is None or entity.type in types)
        )
        shown = {entity.id for entity in entities}
        edges = tuple(
            edge
            for edge in self.edges
            if edge.source in shown and edge.target in shown and (relations is None or edge.rel in relations)
        )
        return Subgraph(entities, edges)

    def paths(
        self, source: str, target: str, *, max_length: int, limit: int, direction: Direction = "both"
    ) -> list[tuple[Edge, ...]]:
        """Ways from `source` to `target` over at most `max_length` facts, the shortest first, at most `limit`.

        Raises:
            LimitExceededError: so much of the graph lies on the way that the search was given up.

        """
        return list(islice(self._ways(source, target, max_length, direction), min(limit, MAX_PATHS)))

    def _ways(self, source: str, target: str, max_length: int, direction: Direction) -> Iterator[tuple[Edge, ...]]:
        # One length after the other in depth, not in breadth: a constitution joins all with all in two steps, and
        # remembering every way that has begun takes gigabytes.
        to_target = self.distances([target], depth=max_length, direction=_REVERSED[direction])
        useful: dict[tuple[str, int], list[tuple[str, Edge]]] = {}
        way: list[Edge] = []
        visited = {source}
        steps = 0

        def next_steps(current: str, remaining: int) -> list[tuple[str, Edge]]:
            """The facts that lead on to where the target can still be reached in time."""
            if (current, remaining) not in useful:
                others = ((edge.other(current), edge) for edge in self.edges_of(current, direction))
                useful[current, remaining] = [
                    (other, edge) for other, edge in others if to_target.get(other, remaining) < remaining
                ]
            return useful[current, remaining]

        def extended(current: str, remaining: int) -> Iterator[tuple[Edge, ...]]:
            nonlocal steps
            for other, edge in next_steps(current, remaining):
                steps += 1
                if steps > MAX_STEPS:
                    message = f"Too many ways lead from {source} to {target}: ask for shorter paths or fewer of them."
                    raise LimitExceededError(message, details={"limit": MAX_STEPS})
                if other in visited:
                    continue
                if remaining == 1:
                    yield (*way, edge)
                elif other != target:
                    way.append(edge)
                    visited.add(other)
                    yield from extended(other, remaining - 1)
                    way.pop()
                    visited.discard(other)

        for length in range(max(to_target.get(source, max_length + 1), 1), max_length + 1):
            yield from extended(source, length)

    @cached_property
    def cycles(self) -> tuple[tuple[Edge, ...], ...]:
        """Rings in relations that should have none, at most `MAX_CYCLES`.

        Every edge that lies on a ring is part of one of them, and each is the shortest one through some edge.
        """
        next_edges: dict[str, list[Edge]] = {}
        network: rustworkx.PyDiGraph[str, None] = rustworkx.PyDiGraph()
        index: dict[str, int] = {}
        for edge in self.edges:
            if edge.rel in ACYCLIC:
                next_edges.setdefault(edge.source, []).append(edge)
                for end in (edge.source, edge.target):
                    if end not in index:
                        index[end] = network.add_node(end)
                network.add_edge(index[edge.source], index[edge.target], None)
        component = {
            network[node]: number
            for number, nodes in enumerate(rustworkx.strongly_connected_components(network))
            for node in nodes
        }
        for source, edges in next_edges.items():
            next_edges[source] = [edge for edge in edges if component[edge.target] == component[source]]
        rings: dict[frozenset[str], tuple[Edge, ...]] = {}
        covered: set[Edge] = set()
        for edge in (edge for edges in next_edges.values() for edge in edges):
            if edge in covered:
                continue
            ring = (edge, *_shortest_way(next_edges, edge.target, edge.source))
            covered.update(ring)
            rings.setdefault(frozenset(step.source for step in ring), ring)
            if len(rings) == MAX_CYCLES:
                break
        return tuple(rings.values())


def _shortest_way(next_edges: Mapping[str, Sequence[Edge]], start: str, end: str) -> list[Edge]:
    """The shortest way between two nodes that are connected; nothing if they are one."""
    reached_by: dict[str, Edge | None] = {start: None}
    queue = deque([start])
    while end not in reached_by:
        for edge in next_edges[queue.popleft()]:
            if edge.target not in reached_by:
                reached_by[edge.target] = edge
                queue.append(edge.target)
    way: list[Edge] = []
    while (edge := reached_by[end]) is not None:
        way.append(edge)
        end = edge.source
    return way[::-1]


_REVERSED: dict[Direction, Direction] = {"out": "in", "in": "out", "both": "both"}


def states_the_same(one: Entity, other: Entity) -> bool:
    """Whether two texts of an entity state the same facts at the same places."""
    return (one.id, one.type, one.references) == (other.id, other.type, other.references) and one.type != GOVERNANCE


TYPE_FIELDS: Final = frozenset({("principles", "appliesTo"), ("compliance", "rules", "targets")})
"""Where a constitution names types, without the indexes of lists."""


def governed_types(constitution: Entity) -> Iterator[tuple[str, Path]]:
    """Yield the entity types that a constitution names, with the places, principles first."""
    data = constitution.data
    yield from _types_in(data.get("principles"), ("principles",), "appliesTo")
    compliance = data.get("compliance")
    if isinstance(compliance, dict):
        yield from _types_in(compliance.get("rules"), ("compliance", "rules"), "targets")


def _types_in(holders: JsonValue, base: Path, key: str) -> Iterator[tuple[str, Path]]:
    for index, holder in enumerate(holders if isinstance(holders, list) else ()):
        values = holder.get(key) if isinstance(holder, dict) else None
        for position, value in enumerate(values if isinstance(values, list) else ()):
            if isinstance(value, str):
                yield value, (*base, index, key, position)
