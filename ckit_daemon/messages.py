"""Messages between the wire and the event loop: a bounded inbox, and an outbox that holds to the size limit."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

import orjson

from ckit_daemon.core.errors import LimitExceededError
from ckit_daemon.rpc.errors import to_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from ckit_daemon.framing import Frame
    from ckit_daemon.stdio import Writer
    from ckit_daemon.wire.errors import ErrorObject

logger = logging.getLogger(__name__)

MAX_INBOX_MESSAGES = 4096
TURN_SECONDS = 0.002
"""How long messages are taken in before everything else on the event loop gets its turn."""


class WireOutbox:
    """Implements rpc's Outbox on the writer: frames messages and holds them to the size limit."""

    def __init__(self, max_bytes: Callable[[], int]) -> None:
        self._max_bytes = max_bytes
        self.writer: Writer | None = None

    def send_result(self, request_id: int | str, result: bytes) -> bool:
        """Answer a request; an answer beyond the limit becomes the error `limit_exceeded`, and False."""
        if len(result) > (limit := self._max_bytes()):
            error = LimitExceededError(
                f"The answer has {len(result)} bytes; the limit is {limit}. Ask for less, or for pages.",
                details={"size": len(result), "limit": limit},
            )
            self.send_error(request_id, to_error(error, request_id))
            return False
        self._send(b'{"jsonrpc":"2.0","id":' + orjson.dumps(request_id) + b',"result":' + result + b"}")
        return True

    def send_error(self, request_id: int | str | None, error: ErrorObject) -> None:
        """Answer a request with an error."""
        body = b'{"jsonrpc":"2.0","id":' + orjson.dumps(request_id) + b',"error":' + error.to_json() + b"}"
        self._send(body)

    def send_notification(self, method: str, params: bytes) -> None:
        """Send a notification; one beyond the limit is dropped and logged."""
        if len(params) > self._max_bytes():
            logger.error("notification dropped: too large", extra={"method": method, "size": len(params)})
            return
        self._send(b'{"jsonrpc":"2.0","method":' + orjson.dumps(method) + b',"params":' + params + b"}")

    def send_request(self, request_id: str, method: str, params: bytes) -> None:
        """Ask the client something."""
        head = b'{"jsonrpc":"2.0","id":' + orjson.dumps(request_id) + b',"method":' + orjson.dumps(method)
        self._send(head + b',"params":' + params + b"}")

    def send_raw(self, body: bytes) -> None:
        """Send a whole JSON-RPC message."""
        self._send(body)

    def _send(self, body: bytes) -> None:
        if self.writer is not None:
            self.writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)


class Inbox:
    """Carries frames from the reader's thread to the event loop, a bounded number at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, receive: Callable[[Frame], None]) -> None:
        self._loop = loop
        self._receive = receive
        self._frames: deque[Frame] = deque()
        self._scheduled = False
        self._below = threading.Event()
        self._below.set()
        self._empty = asyncio.Event()
        self._empty.set()

    def put(self, frames: list[Frame]) -> None:
        """Hand over frames; called in the reader's thread."""
        self._frames.extend(frames)
        if len(self._frames) >= MAX_INBOX_MESSAGES:
            self._below.clear()
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon_threadsafe(self._drain)

    def wait_for_room(self, timeout: float) -> bool:
        """Wait in the reader's thread until the loop has caught up; False when the timeout came first."""
        return self._below.wait(timeout)

    async def emptied(self) -> None:
        """Return when everything that was handed over has been received."""
        if self._frames:
            self._empty.clear()
            await self._empty.wait()

    def _drain(self) -> None:
        until = self._loop.time() + TURN_SECONDS
        self._scheduled = False
        while self._frames:
            self._receive(self._frames.popleft())
            if self._loop.time() > until:
                break
        if len(self._frames) < MAX_INBOX_MESSAGES:
            self._below.set()
        if not self._frames:
            self._empty.set()
        elif not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._drain)
