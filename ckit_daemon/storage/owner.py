"""Who is alive: each store that writes holds a lock which the system lets go of when its process ends.

Unlike process ids and heartbeats this needs no clock, writes nothing while nothing happens, sees two stores in one
process, knows a dead process that nobody has waited for, and takes no suspended one for dead.
"""

from __future__ import annotations

import contextlib
import os
import threading
import uuid
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from pathlib import Path

TIDY_SECONDS: Final = 5.0


class Owner:
    """One owner of leases; its methods may be called from any thread."""

    def __init__(self, folder: Path) -> None:
        """Name it; `folder` holds the lock files of all owners and need not exist."""
        self.id = uuid.uuid4().hex
        self._folder = folder
        self._held: FileLock | None = None
        self._lock = threading.Lock()

    @property
    def lives(self) -> bool:
        """Whether `live` was called, and not `close`."""
        return self._held is not None

    def live(self) -> None:
        """Show that this owner lives, from now until `close` or the end of the process; tidies up after dead ones.

        Raises:
            OSError: the lock file can't be made.
        """
        with self._lock:
            if self._held is None:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                lock = self._lock_of(self.id)
                # Another one that tidies up may hold it for a moment.
                lock.acquire(timeout=TIDY_SECONDS, poll_interval=0.001)
                self._held = lock
                for file in self._folder.glob("*.lock"):
                    self.is_alive(file.stem)

    def is_alive(self, owner: str) -> bool:
        """Whether an owner lives; one that does not leaves nothing behind."""
        if owner == self.id:
            return True
        lock = self._lock_of(owner)
        file = self._file_of(owner)
        if not file.exists():
            return False
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return True
        # Whoever is just beginning to live may wait for the lock: it makes a new file where it finds this one gone, but
        # a file that it holds already must not go any more.
        _remove(file)
        lock.release()
        if os.name == "nt":
            # Only now, since Windows removes no file that is open; and so not the one that another owner holds.
            _remove(file)
        return False

    def close(self) -> None:
        """Live no more."""
        with self._lock:
            if self._held is not None:
                self._held.release()
                self._held = None
                _remove(self._file_of(self.id))

    def _file_of(self, owner: str) -> Path:
        return self._folder / f"{owner}.lock"

    def _lock_of(self, owner: str) -> FileLock:
        return FileLock(self._file_of(owner), mode=0o600, thread_local=False)


def _remove(file: Path) -> None:
    # It may be gone already; and Windows keeps it while another daemon looks.
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)
