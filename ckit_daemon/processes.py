"""Every child process of the daemon, so that none outlives it.

psutil is imported when processes are looked at: it takes 40 ms that the start of the daemon need not wait for.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import psutil


class ChildProcesses:
    """Ends process trees.

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

    def discard(self, pid: int) -> None:
        """Forget a child that has ended and been waited for."""
        with self._lock:
            self._registered.discard(pid)

    def end(self, pid: int, grace_seconds: float) -> None:
        """End a registered child and everything below it; blocks for the grace period at most."""
        self._end(_tree(pid), [pid], grace_seconds)
        self.discard(pid)

    def end_all(self, grace_seconds: float) -> None:
        """End every child and everything below them; blocks for the grace period at most."""
        import psutil  # noqa: PLC0415 - see the module's docstring.

        with self._lock:
            groups = list(self._registered)
        try:
            everything = psutil.Process().children(recursive=True)
        except psutil.Error:
            everything = []
        self._end(everything, groups, grace_seconds)

    @staticmethod
    def _end(processes: list[psutil.Process], groups: Iterable[int], grace_seconds: float) -> None:
        import psutil  # noqa: PLC0415 - see the module's docstring.

        for process in processes:
            _ask(process)
        _, alive = psutil.wait_procs(processes, timeout=grace_seconds)
        for process in alive:
            _kill(process)
        for group in groups:
            _kill_group(group)


def _tree(pid: int) -> list[psutil.Process]:
    import psutil  # noqa: PLC0415 - see the module's docstring.

    try:
        root = psutil.Process(pid)
        return [*root.children(recursive=True), root]
    except psutil.NoSuchProcess:
        return []


def _ask(process: psutil.Process) -> None:
    import psutil  # noqa: PLC0415 - see the module's docstring.

    try:
        process.terminate()
    except psutil.Error:
        return


def _kill(process: psutil.Process) -> None:
    import psutil  # noqa: PLC0415 - see the module's docstring.

    try:
        process.kill()
    except psutil.Error:
        return


def _kill_group(group: int) -> None:
    if sys.platform == "win32":
        return
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
