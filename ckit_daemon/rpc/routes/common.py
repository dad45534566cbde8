"""What routes about repositories share."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ckit_daemon.core.errors import InvalidArgumentError
from ckit_daemon.rpc.context import EncodedResult
from ckit_daemon.rpc.paths import to_path
from ckit_daemon.wire.base import PartialResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ckit_daemon.rpc.context import RequestContext
    from ckit_daemon.services.assistant.records import Session
    from ckit_daemon.services.open_repository import OpenRepository
    from ckit_daemon.wire.base import Result, WireModel
    from ckit_daemon.wire.common import RepositoryParams

_M = TypeVar("_M", bound="WireModel")
_R = TypeVar("_R", bound="Result")

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
        await repositories.open_folders(ctx.progress)
    name = params.repository
    if name is not None and name.startswith("file:"):
        name = str(to_path(name).resolve())
    return repositories.get(name)


async def session_about(
    ctx: RequestContext, session_id: str | None, repository: OpenRepository | None
) -> Session | None:
    """Return the session whose approvals and tools a request wants to use, if it names one.

    Args:
        ctx: the request.
        session_id: what it names.
        repository: what the session must be about; None: anything.

    Raises:
        NotFoundError: there is no such session.
        InvalidArgumentError: it is about another repository.
    """
    if session_id is None:
        return None
    session = await (await ctx.services.assistant.tools.get()).session(session_id)
    if repository is not None and session.repository != repository.id:
        raise InvalidArgumentError("The session is about another repository.", details={"repository": repository.id})
    return session


async def streamed(ctx: RequestContext, items: Sequence[_M]) -> list[_M]:
    """Send a list as partial results if the client asked for that, and return what then belongs in the answer."""
    for start in range(0, len(items), PARTIAL_CHUNK):
        if not await ctx.partial(items[start : start + PARTIAL_CHUNK]):
            return list(items)
    return []


async def answered(
    ctx: RequestContext,
    params: RepositoryParams,
    repository: OpenRepository,
    compute: Callable[[], _R],
    streamed_field: str = "",
) -> _R | EncodedResult:
    """Compute a result that depends on nothing but the newest snapshot and the parameters, in a worker thread.

    The same question about the same snapshot gets the same answer without computing it again. A client that wants
    partial results gets the list in `streamed_field` so.
    """
    if isinstance(params, PartialResult) and params.partial_result_token is not None:
        result = await ctx.run(compute)
        return result.model_copy(update={streamed_field: await streamed(ctx, getattr(result, streamed_field))})
    snapshot = repository.store.snapshot
    question = ctx.method, ctx.encoding, params.model_dump_json(exclude={"work_done_token", "repository"})
    body = repository.answers.get(snapshot, question)
    if body is None:
        body = await ctx.run(lambda: compute().to_json())
        repository.answers.put(snapshot, question, body)
    return EncodedResult(body)
