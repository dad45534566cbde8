"""Admission, order, deadlines, cancellation, progress: each request gets exactly one answer."""

from __future__ import annotations

import asyncio
import threading
from collections import UserDict
from dataclasses import replace
from typing import TYPE_CHECKING, Never

import pytest

from ckit_daemon.core.errors import NotFoundError
from ckit_daemon.rpc import capabilities, routes
from ckit_daemon.rpc.routes import server
from ckit_daemon.wire import methods
from ckit_daemon.wire.base import Params, PartialResult, Result, WireModel, WorkDone
from ckit_daemon.wire.row import Cost, Method
from ckit_daemon.wire.summary import MethodSummary
from tests.support.client import TIMEOUT_SECONDS, RpcError, frame
from tests.support.daemon import daemon

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckit_daemon.core.progress import Progress
    from ckit_daemon.rpc.context import RequestContext
    from ckit_daemon.rpc.dispatch import Route

pytestmark = pytest.mark.asyncio

MANY_SECONDS = 120.0
"""For thousands of answers on a busy machine."""


class EchoParams(Params, WorkDone, PartialResult):
    """Parameters of the test's own methods."""

    text: str = ""
    repository: str = ""

    def scope_key(self) -> str:
        return self.repository


class Item(WireModel):
    """A streamed item."""

    text: str


class EchoResult(Result):
    """What the test's own methods answer."""

    text: str
    maybe: str | None = None


class Gate:
    """Lets the test decide when a worker thread goes on, and see how many run."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.entered = threading.Semaphore(0)
        self.left = threading.Semaphore(0)
        self.running = 0
        self.most = 0
        self.lock = threading.Lock()

    def work(self, progress: Progress, text: str) -> str:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.entered.release()
        try:
            while not self.open.wait(0.005):
                progress.report(1, 2, "half way")
            progress.report(2, 2, "done")
            return text
        finally:
            with self.lock:
                self.running -= 1
            self.left.release()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate()

    async def echo(_ctx: RequestContext, params: EchoParams) -> EchoResult:
        return EchoResult(text=params.text)

    async def wait(ctx: RequestContext, params: EchoParams) -> EchoResult:
        return EchoResult(text=await ctx.run(gate.work, ctx.progress, params.text))

    async def stream(ctx: RequestContext, params: EchoParams) -> EchoResult:
        sent = await ctx.partial([Item(text="a"), Item(text="b")])
        return EchoResult(text="" if sent else "ab")

    async def fail(_ctx: RequestContext, params: EchoParams) -> EchoResult:
        if params.text == "domain":
            raise NotFoundError("No entity FEAT-999.", details={"id": "FEAT-999"})
        raise RuntimeError("/home/someone/secret sk-planted-0123456789")

    async def large(_ctx: RequestContext, params: EchoParams) -> EchoResult:
        return EchoResult(text="x" * 200_000)

    rows: list[tuple[str, Route, Cost, str | None]] = [
        ("ckit/test/echo", echo, "instant", None),
        ("ckit/test/queued", echo, "long", None),
        ("ckit/test/wait", wait, "long", None),
        ("ckit/test/write", wait, "long", "repository-write"),
        ("ckit/test/stream", stream, "long", None),
        ("ckit/test/fail", fail, "long", None),
        ("ckit/test/large", large, "long", None),
    ]
    own_rows, own_routes = dict(methods.BY_NAME), {**server.ROUTES}
    for name, route, cost, scope in rows:
        row = Method(name=name, summary=f"Test {name}.", params=EchoParams, result=EchoResult, cost=cost, scope=scope)
        own_rows[name] = row
        own_routes[name] = route
    monkeypatch.setattr(methods, "BY_NAME", own_rows)
    monkeypatch.setattr(routes, "ROUTES", own_routes)
    yield gate
    gate.open.set()


async def entered(gate: Gate) -> None:
    assert await asyncio.to_thread(gate.entered.acquire, timeout=TIMEOUT_SECONDS)


async def code_of(request: asyncio.Task[Never]) -> str:
    with pytest.raises(RpcError) as caught:
        await request
    return caught.value.code


async def test_absent_fields_are_left_out_of_answers(gate: Gate) -> None:
    async with daemon() as client:
        assert await client.request("ckit/test/echo", {"text": "ä\u2028"}) == {"text": "ä\u2028"}


@pytest.mark.parametrize("method", ["ckit/test/echo", "ckit/test/queued"])
async def test_ten_thousand_pipelined_requests_are_all_answered_once(gate: Gate, method: str) -> None:
    async with daemon({"config": {"limits": {"maxQueued": 20_000}}}) as client:
        answers = [client.expect(f"n{i}") for i in range(10_000)]
        await client.send_large(
            b"".join(
                frame({"jsonrpc": "2.0", "id": f"n{i}", "method": method, "params": {"text": str(i)}})
                for i in range(10_000)
            )
        )
        found = await asyncio.wait_for(asyncio.gather(*answers), MANY_SECONDS)
        assert [a["result"]["text"] for a in found] == [str(i) for i in range(10_000)]


async def test_R05_beyond_the_bound_of_the_queue_requests_are_told_when_to_come_back(gate: Gate) -> None:
    async with daemon({"config": {"limits": {"maxQueued": 3, "maxConcurrent": 2}}}) as client:
        running = [client.start("ckit/test/wait") for _ in range(5)]
        await entered(gate)
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/test/wait")
        assert caught.value.code == "overloaded"
        assert caught.value.data["retryable"]
        assert caught.value.data["retryAfterMs"] > 0
        assert await client.request("ckit/test/echo", {"text": "instant"})
        gate.open.set()
        await asyncio.gather(*running)
        assert gate.most == 2


async def test_writes_to_one_repository_never_overlap_and_those_to_others_do(gate: Gate) -> None:
    async with daemon() as client:
        same = [client.start("ckit/test/write", {"repository": "a"}) for _ in range(3)]
        await entered(gate)
        other = client.start("ckit/test/write", {"repository": "b"})
        await entered(gate)
        assert gate.running == 2
        gate.open.set()
        await asyncio.gather(*same, other)
        assert gate.most == 2


async def test_cancelling_answers_at_once_and_the_thread_stops(gate: Gate) -> None:
    async with daemon() as client:
        request = client.start("ckit/test/wait", request_id="c1")
        await entered(gate)
        client.notify("$/cancelRequest", {"id": "c1"})
        with pytest.raises(RpcError) as caught:
            await request
        assert caught.value.number == -32800
        assert await asyncio.to_thread(gate.left.acquire, timeout=TIMEOUT_SECONDS)


async def test_a_cancelled_write_keeps_its_turn_until_its_thread_has_stopped(gate: Gate) -> None:
    async with daemon() as client:
        first = client.start("ckit/test/write", {"repository": "a"}, request_id="w1")
        await entered(gate)
        second = client.start("ckit/test/write", {"repository": "a"})
        client.notify("$/cancelRequest", {"id": "w1"})
        assert await code_of(first) == "cancelled"
        gate.open.set()
        await second
        assert gate.most == 1


async def test_a_waiting_request_can_be_cancelled(gate: Gate) -> None:
    async with daemon({"config": {"limits": {"maxConcurrent": 1}}}) as client:
        first = client.start("ckit/test/wait")
        await entered(gate)
        second = client.start("ckit/test/wait", request_id="w2")
        client.notify("$/cancelRequest", {"id": "w2"})
        assert await code_of(second) == "cancelled"
        gate.open.set()
        await first


async def test_requests_that_are_cancelled_before_they_begin_take_nobodys_place(gate: Gate) -> None:
    async with daemon({"config": {"limits": {"maxQueued": 1, "maxConcurrent": 1}}}) as client:
        for number in range(10):
            answer = client.expect(f"c{number}")
            asked = {"jsonrpc": "2.0", "id": f"c{number}", "method": "ckit/test/wait"}
            withdrawn = {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": f"c{number}"}}
            # Both arrive in one piece, so that the second is read before anything is done about the first.
            client.send_bytes(frame(asked) + frame(withdrawn))
            assert (await answer)["error"]["data"]["code"] == "cancelled"
        assert await client.request("ckit/test/queued", {"text": "served"}) == {"text": "served"}


async def test_R11_a_request_past_its_deadline_says_so_and_its_thread_stops(gate: Gate) -> None:
    # Long enough for a busy machine to begin with it before it has passed.
    options = {"config": {"limits": {"methodTimeoutSeconds": {"ckit/test/wait": 2.5}}}}
    async with daemon(options) as client:
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/test/wait")
        assert caught.value.code == "deadline_exceeded"
        assert caught.value.data["details"]["timeoutSeconds"] == 2.5
        assert await asyncio.to_thread(gate.left.acquire, timeout=TIMEOUT_SECONDS)


async def test_an_id_in_flight_can_not_be_used_again(gate: Gate) -> None:
    async with daemon(allow_strays=True) as client:
        first = client.start("ckit/test/wait", request_id="same")
        await entered(gate)
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/test/wait", request_id="same")
        assert caught.value.number == -32600
        gate.open.set()
        assert (await client.stray())["result"] == {"text": ""}
        first.cancel()


async def test_progress_begins_reports_ends_and_is_throttled(gate: Gate) -> None:
    async with daemon() as client:
        request = client.start("ckit/test/wait", {"workDoneToken": "t"})
        first = await client.notification("$/progress")
        assert first["value"]["kind"] == "begin"
        assert first["value"]["percentage"] == 50
        assert (await client.notification("$/progress"))["value"]["kind"] == "report"
        gate.open.set()
        await request
        kinds = [n["params"]["value"]["kind"] for n in client.notifications if n["method"] == "$/progress"]
        assert kinds[-1] == "end"
        assert kinds.count("end") == 1


async def test_the_progress_s_own_cancel_button_cancels_the_request(gate: Gate) -> None:
    async with daemon() as client:
        request = client.start("ckit/test/wait", {"workDoneToken": 7})
        await client.notification("$/progress")
        client.notify("window/workDoneProgress/cancel", {"token": 7})
        assert await code_of(request) == "cancelled"


async def test_R35_lists_stream_as_partial_results_where_the_client_asks(gate: Gate) -> None:
    async with daemon() as client:
        assert await client.request("ckit/test/stream") == {"text": "ab"}
        assert await client.request("ckit/test/stream", {"partialResultToken": "p"}) == {"text": ""}
        assert await client.notification("$/progress") == {"token": "p", "value": [{"text": "a"}, {"text": "b"}]}


async def test_R06_domain_errors_keep_their_message_and_foreign_ones_lose_theirs(gate: Gate) -> None:
    async with daemon() as client:
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/test/fail", {"text": "domain"}, request_id="r1")
        assert caught.value.data == {
            "code": "not_found",
            "retryable": False,
            "requestId": "r1",
            "details": {"id": "FEAT-999"},
        }
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/test/fail")
        assert caught.value.number == -32603
        assert caught.value.data["details"]["logId"] in caught.value.message
        assert "secret" not in str(caught.value.data) + caught.value.message


async def test_R35_an_answer_over_the_limit_becomes_an_error(gate: Gate) -> None:
    async with daemon({"config": {"limits": {"maxMessageBytes": 65_536}}}) as client:
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/test/large")
        assert caught.value.code == "limit_exceeded"


async def test_a_client_that_does_not_read_stops_the_daemon_from_reading_and_loses_nothing(gate: Gate) -> None:
    options = {"config": {"limits": {"maxQueued": 20_000}}}
    async with daemon(options, environment={"CKIT_LIMITS_MAX_BUFFERED_BYTES": "1048576"}) as client:
        client.pause()
        answers = [client.expect(i) for i in range(1000, 1400)]
        sending = asyncio.create_task(
            client.send_large(
                b"".join(frame({"jsonrpc": "2.0", "id": i, "method": "ckit/test/large"}) for i in range(1000, 1400))
            )
        )
        await sending
        client.resume()
        found = await asyncio.wait_for(asyncio.gather(*answers), MANY_SECONDS)
        assert all(len(a["result"]["text"]) == 200_000 for a in found)


async def test_R19_an_experimental_method_is_absent_and_refused_until_the_client_opts_in(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "ckit/test/echo"
    monkeypatch.setitem(methods.BY_NAME, name, replace(methods.BY_NAME[name], stability="experimental"))
    row = MethodSummary(name, "request", "clientToServer", "experimental", None)
    monkeypatch.setattr(capabilities, "METHODS", (row,))
    # The descriptions of a session are kept: no other test may have these limits.
    limits = {"config": {"limits": {"maxQueued": 1919}}}
    async with daemon(limits) as client:
        ckit = client.initialize_result["capabilities"]["experimental"]["ckit"]
        assert ckit["methods"] == []
        with pytest.raises(RpcError, match="experimental: true") as caught:
            await client.request(name, {"text": "x"})
        assert caught.value.code == "capability_disabled"
        assert caught.value.data["details"]["option"] == "initializationOptions.ckit.experimental"
    async with daemon({**limits, "experimental": True}) as client:
        ckit = client.initialize_result["capabilities"]["experimental"]["ckit"]
        assert [(m["name"], m["stability"]) for m in ckit["methods"]] == [(name, "experimental")]
        assert await client.request(name, {"text": "x"}) == {"text": "x"}


class ImportingRoutes(UserDict[str, "Route"]):
    """Routes whose namespace is imported on the first use."""

    def __init__(self, routes: Mapping[str, Route]) -> None:
        super().__init__(routes)
        self.imported: dict[str, str] = {}

    def __getitem__(self, method: str) -> Route:
        self.imported[method] = threading.current_thread().name
        return super().__getitem__(method)


async def test_namespaces_are_imported_in_worker_threads_for_requests_and_notifications_alike(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = ImportingRoutes(routes.ROUTES)
    monkeypatch.setattr(routes, "ROUTES", found)
    async with daemon() as client:
        client.notify("ckit/test/echo", {})
        client.notify("ckit/test/queued", {})
        await client.request("ckit/test/stream", {})
        await client.request("ckit/capabilities")
    assert {"ckit/test/echo", "ckit/test/queued", "ckit/test/stream", "ckit/capabilities"} <= set(found.imported)
    assert all(name.startswith("ckit-") for name in found.imported.values()), found.imported


async def test_a_notification_that_fails_is_logged_and_counted_because_nobody_gets_an_answer(
    gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    async with daemon() as client:
        client.notify("ckit/test/fail", {"text": "domain"})
        await client.request("ckit/test/queued")
        metrics = await client.request("ckit/metrics")
        assert metrics["errors"] == {"not_found": 1}
        assert "notification failed: No entity FEAT-999." in caplog.text
