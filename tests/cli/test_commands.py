from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pygit2
import pytest
import typer

from ckit_daemon.cli.commands.demo import demo
from ckit_daemon.cli.completion import entity_ids
from ckit_daemon.cli.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Ckit

STORY = "contexts/userstories/US-007-collect-from-a-locker.yaml"


def test_validate_says_that_all_is_well_and_exits_with_0(ckit: Ckit) -> None:
    run = ckit("validate")
    assert run.code == 0
    assert run.out == "\u2714 no findings in 43 entities\n"


def test_validate_shows_file_line_message_and_fix_and_exits_with_1(faulty: Ckit) -> None:
    run = faulty("validate")
    assert run.code == 1
    lines = run.out.splitlines()
    assert lines[0] == STORY
    assert lines[1].split()[:2] == ["3:10", "error"]
    assert lines[1].rstrip().endswith("reference.unresolved")
    assert lines[2].strip().startswith("fix: Change it to FEAT-003")
    assert "4:9" in run.out
    assert lines[-1] == "\u2718 2 errors in 43 entities"


def test_validate_fails_only_on_what_it_shows(faulty: Ckit) -> None:
    run = faulty("validate", "contexts/features/FEAT-001-borrow-and-return.yaml")
    assert run.code == 0
    assert "2 findings left out" in run.err


def test_validate_takes_files_and_folders_as_they_are_seen_from_the_current_folder(
    faulty: Ckit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(faulty.repo / "contexts" / "userstories")
    everything = faulty("validate").out
    for path in (".", "../userstories/", STORY.rpartition("/")[2], STORY, "contexts/userstories"):
        assert faulty("validate", path).out == everything, path


def test_validate_refuses_a_path_that_does_not_exist(faulty: Ckit) -> None:
    run = faulty("validate", "contexts/userstories/US-700.yaml")
    assert run.code == 2
    assert "There is no 'contexts/userstories/US-700.yaml'" in run.err


def test_validate_writes_sarif_with_positions(faulty: Ckit) -> None:
    run = faulty("validate", "--format", "sarif")
    assert run.code == 1
    results = json.loads(run.out)["runs"][0]["results"]
    assert [result["ruleId"] for result in results] == ["reference.unresolved", "schema.enum"]
    assert results[0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 3


def test_reports_name_files_from_where_the_command_runs(faulty: Ckit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(faulty.repo.parent)
    assert f"::error file=lantern/{STORY},line=3," in faulty("validate", "--format", "github").out


def test_validate_writes_junit(faulty: Ckit) -> None:
    root = ET.fromstring(faulty("validate", "--format", "junit", "--quiet").out)
    assert root.get("failures") == "1"


def test_graph_html_is_one_file_that_names_every_entity(ckit: Ckit, tmp_path: Path) -> None:
    target = tmp_path / "graph.html"
    run = ckit("graph", "--format", "html", "--output", str(target))
    assert run.code == 0
    assert run.out == ""
    page = target.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "FEAT-001" in page
    assert "https://" not in page.split("<script>")[0]


@pytest.mark.parametrize(
    ("fmt", "start"),
    [("mermaid", "---\ntitle:"), ("dot", "digraph "), ("graphml", "<?xml"), ("cytoscape", "{")],
)
def test_graph_prints_pictures_to_standard_output(ckit: Ckit, fmt: str, start: str) -> None:
    assert ckit("graph", "FEAT-001", "--format", fmt).out.startswith(start)


def test_graph_of_one_entity_is_a_tree(ckit: Ckit) -> None:
    run = ckit("graph", "FEAT-003", "--relation", "has-story")
    assert run.out.splitlines()[0].startswith("FEAT-003 Reserve items")
    assert "has-story \u2192 US-006 Queue for a title" in run.out


def test_graph_without_ids_counts_types_and_relations(ckit: Ckit) -> None:
    run = ckit("graph")
    assert "userstory   11" in run.out
    assert "has-story" in run.out


def test_a_file_that_cannot_be_written_is_a_failure(ckit: Ckit, tmp_path: Path) -> None:
    run = ckit("graph", "--format", "dot", "--output", str(tmp_path / "no" / "such" / "folder.dot"))
    assert run.code == 2
    assert "can't be written" in run.err


def test_paths_shows_the_way_and_says_no_when_there_is_none(ckit: Ckit) -> None:
    assert ckit("paths", "US-007", "svc-notify", "--limit", "1").out == "US-007 \u2500impacts\u2192 svc-notify\n"
    assert ckit("paths", "FEAT-001", "FEAT-002", "--direction", "out").code == 1


def test_impact_of_an_assumed_change_names_rules_and_neighbours(ckit: Ckit) -> None:
    run = ckit("impact", "FEAT-003", "--depth", "1")
    assert run.code == 0
    assert "feature-blocked-stops-tasks" in run.out
    assert "FEAT-003 \u2500has-story\u2192 US-006" in run.out


@pytest.mark.parametrize("arguments", [[], ["FEAT-001", "--staged"], ["--staged", "--working-tree"]])
def test_impact_wants_exactly_one_kind_of_change(ckit: Ckit, arguments: list[str]) -> None:
    run = ckit("impact", *arguments)
    assert run.code == 2
    assert "--working-tree" in run.err


def test_impact_of_the_working_tree_needs_git(ckit: Ckit) -> None:
    run = ckit("impact", "--working-tree")
    assert run.code == 2
    assert run.err.startswith("error: The repository is not under Git")


def test_show_is_a_card_with_relations(ckit: Ckit) -> None:
    run = ckit("show", "FEAT-003")
    assert run.out.startswith("FEAT-003  Reserve items and collect them  in-progress\n")
    assert "contexts/features/FEAT-003-reserve-and-collect.yaml:1:" in run.out
    assert "has-story \u2192" in run.out
    assert "objective" in run.out


def test_show_prints_findings_of_the_entity(faulty: Ckit) -> None:
    assert "reference.unresolved" in faulty("show", "US-007").out


def test_show_of_an_unknown_id_exits_with_1(ckit: Ckit) -> None:
    run = ckit("show", "FEAT-999")
    assert (run.code, run.out) == (1, "")
    assert "FEAT-999" in run.err


def test_list_filters_by_type(ckit: Ckit) -> None:
    lines = ckit("list", "--type", "service", "--quiet").out.splitlines()
    assert [line.split()[0] for line in lines] == ["svc-catalogue", "svc-loans", "svc-members", "svc-notify"]


def test_search_finds_text_with_its_place_and_says_no_otherwise(ckit: Ckit) -> None:
    run = ckit("search", "hold shelf", "--limit", "1")
    assert run.code == 0
    assert ".yaml:" in run.out
    assert ckit("search", "zzzzqq").code == 1


def test_prompt_prints_what_the_template_says_and_nothing_else(ckit: Ckit) -> None:
    run = ckit("prompt", "T-007", "--now", "noon")
    assert run.out.startswith("# T-007: Release uncollected items")
    assert "noon" in run.out
    assert run.err == ""


def test_prompt_writes_both_files_and_prints_their_paths(own: Ckit) -> None:
    paths = own("prompt", "T-007", "--write").out.splitlines()
    assert len(paths) == 2
    assert all((own.repo / path).is_file() for path in paths)


def test_rename_shows_a_diff_and_writes_nothing(own: Ckit) -> None:
    before = {path: path.read_bytes() for path in own.repo.rglob("*.yaml")}
    run = own("rename", "FEAT-003", "FEAT-030")
    assert run.code == 0
    assert "-id: FEAT-003\n+id: FEAT-030\n" in run.out
    assert "--apply" in run.err
    assert {path: path.read_bytes() for path in own.repo.rglob("*.yaml")} == before


def test_rename_does_not_write_where_nobody_can_be_asked(own: Ckit) -> None:
    run = own("rename", "FEAT-003", "FEAT-030", "--apply")
    assert run.code == 2
    assert "--yes" in run.err


def test_rename_applied_leaves_a_repository_that_validates(own: Ckit) -> None:
    assert own("rename", "FEAT-003", "FEAT-030", "--apply", "--yes").code == 0
    assert own("show", "FEAT-030").code == 0
    assert own("validate").code == 0


def test_create_takes_the_next_id_and_the_fields(own: Ckit) -> None:
    run = own("create", "feature", "title=Sixth", "status=proposed", "--apply", "--yes")
    assert run.code == 0
    assert "FEAT-006" in run.out
    assert "Sixth" in own("show", "FEAT-006").out


def test_create_refuses_what_is_no_field(ckit: Ckit) -> None:
    assert ckit("create", "feature", "title").code == 2


def test_inspect_counts_and_names_the_folder(ckit: Ckit) -> None:
    run = ckit("inspect")
    assert str(ckit.repo) in run.out
    assert "Coverage" in run.out


def test_health_and_doctor_say_what_works(ckit: Ckit) -> None:
    health = ckit("health")
    assert health.code == 0
    assert "storage" in health.out
    doctor = ckit("doctor")
    assert doctor.code == 0
    assert "43 entities" in doctor.out
    # The example in a temporary folder is under no version control.
    assert f'git init "{ckit.repo}"' in doctor.out


def test_doctor_without_a_repository_says_how_to_get_one(tmp_path: Path, ckit: Ckit) -> None:
    run = type(ckit)(tmp_path)("doctor", "--json")
    checks = {check["capability"]: check for check in run.json["checks"]}
    assert checks["Repository"]["state"] == "missing"
    assert checks["Repository"]["fix"].startswith("ckit init")


def test_doctor_names_the_file_that_is_missing_and_where_to_get_it(own: Ckit) -> None:
    (own.repo / ".context/schemas/task.schema.json").unlink()
    (own.repo / ".context/rules/consistency.rules.yaml").unlink()
    checks = {check["capability"]: check for check in own("doctor", "--json").json["checks"]}
    assert checks["Schemas"]["state"] == "missing"
    assert "task.schema.json" in checks["Schemas"]["fix"]
    assert checks["Consistency rules"]["state"] == "missing"


def test_outside_of_a_repository_commands_fail_with_advice(tmp_path: Path, ckit: Ckit) -> None:
    run = type(ckit)(tmp_path)("validate")
    assert run.code == 2
    assert "ckit init" in run.err


def test_init_makes_a_repository_that_validates_and_names_the_product(tmp_path: Path, ckit: Ckit) -> None:
    target = tmp_path / "tea house"
    run = ckit("init", str(target), "--name", 'Tea {{"House"}}: & Co')
    assert run.code == 0
    assert "no findings" in run.out
    texts = [path.read_text(encoding="utf-8") for path in target.rglob("*") if path.is_file()]
    assert not any("antern" in text for text in texts)
    assert "id: CONST-TEA-HOUSE-CO\n" in (target / "contexts/governance/constitution.yaml").read_text(encoding="utf-8")
    assert type(ckit)(target)("prompt", "FEAT-001").code == 0


def test_init_leaves_a_folder_alone_that_holds_something(tmp_path: Path, ckit: Ckit) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    run = ckit("init", str(tmp_path))
    assert run.code == 2
    assert "not empty" in run.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_demo_shows_every_step_the_same_each_time(ckit: Ckit, capsys: pytest.CaptureFixture[str]) -> None:
    run = ckit("demo", "--quiet")
    assert run.code == 0
    for step in ("inspect", "validate", "impact", "graph FEAT-003", 'search "hold shelf"', "prompt T-007"):
        assert f"ckit {step} " in run.out
    assert "\u2718 2 errors in 43 entities" in run.out
    assert "status: in-progress \u2192 blocked" in run.out
    assert "> An item waits 7 opening days on the hold shelf" in run.out
    assert "**T-009** is changed" in run.out
    assert "\u2714 no findings in 44 entities" in run.out
    answer, _, sources = run.out.partition("ckit ask --cite")[2].partition("Sources")
    assert "Loans at the desk while the network is down [1]" in answer
    assert "contexts/features/FEAT-001-borrow-and-return.yaml:20" in sources
    assert "warning" not in run.err
    assert demo(Terminal(quiet=True)) == 0
    assert capsys.readouterr().out == run.out


def test_the_shell_completes_ids_with_titles(ckit: Ckit) -> None:
    context = typer.Context(typer.main.get_command(typer.Typer(callback=lambda: None)))
    context.params["repo"] = str(ckit.repo)
    assert entity_ids(context, "svc-l") == [("svc-loans", "Loans")]
    context.params["repo"] = str(ckit.repo.parent / "nowhere")
    assert entity_ids(context, "svc-l") == []


def test_pipelines_are_listed_with_both_engines(ckit: Ckit) -> None:
    run = ckit("pipeline", "list", "--json")
    assert {pipeline["engine"] for pipeline in run.json["pipelines"]} == {"native", "script"}
    assert "build-graph" in ckit("pipeline", "list").out


def test_a_built_in_pipeline_prints_its_json(ckit: Ckit) -> None:
    run = ckit("pipeline", "run", "impact", "FEAT-001", "--dry-run")
    assert isinstance(run.json, dict)


def test_a_script_runs_only_when_it_is_asked_for(own: Ckit) -> None:
    script = json.dumps(f'"{sys.executable}" -c "print(6 * 7)"')
    (own.repo / "package.json").write_text(f'{{"name": "x", "scripts": {{"answer": {script}}}}}', encoding="utf-8")
    assert own("pipeline", "run", "answer").code == 2
    if shutil.which("npm") or shutil.which("pnpm"):
        run = own("pipeline", "run", "answer", "--script")
        assert (run.code, run.out.strip()) == (0, "42")


def test_watching_checks_again_after_a_change(own: Ckit) -> None:
    watch = [sys.executable, "-m", "ckit_daemon.cli.main", "-C", str(own.repo), "validate", "--watch", "--quiet"]
    with subprocess.Popen(watch, stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "\u2714 no findings in 43 entities\n"
        story = own.repo / STORY
        # In one step: half a file would be a finding, too.
        changed = own.repo.with_name("changed.yaml")
        changed.write_text(story.read_text(encoding="utf-8").replace("FEAT-003", "FEAT-033"), encoding="utf-8")
        changed.replace(story)
        assert process.stdout.readline().rstrip() == STORY
        process.kill()


def commit_all(folder: Path) -> None:
    repository = pygit2.init_repository(folder)
    repository.index.add_all()
    repository.index.write()
    author = pygit2.Signature("A", "a@example.org")
    repository.create_commit("HEAD", author, author, "Begin", repository.index.write_tree(), [])


def test_impact_of_the_working_tree_shows_changed_fields_and_fails_on_broken_references(own: Ckit) -> None:
    commit_all(own.repo)
    assert own("impact", "--staged").out == "Nothing changed in meaning.\n"
    feature = own.repo / "contexts/features/FEAT-003-reserve-and-collect.yaml"
    feature.write_text(feature.read_text(encoding="utf-8").replace("in-progress", "blocked"), encoding="utf-8")
    run = own("impact", "--working-tree")
    assert run.code == 0
    assert "status: in-progress \u2192 blocked" in run.out
    (own.repo / STORY).unlink()
    run = own("impact", "--since", "HEAD")
    assert run.code == 1
    assert "Breaks" in run.out
    assert "is gone" in run.out
    assert own("doctor").out.count("HEAD is ") == 1


def test_doctor_says_when_the_daemon_does_not_start(ckit: Ckit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    run = ckit("doctor")
    assert run.code == 1
    assert "can't be started" in run.out
    assert "pip install" in run.out
