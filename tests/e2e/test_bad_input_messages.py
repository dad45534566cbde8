"""Parameters that no method understands, sent to a real daemon: each is refused, and the daemon goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ckit_daemon.wire.methods import METHODS
from tests.support.client import RpcError
from tests.support.daemon import spawned
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Client

pytestmark = pytest.mark.asyncio

REQUESTS = sorted(m.name for m in METHODS if m.kind == "request" and m.direction == "clientToServer")
ODD_KEYS = ("jsonrpc", "class", "type_name", "from-id", "__proto__", "\x00", "ключ")
NESTED: dict[str, Any] = {
    "jsonrpc": "2.0",
    "class": {"type_name": [{"jsonrpc": 1, "from-id": None}]},
    "from-id": "FEAT-001",
    "__proto__": {},
    "_x": 1,
}

ODD_PATHS = {
    "parent": "../outside.md",
    "deep parent": "docs/../../outside.md",
    "absolute": "/etc/passwd",
    "drive": "C:\\Windows\\win.ini",
    "backslashes": "..\\..\\outside.md",
    "link that leads out": "out.md",
    "folder link that leads out": "away/secret.md",
    "NUL": "docs/\x00.md",
    "5,000 characters": "x" * 5000,
    "5,000 folders": "x/" * 2500 + "x",
    "git's own": ".git/config",
    "a folder": "docs",
    "home": "~/.ssh/id_rsa",
    "URI": "file:///etc/passwd",
    "empty": "",
    "dot": ".",
    "loop": "loop.md",
}

ODD_IDS = ("", "FEAT-001/../../x", "/", "\x00", "x" * 100_000, "$(touch pwned)", "FEAT-001\n", "\u202eFEAT", "🎉" * 60)


async def refusal(client: Client, method: str, params: object) -> RpcError:
    with pytest.raises(RpcError) as caught:
        await client.request(method, params)
    error = caught.value
    assert error.message[:1].isupper() or error.message[:1] in "'\"{[", error.message
    assert len(error.message) < 2000
    assert "Traceback" not in error.message
    assert error.data["requestId"] is not None
    return error


async def test_R10_every_method_refuses_unknown_fields_by_name_and_parameters_of_another_shape(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "lantern", git=False)
    async with spawned(tmp_path) as daemon:
        await daemon.client.request("ckit/repo/open", {"path": str(root)})
        for method in REQUESTS:
            for key in ODD_KEYS:
                error = await refusal(daemon.client, method, {key: {"jsonrpc": "2.0"}})
                assert error.number == -32602, (method, key)
                assert key in [fault["field"] for fault in error.data["details"]["fields"]], (method, key)
            for wrong in ("text", 5, True, [1, 2], [{}]):
                error = await refusal(daemon.client, method, wrong)
                assert error.number == -32602, (method, wrong)
        assert (await daemon.client.request("ckit/health"))["status"] in {"ok", "degraded"}


async def test_keys_that_other_servers_swallow_survive_in_free_form_data(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "lantern", git=False)
    async with spawned(tmp_path) as daemon:
        await daemon.client.request("ckit/repo/open", {"path": str(root)})
        create = {"type": "package", "id": "pkg-odd", "data": {"name": "@x/odd", **NESTED}, "allowInvalid": True}
        await daemon.client.request("ckit/entity/create", {**create, "apply": True})
        got = await daemon.client.request("ckit/entity/get", {"id": "pkg-odd"})
        assert {key: got["data"][key] for key in NESTED} == NESTED
        change = {"path": ["class"], "value": NESTED}
        update = {"id": "pkg-odd", "changes": [change], "allowInvalid": True, "apply": True}
        await daemon.client.request("ckit/entity/update", update)
        got = await daemon.client.request("ckit/entity/get", {"id": "pkg-odd"})
        assert got["data"]["class"] == NESTED


async def test_R10_paths_that_leave_the_repository_or_are_no_files_are_refused(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "lantern")
    (tmp_path / "outside").mkdir()
    for secret in (tmp_path / "outside.md", tmp_path / "outside/secret.md"):
        secret.write_text("s3cret")
    (root / "out.md").symlink_to(tmp_path / "outside.md")
    (root / "away").symlink_to(tmp_path / "outside", target_is_directory=True)
    (root / "loop.md").symlink_to("loop.md")
    async with spawned(tmp_path) as daemon:
        await daemon.client.request("ckit/repo/open", {"path": str(root)})
        for name, path in ODD_PATHS.items():
            error = await refusal(daemon.client, "ckit/file/read", {"path": path})
            assert error.code in {"path_not_allowed", "not_found", "content_rejected"}, (name, error)
            assert "s3cret" not in str(error.data)
            assert str(tmp_path / "outside") not in error.message, name
        for path in ("relative", "\x00", "/" + "x" * 4000, "http://example.org/repo", "file://host/share", ""):
            await refusal(daemon.client, "ckit/repo/open", {"path": path})
        assert await daemon.client.request("ckit/file/read", {"path": "README.md"})


async def test_R10_ids_and_texts_of_any_kind_are_answered(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "lantern", git=False)
    before = sorted(path for path in tmp_path.rglob("*"))
    async with spawned(tmp_path) as daemon:
        client = daemon.client
        await client.request("ckit/repo/open", {"path": str(root)})
        for odd in ODD_IDS:
            for method, params in (
                ("ckit/entity/get", {"id": odd}),
                ("ckit/entity/delete", {"id": odd}),
                ("ckit/entity/rename", {"id": odd, "newId": "FEAT-900"}),
                ("ckit/entity/rename", {"id": "FEAT-001", "newId": odd, "apply": True}),
                ("ckit/entity/create", {"type": "feature", "id": odd, "allowInvalid": True, "apply": True}),
                ("ckit/entity/create", {"type": odd, "apply": True}),
                ("ckit/prompt/render", {"id": odd, "write": True}),
                ("ckit/prompt/render", {"id": "FEAT-001", "template": odd or " ", "write": True}),
                ("ckit/repo/graph", {"ids": [odd]}),
                ("ckit/repo/paths", {"source": "FEAT-001", "target": odd}),
                ("ckit/repo/impact", {"ids": [odd]}),
                ("ckit/repo/impact", {"between": "commits", "base": odd}),
                ("ckit/pipeline/run", {"name": odd}),
            ):
                await refusal(client, method, params)
        for query in ("(" * 1000, '"' * 999, "a:" * 500, "*" * 900, "\\" * 500, "\x00", "- - -", ":", "x " * 500):
            assert (await client.request("ckit/entity/search", {"query": query}))["hits"] is not None
        await refusal(client, "ckit/entity/search", {"query": "x" * 1_000_000})
        assert await client.request("ckit/health")
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - {*before}
    assert not [path for path in written if path.is_relative_to(root)]
