"""`ckit providers`: who answers, and whether they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from ckit_daemon.cli import render
from ckit_daemon.cli.app import app, command
from ckit_daemon.cli.errors import NEGATIVE, OK, RequestError
from ckit_daemon.cli.groups import ListByDefault
from ckit_daemon.cli.person import Person
from ckit_daemon.cli.session import daemon, parse
from ckit_daemon.wire.base import NoParams
from ckit_daemon.wire.provider import ModelsParams, ModelsResult, ProviderListResult, TestParams, TestResult

if TYPE_CHECKING:
    from ckit_daemon.cli.terminal import Terminal

group = typer.Typer(cls=ListByDefault, help="List the providers of language models, and try them.")
app.add_typer(group, name="providers")

Name = Annotated[str, typer.Argument(metavar="PROVIDER", help="Its name in the settings.")]


@command("list", group=group)
def list_providers(terminal: Terminal) -> int:
    """List the providers of the settings, and what each is used for."""
    with daemon(terminal) as running:
        raw = running.request("ckit/provider/list", NoParams().to_wire())
    if terminal.as_json:
        terminal.print_json(raw)
        return OK
    result = parse(ProviderListResult, raw)
    marks = {"ready": ("\u2714", "green"), "unconfigured": ("\u25cb", "yellow"), "unavailable": ("\u2718", "red")}
    table = render.grid()
    for provider in result.providers:
        where = provider.base_url or "in this process"
        table.add_row(
            Text(*marks[provider.status]),
            Text(provider.name, "bold"),
            Text(provider.kind, "dim"),
            Text(provider.reason or where),
            Text(", ".join(provider.purposes), "dim"),
        )
    terminal.out.print(table)
    fallbacks = f", then {', '.join(result.fallbacks)}" if result.fallbacks else ""
    terminal.note(f"chat: {result.chat}{fallbacks}; specs, prompts and code: {result.generation}")
    return OK


@command("models", group=group)
def models(terminal: Terminal, *, provider: Name) -> int:
    """List the models that a provider really offers."""
    with daemon(terminal, person=Person(terminal)) as running:
        raw = running.request("ckit/provider/models", ModelsParams(provider=provider).to_wire())
    if terminal.as_json:
        terminal.print_json(raw)
        return OK
    result = parse(ModelsResult, raw)
    table = render.grid()
    for model in result.models:
        context = f"{model.context_tokens:,} tokens" if model.context_tokens else ""
        prices = (model.input_price, model.output_price)
        price = "" if None in prices else f"${prices[0]:g} / ${prices[1]:g} a million tokens"
        table.add_row(Text(f"{provider}/{model.name}", "bold"), Text(context, "dim"), Text(price, "dim"))
    terminal.out.print(table)
    if not result.complete:
        terminal.note("The provider keeps no list; these are the models of the settings.")
    return OK


@command("test", group=group)
def test(
    terminal: Terminal,
    *,
    provider: Name,
    model: Annotated[
        str | None, typer.Argument(metavar="MODEL", help="Default: its first one of the settings, or its only one.")
    ] = None,
) -> int:
    """Ask a provider for a few words. Exits with 1 if none come."""
    with daemon(terminal, person=Person(terminal)) as running, terminal.progress(f"Asking {provider}"):
        try:
            raw = running.request("ckit/provider/test", TestParams(provider=provider, model=model).to_wire())
        except RequestError as error:
            if error.code == "invalid_argument" and model is None:
                error.hints = (f"ckit providers test {provider} MODEL",)
            raise
    result = parse(TestResult, raw)
    if terminal.as_json:
        terminal.print_json(raw)
    else:
        mark = ("\u2714 ", "bold green") if result.ok else ("\u2718 ", "bold red")
        line = Text.assemble(mark, (f"{result.provider}/{result.model}", "bold"), f"  {result.detail}")
        if result.first_output_ms is not None and result.total_ms is not None:
            line.append(f"  first words after {result.first_output_ms:.0f} ms, all in {result.total_ms:.0f} ms", "dim")
        terminal.out.print(line, soft_wrap=True)
    return OK if result.ok else NEGATIVE
