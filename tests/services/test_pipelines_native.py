from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ckit_daemon.core.errors import InvalidArgumentError, NotFoundError
from ckit_daemon.core.progress import SILENT
from ckit_daemon.repo.opener import DiskRepositoryOpener
from ckit_daemon.services.edits import changes_to_write
from ckit_daemon.services.open_repository import OpenRepository
from ckit_daemon.services.pipelines.native import NATIVE, NativeRun, compute

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="the reference repository is not beside the project"
)
FEATURE = "contexts/features/FEAT-001.yaml"
RULE = """\
rules:
  - id: r
    severity: error
    when: {entity: feature, fieldChanged: status}
    then: {markRelated: {types: [userstory], reason: Changed}}
"""


def git(root: Path, *args: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", *identity, *args], cwd=root, check=True, capture_output=True)


def commit(root: Path) -> None:
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "x")


@pytest.fixture
def root(tmp_path) -> Path:
    root = tmp_path / "a repö"
    files = {
        FEATURE: "id: FEAT-001\ntitle: A & B\nstatus: done # why\nuserStories: [US-001]\n",
        "contexts/userstories/US-001.yaml": "id: US-001\nfeature: FEAT-001\n",
        "contexts/userstories/$(touch sprung).yaml": "id: US-002\nfeature: FEAT-001\n",
        ".context/rules/r.yaml": RULE,
        ".context/templates/prompts/feature.hbs": "{{{title}}} {{timestamp}} {{_file}}\n",
        ".context/templates/prompts/checklist.hbs": "{{outputFile}}\n",
        "package.json": "{}",
    }
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8", newline="")
    return root


def with_repository(root: Path, work):
    async def opened():
        opener = DiskRepositoryOpener()
        async with asyncio.timeout(60):
            store = await opener.open(opener.locate(str(root)), SILENT)
            try:
                return await work(OpenRepository(store))
            finally:
                await store.aclose()

    return asyncio.run(opened())


def run(root: Path, name: str, **options) -> Any:
    """A run whose JSON may be read into without asking for types."""

    async def work(repository: OpenRepository) -> NativeRun:
        return await asyncio.to_thread(compute, repository, name, **options)

    return with_repository(root, work)


@pytest.mark.parametrize("name", NATIVE)
def test_every_pipeline_answers_with_json(root, name):
    result = run(root, name, ids=["FEAT-001"])
    assert json.loads(json.dumps(result.output)) == result.output
    assert result.ok == result.output.get("ok", True)


def test_impact_compares_with_the_last_commit_by_meaning(root):
    commit(root)
    assert run(root, "impact", ids=["FEAT-001"]).output["issues"][0]["hasGitDiff"] is False
    text = (root / FEATURE).read_text("utf-8")
    (root / FEATURE).write_text(text.replace("# why", "# because"), "utf-8")
    assert run(root, "impact", ids=["FEAT-001"]).output["issues"][0]["hasGitDiff"] is False
    (root / FEATURE).write_text(text.replace("A & B", "C"), "utf-8")
    assert [i["type"] for i in run(root, "impact", ids=["FEAT-001"]).output["issues"]] == ["insight", "insight"]
    (root / FEATURE).write_text(text.replace("done", "proposed"), "utf-8")
    issue = run(root, "impact", ids=["FEAT-001"]).output["issues"][0]
    assert issue["changes"] == [{"field": "status", "oldValue": "done", "newValue": "proposed", "valueType": "string"}]


def test_R21_a_file_name_never_reaches_a_shell(root):
    """The predecessor ran `$(…)` in the name of a file."""
    commit(root)
    assert run(root, "impact", ids=["US-002"]).ok
    assert not list(root.rglob("sprung"))
    assert not Path("sprung").exists()


def test_generate_writes_the_files_it_names_and_leaves_equal_ones_alone(root):
    async def work(repository: OpenRepository):
        store = repository.store
        result = compute(repository, "generate", now="T")
        changes = changes_to_write(store, result.files)
        await store.apply(changes)
        return result, changes, changes_to_write(store, result.files)

    result, first, second = with_repository(root, work)
    assert (len(first), second) == (2, [])
    written = root / "generated/prompts/FEAT-001.md"
    assert written.read_bytes().decode() == f"A & B T {FEATURE}\n" == result.files["generated/prompts/FEAT-001.md"]
    assert result.output["generated"] == [
        {
            "id": "FEAT-001",
            "type": "feature",
            "path": "generated/prompts/FEAT-001.md",
            "checklist": "generated/prompts/FEAT-001.checklist.md",
        }
    ]


def test_generate_has_the_old_form_with_absolute_paths_and_the_current_time(root):
    text = run(root, "generate", absolute_paths=True).files["generated/prompts/FEAT-001.md"]
    assert f"{root.resolve()}/{FEATURE}" in text
    assert run(root, "generate").files["generated/prompts/FEAT-001.md"].split()[3].endswith("Z")


def test_a_missing_pipeline_and_an_impact_of_nothing_are_errors(root):
    with pytest.raises(NotFoundError, match="validate, build-graph, impact, generate"):
        run(root, "nope")
    with pytest.raises(InvalidArgumentError):
        run(root, "impact")


def test_unknown_ids_are_told_in_the_output(root):
    result = run(root, "impact", ids=["NOPE-1"])
    assert (result.ok, result.output["issues"][0]["type"]) == (False, "not-found")


@needs_reference
def test_a_working_tree_change_of_the_reference_prints_what_the_predecessor_printed(tmp_path):
    root = tmp_path / "r"
    shutil.copytree(REFERENCE / "context-repo", root)
    commit(root)
    file = root / "contexts/features/FEAT-001-context-sync-mvp.yaml"
    old = 'status: "in-progress"\n'
    file.write_text(file.read_text("utf-8").replace(old, 'status: "blocked"\n', 1), "utf-8")
    output = run(root, "impact", ids=["FEAT-001"]).output
    expected = (REFERENCE / "expected" / "impact.FEAT-001.status-blocked.json").read_text("utf-8")
    assert json.dumps(output, indent=2, ensure_ascii=False) == expected.strip()
