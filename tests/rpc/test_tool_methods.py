"""Tools through the wire: the same list and the same way to run for clients as for models."""

from __future__ import annotations

import asyncio
import json
import shutil
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from tests.rpc.test_edit_methods import contents
from tests.rpc.test_repository_methods import a_file, opened
from tests.support.client import TIMEOUT_SECONDS, RpcError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Client, Json

pytestmark = pytest.mark.asyncio

ASK = "ckit/approval/request"
CALL = "ckit/tool/call"
UPDATE: Json = {"action": "update", "id": "T-001", "changes": [{"path": ["title"], "value": "Anew"}]}

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on this machine")


async def run(client: Client, name: str, arguments: Json | None = None, **params: Any) -> Json:
    return await client.request("ckit/tool/run", {"name": name, "arguments": arguments or {}, **params})


async def listed(client: Client, **params: Any) -> dict[str, Json]:
    return {tool["name"]: tool for tool in (await client.request("ckit/tool/list", params))["tools"]}


def tool(name: str = "weather", tool_class: str = "read", **schema: Any) -> Json:
    given = {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"], **schema}
    return {"name": name, "description": "Tells the weather.", "inputSchema": given, "class": tool_class}


async def session_of(client: Client, *tools: Json) -> str:
    return (await client.request("ckit/session/create", {"tools": list(tools)}))["session"]["id"]


async def test_R03_every_tool_says_what_it_does_takes_and_lacks(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, _):
        tools = await listed(client)
        assert {
            "pipeline.validate", "pipeline.build-graph", "pipeline.impact", "pipeline.generate", "pipeline.script",
            "context.read", "context.search", "entity.details", "entity.similar", "entity.edit",
            "rag.search", "rag.getEntity", "rag.findSimilar",
        } <= tools.keys()  # fmt: skip
        for each in tools.values():
            jsonschema.Draft202012Validator.check_schema(each["inputSchema"])
            assert each["inputSchema"]["additionalProperties"] is False
            assert len(each["description"]) > 40
            assert (each["status"] == "available") is ("reason" not in each)
        assert {name: each["class"] for name, each in tools.items() if each["class"] != "read"} | {
            "pipeline.generate": "write", "pipeline.script": "exec", "entity.edit": "write",
        } == {name: each["class"] for name, each in tools.items() if each["class"] != "read"}  # fmt: skip
        assert tools["pipeline.script"]["status"] == "disabled"
        assert "trusted" in tools["pipeline.script"]["reason"]
        assert tools["entity.similar"]["status"] == "available"


@pytest.mark.parametrize(
    ("name", "arguments", "key"),
    [
        ("pipeline.validate", {}, "findings"),
        ("pipeline.validate", {"ids": ["FEAT-001"], "minSeverity": "error", "limit": 1}, "counts"),
        ("pipeline.build-graph", {"ids": ["FEAT-001"], "depth": 2, "limit": 3}, "edges"),
        ("pipeline.impact", {"ids": ["FEAT-001"]}, "stale"),
        ("pipeline.impact", {"between": "workingTree"}, "changed"),
        ("context.read", {"path": "package.json"}, "sha256"),
        ("context.read", {"id": "FEAT-001", "startLine": 2, "maxLines": 3}, "text"),
        ("context.search", {"query": "loan", "types": ["feature"], "limit": 1}, "hits"),
        ("entity.details", {"id": "FEAT-001"}, "relations"),
        ("entity.similar", {"id": "FEAT-001"}, "entities"),
        ("entity.similar", {"text": "renew a loan by phone", "types": ["userstory"]}, "entities"),
        ("rag.search", {"query": "renew a loan by phone", "types": ["userstory"], "limit": 3}, "hits"),
        ("rag.search", {"query": "loan", "kinds": ["markdown"], "paths": ["docs/**"]}, "hits"),
        ("rag.getEntity", {"id": "FEAT-001"}, "relations"),
        ("rag.findSimilar", {"id": "FEAT-001"}, "entities"),
    ],
)
async def test_R03_reading_tools_answer_at_once_with_json_and_a_fenced_text(
    tmp_path: Path, name: str, arguments: Json, key: str
) -> None:
    async with opened(tmp_path) as (client, root):
        before = contents(root)
        done = await run(client, name, arguments)
        assert done["status"] == "ok", done["text"]
        assert key in done["output"]
        assert done["text"].startswith("<data-")
        assert f'source="{name}"' in done["text"]
        assert contents(root) == before


async def test_a_tool_says_how_to_get_the_rest(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, root):
        path = a_file(root, "FEAT-001").relative_to(root).as_posix()
        lines = (root / path).read_text("utf-8").splitlines(keepends=True)
        first = await run(client, "context.read", {"path": path, "maxLines": 3})
        assert first["truncated"] is True
        assert "startLine 4" in first["text"].rpartition("</data-")[2]
        rest = await run(client, "context.read", {"path": path, "startLine": 4, "maxLines": 5000})
        assert first["output"]["text"] + rest["output"]["text"] == "".join(lines)
        assert rest["truncated"] is False
        (root / "long.md").write_text("word " * 20_000, "utf-8")
        long = await run(client, "context.read", {"path": "long.md"})
        assert long["truncated"] is True
        assert len(long["text"]) < 25_000


async def test_similar_entities_have_real_scores_and_say_how_they_were_compared(tmp_path: Path) -> None:
    async with opened(tmp_path, config={"features": {"rag": False}}) as (client, root):
        twin = a_file(root, "T-001").read_text("utf-8").replace("id: T-001", "id: T-901")
        (root / "contexts" / "tasks" / "T-901.yaml").write_text(twin, "utf-8")
        client.notify("ckit/repo/didChange", {})
        output = (await run(client, "entity.similar", {"id": "T-001"}))["output"]
        scores = {each["id"]: each["score"] for each in output["entities"]}
        assert "rare" in output["method"]
        assert "T-001" not in scores
        assert scores["T-901"] == max(scores.values()) > 0.9
        assert len(set(scores.values())) > 5
        assert output["entities"][0]["why"]
        nothing = await run(client, "entity.similar", {"text": "zyzzyva qwxyz"})
        assert nothing["output"]["entities"] == []


@pytest.mark.parametrize(
    ("name", "arguments", "code", "named"),
    [
        ("no.such.tool", {}, "not_found", "no.such.tool"),
        ("rag.search", {}, "invalid_argument", "query"),
        ("rag.search", {"query": ""}, "invalid_argument", "query"),
        ("rag.search", {"query": " "}, "invalid_argument", "query"),
        ("rag.search", {"query": "x" * 100_000}, "invalid_argument", "query"),
        ("rag.search", {"query": "x", "limit": 0}, "invalid_argument", "limit"),
        ("rag.search", {"query": "x", "limit": 10**9}, "invalid_argument", "limit"),
        ("rag.search", {"query": "x", "types": ["epic"]}, "invalid_argument", "epic"),
        ("rag.search", {"query": "x", "relatedTo": "FEAT-999"}, "not_found", "FEAT-999"),
        ("rag.search", {"query": {"$ne": ""}}, "invalid_argument", "query"),
        ("rag.getEntity", {"id": '{"$ne": null}'}, "not_found", "$ne"),
        ("rag.findSimilar", {"text": "x", "types": ["epic"]}, "invalid_argument", "epic"),
        ("entity.details", {}, "invalid_argument", "id"),
        ("entity.details", {"id": 7}, "invalid_argument", "id"),
        ("entity.details", {"id": ""}, "invalid_argument", "id"),
        ("entity.details", {"id": "x" * 1_000_000}, "invalid_argument", "id"),
        ("entity.details", {"id": "FEAT-001", "extra": 1}, "invalid_argument", "extra"),
        ("entity.details", {"id": "FEAT-999"}, "not_found", "FEAT-999"),
        ("context.read", {}, "invalid_argument", "path"),
        ("context.read", {"path": "a", "id": "b"}, "invalid_argument", "path"),
        ("context.read", {"path": "../outside"}, "path_not_allowed", "climbs"),
        ("context.read", {"path": "/etc/passwd"}, "path_not_allowed", "relative"),
        ("context.read", {"path": ".git/config"}, "path_not_allowed", "Git"),
        ("context.read", {"path": "no/such.md"}, "not_found", "such"),
        ("context.search", {"query": ""}, "invalid_argument", "query"),
        ("context.search", {"query": "x", "limit": 0}, "invalid_argument", "limit"),
        ("pipeline.impact", {}, "invalid_argument", "ids"),
        ("pipeline.impact", {"ids": ["FEAT-001"] * 101}, "invalid_argument", "ids"),
        ("pipeline.validate", {"minSeverity": "fatal"}, "invalid_argument", "minSeverity"),
        ("pipeline.build-graph", {"ids": ["FEAT-999"]}, "not_found", "FEAT-999"),
        ("pipeline.generate", {"ids": ["FEAT-999"]}, "not_found", "FEAT-999"),
        ("pipeline.script", {"name": "validate"}, "not_trusted", "trusted"),
        ("entity.edit", {"action": "explode"}, "invalid_argument", "action"),
        ("entity.edit", {"action": "update", "id": "T-001"}, "invalid_argument", "changes"),
        ("entity.edit", {"action": "delete", "id": "T-001", "newId": "T-2"}, "invalid_argument", "newId"),
        ("entity.edit", {"action": "rename", "id": "T-001", "newId": "../x"}, "invalid_argument", "usable id"),
        ("entity.edit", {**UPDATE, "id": "T-999"}, "not_found", "T-999"),
        ("entity.edit", {"action": "create", "type": "task", "data": {"status": "no"}}, "invalid_argument", "status"),
        ("entity.edit", {"action": "delete", "id": "FEAT-001"}, "conflict", "T-001"),
        ("spec.generate", {}, "invalid_argument", "requirement"),
        ("spec.generate", {"entities": ["FEAT-999"]}, "not_found", "FEAT-999"),
        ("spec.generate", {"requirement": "x", "template": "no-such"}, "not_found", "no-such"),
    ],
)
async def test_R10_bad_arguments_are_an_outcome_that_names_the_fault_and_nothing_is_done(
    tmp_path: Path, name: str, arguments: Json, code: str, named: str
) -> None:
    async with opened(tmp_path, answers=[ASK]) as (client, root):
        before = contents(root)
        done = await run(client, name, arguments)
        assert (done["status"], done["errorCode"]) == ("error", code)
        assert done["output"]["code"] == code
        assert named in done["text"]
        assert len(done["text"]) < 30_000
        assert str(tmp_path) not in json.dumps(done)
        assert contents(root) == before
        assert (await client.request("ckit/approval/list", {"state": None}))["approvals"] == []


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "invalid_params"),
        ({"name": ""}, "invalid_params"),
        ({"name": "x" * 65}, "invalid_params"),
        ({"name": "context.search", "arguments": []}, "invalid_params"),
        ({"name": "context.search", "arguments": {}, "confirm": True}, "invalid_params"),
        ({"name": "context.search", "sessionId": "no-such-session"}, "not_found"),
        ({"name": "context.search", "repository": "no-such-repository"}, "not_found"),
    ],
)
async def test_R10_bad_parameters_of_a_run_are_errors(tmp_path: Path, params: Json, code: str) -> None:
    async with opened(tmp_path) as (client, _):
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/tool/run", params)
        assert caught.value.code == code


async def test_R37_a_tool_whose_feature_is_off_says_so_and_does_not_run(tmp_path: Path) -> None:
    async with opened(tmp_path, config={"features": {"edits": False, "impact": False}}) as (client, _):
        tools = await listed(client)
        for name, arguments in (("entity.edit", UPDATE), ("pipeline.impact", {"ids": ["FEAT-001"]})):
            assert tools[name]["status"] == "disabled"
            done = await run(client, name, arguments)
            assert (done["status"], done["errorCode"]) == ("error", "capability_disabled")
            assert tools[name]["reason"] in done["text"]
        assert tools["pipeline.validate"]["status"] == "available"


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


async def test_R03_a_tool_of_the_client_is_listed_checked_and_called(tmp_path: Path) -> None:
    async with opened(tmp_path, answers=[CALL]) as (client, _):
        calls: list[Json] = []

        def call(params: Json) -> Json:
            calls.append(params)
            return {"text": "It rains.", "output": {"mm": 3}}

        client.answer(CALL, call)
        session = await session_of(client, tool())
        tools = await listed(client, sessionId=session)
        assert (tools["weather"]["source"], tools["weather"]["status"]) == ("client", "available")
        assert "weather" not in await listed(client)
        done = await run(client, "weather", {"town": "Bergen"}, sessionId=session)
        assert (done["status"], done["output"]) == ("ok", {"mm": 3})
        assert "It rains." in done["text"]
        assert done["text"].startswith("<data-")
        expected = {"sessionId": session, "callId": done["callId"], "name": "weather", "arguments": {"town": "Bergen"}}
        assert calls == [expected]
        for wrong in ({}, {"town": 1}):
            refused = await run(client, "weather", wrong, sessionId=session)
            assert refused["errorCode"] == "invalid_argument"
            assert "town" in refused["text"]
        assert len(calls) == 1


@pytest.mark.parametrize("answer", [{"text": "no such town", "isError": True}, {"nonsense": 1}])
async def test_a_tool_of_the_client_that_fails_is_an_outcome(tmp_path: Path, answer: Json) -> None:
    async with opened(tmp_path, answers=[CALL]) as (client, _):
        session = await session_of(client, tool())
        client.answer(CALL, lambda _: answer)
        done = await run(client, "weather", {"town": "Oslo"}, sessionId=session)
        assert (done["status"], done["errorCode"]) == ("error", "client_failed")


async def test_a_tool_of_the_client_that_is_silent_is_an_outcome(tmp_path: Path) -> None:
    options: Json = {"answers": [CALL], "config": {"assistant": {"clientTimeoutSeconds": 0.1}}}
    async with opened(tmp_path, **options) as (client, _):
        session = await session_of(client, tool())

        async def silent(_: Json) -> Json:
            await asyncio.Event().wait()
            return {}

        client.answer(CALL, silent)
        done = await run(client, "weather", {"town": "Oslo"}, sessionId=session)
        assert (done["status"], done["errorCode"]) == ("error", "deadline_exceeded")


async def test_a_tool_of_a_client_that_answers_no_calls_is_degraded(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, _):
        session = await session_of(client, tool())
        assert (await listed(client, sessionId=session))["weather"]["status"] == "degraded"
        done = await run(client, "weather", {"town": "Oslo"}, sessionId=session)
        assert (done["status"], done["errorCode"]) == ("error", "degraded")


async def test_R38_a_writing_tool_of_the_client_asks_for_approval(tmp_path: Path) -> None:
    async with opened(tmp_path, answers=[CALL, ASK]) as (client, _):
        session = await session_of(client, tool("deploy", "exec"))
        calls: list[Json] = []
        client.answer(CALL, lambda params: calls.append(params) or {"text": "done"})
        client.answer(ASK, lambda _: {"decision": "deny"})
        assert (await run(client, "deploy", {"town": "Oslo"}, sessionId=session))["status"] == "denied"
        assert calls == []
        client.answer(ASK, lambda _: {"decision": "allowOnce", "arguments": {"town": "Bergen"}})
        assert (await run(client, "deploy", {"town": "Oslo"}, sessionId=session))["status"] == "ok"
        assert [call["arguments"] for call in calls] == [{"town": "Bergen"}]


async def test_R11_a_tool_has_a_deadline(tmp_path: Path) -> None:
    # Long enough for a busy machine to call the tool before it has passed.
    options: Json = {"answers": [CALL], "config": {"assistant": {"toolTimeoutSeconds": 3.0}}}
    async with opened(tmp_path, **options) as (client, _):
        session = await session_of(client, tool())
        withdrawn = asyncio.Event()

        async def silent(_: Json) -> Json:
            try:
                await asyncio.Event().wait()
            finally:
                withdrawn.set()
            return {}

        client.answer(CALL, silent)
        done = await run(client, "weather", {"town": "Oslo"}, sessionId=session)
        assert (done["status"], done["errorCode"]) == ("error", "deadline_exceeded")
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await withdrawn.wait()


async def test_R14_tool_runs_are_counted(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, _):
        await run(client, "context.search", {"query": "loan"})
        await run(client, "context.search", {"query": ""})
        await run(client, "made-up-name")
        metrics = await client.request("ckit/metrics")
        counted = {(each["tool"], each["status"]): each["count"] for each in metrics["tools"]}
        assert counted == {("context.search", "ok"): 1, ("context.search", "error"): 1, ("client", "error"): 1}


async def test_R08_keys_in_files_do_not_reach_the_result(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, root):
        key = "sk-proj-abcdefghijklmnop1234"
        (root / "notes.md").write_text(f"The key is {key}.\npassword: swordfish99\n", "utf-8")
        done = await run(client, "context.read", {"path": "notes.md"})
        assert done["status"] == "ok"
        assert key not in json.dumps(done)
        assert "swordfish99" not in json.dumps(done)
