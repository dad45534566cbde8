from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ckit_daemon.core import compat as typed_compat
from ckit_daemon.core.document import Document, read_yaml
from ckit_daemon.core.layout import is_source
from ckit_daemon.core.snapshot import Snapshot
from ckit_daemon.core.validation import validate

compat: Any = typed_compat
"""The tests read into its JSON without asking for types."""

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="the reference repository is not beside the project"
)
EXPECTED = REFERENCE / "expected"
FEATURE = "contexts/features/FEAT-001-context-sync-mvp.yaml"


@pytest.fixture(scope="module")
def reference() -> Snapshot:
    return snapshot_of(REFERENCE / "context-repo")


def snapshot_of(root: Path) -> Snapshot:
    texts = {
        path.relative_to(root).as_posix(): path.read_bytes().decode()
        for folder in ("contexts", ".context")
        for path in (root / folder).rglob("*")
        if path.is_file()
    }
    return Snapshot.of(
        read_yaml(path, text) if path.endswith(".yaml") else Document(path, text)
        for path, text in texts.items()
        if is_source(path)
    )


def printed(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


@needs_reference
def test_validate_prints_what_the_predecessor_printed(reference):
    output = compat.validate(reference, validate(reference).findings)
    assert json.dumps(output, separators=(",", ":")) == (EXPECTED / "validate.json").read_text().strip()


@needs_reference
def test_build_graph_prints_what_the_predecessor_printed(reference):
    assert printed(compat.build_graph(reference)) == (EXPECTED / "build-graph.json").read_text("utf-8").strip()


@needs_reference
@pytest.mark.parametrize(
    "identifier", ["FEAT-001", "SPEC-001", "T-001", "US-002", "svc-git", "pkg-context-sync", "NOPE-1"]
)
def test_impact_prints_what_the_predecessor_printed(reference, identifier):
    expected = (EXPECTED / f"impact.{identifier}.json").read_text("utf-8").strip()
    assert printed(compat.impact(reference, [identifier])) == expected


@needs_reference
def test_impact_of_a_changed_status_prints_what_the_predecessor_printed(reference, make_document):
    old = reference.documents[FEATURE]
    new = make_document(FEATURE, old.text.replace('status: "in-progress"\n', 'status: "blocked"\n', 1))
    output = compat.impact(reference.with_changes({FEATURE: new}), ["FEAT-001"], {FEATURE: old})
    assert printed(output) == (EXPECTED / "impact.FEAT-001.status-blocked.json").read_text("utf-8").strip()


@needs_reference
def test_generate_renders_every_prompt_byte_for_byte(reference):
    time, root = "2026-01-02T03:04:05.000Z", "/somewhere"
    generated = compat.generate(reference, now=time, root=root)
    files = {
        path.removeprefix("generated/prompts/"): text.replace(time, "<timestamp>").replace(root, "<repo>").encode()
        for path, text in generated.files.items()
    }
    assert files == {path.name: path.read_bytes() for path in (EXPECTED / "prompts").iterdir()}
    assert generated.output["ok"] is True


FILES = {
    "contexts/features/a.yaml": "id: FEAT-001\ntitle: A\nuserStories: [US-001, US-404]\nrequires: [svc-404]\n",
    "contexts/userstories/u.yaml": "id: US-001\nfeature: FEAT-001\n",
    "contexts/services/s.yaml": "id: svc-a\nrepository: no uri\nconsumers: [pkg-404]\n",
    "contexts/tasks/t.yaml": "id: T-001\nx: [\n",
    "contexts/tasks/evil.yaml": "id: ../../X\n",
    ".context/templates/prompts/feature.hbs": "{{title}} {{timestamp}}",
    ".context/templates/prompts/task.hbs": "{{id}}",
}


@pytest.fixture
def snapshot(make_snapshot) -> Snapshot:
    return make_snapshot(FILES)


def test_validate_reports_the_errors_that_the_predecessor_knew_and_no_others(snapshot):
    output = compat.validate(snapshot, validate(snapshot).findings)
    errors = [(e["file"], e["type"], e.get("field")) for e in output["errors"]]
    assert sorted(errors, key=str) == [
        ("contexts/features/a.yaml", "reference", "userStories.1"),
        ("contexts/services/s.yaml", "schema", "repository"),
        ("contexts/tasks/evil.yaml", "schema", "id"),
        ("contexts/tasks/t.yaml", "schema", None),
    ]
    assert (output["ok"], output["message"]) == (False, "Validation failed with 4 error(s)")
    assert output["stats"] == {"totalEntities": 4, "byType": {"feature": 1, "userstory": 1, "task": 1, "service": 1}}


def test_build_graph_keeps_edges_to_nothing_as_the_predecessor_did(snapshot):
    edges = [(e["from"], e["rel"], e["to"]) for e in compat.build_graph(snapshot)["edges"]]
    assert edges == [
        ("FEAT-001", "has-story", "US-001"),
        ("FEAT-001", "has-story", "US-404"),
        ("FEAT-001", "requires", "svc-404"),
        ("pkg-404", "uses", "svc-a"),
    ]


def test_impact_never_follows_a_reference_to_nothing(snapshot):
    assert compat.impact(snapshot, ["FEAT-001"])["impactedIds"] == ["US-001"]


def test_R10_generate_writes_nothing_outside_its_folder(snapshot):
    generated = compat.generate(snapshot, now="now")
    assert list(generated.files) == ["generated/prompts/FEAT-001.md"]
    assert [error["id"] for error in generated.output["errors"]] == ["../../X"]
    missing = compat.generate(snapshot, ["NOPE-1", "FEAT-001"], now="now").output
    assert (missing["ok"], missing["generated"]) == (
        False,
        [{"id": "FEAT-001", "type": "feature", "path": "generated/prompts/FEAT-001.md"}],
    )


@pytest.mark.parametrize(
    ("old", "new", "message", "change"),
    [
        ("title: A", 'title: "B"', 'feature FEAT-001: title: "A" → ""B""', ("A", '"B"', "string")),
        ("title: A", "title: 5", 'feature FEAT-001: title: "A" → "5"', ("A", "5", "number")),
        ("title: A", "title: [x]", 'feature FEAT-001: title: "A" → "["x"]"', ("A", '["x"]', "array")),
        ("title: A", "titel: A", 'feature FEAT-001: title: "A" → ""', ("A", "", "null")),
    ],
)
def test_a_change_is_shown_with_the_text_of_both_sides(make_snapshot, make_document, old, new, message, change):
    path = "contexts/features/a.yaml"
    rule = "rules: [{id: r, when: {entity: feature, fieldChanged: title}, then: {markRelated: {types: [userstory]}}}]\n"
    snapshot = make_snapshot({**FILES, path: FILES[path].replace(old, new), ".context/rules/r.yaml": rule})
    issue = compat.impact(snapshot, ["FEAT-001"], {path: make_document(path, FILES[path])})["issues"][0]
    assert issue["message"] == message
    (shown,) = issue["changes"]
    assert (shown["oldValue"], shown["newValue"], shown["valueType"]) == change


@needs_reference
def test_validate_finds_exactly_the_faults_that_the_predecessor_found(tmp_path):
    tool, root = REFERENCE.parent / "tools" / "gen_repo.py", tmp_path / "r"
    options = ["--features", "30", "--faults", "40", "--template", str(REFERENCE / "context-repo")]
    command = [sys.executable, str(tool), str(root), *options]
    manifest = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    snapshot = snapshot_of(root)
    output = compat.validate(snapshot, validate(snapshot).findings)
    expected = {(fault["file"], fault["node_validate"]) for fault in manifest["faults"] if fault["node_validate"]}
    assert {(error["file"], error["type"]) for error in output["errors"]} == expected
    assert compat.build_graph(snapshot)["stats"]["edgesByRel"] == manifest["edges"]
