"""Whether there is room on a disk; asked by the daemon and by the process of its vector store."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

DISK_FULL: Final = "the disk is full"
"""Said for people where it has no room."""
NEEDED_BYTES: Final = 4_000_000
"""What must be free for Chroma to write; with less, it does not always say what has stopped it."""


def is_full(folder: Path) -> bool:
    """Whether the disk of a folder has no room for vectors; no where there is no such folder."""
    with contextlib.suppress(OSError):
        return shutil.disk_usage(folder).free < NEEDED_BYTES
    return False
