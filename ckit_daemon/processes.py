"""Every child process of the daemon, so that none outlives it.

psutil is imported when processes are looked at: it takes 40 ms that the start of the daemon need not wait for.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import psutil


class ChildProcesses:
    """Ends process trees; implements `services.ports.ProcessTrees`.

    Whoever starts a child that may start children of its own starts it in a new session (`start_new_session=True`
    on POSIX) and registers it; a grandchild whose parent has died is then still found by its process group.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._registered: set[int] = set()

    def add(self, pid: int) -> None:
        """Register a child that leads its own session."""
        with self._lock:
            self._registered.add(pid)

    def end(self, pid: int, grace_seconds: float) -> None:
        """End a registered child and everything that it started; blocks for the grace period at most."""
        _end(_family([pid]), [pid], grace_seconds)
        with self._lock:
            self._registered.discard(pid)

    def end_all(self, grace_seconds: float) -> None:
        """End every child and everything below them; blocks for the grace period at most."""
        with self._lock:
            leaders = list(self._registered)
        _end(_family([os.getpid(), *leaders]), leaders, grace_seconds)


def _end(family: set[psutil.Process], leaders: Iterable[int], grace_seconds: float) -> None:
    """Ask politely first, and use force after a moment."""
    import psutil  # noqa: PLC0415 - see the module's docstring.

    for process in family:
        with suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(family, timeout=grace_seconds)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()
    # Whatever was started in the meantime is in the same session.
    if sys.platform != "win32":
        for leader in leaders:
            _signal_session(leader, signal.SIGKILL)


def _family(leaders: list[int]) -> set[psutil.Process]:
    """Processes with all their descendants, and those of their sessions whose parent has gone already; not our own."""
    import psutil  # noqa: PLC0415 - see the module's docstring.

    family: set[psutil.Process] = set()
    for leader in leaders:
        with suppress(psutil.Error):
            family |= {psutil.Process(leader), *psutil.Process(leader).children(recursive=True)}
    sessions = {leader for leader in leaders if leader != os.getpid() and _signal_session(leader, 0)}
    if sys.platform != "win32" and sessions:
        for process in psutil.process_iter():
            with suppress(ProcessLookupError, PermissionError, psutil.Error):
                if os.getpgid(process.pid) in sessions and process.status() != psutil.STATUS_ZOMBIE:
                    family.add(process)
    return {process for process in family if process.pid != os.getpid()}


def _signal_session(leader: int, number: int) -> bool:
    """Signal the process group of a session's leader; False where nothing is left of it, or there are no groups."""
    if sys.platform == "win32":
        return False
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
