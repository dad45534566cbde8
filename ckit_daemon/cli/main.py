"""Entry point of the `ckit` command."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

from ckit_daemon.cli.app import app
from ckit_daemon.cli.commands import (
    ask,
    chat,
    codegen,
    demo,
    doctor,
    edits,
    entities,
    graph,
    impact,
    init,
    inspect,
    model,
    origins,
    pipeline,
    prompt,
    providers,
    rag,
    rag_eval,
    sessions,
    spec,
    validate,
)

__all__ = [
    "ask",
    "chat",
    "codegen",
    "demo",
    "doctor",
    "edits",
    "entities",
    "graph",
    "impact",
    "init",
    "inspect",
    "model",
    "origins",
    "pipeline",
    "prompt",
    "providers",
    "rag",
    "rag_eval",
    "sessions",
    "spec",
    "validate",
]


def main() -> None:
    """Run the command and end the process with its exit code."""
    # A stream that the parent has closed is None in Python; what nobody can read goes nowhere.
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open to the end.
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open to the end.
    for stream in (sys.stdout, sys.stderr):
        # Windows still gives pipes the encoding of the 1990s; what goes into them is UTF-8.
        if isinstance(stream, io.TextIOWrapper) and not stream.isatty():
            stream.reconfigure(encoding="utf-8", errors="replace")
    app()


if __name__ == "__main__":
    main()
