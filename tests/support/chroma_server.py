"""A real Chroma server on loopback, and a gateway before it that wants a token, as teams have them."""

from __future__ import annotations

import contextlib
import random
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Generator

START_SECONDS = 180.0
REFUSAL = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 12\r\nconnection: close\r\n\r\nUnauthorized"
CHUNK = 65536
PORTS = range(20_000, 30_000)
"""Below what Linux, macOS and Windows choose for themselves."""


@contextlib.contextmanager
def chroma_server(folder: Path, port: int | None = None) -> Generator[str]:
    """Run `chroma run`, and tell its base URL; the same folder and port give the same server again."""
    chosen = port or free_port()
    program = Path(sys.executable).with_name("chroma.exe" if sys.platform == "win32" else "chroma")
    command = [program, "run", "--path", folder, "--host", "127.0.0.1", "--port", str(chosen)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder.parent) as process:
        try:
            url = f"http://127.0.0.1:{chosen}"
            _wait_for(f"{url}/api/v2/heartbeat")
            yield url
        finally:
            process.terminate()


class Gate:
    """Passes on requests that carry a token, as bearer or as `X-Chroma-Token`, and refuses the others.

    Attributes:
        url: where it listens.
        token: the one that it wants; may be changed.
        stalls: whether it takes requests and never answers them.
        heads: the head of the first request of each connection.
    """

    def __init__(self, target: str, token: str) -> None:
        self.token = token
        self.stalls = False
        self.heads: list[str] = []
        self._target = int(target.rpartition(":")[2])
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Let nobody in any more, and end all connections."""
        for each in (self._socket, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                self._open.append(client)
                threading.Thread(target=self._admit, args=(client,), daemon=True).start()

    def _admit(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            data = b""
            while b"\r\n\r\n" not in data:
                if not (more := client.recv(CHUNK)):
                    return
                data += more
            head = data.partition(b"\r\n\r\n")[0].decode("latin-1")
            self.heads.append(head)
            if self.stalls:
                return
            lines = {line.lower() for line in head.split("\r\n")}
            if not lines & {f"authorization: bearer {self.token}".lower(), f"x-chroma-token: {self.token}".lower()}:
                client.sendall(REFUSAL)
                client.close()
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            self._open.append(server)
            server.sendall(data)
            threading.Thread(target=_pipe, args=(server, client), daemon=True).start()
            _pipe(client, server)


@contextlib.contextmanager
def gate(target: str, token: str) -> Generator[Gate]:
    """A gate before a server."""
    opened = Gate(target, token)
    try:
        yield opened
    finally:
        opened.close()


def free_port() -> int:
    """A port that nobody uses, of those that no system gives to a connection in the meantime."""
    ports = list(PORTS)
    random.shuffle(ports)
    for port in ports:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


def _pipe(source: socket.socket, to: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK):
            to.sendall(data)
    with contextlib.suppress(OSError):
        to.shutdown(socket.SHUT_WR)


def _wait_for(url: str) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(httpx.HTTPError):
            httpx.get(url, trust_env=False).raise_for_status()
            return
        if time.monotonic() > end:
            raise TimeoutError(url)
        time.sleep(0.05)
