"""The one graph: each fact once, with every place that states it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.core.errors import LimitExceededError
from ckit_daemon.core.graph import MAX_CYCLES
from ckit_daemon.core.snapshot import Snapshot

if TYPE_CHECKING:
    from ckit_daemon.core.graph import Graph

MakeSnapshot = Callable[[Mapping[str, str]], Snapshot]

FILES = {
    "contexts/features/FEAT-001.yaml": "id: FEAT-001\nuserStories: [US-001]\nrequires: [svc-a]",
    "contexts/userstories/US-001.yaml": "id: US-001\nfeature: FEAT-001\nimpacts: {services: [svc-a, gone]}",
    "contexts/tasks/T-001.yaml": "id: T-001\nrelated: {feature: FEAT-001, spec: svc-a}",
    "contexts/services/svc-a.yaml": "id: svc-a\ndependencies: [svc-b@^1]\nconsumers: [pkg-a]",
    "contexts/services/svc-b.yaml": "id: svc-b\n",
    "contexts/packages/pkg-a.yaml": "id: pkg-a\nuses: {services: [svc-a]}",
}


@pytest.fixture
def graph(make_snapshot: MakeSnapshot) -> Graph:
    return make_snapshot(FILES).graph


def test_a_fact_stated_twice_is_one_edge_with_two_statements(graph: Graph) -> None:
    stories = [edge for edge in graph.edges if edge.rel == "has-story"]
    assert [(edge.source, edge.target) for edge in stories] == [("FEAT-001", "US-001")]
    assert [(one.entity.id, one.path) for one in stories[0].statements] == [
        ("FEAT-001", ("userStories", 0)),
        ("US-001", ("feature",)),
    ]


def test_what_names_nothing_or_the_wrong_type_is_no_edge(graph: Graph) -> None:
    assert {(edge.source, edge.target, edge.rel) for edge in graph.edges} == {
        ("FEAT-001", "US-001", "has-story"),
        ("FEAT-001", "svc-a", "requires"),
        ("FEAT-001", "T-001", "has-task"),
        ("US-001", "svc-a", "impacts"),
        ("svc-a", "svc-b", "depends-on"),
        ("pkg-a", "svc-a", "uses"),
    }


def test_a_constitution_governs_the_types_it_names_but_not_itself(make_snapshot: MakeSnapshot) -> None:
    governance = "id: CONST-1\nprinciples:\n- appliesTo: [service, global]\n"
    edges = make_snapshot({**FILES, "contexts/governance/c.yaml": governance}).graph.edges
    governed = {edge.target: len(edge.statements) for edge in edges if edge.rel == "governs"}
    assert governed == {"FEAT-001": 1, "US-001": 1, "T-001": 1, "svc-a": 2, "svc-b": 2, "pkg-a": 1}


@pytest.mark.parametrize(
    ("direction", "depth", "relations", "expected"),
    [
        ("out", None, None, {"svc-a": 0, "svc-b": 1}),
        ("in", 1, None, {"svc-a": 0, "FEAT-001": 1, "US-001": 1, "pkg-a": 1}),
        ("both", 1, ["uses", "depends-on"], {"svc-a": 0, "svc-b": 1, "pkg-a": 1}),
        ("both", 0, None, {"svc-a": 0}),
        ("in", None, ["impacts", "has-story"], {"svc-a": 0, "US-001": 1, "FEAT-001": 2}),
    ],
)
def test_distances_follow_direction_depth_and_relations(
    graph: Graph, direction: str, depth: int | None, relations: list[str] | None, expected: dict[str, int]
) -> None:
    assert graph.distances(["svc-a"], direction=direction, depth=depth, relations=relations) == expected  # pyright: ignore[reportArgumentType]


def test_a_subgraph_holds_what_the_filters_leave_and_the_edges_between(graph: Graph) -> None:
    part = graph.subgraph(ids=["US-001"], depth=1)
    assert [entity.id for entity in part.entities] == ["FEAT-001", "US-001", "svc-a"]
    assert {edge.rel for edge in part.edges} == {"has-story", "requires", "impacts"}
    hidden = graph.subgraph(ids=["T-001"], types=["task", "service"], depth=2)
    assert [entity.id for entity in hidden.entities] == ["T-001", "svc-a"]
    assert graph.subgraph(relations=["uses"]).edges[0].rel == "uses"


def test_paths_come_the_shortest_first_and_never_visit_twice(graph: Graph) -> None:
    ways = graph.paths("FEAT-001", "svc-b", max_length=4, limit=10, direction="out")
    assert [[edge.rel for edge in way] for way in ways] == [
        ["requires", "depends-on"],
        ["has-story", "impacts", "depends-on"],
    ]
    assert len(graph.paths("FEAT-001", "svc-b", max_length=4, limit=1)) == 1
    assert graph.paths("FEAT-001", "svc-b", max_length=1, limit=10) == []
    assert graph.paths("svc-b", "FEAT-001", max_length=9, limit=10, direction="out") == []


def test_each_ring_of_dependencies_is_found_once_and_uses_form_none(make_snapshot: MakeSnapshot) -> None:
    files = {
        f"contexts/services/{name}.yaml": f"id: {name}\ndependencies: [{', '.join(others)}]\nconsumers: [pkg-a]"
        for name, others in {"a": ["b"], "b": ["a", "c"], "c": ["c", "d"], "d": []}.items()
    }
    files["contexts/packages/pkg-a.yaml"] = "id: pkg-a\nuses: {services: [a, b, c, d]}"
    rings = make_snapshot(files).graph.cycles
    assert [[edge.source for edge in ring] for ring in rings] == [["a", "b"], ["c"]]


def test_an_entity_that_all_others_share_does_not_make_paths_expensive(make_snapshot: MakeSnapshot) -> None:
    files = {f"contexts/features/{n}.yaml": f"id: F-{n}\nrequires: [svc-{n % 7}, svc-{n % 5}]" for n in range(400)}
    files |= {f"contexts/services/{n}.yaml": f"id: svc-{n}" for n in range(7)}
    files["contexts/governance/c.yaml"] = "id: C\nprinciples:\n- appliesTo: [global]"
    graph = make_snapshot(files).graph
    ways = graph.paths("F-1", "F-2", max_length=20, limit=1000)
    assert len(ways) == 1000
    assert [len(way) for way in ways] == sorted(len(way) for way in ways)
    assert len(set(ways)) == 1000
    assert all(
        len({way[0].source, *(edge.source for edge in way), *(edge.target for edge in way)}) == len(way) + 1
        for way in ways
    )


def test_a_search_for_paths_that_would_not_end_says_so(
    make_snapshot: MakeSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ckit_daemon.core.graph.MAX_STEPS", 50)
    files = {f"contexts/features/{n}.yaml": f"id: F-{n}\nrequires: [a, b, c]" for n in range(9)}
    files |= {f"contexts/services/{name}.yaml": f"id: {name}" for name in "abc"}
    with pytest.raises(LimitExceededError, match="Too many ways"):
        make_snapshot(files).graph.paths("F-1", "F-2", max_length=8, limit=1000)


def test_R36_a_big_ring_of_dependencies_is_found_at_once(make_snapshot: MakeSnapshot) -> None:
    count = 3000
    files = {f"contexts/services/{n:04}.yaml": f"id: s{n}\ndependencies: [s{(n + 1) % count}]" for n in range(count)}
    (ring,) = make_snapshot(files).graph.cycles
    assert len(ring) == count


def test_every_edge_in_a_tangle_is_part_of_a_ring_that_is_told(make_snapshot: MakeSnapshot) -> None:
    names = "abcdefgh"
    files = {
        f"contexts/services/{name}.yaml": f"id: {name}\ndependencies: [{', '.join(set(names) - {name})}]"
        for name in names
    }
    graph = make_snapshot(files).graph
    assert {edge for ring in graph.cycles for edge in ring} == set(graph.edges)
    assert all(len(ring) == 2 for ring in graph.cycles)
    many = {
        f"contexts/services/{n}-{m}.yaml": f"id: s{n}-{m}\ndependencies: [s{n}-{1 - m}]"
        for n in range(MAX_CYCLES + 1)
        for m in (0, 1)
    }
    assert len(make_snapshot(many).graph.cycles) == MAX_CYCLES
