"""A real daemon on the other end of two pipes, asked one thing after the other."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Self, cast

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from pydantic import JsonValue

    JsonObject = dict[str, JsonValue]

ANSWER_SECONDS = 120.0


class Daemon:
    """Spawns `python -m ckit_daemon` with a clean environment and talks JSON-RPC with it; a context manager.

    Args:
        home: empty folder for the daemon's own files.
    """

    def __init__(self, home: Path) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CKIT_", "OTEL_"))}
        environment = inherited | {
            "CKIT_CONFIG_FILE": str(home / "config.toml"),
            "CKIT_PATHS_CACHE_DIR": str(home / "cache"),
            "CKIT_PATHS_STATE_DIR": str(home / "state"),
            "CKIT_LOG_FILE": str(home / "daemon.log"),
        }
        command = [sys.executable, "-m", "ckit_daemon"]
        pipe = subprocess.PIPE
        self._stderr = home / "stderr.txt"
        with self._stderr.open("wb") as stderr:
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=stderr, env=environment, cwd=home)
        self._ids = itertools.count(2)
        self._late: dict[JsonValue, JsonObject] = {}
        self.told: list[JsonObject] = []
        """Notifications and requests of the daemon, in their order."""
        self.answers: Mapping[str, JsonValue] = {}
        """Results for the daemon's requests by method; others are left open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(ANSWER_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()

    def initialize(self, params: Mapping[str, JsonValue]) -> JsonObject:
        """Open the session and return the answer."""
        answer = self.request("initialize", dict(params))
        if "result" in answer:
            self.send({"jsonrpc": "2.0", "method": "initialized", "params": {}})
        return answer

    def request(self, method: str, params: JsonValue) -> JsonObject:
        """Send a request and return its answer; what the daemon tells meanwhile is kept."""
        # One request at a time, so that one id does, and errors that repeat it are the same in every run.
        return self.finish(self._send_request(1, method, params))

    def begin(self, method: str, params: JsonValue, until: str) -> int:
        """Send a request that stays open, wait until the daemon sends a message of a method, and return the id."""
        identifier = self._send_request(next(self._ids), method, params)
        while (message := self._take()).get("method") != until:
            if message.get("id") == identifier:
                raise EOFError(f"{method} was answered before {until} came: {message}")
        return identifier

    def finish(self, identifier: int) -> JsonObject:
        """Return the answer to a request; what the daemon tells meanwhile is kept."""
        while identifier not in self._late:
            self._take()
        return self._late.pop(identifier)

    def cancel(self, identifier: int) -> None:
        """Cancel a request that is open, and wait for its answer."""
        self.send({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": identifier}})
        self.finish(identifier)

    def _send_request(self, identifier: int, method: str, params: JsonValue) -> int:
        self.send({"jsonrpc": "2.0", "id": identifier, "method": method, "params": params})
        return identifier

    def _take(self) -> JsonObject:
        message = self.receive()
        method = message.get("method")
        if method is None:
            self._late[message.get("id")] = message
            return message
        self.told.append(message)
        if "id" in message and method in self.answers:
            self.send({"jsonrpc": "2.0", "id": message["id"], "result": self.answers[cast("str", method)]})
        return message

    def send(self, message: Mapping[str, JsonValue]) -> None:
        """Send one message."""
        body = json.dumps(message).encode()
        self.send_bytes(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""
        if self._process.stdin is None:
            raise RuntimeError("the daemon has no standard input")
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def answer(self) -> JsonObject:
        """Return the next answer, to whatever was sent."""
        while "method" in (message := self._take()):
            pass
        return message

    def receive(self) -> JsonObject:
        """Return the next message.

        Raises:
            EOFError: the daemon ended or said nothing for too long.
        """
        # A blocked read on a pipe can't be given a deadline on every system, but the end of the process ends it.
        watchdog = threading.Timer(ANSWER_SECONDS, self._process.kill)
        watchdog.start()
        try:
            return cast("JsonObject", json.loads(self._read_body()))
        finally:
            watchdog.cancel()

    def _read_body(self) -> bytes:
        stream = self._process.stdout
        if stream is None:
            raise RuntimeError("the daemon has no standard output")
        length = -1
        while line := stream.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if length < 0:
            said = self._stderr.read_text("utf-8", "replace")[-2000:]
            raise EOFError(f"the daemon ended before it answered: {said}")
        return stream.read(length)
