"""A picture that changes made step by step is the picture made afresh."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ckit_daemon.core.document import Document, read_yaml
from ckit_daemon.core.graph import Graph
from ckit_daemon.core.snapshot import Snapshot

MakeSnapshot = Callable[[Mapping[str, str]], Snapshot]

START = {"features/a": "FEAT-001", "tasks/b": "T-002"}
paths = st.sampled_from([f"contexts/{folder}/{name}.yaml" for folder in ("features", "tasks") for name in "ab"])
texts = st.builds(
    "id: {}\ntasks: [{}]\nrelated:\n  feature: {}\ntitle: {}\n".format,
    st.sampled_from(["FEAT-001", "T-001", "T-002"]),
    st.sampled_from(["T-001", "T-002", "T-001, T-002"]),
    st.sampled_from(["FEAT-001", "FEAT-002"]),
    st.sampled_from(["Pay", "Borrow"]),
)
similar = st.builds("id: T-001\nrelated: {{feature: FEAT-001}}\ntitle: {}\n".format, st.sampled_from(["Pay", "Borrow"]))
"""Texts that mostly state the same."""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(st.lists(st.tuples(paths, st.none() | texts | st.just("x: [")), max_size=10))
def test_changes_lead_to_what_reading_everything_gives(
    make_snapshot: MakeSnapshot, steps: list[tuple[str, str | None]]
) -> None:
    snapshot = make_snapshot({})
    for path, text in steps:
        snapshot = snapshot.with_changes({path: None if text is None else read_yaml(path, text)})
    fresh = Snapshot.of(snapshot.documents.values())
    assert list(snapshot.documents) == list(fresh.documents)
    assert list(snapshot.by_path) == list(fresh.by_path)
    assert snapshot.referrers == fresh.referrers
    assert shape(snapshot) == shape(fresh)
    assert [entity.id for entity in snapshot.entities] == [entity.id for entity in fresh.entities]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(st.lists(st.tuples(paths, st.none() | similar | texts, st.booleans()), max_size=10))
def test_the_graph_of_the_next_picture_is_the_one_that_is_built_anew(
    make_snapshot: MakeSnapshot, steps: list[tuple[str, str | None, bool]]
) -> None:
    files = {f"contexts/{path}.yaml": f"id: {identifier}\n" for path, identifier in START.items()}
    constitution = "id: CONST-1\nprinciples: [{id: P, appliesTo: [task]}]\n"
    snapshot = make_snapshot({**files, "contexts/governance/c.yaml": constitution})
    for path, text, looked_at in steps:
        snapshot = snapshot.with_changes({path: None if text is None else read_yaml(path, text)})
        if looked_at:
            assert facts(snapshot.graph) == facts(Graph.of(Snapshot.of(snapshot.documents.values()).entities))
    assert facts(snapshot.graph) == facts(Graph.of(Snapshot.of(snapshot.documents.values()).entities))
    current = {id(entity.document) for entity in snapshot.by_path.values()}
    assert {id(at.entity.document) for edge in snapshot.graph.edges for at in edge.statements} <= current
    assert list(snapshot.graph.entities.values()) == list(snapshot.entities)


def facts(graph: Graph) -> list[object]:
    edges = [(edge, [(at.entity.path, at.path) for at in edge.statements]) for edge in graph.edges]
    around = [[*graph.edges_of(identifier)] for identifier in graph.entities]
    return [[*graph.entities], edges, around]


def test_a_title_that_changes_leaves_the_facts_alone(make_snapshot: MakeSnapshot) -> None:
    feature, task = "contexts/features/FEAT-001.yaml", "contexts/tasks/T-001.yaml"
    text = "id: T-001\nrelated: {feature: FEAT-001}\ntitle: "
    first = make_snapshot({feature: "id: FEAT-001", task: f"{text}Pay"})
    before = first.graph
    second = first.with_changes({task: read_yaml(task, f"{text}Borrow")})
    [edge] = second.graph.edges
    assert edge.statements[0].entity.title == second.graph.entities["T-001"].title == "Borrow"
    assert [at.entity.title for edge in before.edges for at in edge.statements] == ["Pay"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("contexts/tasks/T-001.yaml", "id: T-001\nrelated: {feature: FEAT-002}"),
        ("contexts/tasks/T-001.yaml", "id: T-003\nrelated: {feature: FEAT-001}"),
        ("contexts/tasks/T-002.yaml", "id: T-001\nrelated: {feature: FEAT-001}"),
        ("contexts/governance/c.yaml", "id: CONST-1\nprinciples: [{id: P, appliesTo: [task]}]"),
    ],
)
def test_what_states_other_facts_changes_the_graph(make_snapshot: MakeSnapshot, path: str, text: str) -> None:
    first = make_snapshot(
        {
            "contexts/features/FEAT-001.yaml": "id: FEAT-001",
            "contexts/features/FEAT-002.yaml": "id: FEAT-002",
            "contexts/tasks/T-001.yaml": "id: T-001\nrelated: {feature: FEAT-001}",
            "contexts/governance/c.yaml": "id: CONST-1\nprinciples: [{id: P, appliesTo: [feature]}]",
        }
    )
    before = facts(first.graph)
    second = first.with_changes({path: read_yaml(path, text)})
    assert facts(second.graph) == facts(Graph.of(Snapshot.of(second.documents.values()).entities))
    assert (facts(second.graph) == before) == (path == "contexts/tasks/T-002.yaml")


def shape(snapshot: Snapshot) -> dict[str, list[str]]:
    return {identifier: [entity.path for entity in found] for identifier, found in snapshot.definitions.items()}


def test_a_snapshot_stays_as_it_is_when_the_next_one_is_made(make_snapshot: MakeSnapshot) -> None:
    path = "contexts/tasks/T-001.yaml"
    first = make_snapshot({path: "id: T-001\ntitle: old"})
    second = first.with_changes({path: read_yaml(path, "id: T-001\ntitle: new")})
    third = second.with_changes({path: None})
    titles = [None if (one := picture.get("T-001")) is None else one.title for picture in (first, second, third)]
    assert titles == ["old", "new", None]
    assert [picture.version for picture in (first, second, third)] == [1, 2, 3]


def test_the_first_file_of_an_id_counts(make_snapshot: MakeSnapshot) -> None:
    snapshot = make_snapshot({"contexts/tasks/b.yaml": "id: T-001", "contexts/tasks/a.yaml": "id: T-001"})
    found = snapshot.get("T-001")
    assert found is not None
    assert found.path == "contexts/tasks/a.yaml"
    assert len(snapshot.entities) == 1


def test_a_new_schema_makes_its_type_known(make_snapshot: MakeSnapshot) -> None:
    entity, schema = "contexts/stories/S-1.yaml", ".context/schemas/story.schema.json"
    before = make_snapshot({entity: "id: S-1"})
    assert before.by_path[entity].type == "unknown"
    assert before.with_changes({schema: Document(schema, "{}")}).by_path[entity].type == "story"
