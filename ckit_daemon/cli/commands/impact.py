"""`ckit impact`: what a change breaks or makes stale."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from ckit_daemon.cli import render
from ckit_daemon.cli.app import command
from ckit_daemon.cli.commands.graph import chain
from ckit_daemon.cli.completion import entity_ids
from ckit_daemon.cli.errors import NEGATIVE, OK, CommandError
from ckit_daemon.cli.session import parse, session
from ckit_daemon.wire.repo import ImpactParams, ImpactResult

if TYPE_CHECKING:
    from pydantic import JsonValue

    from ckit_daemon.cli.session import Session
    from ckit_daemon.cli.terminal import Terminal
    from ckit_daemon.wire.repo import ChangedEntity, FiredRule

VALUE_WIDTH = 40
MAX_STALE = 30


@command("impact")
def impact(
    terminal: Terminal,
    *,
    ids: Annotated[
        list[str] | None, typer.Argument(help="Assume that these entities change.", autocompletion=entity_ids)
    ] = None,
    working_tree: Annotated[
        bool, typer.Option("--working-tree", "-w", help="What differs between the files and the last commit.")
    ] = False,
    staged: Annotated[bool, typer.Option("--staged", help="What is staged for the next commit.")] = False,
    since: Annotated[
        str | None, typer.Option("--since", metavar="REV", help="What differs between the files and a revision.")
    ] = None,
    depth: Annotated[
        int | None, typer.Option("--depth", "-d", min=1, max=100, help="Facts over which staleness spreads.")
    ] = None,
) -> int:
    """Show what a change asks of other entities.

    Exits with 1 if a reference would point nowhere.
    """
    if [bool(ids), working_tree, staged, since is not None].count(True) != 1:
        raise CommandError("Name entities, or choose one of --working-tree, --staged and --since REV.", code="usage")
    params = ImpactParams(depth=depth, ids=ids or None)
    if staged:
        params = ImpactParams(depth=depth, between="staged")
    elif not ids:
        params = ImpactParams(depth=depth, between="workingTree", base=since)
    with session(terminal) as opened:
        raw = opened.request("ckit/repo/impact", params)
        result = parse(ImpactResult, raw)
        if terminal.as_json:
            terminal.print_json(raw)
        else:
            show(opened, result)
    return NEGATIVE if any(issue.kind == "dangling" for issue in result.issues) else OK


def show(opened: Session, result: ImpactResult) -> None:
    """Print an impact for people."""
    out = opened.terminal.out
    if not result.changed:
        out.print("Nothing changed in meaning.", style="green")
        return
    for changed in result.changed:
        out.print(_changed(changed))
    if result.rules:
        out.print("\nRules it sets off", style="bold")
    table = render.grid()
    for rule in result.rules:
        table.add_row(Text("  ").append_text(render.severity(rule.severity)), _rule(rule))
    out.print(table)
    broken = [issue for issue in result.issues if issue.kind == "dangling"]
    if broken:
        out.print("\nBreaks", style="bold")
    for issue in broken:
        line = Text.assemble(("  \u2718 ", "bold red"), issue.message, (f"  {issue.suggested_action}  ", "dim"))
        out.print(line.append_text(render.place(opened, issue.location)))
    if result.stale:
        out.print("\nTo look at again", style="bold")
    table = render.grid()
    urgent_first = sorted(result.stale, key=lambda stale: render.SEVERITIES.index(stale.severity))
    for stale in urgent_first[:MAX_STALE]:
        entity = stale.entity
        severity = Text("  ").append_text(render.severity(stale.severity))
        name = render.identifier(entity.id, entity.type)
        way = chain(stale.origin, stale.via)
        table.add_row(severity, name, entity.title or "", render.status(entity.status), way)
    out.print(table)
    more = len(result.stale) - MAX_STALE
    if more > 0:
        out.print(f"  and {more} more; --depth 1 shows the neighbours only", style="dim")
    numbers = (
        render.plural(len(result.changed), "change"),
        f"{render.plural(len(result.rules), 'rule')} set off",
        f"{render.plural(len(broken), 'reference')} broken",
        f"{render.plural(len(result.stale), 'entity', 'entities')} to look at again",
    )
    out.print(Text(f"\n{', '.join(numbers)}", "dim"))


def _rule(rule: FiredRule) -> Text:
    doubt = ", perhaps" if rule.certainty == "possible" else ""
    line = Text.assemble(rule.reason, (f"{doubt}  {rule.rule}", "dim"))
    if rule.marks:
        line.append("\n\u2192 ", "dim").append(f"{', '.join(rule.marks)}: ").append_text(render.status(rule.status))
    return line


def _changed(changed: ChangedEntity) -> Text:
    verb = {"assumed": "would change", "added": "is new", "removed": "is gone"}.get(changed.kind, changed.kind)
    line = Text.assemble(render.identifier(changed.id, changed.type), f" {changed.title or ''}", (f"  {verb}", "bold"))
    for field in changed.fields or []:
        line.append(f"\n    {'.'.join(map(str, field.path))}", "cyan").append(": ")
        line.append(_value(field.old) if field.kind != "added" else "nothing", "red").append(" \u2192 ")
        line.append(_value(field.new) if field.kind != "removed" else "nothing", "green")
    return line


def _value(value: JsonValue) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= VALUE_WIDTH else f"{text[: VALUE_WIDTH - 1]}\u2026"
