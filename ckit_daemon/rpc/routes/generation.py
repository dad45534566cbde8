"""Routes that make entities up and say where generated things came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.rpc.generation import caller, choice, entity_change, explained
from ckit_daemon.rpc.routes.common import opened
from ckit_daemon.services.generation.entity import EntityRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.rpc.context import RequestContext
    from ckit_daemon.rpc.dispatch import Route
    from ckit_daemon.wire import generation as wire


async def generate(ctx: RequestContext, params: wire.GenerateParams) -> wire.EntityChange:
    """Answer `ckit/entity/generate`."""
    repository = await opened(ctx, params)
    service = await ctx.services.assistant.generation.get()
    request = EntityRequest(
        params.type, params.request, params.feature, params.id, params.max_repairs, choice=choice(params)
    )
    made = await service.make_entity(request, repository, caller(ctx), apply=params.apply)
    return await ctx.run(entity_change, made, repository, ctx.encoding)


async def explain(ctx: RequestContext, params: wire.ExplainParams) -> wire.ExplainResult:
    """Answer `ckit/generation/explain`."""
    repository = await opened(ctx, params)
    service = await ctx.services.assistant.generation.get()
    found = await service.explain(repository, generation_id=params.id, entity=params.entity)
    return await ctx.run(explained, found)


ROUTES: Mapping[str, Route] = {"ckit/entity/generate": generate, "ckit/generation/explain": explain}
