"""What a daemon's log says about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MARKS = ("Traceback", '"level":"error"', '"level":"critical"', "Task exception was never retrieved")
"""What no line holds, unless the daemon has a fault of its own; the traceback of a fault stands in its line."""


def faults(log: Path) -> list[str]:
    """Return the lines of a daemon's log that tell of a fault; a line that is no record is one as well."""
    lines = log.read_text("utf-8").splitlines()
    return [line for line in lines if not line.startswith("{") or any(mark in line for mark in MARKS)]
