"""The scripted model server in a process of its own, so that it takes no time from the client that measures.

What it is asked says what it answers: so many pieces, each with the time at which it is sent, or a call of a tool.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Final, Self

from typing_extensions import override

from tests.bench.repos import PROJECT
from tests.support.model_server import ModelServer, Reply, ToolCallReply
from tests.support.model_server_reply import NOW, last_user_text

if TYPE_CHECKING:
    from types import TracebackType

    from tests.bench.client import Message

PATIENCE_SECONDS: Final = 120

_PIECES: Final = re.compile(r"(\d+) pieces, (\S+) s apart")
_SCRIPT: Final = re.compile(r"script (\S+)")


def pieces(count: int, gap: float, name: object) -> str:
    """What to ask for an answer in pieces; the name makes it another request than all others."""
    return f"{count} pieces, {gap} s apart ({name})"


def script(name: str) -> str:
    """What to ask for a call of the tool that runs a script."""
    return f"script {name}"


def sent(text: str) -> list[float]:
    """When the pieces of a text were sent, in seconds of `time.perf_counter()`."""
    return [int(stamp) / 1e9 for stamp in re.findall(r"\d+", text)]


class ModelProcess:
    """The server, from its start to the end of a `with` block.

    Attributes:
        url: where it is.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.models"],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self._lines = self._process.stdout
        self.url = self._lines.readline().strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._process.communicate()

    def settings(self, **more: object) -> Message:
        """Settings with the server as the model of conversations; `more` are further ones of the group `models`."""
        provider = {"kind": "openai", "baseUrl": self.url, "maxConcurrent": 1000}
        return {"providers": {"bench": provider}, "chat": "bench/scripted", "maxConcurrent": 1000, **more}

    def body(self, text: str) -> Message:
        """A request as the daemon's provider sends it, without tools."""
        messages = [{"role": "user", "content": text}]
        return {"model": "scripted", "stream": True, "messages": messages}

    def gone(self) -> float:
        """Wait for the end of the next stream that a client gives up; return when, by `time.perf_counter()`."""
        impatience = threading.Timer(PATIENCE_SECONDS, self._process.kill)
        impatience.start()
        line = self._lines.readline()
        impatience.cancel()
        assert line, "no stream was given up"
        return float(line)


class _Server(ModelServer):
    """Prints when a client went away."""

    @override
    def note_gone(self) -> None:
        print(time.perf_counter(), flush=True)


def _reply(body: Message) -> Reply:
    text = last_user_text(body)
    if found := _PIECES.search(text):
        return Reply(chunks=[f" {NOW}"] * int(found[1]), gap=float(found[2]))
    if body["messages"][-1]["role"] == "user" and (found := _SCRIPT.search(text)):
        return Reply(tool_calls=[ToolCallReply("pipeline_script", {"name": found[1]})])
    return Reply(text="Done.")


def main() -> None:
    server = _Server("openai")
    server.respond = _reply
    server.start()
    print(server.base_url, flush=True)
    # The end of its input is the end.
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
