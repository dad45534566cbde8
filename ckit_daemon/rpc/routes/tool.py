"""Routes about tools."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from ckit_daemon.core.errors import OperationCancelledError
from ckit_daemon.rpc.routes.common import opened, session_about
from ckit_daemon.services.assistant.tools.runner import ToolRequest
from ckit_daemon.wire import tool as wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.rpc.context import RequestContext
    from ckit_daemon.rpc.dispatch import Route


async def list_(ctx: RequestContext, params: wire.ListParams) -> wire.ListResult:
    """Answer `ckit/tool/list`."""
    tools = await ctx.services.assistant.tools.get()
    repository = None if params.repository is None else await opened(ctx, params)
    session = await session_about(ctx, params.session_id, repository)
    # The first schemas are built here, which takes longer than the loop may wait.
    found = await ctx.run(lambda: tools.tools(session, trusted=ctx.trusted))
    return wire.ListResult(
        tools=[
            wire.Tool.model_validate(
                {
                    "name": each.name,
                    "description": each.description,
                    "class": each.tool_class,
                    "inputSchema": each.input_schema,
                    "source": each.source,
                    "status": each.status,
                    "reason": each.reason,
                }
            )
            for each in found
        ]
    )


async def run(ctx: RequestContext, params: wire.RunParams) -> wire.RunResult:
    """Answer `ckit/tool/run`."""
    repository = await opened(ctx, params)
    tools = await ctx.services.assistant.tools.get()
    session = await session_about(ctx, params.session_id, repository)
    call_id = uuid.uuid4().hex
    outcome = await tools.run(
        ToolRequest(
            name=params.name,
            arguments=params.arguments,
            call_id=call_id,
            repository=repository,
            trusted=ctx.trusted,
            session=session,
            turn_id=None,
            request_id=str(ctx.request_id),
            on_approval=None,
            progress=ctx.progress,
        )
    )
    if outcome.status == "cancelled":
        raise OperationCancelledError("The tool run was cancelled.")
    return wire.RunResult(
        call_id=call_id,
        name=params.name,
        status=outcome.status,
        output=outcome.output,
        text=outcome.text,
        truncated=outcome.truncated,
        duration_ms=outcome.duration_ms,
        error_code=outcome.error_code,
    )


ROUTES: Mapping[str, Route] = {"ckit/tool/list": list_, "ckit/tool/run": run}
