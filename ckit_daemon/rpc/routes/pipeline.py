"""Routes about pipelines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ckit_daemon.core.errors import CapabilityDisabledError, CkitError
from ckit_daemon.redaction import ValueRedactor
from ckit_daemon.rpc.routes.common import opened
from ckit_daemon.services.edits import changes_to_write
from ckit_daemon.services.pipelines.native import NATIVE, compute
from ckit_daemon.services.pipelines.scripts import plan, read_package
from ckit_daemon.wire import pipeline as wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.rpc.context import RequestContext
    from ckit_daemon.rpc.dispatch import Route
    from ckit_daemon.services.open_repository import OpenRepository


async def list_(ctx: RequestContext, params: wire.ListParams) -> wire.ListResult:
    """Answer `ckit/pipeline/list`."""
    repository = await opened(ctx, params)
    native = [
        wire.Pipeline(name=name, engine="native", description=description, available=True)
        for name, description in NATIVE.items()
    ]
    return wire.ListResult(pipelines=[*native, *await ctx.run(_scripts, ctx, repository)])


def _scripts(ctx: RequestContext, repository: OpenRepository) -> list[wire.Pipeline]:
    package = read_package(repository.store)
    redactor = ValueRedactor()
    found: list[wire.Pipeline] = []
    for name, source in package.scripts.items():
        reason = None
        try:
            _require_scripts(ctx)
            plan(package, name)
        except CkitError as error:
            reason = error.message
        if reason is None and not ctx.trusted:
            reason = "Scripts of a repository run only in a trusted workspace."
        found.append(
            wire.Pipeline(
                name=name,
                engine="script",
                description=redactor.text(source),
                available=reason is None,
                reason=reason,
            )
        )
    return found


async def run(ctx: RequestContext, params: wire.RunParams) -> wire.RunResult:
    """Answer `ckit/pipeline/run`."""
    repository = await opened(ctx, params)
    return await (_run_script if params.engine == "script" else _run_native)(ctx, params, repository)


async def _run_native(ctx: RequestContext, params: wire.RunParams, repository: OpenRepository) -> wire.RunResult:
    started = time.perf_counter()
    done = await ctx.run(
        lambda: compute(
            repository,
            params.name,
            ids=params.ids or (),
            now=params.now,
            absolute_paths=params.absolute_paths,
            progress=ctx.progress,
        )
    )
    if done.files and not params.dry_run:
        await repository.store.apply(await ctx.run(changes_to_write, repository.store, done.files))
    return wire.RunResult(
        name=params.name,
        engine="native",
        ok=done.ok,
        output=done.output,
        duration_ms=round((time.perf_counter() - started) * 1000, 3),
    )


async def _run_script(ctx: RequestContext, params: wire.RunParams, repository: OpenRepository) -> wire.RunResult:
    _require_scripts(ctx)
    command = await ctx.run(lambda: plan(read_package(repository.store), params.name, params.args or ()))
    done = await ctx.services.scripts.run(
        repository.store.root,
        command,
        trusted=ctx.trusted,
        confirm=params.confirm,
        deadline_seconds=ctx.services.configuration.settings.limits.script_timeout_seconds,
        progress=ctx.progress,
    )
    return wire.RunResult(
        name=params.name,
        engine="script",
        ok=done.exit_code == 0,
        output=done.output,
        command=list(command.arguments),
        note=command.note,
        exit_code=done.exit_code,
        stdout=done.stdout,
        stderr=done.stderr,
        truncated=done.truncated,
        duration_ms=done.seconds * 1000,
    )


def _require_scripts(ctx: RequestContext) -> None:
    if not ctx.services.configuration.settings.features.scripts:
        raise CapabilityDisabledError(
            "A setting switches the repository's own scripts off: features.scripts.", details={"feature": "scripts"}
        )


ROUTES: Mapping[str, Route] = {"ckit/pipeline/list": list_, "ckit/pipeline/run": run}
