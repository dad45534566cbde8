"""A JSON-RPC client that adds as little as possible to what it measures: blocking pipes and no event loop."""

from __future__ import annotations

import subprocess
import tempfile
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple, Self, cast

import orjson
import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

Message = dict[str, Any]


class ServerError(Exception):
    """The server answered with an error, or went away."""


class Answer(NamedTuple):
    """What a server answered and how long that took, from writing the request to having read the answer."""

    result: Any
    seconds: float


def frame(message: Message) -> bytes:
    body = orjson.dumps({"jsonrpc": "2.0", **message})
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


class Server:
    """A language server in a child process.

    Attributes:
        started: `time.perf_counter()` just before the process was made.
        pid: its number.
        heard: is told of each notification, with `time.perf_counter()` when it had been read.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the server.
        self.started = time.perf_counter()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, env=dict(environment)
        )
        self.pid = self._process.pid
        self.heard: Callable[[Message, float], None] = lambda _message, _arrived: None
        self._last_id = 0
        self._unclaimed: dict[int, tuple[Message, float]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            if error is None:
                self.call("shutdown")
                self.notify("exit")
                self._process.wait(60)
        finally:
            self._process.kill()
            self._process.communicate()
            self._log.close()

    def initialize(
        self, *, capabilities: Message | None = None, folders: Sequence[Path] = (), **options: Any
    ) -> Answer:
        """Shake hands; the seconds count from the start of the process. `options` are further ones for ckit."""
        params = {
            "processId": None,
            "rootUri": None,
            "capabilities": capabilities or {},
            "workspaceFolders": [{"uri": folder.as_uri(), "name": folder.name} for folder in folders],
            "clientInfo": {"name": "bench"},
            "initializationOptions": {"ckit": {"protocolVersions": ["1.0"], **options}},
        }
        answer = self.call("initialize", params)
        finished = time.perf_counter()
        self.notify("initialized", {})
        return Answer(answer.result, finished - self.started)

    def call(self, method: str, params: Message | None = None) -> Answer:
        began = time.perf_counter()
        return self.wait_for(self.send(method, params), began)

    def send(self, method: str, params: Message | None = None) -> int:
        """Write a request and return its id without waiting for the answer."""
        self._last_id += 1
        self._write(frame({"id": self._last_id, "method": method, "params": params or {}}))
        return self._last_id

    def notify(self, method: str, params: Message | None = None) -> None:
        self._write(frame({"method": method, "params": params} if params is not None else {"method": method}))

    def wait_for(self, request: int, began: float) -> Answer:
        while request not in self._unclaimed:
            self._receive()
        message, arrived = self._unclaimed.pop(request)
        if "error" in message:
            raise ServerError(str(message["error"]))
        return Answer(message.get("result"), arrived - began)

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Read until something holds that changes with what is heard."""
        while not holds():
            self._receive()

    def is_answered(self, request: int) -> bool:
        """Whether the answer has been read already, while waiting for another one."""
        return request in self._unclaimed

    def pipeline(self, method: str, params: Message, count: int) -> float:
        """Write `count` requests without waiting for any, read all answers, and return the seconds it took."""
        first = self._last_id + 1
        self._last_id += count
        requests = b"".join(
            frame({"id": number, "method": method, "params": params}) for number in range(first, first + count)
        )
        began = time.perf_counter()
        writer = threading.Thread(target=self._write, args=(requests,))
        writer.start()
        missing = set(range(first, first + count))
        while missing:
            missing.discard(self._receive())
        seconds = time.perf_counter() - began
        writer.join()
        for number in range(first, first + count):
            self.wait_for(number, began)
        return seconds

    def resident_bytes(self) -> int:
        return psutil.Process(self.pid).memory_info().rss

    def peak_memory(self) -> PeakMemory:
        """Watch the server's memory while the block of a `with` runs."""
        return PeakMemory(self.pid)

    def _write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def _receive(self) -> int:
        """Read one message, answer it if it is a request, and return the id that it answers (else 0)."""
        assert self._process.stdout is not None
        length = 0
        while header := self._process.stdout.readline().strip():
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if length == 0:
            self._log.seek(0)
            raise ServerError(f"the server went away: {self._log.read()[-2000:].decode(errors='replace')}")
        body = self._process.stdout.read(length)
        arrived = time.perf_counter()
        message = cast("Message", orjson.loads(body))
        if "method" not in message:
            self._unclaimed[message["id"]] = message, arrived
            return message["id"]
        if "id" in message:
            self._write(frame({"id": message["id"], "result": None}))
        else:
            self.heard(message, arrived)
        return 0


class PeakMemory:
    """Samples the memory of a process every few milliseconds, since not every system keeps its own high-water mark.

    Attributes:
        bytes: the most that was seen.
    """

    def __init__(self, pid: int) -> None:
        self.bytes = 0
        self._process = psutil.Process(pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        while True:
            try:
                self.bytes = max(self.bytes, self._process.memory_info().rss)
            except psutil.Error:
                return
            if self._done.wait(0.005):
                return
