"""Routes about sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import orjson

from ckit_daemon.rpc.context import EncodedResult
from ckit_daemon.rpc.routes.common import opened
from ckit_daemon.services.assistant.ports import SessionQuery
from ckit_daemon.services.assistant.records import Budget, ClientTool
from ckit_daemon.services.assistant.sessions import NewSession
from ckit_daemon.wire import session as wire
from ckit_daemon.wire.common import RepositoryParams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.rpc.context import RequestContext
    from ckit_daemon.rpc.dispatch import Route
    from ckit_daemon.services.assistant.records import Session


def _answer(session: Session) -> EncodedResult:
    return EncodedResult(b'{"session":' + session.to_json() + b"}")


def _budget(budget: wire.Budget | None) -> Budget | None:
    return None if budget is None else Budget(max_tokens=budget.max_tokens, max_cost=budget.max_cost)


def _warm_up(ctx: RequestContext, session: Session) -> None:
    ctx.services.assistant.warm_up(session.model or ctx.services.configuration.settings.models.chat)


async def create(ctx: RequestContext, params: wire.CreateParams) -> EncodedResult:
    """Answer `ckit/session/create`."""
    repository = await opened(ctx, params)
    sessions = await ctx.services.assistant.sessions.get()
    new = NewSession(
        repository=repository.id,
        title=params.title or "",
        mode=params.mode,
        model=params.model,
        budget=_budget(params.budget),
        tools=tuple(msgspec.json.decode(tool.to_json(), type=ClientTool) for tool in params.tools),
    )
    session = await sessions.create(new)
    _warm_up(ctx, session)
    return _answer(session)


async def list_(ctx: RequestContext, params: wire.ListParams) -> EncodedResult:
    """Answer `ckit/session/list`."""
    named = params.repository
    repository = None if named is None else (await opened(ctx, RepositoryParams(repository=named))).id
    sessions = await ctx.services.assistant.sessions.get()
    found, total = await sessions.query(
        SessionQuery(repository, params.archived, params.query or "", params.offset, params.limit)
    )
    end = params.offset + params.limit
    result = {"total": total, "sessions": found} | ({"nextOffset": end} if end < total else {})
    return EncodedResult(await ctx.run(msgspec.json.encode, result))


async def get(ctx: RequestContext, params: wire.GetParams) -> EncodedResult:
    """Answer `ckit/session/get`."""
    sessions = await ctx.services.assistant.sessions.get()
    page = await sessions.get(params.id, replay_from=params.replay_from, limit=params.limit)
    _warm_up(ctx, page.session)
    result = {"session": page.session, "turns": page.turns, "items": page.items}
    if page.next_replay_from is not None:
        result |= {"nextReplayFrom": page.next_replay_from}
    return EncodedResult(await ctx.run(msgspec.json.encode, result))


async def rename(ctx: RequestContext, params: wire.RenameParams) -> EncodedResult:
    """Answer `ckit/session/rename`."""
    sessions = await ctx.services.assistant.sessions.get()
    return _answer(await sessions.rename(params.id, params.title))


async def fork(ctx: RequestContext, params: wire.ForkParams) -> EncodedResult:
    """Answer `ckit/session/fork`."""
    sessions = await ctx.services.assistant.sessions.get()
    return _answer(
        await sessions.fork(params.id, up_to_turn=params.up_to_turn, title=params.title, budget=_budget(params.budget))
    )


async def archive(ctx: RequestContext, params: wire.ArchiveParams) -> EncodedResult:
    """Answer `ckit/session/archive`."""
    sessions = await ctx.services.assistant.sessions.get()
    return _answer(await sessions.archive(params.id, archived=params.archived))


async def delete(ctx: RequestContext, params: wire.IdParams) -> wire.DeleteResult:
    """Answer `ckit/session/delete`."""
    sessions = await ctx.services.assistant.sessions.get()
    await sessions.delete(params.id)
    return wire.DeleteResult(id=params.id)


async def export(ctx: RequestContext, params: wire.ExportParams) -> wire.ExportResult:
    """Answer `ckit/session/export`."""
    sessions = await ctx.services.assistant.sessions.get()
    found = await sessions.export(params.id, markdown=params.format == "markdown")
    return wire.ExportResult(id=params.id, media_type=found.media_type, content=found.content)


async def compact(ctx: RequestContext, params: wire.CompactParams) -> EncodedResult:
    """Answer `ckit/session/compact`."""
    turns = await ctx.services.assistant.turns.get()
    session, item, before, after = await turns.compact(params.id, params.instructions, request_id=str(ctx.request_id))
    counts = orjson.dumps({"beforeTokens": before, "afterTokens": after})
    return EncodedResult(b'{"session":' + session.to_json() + b',"item":' + item.to_json() + b"," + counts[1:])


ROUTES: Mapping[str, Route] = {
    "ckit/session/create": create,
    "ckit/session/list": list_,
    "ckit/session/get": get,
    "ckit/session/rename": rename,
    "ckit/session/fork": fork,
    "ckit/session/archive": archive,
    "ckit/session/delete": delete,
    "ckit/session/export": export,
    "ckit/session/compact": compact,
}
