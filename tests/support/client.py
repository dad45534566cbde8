"""A small typed JSON-RPC client over two file descriptors, for pipes in memory and for processes alike."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import itertools
import json
import os
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_SECONDS = 60.0
"""Only what hangs takes as long, also on a busy machine."""
CANCELLED = {"code": -32800, "message": "cancelled"}
FAILED = {"code": -32603, "message": "the test's answerer failed"}

Json = dict[str, Any]
Answerer = Callable[[Json], Json | None | Awaitable[Json | None]]


class RpcError(Exception):
    """An error answer."""

    def __init__(self, error: Json) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.error = error
        self.number: int = error["code"]
        self.message: str = error["message"]
        self.data: Json = error.get("data", {})
        self.code: str = self.data.get("code", "")


class Client:
    """Speaks LSP's base protocol. Answers that nobody waits for are kept in `strays`, which tests must empty."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._loop = asyncio.get_running_loop()
        self._ids = itertools.count(1)
        self._waiting: dict[int | str, asyncio.Future[Json]] = {}
        self._changed = asyncio.Condition()
        self.strays: list[Json] = []
        self.notifications: list[Json] = []
        self.watch: Callable[[Json], None] = lambda _: None
        """Is shown every message from the daemon in the order of their arrival, before anything is done about it."""
        self._answerers: dict[str, Answerer] = {}
        self._answering: dict[int | str, asyncio.Task[None]] = {}
        self.closed = asyncio.Event()
        self._reading = threading.Event()
        self._reading.set()
        self.initialize_result: Json = {}
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    async def initialize(self, options: Json | None = None, **params: Any) -> Json:
        """Shake hands; `options` is `initializationOptions.ckit`."""
        full: Json = {"processId": None, "rootUri": None, "capabilities": {}} | params
        if options is not None:
            full["initializationOptions"] = {"ckit": options}
        self.initialize_result = await self.request("initialize", full)
        self.notify("initialized", {})
        return self.initialize_result

    async def request(self, method: str, params: Any = None, *, request_id: int | str | None = None) -> Any:
        """Send a request and return its result; raises RpcError."""
        return await self.start(method, params, request_id=request_id)

    def start(self, method: str, params: Any = None, *, request_id: int | str | None = None) -> asyncio.Task[Any]:
        """Send a request now and return the task that waits for its result."""
        number = next(self._ids) if request_id is None else request_id
        message: Json = {"jsonrpc": "2.0", "id": number, "method": method}
        if params is not None:
            message["params"] = params
        future = self.expect(number)
        self.send(message)
        return asyncio.create_task(self._result(future))

    def expect(self, request_id: int | str) -> asyncio.Future[Json]:
        """Return a future of the raw answer to a request that the test sends itself."""
        future: asyncio.Future[Json] = self._loop.create_future()
        self._waiting[request_id] = future
        return future

    def notify(self, method: str, params: Any = None) -> None:
        """Send a notification."""
        self.send({"jsonrpc": "2.0", "method": method} | ({} if params is None else {"params": params}))

    def send(self, message: Any) -> None:
        """Send one JSON document with a right header."""
        self.send_bytes(frame(message))

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""
        while data:
            data = data[os.write(self._write_fd, data) :]

    async def send_large(self, data: bytes) -> None:
        """Send more than a pipe holds without blocking the loop that the daemon may share."""
        await asyncio.to_thread(self.send_bytes, data)

    async def stray(self) -> Json:
        """Return the next message that answers no known request."""
        async with asyncio.timeout(TIMEOUT_SECONDS), self._changed:
            await self._changed.wait_for(lambda: self.strays)
            return self.strays.pop(0)

    async def notification(self, method: str) -> Json:
        """Return the params of the next notification of this method."""

        def found() -> Json | None:
            return next((n for n in self.notifications if n["method"] == method), None)

        async with asyncio.timeout(TIMEOUT_SECONDS), self._changed:
            await self._changed.wait_for(found)
            message = found()
            assert message is not None
            self.notifications.remove(message)
            return message.get("params", {})

    def answer(self, method: str, answerer: Answerer) -> None:
        """Answer the daemon's requests of this method with what `answerer` makes of their params, from now on.

        It may be a coroutine function, which is cancelled when the daemon withdraws the request, and it may raise
        RpcError. Requests of other methods are kept in `notifications`. Of our own methods the daemon only uses those
        that `answers` names in the options of initialize.
        """
        self._answerers[method] = answerer

    def pause(self) -> None:
        """Read nothing any more, after the message that is on its way."""
        self._reading.clear()

    def resume(self) -> None:
        """Read again."""
        self._reading.set()

    def close_input(self) -> None:
        """Close our end of the daemon's standard input, if it is open."""
        if self._write_fd >= 0:
            os.close(self._write_fd)
        self._write_fd = -1

    async def _result(self, future: asyncio.Future[Json]) -> Any:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            answer = await future
        if "error" in answer:
            raise RpcError(answer["error"])
        return answer["result"]

    async def _answer(self, message: Json) -> None:
        answer: Json = {"error": FAILED}
        try:
            result = self._answerers[message["method"]](message.get("params", {}))
            answer = {"result": await result if inspect.isawaitable(result) else result}
        except RpcError as error:
            answer = {"error": error.error}
        except asyncio.CancelledError:
            answer = {"error": CANCELLED}
        except ConnectionError:
            # The daemon went away while the answerer asked it something.
            return
        finally:
            del self._answering[message["id"]]
            if self._write_fd >= 0 and not self.closed.is_set():
                with contextlib.suppress(BrokenPipeError):
                    self.send({"jsonrpc": "2.0", "id": message["id"], **answer})

    def _read(self) -> None:
        with os.fdopen(self._read_fd, "rb", closefd=True) as stream:
            while self._reading.wait():
                length = 0
                while line := stream.readline().strip():
                    name, _, value = line.partition(b":")
                    if name.lower() == b"content-length":
                        length = int(value)
                body = stream.read(length) if length else b""
                # Nothing more comes, or a daemon that was killed wrote half of a message.
                if not body or len(body) < length:
                    break
                self._post(json.loads(body))
        self._post(None)

    def _post(self, message: Json | None) -> None:
        taking = self._take(message)
        try:
            asyncio.run_coroutine_threadsafe(taking, self._loop)
        except RuntimeError:
            # The test has ended, and its loop with it.
            taking.close()

    async def _take(self, message: Json | None) -> None:
        if message is not None:
            self.watch(message)
        async with self._changed:
            if message is None:
                self.closed.set()
                for future in self._waiting.values():
                    if not future.done():
                        future.set_exception(ConnectionError("the daemon closed the connection"))
            elif "id" in message and message.get("method") in self._answerers:
                self._answering[message["id"]] = asyncio.create_task(self._answer(message))
            elif "method" in message:
                self.notifications.append(message)
                if message["method"] == "$/cancelRequest" and (task := self._answering.get(message["params"]["id"])):
                    # Behind its first step: what is cancelled before it has begun would answer nothing.
                    self._loop.call_soon(task.cancel)
            elif message.get("id") in self._waiting:
                future = self._waiting.pop(message["id"])
                if not future.done():
                    future.set_result(message)
            else:
                self.strays.append(message)
            self._changed.notify_all()


def frame(message: Any, headers: Mapping[str, str] | None = None) -> bytes:
    """Return a document as one message of the base protocol."""
    body = json.dumps(message, ensure_ascii=False).encode()
    extra = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    return f"Content-Length: {len(body)}\r\n{extra}\r\n".encode() + body
