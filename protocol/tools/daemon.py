"""A real daemon on the other end of two pipes, asked one thing after the other."""

from __future__ import annotations

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

ANSWER_SECONDS = 30.0


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
        self.notifications: list[JsonObject] = []

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
        """Send a request and return its answer; notifications that come before are kept."""
        # One request at a time, so that one id does, and errors that repeat it are the same in every run.
        self.send({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        return self.answer()

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
        """Return the next answer; notifications that come before are kept."""
        while "method" in (message := self.receive()):
            self.notifications.append(message)
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
