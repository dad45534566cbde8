"""Methods about the daemon itself: health, metrics, capabilities and configuration."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from ckit_daemon.wire.base import Params, Result, WireModel
from ckit_daemon.wire.row import Method

ComponentStatus = Literal["ok", "degraded", "failed", "disabled", "pending"]


class ComponentHealth(WireModel):
    """State of one component as its probe found it."""

    name: str = Field(description="Stable name of the component, e.g. `storage` or `node`.")
    status: ComponentStatus = Field(
        description="How it is; `disabled` by a setting, `pending` until its first probe ends."
    )
    detail: str = Field(description="What the probe found, for people.")
    works: list[str] | None = Field(default=None, description="What still works although the component does not.")
    latency_ms: float | None = Field(
        default=None, description="How long the probe took, in milliseconds; nothing while `pending`."
    )
    age_seconds: float | None = Field(default=None, description="How long ago the probe ended, in seconds.")


class HealthParams(Params):
    """How new the findings have to be."""

    fresh: bool = Field(
        default=False,
        description="Probe every component now and wait for it, up to `limits.probeTimeoutSeconds`. "
        "Otherwise the answer comes at once, from the last probes.",
    )


class HealthResult(Result):
    """The daemon's health: liveness apart from readiness, and every component probed."""

    status: Literal["ok", "degraded", "failed"] = Field(
        description="The worst of the components that count: `failed` if one that every method needs has failed."
    )
    live: bool = Field(description="The daemon answers.")
    ready: bool = Field(description="No component that every method needs has failed.")
    components: list[ComponentHealth] = Field(description="Each component with what its probe found.")
    uptime_seconds: float = Field(description="Time since the start.")
    versions: dict[str, str] = Field(description="Versions of the daemon, the protocol, Python and main libraries.")


class MethodMetrics(WireModel):
    """Requests of one method with one outcome."""

    method: str = Field(description="Name of the method.")
    outcome: str = Field(description="`ok` or the code of the error.")
    count: int = Field(description="Requests.")
    total_seconds: float = Field(description="Time for all of them.")
    max_seconds: float = Field(description="Time for the longest.")


class ModelMetrics(WireModel):
    """Calls of one model with one outcome."""

    provider: str = Field(description="Name of the provider.")
    model: str = Field(description="Name of the model.")
    outcome: str = Field(description="`ok`, `cancelled` or the code of the error.")
    count: int = Field(description="Calls.")
    total_seconds: float = Field(description="Time for all of them.")
    input_tokens: int = Field(description="Tokens of their input.")
    output_tokens: int = Field(description="Tokens of their output.")
    cost: float = Field(description="US dollars; calls of models without a known price add nothing.")


class AnswerMetrics(WireModel):
    """Where the answers of models came from, other than from a call of their own."""

    cache_hits: int = Field(description="Answers from the daemon's cache.")
    cache_misses: int = Field(description="Answers that the cache did not have.")
    stale_hits: int = Field(description="Old answers from the cache, given because no provider could answer.")
    shared: int = Field(description="Answers that an identical request in flight got as well.")
    retries: int = Field(description="Further tries after a transient failure.")


class ToolMetrics(WireModel):
    """Runs of one tool with one status."""

    tool: str = Field(description="Name of the tool.")
    status: str = Field(description="`ok`, `error`, `denied` or `cancelled`.")
    count: int = Field(description="Runs.")
    total_seconds: float = Field(description="Time for all of them.")


class SearchMetrics(WireModel):
    """Searches of passages in one mode."""

    mode: str = Field(description="How they were really done: `hybrid`, `lexical` or `vector`.")
    count: int = Field(description="Searches.")
    degraded: int = Field(description="Of these, how many could not be done as asked.")
    total_seconds: float = Field(description="Time for all of them.")


class MetricsResult(Result):
    """Counters and gauges since the start of the process."""

    uptime_seconds: float = Field(description="Time since the start.")
    in_flight: int = Field(description="Requests that run now.")
    queued: int = Field(description="Requests that wait for a free place.")
    requests: list[MethodMetrics] = Field(description="Requests by method and outcome.")
    errors: dict[str, int] = Field(description="Number of error answers by error code.")
    bytes_received: int = Field(description="Bytes read from the client.")
    bytes_sent: int = Field(description="Bytes written to the client.")
    memory_bytes: int = Field(description="Resident memory of the daemon.")
    models: list[ModelMetrics] = Field(description="Model calls by model and outcome.")
    answers: AnswerMetrics = Field(description="Answers without a model call of their own.")
    models_queued: int = Field(description="Model calls that wait for their turn.")
    tools: list[ToolMetrics] = Field(description="Tool runs by tool and status.")
    searches: list[SearchMetrics] = Field(description="Searches of passages by mode.")
    passages_embedded: int = Field(description="Passages whose vectors this daemon has computed for an index.")
    prometheus: str = Field(description="The same as Prometheus text exposition format 0.0.4.")


class MethodDescription(WireModel):
    """One available method."""

    name: str = Field(description="Name on the wire.")
    kind: Literal["request", "notification"] = Field(description="A notification has no answer.")
    direction: Literal["clientToServer", "serverToClient", "both"] = Field(description="Who sends it.")
    stability: Literal["stable", "experimental"] = Field(description='See "Versions and stability".')


class Limits(WireModel):
    """Limits that a client should know."""

    max_message_bytes: int = Field(description="Largest message in either direction.")
    max_concurrent: int = Field(description="Requests that run at a time.")
    max_queued: int = Field(description="Requests that may wait.")
    request_timeout_seconds: float = Field(description="Time for a request, waiting included.")


class Capabilities(Result):
    """What this session may use; also sent as `capabilities.experimental.ckit` in the answer to initialize."""

    protocol_version: str = Field(description="The version that this session speaks.")
    schema_hash: str = Field(description="SHA-256 over the JSON Schemas of all methods, in hexadecimal.")
    daemon_version: str = Field(description="Version of the daemon.")
    methods: list[MethodDescription] = Field(description="Methods that can be called or will be sent.")
    features: list[str] = Field(description="Features that are switched on.")
    limits: Limits = Field(description="Limits of this session.")


class ConfigGetParams(Params):
    """Which settings to return."""

    prefix: str | None = Field(default=None, max_length=200, description="Only settings whose key starts so.")


class Setting(WireModel):
    """One effective setting."""

    key: str = Field(description="Group and name.")
    value: Any = Field(description="The value in force; secrets appear as a reference only.")
    source: Literal["default", "environment", "userFile", "repositoryFile", "client"] = Field(
        description="Where the value comes from."
    )
    description: str = Field(description="What it does.")


class ConfigWarning(WireModel):
    """An option that was not taken over, and why."""

    key: str = Field(description="Group and name as given.")
    source: Literal["environment", "userFile", "repositoryFile", "client"] = Field(description="Where it comes from.")
    message: str = Field(description="What is wrong with it.")


class ConfigGetResult(Result):
    """The effective configuration."""

    settings: list[Setting] = Field(description="The settings.")
    warnings: list[ConfigWarning] = Field(description="Options that were ignored.")


METHODS: tuple[Method, ...] = (
    Method(
        name="ckit/health",
        summary="Say whether the daemon and each of its components work.",
        params=HealthParams,
        result=HealthResult,
        cost="instant",
    ),
    Method(
        name="ckit/metrics",
        summary="Return counters, latencies and gauges, structured and as Prometheus text.",
        result=MetricsResult,
        cost="instant",
    ),
    Method(
        name="ckit/capabilities",
        summary="Return the methods, features and limits of this session.",
        result=Capabilities,
        cost="instant",
    ),
    Method(
        name="ckit/config/get",
        summary="Return each effective setting with its value, source and description.",
        params=ConfigGetParams,
        result=ConfigGetResult,
        cost="instant",
    ),
)
