"""Tools through the wire: the same list and the same way to run for clients as for models."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from tests.rpc.test_edit_methods import contents
from tests.rpc.test_repository_methods import a_file, opened
from tests.support.client import TIMEOUT_SECONDS, RpcError
from tests.support.talk import ASK, CALL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Client, Json

pytestmark = pytest.mark.asyncio

UPDATE: Json = {"action": "update", "id": "T-001", "changes": [{"path": ["title"], "value": "Anew"}]}


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
