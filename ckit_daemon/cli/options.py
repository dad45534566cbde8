"""Options that several commands of the assistant share."""

from __future__ import annotations

from typing import Annotated

import typer

from ckit_daemon.cli.completion import entity_ids, session_ids

Model = Annotated[str | None, typer.Option("--model", "-m", metavar="PROVIDER/MODEL", help="Which model to ask.")]
SessionId = Annotated[
    str | None,
    typer.Option("--session", "-s", metavar="ID", help="Go on with this session.", autocompletion=session_ids),
]
Latest = Annotated[bool, typer.Option("--continue", "-c", help="Go on with the latest session.")]
Attach = Annotated[
    list[str] | None,
    typer.Option(
        "--attach",
        "-a",
        metavar="ID|FILE[:FROM-TO]",
        help="Give the model an entity, a file, or some of its lines, too; may be repeated.",
        autocompletion=entity_ids,
    ),
]
Apply = Annotated[bool, typer.Option("--apply", help="Write the files, after showing the change and asking.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
