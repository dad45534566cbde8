"""Names of what is not there, or not there any more, in every method of the assistant that takes one."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from ckit_daemon.wire.methods import BY_NAME, METHODS
from tests.rpc.test_edit_methods import contents
from tests.support.client import TIMEOUT_SECONDS, RpcError
from tests.support.model_server import Reply, ToolCallReply
from tests.support.repositories import copy_example
from tests.support.talk import ASK, talking_apart

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Client, Json
    from tests.support.talk import Talk

pytestmark = pytest.mark.asyncio

OURS = {m.name: m for m in METHODS if m.feature in {"assistant", "generation"} and m.direction == "clientToServer"}
NOBODY = "nobody"
ODD = (
    "\x00",
    "a\x00b",
    "\x1b[31m\r\n",
    "\x7f\x80\x9f",
    "\u2028\u202e",
    "../../outside",
    "'; DROP TABLE sessions; --",
    "n" * 100_000,
)
NAMING = {
    *("id", "sessionId", "turnId", "upToTurn", "resume", "provider", "model", "name", "template", "target"),
    *("spec", "entity", "entities", "feature", "type", "generationId", "repository", "paths", "folder"),
}
"""Fields that name something; `id` of what is to be made, `folder` and the like only where the table has them."""
FREE = {
    ("ckit/session/list", "repository"),
    ("ckit/spec/generate", "id"),
    ("ckit/entity/generate", "id"),
    ("ckit/code/generate", "folder"),
    ("ckit/specLog/list", "entity"),
    ("ckit/provider/test", "model"),
    ("ckit/session/create", "model"),
}
"""Those whose name may be new, or whose answer is told elsewhere."""

SPEAK: Json = {"sessionId": "SESSION", "text": "Go."}
UNKNOWN: list[tuple[str, str, Json, str]] = [
    ("ckit/session/get", "id", {}, "not_found"),
    ("ckit/session/rename", "id", {"title": "x"}, "not_found"),
    ("ckit/session/fork", "id", {}, "not_found"),
    ("ckit/session/fork", "upToTurn", {"id": "SESSION"}, "not_found"),
    ("ckit/session/archive", "id", {}, "not_found"),
    ("ckit/session/delete", "id", {}, "not_found"),
    ("ckit/session/export", "id", {}, "not_found"),
    ("ckit/session/compact", "id", {}, "not_found"),
    ("ckit/turn/start", "sessionId", {"text": "Go."}, "not_found"),
    ("ckit/turn/start", "model", SPEAK, "not_found"),
    ("ckit/turn/start", "resume", {"sessionId": "SESSION"}, "not_found"),
    ("ckit/turn/cancel", "sessionId", {}, "not_found"),
    ("ckit/turn/cancel", "turnId", {"sessionId": "SESSION"}, "not_found"),
    ("ckit/turn/steer", "sessionId", {"text": "Go."}, "not_found"),
    ("ckit/tool/list", "sessionId", {}, "not_found"),
    ("ckit/tool/run", "sessionId", {"name": "entity.details", "arguments": {"id": "FEAT-001"}}, "not_found"),
    ("ckit/approval/list", "sessionId", {}, "not_found"),
    ("ckit/approval/resolve", "id", {"decision": "allowOnce"}, "not_found"),
    ("ckit/provider/models", "provider", {}, "not_found"),
    ("ckit/provider/test", "provider", {}, "not_found"),
    ("ckit/spec/generate", "entities", {}, "not_found"),
    ("ckit/spec/generate", "template", {"requirement": "X"}, "not_found"),
    ("ckit/spec/generate", "model", {"requirement": "X"}, "not_found"),
    ("ckit/spec/promptify", "id", {}, "not_found"),
    ("ckit/spec/promptify", "target", {"id": "SPEC-001"}, "not_found"),
    ("ckit/spec/promptify", "model", {"id": "SPEC-001"}, "not_found"),
    ("ckit/specLog/get", "id", {}, "not_found"),
    ("ckit/code/generate", "spec", {}, "not_found"),
    ("ckit/code/generate", "model", {"spec": "SPEC-001"}, "not_found"),
    ("ckit/code/apply", "generationId", {}, "not_found"),
    ("ckit/code/apply", "sessionId", {"generationId": "GENERATION"}, "not_found"),
    ("ckit/code/apply", "paths", {"generationId": "GENERATION"}, "invalid_argument"),
    ("ckit/code/undo", "generationId", {}, "not_found"),
    ("ckit/entity/generate", "type", {"request": "X"}, "not_found"),
    ("ckit/entity/generate", "feature", {"type": "task", "request": "X"}, "not_found"),
    ("ckit/entity/generate", "model", {"type": "task", "request": "X"}, "not_found"),
    ("ckit/generation/explain", "id", {}, "not_found"),
    ("ckit/generation/explain", "entity", {}, "not_found"),
]
"""Method, the field with the unknown name, what else it needs, and the error."""


def named(field: str, name: str) -> Any:
    """A value for a field that names something."""
    if field == "model" and name == NOBODY:
        return f"{name}/large"
    return [name] if field in {"entities", "paths"} else name


async def refusal(client: Client, method: str, params: Json) -> RpcError:
    """The error of a request."""
    try:
        answer = await client.request(method, params)
    except RpcError as error:
        assert 0 < len(error.message) < 2000
        return error
    raise AssertionError((method, params, answer))


async def test_the_table_has_every_field_that_names_something() -> None:
    tabled = {(method, field) for method, field, _, _ in UNKNOWN}
    fields = {
        (name, info.alias or field)
        for name, method in OURS.items()
        for field, info in method.params.model_fields.items()
        if (info.alias or field) in NAMING - {"repository"}
    }
    assert fields - FREE - {("ckit/tool/run", "name")} == tabled
    assert all(method in BY_NAME for method, _ in tabled)


async def test_R10_what_is_not_there_is_refused_by_name_in_every_method_whatever_the_name(tmp_path: Path) -> None:
    async with talking_apart(tmp_path) as talk:
        made = await talk.client.request("ckit/code/generate", {"spec": "SPEC-001", "model": "offline/offline"})
        ids = {"SESSION": talk.session, "GENERATION": made["generationId"]}
        before = contents(talk.root)
        for method, field, others, code in UNKNOWN:
            params = {key: ids.get(value, value) if isinstance(value, str) else value for key, value in others.items()}
            error = await refusal(talk.client, method, params | {field: named(field, NOBODY)})
            assert error.code == code, (method, field, error)
            assert error.data["retryable"] is False
            assert NOBODY in json.dumps(error.error), (method, field)
            for odd in ODD:
                error = await refusal(talk.client, method, params | {field: named(field, odd)})
                assert error.code in {code, "invalid_params", "invalid_argument", "path_not_allowed"}, (
                    method,
                    field,
                    odd,
                )
        for name in OURS:
            if "repository" in BY_NAME[name].params.model_fields:
                others = next((dict(o) for m, _, o, _ in UNKNOWN if m == name and o), {})
                found = await refusal(talk.client, name, others | EVERYTHING.get(name, {}) | {"repository": NOBODY})
                assert found.code == "not_found", name
        run = {"name": NOBODY, "arguments": {}}
        assert (await talk.client.request("ckit/tool/run", run))["errorCode"] == "not_found"
        assert (await talk.client.request("ckit/session/list"))["total"] == 1
        assert (await talk.stored())["items"] == []
        assert contents(talk.root) == before
        assert talk.server.calls == []


EVERYTHING: dict[str, Json] = {
    "ckit/specLog/get": {"id": "x"},
    "ckit/spec/generate": {"requirement": "X"},
    "ckit/spec/promptify": {"id": "SPEC-001"},
    "ckit/code/generate": {"spec": "SPEC-001"},
    "ckit/code/apply": {"generationId": "x"},
    "ckit/code/undo": {"generationId": "x"},
    "ckit/entity/generate": {"type": "task", "request": "X"},
    "ckit/generation/explain": {"id": "x"},
    "ckit/tool/run": {"name": "entity.details"},
}
"""What the methods about a repository need."""


async def test_R10_half_of_a_surrogate_pair_gets_its_answer_like_any_other_name(tmp_path: Path) -> None:
    async with talking_apart(tmp_path) as talk:
        for number, (method, field, others, _) in enumerate(UNKNOWN):
            params = {key: talk.session if value == "SESSION" else value for key, value in others.items()}
            params[field] = named(field, "\ud83c/\udf89")
            answer = talk.client.expect(f"half-{number}")
            request = {"jsonrpc": "2.0", "id": f"half-{number}", "method": method, "params": params}
            body = json.dumps(request, ensure_ascii=True).encode()
            talk.client.send_bytes(b"Content-Length: %d\r\n\r\n" % len(body) + body)
            async with asyncio.timeout(TIMEOUT_SECONDS):
                error = (await answer)["error"]
            assert error["data"]["code"] not in {"internal_error", "parse_error"}, (method, field)
        body = json.dumps({"jsonrpc": "2.0", "id": "said", "method": "ckit/turn/start", "params": None})
        said = {"sessionId": talk.session, "text": "Half \ud83c of it."}
        body = json.dumps(json.loads(body) | {"params": said}).encode()
        answer = talk.client.expect("said")
        talk.client.send_bytes(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert (await answer)["result"]["turn"]["stopReason"] == "endTurn"
        assert [item["text"] for item in await talk.items("userMessage")] == ["Half \ufffd of it."]


async def test_a_session_stays_with_its_repository(tmp_path: Path) -> None:
    async with talking_apart(tmp_path, answers=[ASK]) as talk:
        asked: list[Json] = []
        talk.client.answer(ASK, lambda params: asked.append(params) or {"decision": "allowForSession"})
        other = str(copy_example(tmp_path / "other"))
        await talk.client.request("ckit/repo/open", {"path": other})
        spec = {"spec": "SPEC-001", "model": "offline/offline"}
        code = await talk.client.request("ckit/code/generate", spec | {"repository": other})
        before = contents(tmp_path / "other"), contents(talk.root)
        for method, params in (
            ("ckit/tool/run", {"name": "entity.edit", "arguments": EDIT}),
            ("ckit/tool/run", {"name": "entity.details", "arguments": {"id": "FEAT-001"}}),
            ("ckit/code/apply", {"generationId": code["generationId"]}),
        ):
            error = await refusal(talk.client, method, {**params, "repository": other, "sessionId": talk.session})
            assert error.code == "invalid_argument", method
            assert "another repository" in error.message
        for method in ("ckit/code/apply", "ckit/code/undo"):
            foreign = {"generationId": code["generationId"], "repository": str(talk.root)}
            assert (await refusal(talk.client, method, foreign)).code == "not_found"
        foreign = {"id": code["generationId"], "repository": str(talk.root)}
        assert (await refusal(talk.client, "ckit/generation/explain", foreign)).code == "not_found"
        assert asked == []
        assert (contents(tmp_path / "other"), contents(talk.root)) == before
        # With both open a turn needs no name, because its session has one.
        assert (await talk.turn())["stopReason"] == "endTurn"
        await talk.client.request("ckit/repo/close", {"repository": str(talk.root)})
        error = await talk.refused()
        assert error.code == "not_found"
        assert error.data["details"]["kind"] == "repository"


async def test_a_session_that_is_put_away_can_be_read_and_nothing_is_added_to_it(tmp_path: Path) -> None:
    async with talking_apart(tmp_path, Reply(text="First.")) as talk:
        turn = await talk.turn()
        await talk.client.request("ckit/session/archive", {"id": talk.session})
        before = await talk.stored()
        for method, params in (
            ("ckit/turn/start", {"text": "More."}),
            ("ckit/turn/start", {"resume": turn["id"]}),
            ("ckit/turn/steer", {"text": "More."}),
            ("ckit/turn/cancel", {}),
        ):
            error = await refusal(talk.client, method, {"sessionId": talk.session, **params})
            assert error.code == "conflict", method
        error = await refusal(talk.client, "ckit/session/compact", {"id": talk.session})
        assert error.code == "conflict"
        assert "ckit/session/archive" in error.message
        assert await talk.stored() == before
        assert "First." in (await talk.client.request("ckit/session/export", {"id": talk.session}))["content"]
        copy = (await talk.client.request("ckit/session/fork", {"id": talk.session}))["session"]
        assert copy.get("archived", False) is False
        await talk.client.request("ckit/session/archive", {"id": talk.session, "archived": False})
        assert (await talk.turn("More."))["stopReason"] == "endTurn"


async def test_a_session_is_not_deleted_under_a_turn_and_afterwards_every_method_says_that_it_is_gone(
    tmp_path: Path,
) -> None:
    async with talking_apart(tmp_path, Reply(text="Slow words.", stall_after=1)) as talk:
        running = talk.start()
        await talk.said("Slow")
        error = await refusal(talk.client, "ckit/session/delete", {"id": talk.session})
        assert (error.code, error.data["details"]["turnId"]) == ("conflict", talk.events[0]["turnId"])
        talk.server.release()
        turn = (await running)["turn"]
        assert turn["stopReason"] == "endTurn"
        await talk.client.request("ckit/session/delete", {"id": talk.session})
        for method, field, others, code in UNKNOWN:
            if field == "sessionId" or (field == "id" and method.startswith("ckit/session/")):
                params = {key: value for key, value in others.items() if value != "GENERATION"}
                if params == others:
                    assert (await refusal(talk.client, method, params | {field: talk.session})).code == code, method
        for method, params in (("turn/cancel", {"turnId": turn["id"]}), ("turn/start", {"resume": turn["id"]})):
            error = await refusal(talk.client, f"ckit/{method}", {"sessionId": talk.session, **params})
            assert error.code == "not_found"


async def test_a_session_that_is_deleted_takes_its_questions_along_and_nothing_is_done(tmp_path: Path) -> None:
    async with talking_apart(tmp_path) as talk:
        before = contents(talk.root)
        run = {"name": "entity.edit", "arguments": EDIT, "sessionId": talk.session}
        waiting = talk.client.start("ckit/tool/run", run)
        approval = await pending(talk)
        await talk.client.request("ckit/session/delete", {"id": talk.session})
        done = await waiting
        assert (done["status"], done["errorCode"]) == ("error", "not_found")
        error = await refusal(talk.client, "ckit/approval/resolve", {"id": approval["id"], "decision": "allowOnce"})
        assert error.code == "not_found"
        assert contents(talk.root) == before


EDIT: Json = {"action": "update", "id": "T-001", "changes": [{"path": ["title"], "value": "Anew"}]}


async def pending(talk: Talk) -> Json:
    """The approval that waits for an answer."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not (found := (await talk.client.request("ckit/approval/list"))["approvals"]):
            pass
    return found[0]


async def test_a_repository_that_closes_under_a_turn_is_neither_read_nor_changed_by_it_any_more(tmp_path: Path) -> None:
    looks = Reply(text="Let me look.", tool_calls=[ToolCallReply("entity_details", {"id": "FEAT-001"})], stall_after=1)
    edits = Reply(tool_calls=[ToolCallReply("entity_edit", EDIT)])
    async with talking_apart(tmp_path, looks, Reply(text="It is closed."), edits, Reply(text="Again.")) as talk:
        before = contents(talk.root)
        running = talk.start()
        await talk.said("Let")
        await talk.client.request("ckit/repo/close")
        talk.server.release()
        turn = (await running)["turn"]
        assert turn["stopReason"] == "endTurn"
        [call] = await talk.items("toolCall")
        assert call["result"] == "error"
        assert "closed" in call["text"]
        assert "ckit/repo/open" in json.dumps(talk.heard())
        # An approval that comes after the repository was closed changes nothing either.
        await talk.client.request("ckit/repo/open", {"path": str(talk.root)})
        running = talk.start("Edit it.")
        approval = await pending(talk)
        await talk.client.request("ckit/repo/close")
        await talk.client.request("ckit/repo/open", {"path": str(talk.root)})
        await talk.client.request("ckit/approval/resolve", {"id": approval["id"], "decision": "allowOnce"})
        turn = (await running)["turn"]
        assert turn["stopReason"] == "endTurn"
        assert [call["result"] for call in await talk.items("toolCall")] == ["error", "error"]
        assert contents(talk.root) == before
        assert (await talk.turn("And now?"))["stopReason"] == "endTurn"


async def test_a_repository_that_closes_under_a_generation_gets_no_files(tmp_path: Path) -> None:
    async with talking_apart(tmp_path, Reply(text="# Pause\n\nText.", stall_after=1)) as talk:
        before = contents(talk.root)
        making = talk.client.start("ckit/spec/generate", {"requirement": "X", "apply": True})
        await talk.server.wait_stalled()
        await talk.client.request("ckit/repo/close")
        talk.server.release()
        with pytest.raises(RpcError) as caught:
            await making
        assert caught.value.code in {"conflict", "not_found"}
        assert contents(talk.root) == before
