"""Answers to what the daemon asks that come too late, twice, to nothing, or in no form that it asked for."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.rpc.test_edit_methods import contents
from tests.support.client import TIMEOUT_SECONDS, RpcError
from tests.support.model_server import Reply, ToolCallReply
from tests.support.talk import ASK, CALL, client_tool, talking_apart

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Client, Json

pytestmark = pytest.mark.asyncio

SECRET = "ckit/secret/request"
SHORT: Json = {"approvalTimeoutSeconds": 0.5, "clientTimeoutSeconds": 0.5}
EDIT: Json = {"action": "update", "id": "T-001", "changes": [{"path": ["title"], "value": "Anew"}]}
RUN: Json = {"name": "entity.edit", "arguments": EDIT}
ALLOW: Json = {"decision": "allowOnce"}
NOTHING_ASKED: list[Any] = [
    "ckit-999",
    "ckit-0",
    "ckit-",
    "other",
    1,
    -1,
    2**63,
    None,
    True,
    1.5,
    "",
    "c" * 300,
    {},
    [],
]


async def question(client: Client, method: str) -> int | str:
    """The id of the next request of the daemon, which nobody answers by itself."""

    def found() -> Json | None:
        return next((each for each in client.notifications if each["method"] == method and "id" in each), None)

    async with asyncio.timeout(TIMEOUT_SECONDS), client._changed:
        await client._changed.wait_for(found)
        message = found()
        assert message is not None
        client.notifications.remove(message)
        return message["id"]


async def withdrawn(client: Client, identifier: int | str) -> None:
    """Wait until the daemon says that it wants no answer any more."""
    while (await client.notification("$/cancelRequest"))["id"] != identifier:
        pass


def reply(client: Client, identifier: Any, **body: Any) -> None:
    """Send an answer."""
    client.send({"jsonrpc": "2.0", "id": identifier, **body})


async def test_R38_an_approval_that_comes_too_late_allows_nothing(tmp_path: Path) -> None:
    async with talking_apart(tmp_path, config={"assistant": SHORT}, answers=[ASK]) as talk:
        before = contents(talk.root)
        running = talk.client.start("ckit/tool/run", RUN)
        first = await question(talk.client, ASK)
        assert (await running)["status"] == "denied"
        await withdrawn(talk.client, first)
        reply(talk.client, first, result=ALLOW)
        reply(talk.client, first, error={"code": -32800, "message": "cancelled"})
        [approval] = (await talk.client.request("ckit/approval/list", {"state": None}))["approvals"]
        assert approval["state"] == "expired"
        assert "decision" not in approval
        # The late one is not taken for an answer to the next question either.
        running = talk.client.start("ckit/tool/run", RUN)
        second = await question(talk.client, ASK)
        assert second != first
        reply(talk.client, first, result=ALLOW)
        assert (await running)["status"] == "denied"
        assert contents(talk.root) == before


WRONG_ANSWERS: list[Json] = [
    {"result": None},
    {"result": []},
    {"result": "allowOnce"},
    {"result": {}},
    {"result": {"decision": "perhaps"}},
    {"result": {"decision": None}},
    {"result": {"decision": "allowOnce", "extra": 1}},
    {"result": {"decision": "allowOnce", "arguments": []}},
    {"result": {"decision": "allowOnce", "note": "n" * 4001}},
    {"result": {"decision": "allowOnce", "note": 5}},
    {"error": {"code": -32603, "message": "no window"}},
    {"error": None},
    {"error": "no"},
    {"error": {"code": "x"}},
    {"result": ALLOW, "error": {"code": 1, "message": "both"}},
]


async def test_R38_an_answer_of_no_known_form_is_no_yes_and_leaves_the_question_open(tmp_path: Path) -> None:
    async with talking_apart(tmp_path, answers=[ASK]) as talk:
        before = contents(talk.root)
        for body in WRONG_ANSWERS:
            running = talk.client.start("ckit/tool/run", RUN)
            reply(talk.client, await question(talk.client, ASK), **body)
            [approval] = (await talk.client.request("ckit/approval/list"))["approvals"]
            assert approval["state"] == "pending", body
            await talk.client.request("ckit/approval/resolve", {"id": approval["id"], "decision": "deny"})
            assert (await running)["status"] == "denied"
        # Where the form is right and its parts are not, the person is done with it, and it is a no.
        for result in ({"decision": "deny", "arguments": EDIT}, {"decision": "allowOnce", "arguments": {"x": 1}}):
            running = talk.client.start("ckit/tool/run", RUN)
            reply(talk.client, await question(talk.client, ASK), result=result)
            assert (await running)["status"] in {"denied", "error"}
            assert (await talk.client.request("ckit/approval/list"))["approvals"] == []
        assert contents(talk.root) == before


async def test_R31_answers_to_what_was_never_asked_change_nothing_and_the_first_of_two_counts(tmp_path: Path) -> None:
    async with talking_apart(tmp_path, answers=[ASK]) as talk:
        before = contents(talk.root)
        for identifier in NOTHING_ASKED:
            reply(talk.client, identifier, result=ALLOW)
        running = talk.client.start("ckit/tool/run", RUN)
        identifier = await question(talk.client, ASK)
        for other in (*NOTHING_ASKED, f"{identifier}0", f" {identifier}"):
            reply(talk.client, other, result=ALLOW)
            reply(talk.client, other, error={"code": 1, "message": "no"})
        [approval] = (await talk.client.request("ckit/approval/list"))["approvals"]
        assert approval["state"] == "pending"
        reply(talk.client, identifier, result={"decision": "deny", "note": "first"}, error=None)
        reply(talk.client, identifier, result=ALLOW)
        assert (await running)["status"] == "denied"
        [approval] = (await talk.client.request("ckit/approval/list", {"state": None}))["approvals"]
        assert (approval["state"], approval["note"]) == ("denied", "first")
        assert contents(talk.root) == before


async def test_R38_only_the_id_of_a_question_that_waits_answers_it_and_only_once(tmp_path: Path) -> None:
    async with talking_apart(tmp_path) as talk:

        async def resolve(identifier: str, decision: str = "allowOnce") -> tuple[str, Any]:
            try:
                await talk.client.request("ckit/approval/resolve", {"id": identifier, "decision": decision})
            except RpcError as error:
                return error.code, error.data["details"].get("state")
            return "ok", None

        async def waiting(count: int) -> list[Json]:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                while len(found := (await talk.client.request("ckit/approval/list"))["approvals"]) != count:
                    pass
            return found

        before = contents(talk.root)
        first = talk.client.start("ckit/tool/run", RUN, request_id="first")
        [one] = await waiting(1)
        second = talk.client.start("ckit/tool/run", {**RUN, "sessionId": talk.session})
        two = next(each for each in await waiting(2) if each["id"] != one["id"])
        for identifier in (
            talk.session,
            one["toolCallId"],
            one["id"].upper(),
            one["id"][:-1],
            f"{one['id']} ",
            f"{one['id']}\x00",
            f"{one['id']}' OR '1'='1",
            "%",
            "ckit-1",
        ):
            assert (await resolve(identifier))[0] == "not_found", identifier
        assert await waiting(2) == [one, two]
        assert await resolve(two["id"], "deny") == ("ok", None)
        assert (await second)["status"] == "denied"
        assert await waiting(1) == [one]
        assert await resolve(two["id"]) == ("conflict", "denied")
        talk.client.notify("$/cancelRequest", {"id": "first"})
        with pytest.raises(RpcError):
            await first
        await waiting(0)
        assert await resolve(one["id"]) == ("conflict", "cancelled")
        assert contents(talk.root) == before


WRONG_RESULTS: list[Json] = [
    {"result": None},
    {"result": {}},
    {"result": {"text": 5}},
    {"result": {"text": None}},
    {"result": {"text": "planted", "isError": "no"}},
    {"result": {"text": "planted", "extra": 1}},
    {"result": {"text": "planted" * 150_000}},
    {"error": {"code": 5, "message": "planted"}},
]


async def test_what_a_tool_of_the_client_says_too_late_is_not_heard(tmp_path: Path) -> None:
    asked = Reply(tool_calls=[ToolCallReply("weather", {"town": "Bergen"})])
    config = {"assistant": SHORT | {"clientTimeoutSeconds": 1.0}}
    async with talking_apart(
        tmp_path, asked, Reply(text="No idea."), config=config, answers=[CALL], session={"tools": [client_tool()]}
    ) as talk:
        running = talk.start()
        first = await question(talk.client, CALL)
        await withdrawn(talk.client, first)
        reply(talk.client, first, result={"text": "planted"})
        assert (await running)["turn"]["stopReason"] == "endTurn"
        [call] = await talk.items("toolCall")
        assert call["result"] == "error"
        assert "within 1 s" in call["text"]
        reply(talk.client, first, result={"text": "planted"})
        assert "planted" not in json.dumps([await talk.stored(), [each.body for each in talk.server.calls]])


async def test_what_a_tool_of_the_client_says_wrongly_is_not_heard(tmp_path: Path) -> None:
    async with talking_apart(tmp_path, answers=[CALL], session={"tools": [client_tool()]}) as talk:
        run = {"name": "weather", "arguments": {"town": "Oslo"}, "sessionId": talk.session}
        answered: int | str = "ckit-0"
        for body in WRONG_RESULTS:
            running = talk.client.start("ckit/tool/run", run)
            identifier = await question(talk.client, CALL)
            reply(talk.client, answered, result={"text": "planted"})
            answered = identifier
            reply(talk.client, identifier, **body)
            done = await running
            assert (done["status"], done["errorCode"]) == ("error", "client_failed"), str(body)[:80]
            assert "planted" not in json.dumps(done)
        running = talk.client.start("ckit/tool/run", run)
        reply(talk.client, await question(talk.client, CALL), result={"text": "It rains."})
        assert (await running)["status"] == "ok"
        assert "planted" not in json.dumps(await talk.stored())


async def test_R07_a_key_that_comes_too_late_is_not_used_and_asked_for_again(tmp_path: Path) -> None:
    provider = {"apiKey": "client:work"}
    async with talking_apart(tmp_path, config={"assistant": SHORT}, provider=provider, answers=[SECRET]) as talk:
        talk.server.key = "the-right-key-0123456789"
        test = {"provider": "test", "model": "scripted"}
        running = talk.client.start("ckit/provider/test", test)
        first = await question(talk.client, SECRET)
        outcome = await running
        assert outcome["error"]["code"] == "secret_unavailable"
        assert "client:work" in outcome["detail"]
        reply(talk.client, first, result={"value": talk.server.key})
        running = talk.client.start("ckit/provider/test", test)
        assert await question(talk.client, SECRET) != first
        assert (await running)["error"]["code"] == "secret_unavailable"
        assert talk.server.calls == []
    assert talk.server.key not in (tmp_path / "daemon.log").read_text("utf-8")


async def test_R07_a_key_that_comes_wrongly_is_not_used_and_asked_for_again(tmp_path: Path) -> None:
    provider = {"apiKey": "client:work"}
    async with talking_apart(tmp_path, provider=provider, answers=[SECRET]) as talk:
        talk.server.key = "the-right-key-0123456789"
        test = {"provider": "test", "model": "scripted"}
        for body in (
            {"result": None},
            {"result": {"value": 5}},
            {"result": {"value": "planted-key-0123456789", "extra": 1}},
            {"result": {"value": "k" * 20_001}},
            {"result": {"value": "planted\nkey"}},
            {"error": {"code": 5, "message": "planted-key-0123456789"}},
        ):
            running = talk.client.start("ckit/provider/test", test)
            reply(talk.client, await question(talk.client, SECRET), **body)
            outcome = await running
            assert outcome["error"]["code"] == "secret_unavailable", body
            assert "planted" not in json.dumps(outcome)
        assert talk.server.calls == []
        running = talk.client.start("ckit/provider/test", test)
        reply(talk.client, await question(talk.client, SECRET), result={"value": talk.server.key})
        assert (await running)["ok"] is True
    assert "planted" not in (tmp_path / "daemon.log").read_text("utf-8")
