"""Counts, coverage and gaps of a repository."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ckit_daemon.core.document import Severity
from ckit_daemon.core.overview import Overview, overview
from ckit_daemon.core.snapshot import Snapshot
from ckit_daemon.core.validation import validate

MakeSnapshot = Callable[[Mapping[str, str]], Snapshot]

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "context-repo"
FILES = {
    "contexts/features/FEAT-001.yaml": (
        "id: FEAT-001\nstatus: done\nuserStories: [US-001]\nspecs: [SPEC-001]\ntasks: [T-001]"
    ),
    "contexts/features/FEAT-002.yaml": "id: FEAT-002\nstatus: done",
    "contexts/userstories/US-001.yaml": "id: US-001\nfeature: FEAT-001\nacceptanceCriteria: [works]",
    "contexts/userstories/US-002.yaml": "id: US-002\nacceptanceCriteria: []",
    "contexts/specs/SPEC-001.yaml": "id: SPEC-001\nrelated: {features: [FEAT-001], services: [svc-a]}",
    "contexts/tasks/T-001.yaml": "id: T-001\nowner: '@mei'\nrelated: {feature: FEAT-001}",
    "contexts/tasks/T-002.yaml": "id: T-002\n",
    "contexts/services/svc-a.yaml": "id: svc-a\nconsumers: [pkg-a]",
    "contexts/services/svc-b.yaml": "id: svc-b\n",
    "contexts/packages/pkg-a.yaml": "id: pkg-a\nuses: {services: [svc-a]}",
}


def of(snapshot: Snapshot) -> Overview:
    return overview(snapshot, validate(snapshot))


def test_entities_are_counted_by_type_and_status(make_snapshot: MakeSnapshot) -> None:
    found = of(make_snapshot(FILES))
    assert found.total == len(FILES)
    assert [(one.type, one.count, dict(one.statuses), one.without_status) for one in found.types] == [
        ("feature", 2, {"done": 2}, 0),
        ("userstory", 2, {}, 2),
        ("spec", 1, {}, 1),
        ("task", 2, {}, 2),
        ("service", 2, {}, 2),
        ("package", 1, {}, 1),
    ]


def test_relations_are_counted_as_facts_and_as_the_places_that_state_them(make_snapshot: MakeSnapshot) -> None:
    found = of(make_snapshot(FILES))
    assert {one.rel: (one.edges, one.statements) for one in found.relations} == {
        "has-story": (1, 2),
        "has-spec": (1, 2),
        "has-task": (1, 2),
        "relates-to": (1, 1),
        "uses": (1, 2),
    }
    assert (found.edges, found.statements) == (5, 9)


@pytest.mark.parametrize(
    ("code", "total", "missing"),
    [
        ("feature-without-stories", 2, ("FEAT-002",)),
        ("feature-without-specs", 2, ("FEAT-002",)),
        ("feature-without-tasks", 2, ("FEAT-002",)),
        ("story-without-criteria", 2, ("US-002",)),
        ("story-without-feature", 2, ("US-002",)),
        ("spec-without-features", 1, ()),
        ("task-without-owner", 2, ("T-002",)),
        ("task-without-feature", 2, ("T-002",)),
        ("service-without-consumers", 2, ("svc-b",)),
    ],
)
def test_coverage_names_who_lacks_what(
    code: str, total: int, missing: tuple[str, ...], make_snapshot: MakeSnapshot
) -> None:
    row = next(row for row in of(make_snapshot(FILES)).coverage if row.code == code)
    assert (row.total, row.missing, row.covered) == (total, missing, total - len(missing))


def test_gaps_come_with_a_recommendation_and_errors_come_first(make_snapshot: MakeSnapshot) -> None:
    found = of(make_snapshot({**FILES, "contexts/tasks/T-002.yaml": "id: T-002\nowner: 7"}))
    assert found.gaps[0].recommendation == "Mend the 1 error that validation finds."
    assert found.gaps[0].entities == ("T-002",)
    assert found.findings[Severity.ERROR] == 1
    gap = next(gap for gap in found.gaps if gap.code == "feature-without-specs")
    assert (gap.message, gap.recommendation) == (
        "1 of 2 features has no spec.",
        "Specify how it should work: FEAT-002.",
    )
    assert found.recommendations == tuple(gap.recommendation for gap in found.gaps)


def test_orphans_are_what_nothing_but_a_constitution_is_connected_with(make_snapshot: MakeSnapshot) -> None:
    governance = "id: CONST-1\nprinciples: [{appliesTo: [global]}]"
    found = of(make_snapshot({**FILES, "contexts/governance/c.yaml": governance}))
    assert found.orphans == ("FEAT-002", "US-002", "T-002", "svc-b")


def test_a_repository_without_gaps_has_no_recommendation(make_snapshot: MakeSnapshot) -> None:
    complete = {path: text for path, text in FILES.items() if "-002" not in path and "svc-b" not in path}
    assert of(make_snapshot(complete)).gaps == ()
    assert of(make_snapshot({})).gaps == ()


@pytest.mark.parametrize("value", ["true", "7", "2025-10-22", "[a, b]", "{a: b}", "null", "1.5", "''"])
@pytest.mark.parametrize("key", ["id", "status", "title", "owner", "acceptanceCriteria", "userStories"])
def test_no_odd_value_makes_an_overview_fail(key: str, value: str, make_snapshot: MakeSnapshot) -> None:
    files = {path: f"{text}\n" for path, text in FILES.items()}
    for folder in ("features", "userstories", "tasks"):
        identifier = "" if key == "id" else "id: X-1\n"
        files[f"contexts/{folder}/odd.yaml"] = f"{identifier}{key}: {value}\n"
    found = of(make_snapshot(files))
    assert found.total >= len(FILES)


def test_a_boolean_status_is_counted_as_it_is_written(make_snapshot: MakeSnapshot) -> None:
    found = of(make_snapshot({"contexts/tasks/T-001.yaml": "id: T-001\nstatus: true"}))
    assert dict(found.types[0].statuses) == {"true": 1}


def test_an_unreadable_entity_is_counted_and_lacks_nothing(make_snapshot: MakeSnapshot) -> None:
    found = of(make_snapshot({"contexts/tasks/T-001.yaml": "id: T-001\nsteps: ["}))
    assert (found.types[0].count, found.types[0].unreadable, found.types[0].without_status) == (1, 1, 0)
    assert found.coverage == ()
    assert found.orphans == ()


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference repository is not here")
def test_all_33_statements_of_the_reference_repository_are_counted(load_folder: Callable[[Path], Snapshot]) -> None:
    found = of(load_folder(REFERENCE))
    # 23 references, and one statement for each of the ten governed entities; the predecessor's inspect found 10.
    assert (found.total, found.edges, found.statements) == (11, 27, 33)
    assert found.recommendations == (
        "Specify how it should work: FEAT-002.",
        "Break the work down into tasks: FEAT-002.",
    )
