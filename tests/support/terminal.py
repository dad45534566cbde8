"""A program on a terminal of its own, as a person uses it. POSIX only."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
import time
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

TIMEOUT_SECONDS = 60.0
COLUMNS = 120
_QUIET_LOOKS = 10
_LOOK_SECONDS = 0.01
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
# A session's first process gets its terminal by asking for it; `getpass` and Ctrl-C need that. A shell that runs the
# tests in the background has them ignore Ctrl-C, and no terminal does.
_PRELUDE = (
    "import fcntl, runpy, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "signal.signal(signal.SIGINT, signal.default_int_handler); "
    "sys.argv = sys.argv[1:]; runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
)


class TerminalProgram:
    """A running Python module; what it shows is read all the time."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self._master = master
        self._shown = ""
        self._seen = 0
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def screen(self) -> str:
        """All that was shown, without colours and movements."""
        with self._changed:
            return _ESCAPES.sub("", self._shown)

    def type(self, text: str) -> None:
        """Press keys; a line ends with a carriage return."""
        os.write(self._master, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C, as slowly as a person: once the program does nothing but wait.

        Python keeps a signal that comes between its last look and its wait for keys until the next key is pressed.
        """
        program, quiet, deadline = psutil.Process(self.process.pid), 0, time.monotonic() + TIMEOUT_SECONDS
        while quiet < _QUIET_LOOKS:
            assert time.monotonic() < deadline, f"the program never waits after {self._shown[-3000:]!r}"
            quiet = quiet + 1 if program.status() == psutil.STATUS_SLEEPING else 0
            time.sleep(_LOOK_SECONDS)
        self.type("\x03")

    def expect(self, text: str) -> None:
        """Wait until something is shown that has not been waited for before."""
        with self._changed:
            found = self._changed.wait_for(lambda: self._find(text) or not self._reader.is_alive(), TIMEOUT_SECONDS)
            assert found and self._find(text), f"{text!r} is not shown after {self._shown[-3000:]!r}"
            shown = _ESCAPES.sub("", self._shown)
            self._seen = shown.index(text, self._seen) + len(text)

    def end(self) -> int:
        """Wait for the end of the program and return its exit code."""
        code = self.process.wait(TIMEOUT_SECONDS)
        self._reader.join(TIMEOUT_SECONDS)
        return code

    def _find(self, text: str) -> bool:
        return text in _ESCAPES.sub("", self._shown)[self._seen :]

    def _read(self) -> None:
        # Linux reports the end of a terminal's programs as an error.
        with contextlib.suppress(OSError):
            while data := os.read(self._master, 65536):
                with self._changed:
                    self._shown += data.decode(errors="replace")
                    self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()


@contextlib.contextmanager
def on_terminal(
    module: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None
) -> Generator[TerminalProgram]:
    """Run a Python module on a terminal; it is gone at the end."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", _PRELUDE, module, *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), **(environment or {})},
    )
    os.close(slave)
    program = TerminalProgram(process, master)
    try:
        yield program
    finally:
        process.kill()
        program.end()
        os.close(master)
