"""Tools that write: a person sees exactly what will be done, and just that is done."""

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


async def test_R38_a_write_waits_for_a_person_who_sees_its_diff(tmp_path: Path) -> None:
    async with opened(tmp_path, answers=[ASK]) as (client, root):
        before = contents(root)
        path = a_file(root, "T-001").relative_to(root).as_posix()
        asked: list[Json] = []

        def answer(params: Json) -> Json:
            assert contents(root) == before
            asked.append(params["approval"])
            return {"decision": "allowOnce"}

        client.answer(ASK, answer)
        done = await run(client, "entity.edit", UPDATE)
        assert done["status"] == "ok"
        assert "title: Anew" in a_file(root, "T-001").read_text("utf-8")
        (approval,) = asked
        assert approval["files"] == [path]
        assert approval["diff"] == done["output"]["diff"]
        assert "+title: Anew" in approval["diff"]
        assert approval["arguments"] == UPDATE
        assert (approval["tool"], approval["class"], approval["state"]) == ("entity.edit", "write", "pending")
        (stored,) = (await client.request("ckit/approval/list", {"state": None}))["approvals"]
        assert (stored["id"], stored["state"], stored["decision"]) == (approval["id"], "allowed", "allowOnce")
        assert stored["toolCallId"] == done["callId"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"action": "create", "type": "task", "data": {"title": "Try", "status": "todo", "owner": "@mei"}},
        {"action": "rename", "id": "FEAT-001", "newId": "FEAT-901"},
        {"action": "delete", "id": "T-001", "references": "remove"},
        {
            "action": "update",
            "id": "T-001",
            "changes": [
                {"path": ["steps"], "op": "append", "value": "Sweep the floor"},
                {"path": ["steps", 0], "op": "insert", "value": "Open the door"},
                {"path": ["estimateDays"], "op": "remove"},
            ],
        },
    ],
    ids=["create", "rename", "delete", "update"],
)
async def test_R38_what_is_written_is_what_the_approval_showed(tmp_path: Path, arguments: Json) -> None:
    async with opened(tmp_path, answers=[ASK]) as (client, root):
        before = contents(root)
        shown: list[Json] = []

        def answer(params: Json) -> Json:
            shown.append(params["approval"])
            return {"decision": "allowOnce"}

        client.answer(ASK, answer)
        assert (await run(client, "entity.edit", arguments))["status"] == "ok"
        after = contents(root)
        changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
        assert shown[0]["files"] == changed
        report = await client.request("ckit/repo/validate", {"minSeverity": "error"})
        assert report["total"] == 0


async def test_R38_a_refusal_is_an_outcome_with_the_person_s_words(tmp_path: Path) -> None:
    async with opened(tmp_path, answers=[ASK]) as (client, root):
        before = contents(root)
        client.answer(ASK, lambda _: {"decision": "deny", "note": "Keep the old title."})
        done = await run(client, "entity.edit", UPDATE)
        assert (done["status"], done["errorCode"]) == ("denied", "denied")
        assert "Keep the old title." in done["text"]
        assert contents(root) == before


async def test_R38_a_change_underneath_an_approval_writes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, answers=[ASK]) as (client, root):

        def answer(_: Json) -> Json:
            path = a_file(root, "T-001")
            path.write_text(path.read_text("utf-8") + "# a colleague was here\n", "utf-8")
            return {"decision": "allowOnce"}

        client.answer(ASK, answer)
        done = await run(client, "entity.edit", UPDATE)
        assert (done["status"], done["errorCode"]) == ("error", "conflict")
        text = a_file(root, "T-001").read_text("utf-8")
        assert text.endswith("# a colleague was here\n")
        assert "Anew" not in text


async def test_R38_edited_arguments_are_what_is_done(tmp_path: Path) -> None:
    async with opened(tmp_path, answers=[ASK]) as (client, root):
        mine = {"action": "update", "id": "T-002", "changes": [{"path": ["title"], "value": "My own words"}]}
        client.answer(ASK, lambda _: {"decision": "allowOnce", "arguments": mine})
        done = await run(client, "entity.edit", UPDATE)
        assert done["status"] == "ok"
        assert "Anew" not in a_file(root, "T-001").read_text("utf-8")
        assert "My own words" in a_file(root, "T-002").read_text("utf-8")
        (stored,) = (await client.request("ckit/approval/list", {"state": "allowed"}))["approvals"]
        assert stored["arguments"] == mine
        assert stored["files"] == [a_file(root, "T-002").relative_to(root).as_posix()]
        assert "My own words" in stored["diff"]


async def test_R38_edited_arguments_that_make_no_sense_do_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, answers=[ASK]) as (client, root):
        before = contents(root)
        client.answer(ASK, lambda _: {"decision": "allowOnce", "arguments": {"action": "explode"}})
        done = await run(client, "entity.edit", UPDATE)
        assert (done["status"], done["errorCode"]) == ("error", "invalid_argument")
        client.answer(ASK, lambda _: {"decision": "allowForSession", "arguments": UPDATE})
        done = await run(client, "entity.edit", UPDATE)
        assert (done["status"], done["errorCode"]) == ("denied", "denied")
        assert contents(root) == before


async def test_R38_nothing_to_change_asks_nobody(tmp_path: Path) -> None:
    async with opened(tmp_path, answers=[ASK]) as (client, _):
        title = (await client.request("ckit/entity/get", {"id": "T-001"}))["entity"]["title"]
        same = {"action": "update", "id": "T-001", "changes": [{"path": ["title"], "value": title}]}
        assert (await run(client, "entity.edit", same))["status"] == "ok"
        assert (await client.request("ckit/approval/list", {"state": None}))["approvals"] == []


async def test_generate_shows_every_file_and_writes_them_together(tmp_path: Path) -> None:
    async with opened(tmp_path, answers=[ASK]) as (client, root):
        shown: list[Json] = []

        def answer(params: Json) -> Json:
            shown.append(params["approval"])
            return {"decision": "allowOnce"}

        client.answer(ASK, answer)
        done = await run(client, "pipeline.generate", {"ids": ["FEAT-001"]})
        assert done["status"] == "ok"
        files = ["generated/prompts/FEAT-001.checklist.md", "generated/prompts/FEAT-001.md"]
        assert shown[0]["files"] == done["output"]["files"] == files
        added = [line[1:] for line in shown[0]["diff"].splitlines() if line.startswith("+") and line[:4] != "+++ "]
        written = [line for path in files for line in (root / path).read_text("utf-8").splitlines()]
        assert sorted(added) == sorted(written)


async def test_a_specification_is_seen_before_it_is_saved_and_then_linked_both_ways(tmp_path: Path) -> None:
    async with opened(tmp_path, answers=[ASK]) as (client, root):
        before = contents(root)
        wanted: Json = {"entities": ["FEAT-001"], "requirement": "Loans can be renewed by phone."}
        shown: list[Json] = []
        answer: Json = {"decision": "deny"}
        client.answer(ASK, lambda params: shown.append(params["approval"]) or answer)
        assert (await run(client, "spec.generate", wanted))["status"] == "denied"
        # What a model makes of other arguments nobody has seen.
        answer = {"decision": "allowOnce", "arguments": {**wanted, "requirement": "By letter."}}
        denied = await run(client, "spec.generate", wanted)
        assert denied["status"] == "denied"
        assert "By letter." in denied["text"]
        assert contents(root) == before
        answer = {"decision": "allowOnce"}
        done = await run(client, "spec.generate", wanted)
        assert done["status"] == "ok"
        after = contents(root)
        assert shown[-1]["files"] == sorted(path for path in after if after[path] != before.get(path))
        new = done["output"]["id"]
        assert after[done["output"]["path"]].decode().startswith(f"id: {new}\n")
        assert new in a_file(root, "FEAT-001").read_text("utf-8")
        assert (await client.request("ckit/repo/validate", {"minSeverity": "warning"}))["total"] == 0
        explained = await client.request("ckit/generation/explain", {"id": done["output"]["generationId"]})
        assert sorted(each["path"] for each in explained["generation"]["files"]) == shown[-1]["files"]
