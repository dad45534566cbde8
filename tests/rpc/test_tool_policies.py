"""Policies in the settings: what they allow and deny before anybody is asked, and what they keep from readers."""

from __future__ import annotations

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
