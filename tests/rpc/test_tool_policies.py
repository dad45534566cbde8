"""Policies in the settings: what they allow and deny before anybody is asked, and what they keep from readers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.rpc.test_edit_methods import contents
from tests.rpc.test_repository_methods import a_file, opened
from tests.rpc.test_tool_methods import UPDATE, run
from tests.support.talk import ASK

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Json

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize(
    ("policies", "status", "asks"),
    [
        ([], "ok", True),
        ([{"action": "allow", "tool": "entity.*"}], "ok", False),
        ([{"action": "allow", "tool": "entity.edit", "path": "contexts/tasks/**"}], "ok", False),
        ([{"action": "allow", "tool": "entity.edit", "path": "contexts/features/**"}], "ok", True),
        ([{"action": "deny", "path": "contexts/tasks/*"}, {"action": "allow"}], "denied", False),
        ([{"action": "deny", "path": "CONTEXTS/Tasks/**"}], "denied", False),
        ([{"action": "allow"}, {"action": "deny"}], "ok", False),
    ],
)
async def test_R38_policies_decide_before_anybody_is_asked(
    tmp_path: Path, policies: list[Json], status: str, asks: bool
) -> None:
    async with opened(tmp_path, answers=[ASK], config={"assistant": {"policies": policies}}) as (client, root):
        before = contents(root)
        client.answer(ASK, lambda _: {"decision": "allowOnce"})
        done = await run(client, "entity.edit", UPDATE)
        assert done["status"] == status
        assert (contents(root) != before) is (status == "ok")
        approvals = (await client.request("ckit/approval/list", {"state": None}))["approvals"]
        assert bool(approvals) is asks


async def test_R38_one_protected_file_is_enough_to_deny_and_reading_can_be_denied_too(tmp_path: Path) -> None:
    policies = [{"action": "deny", "path": "contexts/tasks/**"}, {"action": "allow"}]
    async with opened(tmp_path, config={"assistant": {"policies": policies}}) as (client, root):
        before = contents(root)
        # The rename touches the feature and every task that names it.
        done = await run(client, "entity.edit", {"action": "rename", "id": "FEAT-001", "newId": "FEAT-901"})
        assert done["status"] == "denied"
        path = a_file(root, "T-001").relative_to(root).as_posix()
        (root / "task.txt").symlink_to(path)
        for name, arguments in (
            ("context.read", {"path": path}),
            ("context.read", {"path": "task.txt"}),
            ("context.read", {"path": f"./{path.replace('/', '//')}"}),
            ("context.read", {"id": "T-001"}),
            ("entity.details", {"id": "T-001"}),
        ):
            assert (await run(client, name, arguments))["status"] == "denied"
        assert (await run(client, "context.read", {"id": "FEAT-001"}))["status"] == "ok"
        (root / "task.txt").unlink()
        assert contents(root) == before


@pytest.mark.parametrize("retrieval", [True, False])
async def test_R38_what_a_policy_keeps_from_a_tool_is_not_found_by_it_either(
    tmp_path: Path, *, retrieval: bool
) -> None:
    policies = [{"action": "deny", "path": "contexts/tasks/**"}, {"action": "deny", "path": "private/**"}]
    config = {"assistant": {"policies": policies}, "features": {"rag": retrieval}}
    async with opened(tmp_path, config=config) as (client, root):
        # One of the files is reached through a link.
        (root / "private").mkdir()
        a_file(root, "FEAT-002").rename(root / "private/FEAT-002.yaml")
        (root / "contexts/features/linked").symlink_to(root / "private", target_is_directory=True)
        client.notify("ckit/repo/didChange", {})
        for identifier in ("T-001", "FEAT-002"):
            title = (await client.request("ckit/entity/get", {"id": identifier}))["entity"]["title"]
            asked: list[tuple[str, Json]] = [
                ("context.search", {"query": title}),
                ("entity.similar", {"text": title, "limit": 50}),
                ("entity.details", {"id": "FEAT-001"}),
            ]
            if retrieval:
                asked += [("rag.search", {"query": title, "limit": 50}), ("rag.findSimilar", {"id": "FEAT-001"})]
            for name, arguments in asked:
                done = await run(client, name, arguments)
                assert done["status"] == "ok", done["text"]
                assert title not in done["text"]
                assert title not in json.dumps(done["output"])
            assert (await run(client, "entity.similar", {"id": identifier}))["status"] == "denied"
        assert (await run(client, "context.search", {"query": "loan"}))["output"]["total"] > 0
