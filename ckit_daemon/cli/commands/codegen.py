"""`ckit codegen`: code for a specification."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations.
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from ckit_daemon.cli import generated, options, render
from ckit_daemon.cli.app import command
from ckit_daemon.cli.completion import entity_ids
from ckit_daemon.cli.person import Person
from ckit_daemon.cli.session import parse, session
from ckit_daemon.wire.code import GenerateParams, GenerateResult

if TYPE_CHECKING:
    from ckit_daemon.cli.terminal import Terminal


@command("codegen")
def codegen(  # noqa: PLR0913 - each is an option.
    terminal: Terminal,
    *,
    spec: Annotated[str, typer.Argument(metavar="ID", help="Which specification.", autocompletion=entity_ids)],
    language: Annotated[
        str | None, typer.Option("--language", "-l", help="Default: what .context-kit/stack.yml says.")
    ] = None,
    framework: Annotated[str | None, typer.Option("--framework", help="What to build it with.")] = None,
    style_guide: Annotated[
        Path | None, typer.Option("--style-guide", metavar="FILE", help="How the code is to look.")
    ] = None,
    folder: Annotated[str | None, typer.Option("--folder", metavar="DIR", help="Where the files belong.")] = None,
    model: options.Model = None,
    apply: options.Apply = False,
    yes: options.Yes = False,
) -> int:
    """Write code for a specification; the change goes to standard output as a patch.

    Nothing is written without --apply, which shows the patch and asks.
    """
    generated.require_somebody(terminal, apply=apply, yes=yes)
    params = GenerateParams(
        spec=spec,
        language=language,
        framework=framework,
        style_guide=None if style_guide is None else style_guide.read_text(encoding="utf-8"),
        folder=folder,
        model=model,
    )
    with session(terminal, person=Person(terminal, allows=yes)) as opened:
        raw = opened.request("ckit/code/generate", params)
        result = parse(GenerateResult, raw)
        if not terminal.as_json:
            # With --apply the question shows the same patch.
            if yes or not apply:
                terminal.out.print(render.diff(result.diff.rstrip("\n")), soft_wrap=True)
            table = render.grid()
            for artifact in result.artifacts:
                mark = Text("~", "yellow") if artifact.exists else Text("+", "green")
                table.add_row(mark, Text(artifact.path, "bold"), Text(artifact.language, "dim"), artifact.purpose)
            if not terminal.quiet:
                terminal.err.print(table)
        return generated.finish(opened, raw, result, apply=apply)
