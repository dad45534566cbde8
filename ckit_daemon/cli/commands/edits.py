"""`ckit create` and `ckit rename`: changes that are shown before they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from ckit_daemon.cli import options, render
from ckit_daemon.cli.app import command
from ckit_daemon.cli.completion import entity_ids
from ckit_daemon.cli.errors import NEGATIVE, OK, CommandError
from ckit_daemon.cli.session import session
from ckit_daemon.wire.entity import CreateParams, RenameParams

if TYPE_CHECKING:
    from pydantic import JsonValue

    from ckit_daemon.cli.session import JsonObject, Session
    from ckit_daemon.cli.terminal import Terminal
    from ckit_daemon.wire.entity import EditParams

Apply = Annotated[bool, typer.Option("--apply", help="Write the files, after asking.")]


@command("rename")
def rename(
    terminal: Terminal,
    *,
    old: Annotated[str, typer.Argument(metavar="ID", help="Which entity.", autocompletion=entity_ids)],
    new: Annotated[str, typer.Argument(metavar="NEW-ID", help="Its new id.")],
    apply: Apply = False,
    yes: options.Yes = False,
) -> int:
    """Give an entity a new id, in every file that mentions it."""
    return _edit(terminal, "ckit/entity/rename", RenameParams(id=old, new_id=new), apply=apply, yes=yes)


@command("create")
def create(
    terminal: Terminal,
    *,
    entity_type: Annotated[str, typer.Argument(metavar="TYPE", help="Type of the entity, e.g. feature.")],
    fields: Annotated[list[str] | None, typer.Argument(metavar="FIELD=VALUE", help="E.g. title=Search.")] = None,
    identifier: Annotated[str | None, typer.Option("--id", help="Its id (default: the next free one).")] = None,
    template: Annotated[str | None, typer.Option("--template", help="Builder template to start from.")] = None,
    apply: Apply = False,
    yes: options.Yes = False,
) -> int:
    """Make a new entity.

    With --template the fields fill the template's placeholders.
    """
    given: dict[str, JsonValue] = {}
    for field in fields or []:
        name, equals, value = field.partition("=")
        if not equals:
            raise CommandError(f"Expected FIELD=VALUE, got {field!r}.", code="usage")
        given[name] = value
    data, values = (None, given) if template else (given, None)
    params = CreateParams(type=entity_type, id=identifier, template=template, data=data, values=values)
    return _edit(terminal, "ckit/entity/create", params, apply=apply, yes=yes)


def _edit(terminal: Terminal, method: str, params: EditParams, *, apply: bool, yes: bool) -> int:
    asks = apply and not yes
    if asks and not terminal.has_person:
        raise CommandError("Nobody can be asked here; add --yes to write without asking.", code="usage")
    with session(terminal) as opened:
        raw = opened.request(method, params.model_copy(update={"apply": apply and yes}))
        if terminal.as_json:
            terminal.print_json(raw)
            return OK
        terminal.out.print(render.diff(str(raw["diff"])), end="")
        if asks:
            if not typer.confirm(f"Write {_files(raw)}?", err=True):
                return NEGATIVE
            raw = opened.request(method, params.model_copy(update={"apply": True}))
        _outcome(opened, raw)
    return OK


def _outcome(opened: Session, raw: JsonObject) -> None:
    warnings = raw.get("warnings")
    for warning in warnings if isinstance(warnings, list) else []:
        opened.terminal.err.print(Text.assemble(("warning", "yellow"), f": {warning}"))
    if raw.get("applied"):
        opened.terminal.out.print(Text.assemble(("\u2714 ", "bold green"), f"{raw['id']}: wrote {_files(raw)}."))
    else:
        opened.terminal.note(f"Nothing is written yet: --apply writes {_files(raw)}.")


def _files(raw: JsonObject) -> str:
    files = raw.get("files")
    return render.plural(len(files) if isinstance(files, list) else 0, "file")
