"""Routes about the providers of models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.core.json import shorten
from ckit_daemon.rpc.errors import to_error
from ckit_daemon.services.assistant.providers.catalogue import offered_models
from ckit_daemon.services.assistant.providers.check import check_provider
from ckit_daemon.wire import provider as wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.rpc.context import RequestContext
    from ckit_daemon.rpc.dispatch import Route
    from ckit_daemon.services.assistant.gateway.breaker import CircuitState
    from ckit_daemon.services.assistant.providers.base import ProviderState
    from ckit_daemon.services.assistant.providers.check import CheckOutcome
    from ckit_daemon.wire.base import NoParams


async def list_(ctx: RequestContext, _params: NoParams) -> wire.ProviderListResult:
    """Answer `ckit/provider/list`."""
    registry = await ctx.services.assistant.providers.get()
    gateway = ctx.services.assistant.gateway.built
    circuits: Mapping[str, CircuitState] = {} if gateway is None else gateway.circuits()
    models = ctx.services.configuration.settings.models
    ctx.services.assistant.warm_up(models.chat)
    return wire.ProviderListResult(
        providers=[_provider(state, circuits.get(state.name, "closed")) for state in await registry.describe()],
        chat=models.chat,
        generation=models.generation or models.chat,
        embeddings=models.embeddings or None,
        fallbacks=models.fallbacks,
    )


async def models(ctx: RequestContext, params: wire.ModelsParams) -> wire.ModelsResult:
    """Answer `ckit/provider/models`."""
    registry = await ctx.services.assistant.providers.get()
    gateway = await ctx.services.assistant.gateway.get()
    found, complete = await offered_models(await registry.get(params.provider), gateway.prices)
    offered = [
        wire.Model(
            name=model.name,
            context_tokens=model.context_tokens,
            tool_mode=model.tool_mode,
            input_price=model.input_price,
            output_price=model.output_price,
        )
        for model in found
    ]
    return wire.ModelsResult(provider=params.provider, models=offered, complete=complete)


async def test(ctx: RequestContext, params: wire.TestParams) -> wire.TestResult:
    """Answer `ckit/provider/test`."""
    registry = await ctx.services.assistant.providers.get()
    provider = await registry.get(params.provider)
    settings = ctx.services.configuration.settings.models
    outcome = await check_provider(provider, params.model, settings, str(ctx.request_id))
    return _outcome(params.provider, outcome, ctx.request_id)


async def clear_cache(ctx: RequestContext, _params: NoParams) -> wire.ClearCacheResult:
    """Answer `ckit/provider/clearCache`."""
    gateway = await ctx.services.assistant.gateway.get()
    return wire.ClearCacheResult(removed=await gateway.clear_cache())


def _provider(state: ProviderState, circuit: CircuitState) -> wire.Provider:
    left_alone = circuit == "open" and state.reason is None
    return wire.Provider(
        name=state.name,
        kind=state.kind,
        status="unavailable" if left_alone else state.status,
        reason="It failed repeatedly and is left alone for a while." if left_alone else state.reason,
        base_url=state.base_url,
        key_source=state.key_source,
        circuit=circuit,
        tool_mode=state.tool_mode,
        purposes=[*state.purposes],
    )


def _outcome(provider: str, outcome: CheckOutcome, request_id: int | str) -> wire.TestResult:
    error = outcome.error
    return wire.TestResult(
        provider=provider,
        model=outcome.model,
        ok=error is None,
        detail=f"It answered: {shorten(' '.join(outcome.said.split()), 200) or '(nothing)'}"
        if error is None
        else error.message,
        first_output_ms=outcome.first_output_ms,
        total_ms=outcome.total_ms,
        error=None if error is None else to_error(error, request_id).data,
    )


ROUTES: Mapping[str, Route] = {
    "ckit/provider/list": list_,
    "ckit/provider/models": models,
    "ckit/provider/test": test,
    "ckit/provider/clearCache": clear_cache,
}
