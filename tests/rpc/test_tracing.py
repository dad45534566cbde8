"""Spans of requests, as a collector receives them over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import psutil
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ckit_daemon import tracing
from ckit_daemon.tracing import FinishedRequest, OtlpTracer, is_configured
from tests.rpc.test_repository_methods import opened
from tests.support.client import RpcError
from tests.support.daemon import daemon, spawned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opentelemetry.proto.trace.v1.trace_pb2 import Span

pytestmark = pytest.mark.asyncio

STATUS_ERROR = 2
GENEROUS_SECONDS = 60.0
HELD_UP_SECONDS = 8.0
"""Less than the SDK itself waits for a collector."""
PATIENT = f"""
from ckit_daemon import lifecycle, tracing
lifecycle.FORCE_AFTER_SECONDS = tracing.FLUSH_SECONDS = {GENEROUS_SECONDS}
from ckit_daemon.__main__ import main
main()
"""
"""A daemon that gives a busy machine the time to send its spans at the end."""


class Collector(ThreadingHTTPServer):
    """Takes traces by OTLP over HTTP, and answers when `answers` is set."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = threading.Event()
        self.answers.set()
        self.status = 200
        self.asked = threading.Event()
        self.paths: set[str] = set()
        self.requests: list[ExportTraceServiceRequest] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def spans(self) -> dict[str, list[Span]]:
        found: dict[str, list[Span]] = defaultdict(list)
        for request in self.requests:
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        found[span.name].append(span)
        return found


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        collector = self.server
        assert isinstance(collector, Collector)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        collector.paths.add(self.path)
        collector.asked.set()
        collector.answers.wait(GENEROUS_SECONDS)
        if collector.status == 200:
            collector.requests.append(ExportTraceServiceRequest.FromString(body))
        with contextlib.suppress(OSError):
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name.
        """Keep the test's output clean."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.answers.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a busy machine the time to send its spans at the end."""
    monkeypatch.setattr(tracing, "FLUSH_SECONDS", GENEROUS_SECONDS)


def attributes(span: Span) -> dict[str, object]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value") or "") for a in span.attributes}


@pytest.mark.usefixtures("patient")
async def test_R14_each_request_is_a_span_with_its_outcome_and_work_and_without_its_parameters(
    collector: Collector, tmp_path: Path
) -> None:
    began = time.time_ns()
    async with opened(tmp_path, config={"telemetry": {"otelEndpoint": collector.url + "/"}}) as (client, root):
        identifier = (await client.request("ckit/repo/list"))["repositories"][0]["id"]
        await client.request("ckit/repo/validate", {"repository": identifier}, request_id="mine")
        await client.request("ckit/entity/search", {"query": "planted-text", "repository": str(root)})
        with pytest.raises(RpcError):
            await client.request("ckit/entity/get", {"id": "FEAT-planted"})
        with pytest.raises(RpcError):
            await client.request("ckit/entity/get", {"planted": 1})
    assert collector.paths == {"/v1/traces"}
    (resource,) = {r.resource.SerializeToString() for each in collector.requests for r in each.resource_spans}
    assert b"ckit-daemon" in resource
    spans = collector.spans()
    (validate,) = spans["ckit/repo/validate"]
    assert attributes(validate) == {
        "rpc.system": "jsonrpc",
        "rpc.jsonrpc.version": "2.0",
        "rpc.method": "ckit/repo/validate",
        "ckit.request_id": "mine",
        "ckit.outcome": "ok",
        "ckit.repository": identifier,
    }
    assert began <= validate.start_time_unix_nano <= validate.end_time_unix_nano <= time.time_ns()
    work = [each for found in spans.values() for each in found if each.parent_span_id == validate.span_id]
    assert work
    for each in work:
        assert each.trace_id == validate.trace_id
        assert validate.start_time_unix_nano <= each.start_time_unix_nano
        assert each.start_time_unix_nano <= each.end_time_unix_nano <= validate.end_time_unix_nano
    (search,) = spans["ckit/entity/search"]
    assert "ckit.repository" not in attributes(search)
    missing, refused = spans["ckit/entity/get"]
    assert (attributes(missing)["error.type"], attributes(refused)["error.type"]) == ("not_found", "invalid_params")
    assert missing.status.code == refused.status.code == STATUS_ERROR
    everything = b"".join(request.SerializeToString() for request in collector.requests)
    assert b"planted" not in everything
    assert str(root).encode() not in everything


@pytest.mark.usefixtures("patient")
async def test_R14_a_cancelled_request_is_told_apart_from_a_failed_one(collector: Collector) -> None:
    tracer = OtlpTracer(collector.url + "/v1/traces")
    tracer.record(FinishedRequest(1, "ckit/x", "cancelled", 1.0, 2.0))
    tracer.start()
    tracer.close()
    (span,) = collector.spans()["ckit/x"]
    assert attributes(span)["error.type"] == "cancelled"
    assert span.status.code != STATUS_ERROR
    assert span.end_time_unix_nano - span.start_time_unix_nano == pytest.approx(1e9, rel=1e-3)


async def test_R14_a_real_daemon_sends_its_spans_though_it_ends_at_once_and_listens_nowhere(
    collector: Collector, tmp_path: Path
) -> None:
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_SERVICE_NAME": "my-editor"}
    async with spawned(tmp_path, environment=environment, command=(sys.executable, "-c", PATIENT)) as running:
        health = await running.client.request("ckit/health", {"fresh": True})
        assert {c["name"]: c["status"] for c in health["components"]}["tracing"] == "ok"
        sockets = psutil.Process(running.process.pid).net_connections(kind="inet")
        assert not [each for each in sockets if each.status == psutil.CONN_LISTEN]
        await running.client.request("shutdown")
        running.client.notify("exit")
        assert await running.exit_code() == 0
    assert [attributes(span)["ckit.outcome"] for span in collector.spans()["ckit/health"]] == ["ok"]
    assert b"my-editor" in collector.requests[0].SerializeToString()


async def test_R14_a_collector_that_hangs_holds_up_neither_requests_nor_the_end(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    collector.answers.clear()
    async with daemon({"config": {"telemetry": {"otelEndpoint": collector.url}}}) as client:
        await client.request("ckit/capabilities")
        assert await asyncio.to_thread(collector.asked.wait, GENEROUS_SECONDS)
        for _ in range(50):
            await client.request("ckit/capabilities")
        ending = time.monotonic()
    assert time.monotonic() - ending < HELD_UP_SECONDS


async def test_R09_a_collector_that_refuses_traces_is_a_degraded_component(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    collector.status = 400
    async with daemon({"config": {"telemetry": {"otelEndpoint": collector.url}}}) as client:
        async with asyncio.timeout(GENEROUS_SECONDS):
            while (found := await component(client)) is None or found["status"] == "ok":
                pass
        assert found["status"] == "degraded"
        assert found["works"]


async def component(client):
    health = await client.request("ckit/health", {"fresh": True})
    return next((c for c in health["components"] if c["name"] == "tracing"), None)


async def test_R18_without_the_extra_health_names_the_command_that_installs_it(tmp_path: Path) -> None:
    # A module of this name that fails to import stands before the installed one.
    (tmp_path / "opentelemetry.py").write_text("raise ImportError('not here')", "utf-8")
    environment = {
        "CKIT_TELEMETRY_OTEL_ENDPOINT": "http://127.0.0.1:9",
        "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    async with spawned(tmp_path, environment=environment) as running:
        found = await component(running.client)
        assert found is not None
        assert found["status"] == "degraded"
        assert tracing.INSTALL in found["detail"]
        assert found["works"]
        assert await running.client.request("ckit/capabilities")


async def test_R14_a_variable_that_the_sdk_refuses_degrades_tracing_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "-1")
    async with daemon({"config": {"telemetry": {"otelEndpoint": "http://127.0.0.1:9"}}}) as client:
        found = await component(client)
        assert found is not None
        assert "OTEL_" in found["detail"]


async def test_R14_nothing_is_traced_where_no_collector_is_named() -> None:
    assert not is_configured("", {"OTEL_EXPORTER_OTLP_ENDPOINT": ""})
    assert is_configured("http://x", {})
    assert is_configured("", {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"})
    async with daemon() as client:
        assert await component(client) is None


@pytest.mark.usefixtures("patient")
async def test_requests_beyond_what_the_queue_holds_are_dropped(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "MAX_QUEUED_REQUESTS", 3)
    tracer = OtlpTracer(collector.url + "/v1/traces")
    for number in range(5):
        tracer.record(FinishedRequest(number, "ckit/x", "ok", 1.0, 2.0))
    tracer.start()
    tracer.close()
    assert [attributes(span)["ckit.request_id"] for span in collector.spans()["ckit/x"]] == [0, 1, 2]


@pytest.mark.parametrize("endpoint", ["localhost:4318", "http://user:password@host", "file:///etc", "http://a b"])
async def test_R17_an_endpoint_with_credentials_or_without_http_is_refused(endpoint: str) -> None:
    async with daemon({"config": {"telemetry": {"otelEndpoint": endpoint}}}) as client:
        (warning,) = (await client.request("ckit/config/get", {"prefix": "telemetry."}))["warnings"]
        assert warning["key"] == "telemetry.otelEndpoint"
        assert await component(client) is None
