"""What is left of an answered request: counts, a line in the log, spans for a collector, the client's own trace."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ckit_daemon.core.json import JsonValue
    from ckit_daemon.metrics import Metrics
    from ckit_daemon.rpc.trace import ClientTrace
    from ckit_daemon.tracing import FinishedRequest, Tracer

logger = logging.getLogger(__name__)


class Recorder:
    """Takes note of every request once, at the moment of its answer; used on the event loop only."""

    def __init__(self, metrics: Metrics, tracer: Tracer, client: ClientTrace) -> None:
        self._metrics = metrics
        self._tracer = tracer
        self._client = client

    def to_keep(self, raw: JsonValue) -> JsonValue:
        """Return the parameters if they have to be kept until the answer, else None."""
        return raw if self._client.wants_params else None

    def record(self, request: FinishedRequest, raw: JsonValue, *, event: str, level: int = logging.INFO) -> None:
        """Take note of an answered request."""
        seconds = request.ended - request.started
        self._metrics.record(request.method, request.outcome, seconds)
        self._tracer.record(request)
        self._client.record(request, raw)
        if logger.isEnabledFor(level):
            logger.log(
                level,
                event,
                extra={
                    "request_id": request.id,
                    "method": request.method,
                    "outcome": request.outcome,
                    "duration_ms": round(seconds * 1000, 3),
                },
            )
