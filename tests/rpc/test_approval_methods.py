"""Approvals through the wire: the dialog, the method, other daemons, deadlines and restarts."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from ckit_daemon.services.assistant.records import Approval
from ckit_daemon.storage.database import Database
from ckit_daemon.storage.sessions import SqliteSessionStore
from tests.rpc.test_edit_methods import contents
from tests.rpc.test_repository_methods import a_file
from tests.rpc.test_tool_methods import UPDATE, run
from tests.support.client import TIMEOUT_SECONDS, RpcError
from tests.support.conversations import a_store, an_approval
from tests.support.daemon import daemon, spawned
from tests.support.model_server import Reply, ToolCallReply, model_server
from tests.support.repositories import copy_example
from tests.support.talk import ASK, options_for

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.support.client import Client, Json
    from tests.support.model_server import ModelServer

pytestmark = pytest.mark.asyncio

OTHER: Json = {"action": "update", "id": "T-002", "changes": [{"path": ["title"], "value": "Anew"}]}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return copy_example(tmp_path / "example")


@asynccontextmanager
async def opened(root: Path, **options: Any) -> AsyncGenerator[Client]:
    """A daemon that has the example open; all of one test share a database."""
    places = {"CKIT_PATHS_CACHE_DIR": str(root.parent / "cache"), "CKIT_PATHS_STATE_DIR": str(root.parent / "state")}
    async with daemon(options, environment=places) as client:
        await client.request("ckit/repo/open", {"path": str(root)})
        yield client


async def approvals(client: Client, **params: Any) -> list[Json]:
    return (await client.request("ckit/approval/list", params))["approvals"]


async def pending(client: Client) -> Json:
    """The next approval that waits for an answer."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not (found := await approvals(client)):
            pass
    return found[0]


async def resolve(client: Client, approval: Json, decision: str = "allowOnce", **params: Any) -> Json:
    answer = {"id": approval["id"], "decision": decision, **params}
    return (await client.request("ckit/approval/resolve", answer))["approval"]


async def test_R31_an_approval_is_answered_by_method_where_the_client_has_no_dialog(root: Path) -> None:
    async with opened(root) as client:
        running = client.start("ckit/tool/run", {"name": "entity.edit", "arguments": UPDATE})
        approval = await pending(client)
        assert approval["state"] == "pending"
        assert approval["expiresAt"] > approval["createdAt"]
        decided = await resolve(client, approval, note="Fine.")
        assert (decided["state"], decided["decision"], decided["note"]) == ("allowed", "allowOnce", "Fine.")
        assert (await running)["status"] == "ok"
        assert "Anew" in a_file(root, "T-001").read_text("utf-8")
        assert await approvals(client) == []
        assert await approvals(client, state="allowed") == [decided]
        assert await approvals(client, state=None) == [decided]


async def test_R31_the_first_answer_counts_and_the_dialog_is_withdrawn(root: Path) -> None:
    async with opened(root, answers=[ASK]) as client:
        asked, withdrawn = asyncio.Event(), asyncio.Event()

        async def dialog(_: Json) -> Json:
            asked.set()
            try:
                await asyncio.Event().wait()
            finally:
                withdrawn.set()
            return {}

        client.answer(ASK, dialog)
        running = client.start("ckit/tool/run", {"name": "entity.edit", "arguments": UPDATE})
        await asked.wait()
        approval = await pending(client)
        await resolve(client, approval, "deny")
        assert (await running)["status"] == "denied"
        await withdrawn.wait()
        for decision in ("deny", "allowOnce"):
            with pytest.raises(RpcError) as caught:
                await resolve(client, approval, decision)
            assert caught.value.code == "conflict"
            assert caught.value.data["details"]["state"] == "denied"
        assert "Anew" not in a_file(root, "T-001").read_text("utf-8")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"id": "no-such-approval", "decision": "deny"}, "not_found"),
        ({"id": "", "decision": "deny"}, "invalid_params"),
        ({"id": "x" * 65, "decision": "deny"}, "invalid_params"),
        ({"id": "x", "decision": "perhaps"}, "invalid_params"),
        ({"id": "x"}, "invalid_params"),
        ({"decision": "deny"}, "invalid_params"),
        ({"id": "x", "decision": "deny", "note": "n" * 4001}, "invalid_params"),
        ({"id": "x", "decision": "allowOnce", "arguments": []}, "invalid_params"),
        ({"id": "x", "decision": "deny", "force": True}, "invalid_params"),
    ],
)
async def test_R10_bad_answers_are_refused(root: Path, params: Json, code: str) -> None:
    async with opened(root) as client:
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/approval/resolve", params)
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"sessionId": "no-such-session"}, "not_found"),
        ({"state": "maybe"}, "invalid_params"),
        ({"sessionId": 7}, "invalid_params"),
    ],
)
async def test_R10_bad_questions_for_approvals_are_refused(root: Path, params: Json, code: str) -> None:
    async with opened(root) as client:
        with pytest.raises(RpcError) as caught:
            await approvals(client, **params)
        assert caught.value.code == code


async def test_R35_approvals_come_in_pages_that_a_message_can_hold(root: Path) -> None:
    async with a_store(root.parent / "state") as store:
        for number in range(6):
            await store.put_approval(replace(an_approval(f"a{number}", None), state="denied", diff="+" * 12_000))
    pages: dict[int, list[int]] = {}
    async with opened(root, config={"limits": {"maxMessageBytes": 64 * 1024}}) as client:
        for limit in (1, 1000):
            found: list[str] = []
            pages[limit] = []
            answer: Json = {"nextOffset": 0}
            while (offset := answer.get("nextOffset")) is not None:
                params = {"state": "denied", "offset": offset, "limit": limit}
                answer = await client.request("ckit/approval/list", params)
                assert answer["total"] == 6
                pages[limit].append(len(answer["approvals"]))
                found += [each["id"] for each in answer["approvals"]]
            assert found == [f"a{number}" for number in range(6)]
    assert pages == {1: [1] * 6, 1000: [2] * 3}


async def test_R38_edited_arguments_that_don_t_fit_leave_the_question_open(root: Path) -> None:
    async with opened(root) as client:
        before = contents(root)
        running = client.start("ckit/tool/run", {"name": "entity.edit", "arguments": UPDATE})
        approval = await pending(client)
        for decision, arguments in (
            ("allowOnce", {"action": "explode"}),
            ("allowOnce", {**UPDATE, "extra": 1}),
            ("allowForSession", UPDATE),
            ("deny", UPDATE),
        ):
            with pytest.raises(RpcError) as caught:
                await resolve(client, approval, decision, arguments=arguments)
            assert caught.value.code == "invalid_argument"
            assert (await pending(client))["id"] == approval["id"]
        assert contents(root) == before
        edited = await resolve(client, approval, arguments=OTHER)
        assert edited["arguments"] == OTHER
        assert (await running)["status"] == "ok"
        assert "Anew" not in a_file(root, "T-001").read_text("utf-8")
        assert "Anew" in a_file(root, "T-002").read_text("utf-8")


async def test_R11_no_answer_by_the_deadline_is_a_no(root: Path) -> None:
    async with opened(root, answers=[ASK], config={"assistant": {"approvalTimeoutSeconds": 0.1}}) as client:

        async def silent(_: Json) -> Json:
            await asyncio.Event().wait()
            return {}

        client.answer(ASK, silent)
        before = contents(root)
        done = await run(client, "entity.edit", UPDATE)
        assert (done["status"], done["errorCode"]) == ("denied", "denied")
        assert "in time" in done["text"]
        (approval,) = await approvals(client, state="expired")
        with pytest.raises(RpcError) as caught:
            await resolve(client, approval)
        assert caught.value.code == "conflict"
        assert caught.value.data["details"]["state"] == "expired"
        assert contents(root) == before


async def test_a_cancelled_run_withdraws_its_question(root: Path) -> None:
    async with opened(root) as client:
        running = client.start("ckit/tool/run", {"name": "entity.edit", "arguments": UPDATE}, request_id="mine")
        approval = await pending(client)
        client.notify("$/cancelRequest", {"id": "mine"})
        with pytest.raises(RpcError) as caught:
            await running
        assert caught.value.code == "cancelled"
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while await approvals(client):
                pass
        with pytest.raises(RpcError) as caught:
            await resolve(client, approval)
        assert caught.value.data["details"]["state"] == "cancelled"
        assert "Anew" not in a_file(root, "T-001").read_text("utf-8")


async def test_a_dialog_that_fails_leaves_the_question_open(root: Path) -> None:
    async with opened(root, answers=[ASK]) as client:
        failed = asyncio.Event()

        def broken(_: Json) -> Json:
            failed.set()
            raise RpcError({"code": -32603, "message": "no window"})

        client.answer(ASK, broken)
        running = client.start("ckit/tool/run", {"name": "entity.edit", "arguments": UPDATE})
        await failed.wait()
        await resolve(client, await pending(client))
        assert (await running)["status"] == "ok"


async def test_R31_another_daemon_on_the_same_database_can_answer(root: Path) -> None:
    async with opened(root) as asking, opened(root) as answering:
        running = asking.start("ckit/tool/run", {"name": "entity.edit", "arguments": UPDATE})
        approval = await pending(answering)
        assert (await resolve(answering, approval))["state"] == "allowed"
        assert (await running)["status"] == "ok"
        assert "Anew" in a_file(root, "T-001").read_text("utf-8")


async def test_R38_allowed_for_the_session_means_the_same_tool_on_the_same_files(root: Path) -> None:
    asked: list[str] = []

    def answer(params: Json) -> Json:
        asked.append(params["approval"]["files"][0])
        return {"decision": "allowForSession"}

    def again(title: str, arguments: Json = UPDATE) -> Json:
        return {**arguments, "changes": [{"path": ["title"], "value": title}]}

    async with opened(root, answers=[ASK]) as client:
        client.answer(ASK, answer)
        session = (await client.request("ckit/session/create", {}))["session"]["id"]
        stranger = (await client.request("ckit/session/create", {}))["session"]["id"]
        first = a_file(root, "T-001").relative_to(root).as_posix()
        second = a_file(root, "T-002").relative_to(root).as_posix()
        for title in ("One", "Two"):
            assert (await run(client, "entity.edit", again(title), sessionId=session))["status"] == "ok"
        assert asked == [first]
        await run(client, "entity.edit", again("Three", OTHER), sessionId=session)
        assert asked == [first, second]
        await run(client, "entity.edit", again("Four"), sessionId=stranger)
        await run(client, "entity.edit", again("Five"))
        assert asked == [first, second, first, first]
        assert "Five" in a_file(root, "T-001").read_text("utf-8")
    async with opened(root, answers=[ASK]) as client:
        client.answer(ASK, answer)
        assert (await run(client, "entity.edit", again("Six"), sessionId=session))["status"] == "ok"
        assert len(asked) == 4
        listed = await approvals(client, sessionId=session, state=None)
        assert [each["decision"] for each in listed] == ["allowForSession"] * 2


async def died_while_it_waited(root: Path, server: ModelServer) -> Json:
    """The approval that a turn waited for when its daemon was killed."""
    state = root.parent / "state"
    state.mkdir()
    server.enqueue(Reply(tool_calls=[ToolCallReply("entity_edit", UPDATE)]), Reply(text="Done."))
    async with spawned(state, options_for(server)) as dying:
        await dying.client.request("ckit/repo/open", {"path": str(root)})
        session = (await dying.client.request("ckit/session/create", {}))["session"]["id"]
        turn = dying.client.start("ckit/turn/start", {"sessionId": session, "text": "Rename it."})
        approval = await pending(dying.client)
        dying.process.kill()
        with pytest.raises(ConnectionError):
            await turn
    return approval


async def resumed(client: Client, approval: Json) -> Json:
    """The tool call of the turn that was interrupted, once the turn has gone on to its end."""
    session = approval["sessionId"]
    done = await client.request("ckit/turn/start", {"sessionId": session, "resume": approval["turnId"]})
    assert done["turn"]["stopReason"] == "endTurn"
    items = (await client.request("ckit/session/get", {"id": session}))["items"]
    (call,) = [each for each in items if each["kind"] == "toolCall"]
    return call


@pytest.mark.parametrize(("decision", "result"), [(None, "ok"), ("allowOnce", "ok"), ("deny", "denied")])
async def test_R04_a_turn_that_died_while_it_waited_uses_the_answer_or_asks_again_under_the_same_id(
    root: Path, decision: str | None, result: str
) -> None:
    with model_server("openai") as server:
        approval = await died_while_it_waited(root, server)
        asked: list[str] = []

        def answer(params: Json) -> Json:
            asked.append(params["approval"]["id"])
            return {"decision": "allowOnce"}

        async with opened(root, **options_for(server, answers=[ASK])) as client:
            client.answer(ASK, answer)
            assert [each["id"] for each in await approvals(client)] == [approval["id"]]
            if decision is not None:
                await resolve(client, approval, decision)
            assert (await resumed(client, approval))["result"] == result
            assert asked == ([approval["id"]] if decision is None else [])
            (stored,) = await approvals(client, state=None)
            assert stored["id"] == approval["id"]
            assert ("Anew" in a_file(root, "T-001").read_text("utf-8")) is (result == "ok")


async def test_R38_an_approval_does_not_hold_once_the_repository_says_something_else(root: Path) -> None:
    with model_server("openai") as server:
        approval = await died_while_it_waited(root, server)
        async with opened(root, **options_for(server)) as client:
            await resolve(client, approval, "allowOnce")
            path = a_file(root, "T-001")
            path.write_text(path.read_text("utf-8").replace("title: ", "title: New "), "utf-8")
            client.notify("ckit/repo/didChange", {})
            call = await resumed(client, approval)
            assert call["result"] == "error"
            assert "conflict" in call["text"]
            assert "Anew" not in path.read_text("utf-8")


async def test_R04_a_question_outlives_the_daemon_and_can_t_be_answered_after_its_deadline(root: Path) -> None:
    def question(name: str, expires_at: str, turn_id: str | None) -> Approval:
        return Approval(
            id=name, tool_call_id="c", turn_id=turn_id, repository="r", tool="entity.edit", tool_class="write",
            title="Update T-001.", created_at="2026-01-01T00:00:00.000Z", expires_at=expires_at, state="pending",
        )  # fmt: skip

    long, past = "2999-01-01T00:00:00.000Z", "2026-01-01T00:00:01.000Z"
    (root.parent / "state").mkdir()
    database = Database(root.parent / "state" / "ckit.db")
    store = SqliteSessionStore(database)
    for each in (question("lasting", long, "t"), question("late", past, "t"), question("orphan", past, None)):
        await store.put_approval(each)
    await store.aclose()
    await database.aclose()
    async with opened(root) as client:
        # A turn that is resumed asks again; a client's own run ended with its daemon.
        assert {each["id"] for each in await approvals(client)} == {"lasting", "late"}
        assert [each["id"] for each in await approvals(client, state="expired")] == ["orphan"]
        with pytest.raises(RpcError) as caught:
            await resolve(client, {"id": "late"})
        assert caught.value.code == "conflict"
        assert caught.value.data["details"]["state"] == "expired"
        assert (await resolve(client, {"id": "lasting"}, "deny"))["state"] == "denied"
