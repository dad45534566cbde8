"""Pipelines through the wire: native against the predecessor's output, scripts with trust and approval."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.rpc.test_repository_methods import opened
from tests.support.client import RpcError
from tests.support.daemon import daemon
from tests.support.repositories import EXPECTED, REFERENCE, commit_all, needs_reference

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Client, Json

pytestmark = pytest.mark.asyncio

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on this machine")


async def test_native_pipelines_are_always_there_and_scripts_say_why_they_can_t_run(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, _):
        pipelines = (await client.request("ckit/pipeline/list"))["pipelines"]
        native = [each["name"] for each in pipelines if each["engine"] == "native"]
        assert native == ["validate", "build-graph", "impact", "generate"]
        scripts = [each for each in pipelines if each["engine"] == "script"]
        assert scripts
        assert all(not each["available"] and each["reason"] for each in scripts)


async def test_generate_writes_every_prompt_unless_it_runs_dry(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, root):
        params = {"name": "generate", "now": "then"}
        await client.request("ckit/pipeline/run", {**params, "dryRun": True})
        assert not (root / "generated").exists()
        done = await client.request("ckit/pipeline/run", params)
        assert done["ok"] is True
        prompts = sorted(path.name for path in (root / "generated" / "prompts").iterdir())
        assert len(prompts) == 2 * (await client.request("ckit/entity/list"))["total"]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"name": "no-such"}, "not_found"),
        ({"name": "impact"}, "invalid_argument"),
        ({"name": "validate", "engine": "script"}, "not_trusted"),
        ({"name": "rm -rf /", "engine": "script"}, "not_found"),
        ({"name": "validate", "engine": "shell"}, "invalid_params"),
        ({"name": "validate", "engine": "script", "args": ["$(touch pwned)"]}, "invalid_argument"),
    ],
)
async def test_bad_requests_to_run_are_refused_and_nothing_runs(tmp_path: Path, params: Json, code: str) -> None:
    async with opened(tmp_path) as (client, root):
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/pipeline/run", params)
        assert caught.value.code == code
        assert not (root / "pwned").exists()
        assert (await client.request("ckit/pipeline/run", {"name": "validate"}))["ok"] is True


def script(root: Path, source: str) -> None:
    """Make `npm run job` run a Node program."""
    (root / "job.mjs").write_text(source, "utf-8")
    (root / "package.json").write_text(json.dumps({"name": "x", "scripts": {"job": "node job.mjs"}}), "utf-8")


@needs_npm
async def test_R39_a_script_runs_in_a_trusted_workspace_once_a_person_has_seen_it(tmp_path: Path) -> None:
    async with opened(tmp_path, trusted=True) as (client, root):
        script(root, "console.log(JSON.stringify({ok: true, args: process.argv.slice(2)}))")
        params = {"name": "job", "engine": "script", "args": ["FEAT-001"]}
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/pipeline/run", params)
        assert caught.value.data["details"]["needs"] == "confirm"
        assert "job" in str(caught.value.data["details"]["command"])
        done = await client.request("ckit/pipeline/run", {**params, "confirm": True})
        assert done["output"] == {"ok": True, "args": ["FEAT-001"]}
        assert done["exitCode"] == 0
        again = await client.request("ckit/pipeline/run", params)
        assert again["output"] == done["output"]


@needs_npm
async def test_a_cancelled_script_is_answered_at_once_and_its_processes_end(tmp_path: Path) -> None:
    async with opened(tmp_path, trusted=True) as (client, root):
        beat = root / "beat"
        script(root, "import fs from 'fs'; console.log('up'); setInterval(() => fs.appendFileSync('beat', '.'), 20)")
        params = {"name": "job", "engine": "script", "confirm": True, "workDoneToken": "t"}
        running = client.start("ckit/pipeline/run", params, request_id="job")
        await client.notification("$/progress")
        while not beat.exists():
            assert not running.done()
            await client.request("ckit/capabilities")
        client.notify("$/cancelRequest", {"id": "job"})
        with pytest.raises(RpcError) as caught:
            await running
        assert caught.value.number == -32800
        # The next write of this repository waits until the script is gone.
        await client.request("ckit/pipeline/run", {"name": "validate"})
        size = beat.stat().st_size
        await client.request("ckit/pipeline/run", {"name": "build-graph"})
        assert beat.stat().st_size == size


async def reference(tmp_path: Path, client: Client) -> Path:
    """Open a copy of the reference repository."""
    root = tmp_path / "context-repo"
    shutil.copytree(REFERENCE, root)
    commit_all(root, "Begin")
    await client.request("ckit/repo/open", {"path": str(root)})
    return root


@needs_reference
async def test_the_native_pipelines_print_what_the_predecessor_printed(tmp_path: Path) -> None:
    async with daemon({}, environment={"CKIT_PATHS_CACHE_DIR": str(tmp_path)}) as client:
        root = await reference(tmp_path, client)

        async def run(name: str, *ids: str) -> Json:
            return (await client.request("ckit/pipeline/run", {"name": name, "ids": list(ids)}))["output"]

        def expected(name: str) -> Json:
            return json.loads((EXPECTED / f"{name}.json").read_text("utf-8"))

        assert await run("validate") == expected("validate")
        assert await run("build-graph") == expected("build-graph")
        for identifier in ("FEAT-001", "SPEC-001", "T-001", "US-002", "svc-git", "pkg-context-sync", "NOPE-1"):
            assert await run("impact", identifier) == expected(f"impact.{identifier}")
        path = root / "contexts" / "features" / "FEAT-001-context-sync-mvp.yaml"
        path.write_text(path.read_text("utf-8").replace('status: "in-progress"', 'status: "blocked"', 1), "utf-8")
        client.notify("ckit/repo/didChange", {})
        assert await run("impact", "FEAT-001") == expected("impact.FEAT-001.status-blocked")


@needs_reference
async def test_generated_prompts_are_the_predecessor_s_byte_for_byte(tmp_path: Path) -> None:
    async with daemon({}, environment={"CKIT_PATHS_CACHE_DIR": str(tmp_path)}) as client:
        root = await reference(tmp_path, client)
        params = {"name": "generate", "now": "2026-01-01T00:00:00.000Z", "absolutePaths": True}
        assert (await client.request("ckit/pipeline/run", params))["ok"] is True
        expected = {path.name: path.read_bytes() for path in (EXPECTED / "prompts").iterdir()}
        written = {
            path.name: path.read_bytes()
            .replace(str(root).encode(), b"<repo>")
            .replace(b"2026-01-01T00:00:00.000Z", b"<timestamp>")
            for path in (root / "generated" / "prompts").iterdir()
        }
        assert written == expected
