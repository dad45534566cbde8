"""Workspace folders and file watching, as editors have them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.client import RpcError
from tests.support.daemon import daemon
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Client

pytestmark = pytest.mark.asyncio

WATCHES = {"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True}}}


def folder(path: Path) -> dict[str, str]:
    return {"uri": path.as_uri(), "name": path.name}


async def watching(client: Client, root: Path) -> bool:
    await client.request("ckit/repo/inspect", {"repository": str(root)})
    listed: list[dict[str, Any]] = (await client.request("ckit/repo/list"))["repositories"]
    return next(each["watching"] for each in listed if each["rootUri"] == root.as_uri())


async def test_a_client_that_can_watch_files_is_asked_to(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "example", git=False)
    async with daemon(initialize=False, environment={"CKIT_PATHS_CACHE_DIR": str(tmp_path / "c")}) as client:
        await client.initialize(capabilities=WATCHES, workspaceFolders=[folder(root)])
        asked = (await client.notification("client/registerCapability"))["registrations"]
        assert [each["method"] for each in asked] == ["workspace/didChangeWatchedFiles"]
        assert ".context-kit" in asked[0]["registerOptions"]["watchers"][0]["globPattern"]
        assert await watching(client, root) is False


async def test_for_a_client_that_cannot_watch_files_the_daemon_does(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "example", git=False)
    async with daemon(initialize=False, environment={"CKIT_PATHS_CACHE_DIR": str(tmp_path / "c")}) as client:
        await client.initialize(workspaceFolders=[folder(root)])
        assert await watching(client, root) is True
        shutil.rmtree(root / "contexts" / "tasks")
        await client.notification("ckit/repo/didChange")
        assert not (await client.request("ckit/repo/validate"))["ok"]


async def test_the_first_request_finds_every_workspace_folder_open(tmp_path: Path) -> None:
    roots = [copy_example(tmp_path / name, git=False) for name in ("one", "two", "three")]
    async with daemon(initialize=False, environment={"CKIT_PATHS_CACHE_DIR": str(tmp_path / "c")}) as client:
        await client.initialize(capabilities=WATCHES, workspaceFolders=[folder(root) for root in roots])
        assert (await client.request("ckit/repo/inspect", {"repository": str(roots[2])}))["total"] > 40
        with pytest.raises(RpcError, match="Several repositories"):
            await client.request("ckit/repo/inspect")


async def test_repositories_come_and_go_with_the_workspace_folders(tmp_path: Path) -> None:
    one, two = (copy_example(tmp_path / name, git=False) for name in ("one", "two"))
    async with daemon(initialize=False, environment={"CKIT_PATHS_CACHE_DIR": str(tmp_path / "c")}) as client:
        await client.initialize(capabilities=WATCHES, workspaceFolders=[folder(one)])
        event: dict[str, Any] = {"added": [folder(two), {"uri": "untitled:x", "name": "x"}], "removed": [folder(one)]}
        client.notify("workspace/didChangeWorkspaceFolders", {"event": event})
        await client.request("ckit/repo/validate")
        listed = (await client.request("ckit/repo/list"))["repositories"]
        assert [each["name"] for each in listed] == ["two"]
        client.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": [], "removed": [folder(two)]}})
        with pytest.raises(RpcError, match="No repository is open"):
            await client.request("ckit/repo/validate")


async def test_a_document_opens_the_repository_around_it_below_a_workspace_folder(tmp_path: Path) -> None:
    outer = copy_example(tmp_path / "outer", git=False)
    inner = copy_example(outer / "libraries" / "inner", git=False)
    stranger = copy_example(tmp_path / "stranger", git=False)
    async with daemon(initialize=False, environment={"CKIT_PATHS_CACHE_DIR": str(tmp_path / "c")}) as client:

        def open_task(root: Path) -> None:
            path = next((root / "contexts" / "tasks").glob("T-001*"))
            document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": "id: [\n"}
            client.notify("textDocument/didOpen", {"textDocument": document})

        async def syntax_errors(root: Path) -> int:
            params = {"codes": ["yaml"], "repository": str(root)}
            return len((await client.request("ckit/repo/validate", params))["findings"])

        async def names() -> list[str]:
            await client.request("ckit/repo/validate", {"repository": str(outer)})
            return [each["name"] for each in (await client.request("ckit/repo/list"))["repositories"]]

        await client.initialize(capabilities=WATCHES, workspaceFolders=[folder(outer)])
        assert await names() == ["outer"]
        open_task(inner)
        told = await client.notification("ckit/repo/didChange")
        assert "paths" not in told
        assert await names() == ["outer", "inner"]
        assert told["repository"] == (await client.request("ckit/repo/list"))["repositories"][1]["id"]
        assert (await syntax_errors(outer), await syntax_errors(inner)) == (0, 1)
        open_task(stranger)
        assert await names() == ["outer", "inner"]
        event: dict[str, Any] = {"added": [], "removed": [folder(outer)]}
        client.notify("workspace/didChangeWorkspaceFolders", {"event": event})
        with pytest.raises(RpcError, match="No repository is open"):
            await client.request("ckit/repo/validate")


async def test_unsaved_text_counts_in_a_workspace_that_was_opened_through_a_link(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "example", git=False)
    link = tmp_path / "link"
    try:
        link.symlink_to(root, target_is_directory=True)
    except OSError:
        pytest.skip("this account may make no links")
    async with daemon(initialize=False, environment={"CKIT_PATHS_CACHE_DIR": str(tmp_path / "c")}) as client:
        await client.initialize(capabilities=WATCHES, workspaceFolders=[folder(link)])
        path = next((link / "contexts" / "tasks").glob("T-001*"))
        document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": "id: [\n"}
        client.notify("textDocument/didOpen", {"textDocument": document})
        found = (await client.request("ckit/repo/validate", {"codes": ["yaml"]}))["findings"]
        assert [finding["code"] for finding in found] == ["yaml.syntax"]


async def test_an_edit_names_the_version_of_an_open_document_and_none_for_a_file_on_disk(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "example", git=False)
    async with daemon(initialize=False, environment={"CKIT_PATHS_CACHE_DIR": str(tmp_path / "c")}) as client:
        await client.initialize(capabilities=WATCHES, workspaceFolders=[folder(root)])
        path = next((root / "contexts" / "features").glob("FEAT-001*"))
        uri, text = path.as_uri(), path.read_text("utf-8")
        document = {"uri": uri, "languageId": "yaml", "version": 7, "text": text}
        client.notify("textDocument/didOpen", {"textDocument": document})

        async def versions() -> dict[str, int | None]:
            edit = (await client.request("ckit/entity/rename", {"id": "FEAT-001", "newId": "FEAT-900"}))["edit"]
            documents = [each["textDocument"] for each in edit["documentChanges"] if "textDocument" in each]
            return {each["uri"]: each["version"] for each in documents}

        before = await versions()
        assert before.pop(uri) == 7
        assert len(before) > 1
        assert set(before.values()) == {None}
        change = {"textDocument": {"uri": uri, "version": 8}, "contentChanges": [{"text": text + "# more\n"}]}
        client.notify("textDocument/didChange", change)
        assert (await versions())[uri] == 8
        client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        assert (await versions())[uri] is None
