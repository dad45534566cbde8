"""Specifications that do not come out as they should: unfit, refused, cut, cancelled."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.repo.repository import DiskRepository
from tests.rpc.test_edit_methods import contents
from tests.rpc.test_spec_methods import MARKDOWN, errors, log_entries, scripted
from tests.support.client import TIMEOUT_SECONDS, RpcError
from tests.support.model_server import Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckit_daemon.services.ports import FileChange, SnapshotChange

pytestmark = pytest.mark.asyncio


async def test_a_schema_that_wants_more_than_the_text_says_is_satisfied_by_a_second_answer(tmp_path: Path) -> None:
    async with scripted(tmp_path) as (client, root, server):
        require(root, "owner")
        client.notify("ckit/repo/didChange", {})
        server.enqueue(
            Reply(text=MARKDOWN), Reply(text='{"title": "T", "owner": "nobody"}'), Reply(text='{"owner": "@mira"}')
        )
        made = await client.request("ckit/spec/generate", {"entities": ["FEAT-003"], "apply": True})
        assert made["data"]["owner"] == "@mira"
        assert made["data"]["content"].startswith("A member pauses")
        assert made["repairs"] == 1
        assert "nobody" in json.dumps(server.calls[-1].body)
        assert await errors(client) == []


async def test_a_spec_that_never_fits_fails_with_the_reasons_and_the_failure_is_logged(tmp_path: Path) -> None:
    async with scripted(tmp_path, generation={"maxRepairs": 1}) as (client, root, server):
        require(root, "owner")
        client.notify("ckit/repo/didChange", {})
        before = contents(root / "contexts")
        server.enqueue(Reply(text=MARKDOWN), Reply(text="No."), Reply(text='{"owner": 7}'))
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/spec/generate", {"entities": ["FEAT-003"], "apply": True})
        assert caught.value.code == "generation_failed"
        assert any("owner" in problem for problem in caught.value.data["details"]["problems"])
        assert contents(root / "contexts") == before
        newest = (await client.request("ckit/specLog/list", {"limit": 1}))["entries"][0]
        assert (newest["status"], newest["problems"]) == ("failure", [])
        entry = log_entries(root)[newest["id"]]
        assert entry["error"]["code"] == "generation_failed"
        explained = await client.request(
            "ckit/generation/explain", {"id": caught.value.data["details"]["generationId"]}
        )
        assert explained["generation"]["outcome"] == "failed"
        assert explained["generation"]["usage"]["inputTokens"] > 0


def require(root: Path, field: str) -> None:
    """Make the repository demand a field of every specification."""
    path = root / ".context/schemas/spec.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    schema["required"].append(field)
    path.write_text(json.dumps(schema), "utf-8")


async def test_an_answer_that_is_none_is_an_error_and_nothing_is_saved(tmp_path: Path) -> None:
    async with scripted(tmp_path) as (client, root, server):
        before = contents(root / "contexts")
        for reply, code in (
            (Reply(text=""), "generation_failed"),
            (Reply(text="I can't.", finish="content_filter"), "generation_failed"),
            (Reply(status=401), "provider_error"),
        ):
            server.enqueue(reply)
            with pytest.raises(RpcError) as caught:
                await client.request("ckit/spec/generate", {"entities": ["FEAT-003"], "apply": True})
            assert caught.value.code == code
        assert contents(root / "contexts") == before
        failed = [entry for entry in log_entries(root).values() if entry["status"] == "failure"]
        assert len(failed) == 3


async def test_an_answer_that_was_cut_is_kept_and_said_to_be_partial(tmp_path: Path) -> None:
    async with scripted(tmp_path) as (client, root, server):
        server.enqueue(Reply(text=MARKDOWN, finish="length"))
        made = await client.request("ckit/spec/generate", {"entities": ["FEAT-003"], "apply": True})
        assert any("limit of tokens" in warning for warning in made["warnings"])
        assert log_entries(root)[Path(made["logPath"]).stem]["status"] == "partial"


async def test_cancelling_ends_the_stream_and_writes_nothing(tmp_path: Path) -> None:
    async with scripted(tmp_path) as (client, root, server):
        before = contents(root)
        server.enqueue(Reply(text=MARKDOWN, stall_after=5))
        asked = client.start("ckit/spec/generate", {"entities": ["FEAT-003"], "apply": True}, request_id="spec")
        await server.wait_stalled()
        client.notify("$/cancelRequest", {"id": "spec"})
        with pytest.raises(RpcError) as caught:
            await asked
        assert caught.value.code == "cancelled"
        await server.wait_idle()
        assert contents(root) == before


async def test_what_was_written_when_the_cancel_came_is_remembered_and_can_be_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrote, go_on = asyncio.Event(), asyncio.Event()
    apply = DiskRepository._apply

    async def slowly(self: DiskRepository, changes: Sequence[FileChange]) -> SnapshotChange:
        done = await apply(self, changes)
        wrote.set()
        await go_on.wait()
        return done

    async with scripted(tmp_path) as (client, root, server):
        before = contents(root)
        server.enqueue(Reply(text=MARKDOWN))
        monkeypatch.setattr(DiskRepository, "_apply", slowly)
        asked = client.start("ckit/spec/generate", {"entities": ["FEAT-003"], "apply": True}, request_id="spec")
        await wrote.wait()
        client.notify("$/cancelRequest", {"id": "spec"})
        with pytest.raises(RpcError) as caught:
            await asked
        assert caught.value.code == "cancelled"
        go_on.set()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            # The request for the number is in flight as well.
            while (await client.request("ckit/metrics"))["inFlight"] > 1:
                pass
        [spec] = [path for path in contents(root).keys() - before.keys() if path.startswith("contexts/")]
        identifier = (root / spec).read_text("utf-8").splitlines()[0].removeprefix("id: ")
        generation = (await client.request("ckit/generation/explain", {"entity": identifier}))["generation"]
        assert generation["outcome"] == "succeeded"
        text = (root / spec).read_bytes()
        (root / spec).write_bytes(text + b"# By hand\n")
        explained = await client.request("ckit/generation/explain", {"id": generation["id"]})
        assert {each["path"]: each["state"] for each in explained["generation"]["files"]}[spec] == "changed"
        (root / spec).write_bytes(text)
        await client.request("ckit/code/undo", {"generationId": generation["id"]})
        assert contents(root) == before
        explained = await client.request("ckit/generation/explain", {"id": generation["id"]})
        assert {each["state"] for each in explained["generation"]["files"]} == {"undone"}
