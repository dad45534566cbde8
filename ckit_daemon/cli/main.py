"""Entry point of the `ckit` command."""

from __future__ import annotations

import io
import sys

from ckit_daemon.cli.app import app
from ckit_daemon.cli.commands import (
    demo,
    doctor,
    edits,
    entities,
    graph,
    impact,
    init,
    inspect,
    pipeline,
    prompt,
    validate,
)

__all__ = [
    "demo",
    "doctor",
    "edits",
    "entities",
    "graph",
    "impact",
    "init",
    "inspect",
    "pipeline",
    "prompt",
    "validate",
]


def main() -> None:
    """Run the command and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # Windows still gives pipes the encoding of the 1990s; what goes into them is UTF-8.
        if isinstance(stream, io.TextIOWrapper) and not stream.isatty():
            stream.reconfigure(encoding="utf-8", errors="replace")
    app()


if __name__ == "__main__":
    main()
