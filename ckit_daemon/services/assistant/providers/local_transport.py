"""Carries requests of OpenAI's protocol to llama.cpp in this process, in the place of a connection."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, cast

import httpx2
import orjson
from typing_extensions import override

from ckit_daemon.services.assistant.providers.local_engine import Engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from ckit_daemon.core.json import JsonObject

Chunk = dict[str, object]


class InProcessTransport(httpx2.AsyncBaseTransport):
    """Answers `POST /chat/completions` as a stream; one request at a time, in a thread of its own."""

    def __init__(self, locate: Callable[[str], tuple[Path, int]]) -> None:
        """Remember how to find a model.

        Args:
            locate: returns file and size of context of a model by name; called in the thread.
        """
        self._locate = locate
        self._engine: Engine | None = None
        # Loading, answering and closing follow each other on this one thread, and need no lock.
        self._thread = ThreadPoolExecutor(1, "ckit-llama")
        self._closing = threading.Event()

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = cast("JsonObject", orjson.loads(await request.aread()))
        answer = _Answer(asyncio.get_running_loop())
        answer.work = asyncio.wrap_future(self._thread.submit(self._answer, body, answer))
        answer.work.add_done_callback(answer.end)
        try:
            first = await answer.next()
        except BaseException:
            await answer.aclose()
            raise
        error = None if first is None else first.get("error")
        if first is not None and isinstance(error, dict):
            status = cast("dict[str, object]", error).get("code")
            return httpx2.Response(status if isinstance(status, int) else 500, json=first)
        answer.put_back(first)
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=answer)

    @override
    async def aclose(self) -> None:
        """Stop what runs and unload the model."""
        self._closing.set()
        await asyncio.wrap_future(self._thread.submit(self._unload))
        self._thread.shutdown(wait=False)

    def _answer(self, body: JsonObject, answer: _Answer) -> None:
        def unwanted() -> bool:
            return answer.cancelled.is_set() or self._closing.is_set()

        def take(chunk: Chunk) -> bool:
            # Whoever has left may have taken the event loop along.
            if unwanted():
                return True
            answer.put(chunk)
            return False

        if unwanted():
            return
        self._loaded(str(body.get("model", ""))).answer(body, cast("Callable[[JsonObject], bool]", take))

    def _loaded(self, model: str) -> Engine:
        path, context_tokens = self._locate(model)
        if self._engine is None or self._engine.model != path:
            # Two models at once may be more than the memory holds.
            self._unload()
            self._engine = Engine(path, context_tokens)
        return self._engine

    def _unload(self) -> None:
        self._engine = None


class _Answer(httpx2.AsyncByteStream):
    """The chunks of one answer on their way from the thread to the event loop, as server-sent events."""

    work: asyncio.Future[None]

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._chunks: asyncio.Queue[Chunk | None] = asyncio.Queue()
        self._first: Chunk | None = None
        self.cancelled = threading.Event()

    def put(self, chunk: Chunk) -> None:
        """Add a chunk, from the thread."""
        self._loop.call_soon_threadsafe(self._chunks.put_nowait, chunk)

    def put_back(self, chunk: Chunk | None) -> None:
        """Return the chunk that has been looked at."""
        self._first = chunk

    def end(self, work: asyncio.Future[None]) -> None:
        """Say that no chunk follows, on the event loop; whoever still reads hears why."""
        if not work.cancelled():
            # Whoever has left does not, and nobody else needs to: without this the loop would take it for forgotten.
            work.exception()
        self._chunks.put_nowait(None)

    async def next(self) -> Chunk | None:
        """Return the next chunk, None after the last; raises what the thread raised."""
        chunk = await self._chunks.get()
        if chunk is None:
            await self.work
        return chunk

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunk = self._first
        while chunk is not None:
            yield b"data: " + orjson.dumps(chunk) + b"\n\n"
            chunk = await self.next()
        yield b"data: [DONE]\n\n"

    @override
    async def aclose(self) -> None:
        """Let the thread stop at the next token."""
        self.cancelled.set()
