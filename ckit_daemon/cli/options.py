"""Options that several commands of the assistant share."""

from __future__ import annotations

from typing import Annotated

import typer

from ckit_daemon.cli.completion import entity_ids, session_ids


def names_model(reference: str) -> bool:
    """Return whether this is `provider/model`."""
    provider, _, model = reference.partition("/")
    return bool(provider and model)


def reference(value: str | None) -> str | None:
    """Check the value of an option.

    Raises:
        BadParameter: it names no model.
    """
    if value is not None and not names_model(value):
        raise typer.BadParameter(f"'{value}' must be PROVIDER/MODEL; `ckit providers models PROVIDER` lists models.")
    return value


Model = Annotated[
    str | None,
    typer.Option("--model", "-m", metavar="PROVIDER/MODEL", help="Which model to ask.", callback=reference),
]
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
