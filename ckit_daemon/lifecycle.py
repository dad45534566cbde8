"""When the daemon ends: end of input, death of the parent, signals, `exit`; and that it does so in time.

Whatever the reason, `stop` starts a watchdog thread that ends the process tree by force shortly before the two
seconds that the daemon promises, even where the event loop hangs.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from ckit_daemon.processes import ChildProcesses

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.25
FORCE_AFTER_SECONDS = 1.5
CHILD_GRACE_SECONDS = 0.3
WINDOWS_PARENT = sys.platform == "win32"
"""Windows keeps the number of a parent that is gone; elsewhere getppid changes."""


class Lifecycle:
    """Decides when the daemon ends and with which code."""

    def __init__(self, children: ChildProcesses, *, own_process: bool, parent: int = 0) -> None:
        """Build it; with `own_process` False (several daemons in one process) nothing is forced and no signal taken.

        `parent` is the process that the daemon must not outlive; the present parent by default.
        """
        self._children = children
        self._own_process = own_process
        self._stopped = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._parent = parent or os.getppid()
        self._client: int | None = None
        self.exit_code: int | None = None
        self.reason = ""
        self.urgent = False

    def begin(self) -> None:
        """Take signals and begin to watch the parent; call it on the running loop."""
        self._loop = asyncio.get_running_loop()
        if not self._own_process:
            return
        for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"):
            if (number := getattr(signal, name, None)) is not None:
                signal.signal(number, self._on_signal)
        threading.Thread(target=self._watch, name="ckit-parent", daemon=True).start()

    def watch_client(self, pid: int | None) -> None:
        """Watch the process that named itself as the parent in initialize as well (LSP 3.17, processId)."""
        self._client = pid if pid is not None else self._client

    def stop(self, code: int, reason: str, *, urgent: bool = False) -> None:
        """End the daemon; may be called from any thread and more than once (the first call decides).

        Args:
            code: exit code of the process.
            reason: for the log.
            urgent: nobody is left to wait for answers.
        """
        with self._lock:
            if self.exit_code is not None:
                return
            self.exit_code = code
            self.reason = reason
            self.urgent = urgent
        if self._own_process:
            threading.Thread(target=self._force, name="ckit-watchdog", daemon=True).start()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopped.set)

    async def wait(self, on_tick: Callable[[], None]) -> None:
        """Return when the daemon is to end; meanwhile calls `on_tick` now and then."""
        while not self._stopped.is_set():
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._stopped.wait()
            except TimeoutError:
                on_tick()

    def end_children(self) -> None:
        """End all child processes; blocks for a moment."""
        if self._own_process:
            self._children.end_all(CHILD_GRACE_SECONDS)

    def _watch(self) -> None:
        """Look after the parent and the client, in a thread of its own, because the event loop may hang."""
        pause = threading.Event()
        while self.exit_code is None:
            pause.wait(POLL_SECONDS)
            if os.getppid() != self._parent:
                self.stop(1, "the parent process is gone", urgent=True)
            watched = [pid for pid in (self._client, WINDOWS_PARENT and self._parent) if pid]
            if not all(map(_alive, watched)):
                self.stop(1, "the client's process is gone", urgent=True)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        # POSIX shells' convention for the end by a signal is 128 plus its number; a polite SIGTERM is no failure.
        code = 0 if number == signal.SIGTERM else 128 + number
        self.stop(code, f"signal {signal.Signals(number).name}")

    def _force(self) -> None:
        threading.Event().wait(FORCE_AFTER_SECONDS)
        self._children.end_all(CHILD_GRACE_SECONDS)
        os._exit(self.exit_code or 0)


def _alive(pid: int) -> bool:
    import psutil  # noqa: PLC0415 - takes 40 ms that the start need not wait for.

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        # Without the right to look at a process we can't say that it is gone.
        return True
