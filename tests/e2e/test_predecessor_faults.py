"""What the system before this one got wrong, each once through a real daemon process: none of it may return."""

from __future__ import annotations

import json
import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.client import RpcError
from tests.support.daemon import spawned
from tests.support.repositories import REFERENCE, commit_all, copy_example, needs_reference

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.support.client import Client, Json

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def daemon_on(root: Path) -> AsyncGenerator[Client]:
    """A daemon process that has the repository open."""
    async with spawned(root.parent, {"protocolVersions": ["1.0"]}) as running:
        await running.client.request("ckit/repo/open", {"path": str(root)})
        yield running.client


def edit(root: Path, identifier: str, old: str, new: str) -> None:
    """Replace a text in an entity's file."""
    path = next(path for path in (root / "contexts").rglob(f"{identifier}*.yaml"))
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


async def impact_of_working_tree(client: Client) -> Json:
    client.notify("ckit/repo/didChange", {})
    return await client.request("ckit/repo/impact", {"between": "workingTree"})


async def test_an_answer_of_many_times_64_kilobytes_arrives_whole(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "example")
    text = "\n".join(f"  line {number}" for number in range(20_000))
    for number in range(3):
        data = f"id: SPEC-{700 + number}\ntitle: Large\nstatus: draft\ntype: api\ncontent: |\n{text}\n"
        (root / "contexts" / "specs" / f"SPEC-{700 + number}.yaml").write_text(data, "utf-8")
    async with daemon_on(root) as client:
        for _ in range(5):
            result = await client.request("ckit/pipeline/run", {"name": "build-graph"})
            large = [node for node in result["output"]["nodes"] if node["id"].startswith("SPEC-7")]
            assert [node["data"]["content"].count("\n") for node in large] == [20_000] * 3


async def test_a_rule_with_a_new_value_fires_for_that_value_alone(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "example")
    async with daemon_on(root) as client:
        edit(root, "FEAT-003", "status: in-progress", "status: done")
        other = await impact_of_working_tree(client)
        assert "feature-blocked-stops-tasks" not in {rule["rule"] for rule in other["rules"]}
        edit(root, "FEAT-003", "status: done", "status: blocked")
        blocked = await impact_of_working_tree(client)
        assert "feature-blocked-stops-tasks" in {rule["rule"] for rule in blocked["rules"]}


async def test_a_rule_about_a_nested_field_fires_for_that_field(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "example")
    async with daemon_on(root) as client:
        path = next((root / "contexts" / "services").glob("svc-loans*"))
        lines = path.read_text("utf-8").splitlines()
        at = next(index for index, line in enumerate(lines) if line.strip().startswith("version:"))
        lines[at] = lines[at].split("version:")[0] + 'version: "99.0.0"'
        path.write_text("\n".join(lines) + "\n", "utf-8")
        found = await impact_of_working_tree(client)
        assert any("api.version" in rule["fields"] for rule in found["rules"])


async def test_a_status_in_a_nested_list_is_not_the_entity_s_own(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "example")
    edit(root, "FEAT-003", "status: in-progress", "status: in-progress\nlinkedTasks:\n  - {id: T-006, status: todo}")
    commit_all(root, "Add a nested status")
    async with daemon_on(root) as client:
        edit(root, "FEAT-003", "status: todo", "status: blocked")
        found = await impact_of_working_tree(client)
        assert [field["path"] for field in found["changed"][0]["fields"]] == [["linkedTasks", 0, "status"]]
        assert "feature-blocked-stops-tasks" not in {rule["rule"] for rule in found["rules"]}


async def test_no_issue_is_told_twice_and_comments_and_order_change_nothing(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "example")
    async with daemon_on(root) as client:
        assumed = await client.request("ckit/repo/impact", {"ids": ["FEAT-001", "FEAT-002", "svc-loans"]})
        told = [(issue["entity"], issue.get("rule"), issue["source"]) for issue in assumed["issues"]]
        assert len(told) == len(set(told)) > 0
        edit(root, "FEAT-003", "status: in-progress", "status:   'in-progress'   # as before")
        assert (await impact_of_working_tree(client))["changed"] == []


async def test_a_rule_that_names_no_relation_is_a_finding_and_not_silence(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "example")
    rules = next((root / ".context" / "rules").glob("*.yaml"))
    rules.write_text(rules.read_text("utf-8").replace("rel: uses", "rel: consumers"), "utf-8")
    async with daemon_on(root) as client:
        found = (await client.request("ckit/repo/validate"))["findings"]
        assert {finding["code"] for finding in found} == {"rule.dead"}
        assert all("consumers" in finding["message"] for finding in found)


@needs_reference
async def test_inspect_resolves_every_relation_and_only_those(tmp_path: Path) -> None:
    root = tmp_path / "reference"
    shutil.copytree(REFERENCE, root)
    async with daemon_on(root) as client:
        result = await client.request("ckit/repo/inspect")
        assert sum(each["statements"] for each in result["relations"]) == 33


@pytest.mark.parametrize("text", ["id: 42\ntitle: x\nstatus: todo\n", "id: T-900\ntitle: 2025-10-22\nstatus: true\n"])
async def test_an_integer_id_a_boolean_status_or_a_date_for_a_title_breaks_nothing(tmp_path: Path, text: str) -> None:
    root = copy_example(tmp_path / "example")
    (root / "contexts" / "tasks" / "odd.yaml").write_text(text, "utf-8")
    async with daemon_on(root) as client:
        counted = await client.request("ckit/repo/inspect")
        assert next(each["count"] for each in counted["types"] if each["type"] == "task") == 13
        found = (await client.request("ckit/repo/validate", {"codes": ["schema"]}))["findings"]
        assert {finding["location"]["path"] for finding in found} == {"contexts/tasks/odd.yaml"}


async def test_a_file_name_is_a_name_and_never_a_command(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "example")
    source = next((root / "contexts" / "tasks").glob("T-001*"))
    source.rename(source.with_name("T-001-$(touch pwned)`touch pwned`.yaml"))
    async with daemon_on(root) as client:
        for between in ("workingTree", "staged"):
            await client.request("ckit/repo/impact", {"between": between})
        await client.request("ckit/pipeline/run", {"name": "impact", "ids": ["T-001"]})
        assert not list(tmp_path.rglob("pwned"))


async def test_an_id_that_climbs_writes_nothing_outside_the_folder_of_prompts(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "example")
    path = root / "contexts" / "tasks" / "T-900.yaml"
    path.write_text("id: ../../../escaped\ntitle: x\nstatus: todo\n", "utf-8")
    async with daemon_on(root) as client:
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/prompt/render", {"id": "../../../escaped", "write": True})
        assert caught.value.code == "invalid_argument"
        await client.request("ckit/pipeline/run", {"name": "generate"})
        assert not list(tmp_path.rglob("escaped*"))


async def test_prompts_hold_no_absolute_path_and_are_the_same_for_the_same_time(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "example")
    async with daemon_on(root) as client:
        params = {"id": "SPEC-001", "now": "then"}
        first, second = [await client.request("ckit/prompt/render", params) for _ in range(2)]
        assert first == second
        assert str(tmp_path) not in json.dumps(first)


async def test_unreadable_yaml_is_reported_and_still_known_to_those_who_name_it(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "example")
    edit(root, "T-001", "status:", "broken: [\nstatus:")
    async with daemon_on(root) as client:
        found = (await client.request("ckit/repo/validate"))["findings"]
        assert [finding["code"] for finding in found] == ["yaml.syntax"]
        assert (await client.request("ckit/entity/get", {"id": "T-001"}))["entity"]["type"] == "task"


async def test_capabilities_name_nothing_that_can_t_be_called(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "example")
    async with daemon_on(root) as client:
        capabilities = await client.request("ckit/capabilities")
        for method in capabilities["methods"]:
            if method["kind"] == "request" and method["direction"] == "clientToServer":
                with pytest.raises(RpcError, match="nonsense: unknown field"):
                    await client.request(method["name"], {"nonsense": 1})
