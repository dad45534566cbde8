"""Routes about approvals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ckit_daemon.rpc.context import EncodedResult
from ckit_daemon.services.assistant.approvals import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.rpc.context import RequestContext
    from ckit_daemon.rpc.dispatch import Route
    from ckit_daemon.wire import approval as wire


async def list_(ctx: RequestContext, params: wire.ListParams) -> EncodedResult:
    """Answer `ckit/approval/list`."""
    approvals = await ctx.services.assistant.approvals.get()
    found, total = await approvals.query(params.session_id, params.state, offset=params.offset, limit=params.limit)
    end = params.offset + len(found)
    result = {"total": total, "approvals": found} | ({"nextOffset": end} if found and end < total else {})
    # Each may hold a long patch.
    return EncodedResult(await ctx.run(msgspec.json.encode, result))


async def resolve(ctx: RequestContext, params: wire.ResolveParams) -> EncodedResult:
    """Answer `ckit/approval/resolve`."""
    tools = await ctx.services.assistant.tools.get()
    approval = await tools.resolve(params.id, Answer(params.decision, params.arguments, params.note))
    return EncodedResult(b'{"approval":' + approval.to_json() + b"}")


ROUTES: Mapping[str, Route] = {"ckit/approval/list": list_, "ckit/approval/resolve": resolve}
