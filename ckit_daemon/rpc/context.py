"""What a route gets beside its parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ckit_daemon.core.progress import Progress
    from ckit_daemon.services.container import Services
    from ckit_daemon.wire.base import WireModel

P = ParamSpec("P")
T = TypeVar("T")

PositionEncoding = Literal["utf-8", "utf-16", "utf-32"]


@dataclass(frozen=True, slots=True)
class Session:
    """What initialize settled for the whole connection.

    Attributes:
        client_name: name that the client gave itself.
        client_version: version of the client, '' if it gave none.
        protocol_version: version of the ckit protocol in use.
        encoding: unit of the character offsets in positions on the wire.
        trusted: the client vouches for the workspace's own code.
        experimental: the client wants methods that may still change.
        answers: the daemon's requests that the client answers.
        workspace_folders: URIs of the folders in the order of the client.
    """

    client_name: str = "unknown"
    client_version: str = ""
    protocol_version: str = ""
    encoding: PositionEncoding = "utf-16"
    trusted: bool = False
    experimental: bool = False
    answers: frozenset[str] = frozenset()
    workspace_folders: tuple[str, ...] = ()


class WorkRunner(Protocol):
    """Runs synchronous work in one of the daemon's own worker threads."""

    def __call__(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Start the work; the awaiting task is released at once when it is cancelled."""
        ...


class PartialSender(Protocol):
    """Streams items of a list result to the client."""

    def __call__(self, items: Sequence[WireModel]) -> Awaitable[bool]:
        """Send the items; False when the client did not ask for partial results."""
        ...


@dataclass(frozen=True, slots=True)
class EncodedResult:
    """A result that is JSON already."""

    body: bytes


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request on its way through a route.

    `progress` may be used from any thread. It sends `$/progress` where the client gave a `workDoneToken`, and raises
    OperationCancelledError once nobody waits for the answer any more (cancelled, past its deadline, shutting down).

    `run(fn, *args)` runs synchronous work in a worker thread. On cancellation the route is released at once; the
    thread notices at its next `progress.report`.

    `partial(items)` streams items under the client's `partialResultToken` and returns True, or returns False when
    there is no token. A route that streamed its items answers with an empty list (LSP 3.17, partial results).
    """

    request_id: int | str
    method: str
    session: Session
    services: Services
    progress: Progress
    run: WorkRunner = field(repr=False)
    partial: PartialSender = field(repr=False)

    @property
    def encoding(self) -> PositionEncoding:
        """Unit of the character offsets in positions on the wire."""
        return self.session.encoding

    @property
    def trusted(self) -> bool:
        """Whether the client vouches for the workspace's own code."""
        return self.session.trusted
