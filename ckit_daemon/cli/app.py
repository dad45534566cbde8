"""The command line's frame: options that every command has, errors and exit codes."""

from __future__ import annotations

import errno
import functools
import inspect
import os
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, Final, ParamSpec

import typer
from pydantic import ValidationError
from rich.markup import escape

from ckit_daemon import __version__
from ckit_daemon.cli.errors import FAILED, INTERRUPTED, CommandError
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


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"ckit {__version__}\n")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_print_version)
]
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
    version: Version = False,
) -> None:
    del version  # Its callback has ended the program.
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
                repo=chosen["repo"] or Path(),
                as_json=chosen["as_json"],
                color=not chosen["no_color"],
                quiet=chosen["quiet"],
                verbose=chosen["verbose"],
            )
            with _boundary(terminal):
                _require_folder()
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
        sys.stdout.flush()
    except CommandError as failure:
        _show(terminal, failure)
        raise typer.Exit(failure.exit_code) from failure
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_context=False, include_input=False)[0]
        name = ".".join(str(step) for step in first["loc"]) or "The input"
        _show(terminal, CommandError(f"'{name}' is not usable: {first['msg']}.", code="invalid_params"))
        raise typer.Exit(FAILED) from invalid
    except OSError as failure:
        if failure.errno == errno.EPIPE:
            raise
        _silence_output()
        reason = failure.strerror or str(failure)
        message = f"{failure.filename}: {reason}." if failure.filename else f"The output can't be written: {reason}."
        # Standard output is what failed, so that not even `--json` can use it.
        _show(replace(terminal, as_json=False), CommandError(message, code="storage_error"))
        raise typer.Exit(FAILED) from failure
    except KeyboardInterrupt as interrupt:
        terminal.err.print("Cancelled.", style="yellow")
        raise typer.Exit(INTERRUPTED) from interrupt


def _show(terminal: Terminal, failure: CommandError) -> None:
    if terminal.as_json:
        terminal.print_json(failure.as_json())
        return
    terminal.err.print(f"[bold red]error[/]: {escape(failure.message)}", soft_wrap=True)
    for hint in failure.hints:
        terminal.err.print(escape(hint), style="dim", soft_wrap=True)


def _silence_output() -> None:
    """Give up what is still buffered; Python would try to write it once more at its end, and complain."""
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _require_folder() -> None:
    try:
        Path.cwd()
    except FileNotFoundError as gone:
        raise CommandError("The current folder no longer exists.", hints=("Go to another one: cd DIR",)) from gone
