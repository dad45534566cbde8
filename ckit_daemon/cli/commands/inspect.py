"""`ckit inspect`: what a repository holds and what it lacks."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from rich.text import Text

from ckit_daemon.cli import render
from ckit_daemon.cli.app import command
from ckit_daemon.cli.errors import OK
from ckit_daemon.cli.session import parse, session
from ckit_daemon.wire.repo import InspectParams, InspectResult

if TYPE_CHECKING:
    from ckit_daemon.cli.session import Session
    from ckit_daemon.cli.terminal import Terminal

MAX_SHOWN = 8


@command("inspect")
def inspect(terminal: Terminal) -> int:
    """Count entities and relations, and name the gaps."""
    with session(terminal) as opened:
        raw = opened.request("ckit/repo/inspect", InspectParams())
        if terminal.as_json:
            terminal.print_json(raw)
        else:
            info = opened.repository
            head = f" at {info.head[:10]}" if info.head else ""
            terminal.out.print(Text.assemble((info.name, "bold"), (f"  {opened.root}{head}", "dim")))
            show(opened, parse(InspectResult, raw))
    return OK


def show(opened: Session, result: InspectResult) -> None:
    """Print an overview for people."""
    out = opened.terminal.out
    table = render.grid()
    for item in result.types:
        line = Text()
        for name, number in item.statuses.items():
            line.append_text(render.status(name)).append(f" {number}   ", "dim")
        table.add_row(Text(item.type, render.TYPE_STYLES.get(item.type, "bold")), str(item.count), line)
    out.print(table)
    relations = "  ".join(f"{item.rel}\u00a0{item.edges}" for item in result.relations)
    # rich breaks lines at no-break spaces as well.
    label = "Relations  "
    lines = textwrap.fill(f"{label}{relations}", out.width, subsequent_indent=" " * len(label))
    out.print(Text.assemble("\n", (label, "bold"), lines.removeprefix(label)))
    out.print(Text.assemble(("Findings   ", "bold"), render.counts(result.findings)))
    if result.coverage:
        out.print("\nCoverage", style="bold")
    table = render.grid()
    for item in result.coverage:
        have = item.total - len(item.missing)
        share = f"{have}/{item.total}"
        table.add_row(
            Text("  \u2714" if not item.missing else "  \u25cb", "green" if not item.missing else "yellow"),
            Text(share, "green" if not item.missing else "yellow"),
            Text(item.title),
            Text(_some(item.missing), "dim"),
        )
    out.print(table)
    if result.gaps:
        out.print("\nNext", style="bold")
    for gap in result.gaps:
        out.print(
            Text.assemble("  \u2022 ", gap.message, f" {gap.recommendation}", (f"  {_some(gap.entities)}", "dim"))
        )


def _some(ids: list[str]) -> str:
    more = len(ids) - MAX_SHOWN
    return ", ".join(ids[:MAX_SHOWN]) + (f" and {more} more" if more > 0 else "")
