"""Entities made up by a model, and where generated things come from, through the wire."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.rpc.test_edit_methods import contents
from tests.rpc.test_repository_methods import a_file, opened
from tests.support.client import RpcError
from tests.support.daemon import daemon
from tests.support.model_server import Reply, model_server, openai_options

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.support.client import Client, Json
    from tests.support.model_server import ModelServer

pytestmark = pytest.mark.asyncio

TASK = {"title": "Build it", "status": "todo", "owner": "@mei", "doneCriteria": ["Unit tests pass"]}


@asynccontextmanager
async def scripted(tmp_path: Path, **more: Any) -> AsyncGenerator[tuple[Client, Path, ModelServer]]:
    """A daemon with the example open and a scripted model behind it."""
    with model_server("openai") as server:
        async with opened(tmp_path, config=openai_options(server, **more)) as (client, root):
            yield client, root, server


def says(value: Any) -> Reply:
    return Reply(text=value if isinstance(value, str) else json.dumps(value))


async def test_an_entity_is_mended_with_the_validators_messages_until_it_fits(tmp_path: Path) -> None:
    async with scripted(tmp_path) as (client, root, server):
        server.enqueue(
            says("I would call it a task."),
            says({**TASK, "status": "banana"}),
            says(f"Sure:\n```json\n{json.dumps({**TASK, 'related': {'spec': 'SPEC-999'}})}\n```"),
            says({**TASK, "related": {"feature": "FEAT-005", "spec": "SPEC-002"}}),
        )
        params = {"type": "task", "request": "Build the renewal endpoint.", "feature": "FEAT-001", "apply": True}
        made = await client.request("ckit/entity/generate", params)
        assert (made["id"], made["repairs"], made["applied"]) == ("T-013", 3, True)
        assert made["data"]["related"] == {"feature": "FEAT-001", "spec": "SPEC-002"}
        said = [json.dumps(call.body) for call in server.calls]
        assert "There is no JSON in the answer" in said[1]
        assert "banana" in said[2]
        assert "SPEC-999, which does not exist" in said[3]
        assert made["answered"]["usage"]["inputTokens"] == 4 * 11
        feature = await client.request("ckit/entity/get", {"id": "FEAT-001"})
        assert "T-013" in feature["data"]["tasks"]
        report = await client.request("ckit/repo/validate")
        assert [each for each in report["findings"] if each["severity"] == "error"] == []
        assert (root / made["path"]).is_file()


@pytest.mark.parametrize("repairs", [0, 2])
async def test_after_so_many_repairs_it_fails_and_lists_the_problems(tmp_path: Path, repairs: int) -> None:
    async with scripted(tmp_path) as (client, root, server):
        before = contents(root)
        server.respond = lambda _: says({"title": "X", "status": "banana"})
        params = {"type": "task", "request": "Build it.", "maxRepairs": repairs, "apply": True}
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/entity/generate", params)
        assert caught.value.code == "generation_failed"
        assert "banana" in json.dumps(caught.value.data["details"]["problems"])
        assert len(server.calls) == repairs + 1
        assert contents(root) == before
        explained = await client.request(
            "ckit/generation/explain", {"id": caught.value.data["details"]["generationId"]}
        )
        generation = explained["generation"]
        assert (generation["outcome"], generation["repairs"]) == ("failed", repairs)
        assert generation["usage"]["inputTokens"] == 11 * (repairs + 1)
        assert generation["failure"]["code"] == "generation_failed"


async def test_offline_entities_of_every_type_fit_their_schemas(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, _):
        for entity_type in ("feature", "userstory", "spec", "task", "service", "package"):
            params = {"type": entity_type, "request": "Lend out e-readers. They come back charged."}
            needs_feature = entity_type in {"userstory", "spec", "task"}
            made = await client.request(
                "ckit/entity/generate", {**params, **({"feature": "FEAT-001"} if needs_feature else {}), "apply": True}
            )
            assert made["repairs"] == 0
            assert made["answered"]["provider"] == "offline"
            assert (await client.request("ckit/entity/get", {"id": made["id"]}))["data"] == made["data"]
        report = await client.request("ckit/repo/validate")
        # What the constitution wants besides is told as warnings.
        found = [each["message"] for each in report["findings"] if not each["code"].startswith("constitution.")]
        assert found == []


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("ckit/spec/generate", {"entities": ["US-001"], "id": "SPEC-900", "context": False, "maxOutputTokens": 900}),
        ("ckit/entity/generate", {"type": "task", "id": "T-900", "feature": "FEAT-001", "maxRepairs": 1}),
        ("ckit/spec/promptify", {"target": "review", "maxTokens": 5000}),
        ("ckit/code/generate", {"language": "python", "folder": "src", "maxTokens": 4000, "temperature": 0.0}),
    ],
)
async def test_everything_that_was_asked_for_is_remembered(tmp_path: Path, method: str, params: Json) -> None:
    named: Json = {
        "ckit/entity/generate": {"request": "Count the loans."},
        "ckit/spec/promptify": {"id": "SPEC-001"},
        "ckit/code/generate": {"spec": "SPEC-001"},
    }.get(method, {})
    async with opened(tmp_path) as (client, _):
        made = await client.request(method, params | named)
        explained = await client.request("ckit/generation/explain", {"id": made["generationId"]})
        assert params.items() <= explained["generation"]["parameters"].items()


async def test_where_something_came_from_and_what_became_of_it_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, root):
        params = {"entities": ["US-001"], "template": "spec-from-feature", "apply": True, "temperature": 0.5}
        made = await client.request("ckit/spec/generate", params, request_id="asked-for-it")
        explained = await client.request("ckit/generation/explain", {"entity": made["id"]})
        generation = explained["generation"]
        assert explained["fresh"] is True
        assert generation["id"] == made["generationId"]
        assert (generation["kind"], generation["requestId"]) == ("spec", "asked-for-it")
        assert generation["parameters"]["temperature"] == 0.5
        assert (generation["provider"], generation["template"]["path"]) == ("offline", ".context-kit/prompts.yml")
        assert {"US-001", "FEAT-001"} <= {each.get("id") for each in generation["inputs"]}
        assert ".context-kit/stack.yml" in {each["path"] for each in generation["inputs"]}
        assert {each["state"] for each in (*generation["inputs"], generation["template"])} == {"fresh"}

        story = a_file(root, "US-001")
        story.write_text(story.read_text("utf-8") + "# later\n", "utf-8")
        (root / ".context-kit/stack.yml").unlink()
        prompts = root / ".context-kit/prompts.yml"
        prompts.write_text(prompts.read_text("utf-8").replace("## Must be true", "## Must hold"), "utf-8")
        client.notify("ckit/repo/didChange", {})
        later = await client.request("ckit/generation/explain", {"id": made["generationId"]})
        states = {each["path"]: each["state"] for each in later["generation"]["inputs"]}
        assert later["fresh"] is False
        assert states[story.relative_to(root).as_posix()] == "changed"
        assert states[".context-kit/stack.yml"] == "gone"
        assert later["generation"]["template"]["state"] == "changed"
        assert set(states.values()) == {"fresh", "changed", "gone"}


async def test_the_newest_generation_of_an_entity_is_told_and_the_oldest_are_forgotten(tmp_path: Path) -> None:
    async with opened(tmp_path, config={"generation": {"maxKept": 2}}) as (client, _):
        made = [await client.request("ckit/spec/generate", {"entities": ["FEAT-001"]}) for _ in range(3)]
        assert {each["id"] for each in made} == {"SPEC-008"}
        explained = await client.request("ckit/generation/explain", {"entity": "SPEC-008"})
        assert explained["generation"]["id"] == made[2]["generationId"]
        await client.request("ckit/generation/explain", {"id": made[1]["generationId"]})
        with pytest.raises(RpcError, match="forgotten"):
            await client.request("ckit/generation/explain", {"id": made[0]["generationId"]})


async def test_what_was_generated_is_known_to_the_next_daemon(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, root):
        made = await client.request("ckit/spec/generate", {"entities": ["FEAT-001"], "apply": True})
        before = contents(root)
    environment = {"CKIT_PATHS_CACHE_DIR": str(tmp_path / "cache"), "CKIT_PATHS_STATE_DIR": str(tmp_path / "state")}
    async with daemon({"protocolVersions": ["1.0"]}, environment=environment) as client:
        await client.request("ckit/repo/open", {"path": str(root)})
        explained = await client.request("ckit/generation/explain", {"entity": made["id"]})
        assert explained["generation"]["id"] == made["generationId"]
        undone = await client.request("ckit/code/undo", {"generationId": made["generationId"]})
        assert set(before) - set(contents(root)) == {made["path"], made["logPath"]}
        assert set(undone["files"]) == set(made["files"])


BAD: list[tuple[str, Json, str]] = [
    ("ckit/entity/generate", {}, "invalid_params"),
    ("ckit/entity/generate", {"type": "task"}, "invalid_params"),
    ("ckit/entity/generate", {"type": "task", "request": ""}, "invalid_params"),
    ("ckit/entity/generate", {"type": "task", "request": " \n"}, "invalid_argument"),
    ("ckit/entity/generate", {"type": "task", "request": "x" * 100_001}, "invalid_params"),
    ("ckit/entity/generate", {"type": "epic", "request": "X"}, "not_found"),
    ("ckit/entity/generate", {"type": "task", "request": "X", "feature": "FEAT-999"}, "not_found"),
    ("ckit/entity/generate", {"type": "task", "request": "X", "feature": "SPEC-001"}, "invalid_argument"),
    ("ckit/entity/generate", {"type": "task", "request": "X", "id": "T-001"}, "already_exists"),
    ("ckit/entity/generate", {"type": "task", "request": "X", "id": "../T-99"}, "invalid_argument"),
    ("ckit/entity/generate", {"type": "task", "request": "X", "maxRepairs": 11}, "invalid_params"),
    ("ckit/entity/generate", {"type": "task", "request": "X", "temperature": 3}, "invalid_params"),
    ("ckit/generation/explain", {}, "invalid_argument"),
    ("ckit/generation/explain", {"id": "gen_x", "entity": "SPEC-001"}, "invalid_argument"),
    ("ckit/generation/explain", {"id": "gen_x"}, "not_found"),
    ("ckit/generation/explain", {"entity": "SPEC-001"}, "not_found"),
    ("ckit/generation/explain", {"id": 7}, "invalid_params"),
]


async def test_bad_input_is_refused_with_a_reason(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, root):
        before = contents(root)
        for method, params, code in BAD:
            with pytest.raises(RpcError) as caught:
                await client.request(method, params)
            assert caught.value.code == code, (method, params, caught.value.message)
        assert contents(root) == before
