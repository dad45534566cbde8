"""What the benchmark relies on: repositories of the right size, and a Node reference that does the same work."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.core.document import read_yaml
from tests.bench.assistant import memory_after_turns, turns
from tests.bench.cancelling import cancels
from tests.bench.language import QUESTIONS, typing
from tests.bench.programs import Node, bare_pygls
from tests.bench.repos import PROJECT, repository_of
from tests.bench.retrieval import indexing, searching
from tests.bench.table import Row, at_least, at_most, compared

if TYPE_CHECKING:
    from pathlib import Path

REFERENCE = PROJECT.parent / "shared" / "reference"


@pytest.mark.parametrize("entities", [42, 100, 333])
def test_a_repository_has_exactly_as_many_entities_with_ids_of_their_own_as_asked(
    tmp_path: Path, entities: int
) -> None:
    repository = repository_of(entities, tmp_path)
    documents = [
        read_yaml(path.name, path.read_text(encoding="utf-8"))
        for path in (repository.root / "contexts").rglob("*.yaml")
        if path.parent.name != "governance"
    ]
    values = [document.value for document in documents if document.readable]
    ids = {str(value["id"]) for value in values if isinstance(value, dict)}
    assert len(documents) == len(ids) == repository.entities == entities


def test_every_copy_of_the_example_refers_to_entities_of_that_copy(tmp_path: Path) -> None:
    repository = repository_of(84, tmp_path)
    texts = {path.name: path.read_text(encoding="utf-8") for path in repository.root.glob("contexts/tasks/*")}
    second = next(text for name, text in texts.items() if name.startswith("T-1001-"))
    assert "id: T-1001\n" in second
    assert "feature: FEAT-1001\n" in second
    assert "service: svc-loans-1\n" in second


def test_a_ratio_says_how_much_more_for_at_most_and_how_much_faster_for_at_least() -> None:
    slower = compared("s", "n", 3.0, 2.0, "other", at_most(1.3))
    faster = compared("s", "n", 0.5, 2.0, "other", at_least(3))
    rate = compared("s", "n", 600, 200, "other", at_least(3), unit="/s")
    assert [(row.ratio, row.is_met) for row in (slower, faster, rate)] == [(1.5, False), (4.0, True), (3.0, True)]


def test_an_aim_without_a_reference_is_about_the_figure_and_one_that_lacks_it_is_left_open() -> None:
    assert Row("s", "n", 79.0, "MB", aim=at_most(80)).is_met is True
    assert Row("s", "n", 81.0, "MB", aim=at_most(80)).is_met is False
    assert compared("s", "n", 1.0, None, "no Node here", at_least(3)).is_met is None


def test_the_client_gets_every_answer_of_a_pipeline_of_requests() -> None:
    with bare_pygls() as server:
        assert server.initialize().seconds > 0
        assert server.call("bench/echo", {"value": "x"}).result == {"value": "x"}
        assert server.pipeline("bench/echo", {"value": "x"}, 200) > 0


def test_turns_are_measured_from_the_first_piece_to_the_last_session() -> None:
    rows = {row.name: row for row in turns(1)}
    assert [*rows] == [
        "piece sent to event read, p50 of 100",
        "piece sent to event read, p95",
        "added to bare httpx, p50",
        "events of 500 pieces without a pause",
        "10 turns of 50 pieces, all answered",
    ]
    assert all(row.measured > 0 for row in rows.values())
    # Sessions that ran one after another would take as long as their turns together.
    assert (rows["10 turns of 50 pieces, all answered"].ratio or 0) > 1


def test_cancels_are_measured_to_the_end_of_the_stream_and_of_a_scripts_processes() -> None:
    rows = [*cancels(1)]
    assert len(rows) == (2 if shutil.which("npm") is None else 4)
    assert all(row.measured > 0 and row.aim == at_most(0.2) for row in rows)


def test_memory_is_measured_after_a_tenth_of_the_turns_and_after_all_of_them() -> None:
    [row] = memory_after_turns(40)
    assert (row.name, row.reference_name) == ("after 40 turns", "after 4")
    assert row.reference is not None
    assert row.measured > row.reference / 2 > 10


@pytest.mark.skipif(not REFERENCE.exists(), reason="the predecessor's outputs are not beside the project")
@pytest.mark.parametrize(
    ("pipeline", "arguments", "expected"),
    [
        ("validate", [], "validate.json"),
        ("build-graph", [], "build-graph.json"),
        ("impact", ["FEAT-001"], "impact.FEAT-001.json"),
        ("impact", ["svc-git"], "impact.svc-git.json"),
        ("impact", ["NOPE-1"], "impact.NOPE-1.json"),
    ],
)
def test_the_node_reference_prints_what_the_predecessor_printed(
    pipeline: str, arguments: list[str], expected: str
) -> None:
    node = Node.prepare()
    if node is None:
        pytest.skip("no Node here, or no way to install its libraries")
    command = node.command(pipeline, str(REFERENCE / "context-repo"), *arguments)
    printed = subprocess.run(command, check=True, capture_output=True).stdout
    assert json.loads(printed) == json.loads((REFERENCE / "expected" / expected).read_text(encoding="utf-8"))


def test_every_question_of_somebody_who_types_is_answered_and_timed(tmp_path: Path) -> None:
    rows = list(typing(repository_of(84, tmp_path), 4))
    assert len(rows) == 2 * (len(QUESTIONS) + 2)
    assert all(row.measured > 0 and row.aim is None for row in rows)


def test_passages_are_indexed_searched_and_found_once_they_have_changed(tmp_path: Path) -> None:
    repository = repository_of(42, tmp_path)
    rows = {row.name: row for row in (*indexing(repository), *searching(repository, 1, 2))}
    assert len(rows) == 1 + 4 + 4 + 2 + 3
    assert all(row.measured > 0 and row.aim is None for row in rows.values())
    daemon, store, both = list(rows.values())[-3:]
    assert both.measured == daemon.measured + store.measured
    assert repository.edited.read_text("utf-8") == repository_of(42, tmp_path / "again").edited.read_text("utf-8")
