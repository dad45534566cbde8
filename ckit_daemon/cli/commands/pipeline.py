"""`ckit pipeline`: the built-in pipelines and the scripts of the repository."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from ckit_daemon.cli import render
from ckit_daemon.cli.app import app, command
from ckit_daemon.cli.errors import NEGATIVE, OK
from ckit_daemon.cli.session import parse, session
from ckit_daemon.cli.terminal import json_text
from ckit_daemon.wire.pipeline import ListParams, ListResult, RunParams, RunResult

if TYPE_CHECKING:
    from ckit_daemon.cli.terminal import Terminal

group = typer.Typer(help="Run pipelines: built in, or scripts of the repository's package.json.", no_args_is_help=True)
app.add_typer(group, name="pipeline")


@command("list", group=group)
def list_pipelines(terminal: Terminal) -> int:
    """List the pipelines and say which can run."""
    # Listing runs nothing: what is shown is what `run --script`, which vouches for the scripts, could do.
    with session(terminal, trusted=True) as opened:
        raw = opened.request("ckit/pipeline/list", ListParams())
        if terminal.as_json:
            terminal.print_json(raw)
            return OK
        table = render.grid()
        for pipeline in parse(ListResult, raw).pipelines:
            mark = Text("\u2714", "green") if pipeline.available else Text("\u25cb", "yellow")
            table.add_row(
                mark, pipeline.name, Text(pipeline.engine, "dim"), Text(pipeline.reason or pipeline.description)
            )
        terminal.out.print(table)
    return OK


@command("run", group=group)
def run(
    terminal: Terminal,
    *,
    name: Annotated[str, typer.Argument(help="Name of the pipeline.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(help="Ids for a built-in pipeline, arguments for a script (after --).")
    ] = None,
    script: Annotated[
        bool, typer.Option("--script", help="Run the repository's own script. It can do whatever you can.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Built-in pipelines: write no files.")] = False,
) -> int:
    """Run a pipeline and print its output.

    Exits with 1 if it says that something is wrong.
    """
    params = RunParams(
        name=name,
        engine="script" if script else "native",
        ids=None if script else arguments or None,
        args=arguments or None if script else None,
        dry_run=dry_run,
        # Who names a script on the command line has decided to run it.
        confirm=script,
    )
    with session(terminal, trusted=script) as opened:
        raw = opened.request("ckit/pipeline/run", params)
        result = parse(RunResult, raw)
        if terminal.as_json:
            terminal.print_json(raw)
        else:
            if result.command:
                terminal.note(f"$ {shlex.join(result.command)}")
            terminal.write(json_text(result.output) if result.stdout is None else result.stdout)
            if result.stderr:
                terminal.err.print(Text(result.stderr), end="")
    return OK if result.ok else NEGATIVE
