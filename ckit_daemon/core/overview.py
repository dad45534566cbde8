"""What a repository holds, how well its parts are connected, and what is missing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from ckit_daemon.core.document import Severity
from ckit_daemon.core.json import shown
from ckit_daemon.core.relations import GOVERNANCE, GOVERNS, RELATION_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.graph import Graph
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.core.validation import Report


@dataclass(frozen=True, slots=True)
class TypeCount:
    """The entities of one type."""

    type: str
    count: int
    statuses: Mapping[str, int]
    """How many have each status, the most frequent first; a status that is no text is written as JSON."""
    without_status: int
    unreadable: int
    """How many are known by their id only, since their file can't be read."""


@dataclass(frozen=True, slots=True)
class RelationCount:
    """The facts of one relation."""

    rel: str
    edges: int
    statements: int
    """Places that state these facts: two for a fact that both of its entities state.

    A constitution names types, so that `governs` has one statement for each governed entity.
    """


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many entities of a type have something that they should have."""

    code: str
    title: str
    type: str
    total: int
    missing: tuple[str, ...]
    """The ids of those that lack it."""

    @property
    def covered(self) -> int:
        """How many have it."""
        return self.total - len(self.missing)


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is missing, and what to do about it."""

    code: str
    message: str
    recommendation: str
    entities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """A repository at a glance."""

    total: int
    types: tuple[TypeCount, ...]
    relations: tuple[RelationCount, ...]
    coverage: tuple[Coverage, ...]
    orphans: tuple[str, ...]
    """Entities that no relation connects with any other; being governed doesn't count."""
    gaps: tuple[Gap, ...]
    findings: Mapping[Severity, int]

    @property
    def edges(self) -> int:
        """How many facts there are."""
        return sum(relation.edges for relation in self.relations)

    @property
    def statements(self) -> int:
        """How many places state them."""
        return sum(relation.statements for relation in self.relations)

    @property
    def recommendations(self) -> tuple[str, ...]:
        """What to do, the most pressing first."""
        return tuple(gap.recommendation for gap in self.gaps)


@dataclass(frozen=True, slots=True)
class _Expectation:
    """Something that every entity of a type should have: facts in a direction, or a field that says something."""

    code: str
    title: str
    type: str
    what: str
    advice: str
    rel: str = ""
    side: Literal["source", "target"] = "source"
    field: str = ""


_EXPECTATIONS: Final = (
    _Expectation(
        "feature-without-stories", "Features with user stories", "feature", "no user story",
        "Write user stories that say who needs it and why", rel="has-story",
    ),
    _Expectation(
        "feature-without-specs", "Features with specs", "feature", "no spec",
        "Specify how it should work", rel="has-spec",
    ),
    _Expectation(
        "feature-without-tasks", "Features with tasks", "feature", "no task",
        "Break the work down into tasks", rel="has-task",
    ),
    _Expectation(
        "story-without-criteria", "User stories with acceptance criteria", "userstory", "no acceptance criterion",
        "Say how one can tell that it is done", field="acceptanceCriteria",
    ),
    _Expectation(
        "story-without-feature", "User stories with a feature", "userstory", "no feature",
        "Name the feature that it belongs to", rel="has-story", side="target",
    ),
    _Expectation(
        "spec-without-features", "Specs with features", "spec", "no feature",
        "Name the features that it describes", rel="has-spec", side="target",
    ),
    _Expectation(
        "task-without-owner", "Tasks with an owner", "task", "no owner",
        "Decide who does it", field="owner",
    ),
    _Expectation(
        "task-without-feature", "Tasks with a feature", "task", "no feature",
        "Name the feature that needs it", rel="has-task", side="target",
    ),
    _Expectation(
        "service-without-consumers", "Services with consumers", "service", "no consumer",
        "Name who uses it, or retire it", rel="uses", side="target",
    ),
)  # fmt: skip


def overview(snapshot: Snapshot, report: Report) -> Overview:
    """Count and weigh what a repository holds, all from its graph and its report."""
    graph = snapshot.graph
    ends = _Ends(graph)
    coverage = tuple(_coverage(snapshot, ends))
    orphans = tuple(
        entity.id
        for entity in snapshot.entities
        if entity.type != GOVERNANCE and entity.document.readable and entity.id not in ends.connected
    )
    return Overview(
        len(snapshot.entities),
        tuple(_types(snapshot)),
        tuple(_relations(graph)),
        coverage,
        orphans,
        tuple(_gaps(report, coverage, orphans)),
        report.counts,
    )


class _Ends:
    """The entities at either end of each relation."""

    def __init__(self, graph: Graph) -> None:
        self.by_side: dict[tuple[str, str], set[str]] = {}
        self.connected: set[str] = set()
        for edge in graph.edges:
            self.by_side.setdefault((edge.rel, "source"), set()).add(edge.source)
            self.by_side.setdefault((edge.rel, "target"), set()).add(edge.target)
        for (rel, _), ids in self.by_side.items():
            if rel != GOVERNS:
                self.connected |= ids


def _types(snapshot: Snapshot) -> Iterator[TypeCount]:
    by_type: dict[str, list[Entity]] = {}
    for entity in snapshot.entities:
        by_type.setdefault(entity.type, []).append(entity)
    for entity_type, entities in by_type.items():
        readable = [entity for entity in entities if entity.document.readable]
        statuses = Counter(
            entity.status or shown(status) for entity in readable if (status := entity.data.get("status")) is not None
        )
        ordered = dict(sorted(statuses.items(), key=lambda item: (-item[1], item[0])))
        yield TypeCount(
            entity_type, len(entities), ordered, len(readable) - statuses.total(), len(entities) - len(readable)
        )


def _relations(graph: Graph) -> Iterator[RelationCount]:
    edges: Counter[str] = Counter()
    statements: Counter[str] = Counter()
    for edge in graph.edges:
        edges[edge.rel] += 1
        statements[edge.rel] += 1 if edge.rel == GOVERNS else len(edge.statements)
    for rel in RELATION_NAMES:
        if edges[rel]:
            yield RelationCount(rel, edges[rel], statements[rel])


def _coverage(snapshot: Snapshot, ends: _Ends) -> Iterator[Coverage]:
    for expected in _EXPECTATIONS:
        # What an unreadable file says is not known, so it is not missing either.
        entities = [entity for entity in snapshot.entities if entity.type == expected.type and entity.document.readable]
        connected = ends.by_side.get((expected.rel, expected.side), set())
        missing = tuple(
            entity.id
            for entity in entities
            if (not entity.data.get(expected.field) if expected.field else entity.id not in connected)
        )
        if entities:
            yield Coverage(expected.code, expected.title, expected.type, len(entities), missing)


def _gaps(report: Report, coverage: tuple[Coverage, ...], orphans: tuple[str, ...]) -> Iterator[Gap]:
    errors = [finding for finding in report.findings if finding.severity is Severity.ERROR]
    if errors:
        broken = tuple(dict.fromkeys(finding.entity for finding in errors if finding.entity is not None))
        count = _count(len(errors), "error", "errors")
        yield Gap("errors", f"Validation finds {count}.", f"Mend the {count} that validation finds.", broken)
    by_code = {expected.code: expected for expected in _EXPECTATIONS}
    for row in coverage:
        if row.missing:
            expected = by_code[row.code]
            have = "has" if len(row.missing) == 1 else "have"
            things = row.title.partition(" with ")[0].lower()
            message = f"{len(row.missing)} of {row.total} {things} {have} {expected.what}."
            yield Gap(row.code, message, f"{expected.advice}: {_list(row.missing)}.", row.missing)
    if orphans:
        count = _count(len(orphans), "entity is", "entities are")
        yield Gap("orphans", f"{count} connected with nothing.", f"Connect or remove: {_list(orphans)}.", orphans)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _list(ids: tuple[str, ...], limit: int = 5) -> str:
    rest = f" and {len(ids) - limit} more" if len(ids) > limit else ""
    return ", ".join(ids[:limit]) + rest
