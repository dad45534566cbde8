"""The methods that change entities, render prompts and read files, through the wire."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pygit2
import pytest
from lsprotocol import converters, types

from tests.rpc.test_repository_methods import a_file, opened
from tests.support.client import RpcError
from tests.support.repositories import commit_all

if TYPE_CHECKING:
    from tests.support.client import Json

pytestmark = pytest.mark.asyncio


def contents(root: Path) -> dict[str, bytes]:
    """Every file of a repository outside `.git`."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }


def as_a_client_would(root: Path, edit: Json) -> dict[str, bytes]:
    """The files after a client has applied a WorkspaceEdit, read by lsprotocol as an editor's library would."""
    workspace_edit = converters.get_converter().structure(edit, types.WorkspaceEdit)
    files = {path: text.decode() for path, text in contents(root).items()}

    def name(uri: str) -> str:
        return Path(uri.removeprefix("file://")).relative_to(root).as_posix()

    for change in workspace_edit.document_changes or ():
        if isinstance(change, types.CreateFile):
            files[name(change.uri)] = ""
        elif isinstance(change, types.RenameFile):
            files[name(change.new_uri)] = files.pop(name(change.old_uri))
        elif isinstance(change, types.DeleteFile):
            del files[name(change.uri)]
        else:
            path = name(change.text_document.uri)
            lines = files[path].split("\n")
            for each in sorted(change.edits, key=lambda e: (e.range.start.line, e.range.start.character), reverse=True):
                assert isinstance(each, types.TextEdit)
                start, end = each.range.start, each.range.end
                first = lines[start.line] if start.line < len(lines) else ""
                last = lines[end.line] if end.line < len(lines) else ""
                middle = first[: start.character] + each.new_text + last[end.character :]
                lines[start.line : end.line + 1] = middle.split("\n")
            files[path] = "\n".join(lines)
    return {path: text.encode() for path, text in files.items()}


EDITS: list[tuple[str, Json]] = [
    ("ckit/entity/create", {"type": "task", "data": {"title": "Try it", "status": "todo", "owner": "@mei",
                                                      "related": {"feature": "FEAT-001"}}}),
    ("ckit/entity/update", {"id": "FEAT-001", "changes": [{"path": ["title"], "value": "Ä new title: yes"},
                                                           {"path": ["owners"], "append": "@new"}]}),
    ("ckit/entity/rename", {"id": "FEAT-001", "newId": "FEAT-901"}),
    ("ckit/entity/delete", {"id": "T-001", "references": "remove"}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "params"), EDITS, ids=[method for method, _ in EDITS])
async def test_a_preview_writes_nothing_and_a_client_that_applies_it_gets_what_the_daemon_writes(
    tmp_path: Path, method: str, params: Json
) -> None:
    async with opened(tmp_path) as (client, root):
        before = contents(root)
        preview = await client.request(method, params)
        assert preview["applied"] is False
        assert contents(root) == before
        applied_by_client = as_a_client_would(root, preview["edit"])
        applied = await client.request(method, {**params, "apply": True})
        assert applied["diff"] == preview["diff"]
        assert applied["version"] > preview["version"]
        assert contents(root) == applied_by_client
        after = await client.request("ckit/repo/validate")
        assert [finding["message"] for finding in after["findings"] if finding["severity"] == "error"] == []


async def test_a_new_entity_gets_an_id_that_no_branch_uses(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, root):
        data = {"title": "Next", "status": "todo", "owner": "@mei"}
        free = (await client.request("ckit/entity/create", {"type": "task", "data": data}))["id"]
        repository = pygit2.Repository(str(root))
        repository.create_branch("elsewhere", repository.head.peel(pygit2.Commit))
        repository.checkout("refs/heads/elsewhere")
        await client.request("ckit/entity/create", {"type": "task", "data": data, "apply": True})
        commit_all(root, "Take the id")
        repository.checkout("refs/heads/main")
        client.notify("ckit/repo/didChange", {})
        with pytest.raises(RpcError):
            await client.request("ckit/entity/get", {"id": free})
        assert (await client.request("ckit/entity/create", {"type": "task", "data": data}))["id"] > free


async def test_an_entity_that_would_break_its_schema_is_refused_with_the_reasons(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, root):
        before = contents(root)
        changes = [{"path": ["status"], "value": "banana"}]
        with pytest.raises(RpcError, match="banana") as caught:
            await client.request("ckit/entity/update", {"id": "FEAT-001", "changes": changes, "apply": True})
        assert caught.value.code == "invalid_argument"
        assert contents(root) == before


async def test_a_file_that_changed_underneath_is_not_overwritten(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, root):
        path = a_file(root, "FEAT-001")
        path.write_text(path.read_text("utf-8") + "# a colleague was here\n", "utf-8")
        before = contents(root)
        changes = [{"path": ["title"], "value": "Mine"}]
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/entity/update", {"id": "FEAT-001", "changes": changes, "apply": True})
        assert caught.value.code == "conflict"
        assert caught.value.data["retryable"] is True
        assert contents(root) == before


async def test_an_entity_that_others_need_is_not_deleted_unless_told_to(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, root):
        before = contents(root)
        with pytest.raises(RpcError, match="T-001") as caught:
            await client.request("ckit/entity/delete", {"id": "FEAT-001", "apply": True})
        assert caught.value.data["details"]["references"]
        assert contents(root) == before


async def test_an_entity_comes_with_its_relations_findings_and_text(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, root):
        found = await client.request("ckit/entity/get", {"id": "FEAT-001", "text": True})
        assert found["data"]["id"] == "FEAT-001"
        assert found["text"] == a_file(root, "FEAT-001").read_text("utf-8")
        assert {each["direction"] for each in found["relations"]} == {"in", "out"}
        assert found["location"]["range"]["start"]["character"] == 4


async def test_entities_are_listed_by_type_and_status_and_found_by_words(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, _):
        blocked = await client.request("ckit/entity/list", {"statuses": ["blocked"]})
        assert {each["status"] for each in blocked["entities"]} == {"blocked"}
        tasks = await client.request("ckit/entity/list", {"types": ["task"], "limit": 5})
        assert tasks["nextOffset"] == 5
        by_id = await client.request("ckit/entity/search", {"query": "FEAT-002"})
        assert by_id["hits"][0]["entity"]["id"] == "FEAT-002"
        by_field = await client.request("ckit/entity/search", {"query": "status:blocked", "types": ["task"]})
        assert by_field["total"] == sum(each["type"] == "task" for each in blocked["entities"])


async def test_a_prompt_is_reproducible_has_relative_paths_and_can_be_written(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, root):
        params = {"id": "FEAT-001", "now": "2026-01-01T00:00:00Z"}
        first = await client.request("ckit/prompt/render", params)
        assert "2026-01-01T00:00:00Z" in first["prompt"]
        assert str(root) not in first["prompt"] + first["checklist"]
        assert not (root / first["promptPath"]).exists()
        second = await client.request("ckit/prompt/render", {**params, "write": True})
        assert (root / second["promptPath"]).read_text("utf-8") == first["prompt"]
        assert (root / second["checklistPath"]).read_text("utf-8") == first["checklist"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../outside", "path_not_allowed"),
        ("/etc/passwd", "path_not_allowed"),
        ("C:\\Windows", "path_not_allowed"),
        ("contexts/\0", "path_not_allowed"),
        ("a" * 5000, "path_not_allowed"),
        (".git/config", "path_not_allowed"),
        ("link-out", "path_not_allowed"),
        ("no/such.md", "not_found"),
        ("latin1.md", "content_rejected"),
        ("binary.md", "content_rejected"),
        ("large.md", "content_rejected"),
        ("contexts", "path_not_allowed"),
    ],
)
async def test_R10_R34_a_file_is_read_only_if_it_is_text_inside_the_repository(
    tmp_path: Path, path: str, code: str
) -> None:
    async with opened(tmp_path) as (client, root):
        (tmp_path / "secret").write_text("secret", "utf-8")
        (root / "link-out").symlink_to(tmp_path / "secret")
        (root / "latin1.md").write_bytes("é".encode("latin-1") * 10)
        (root / "binary.md").write_bytes(b"\x00\x01\x02" * 100)
        with (root / "large.md").open("wb") as file:
            file.truncate(50_000_000)
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/file/read", {"path": path})
        assert caught.value.code == code
        assert str(tmp_path) not in caught.value.message + str(caught.value.data)
        assert (await client.request("ckit/file/read", {"path": "package.json", "maxLines": 1}))["text"] == "{\n"
