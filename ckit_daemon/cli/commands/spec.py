"""`ckit spec` and `ckit promptify`: from entities to a specification, and from there to a prompt."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from ckit_daemon.cli import generated, options, render
from ckit_daemon.cli.app import command
from ckit_daemon.cli.client import Hooks
from ckit_daemon.cli.completion import entity_ids
from ckit_daemon.cli.errors import OK, CommandError
from ckit_daemon.cli.markdown import Display, MarkdownStream
from ckit_daemon.cli.person import Person
from ckit_daemon.cli.session import parse, session
from ckit_daemon.wire.spec import GenerateParams, GenerateResult, PromptifyParams, PromptifyResult

if TYPE_CHECKING:
    from ckit_daemon.cli.session import JsonObject, Session
    from ckit_daemon.cli.terminal import Terminal

PROMPT_TOKENS = 8000


@command("spec")
def spec(
    terminal: Terminal,
    *,
    entities: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="What it is about.", autocompletion=entity_ids)
    ] = None,
    requirement: Annotated[
        str | None, typer.Option("--requirement", "-r", help="What must be true, in your words.")
    ] = None,
    template: Annotated[
        str, typer.Option("--template", help="default, api, feature, or one of the repository's own.")
    ] = "default",
    search: Annotated[bool, typer.Option("--context", help="Add what a search finds for it.")] = False,
    model: options.Model = None,
    apply: options.Apply = False,
    yes: options.Yes = False,
) -> int:
    """Write a specification from entities; it goes to standard output as it is written.

    With --apply it becomes an entity with the next id, linked both ways, and an entry in the log of specs.
    """
    generated.require_somebody(terminal, apply=apply, yes=yes)
    display = Display(terminal.out)
    params = GenerateParams(
        entities=entities or [], requirement=requirement, template=template, context=search, model=model
    )
    with session(terminal, person=Person(terminal, allows=yes, make_room=display.clear)) as opened:
        raw = _streamed(opened, params, display)
        return generated.finish(opened, raw, parse(GenerateResult, raw), apply=apply)


def _streamed(opened: Session, params: GenerateParams, display: Display) -> JsonObject:
    """Have it written, and print the text while it comes."""
    terminal = opened.terminal
    stream = MarkdownStream(terminal.out, display)
    quiet = terminal.as_json

    def more(part: JsonObject) -> None:
        if not quiet:
            stream.write(str(part.get("text", "")))

    if not (quiet or terminal.quiet):
        display.wait("Writing")
    try:
        raw = opened.request("ckit/spec/generate", params, Hooks(part=more))
        if not quiet:
            stream.close()
        return raw
    finally:
        display.clear()


@command("promptify")
def promptify(
    terminal: Terminal,
    *,
    source: Annotated[
        str, typer.Argument(metavar="ID|FILE|-", help="A spec, or a file with one.", autocompletion=entity_ids)
    ],
    target: Annotated[
        str, typer.Option("--target", "-t", help="codegen, review, test, or a template of .context-kit/prompts.yml.")
    ] = "codegen",
    budget: Annotated[
        int, typer.Option("--budget", "-b", min=200, help="Most tokens that the prompt may have.")
    ] = PROMPT_TOKENS,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "-m", metavar="PROVIDER/MODEL", help="Whose tokens to count.", callback=options.reference
        ),
    ] = None,
) -> int:
    """Turn a specification into a prompt for a model or a person.

    The prompt goes to standard output; what went into it, and what did not, to standard error.
    """
    identifier, text = _source(source)
    params = PromptifyParams(id=identifier, text=text, target=target, max_tokens=budget, model=model)
    with session(terminal) as opened:
        raw = opened.request("ckit/spec/promptify", params)
        result = parse(PromptifyResult, raw)
        if terminal.as_json:
            terminal.print_json(raw)
            return OK
        terminal.write(result.prompt if result.prompt.endswith("\n") else result.prompt + "\n")
        if not terminal.quiet:
            _receipts(terminal, result)
    return OK


def _source(given: str) -> tuple[str | None, str | None]:
    """The id, or the text of a file or of standard input."""
    if given == "-":
        return None, sys.stdin.read()
    file = Path(given)
    if not file.is_file():
        return given, None
    try:
        return None, file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CommandError(f"{given} is no text in UTF-8.", code="content_rejected") from error


def _receipts(terminal: Terminal, result: PromptifyResult) -> None:
    states = {"whole": ("\u2714", "green"), "cut": ("\u2702", "yellow"), "left-out": ("\u25cb", "dim")}
    table = render.grid()
    for receipt in result.receipts:
        tokens = f"{receipt.tokens:,}" if receipt.state == "whole" else f"{receipt.tokens:,} of {receipt.of_tokens:,}"
        table.add_row(
            Text(*states[receipt.state]), receipt.title, Text(tokens, justify="right"), Text(receipt.reason, "dim")
        )
    terminal.err.print(table)
    for warning in result.warnings:
        terminal.err.print(Text.assemble(("warning", "yellow"), f": {warning}"), soft_wrap=True)
    about = "about " if result.estimated else ""
    terminal.note(f"{about}{result.tokens:,} of {result.max_tokens:,} tokens")
