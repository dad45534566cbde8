"""Routes that find passages by meaning, and answer questions with citations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.core.errors import InvalidArgumentError
from ckit_daemon.rpc.rag import Places, answered, filters, searched, status
from ckit_daemon.rpc.routes.common import opened
from ckit_daemon.services.rag.records import Question, SearchRequest
from ckit_daemon.wire import rag as wire
from ckit_daemon.wire.generation import TextPart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.rpc.context import RequestContext
    from ckit_daemon.rpc.dispatch import Route
    from ckit_daemon.services.open_repository import OpenRepository
    from ckit_daemon.services.rag.records import SearchResponse


async def index_status(ctx: RequestContext, params: wire.StatusParams) -> wire.StatusResult:
    """Answer `ckit/rag/status`."""
    repository = await opened(ctx, params)
    return status(await (await ctx.services.rag.get()).status(repository))


async def index(ctx: RequestContext, params: wire.IndexParams) -> wire.StatusResult:
    """Answer `ckit/rag/index`."""
    repository = await opened(ctx, params)
    service = await ctx.services.rag.get()
    return status(await service.index(repository, ctx.progress, rebuild=params.rebuild))


async def search(ctx: RequestContext, params: wire.SearchParams) -> wire.SearchResult:
    """Answer `ckit/rag/search`."""
    repository = await opened(ctx, params)
    request = SearchRequest(
        query=params.query,
        limit=params.top_k,
        mode=params.mode,
        filters=filters(params),
        expand=params.expand,
        rerank=params.rerank,
    )
    service = await ctx.services.rag.get()
    return await _converted(ctx, repository, await service.search(repository, request, ctx.progress))


async def similar(ctx: RequestContext, params: wire.SimilarParams) -> wire.SearchResult:
    """Answer `ckit/rag/similar`."""
    if (params.id is None) == (params.text is None):
        raise InvalidArgumentError("Give one of 'id' and 'text'.")
    repository = await opened(ctx, params)
    service = await ctx.services.rag.get()
    found = await service.similar(
        repository,
        params.id or params.text or "",
        params.top_k,
        filters(params),
        ctx.progress,
        is_text=params.id is None,
    )
    return await _converted(ctx, repository, found)


async def _converted(ctx: RequestContext, repository: OpenRepository, found: SearchResponse) -> wire.SearchResult:
    return await ctx.run(lambda: searched(found, Places(repository.store, ctx.encoding)))


async def query(ctx: RequestContext, params: wire.QueryParams) -> wire.QueryResult:
    """Answer `ckit/rag/query`."""
    repository = await opened(ctx, params)
    question = Question(
        params.question,
        request_id=str(ctx.request_id),
        filters=filters(params),
        limit=params.top_k,
        model=params.model,
        bypass_cache=params.bypass_cache,
    )
    service = await ctx.services.rag.get()
    found = await service.query(repository, question, ctx.progress, lambda text: ctx.partial([TextPart(text=text)]))
    return await ctx.run(lambda: answered(found, Places(repository.store, ctx.encoding)))


async def check(ctx: RequestContext, params: wire.CheckParams) -> wire.CheckResult:
    """Answer `ckit/rag/check`."""
    repository = await opened(ctx, params)
    service = await ctx.services.rag.get()
    version, states = await service.check(repository, [(each.chunk_id, each.content_hash) for each in params.citations])
    return wire.CheckResult(version=version, states=states)


async def clear(ctx: RequestContext, params: wire.ClearParams) -> wire.ClearResult:
    """Answer `ckit/rag/clear`."""
    repository = await opened(ctx, params)
    return wire.ClearResult(removed=await (await ctx.services.rag.get()).clear(repository))


ROUTES: Mapping[str, Route] = {
    "ckit/rag/status": index_status,
    "ckit/rag/index": index,
    "ckit/rag/search": search,
    "ckit/rag/similar": similar,
    "ckit/rag/query": query,
    "ckit/rag/check": check,
    "ckit/rag/clear": clear,
}
