"""The tool that runs a repository's own scripts."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.rpc.test_repository_methods import opened
from tests.rpc.test_tool_methods import run
from tests.support.talk import ASK

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Json

pytestmark = pytest.mark.asyncio

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on this machine")


@needs_npm
async def test_R39_a_script_runs_once_a_person_has_seen_its_command_line(tmp_path: Path) -> None:
    async with opened(tmp_path, trusted=True, answers=[ASK]) as (client, root):
        package = json.loads((root / "package.json").read_text("utf-8"))
        package["scripts"] |= {"hello": "node -e \"console.log('hello')\"", "fail": 'node -e "process.exit(3)"'}
        (root / "package.json").write_text(json.dumps(package), "utf-8")
        shown: list[Json] = []

        def answer(params: Json) -> Json:
            shown.append(params["approval"])
            return {"decision": "allowOnce"}

        client.answer(ASK, answer)
        done = await run(client, "pipeline.script", {"name": "hello"})
        assert done["status"] == "ok"
        assert done["output"]["stdout"].strip() == "hello"
        assert shown[0]["command"] == done["output"]["command"]
        assert "console.log('hello')" in shown[0]["title"]
        assert shown[0]["class"] == "exec"
        failed = await run(client, "pipeline.script", {"name": "fail"})
        assert (failed["status"], failed["errorCode"]) == ("error", "process_failed")
        assert failed["output"]["exitCode"] == 3
        assert len(shown) == 2


@needs_npm
async def test_R39_a_script_that_changes_while_it_is_approved_does_not_run(tmp_path: Path) -> None:
    async with opened(tmp_path, trusted=True, answers=[ASK]) as (client, root):

        def answer(_: Json) -> Json:
            text = (root / "package.json").read_text("utf-8").replace("ckit validate", "touch pwned")
            (root / "package.json").write_text(text, "utf-8")
            return {"decision": "allowOnce"}

        client.answer(ASK, answer)
        done = await run(client, "pipeline.script", {"name": "validate"})
        assert (done["status"], done["errorCode"]) == ("error", "conflict")
        assert not (root / "pwned").exists()
