"""`ckit explain` and `ckit undo`: where something generated came from, and how to be rid of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.text import Text

from ckit_daemon.cli import render
from ckit_daemon.cli.app import command
from ckit_daemon.cli.completion import entity_ids
from ckit_daemon.cli.conversation import usage_parts
from ckit_daemon.cli.errors import NEGATIVE, OK, CommandError
from ckit_daemon.cli.session import parse, session
from ckit_daemon.wire.code import ChangedFiles, UndoParams
from ckit_daemon.wire.generation import ExplainParams, ExplainResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.cli.session import JsonObject, Session
    from ckit_daemon.cli.terminal import Terminal
    from ckit_daemon.wire.generation import Generation

What = Annotated[
    str,
    typer.Argument(
        metavar="GENERATION|ID",
        help="A generation (gen_...), or an entity: then the newest one that made it.",
        autocompletion=entity_ids,
    ),
]
_GENERATION: Final = "gen_"
_STATES: Final[Mapping[str, tuple[str, str]]] = {
    "fresh": ("\u2714", "green"),
    "written": ("\u2714", "green"),
    "pending": ("\u25cb", "dim"),
    "undone": ("\u25cb", "dim"),
    "changed": ("~", "yellow"),
    "gone": ("\u2718", "red"),
}


@command("explain")
def explain(terminal: Terminal, *, what: What) -> int:
    """Say what something generated was made from, and whether that has changed since.

    Exits with 1 if it has.
    """
    with session(terminal) as opened:
        raw = _explained(opened, what)
    result = parse(ExplainResult, raw)
    if terminal.as_json:
        terminal.print_json(raw)
    else:
        _show(terminal, result.generation)
        if result.fresh:
            terminal.note("All that it was made from is as it was.")
        else:
            terminal.note("What it was made from has changed since; make it anew where that matters.")
    return OK if result.fresh else NEGATIVE


@command("undo")
def undo(terminal: Terminal, *, what: What) -> int:
    """Take back the files of a generation, unless somebody has changed them since."""
    with session(terminal) as opened:
        generation = what if what.startswith(_GENERATION) else _written(opened, what)
        raw = opened.request("ckit/code/undo", UndoParams(generation_id=generation))
    if terminal.as_json:
        terminal.print_json(raw)
    else:
        files = ", ".join(parse(ChangedFiles, raw).files)
        terminal.out.print(Text.assemble(("\u2714 ", "bold green"), f"took back {files}"), soft_wrap=True)
    return OK


def _explained(opened: Session, what: str) -> JsonObject:
    named = ExplainParams(id=what) if what.startswith(_GENERATION) else ExplainParams(entity=what)
    return opened.request("ckit/generation/explain", named)


def _written(opened: Session, entity: str) -> str:
    """The id of an entity's newest generation, if its files are there."""
    generation = parse(ExplainResult, _explained(opened, entity)).generation
    if not any(file.state in {"written", "changed"} for file in generation.files):
        raise CommandError(f"The newest generation of {entity} has written nothing.", code="conflict")
    return generation.id


def _show(terminal: Terminal, generation: Generation) -> None:
    by = f"{generation.provider}/{generation.model}" if generation.provider else "no model"
    parts = [by, generation.created_at, *usage_parts(generation.usage)]
    if generation.repairs:
        parts.append(f"mended {render.plural(generation.repairs, 'time')}")
    about = f" {generation.entity}" if generation.entity else ""
    terminal.out.print(
        Text.assemble((generation.kind, "bold"), f"{about}, {generation.outcome}  ", (generation.id, "dim"))
    )
    terminal.out.print(Text(" \u00b7 ".join(parts), "dim"))
    table = render.grid()
    if (template := generation.template) is not None:
        table.add_row(Text(*_STATES[template.state]), "template", template.path or template.name, template.state)
    for source in generation.inputs:
        table.add_row(Text(*_STATES[source.state]), "from", source.path, source.state)
    for file in generation.files:
        table.add_row(Text(*_STATES[file.state]), "makes", file.path, file.state)
    terminal.out.print(table)
