"""A small JSON-RPC client that starts the daemon and talks to it over standard input and output."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self, cast

from ckit_daemon.cli.errors import CommandError, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType
    from typing import BinaryIO

    from pydantic import JsonValue

    JsonObject = dict[str, JsonValue]
    Answerer = Callable[[JsonObject], JsonObject]

POLL_SECONDS: Final = 0.2
"""How long a wait may ignore Ctrl-C: on Windows a blocked queue can't be interrupted."""
GRACE_SECONDS: Final = 3.0
TAIL_LINES: Final = 12
TAIL_WIDTH: Final = 400
ACCEPTED_REQUESTS: Final = ("window/workDoneProgress/create", "client/registerCapability")


@dataclass(frozen=True, slots=True)
class Report:
    """How far a request is; `percentage` is None where the daemon does not know."""

    percentage: int | None
    message: str


@dataclass(slots=True)
class Hooks:
    """Who is told, while a request runs, what happens to it."""

    progress: Callable[[Report], None] | None = None
    part: Callable[[JsonObject], None] | None = None
    """Gets each part of the result ahead of the whole."""
    interrupt: Callable[[], None] | None = None
    """Gets the first Ctrl-C; the request goes on. Without it, and at the second one, the request is cancelled."""


class Daemon:
    """A running daemon. Use as a context manager: it ends with the block, whatever happens.

    Args:
        command: The program and its first arguments; the daemon of this installation by default.
        verbose: Show the daemon's log.
        answerers: Who answers which request of the daemon; gets the parameters and returns the result.
        listeners: Who gets the parameters of which notification of the daemon.

    Raises:
        CommandError: the daemon can't be started, has ended or speaks no JSON-RPC.
    """

    def __init__(
        self,
        command: Sequence[str] | None = None,
        *,
        verbose: bool = False,
        answerers: Mapping[str, Answerer] | None = None,
        listeners: Mapping[str, Callable[[JsonObject], None]] | None = None,
    ) -> None:
        level = "debug" if verbose else "warning"
        self._command = [*(command or (sys.executable, "-m", "ckit_daemon")), "--log-level", level]
        self._verbose = verbose
        self._inbox: queue.Queue[JsonObject | None] = queue.Queue()
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._threads: list[threading.Thread] = []
        self._last_id = 0
        self._changed = False
        self._answerers = dict(answerers or {})
        self._listeners = dict(listeners or {})

    def __enter__(self) -> Self:
        # Ctrl-C reaches everything in the terminal's process group. The daemon stands outside of it, so that it is
        # asked to cancel and not torn down.
        new_group = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=os.name == "posix",
                creationflags=new_group,
            )
        except OSError as error:
            raise CommandError(f"The daemon can't be started: {error.strerror or error}") from error
        self._stdin = cast("BinaryIO", self._process.stdin)
        for work in (self._read_messages, self._read_log):
            thread = threading.Thread(target=work, daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, traceback: TracebackType | None) -> None:
        with suppress(OSError, CommandError, KeyboardInterrupt):
            if kind is None:
                self.request("shutdown")
            self.notify("exit")
        with suppress(OSError):
            self._stdin.close()
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join(GRACE_SECONDS)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def initialize(self, options: JsonObject) -> JsonObject:
        """Introduce the client; columns are to count characters, as people do.

        Returns:
            The daemon's capabilities, as `ckit/capabilities` describes them.
        """
        params: JsonObject = {
            "processId": os.getpid(),
            "rootUri": None,
            "capabilities": {
                "general": {"positionEncodings": ["utf-32"]},
                "window": {"workDoneProgress": True},
            },
            "initializationOptions": {"ckit": {**options, "answers": [*self._answerers]}},
        }
        answer = self.request("initialize", params)
        self.notify("initialized", {})
        try:
            capabilities = cast("dict[str, dict[str, JsonObject]]", answer["capabilities"])
            return capabilities["experimental"]["ckit"]
        except (KeyError, TypeError) as error:
            raise CommandError("The daemon does not speak the ckit protocol.") from error

    def request(self, method: str, params: JsonObject | None = None, hooks: Hooks | None = None) -> JsonObject:
        """Return the result of a request; Ctrl-C cancels it in the daemon first, unless a hook takes it.

        Raises:
            RequestError: the daemon answered with an error.
            CommandError: the daemon is gone.
        """
        hooks = hooks or Hooks()
        interrupt = hooks.interrupt
        identifier = self.begin(method, params, hooks)
        while True:
            try:
                return _result(self._answer(identifier, hooks))
            except KeyboardInterrupt:
                if interrupt is not None:
                    interrupt()
                    interrupt = None
                    continue
                self.notify("$/cancelRequest", {"id": identifier})
                self._answer(identifier, Hooks(), deadline=time.monotonic() + GRACE_SECONDS)
                raise

    def begin(self, method: str, params: JsonObject | None = None, hooks: Hooks | None = None) -> int:
        """Send a request and return its id; nobody waits for the answer."""
        self._last_id += 1
        message: JsonObject = {"id": self._last_id, "method": method}
        tokens: JsonObject = {}
        if hooks is not None and hooks.progress is not None:
            tokens["workDoneToken"] = _token(self._last_id)
        if hooks is not None and hooks.part is not None:
            tokens["partialResultToken"] = _token(self._last_id, "part")
        if params is not None:
            message["params"] = {**params, **tokens}
        self._send(message)
        return self._last_id

    def notify(self, method: str, params: JsonObject | None = None) -> None:
        """Send a notification."""
        self._send({"method": method} if params is None else {"method": method, "params": params})

    def next_change(self, timeout_seconds: float | None = None) -> None:
        """Wait until the daemon says that a repository changed; what it said before counts.

        Raises:
            CommandError: nothing changed in time.
        """
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while not self._changed:
            self._receive()
            if deadline is not None and time.monotonic() > deadline:
                raise CommandError("The daemon did not notice a change in time.", code="deadline_exceeded")
        self._changed = False

    def _answer(self, identifier: int, hooks: Hooks, deadline: float | None = None) -> JsonObject:
        while deadline is None or time.monotonic() < deadline:
            message = self._receive()
            if message is None:
                continue
            if message.get("method") == "$/progress":
                _report(message, identifier, hooks)
            elif message.get("id") == identifier and "method" not in message:
                return message
        return {}

    def _receive(self) -> JsonObject | None:
        """The next message, or None if none came in a while; requests of the daemon are answered on the way."""
        try:
            message = self._inbox.get(timeout=POLL_SECONDS)
        except queue.Empty:
            return None
        if message is None:
            raise self._died()
        method = str(message.get("method", ""))
        given = message.get("params")
        params = given if isinstance(given, dict) else {}
        if method == "ckit/repo/didChange":
            self._changed = True
        elif method and "id" in message:
            self._send({"id": message["id"], **self._serve(method, params)})
        elif method in self._listeners:
            self._listeners[method](params)
        return message

    def _serve(self, method: str, params: JsonObject) -> JsonObject:
        if method in self._answerers:
            return {"result": self._answerers[method](params)}
        if method in ACCEPTED_REQUESTS:
            return {"result": None}
        return {"error": {"code": -32601, "message": "The ckit command does not serve this request."}}

    def _send(self, message: JsonObject) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False).encode()
        try:
            self._stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
            self._stdin.flush()
        except (OSError, ValueError) as error:
            raise self._died() from error

    def _died(self) -> CommandError:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_SECONDS)
        # The log may still be on its way when the end of the messages has been seen.
        self._threads[1].join(GRACE_SECONDS)
        code = self._process.returncode
        hints = [f"daemon: {line}" for line in self._tail]
        return CommandError(f"The daemon ended unexpectedly (exit code {code}).", hints=hints, code="daemon_ended")

    def _read_messages(self) -> None:
        stream = cast("BinaryIO", self._process.stdout)
        try:
            while (message := _read_message(stream)) is not None:
                self._inbox.put(message)
        except (OSError, ValueError):
            # What follows can't be understood; the daemon counts as gone.
            self._process.kill()
        finally:
            self._inbox.put(None)

    def _read_log(self) -> None:
        for raw in cast("BinaryIO", self._process.stderr):
            line = raw.decode(errors="replace").rstrip()
            self._tail.append(line[:TAIL_WIDTH])
            if self._verbose:
                sys.stderr.write(line + "\n")


def _read_message(stream: BinaryIO) -> JsonObject | None:
    """Read one message of LSP's base protocol; None at the end. A ValueError means that it is none."""
    length: int | None = None
    while (line := stream.readline(4096)) not in {b"\r\n", b"\n"}:
        if not line:
            return None
        name, _, value = line.decode("ascii").partition(":")
        if name.lower() == "content-length":
            length = int(value)
    if length is None:
        raise ValueError("no Content-Length")
    body = stream.read(length)
    message = json.loads(body) if len(body) == length else None
    return cast("JsonObject | None", message)


def _result(answer: JsonObject) -> JsonObject:
    error = answer.get("error")
    if isinstance(error, dict):
        data = error.get("data")
        code = str(data.get("code", "")) if isinstance(data, dict) else ""
        raise RequestError(str(error.get("message", "The request failed.")), code, error)
    result = answer.get("result")
    return result if isinstance(result, dict) else {}


def _token(identifier: int, kind: str = "work") -> str:
    return f"ckit-{kind}-{identifier}"


def _report(message: JsonObject, identifier: int, hooks: Hooks) -> None:
    params = message.get("params")
    if not isinstance(params, dict):
        return
    token, value = params.get("token"), params.get("value")
    if isinstance(value, dict) and hooks.progress is not None and token == _token(identifier):
        percentage = value.get("percentage")
        text = str(value.get("message") or value.get("title") or "")
        hooks.progress(Report(percentage if isinstance(percentage, int) else None, text))
    elif isinstance(value, list) and hooks.part is not None and token == _token(identifier, "part"):
        for part in value:
            if isinstance(part, dict):
                hooks.part(part)
