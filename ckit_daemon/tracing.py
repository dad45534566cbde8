"""Traces of requests for an OpenTelemetry collector, where one is configured.

A request is described once it is answered, and its spans are made from that description in a thread of their own.
So a request pays for one entry in a queue, the SDK is imported beside the first requests without losing them, and a
collector that hangs holds up nobody.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from ckit_daemon.services.probe import ProbeResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.otel import SpanSender

logger = logging.getLogger(__name__)

ENDPOINT_VARIABLES: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
TRACES_PATH: Final = "/v1/traces"
MAX_QUEUED_REQUESTS: Final = 10_000
FLUSH_SECONDS: Final = 0.4
"""How long the end of the daemon waits for the last spans to leave."""
INSTALL: Final = f'"{sys.executable}" -m pip install "ckit-daemon[otel]"'
WORKS: Final = ("everything but traces for the collector",)


class Work(NamedTuple):
    """One call in a worker thread; times are those of `time.monotonic`, in seconds."""

    name: str
    started: float
    """When it was handed over; the wait for a free thread counts."""
    ended: float


class FinishedRequest(NamedTuple):
    """A request that has been answered; times are those of `time.monotonic`, in seconds."""

    id: int | str
    method: str
    outcome: str
    """`ok` or the code of the error."""
    started: float
    ended: float
    repository: str = ""
    """The repository as the request names it, '' where it names none."""
    work: tuple[Work, ...] = ()


class Tracer(Protocol):
    """Takes note of requests. Nothing here raises, and nothing but `close` takes time."""

    def start(self) -> None:
        """Begin to send what has been and will be recorded."""
        ...

    def record(self, request: FinishedRequest) -> None:
        """Take note of one answered request."""
        ...

    def close(self) -> None:
        """Send what is left; blocks for FLUSH_SECONDS at most."""
        ...


class NoTracer:
    """Takes note of nothing."""

    def start(self) -> None:
        """Have nothing to begin."""

    def record(self, request: FinishedRequest) -> None:
        """Forget the request."""

    def close(self) -> None:
        """Have nothing to send."""


class OtlpTracer:
    """Sends a span for each request by OTLP over HTTP. It is also the health probe of that.

    Args:
        endpoint: URL that traces are posted to; None leaves it to the standard OTEL_* variables.
    """

    name = "tracing"
    essential = False

    def __init__(self, endpoint: str | None) -> None:
        self._endpoint = endpoint
        self._requests: SimpleQueue[FinishedRequest | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="ckit-tracing", daemon=True)
        self._settled = threading.Event()
        self._problem = ""
        self._sender: SpanSender | None = None

    def start(self) -> None:
        """Begin to send; the SDK is imported in the thread that does it."""
        self._thread.start()

    def record(self, request: FinishedRequest) -> None:
        """Take note of a request, unless too many wait already or nothing can be sent."""
        if not self._problem and self._requests.qsize() < MAX_QUEUED_REQUESTS:
            self._requests.put(request)

    def close(self) -> None:
        """Send what is left; a collector that takes longer than FLUSH_SECONDS gets no more."""
        self._requests.put(None)
        if self._thread.is_alive():
            self._thread.join(FLUSH_SECONDS)

    def check(self) -> ProbeResult:
        """Say whether traces can be sent, and whether the collector took the last ones; see `services.probe`."""
        self._settled.wait()
        if self._problem:
            return ProbeResult("degraded", self._problem, WORKS)
        if self._sender is not None and self._sender.failing:
            return ProbeResult("degraded", "The collector did not take the last traces; the log says why.", WORKS)
        return ProbeResult("ok", "Traces of requests go to the configured collector.")

    def _run(self) -> None:
        try:
            # The SDK takes longer to import than the daemon to start.
            from ckit_daemon.otel import SpanSender  # noqa: PLC0415

            self._sender = SpanSender(self._endpoint)
        except ImportError:
            self._problem = f"Traces are asked for, but OpenTelemetry is not installed. Install it: {INSTALL}"
        except ValueError as error:
            logger.warning("tracing is off", exc_info=error)
            self._problem = "Traces are asked for, but an OTEL_* variable can't be used; the log says which."
        self._settled.set()
        if self._sender is None:
            return
        while (request := self._requests.get()) is not None:
            self._sender.send(request)
        self._sender.close()


def is_configured(endpoint: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether a collector is named, by the setting or by a standard variable."""
    return bool(endpoint) or any(environment.get(name) for name in ENDPOINT_VARIABLES)


def otlp_tracer(endpoint: str) -> OtlpTracer:
    """Return the tracer for a collector's base URL; '' leaves it to the standard variables."""
    return OtlpTracer(endpoint.rstrip("/") + TRACES_PATH if endpoint else None)
