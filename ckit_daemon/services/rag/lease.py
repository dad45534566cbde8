"""Who may embed: one daemon at a time for each repository and embedder, and who works on it lives."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from ckit_daemon.core.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path


class Lease:
    """A lock on a file, which the system lets go of when the process of its holder ends; used on the event loop."""

    def __init__(self, file: Path) -> None:
        """Name the file; it and its folder need not exist."""
        self._file = file
        self._lock = FileLock(file, mode=0o600, thread_local=False)

    @property
    def held(self) -> bool:
        """Whether this is its holder."""
        return self._lock.is_locked

    async def take(self) -> bool:
        """Take it, unless another daemon has it; return whether it is held now.

        Raises:
            StorageError: the lock file can't be made.
        """
        return self.held or await asyncio.to_thread(self._take)

    async def release(self) -> None:
        """Let others have it."""
        if self.held:
            await asyncio.to_thread(self._release)

    def _release(self) -> None:
        # What the disk says against it changes nothing: the lock goes with the file's handle.
        with contextlib.suppress(OSError):
            self._lock.release()

    def _take(self) -> bool:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock.acquire(blocking=False)
        except Timeout:
            return False
        except OSError as error:
            raise StorageError(f"The index can't be written: {error.strerror or 'the system refuses it'}.") from None
        return True
