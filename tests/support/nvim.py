"""A Neovim that tests talk to over its own protocol (msgpack-rpc on its standard streams)."""

from __future__ import annotations

import subprocess
import threading
from typing import TYPE_CHECKING, Any

import msgpack

from tests.support.nvim_screen import Screen

if TYPE_CHECKING:
    from collections.abc import Mapping


PATIENCE_SECONDS = 300


class NvimError(Exception):
    """Neovim answered with an error."""


class Nvim:
    """One Neovim without a screen. pynvim does the same and leaves event loops open behind it."""

    def __init__(self, program: str, environment: Mapping[str, str], columns: int = 120, rows: int = 36) -> None:
        self.screen = Screen(columns, rows)
        self._process = subprocess.Popen(
            [program, "--embed", "--clean", "-n"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**environment},
        )
        self._unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, ext_hook=msgpack.ExtType)
        self._id = 0
        self.request("nvim_ui_attach", columns, rows, {"rgb": True, "ext_linegrid": True})

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    def request(self, method: str, *arguments: object) -> Any:
        """Call a function of its API and return what it returns.

        A Neovim that waits for somebody to press a key answers nothing; it is ended, and what it shows is told.
        """
        impatience = threading.Timer(PATIENCE_SECONDS, self._process.kill)
        impatience.start()
        try:
            return self._answer(method, arguments)
        finally:
            impatience.cancel()

    def _answer(self, method: str, arguments: tuple[object, ...]) -> Any:
        self._id += 1
        self._send([0, self._id, method, [*arguments]])
        while True:
            for message in self._unpacker:
                if message[0] == 1 and message[1] == self._id:
                    if message[2] is not None:
                        raise NvimError(message[2][1])
                    return message[3]
                if message[0] == 2 and message[1] == "redraw":
                    self.screen.draw(message[2])
            assert self._process.stdout is not None
            data = self._process.stdout.read1(65536)  # pyright: ignore[reportAttributeAccessIssue] - it is buffered.
            assert data, f"Neovim ended; it showed:\n{self.screen.text()}"
            self._unpacker.feed(data)

    def lua(self, code: str, *arguments: object) -> Any:
        """Run Lua and return what it returns."""
        return self.request("nvim_exec_lua", code, [*arguments])

    def command(self, text: str) -> None:
        """Run an Ex command."""
        self.request("nvim_command", text)

    def quit(self) -> None:
        """Tell it to end, without waiting for an answer that it will not give."""
        self._send([2, "nvim_command", ["qall!"]])

    def close(self) -> None:
        """Let go of the streams, and end it where it still runs."""
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
        self._process.kill()
        self._process.wait()

    def _send(self, message: list[object]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(msgpack.packb(message))
        self._process.stdin.flush()
