"""One request on its way through the daemon: what it is, and its parameters."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson
from pydantic import ValidationError

from ckit_daemon.rpc.errors import ProtocolError, invalid_params

if TYPE_CHECKING:
    from concurrent.futures import Future

    from ckit_daemon.core.json import JsonValue
    from ckit_daemon.rpc.progress import RequestProgress
    from ckit_daemon.tracing import Work
    from ckit_daemon.wire.base import Params
    from ckit_daemon.wire.methods import Method


@dataclass(slots=True, eq=False)
class Request:
    """A request between its arrival and the moment when nothing of it runs any more."""

    id: int | str
    row: Method
    progress: RequestProgress
    token: int | str | None
    started: float
    repository: str = ""
    raw: JsonValue = None
    """The parameters as they came, where the recorder wants them."""
    notification: bool = False
    answered: bool = False
    task: asyncio.Task[None] | None = None
    after: frozenset[asyncio.Task[None]] = frozenset()
    """The notifications that came before: a request sees everything that the client announced before it."""
    threads: set[Future[object]] = field(default_factory=set["Future[object]"])
    work: list[Work] = field(default_factory=list["Work"])

    async def settled(self) -> None:
        """Wait until none of its threads works any more, whatever came of it."""
        loop = asyncio.get_running_loop()
        for thread in list(self.threads):
            ended = asyncio.Event()
            thread.add_done_callback(lambda _, ended=ended: loop.call_soon_threadsafe(ended.set))
            await ended.wait()


def parse_params(row: Method, raw: JsonValue) -> Params:
    """Return the parameters as the method's model.

    Nothing, null and `[null]` stand for no parameters: `vscode-jsonrpc` sends each of them.

    Raises:
        ProtocolError: the parameters are not an object, or a field is unknown, missing or wrong.
    """
    if raw is None or raw in ([], [None]):
        raw = {}
    if not isinstance(raw, dict):
        raise ProtocolError("invalid_params", "The parameters must be an object with named fields.")
    try:
        return row.params.from_json(orjson.dumps(raw))
    except ValidationError as error:
        raise invalid_params(error) from None
