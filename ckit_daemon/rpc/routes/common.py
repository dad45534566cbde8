"""What routes about repositories share."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ckit_daemon.rpc.convert import to_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckit_daemon.rpc.context import RequestContext
    from ckit_daemon.services.open_repository import OpenRepository
    from ckit_daemon.wire.base import WireModel
    from ckit_daemon.wire.common import RepositoryParams

_M = TypeVar("_M", bound="WireModel")

PARTIAL_CHUNK = 200
"""Items in one partial result: small enough that the client can draw while the next ones are on their way."""


async def opened(ctx: RequestContext, params: RepositoryParams) -> OpenRepository:
    """Return the repository that a request is about, opening the client's workspace folders first if none is open.

    Raises:
        InvalidArgumentError: the request names none, and several are open.
        NotFoundError: no such repository is open.
    """
    repositories = ctx.services.repositories
    await repositories.changes.made()
    if not repositories.all():
        for folder in ctx.session.workspace_folders:
            await repositories.open_if_any(to_path(folder), progress=ctx.progress)
    name = params.repository
    if name is not None and name.startswith("file:"):
        name = str(to_path(name).resolve())
    return repositories.get(name)


async def streamed(ctx: RequestContext, items: Sequence[_M]) -> list[_M]:
    """Send a list as partial results if the client asked for that, and return what then belongs in the answer."""
    for start in range(0, len(items), PARTIAL_CHUNK):
        if not await ctx.partial(items[start : start + PARTIAL_CHUNK]):
            return list(items)
    return []
