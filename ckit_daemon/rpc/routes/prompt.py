"""Routes about prompts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ckit_daemon.core.prompts import render as render_prompt
from ckit_daemon.rpc.routes.common import opened
from ckit_daemon.services.ports import FileChange
from ckit_daemon.wire import prompt as wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.rpc.context import RequestContext
    from ckit_daemon.rpc.dispatch import Route


async def render(ctx: RequestContext, params: wire.RenderParams) -> wire.RenderResult:
    """Answer `ckit/prompt/render`."""
    repository = await opened(ctx, params)
    store = repository.store
    now = params.now or datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    snapshot = store.snapshot
    entity = snapshot.require(params.id)
    found = await ctx.run(lambda: render_prompt(snapshot, entity, now=now, template=params.template))
    if params.write:
        texts = {found.prompt_path: found.prompt}
        if found.checklist is not None:
            texts[found.checklist_path] = found.checklist
        changes = await ctx.run(lambda: [FileChange(path, text, store.disk_text(path)) for path, text in texts.items()])
        await store.apply(changes)
    return wire.RenderResult(
        id=entity.id,
        template=found.template,
        prompt=found.prompt,
        checklist=found.checklist,
        prompt_path=found.prompt_path,
        checklist_path=found.checklist_path,
        written=params.write,
    )


ROUTES: Mapping[str, Route] = {"ckit/prompt/render": render}
