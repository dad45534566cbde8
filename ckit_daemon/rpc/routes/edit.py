"""Routes that change entities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.core import edit
from ckit_daemon.rpc.convert import workspace_edit
from ckit_daemon.rpc.routes.common import opened
from ckit_daemon.services.edits import affected_files, write
from ckit_daemon.wire import entity as wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.core.edit import EditPlan, Operation
    from ckit_daemon.rpc.context import RequestContext
    from ckit_daemon.rpc.dispatch import Route
    from ckit_daemon.services.open_repository import OpenRepository


async def create(ctx: RequestContext, params: wire.CreateParams) -> wire.EditResult:
    """Answer `ckit/entity/create`."""
    repository = await opened(ctx, params)
    store, versions = repository.store, repository.document_versions
    new = edit.NewEntity(params.type, params.data or {}, params.id, params.template, params.values or {})
    created = await ctx.run(
        lambda: edit.create(
            store.snapshot,
            new,
            taken=store.history.ids_on_branches() if params.id is None else frozenset(),
            link=params.link,
            allow_invalid=params.allow_invalid,
        )
    )
    return await _carried_out(ctx, params, repository, created.plan, versions, created.id, path=created.path)


async def update(ctx: RequestContext, params: wire.UpdateParams) -> wire.EditResult:
    """Answer `ckit/entity/update`."""
    repository = await opened(ctx, params)
    snapshot, versions = repository.store.snapshot, repository.document_versions
    plan = await ctx.run(
        lambda: edit.update(
            snapshot,
            params.id,
            [_operation(change) for change in params.changes],
            path=params.file,
            allow_invalid=params.allow_invalid,
        )
    )
    path = params.file or snapshot.require(params.id).path
    return await _carried_out(ctx, params, repository, plan, versions, params.id, path=path)


async def rename(ctx: RequestContext, params: wire.RenameParams) -> wire.EditResult:
    """Answer `ckit/entity/rename`."""
    repository = await opened(ctx, params)
    store, versions = repository.store, repository.document_versions
    snapshot = store.snapshot
    plan = await ctx.run(lambda: edit.rename(snapshot, params.id, params.new_id, store.prose(), path=params.file))
    path = params.file or snapshot.require(params.id).path
    return await _carried_out(
        ctx, params, repository, plan, versions, params.new_id, path=dict(plan.renames).get(path, path)
    )


async def delete(ctx: RequestContext, params: wire.DeleteParams) -> wire.EditResult:
    """Answer `ckit/entity/delete`."""
    repository = await opened(ctx, params)
    versions = repository.document_versions
    plan = await ctx.run(
        lambda: edit.delete(repository.store.snapshot, params.id, references=params.references, path=params.file)
    )
    return await _carried_out(ctx, params, repository, plan, versions, params.id, path=None)


def _operation(change: wire.SetValue | wire.AppendValue | wire.InsertValue | wire.RemoveValue) -> Operation:
    path = tuple(change.path)
    if isinstance(change, wire.RemoveValue):
        return edit.Remove(path)
    if isinstance(change, wire.AppendValue):
        return edit.Append(path, change.append)
    if isinstance(change, wire.InsertValue):
        return edit.Insert(path, change.insert)
    return edit.SetValue(path, change.value)


async def _carried_out(
    ctx: RequestContext,
    params: wire.EditParams,
    repository: OpenRepository,
    plan: EditPlan,
    versions: Mapping[str, int],
    identifier: str,
    *,
    path: str | None,
) -> wire.EditResult:
    store = repository.store
    if params.apply:
        await write(store, plan)
    # Comparing the texts of large files takes time.
    return await ctx.run(
        lambda: wire.EditResult(
            id=identifier,
            path=path,
            applied=params.apply,
            edit=workspace_edit(plan, store.root, ctx.encoding, versions),
            diff=plan.unified_diff(),
            files=affected_files(plan),
            warnings=list(plan.warnings),
            version=store.snapshot.version,
        )
    )


ROUTES: Mapping[str, Route] = {
    "ckit/entity/create": create,
    "ckit/entity/update": update,
    "ckit/entity/rename": rename,
    "ckit/entity/delete": delete,
}
