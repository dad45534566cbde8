"""Routes about the files of a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.rpc.routes.common import opened
from ckit_daemon.wire import file as wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.rpc.context import RequestContext
    from ckit_daemon.rpc.dispatch import Route


async def read(ctx: RequestContext, params: wire.ReadParams) -> wire.ReadResult:
    """Answer `ckit/file/read`."""
    repository = await opened(ctx, params)
    found = await ctx.run(
        lambda: repository.store.read_file(params.path, start_line=params.start_line, max_lines=params.max_lines)
    )
    return wire.ReadResult(
        path=found.path,
        text=found.text,
        size=found.size,
        lines=found.lines,
        start_line=found.first_line,
        truncated=found.truncated,
        line_ending=found.line_ending,
        sha256=found.sha256,
    )


ROUTES: Mapping[str, Route] = {"ckit/file/read": read}
