"""What a change breaks, and what has to be looked at again.

Three things are told apart. A consistency rule that fires asks for a review of the entities that it marks. An entity
is stale when it is joined to what changed by one fact, or depends on it over several: a task depends on its
specification, a package on the service it uses, but a service doesn't depend on the tasks that modify it. A fact whose
other end went away dangles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from ckit_daemon.core.changes import Change, EntityChange, entity_changes
from ckit_daemon.core.document import Severity
from ckit_daemon.core.errors import InvalidArgumentError
from ckit_daemon.core.graph import Edge, Graph, Statement
from ckit_daemon.core.rules import Rule, read_rules
from ckit_daemon.core.staleness import spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import Path
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.core.text import Location

Certainty = Literal["certain", "possible"]
IssueKind = Literal["needs-review", "dangling"]

_MAX_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule that a change fires; a possible one would fire if its fields were what changed."""

    rule: Rule
    source: Entity
    certainty: Certainty
    fields: tuple[str, ...]
    """The fields of the rule that changed; for a possible firing those that it watches."""
    marked: Mapping[str, Edge]
    """The ids of the entities to be reviewed, each with the fact that leads to it."""


@dataclass(frozen=True, slots=True)
class Stale:
    """An entity that may no longer be right, and the way on which the change reaches it."""

    entity: Entity
    origin: str
    way: tuple[Edge, ...]
    severity: Severity
    """That of the gravest rule which marks it; information for a neighbour and a hint further away otherwise."""


@dataclass(frozen=True, slots=True)
class Issue:
    """Something to do about one entity."""

    entity: Entity
    kind: IssueKind
    severity: Severity
    certainty: Certainty
    message: str
    reason: str
    suggested_action: str
    source: str
    """The id of what changed."""
    path: Path
    """The field of the entity where there is something to do."""
    rule: Rule | None = None
    edge: Edge | None = None

    @property
    def location(self) -> Location:
        """Where that field stands."""
        return self.entity.document.location_at(self.path)


@dataclass(frozen=True, slots=True)
class Impact:
    """Everything that a change brings about, in an order that depends on nothing but the repository."""

    changes: tuple[EntityChange, ...]
    firings: tuple[Firing, ...]
    stale: tuple[Stale, ...]
    issues: tuple[Issue, ...]


def impact(
    snapshot: Snapshot,
    *,
    changed_ids: Sequence[str] = (),
    baseline: Mapping[str, Document | None] | None = None,
    depth: int | None = None,
) -> Impact:
    """Tell what a change brings about.

    Args:
        snapshot: the repository after the change.
        changed_ids: the entities to look at. Without a baseline they are taken as changed in an unknown way.
        baseline: the old documents of the files that differ, by path, None for one that is new: unsaved text against
            the disk, the working tree against a commit, or one commit against another.
        depth: over how many facts staleness goes on, without a bound by default.

    Raises:
        InvalidArgumentError: neither ids nor a baseline, or a depth below 1.
        NotFoundError: an id that is neither in the snapshot nor in the baseline.

    """
    if depth is not None and depth < 1:
        raise InvalidArgumentError("The depth must be 1 or more.")
    if baseline is None and not changed_ids:
        raise InvalidArgumentError("Give the ids of what changed, or something to compare with.")
    changes = _changes(snapshot, tuple(dict.fromkeys(changed_ids)), baseline)
    return _Analysis(snapshot, changes, depth).run()


def _changes(
    snapshot: Snapshot, ids: tuple[str, ...], baseline: Mapping[str, Document | None] | None
) -> tuple[EntityChange, ...]:
    found = () if baseline is None else entity_changes(snapshot, baseline)
    known = {change.id: change for change in found}
    for identifier in ids:
        if identifier not in known:
            snapshot.require(identifier)
    if baseline is not None:
        return tuple(change for change in found if not ids or change.id in ids)
    entities = [entity for identifier in ids if (entity := snapshot.get(identifier)) is not None]
    return tuple(EntityChange(entity.id, entity.type, "assumed", entity, entity, None) for entity in entities)


class _Analysis:
    def __init__(self, snapshot: Snapshot, changes: tuple[EntityChange, ...], depth: int | None) -> None:
        self._snapshot = snapshot
        self._changes = changes
        self._depth = depth
        gone = [change.old for change in changes if change.old is not None and snapshot.get(change.old.id) is None]
        # Facts with an entity that went are gone from the graph too; with it they show whom it leaves behind.
        self._graph = Graph.of([*snapshot.entities, *gone]) if gone else snapshot.graph
        self._order = {identifier: index for index, identifier in enumerate(self._graph.entities)}

    def run(self) -> Impact:
        firings = tuple(self._firings())
        issues = (*self._reviews(firings), *self._left_dangling(), *self._made_dangling())
        marks: dict[str, Severity] = {}
        for firing in firings:
            for identifier in firing.marked if firing.certainty == "certain" else ():
                marks[identifier] = min(marks.get(identifier, Severity.HINT), firing.rule.severity)
        ways = spread(self._graph, {change.id: self._edges(change) for change in self._changes}, self._depth)
        stale = (
            Stale(entity, way.origin, way.edges, marks.get(identifier, way.severity))
            for identifier, way in sorted(ways.items(), key=lambda item: (len(item[1].edges), self._order[item[0]]))
            if (entity := self._snapshot.get(identifier)) is not None
        )
        return Impact(self._changes, firings, tuple(stale), issues)

    # Facts

    def _edges(self, change: EntityChange) -> list[tuple[str, Edge]]:
        """The facts about an entity with their other ends, those included that the change took away."""
        found = [(edge.other(change.id), edge) for edge in self._graph.edges_of(change.id)]
        if change.old is None:
            return found
        if change.old.id != change.id:
            found += ((edge.other(change.old.id), edge) for edge in self._graph.edges_of(change.old.id))
        known = {edge for _, edge in found}
        for reference in change.old.references:
            target = reference.target
            source, end = (target, change.id) if reference.relation.reverse else (change.id, target)
            edge = Edge(source, end, reference.relation.rel, [Statement(change.old, reference.path)])
            if edge not in known and target in self._graph.entities:
                known.add(edge)
                found.append((target, edge))
        return found

    # Rules

    def _firings(self) -> Iterator[Firing]:
        rules = read_rules(self._snapshot)
        for change in self._changes:
            edges = self._edges(change)
            for rule in rules:
                if rule.entity != change.type:
                    continue
                fields = _fired(rule, change)
                if fields:
                    certainty: Certainty = "possible" if change.fields is None else "certain"
                    yield Firing(rule, change.entity, certainty, fields, self._marked(rule, edges))

    def _marked(self, rule: Rule, edges: Iterable[tuple[str, Edge]]) -> dict[str, Edge]:
        marked: dict[str, Edge] = {}
        for other, edge in edges:
            if self._snapshot.get(other) is not None and rule.leads_to(edge.rel, self._graph.entities[other].type):
                marked.setdefault(other, edge)
        return dict(sorted(marked.items(), key=lambda item: self._order[item[0]]))

    def _reviews(self, firings: Iterable[Firing]) -> Iterator[Issue]:
        changes = {change.id: change for change in self._changes}
        for firing in firings:
            rule, source = firing.rule, firing.source
            change = changes[source.id]
            certain = firing.certainty == "certain"
            for identifier, edge in firing.marked.items():
                entity = self._graph.entities[identifier]
                watched = " or ".join(firing.fields)
                what = f"The new {watched} of {source.id}" if certain else f"A change of {watched} in {source.id}"
                yield Issue(
                    entity=entity,
                    kind="needs-review",
                    severity=rule.severity,
                    certainty=firing.certainty,
                    message=_describe(change),
                    reason=rule.reason or rule.description,
                    suggested_action=f"{what} concerns {identifier}: review it and set its status, or confirm it.",
                    source=source.id,
                    path=("status",) if "status" in entity.data else ("id",),
                    rule=rule,
                    edge=edge,
                )

    # What refers to nothing now

    def _left_dangling(self) -> Iterator[Issue]:
        """References to what went away."""
        for change in self._changes:
            old = change.old
            if change.kind not in {"removed", "renamed"} or old is None:
                continue
            went = f"{old.id} was removed" if change.kind == "removed" else f"{old.id} is called {change.id} now"
            action = "Remove the reference" if change.kind == "removed" else f"Name {change.id} instead"
            for path in sorted(self._snapshot.referrers.get(old.id, ())):
                entity = self._snapshot.by_path[path]
                for reference in entity.references:
                    if reference.target == old.id:
                        yield Issue(
                            entity=entity,
                            kind="dangling",
                            severity=Severity.ERROR,
                            certainty="certain",
                            message=f"{went}, and {reference.relation.name} of {entity.id} still names it",
                            reason=went,
                            suggested_action=f"{action} in {entity.path}.",
                            source=change.id,
                            path=reference.path,
                        )

    def _made_dangling(self) -> Iterator[Issue]:
        """References that a change adds and that point nowhere."""
        for change in self._changes:
            if change.new is None or change.kind == "assumed":
                continue
            before = {reference.target for reference in change.old.references} if change.old is not None else set[str]()
            for reference in change.new.references:
                target = reference.target
                if target not in before and self._snapshot.get(target) is None:
                    field = reference.relation.name
                    yield Issue(
                        entity=change.new,
                        kind="dangling",
                        severity=Severity.ERROR,
                        certainty="certain",
                        message=f"{change.id} names {target} in {field} now, and there is no such entity",
                        reason=f"there is no {target}",
                        suggested_action=f"Correct the reference in {change.new.path}, or create {target}.",
                        source=change.id,
                        path=reference.path,
                    )


def _fired(rule: Rule, change: EntityChange) -> tuple[str, ...]:
    if change.fields is None:
        return rule.fields
    if change.old is None or change.new is None:
        # A new entity and one that went have no field that changed; what they leave behind is told apart.
        return ()
    return rule.fired_by(change.old.data, change.new.data, change.fields)


def _describe(change: EntityChange) -> str:
    """What happened, in one line."""
    name = f"{change.type} {change.id}"
    if change.kind == "assumed":
        return f"{name} is taken as changed"
    if change.fields is None:
        return f"{name} changed, and its file can't be read"
    shown = ", ".join(_describe_field(field) for field in change.fields[:_MAX_SHOWN])
    more = len(change.fields) - _MAX_SHOWN
    return f"{name}: {shown}{f' and {more} more' if more > 0 else ''}"


def _describe_field(change: Change) -> str:
    simple = all(value is None or isinstance(value, (bool, int, float, str)) for value in (change.old, change.new))
    if change.kind == "changed" and simple and len(f"{change.old}{change.new}") <= 80:
        return f"{change.field} from {change.old!r} to {change.new!r}"
    return f"{change.field} {change.kind}"
