"""Routes of the methods about the daemon itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from ckit_daemon.metrics import resident_bytes
from ckit_daemon.rpc.capabilities import describe_capabilities
from ckit_daemon.rpc.context import EncodedResult
from ckit_daemon.wire.server import (
    AnswerMetrics,
    ComponentHealth,
    ConfigGetResult,
    ConfigWarning,
    HealthResult,
    MethodMetrics,
    MetricsResult,
    ModelMetrics,
    SearchMetrics,
    Setting,
    ToolMetrics,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.rpc.context import RequestContext
    from ckit_daemon.rpc.dispatch import Route
    from ckit_daemon.wire.base import NoParams
    from ckit_daemon.wire.server import ConfigGetParams, HealthParams


async def health(ctx: RequestContext, params: HealthParams) -> HealthResult:
    """Answer `ckit/health`."""
    report = await ctx.services.health.report(fresh=params.fresh)
    return HealthResult(
        status=report.status,
        live=True,
        ready=report.ready,
        components=[
            ComponentHealth(
                name=c.name,
                status=c.status,
                detail=c.detail,
                works=list(c.works) or None,
                latency_ms=c.latency_ms,
                age_seconds=c.age_seconds,
            )
            for c in report.components
        ],
        uptime_seconds=report.uptime_seconds,
        versions=report.versions,
    )


async def metrics(ctx: RequestContext, _params: NoParams) -> MetricsResult:
    """Answer `ckit/metrics`."""
    snapshot = ctx.services.metrics.snapshot(await ctx.run(resident_bytes))
    return MetricsResult(
        uptime_seconds=snapshot.uptime_seconds,
        in_flight=snapshot.in_flight,
        queued=snapshot.queued,
        requests=[
            MethodMetrics(
                method=r.method,
                outcome=r.outcome,
                count=r.count,
                total_seconds=r.total_seconds,
                max_seconds=r.max_seconds,
            )
            for r in snapshot.requests
        ],
        errors=snapshot.errors,
        bytes_received=snapshot.bytes_received,
        bytes_sent=snapshot.bytes_sent,
        memory_bytes=snapshot.memory_bytes,
        models=[ModelMetrics.model_validate(m, from_attributes=True) for m in snapshot.models],
        answers=AnswerMetrics.model_validate(snapshot.answers, from_attributes=True),
        models_queued=snapshot.models_queued,
        tools=[ToolMetrics.model_validate(t, from_attributes=True) for t in snapshot.tools],
        searches=[SearchMetrics.model_validate(s, from_attributes=True) for s in snapshot.searches],
        passages_embedded=snapshot.passages_embedded,
        prometheus=await ctx.run(snapshot.prometheus),
    )


async def capabilities(ctx: RequestContext, _params: NoParams) -> EncodedResult:
    """Answer `ckit/capabilities`, with the very object that initialize answered with."""
    described = describe_capabilities(ctx.services.configuration.settings, ctx.session)
    return EncodedResult(orjson.dumps(described))


async def config_get(ctx: RequestContext, params: ConfigGetParams) -> ConfigGetResult:
    """Answer `ckit/config/get`."""
    configuration = ctx.services.configuration
    return ConfigGetResult(
        settings=[
            Setting(key=s.key, value=s.value, source=s.source, description=s.description)
            for s in configuration.describe(params.prefix or "")
        ],
        warnings=[ConfigWarning(key=w.key, source=w.source, message=w.message) for w in configuration.warnings],
    )


ROUTES: Mapping[str, Route] = {
    "ckit/health": health,
    "ckit/metrics": metrics,
    "ckit/capabilities": capabilities,
    "ckit/config/get": config_get,
}
