"""Routes about turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ckit_daemon.rpc.context import EncodedResult
from ckit_daemon.services.assistant.records import Attachment, Turn
from ckit_daemon.services.assistant.turns import StartTurn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.rpc.context import RequestContext
    from ckit_daemon.rpc.dispatch import Route
    from ckit_daemon.wire import turn as wire


def _answer(turn: Turn) -> EncodedResult:
    return EncodedResult(b'{"turn":' + turn.to_json() + b"}")


async def start(ctx: RequestContext, params: wire.StartParams) -> EncodedResult:
    """Answer `ckit/turn/start`."""
    turns = await ctx.services.assistant.turns.get()
    request = StartTurn(
        session_id=params.session_id,
        text=params.text,
        attachments=tuple(msgspec.json.decode(each.to_json(), type=Attachment) for each in params.attachments),
        resume=params.resume,
        model=params.model,
        mode=params.mode,
        temperature=params.temperature,
        max_output_tokens=params.max_output_tokens,
        bypass_cache=params.bypass_cache,
        request_id=str(ctx.request_id),
        trusted=ctx.trusted,
        progress=ctx.progress,
    )
    return _answer(await turns.start(request))


async def cancel(ctx: RequestContext, params: wire.CancelParams) -> EncodedResult:
    """Answer `ckit/turn/cancel`."""
    turns = await ctx.services.assistant.turns.get()
    return _answer(await turns.cancel(params.session_id, params.turn_id))


async def steer(ctx: RequestContext, params: wire.SteerParams) -> EncodedResult:
    """Answer `ckit/turn/steer`."""
    turns = await ctx.services.assistant.turns.get()
    item = await turns.steer(params.session_id, params.text)
    return EncodedResult(b'{"item":' + item.to_json() + b"}")


ROUTES: Mapping[str, Route] = {"ckit/turn/start": start, "ckit/turn/cancel": cancel, "ckit/turn/steer": steer}
