"""Routes that make code, write it, and take it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.rpc.generation import caller, change, choice, written
from ckit_daemon.rpc.routes.common import opened, session_about
from ckit_daemon.services.generation.code import CodeRequest
from ckit_daemon.wire import code as wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.rpc.context import RequestContext
    from ckit_daemon.rpc.dispatch import Route
    from ckit_daemon.services.generation.made import Made
    from ckit_daemon.services.open_repository import OpenRepository


async def generate(ctx: RequestContext, params: wire.GenerateParams) -> wire.GenerateResult:
    """Answer `ckit/code/generate`."""
    repository = await opened(ctx, params)
    service = await ctx.services.assistant.generation.get()
    request = CodeRequest(
        params.spec,
        params.language,
        params.framework,
        params.style_guide,
        params.folder,
        params.max_tokens,
        choice=choice(params),
    )
    made = await service.make_code(request, repository, caller(ctx))
    return await ctx.run(_files, made, repository, ctx.encoding)


def _files(made: Made, repository: OpenRepository, encoding: str) -> wire.GenerateResult:
    artifacts = [
        wire.Artifact(
            path=each.path,
            content=each.content,
            language=each.language,
            purpose=each.purpose,
            exists=each.path not in made.plan.creates,
        )
        for each in made.artifacts
    ]
    return wire.GenerateResult(**dict(change(made, repository, encoding)), artifacts=artifacts)


async def apply(ctx: RequestContext, params: wire.ApplyParams) -> wire.ChangedFiles:
    """Answer `ckit/code/apply`."""
    repository = await opened(ctx, params)
    await session_about(ctx, params.session_id, repository)
    service = await ctx.services.assistant.generation.get()
    done = await service.apply(params.generation_id, params.paths, repository, params.session_id)
    return await ctx.run(written, done, repository)


async def undo(ctx: RequestContext, params: wire.UndoParams) -> wire.ChangedFiles:
    """Answer `ckit/code/undo`."""
    repository = await opened(ctx, params)
    service = await ctx.services.assistant.generation.get()
    done = await service.undo(params.generation_id, repository)
    return await ctx.run(written, done, repository)


ROUTES: Mapping[str, Route] = {
    "ckit/code/generate": generate,
    "ckit/code/apply": apply,
    "ckit/code/undo": undo,
}
