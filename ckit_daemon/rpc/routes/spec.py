"""Routes that write specifications, make prompts of them, and read the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.rpc.convert import next_offset
from ckit_daemon.rpc.generation import caller, choice, entity_change
from ckit_daemon.rpc.routes.common import opened
from ckit_daemon.services.generation.promptify import PromptRequest
from ckit_daemon.services.generation.spec import SpecRequest
from ckit_daemon.services.generation.spec_log import read_entry, read_log
from ckit_daemon.wire import spec as wire
from ckit_daemon.wire.generation import TextPart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.rpc.context import RequestContext
    from ckit_daemon.rpc.dispatch import Route
    from ckit_daemon.services.generation.made import Made
    from ckit_daemon.services.generation.packing import Receipt
    from ckit_daemon.services.generation.spec_log import LogEntry
    from ckit_daemon.services.generation.workshop import TextSink
    from ckit_daemon.services.open_repository import OpenRepository


async def generate(ctx: RequestContext, params: wire.GenerateParams) -> wire.GenerateResult:
    """Answer `ckit/spec/generate`."""
    repository = await opened(ctx, params)
    service = await ctx.services.assistant.generation.get()
    request = SpecRequest(
        tuple(params.entities),
        params.requirement or "",
        params.template,
        context=params.context,
        id=params.id,
        choice=choice(params),
    )
    made = await service.make_spec(request, repository, caller(ctx), _streamed(ctx), apply=params.apply)
    return await ctx.run(_spec, made, repository, ctx.encoding)


def _streamed(ctx: RequestContext) -> TextSink:
    return lambda text: ctx.partial([TextPart(text=text)])


def _spec(made: Made, repository: OpenRepository, encoding: str) -> wire.GenerateResult:
    change = entity_change(made, repository, encoding)
    return wire.GenerateResult(**dict(change), markdown=made.markdown, log_path=made.log_path)


async def promptify(ctx: RequestContext, params: wire.PromptifyParams) -> wire.PromptifyResult:
    """Answer `ckit/spec/promptify`."""
    repository = await opened(ctx, params)
    service = await ctx.services.assistant.generation.get()
    request = PromptRequest(params.id, params.text, params.target, params.max_tokens, params.model)
    made = await service.make_prompt(request, repository, caller(ctx), log=params.log)
    return wire.PromptifyResult(
        generation_id=made.generation.id,
        prompt=made.packed.text,
        target=params.target,
        tokens=made.packed.tokens,
        max_tokens=params.max_tokens,
        estimated=made.packed.estimated,
        receipts=[_receipt(receipt) for receipt in made.packed.receipts],
        warnings=list(made.warnings),
        log_path=made.log_path,
    )


def _receipt(receipt: Receipt) -> wire.Receipt:
    source = receipt.source
    return wire.Receipt(
        part=source.part,
        title=source.title,
        id=source.id,
        path=source.path,
        state=receipt.state,
        tokens=receipt.tokens,
        of_tokens=receipt.of_tokens,
        reason=receipt.reason,
    )


async def log_list(ctx: RequestContext, params: wire.LogListParams) -> wire.LogListResult:
    """Answer `ckit/specLog/list`."""
    repository = await opened(ctx, params)
    entries = [entry for entry in await ctx.run(read_log, repository.store) if _fits(entry, params)]
    return wire.LogListResult(
        total=len(entries),
        entries=[_summary(entry) for entry in entries[params.offset : params.offset + params.limit]],
        next_offset=next_offset(params, len(entries)),
    )


def _fits(entry: LogEntry, params: wire.LogListParams) -> bool:
    return (
        (params.entity is None or params.entity in entry.entities)
        and params.request_type in {None, entry.text("requestType")}
        and params.status in {None, entry.text("status")}
    )


def _summary(entry: LogEntry) -> wire.LogSummary:
    return wire.LogSummary(
        id=entry.id,
        path=entry.path,
        timestamp=entry.text("timestamp"),
        request_type=entry.text("requestType"),
        status=entry.text("status"),
        spec_id=entry.spec_id,
        entities=entry.entities,
        problems=list(entry.problems),
    )


async def log_get(ctx: RequestContext, params: wire.LogGetParams) -> wire.LogGetResult:
    """Answer `ckit/specLog/get`."""
    repository = await opened(ctx, params)
    entry = await ctx.run(read_entry, repository.store, params.id)
    return wire.LogGetResult(summary=_summary(entry), entry=entry.value)


ROUTES: Mapping[str, Route] = {
    "ckit/spec/generate": generate,
    "ckit/spec/promptify": promptify,
    "ckit/specLog/list": log_list,
    "ckit/specLog/get": log_get,
}
