"""Routes about whole repositories."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ckit_daemon.core.errors import InvalidArgumentError
from ckit_daemon.rpc.convert import SEVERITIES, Converter, next_offset, summary
from ckit_daemon.rpc.impact import impact_result
from ckit_daemon.rpc.paths import to_path
from ckit_daemon.rpc.routes.common import answered, opened
from ckit_daemon.services.impact import assess
from ckit_daemon.services.uris import to_uri
from ckit_daemon.wire import repo as wire

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ckit_daemon.core.progress import Progress
    from ckit_daemon.core.validation import Report
    from ckit_daemon.rpc.context import EncodedResult, RequestContext
    from ckit_daemon.rpc.dispatch import Route
    from ckit_daemon.services.open_repository import OpenRepository
    from ckit_daemon.wire.base import NoParams


def _info(ctx: RequestContext, repository: OpenRepository) -> wire.RepositoryInfo:
    store = repository.store
    return wire.RepositoryInfo(
        id=store.id,
        name=store.root.name,
        root_uri=to_uri(store.root),
        version=store.snapshot.version,
        entities=len(store.snapshot.definitions),
        files=len(store.snapshot.documents),
        git=store.history.available,
        head=store.history.head(),
        trusted=ctx.trusted,
        watching=store.watching,
        unsaved=sorted(store.overlays),
    )


async def open_(ctx: RequestContext, params: wire.OpenParams) -> wire.OpenResult:
    """Answer `ckit/repo/open`."""
    repository, already = await ctx.services.repositories.open(
        to_path(params.path), watch=params.watch, progress=ctx.progress
    )
    return wire.OpenResult(repository=await ctx.run(_info, ctx, repository), already_open=already)


async def close(ctx: RequestContext, params: wire.CloseParams) -> wire.CloseResult:
    """Answer `ckit/repo/close`."""
    repository = await opened(ctx, params)
    return wire.CloseResult(id=await ctx.services.repositories.close(repository.id))


async def list_(ctx: RequestContext, _params: NoParams) -> wire.ListResult:
    """Answer `ckit/repo/list`."""
    repositories = ctx.services.repositories.all()
    return wire.ListResult(repositories=await ctx.run(lambda: [_info(ctx, each) for each in repositories]))


async def validate(ctx: RequestContext, params: wire.ValidateParams) -> wire.ValidateResult | EncodedResult:
    """Answer `ckit/repo/validate`."""
    repository = await opened(ctx, params)
    return await answered(
        ctx, params, repository, lambda: _validated(ctx, params, repository.report(ctx.progress)), "findings"
    )


def _validated(ctx: RequestContext, params: wire.ValidateParams, report: Report) -> wire.ValidateResult:
    names = [*SEVERITIES.values()]
    worst = names.index(params.min_severity)
    paths = None if params.paths is None else {PurePosixPath(path) for path in params.paths}
    chosen = [
        finding
        for finding in report.findings
        if names.index(SEVERITIES[finding.severity]) <= worst
        and (paths is None or _is_within(finding.location.path, paths))
        and (params.codes is None or any(_has_code(finding.code, code) for code in params.codes))
    ]
    convert = Converter(report.snapshot, ctx.encoding)
    return wire.ValidateResult(
        version=report.snapshot.version,
        ok=report.ok,
        counts={SEVERITIES[severity]: count for severity, count in report.counts.items()},
        entities=len(report.snapshot.definitions),
        total=len(chosen),
        findings=[convert.finding(finding) for finding in chosen[params.offset : params.offset + params.limit]],
        next_offset=next_offset(params, len(chosen)),
    )


def _has_code(code: str, wanted: str) -> bool:
    return code == wanted or code.startswith(f"{wanted}.")


async def inspect(ctx: RequestContext, params: wire.InspectParams) -> wire.InspectResult | EncodedResult:
    """Answer `ckit/repo/inspect`."""
    repository = await opened(ctx, params)
    return await answered(ctx, params, repository, lambda: _inspected(repository, ctx.progress))


def _inspected(repository: OpenRepository, progress: Progress) -> wire.InspectResult:
    report, found = repository.overview(progress)
    return wire.InspectResult(
        version=report.snapshot.version,
        total=found.total,
        types=[
            wire.TypeCount(
                type=each.type,
                count=each.count,
                statuses=dict(each.statuses),
                without_status=each.without_status,
                unreadable=each.unreadable,
            )
            for each in found.types
        ],
        relations=[
            wire.RelationCount(rel=each.rel, edges=each.edges, statements=each.statements) for each in found.relations
        ],
        coverage=[
            wire.Coverage(
                code=each.code, title=each.title, type=each.type, total=each.total, missing=list(each.missing)
            )
            for each in found.coverage
        ],
        orphans=list(found.orphans),
        gaps=[
            wire.Gap(
                code=each.code,
                message=each.message,
                recommendation=each.recommendation,
                entities=list(each.entities),
            )
            for each in found.gaps
        ],
        findings={SEVERITIES[severity]: count for severity, count in found.findings.items()},
    )


def _is_within(path: str, places: Collection[PurePosixPath]) -> bool:
    file = PurePosixPath(path)
    return file in places or any(folder in places for folder in file.parents)


async def graph(ctx: RequestContext, params: wire.GraphParams) -> wire.GraphResult | EncodedResult:
    """Answer `ckit/repo/graph`."""
    repository = await opened(ctx, params)
    return await answered(ctx, params, repository, lambda: _graphed(ctx, params, repository), "nodes")


def _graphed(ctx: RequestContext, params: wire.GraphParams, repository: OpenRepository) -> wire.GraphResult:
    snapshot = repository.store.snapshot
    for identifier in params.ids or ():
        snapshot.require(identifier)
    part = snapshot.graph.subgraph(
        ids=params.ids,
        types=params.types,
        relations=params.relations,
        depth=params.depth,
        direction=params.direction,
    )
    result = wire.GraphResult(
        version=snapshot.version,
        format=params.format,
        total_nodes=len(part.entities),
        total_edges=len(part.edges),
        nodes=[],
        edges=[],
    )
    if params.format != "json":
        # Writers of pictures import XML and HTML libraries, and most sessions ask for no picture.
        from ckit_daemon.core.export import export  # noqa: PLC0415

        text = export(part, params.format, title=repository.store.root.name)
        return result.model_copy(update={"text": text})
    page = part.entities[params.offset : params.offset + params.limit]
    shown = {entity.id for entity in page}
    convert = Converter(snapshot, ctx.encoding)
    return result.model_copy(
        update={
            "nodes": [summary(entity) for entity in page],
            "edges": [convert.edge(edge, statements=params.statements) for edge in part.edges if edge.source in shown],
            "next_offset": next_offset(params, len(part.entities)),
        }
    )


async def paths(ctx: RequestContext, params: wire.PathsParams) -> wire.PathsResult:
    """Answer `ckit/repo/paths`."""
    repository = await opened(ctx, params)
    snapshot = repository.store.snapshot
    if params.source == params.target:
        raise InvalidArgumentError("A path needs two different entities.", details={"id": params.source})
    found = await ctx.run(
        lambda: snapshot.graph.paths(
            snapshot.require(params.source).id,
            snapshot.require(params.target).id,
            max_length=params.max_length,
            limit=params.limit,
            direction=params.direction,
        )
    )
    convert = Converter(snapshot, ctx.encoding)
    return wire.PathsResult(version=snapshot.version, paths=[[convert.edge(edge) for edge in way] for way in found])


async def impact(ctx: RequestContext, params: wire.ImpactParams) -> wire.ImpactResult | EncodedResult:
    """Answer `ckit/repo/impact`."""
    repository = await opened(ctx, params)
    if params.between is None:
        return await answered(ctx, params, repository, lambda: _impacted(ctx, params, repository))
    # The other side of a comparison changes without the snapshot: a commit, the index, the disk under a buffer.
    return await ctx.run(_impacted, ctx, params, repository)


def _impacted(ctx: RequestContext, params: wire.ImpactParams, repository: OpenRepository) -> wire.ImpactResult:
    snapshot, found = assess(
        repository.store,
        ids=params.ids or (),
        between=params.between,
        base=params.base or "HEAD",
        head=params.head or "HEAD",
        depth=params.depth,
    )
    return impact_result(found, Converter(snapshot, ctx.encoding), snapshot.version)


async def did_change(ctx: RequestContext, params: wire.DidChangeParams) -> None:
    """Handle `ckit/repo/didChange`: read again what the client says has changed."""
    repository = await opened(ctx, params)
    await repository.store.refresh(params.paths, ctx.progress)


ROUTES: Mapping[str, Route] = {
    "ckit/repo/open": open_,
    "ckit/repo/close": close,
    "ckit/repo/list": list_,
    "ckit/repo/validate": validate,
    "ckit/repo/inspect": inspect,
    "ckit/repo/graph": graph,
    "ckit/repo/paths": paths,
    "ckit/repo/impact": impact,
    "ckit/repo/didChange": did_change,
}
