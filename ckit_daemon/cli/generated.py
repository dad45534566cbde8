"""What `spec` and `codegen` share: a generation is shown first, then written after an approval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from ckit_daemon.cli import render
from ckit_daemon.cli.conversation import usage_parts
from ckit_daemon.cli.errors import NEGATIVE, OK, CommandError, RequestError
from ckit_daemon.cli.session import parse
from ckit_daemon.wire.code import ApplyParams, ChangedFiles

if TYPE_CHECKING:
    from ckit_daemon.cli.session import JsonObject, Session
    from ckit_daemon.cli.terminal import Terminal
    from ckit_daemon.wire.generation import GeneratedChange


def require_somebody(terminal: Terminal, *, apply: bool, yes: bool) -> None:
    """Refuse to ask where nobody can answer.

    Raises:
        CommandError: files are to be written after asking, and nobody can be asked.
    """
    if apply and not yes and not terminal.has_person:
        raise CommandError("Nobody can be asked here; add --yes to write without asking.", code="usage")


def finish(opened: Session, raw: JsonObject, result: GeneratedChange, *, apply: bool) -> int:
    """Say where a generation came from, and write it if it is to be; the daemon asks the person first."""
    terminal = opened.terminal
    for warning in result.warnings:
        terminal.err.print(Text.assemble(("warning", "yellow"), f": {warning}"), soft_wrap=True)
    answered = result.answered
    if not terminal.as_json:
        terminal.note(" \u00b7 ".join([f"{answered.provider}/{answered.model}", *usage_parts(answered.usage)]))
    written = False
    if apply:
        params = ApplyParams(generation_id=result.generation_id)
        try:
            changed = parse(ChangedFiles, opened.request("ckit/code/apply", params))
        except RequestError as error:
            if error.code == "denied":
                error.exit_code = NEGATIVE
            raise
        written = True
        line = Text.assemble(("\u2714 ", "bold green"), f"wrote {', '.join(changed.files)}")
        if not terminal.as_json:
            terminal.err.print(line, soft_wrap=True)
            terminal.note(f"ckit undo {result.generation_id} takes it back.")
    else:
        terminal.note(f"Nothing is written yet: --apply writes {render.plural(len(result.files), 'file')}.")
    if terminal.as_json:
        terminal.print_json({**raw, "applied": written})
    return OK
