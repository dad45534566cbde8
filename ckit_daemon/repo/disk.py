"""File operations that are on the disk when they return."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_WINDOWS_ATTEMPTS: Final = 20
_WINDOWS_PAUSE_SECONDS: Final = 0.025


def write_synced(file: Path, data: bytes, *, new: bool = False) -> None:
    """Write a file; a `new` one must not exist."""
    with file.open("xb" if new else "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def sync_file(file: Path) -> None:
    """Have a file that somebody wrote on the disk."""
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    # Windows has no such call; its file systems keep the order of renames in a log.
    if os.name != "nt" and folder.exists():
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def replace(source: Path, target: Path) -> None:
    """Rename over `target`. On Windows a virus scanner or indexer may hold it open for a moment."""
    for attempt in range(_WINDOWS_ATTEMPTS):
        try:
            source.replace(target)
        except PermissionError:
            if os.name != "nt" or attempt == _WINDOWS_ATTEMPTS - 1:
                raise
            time.sleep(_WINDOWS_PAUSE_SECONDS)
        else:
            return
