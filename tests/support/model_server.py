"""A scripted model server on loopback, in a thread of its own, that speaks as OpenAI, Azure or Ollama do.

with model_server("openai") as server:
    server.enqueue(Reply(text="Hello there."))
    async with daemon(openai_options(server)) as client: ...
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any
from unittest import mock
from urllib.parse import parse_qsl, urlsplit

import h11

from tests.support.model_server_embeddings import embedded_texts, embedding_of
from tests.support.model_server_reply import NOW, Recorded, Reply, ToolCallReply, last_user_text
from tests.support.model_server_wire import WIRES, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tests.support.model_server_reply import Json

__all__ = ["ModelServer", "Recorded", "Reply", "ToolCallReply", "model_server", "openai_options", "provider_options"]

READ_BYTES = 65536
TIMEOUT_SECONDS = 60.0
AZURE_KEY_VARIABLE = "CKIT_TEST_AZURE_KEY"


def echo(body: Json) -> Reply:
    """What is answered when nothing was scripted: the last message of the person."""
    return Reply(text=last_user_text(body) or "(nothing was said)")


class ModelServer:
    """Answers with what was enqueued, first in first out, then with what `respond` says.

    Attributes:
        requests: every request, in the order of their arrival.
        models: the models that are there, with the size of their context.
        key: the only key that is accepted; None: any (Azure wants one all the same).
        respond: answers when the queue is empty; gets the request's body.
        salt: makes the vectors of embeddings; another one stands for another model.
        dimension: the length of these vectors.
        open_streams: answers to the model's calls that are under way.
        connections: connections accepted so far.
        closed_at: when (`time.monotonic()`) a client went away in the middle of an answer.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind: Kind = kind
        self.requests: list[Recorded] = []
        self.models: dict[str, int] = {"scripted": 8192, "scripted-b": 8192}
        self.key: str | None = None
        self.respond: Callable[[Json], Reply] = echo
        self.salt = ""
        self.dimension = 32
        self.open_streams = 0
        self.connections = 0
        self.stalled = 0
        self.closed_at: list[float] = []
        self.base_url = ""
        self._wire = WIRES[kind]
        self._replies: deque[Reply] = deque()
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._release = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="model-server", daemon=True)

    @property
    def calls(self) -> list[Recorded]:
        """The requests that asked the model."""
        return [request for request in self.requests if self._wire.is_chat(request.path)]

    @property
    def embeddings(self) -> list[Recorded]:
        """The requests that asked for embeddings."""
        return [request for request in self.requests if self._wire.is_embedding(request.path)]

    def enqueue(self, *replies: Reply) -> None:
        """Answer the next requests so."""
        self._replies.extend(replies)

    def release(self) -> None:
        """Let the streams that stall go on."""
        self._loop.call_soon_threadsafe(self._release.set)

    async def hang_up(self) -> None:
        """Close every connection, as servers do with those that nobody has used for a while."""

        def close() -> None:
            for writer in self._writers:
                writer.close()

        self._loop.call_soon_threadsafe(close)
        await self.until(lambda: not self._tasks)

    async def until(self, condition: Callable[[], bool], timeout: float = TIMEOUT_SECONDS) -> None:  # noqa: ASYNC109
        """Wait until something holds that changes with what the server does, without blocking the caller's loop."""

        def wait() -> bool:
            with self._changed:
                return self._changed.wait_for(condition, timeout)

        if not await asyncio.to_thread(wait):
            raise TimeoutError(f"not within {timeout} s; {self.open_streams=} {len(self.requests)=} {self.stalled=}")

    async def wait_idle(self, timeout: float = TIMEOUT_SECONDS) -> None:  # noqa: ASYNC109
        """Wait until no answer is under way."""
        await self.until(lambda: self.open_streams == 0, timeout)

    async def wait_stalled(self, count: int = 1) -> None:
        """Wait until so many streams stall, all they have to say before having been sent."""
        await self.until(lambda: self.stalled >= count)

    def start(self) -> None:
        """Listen on a free port of the loopback interface."""
        self._thread.start()
        assert self._started.wait(TIMEOUT_SECONDS)

    def stop(self) -> None:
        """End all connections and the thread; a second time does nothing."""
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(TIMEOUT_SECONDS)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0))
        port = server.sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}" + ("/v1" if self.kind == "openai" else "")
        self._started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._end(server))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _end(self, server: asyncio.Server) -> None:
        server.close()
        # A connection may come at the last moment, and its task be cancelled before it could close anything.
        await asyncio.sleep(0)
        while self._tasks:
            for writer in self._writers:
                writer.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await asyncio.sleep(0)
        await server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = self._loop.create_task(_Connection(self, self.connections, reader, writer).serve())
        self._tasks.add(task)
        self._writers.add(writer)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self._writers.discard(writer))
        task.add_done_callback(lambda _: self.note())

    def note(self, **changes: int) -> None:
        """Add to counters and wake who waits for them."""
        with self._changed:
            for name, change in changes.items():
                setattr(self, name, getattr(self, name) + change)
            self._changed.notify_all()

    def note_request(self, request: Recorded) -> None:
        """Remember a request."""
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()

    def note_gone(self) -> None:
        """Remember that a client went away before it had its answer."""
        with self._changed:
            self.closed_at.append(time.monotonic())
            self._changed.notify_all()

    def next_reply(self, body: Json) -> Reply:
        """What to answer now."""
        return self._replies.popleft() if self._replies else self.respond(body)

    async def stall(self) -> None:
        """Wait until somebody releases the streams."""
        self.note(stalled=1)
        try:
            await self._release.wait()
        finally:
            self.note(stalled=-1)
            self._release.clear()


class _Connection:
    """One connection: requests one after the other, each answered whole, in part, or not at all."""

    def __init__(
        self, server: ModelServer, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._server = server
        self._wire = WIRES[server.kind]
        self._number = number
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER)
        self._reading: asyncio.Task[bytes] | None = None

    async def serve(self) -> None:
        try:
            while (request := await self._receive()) is not None:
                if not await self._attend(request) or self._http.our_state is not h11.DONE:
                    break
                self._http.start_next_cycle()
        except (ConnectionError, h11.RemoteProtocolError):
            pass
        finally:
            if self._reading is not None:
                self._reading.cancel()
            self._writer.close()
            with contextlib.suppress(ConnectionError):
                await self._writer.wait_closed()

    async def _read(self) -> bytes:
        if self._reading is None:
            self._reading = asyncio.create_task(self._reader.read(READ_BYTES))
        try:
            data = await self._reading
        except ConnectionError:
            data = b""
        self._reading = None
        return data

    async def _receive(self) -> Recorded | None:
        head: h11.Request | None = None
        body = b""
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(await self._read())
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                url = urlsplit(head.target.decode())
                return Recorded(
                    method=head.method.decode(),
                    path=url.path,
                    query=dict(parse_qsl(url.query, keep_blank_values=True)),
                    headers={name.decode(): value.decode() for name, value in head.headers},
                    body=json.loads(body) if body else {},
                    connection=self._number,
                )
            else:
                return None

    async def _attend(self, request: Recorded) -> bool:
        """Answer a request while watching whether the client is still there; False: the connection is done."""
        answering = asyncio.create_task(self._answer(request))
        if self._reading is None:
            self._reading = asyncio.create_task(self._reader.read(READ_BYTES))
        try:
            await asyncio.wait({answering, self._reading}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                return answering.result()
            # The client never sends a second request before it has its answer: this is the end of the connection.
            self._server.note_gone()
            return False
        finally:
            if not answering.done():
                answering.cancel()
                await asyncio.gather(answering, return_exceptions=True)

    async def _answer(self, request: Recorded) -> bool:
        refused = self._wire.refuse(request, self._server.key)
        embeds = self._wire.is_embedding(request.path)
        asks = embeds or self._wire.is_chat(request.path)
        if asks:
            self._server.note(open_streams=1)
        self._server.note_request(request)
        try:
            if refused is None and not asks:
                refused = self._wire.other(request, self._server.models)
            if refused is None and (model := self._wire.model(request)) not in self._server.models:
                refused = self._wire.unknown_model(model)
            if refused is not None:
                await self._send_json(refused.status, refused.body)
                return True
            return await self._reply(request, self._server.next_reply({} if embeds else request.body))
        finally:
            if asks:
                self._server.note(open_streams=-1)

    async def _reply(self, request: Recorded, reply: Reply) -> bool:
        await asyncio.sleep(reply.first_delay)
        if reply.break_after == -1:
            return False
        if reply.raw is not None:
            self._send_head(reply.status, "text/html", reply, len(reply.raw))
            await self._send(reply.raw)
            self._writer.write(self._http.send(h11.EndOfMessage()) or b"")
            await self._drain()
            return True
        if reply.status != 200:
            await self._send_json(reply.status, reply.error or self._wire.error(reply.status), reply)
            return True
        model = self._wire.model(request)
        embeds = self._wire.is_embedding(request.path)
        if self._wire.streams(request.body) and not embeds:
            return await self._stream(request, model, reply)
        if reply.stall_after is not None:
            await self._server.stall()
        if embeds:
            texts = embedded_texts(request.body)
            vectors = [embedding_of(text, self._server.dimension, self._server.salt) for text in texts]
            whole = self._wire.embedded(request.body, model, reply.vectors or vectors, reply)
        else:
            whole = self._wire.whole(request.body, model, reply)
        await self._send_json(
            200, whole, reply, broken=reply.malformed_after is not None, cut=reply.break_after is not None
        )
        return reply.break_after is None

    async def _stream(self, request: Recorded, model: str, reply: Reply) -> bool:
        self._send_head(200, self._wire.content_type, reply)
        sent = 0
        stalled = False
        for frame in self._wire.frames(request.body, model, reply):
            if frame.part != "head":
                if reply.stall_after is not None and sent >= reply.stall_after and not stalled:
                    stalled = True
                    await self._drain()
                    await self._server.stall()
                if reply.break_after is not None and sent >= reply.break_after:
                    await self._drain()
                    return False
                if reply.ends_after is not None and sent >= reply.ends_after:
                    break
                if reply.malformed_after is not None and sent == reply.malformed_after:
                    await self._send(self._wire.malformed(reply.broken))
                if reply.error_after is not None and sent == reply.error_after:
                    await self._send(self._wire.late_error(reply.error))
                    break
            if frame.part == "piece":
                if sent:
                    await asyncio.sleep(reply.gap)
                sent += 1
            data = frame.data.replace(NOW.encode(), b"%d" % time.perf_counter_ns())
            for start in range(0, len(data), reply.cut or len(data)):
                await self._send(data[start : start + (reply.cut or len(data))])
        self._writer.write(self._http.send(h11.EndOfMessage()) or b"")
        await self._drain()
        return True

    def _send_head(self, status: int, content_type: str, reply: Reply | None, length: int | None = None) -> None:
        headers = {"content-type": content_type, "x-request-id": f"req_{self._number}"}
        headers |= {} if length is None else {"content-length": str(length)}
        headers |= {} if reply is None else dict(reply.headers)
        self._writer.write(self._http.send(h11.Response(status_code=status, headers=list(headers.items()))) or b"")

    async def _send(self, data: bytes) -> None:
        self._writer.write(self._http.send(h11.Data(data=data)) or b"")
        await self._drain()

    async def _send_json(
        self, status: int, body: Any, reply: Reply | None = None, *, broken: bool = False, cut: bool = False
    ) -> None:
        data = json.dumps(body, ensure_ascii=False).encode()
        if broken:
            data = data[: len(data) // 2]
        self._send_head(status, "application/json", reply, len(data))
        if cut:
            await self._send(data[: len(data) // 2])
            return
        await self._send(data)
        self._writer.write(self._http.send(h11.EndOfMessage()) or b"")
        await self._drain()

    async def _drain(self) -> None:
        await self._writer.drain()


@contextlib.contextmanager
def model_server(kind: Kind = "openai") -> Generator[ModelServer]:
    """Run a server for the length of a test; where the kind wants a key, the environment holds one meanwhile."""
    server = ModelServer(kind)
    with mock.patch.dict(os.environ, {AZURE_KEY_VARIABLE: "azure-test-key-0123456789"} if kind == "azure" else {}):
        server.start()
        try:
            yield server
        finally:
            server.stop()


def provider_options(server: ModelServer, **more: Any) -> Json:
    """Settings of a provider that is this server; `more` are further fields of the provider."""
    options: Json = {"kind": server.kind, "baseUrl": server.base_url}
    if server.kind == "azure":
        options |= {"apiVersion": "2024-10-21", "apiKey": f"env:{AZURE_KEY_VARIABLE}"}
    return options | more


def openai_options(server: ModelServer, provider: Json | None = None, **more: Any) -> Json:
    """Settings, `initializationOptions.ckit.config`, with the server as provider `test` and model of conversations.

    `provider` are further fields of the provider; `more` are groups of settings, where `models` and its providers are
    merged.
    """
    models: Json = {"chat": "test/scripted", **more.get("models", {})}
    models["providers"] = {"test": provider_options(server, **(provider or {})), **models.get("providers", {})}
    return {**more, "models": models}
