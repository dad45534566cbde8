"""The command line's frame: options that every command has, errors and exit codes."""

from __future__ import annotations

import functools
import inspect
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, Final, ParamSpec

import typer
from rich.markup import escape

from ckit_daemon.cli.errors import INTERRUPTED, CommandError
from ckit_daemon.cli.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

P = ParamSpec("P")

EPILOG: Final = (
    "Exit codes: 0 fine; 1 the answer is no (findings, no hits, no such entity); 2 wrong usage or a failure; "
    "130 interrupted. Colours follow NO_COLOR and FORCE_COLOR."
)

app = typer.Typer(
    name="ckit",
    help="Check a context repository, look at it, and see what a change breaks.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_PANEL: Final = "Options of every command"
Repo = Annotated[
    Path | None,
    typer.Option(
        "--repo", "-C", metavar="DIR", help="Repository, or a folder in it (default: .)", rich_help_panel=_PANEL
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the protocol's result as JSON.", rich_help_panel=_PANEL)]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colours and no links.", rich_help_panel=_PANEL)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no notes.", rich_help_panel=_PANEL)]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show the daemon's log.", rich_help_panel=_PANEL)]

_COMMON: Final[dict[str, tuple[Any, object]]] = {
    "repo": (Repo, None),
    "as_json": (AsJson, False),
    "no_color": (NoColor, False),
    "quiet": (Quiet, False),
    "verbose": (Verbose, False),
}


@app.callback()
def common(  # noqa: D103 - typer shows the text of the app.
    context: typer.Context,
    *,
    repo: Repo = None,
    as_json: AsJson = False,
    no_color: NoColor = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    context.obj = {
        "repo": repo,
        "as_json": as_json,
        "no_color": no_color,
        "quiet": quiet,
        "verbose": verbose,
    }


def command(
    name: str, *, group: typer.Typer = app, epilog: str | None = EPILOG
) -> Callable[[Callable[Concatenate[Terminal, P], int]], Callable[Concatenate[Terminal, P], int]]:
    """Register a function as a command; it gets a Terminal first and returns the exit code.

    The common options may stand before the command's name or behind it.
    """

    def register(function: Callable[Concatenate[Terminal, P], int]) -> Callable[Concatenate[Terminal, P], int]:
        signature = inspect.signature(function, eval_str=True, locals={"Terminal": Terminal})
        own = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in list(signature.parameters.values())[1:]]
        shared = [
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for key, (annotation, default) in _COMMON.items()
        ]
        context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)

        def run(*, context: typer.Context, **values: Any) -> None:  # noqa: ANN401 - the options of any command.
            chosen = {key: values.pop(key) or context.obj[key] for key in _COMMON}
            terminal = Terminal(
                repo=chosen["repo"] or Path.cwd(),
                as_json=chosen["as_json"],
                color=not chosen["no_color"],
                quiet=chosen["quiet"],
                verbose=chosen["verbose"],
            )
            with _boundary(terminal):
                raise typer.Exit(function(terminal, **values))  # pyright: ignore[reportCallIssue] - own holds them.

        functools.update_wrapper(run, function)
        # Typer follows `__wrapped__` and `__annotations__`; what counts is the signature with the common options.
        del run.__wrapped__  # pyright: ignore[reportFunctionMemberAccess] - update_wrapper has just set it.
        parameters = [*own, *shared, context]
        run.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess] - PEP 362.
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        group.command(name, epilog=epilog)(run)
        return function

    return register


@contextmanager
def _boundary(terminal: Terminal) -> Generator[None]:
    """The one place where failures become messages and exit codes."""
    try:
        yield
    except CommandError as failure:
        if terminal.as_json:
            terminal.print_json(failure.as_json())
        else:
            terminal.err.print(f"[bold red]error[/]: {escape(failure.message)}", soft_wrap=True)
            for hint in failure.hints:
                terminal.err.print(escape(hint), style="dim", soft_wrap=True)
        raise typer.Exit(failure.exit_code) from failure
    except KeyboardInterrupt as interrupt:
        terminal.err.print("Cancelled.", style="yellow")
        raise typer.Exit(INTERRUPTED) from interrupt
