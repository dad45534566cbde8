"""Routes that read and find entities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.rpc.convert import Converter, next_offset, summary
from ckit_daemon.rpc.routes.common import opened, streamed
from ckit_daemon.wire import entity as wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.core.validation import Report
    from ckit_daemon.rpc.context import RequestContext
    from ckit_daemon.rpc.dispatch import Route
    from ckit_daemon.services.open_repository import OpenRepository


async def get(ctx: RequestContext, params: wire.GetParams) -> wire.GetResult:
    """Answer `ckit/entity/get`."""
    repository = await opened(ctx, params)
    return await ctx.run(lambda: _described(ctx, params, repository.report(ctx.progress)))


def _described(ctx: RequestContext, params: wire.GetParams, report: Report) -> wire.GetResult:
    snapshot = report.snapshot
    entity = snapshot.require(params.id)
    convert = Converter(snapshot, ctx.encoding)
    graph = snapshot.graph
    relations = [
        wire.Relation(
            rel=edge.rel,
            direction="out" if edge.source == entity.id else "in",
            entity=summary(graph.entities[edge.other(entity.id)]),
            statements=convert.statements(edge),
        )
        for edge in graph.edges_of(entity.id)
    ]
    return wire.GetResult(
        version=snapshot.version,
        entity=summary(entity),
        data=entity.data,
        location=convert.location(entity.document.location_at(("id",))),
        relations=relations,
        findings=[convert.finding(finding) for finding in report.by_path.get(entity.path, ())],
        duplicates=[other.path for other in snapshot.definitions[entity.id][1:]],
        text=entity.document.text if params.text else None,
    )


async def list_(ctx: RequestContext, params: wire.ListParams) -> wire.ListResult:
    """Answer `ckit/entity/list`."""
    snapshot = (await opened(ctx, params)).store.snapshot
    entities = await ctx.run(lambda: snapshot.entities)
    chosen = [
        entity
        for entity in entities
        if (params.types is None or entity.type in params.types)
        and (params.statuses is None or entity.status in params.statuses)
    ]
    page = [summary(entity) for entity in chosen[params.offset : params.offset + params.limit]]
    return wire.ListResult(
        version=snapshot.version,
        total=len(chosen),
        entities=await streamed(ctx, page),
        next_offset=next_offset(params, len(chosen)),
    )


async def search(ctx: RequestContext, params: wire.SearchParams) -> wire.SearchResult:
    """Answer `ckit/entity/search`."""
    repository = await opened(ctx, params)
    return await ctx.run(_searched, ctx, params, repository)


def _searched(ctx: RequestContext, params: wire.SearchParams, repository: OpenRepository) -> wire.SearchResult:
    snapshot = repository.store.snapshot
    found = repository.search_index.search(
        snapshot,
        params.query,
        types=params.types,
        statuses=params.statuses,
        fields=params.fields,
        limit=params.limit,
        offset=params.offset,
        progress=ctx.progress,
    )
    convert = Converter(snapshot, ctx.encoding)
    return wire.SearchResult(
        version=snapshot.version,
        total=found.total,
        hits=[
            wire.SearchHit(
                entity=summary(hit.entity),
                score=round(hit.score, 4),
                matches=[
                    wire.Match(
                        field=list(match.path),
                        excerpt=match.excerpt,
                        start=match.start,
                        end=match.end,
                        range=convert.range(match.range, hit.entity.document),
                    )
                    for match in hit.highlights
                ],
            )
            for hit in found.hits
        ],
        next_offset=next_offset(params, found.total),
    )


ROUTES: Mapping[str, Route] = {
    "ckit/entity/get": get,
    "ckit/entity/list": list_,
    "ckit/entity/search": search,
}
