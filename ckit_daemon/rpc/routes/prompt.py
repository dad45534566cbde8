"""Routes about prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.core.prompts import render as render_prompt
from ckit_daemon.rpc.routes.common import opened
from ckit_daemon.services.clock import timestamp
from ckit_daemon.services.edits import changes_to_write
from ckit_daemon.wire import prompt as wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.rpc.context import RequestContext
    from ckit_daemon.rpc.dispatch import Route


async def render(ctx: RequestContext, params: wire.RenderParams) -> wire.RenderResult:
    """Answer `ckit/prompt/render`."""
    repository = await opened(ctx, params)
    store = repository.store
    now = params.now or timestamp()
    snapshot = store.snapshot
    found = await ctx.run(
        lambda: render_prompt(snapshot, snapshot.require(params.id), now=now, template=params.template)
    )
    if params.write:
        texts = {found.prompt_path: found.prompt}
        if found.checklist is not None:
            texts[found.checklist_path] = found.checklist
        await store.apply(await ctx.run(changes_to_write, store, texts))
    return wire.RenderResult(
        id=found.entity.id,
        template=found.template,
        prompt=found.prompt,
        checklist=found.checklist,
        prompt_path=found.prompt_path,
        checklist_path=found.checklist_path,
        written=params.write,
    )


ROUTES: Mapping[str, Route] = {"ckit/prompt/render": render}
