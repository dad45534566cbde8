"""Spans by the OpenTelemetry SDK, which the extra `otel` installs; imported by `tracing` where it is needed.

Spans carry names, times and codes, and neither parameters nor texts: those may hold secrets. Attribute names are
those of OpenTelemetry's semantic conventions for JSON-RPC where there is one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

from ckit_daemon import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckit_daemon.tracing import FinishedRequest

NANOSECONDS = 1_000_000_000
NO_FAILURE = frozenset({"ok", "cancelled"})


class SpanSender:
    """Makes spans of requests and sends them in batches; OTEL_* variables adjust it as they do every SDK.

    Args:
        endpoint: URL that traces are posted to; None leaves it to the OTEL_* variables.

    Raises:
        ValueError: an OTEL_* variable holds something that the SDK does not take.
    """

    def __init__(self, endpoint: str | None) -> None:
        own = Resource({"service.name": "ckit-daemon", "service.version": __version__})
        self._exporter = _Exporter(endpoint=endpoint)
        self._provider = TracerProvider(resource=own.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("ckit_daemon", __version__)

    @property
    def failing(self) -> bool:
        """Whether the collector did not take the last batch."""
        return self._exporter.failing

    def send(self, request: FinishedRequest) -> None:
        """Make the spans of a request: one named by its method, and one below it for each piece of work."""
        # Spans have wall-clock times; durations come from the monotonic clock, which nobody sets.
        offset = time.time() - time.monotonic()
        span = self._tracer.start_span(
            request.method,
            context=Context(),
            kind=SpanKind.SERVER,
            attributes={
                "rpc.system": "jsonrpc",
                "rpc.jsonrpc.version": "2.0",
                "rpc.method": request.method,
                "ckit.request_id": request.id,
                "ckit.outcome": request.outcome,
            },
            start_time=_nanoseconds(request.started + offset),
        )
        # Clients may name a repository by its path as well, and a path often names a person.
        if request.repository and not {"/", "\\"} & {*request.repository}:
            span.set_attribute("ckit.repository", request.repository)
        if request.outcome != "ok":
            span.set_attribute("error.type", request.outcome)
        if request.outcome not in NO_FAILURE:
            span.set_status(Status(StatusCode.ERROR))
        inside = set_span_in_context(span, Context())
        for work in request.work:
            child = self._tracer.start_span(work.name, context=inside, start_time=_nanoseconds(work.started + offset))
            child.end(_nanoseconds(work.ended + offset))
        span.end(_nanoseconds(request.ended + offset))

    def close(self) -> None:
        """Send what is left; blocks as long as the collector takes."""
        self._provider.shutdown()


class _Exporter(OTLPSpanExporter):
    """The SDK's exporter, which remembers how its last attempt went."""

    failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        self.failing = result is not SpanExportResult.SUCCESS
        return result


def _nanoseconds(seconds: float) -> int:
    return int(seconds * NANOSECONDS)
