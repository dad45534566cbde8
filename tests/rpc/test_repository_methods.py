"""The methods about repositories, on the shipped example and through the wire."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.client import RpcError
from tests.support.daemon import daemon
from tests.support.repositories import commit_all, copy_example

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.support.client import Client, Json

pytestmark = pytest.mark.asyncio

STATUS = "status: in-progress"


@asynccontextmanager
async def opened(tmp_path: Path, **options: Any) -> AsyncGenerator[tuple[Client, Path]]:
    """A daemon that has the example open."""
    root = copy_example(tmp_path / "example")
    environment = {"CKIT_PATHS_CACHE_DIR": str(tmp_path / "cache"), "CKIT_PATHS_STATE_DIR": str(tmp_path / "state")}
    async with daemon({"protocolVersions": ["1.0"], **options}, environment=environment) as client:
        await client.request("ckit/repo/open", {"path": str(root)})
        yield client, root


def a_file(root: Path, identifier: str) -> Path:
    """The file of an entity."""
    return next(path for path in (root / "contexts").rglob("*.yaml") if f"id: {identifier}" in path.read_text("utf-8"))


async def findings(client: Client, **params: Any) -> list[Json]:
    """All findings of the only open repository."""
    result = await client.request("ckit/repo/validate", params)
    return result["findings"]


async def test_opening_answers_with_what_the_repository_is(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, root):
        again = await client.request("ckit/repo/open", {"path": (root / "contexts").as_uri()})
        info = again["repository"]
        assert again["alreadyOpen"] is True
        assert info["rootUri"] == root.as_uri()
        assert info["git"] is True
        assert info["entities"] > 40
        assert (await client.request("ckit/repo/list"))["repositories"] == [info]


async def test_closing_forgets_a_repository_and_says_how_to_go_on(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, root):
        closed = await client.request("ckit/repo/close", {"repository": str(root)})
        assert closed["id"]
        with pytest.raises(RpcError, match="ckit/repo/open") as caught:
            await client.request("ckit/repo/validate")
        assert caught.value.code == "not_found"


async def test_of_several_open_repositories_a_request_must_name_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, root):
        other = copy_example(tmp_path / "other", git=False)
        second = (await client.request("ckit/repo/open", {"path": str(other)}))["repository"]
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/repo/inspect")
        assert caught.value.code == "invalid_argument"
        assert second["id"] in caught.value.data["details"]["repositories"]
        for name in (second["id"], str(other), other.as_uri()):
            assert (await client.request("ckit/repo/inspect", {"repository": name}))["total"] > 40
        assert root != other


async def test_the_first_request_opens_the_client_s_workspace_folders(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "example")
    folders = [{"uri": root.as_uri(), "name": "example"}, {"uri": tmp_path.as_uri(), "name": "no repository"}]
    environment = {"CKIT_PATHS_CACHE_DIR": str(tmp_path / "cache")}
    async with daemon(initialize=False, environment=environment) as client:
        await client.initialize(workspaceFolders=folders)
        assert (await client.request("ckit/repo/validate"))["ok"] is True


async def test_the_example_has_no_finding_at_all(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, _):
        result = await client.request("ckit/repo/validate")
        assert result["findings"] == []
        assert result["ok"] is True


async def test_findings_can_be_filtered_paged_and_streamed(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, root):
        paths = sorted((root / "contexts" / "tasks").glob("*.yaml"))
        for path in paths:
            path.write_text(path.read_text("utf-8").replace("status:", "state:"), "utf-8")
        client.notify("ckit/repo/didChange", {})
        everything = await findings(client)
        required = await findings(client, codes=["schema.required"])
        assert {finding["code"] for finding in required} == {"schema.required"}
        assert len(required) == len(paths) < len(everything)
        one_file = await findings(client, paths=[f"contexts/tasks/{paths[0].name}"])
        assert {finding["location"]["path"] for finding in one_file} == {f"contexts/tasks/{paths[0].name}"}
        assert await findings(client, codes=["schema"], minSeverity="error") == await findings(client, codes=["schema"])
        page = await client.request("ckit/repo/validate", {"offset": 2, "limit": 3})
        assert page["findings"] == everything[2:5]
        assert page["nextOffset"] == 5
        streamed = await client.request("ckit/repo/validate", {"partialResultToken": "p"})
        assert streamed["findings"] == []
        parts = [n["params"] for n in client.notifications if n["method"] == "$/progress"]
        assert [finding for part in parts for finding in part["value"]] == everything


async def test_a_fix_says_whether_it_puts_a_value_renames_a_key_or_takes_one_away(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, root):
        path = a_file(root, "T-001")
        text = path.read_text("utf-8")
        text = text.replace("title:", "titel:").replace('owner: "@mira"', "owner: 7")
        path.write_text(f"{text}colour: red\n", "utf-8")
        client.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": path.as_uri(), "type": 2}]})
        found = [fix for each in await findings(client) if each["code"] != "schema.required" for fix in each["fixes"]]
        assert {fix.pop("title"): fix for fix in found} == {
            "Rename 'titel' to 'title'": {"renames": ["titel"], "value": "title"},
            "Remove 'colour'": {"removes": ["colour"]},
            'Change it to "7"': {"path": ["owner"], "value": "7"},
        }


async def test_positions_are_in_the_negotiated_encoding(tmp_path: Path) -> None:
    columns: dict[str, int] = {}
    for encoding in ("utf-8", "utf-16", "utf-32"):
        root = copy_example(tmp_path / encoding, git=False)
        path = root / "contexts" / "tasks" / "T-999.yaml"
        path.write_text('{title: "ß𝄞", status: "banana", id: "T-999", owner: "@x"}\n', "utf-8")
        async with daemon(initialize=False, environment={"CKIT_PATHS_CACHE_DIR": str(tmp_path / "c")}) as client:
            await client.initialize(capabilities={"general": {"positionEncodings": [encoding]}})
            await client.request("ckit/repo/open", {"path": str(root)})
            found = await findings(client, codes=["schema.enum"])
            columns[encoding] = found[0]["location"]["range"]["start"]["character"]
    text = '{title: "ß𝄞", status: '
    assert columns == {
        "utf-8": len(text.encode()),
        "utf-16": len(text.encode("utf-16-le")) // 2,
        "utf-32": len(text),
    }


async def test_unsaved_text_lies_over_the_disk_until_the_document_is_closed(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, root):
        path = a_file(root, "T-001")
        uri = path.as_uri()
        text = path.read_text("utf-8") + "\nunknown: field\n"
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        client.notify("textDocument/didOpen", {"textDocument": document})
        assert [finding["code"] for finding in await findings(client)] == ["schema.additionalProperties"]
        assert (await client.request("ckit/repo/list"))["repositories"][0]["unsaved"]
        unsaved = await client.request("ckit/repo/impact", {"between": "unsaved"})
        assert [change["id"] for change in unsaved["changed"]] == ["T-001"]
        change = {"textDocument": {"uri": uri, "version": 2}, "contentChanges": [{"text": "id: T-001\nsteps: ["}]}
        client.notify("textDocument/didChange", change)
        assert [finding["code"] for finding in await findings(client)] == ["yaml.syntax"]
        client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        assert await findings(client) == []


async def test_a_document_that_was_open_before_its_repository_lies_over_it_too(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "example")
    path = a_file(root, "T-001")
    async with daemon(environment={"CKIT_PATHS_CACHE_DIR": str(tmp_path / "c")}) as client:
        document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": "id: T-001\n"}
        client.notify("textDocument/didOpen", {"textDocument": document})
        await client.request("ckit/repo/open", {"path": str(root)})
        assert "schema.required" in {finding["code"] for finding in await findings(client)}


async def test_a_file_that_changes_on_disk_is_read_again_when_the_client_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, root):
        path = a_file(root, "T-001")
        path.unlink()
        event = {"changes": [{"uri": path.as_uri(), "type": 3}]}
        client.notify("workspace/didChangeWatchedFiles", event)
        codes = {finding["code"] for finding in await findings(client)}
        assert "reference.unresolved" in codes
        told = await client.notification("ckit/repo/didChange")
        assert told["paths"] == [path.relative_to(root).as_posix()]


async def test_a_host_without_file_events_lets_the_daemon_watch(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, root):
        await client.request("ckit/repo/open", {"path": str(root), "watch": True})
        assert (await client.request("ckit/repo/list"))["repositories"][0]["watching"] is True
        a_file(root, "T-002").unlink()
        told = await client.notification("ckit/repo/didChange")
        assert len(told["paths"]) == 1
        assert not (await client.request("ckit/repo/validate"))["ok"]


async def test_inspect_counts_types_relations_and_gaps(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, _):
        result = await client.request("ckit/repo/inspect")
        assert sum(each["count"] for each in result["types"]) == result["total"]
        assert {each["rel"] for each in result["relations"]} >= {"has-story", "depends-on", "governs"}
        assert result["orphans"] == []
        assert result["findings"] == {"error": 0, "warning": 0, "information": 0, "hint": 0}


async def test_the_graph_comes_in_pages_and_with_the_places_that_state_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, _):
        around = {"ids": ["FEAT-001"], "depth": 1, "relations": ["has-story"], "statements": True}
        result = await client.request("ckit/repo/graph", around)
        assert result["totalNodes"] == len(result["nodes"]) == len(result["edges"]) + 1
        assert all(len(edge["statements"]) == 2 for edge in result["edges"])
        collected: list[Json] = []
        offset, total = 0, 0
        while offset is not None:
            page = await client.request("ckit/repo/graph", {"offset": offset, "limit": 7})
            collected += page["edges"]
            offset, total = page.get("nextOffset"), page["totalEdges"]
        assert len(collected) == total


@pytest.mark.parametrize(
    ("fmt", "begins"),
    [("mermaid", "flowchart"), ("dot", "digraph"), ("graphml", "<?xml"), ("html", "<!"), ("cytoscape", "{")],
)
async def test_the_graph_is_drawn_in_every_format(tmp_path: Path, fmt: str, begins: str) -> None:
    async with opened(tmp_path) as (client, _):
        result = await client.request("ckit/repo/graph", {"ids": ["FEAT-001"], "depth": 1, "format": fmt})
        assert begins in result["text"][:2000].lower()
        assert result["nodes"] == []


async def test_paths_lead_from_one_entity_to_another_the_shortest_first(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, _):
        result = await client.request("ckit/repo/paths", {"source": "FEAT-001", "target": "FEAT-002", "limit": 3})
        lengths = [len(path) for path in result["paths"]]
        assert lengths == sorted(lengths)
        assert lengths
        with pytest.raises(RpcError, match="two different"):
            await client.request("ckit/repo/paths", {"source": "FEAT-001", "target": "FEAT-001"})


async def test_impact_compares_the_working_tree_the_index_and_commits(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, root):
        path = a_file(root, "FEAT-001")
        text = path.read_text("utf-8")
        title = next(line for line in text.splitlines() if line.startswith("title:"))
        path.write_text(text.replace(title, "title: Another title"), "utf-8")
        client.notify("ckit/repo/didChange", {})
        tree = await client.request("ckit/repo/impact", {"between": "workingTree"})
        assert [(change["id"], change["fields"][0]["path"]) for change in tree["changed"]] == [("FEAT-001", ["title"])]
        assert tree["stale"]
        staged = await client.request("ckit/repo/impact", {"between": "staged"})
        assert staged["changed"] == []
        commit_all(root, "Change the title")
        commits = await client.request("ckit/repo/impact", {"between": "commits", "base": "HEAD~1"})
        assert commits["changed"] == tree["changed"]
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/repo/impact", {"between": "commits", "base": "no-such-branch"})
        assert caught.value.code == "not_found"


async def test_impact_needs_ids_or_a_comparison(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, _):
        with pytest.raises(RpcError, match="'ids'") as caught:
            await client.request("ckit/repo/impact")
        assert caught.value.code == "invalid_argument"
        assumed = await client.request("ckit/repo/impact", {"ids": ["FEAT-001"]})
        assert assumed["changed"][0]["kind"] == "assumed"
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/repo/impact", {"ids": ["FEAT-0O1"]})
        assert "FEAT-001" in caught.value.data["details"]["similar"]


async def test_R09_health_probes_every_open_repository_and_names_what_still_works(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, root):
        name = "repository:" + (await client.request("ckit/repo/list"))["repositories"][0]["id"]

        async def probed() -> Json:
            report = await client.request("ckit/health", {"fresh": True})
            assert str(root) not in str(report)
            return next(component for component in report["components"] if component["name"] == name)

        assert (await probed())["status"] == "ok"
        (root / "contexts").rename(root / "elsewhere")
        found = await probed()
        assert found["status"] == "degraded"
        assert found["works"]
        await client.request("ckit/repo/close")
        assert name not in str(await client.request("ckit/health"))


async def test_R37_a_feature_that_is_switched_off_is_absent_and_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path, config={"features": {"graph": False}}) as (client, _):
        ckit = await client.request("ckit/capabilities")
        assert "graph" not in ckit["features"]
        assert "ckit/repo/graph" not in {method["name"] for method in ckit["methods"]}
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/repo/graph")
        assert caught.value.code == "capability_disabled"
