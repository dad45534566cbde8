"""Counts what the daemon does; Prometheus' own library renders the counts on demand.

prometheus_client takes 110 ms to import, so that the counters are plain numbers and the library is loaded when
somebody asks for its text format.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.metrics_core import Metric

BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@dataclass(slots=True)
class RequestCount:
    """Requests of one method with one outcome (`ok` or an error code); `buckets[-1]` counts the slowest."""

    method: str
    outcome: str
    count: int = 0
    total_seconds: float = 0.0
    max_seconds: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_SECONDS) + 1))


@dataclass(slots=True)
class ModelCount:
    """Calls of one model with one outcome (`ok`, `cancelled` or an error code)."""

    provider: str
    model: str
    outcome: str
    count: int = 0
    total_seconds: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    """In US dollars; calls of models without a known price add nothing."""


@dataclass(slots=True)
class ToolCount:
    """Runs of one tool with one status."""

    tool: str
    status: str
    count: int = 0
    total_seconds: float = 0.0


@dataclass(slots=True)
class AnswerCount:
    """Where the answers of models came from, other than from a call of their own."""

    cache_hits: int = 0
    cache_misses: int = 0
    stale_hits: int = 0
    """Old answers given because no provider could answer."""
    shared: int = 0
    """Answers that an identical request in flight got as well."""
    retries: int = 0
    """Further tries after a transient failure."""


@dataclass(slots=True)
class SearchCount:
    """Searches of passages in one mode."""

    mode: str
    """How they were really done: `hybrid`, `lexical` or `vector`."""
    count: int = 0
    degraded: int = 0
    """Of these, how many could not be done as asked."""
    total_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class MetricsSnapshot:
    """All counts at one moment."""

    uptime_seconds: float
    in_flight: int
    queued: int
    requests: list[RequestCount]
    errors: dict[str, int]
    bytes_received: int
    bytes_sent: int
    memory_bytes: int
    models: list[ModelCount]
    answers: AnswerCount
    models_queued: int
    tools: list[ToolCount]
    searches: list[SearchCount]
    passages_embedded: int

    def prometheus(self) -> str:
        """Return the counts in Prometheus' text exposition format; loads prometheus_client."""
        from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - see above.

        registry = CollectorRegistry()
        registry.register(_Collector(self))
        return generate_latest(registry).decode()


def resident_bytes() -> int:
    """Return the resident memory of this process; call it in a worker thread, since it may import psutil."""
    import psutil  # noqa: PLC0415 - takes 40 ms, and nothing else at the start needs it.

    return psutil.Process().memory_info().rss


class Metrics:
    """The counters of one daemon; used on the event loop only."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._requests: dict[tuple[str, str], RequestCount] = {}
        self._models: dict[tuple[str, str, str], ModelCount] = {}
        self._tools: dict[tuple[str, str], ToolCount] = {}
        self._searches: dict[str, SearchCount] = {}
        self.passages_embedded = 0
        """Passages whose vectors this daemon has computed for an index."""
        self.in_flight = 0
        self.queued = 0
        self.answers = AnswerCount()
        self.models_queued = 0
        """Model calls that wait for their turn."""
        self.transferred: Callable[[], tuple[int, int]] = lambda: (0, 0)
        """Returns the bytes received and sent; set by whoever owns the connection."""

    @property
    def uptime_seconds(self) -> float:
        """Seconds since the daemon was built."""
        return time.monotonic() - self._started

    def record(self, method: str, outcome: str, seconds: float) -> None:
        """Count one answered request."""
        entry = self._requests.get((method, outcome))
        if entry is None:
            entry = self._requests[method, outcome] = RequestCount(method, outcome)
        entry.count += 1
        entry.total_seconds += seconds
        entry.max_seconds = max(entry.max_seconds, seconds)
        entry.buckets[bisect_left(BUCKETS_SECONDS, seconds)] += 1

    def record_model(self, call: ModelCount) -> None:
        """Add one or more calls of a model to what is counted of it."""
        key = (call.provider, call.model, call.outcome)
        entry = self._models.setdefault(key, ModelCount(*key))
        entry.count += call.count
        entry.total_seconds += call.total_seconds
        entry.input_tokens += call.input_tokens
        entry.output_tokens += call.output_tokens
        entry.cost += call.cost

    def record_tool(self, tool: str, status: str, seconds: float) -> None:
        """Count one run of a tool."""
        entry = self._tools.setdefault((tool, status), ToolCount(tool, status))
        entry.count += 1
        entry.total_seconds += seconds

    def record_search(self, mode: str, seconds: float, *, degraded: bool) -> None:
        """Count one search of passages."""
        entry = self._searches.setdefault(mode, SearchCount(mode))
        entry.count += 1
        entry.degraded += degraded
        entry.total_seconds += seconds

    def snapshot(self, memory_bytes: int) -> MetricsSnapshot:
        """Return all counts beside what `resident_bytes` said."""
        errors: dict[str, int] = {}
        for entry in self._requests.values():
            if entry.outcome != "ok":
                errors[entry.outcome] = errors.get(entry.outcome, 0) + entry.count
        received, sent = self.transferred()
        return MetricsSnapshot(
            uptime_seconds=self.uptime_seconds,
            in_flight=self.in_flight,
            queued=self.queued,
            requests=[
                RequestCount(r.method, r.outcome, r.count, r.total_seconds, r.max_seconds, list(r.buckets))
                for r in self._requests.values()
            ],
            errors=errors,
            bytes_received=received,
            bytes_sent=sent,
            memory_bytes=memory_bytes,
            models=[replace(entry) for entry in self._models.values()],
            answers=replace(self.answers),
            models_queued=self.models_queued,
            tools=[replace(entry) for entry in self._tools.values()],
            searches=[replace(entry) for entry in self._searches.values()],
            passages_embedded=self.passages_embedded,
        )


class _Collector:
    """Gives a snapshot to prometheus_client."""

    def __init__(self, snapshot: MetricsSnapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import (  # noqa: PLC0415 - see the module's docstring.
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        snap = self._snapshot
        yield GaugeMetricFamily("ckit_uptime_seconds", "Seconds since the start.", snap.uptime_seconds)
        yield GaugeMetricFamily("ckit_requests_in_flight", "Requests that run now.", snap.in_flight)
        yield GaugeMetricFamily("ckit_requests_queued", "Requests that wait.", snap.queued)
        yield GaugeMetricFamily("ckit_memory_bytes", "Resident memory.", snap.memory_bytes)
        yield CounterMetricFamily("ckit_received_bytes", "Bytes from the client.", snap.bytes_received)
        yield CounterMetricFamily("ckit_sent_bytes", "Bytes to the client.", snap.bytes_sent)
        errors = CounterMetricFamily("ckit_errors", "Error answers by code.", labels=["code"])
        for code, count in snap.errors.items():
            errors.add_metric([code], count)
        yield errors
        requests = HistogramMetricFamily(
            "ckit_request_duration_seconds", "Time from arrival to answer.", labels=["method", "outcome"]
        )
        for entry in snap.requests:
            total = 0
            buckets: list[tuple[str, float]] = []
            for bound, count in zip((*BUCKETS_SECONDS, "+Inf"), entry.buckets, strict=True):
                total += count
                buckets.append((str(bound), total))
            requests.add_metric([entry.method, entry.outcome], buckets, entry.total_seconds)
        yield requests
        yield from self._models()
        yield from self._tools()
        yield from self._searches()

    def _models(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415 - as above.

        snap = self._snapshot
        yield GaugeMetricFamily("ckit_model_calls_queued", "Model calls that wait.", snap.models_queued)
        labels = ["provider", "model", "outcome"]
        calls = CounterMetricFamily("ckit_model_calls", "Model calls.", labels=labels)
        seconds = CounterMetricFamily("ckit_model_seconds", "Time of model calls.", labels=labels)
        cost = CounterMetricFamily("ckit_model_cost_dollars", "Price of model calls, where known.", labels=labels)
        tokens = CounterMetricFamily("ckit_model_tokens", "Tokens of model calls.", labels=[*labels, "direction"])
        for entry in snap.models:
            key = [entry.provider, entry.model, entry.outcome]
            calls.add_metric(key, entry.count)
            seconds.add_metric(key, entry.total_seconds)
            cost.add_metric(key, entry.cost)
            tokens.add_metric([*key, "input"], entry.input_tokens)
            tokens.add_metric([*key, "output"], entry.output_tokens)
        yield from (calls, seconds, cost, tokens)
        answers = CounterMetricFamily("ckit_model_answers", "Answers without a call of their own.", labels=["source"])
        for source, count in (
            ("cache", snap.answers.cache_hits),
            ("staleCache", snap.answers.stale_hits),
            ("shared", snap.answers.shared),
        ):
            answers.add_metric([source], count)
        yield answers
        yield CounterMetricFamily("ckit_answer_cache_misses", "Answers not in the cache.", snap.answers.cache_misses)
        yield CounterMetricFamily("ckit_model_retries", "Tries after a transient failure.", snap.answers.retries)

    def _tools(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import CounterMetricFamily  # noqa: PLC0415 - as above.

        runs = CounterMetricFamily("ckit_tool_runs", "Tool runs.", labels=["tool", "status"])
        seconds = CounterMetricFamily("ckit_tool_seconds", "Time of tool runs.", labels=["tool", "status"])
        for entry in self._snapshot.tools:
            runs.add_metric([entry.tool, entry.status], entry.count)
            seconds.add_metric([entry.tool, entry.status], entry.total_seconds)
        yield from (runs, seconds)

    def _searches(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import CounterMetricFamily  # noqa: PLC0415 - as above.

        searches = CounterMetricFamily("ckit_rag_searches", "Searches of passages.", labels=["mode"])
        degraded = CounterMetricFamily("ckit_rag_searches_degraded", "Of these, not done as asked.", labels=["mode"])
        seconds = CounterMetricFamily("ckit_rag_search_seconds", "Time of searches of passages.", labels=["mode"])
        for entry in self._snapshot.searches:
            searches.add_metric([entry.mode], entry.count)
            degraded.add_metric([entry.mode], entry.degraded)
            seconds.add_metric([entry.mode], entry.total_seconds)
        yield from (searches, degraded, seconds)
        yield CounterMetricFamily(
            "ckit_rag_passages_embedded", "Passages embedded for an index.", self._snapshot.passages_embedded
        )
