"""`ckit prompt`: an assignment for a person or a model, from the repository's own templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ckit_daemon.cli.app import command
from ckit_daemon.cli.completion import entity_ids
from ckit_daemon.cli.errors import OK
from ckit_daemon.cli.session import parse, session
from ckit_daemon.wire.prompt import RenderParams, RenderResult

if TYPE_CHECKING:
    from ckit_daemon.cli.terminal import Terminal


@command("prompt")
def prompt(
    terminal: Terminal,
    *,
    entity: Annotated[str, typer.Argument(metavar="ID", help="For which entity.", autocompletion=entity_ids)],
    template: Annotated[
        str | None, typer.Option("--template", help="Name of a prompt template (default: the type's).")
    ] = None,
    now: Annotated[
        str | None, typer.Option("--now", metavar="TIME", help="The time to write into it (default: now).")
    ] = None,
    checklist: Annotated[bool, typer.Option("--checklist", help="Print the checklist instead.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Write both under generated/prompts/.")] = False,
) -> int:
    """Render the prompt of an entity."""
    with session(terminal) as opened:
        params = RenderParams(id=entity, template=template, now=now, write=write)
        raw = opened.request("ckit/prompt/render", params)
        result = parse(RenderResult, raw)
        if terminal.as_json:
            terminal.print_json(raw)
        elif write:
            written = [result.prompt_path, *([result.checklist_path] if result.checklist is not None else [])]
            terminal.write("".join(f"{path}\n" for path in written))
        else:
            terminal.write((result.checklist or "") if checklist else result.prompt)
    return OK
