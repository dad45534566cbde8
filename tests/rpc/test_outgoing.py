"""What the daemon asks its client: answers, errors, deadlines and withdrawals."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from ckit_daemon.core.errors import ClientFailedError, DeadlineExceededError, DegradedError
from tests.support.client import RpcError
from tests.support.daemon import daemon

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ckit_daemon.app import App
    from ckit_daemon.services.assistant.ports import Client as Port
    from tests.support.client import Client, Json

pytestmark = pytest.mark.asyncio

METHOD = "ckit/secret/request"
QUESTION: Json = {"reference": "client:work", "provider": "work", "reason": "A model is asked for the first time."}
PATIENT_SECONDS = 15.0
SHORT_SECONDS = 0.05


@contextlib.asynccontextmanager
async def connected(*answers: str) -> AsyncGenerator[tuple[Client, Port]]:
    """Yield a client that announced these answers, and the daemon's side of the connection to it."""
    apps: list[App] = []
    async with daemon({"answers": list(answers)}, arrange=apps.append) as client:
        yield client, apps[0]._client


async def ask(port: Port, seconds: float = PATIENT_SECONDS) -> Json:
    return await port.request(METHOD, QUESTION, timeout_seconds=seconds)


async def test_R31_the_client_s_answer_is_the_result() -> None:
    async with connected(METHOD) as (client, port):
        seen: list[Json] = []

        def answer(params: Json) -> Json:
            seen.append(params)
            return {"value": "k-1"}

        client.answer(METHOD, answer)
        assert await ask(port) == {"value": "k-1"}
        assert seen == [QUESTION]


async def test_R31_questions_wait_side_by_side_and_each_gets_its_own_answer() -> None:
    async with connected(METHOD) as (client, port):
        arrived = asyncio.Event()

        async def answer(params: Json) -> Json:
            if params["provider"] == "slow":
                await arrived.wait()
            else:
                arrived.set()
            return {"value": params["provider"]}

        client.answer(METHOD, answer)
        asked = [
            port.request(METHOD, QUESTION | {"provider": name}, timeout_seconds=PATIENT_SECONDS)
            for name in ("slow", "quick")
        ]
        assert await asyncio.gather(*asked) == [{"value": "slow"}, {"value": "quick"}]


async def test_the_client_goes_on_asking_while_a_question_waits_for_it() -> None:
    async with connected(METHOD) as (client, port):

        async def answer(_params: Json) -> Json:
            health = await client.request("ckit/health")
            return {"value": str(health["live"])}

        client.answer(METHOD, answer)
        assert await ask(port) == {"value": "True"}


async def test_a_client_that_did_not_announce_an_answer_is_not_asked() -> None:
    async with connected("ckit/approval/request") as (client, port):
        assert port.answers("ckit/approval/request")
        assert not port.answers(METHOD)
        with pytest.raises(DegradedError, match="does not answer") as caught:
            await ask(port)
        assert caught.value.details["option"] == "initializationOptions.ckit.answers"
        await client.request("ckit/health")
        assert not [message for message in client.notifications if message["method"] == METHOD]


async def test_R07_an_error_answer_is_told_by_its_number_and_not_by_its_text() -> None:
    async with connected(METHOD) as (client, port):

        def answer(_params: Json) -> Json:
            raise RpcError({"code": -32803, "message": "the vault says k-1 is locked"})

        client.answer(METHOD, answer)
        with pytest.raises(ClientFailedError) as caught:
            await ask(port)
        assert caught.value.details == {"method": METHOD, "code": -32803}
        assert "k-1" not in caught.value.message


async def test_a_client_that_does_not_know_the_method_after_all_counts_as_one_that_does_not_answer() -> None:
    async with connected(METHOD) as (client, port):

        def answer(_params: Json) -> Json:
            raise RpcError({"code": -32601, "message": "unknown"})

        client.answer(METHOD, answer)
        with pytest.raises(DegradedError):
            await ask(port)


@pytest.mark.parametrize(
    ("result", "fields"),
    [
        ({"value": 7}, ["value"]),
        ({"value": "k-1", "secret": "k-2"}, ["secret"]),
        (None, [""]),
        ([], [""]),
        ({"value": "k" * 20_001}, ["value"]),
    ],
)
async def test_R07_an_answer_of_another_form_names_the_fields_and_no_value(result: Any, fields: list[str]) -> None:
    async with connected(METHOD) as (client, port):
        client.answer(METHOD, lambda _params: result)
        with pytest.raises(ClientFailedError) as caught:
            await ask(port)
        assert caught.value.details == {"method": METHOD, "fields": fields}
        assert "k-" not in caught.value.message


@pytest.mark.parametrize("field", [{"isError": "true"}, {"isError": 1}, {"is_error": True}])
async def test_R10_an_answer_is_read_as_its_schema_says_and_no_wider(field: Json) -> None:
    method = "ckit/tool/call"
    async with connected(method) as (client, port):
        client.answer(method, lambda _params: {"text": "done"} | field)
        with pytest.raises(ClientFailedError) as caught:
            await port.request(method, {}, timeout_seconds=PATIENT_SECONDS)
        assert caught.value.details == {"method": method, "fields": list(field)}


async def test_R11_a_question_without_an_answer_ends_at_its_deadline_and_is_withdrawn() -> None:
    async with connected(METHOD) as (client, port):
        withdrawn = asyncio.Event()

        async def answer(_params: Json) -> Json:
            try:
                return await asyncio.Future()
            finally:
                withdrawn.set()

        client.answer(METHOD, answer)
        with pytest.raises(DeadlineExceededError, match=r"within 0\.05 s") as caught:
            await ask(port, SHORT_SECONDS)
        assert caught.value.details == {"method": METHOD, "timeoutSeconds": SHORT_SECONDS}
        assert await client.notification("$/cancelRequest") == {"id": "ckit-1"}
        await withdrawn.wait()


async def test_R31_a_question_that_nobody_needs_any_more_is_withdrawn() -> None:
    async with connected(METHOD) as (client, port):
        asking = asyncio.create_task(ask(port))
        # Nobody answers the method, so that the client keeps the question.
        await client.notification(METHOD)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await client.notification("$/cancelRequest") == {"id": "ckit-1"}


@pytest.mark.parametrize("body", [{"result": {"value": "k-1"}}, {"error": {"code": -32800, "message": "cancelled"}}])
async def test_an_answer_after_the_deadline_changes_nothing(body: Json) -> None:
    async with connected(METHOD) as (client, port):
        with pytest.raises(DeadlineExceededError):
            await ask(port, SHORT_SECONDS)
        client.send({"jsonrpc": "2.0", "id": "ckit-1", **body})
        client.answer(METHOD, lambda _params: {"value": "k-2"})
        assert await ask(port) == {"value": "k-2"}


@pytest.mark.parametrize("identifier", ["ckit-99", "other", 1, None, True, {"id": 1}, [1]])
async def test_an_answer_to_a_question_that_was_never_asked_is_ignored(identifier: Any) -> None:
    async with connected(METHOD) as (client, port):
        asking = asyncio.create_task(ask(port))
        await client.notification(METHOD)
        client.send({"jsonrpc": "2.0", "id": identifier, "result": {"value": "false"}})
        client.send({"jsonrpc": "2.0", "id": "ckit-1", "result": {"value": "right"}})
        assert await asking == {"value": "right"}


async def test_the_first_of_two_answers_counts() -> None:
    async with connected(METHOD) as (client, port):
        asking = asyncio.create_task(ask(port))
        await client.notification(METHOD)
        client.send({"jsonrpc": "2.0", "id": "ckit-1", "result": {"value": "first"}})
        client.send({"jsonrpc": "2.0", "id": "ckit-1", "result": {"value": "second"}})
        assert await asking == {"value": "first"}
        assert (await client.request("ckit/health"))["live"]
