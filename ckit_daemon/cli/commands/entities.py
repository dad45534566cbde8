"""`ckit show`, `ckit list` and `ckit search`: finding and reading entities."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer
from rich.padding import Padding
from rich.text import Text

from ckit_daemon.cli import render
from ckit_daemon.cli.app import command
from ckit_daemon.cli.completion import entity_ids
from ckit_daemon.cli.errors import NEGATIVE, OK
from ckit_daemon.cli.session import parse, session
from ckit_daemon.wire.entity import GetParams, GetResult, ListParams, ListResult, SearchParams, SearchResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckit_daemon.cli.session import Session
    from ckit_daemon.cli.terminal import Terminal

Types = Annotated[list[str] | None, typer.Option("--type", "-t", help="These types only.")]
Statuses = Annotated[list[str] | None, typer.Option("--status", help="These statuses only.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="Entities to show.")]


@command("show")
def show(
    terminal: Terminal,
    *,
    entity: Annotated[str, typer.Argument(metavar="ID", help="Which entity.", autocompletion=entity_ids)],
    text: Annotated[bool, typer.Option("--text", help="Print the file as well.")] = False,
) -> int:
    """Show one entity: what it says, its relations and its findings."""
    with session(terminal) as opened:
        raw = opened.request("ckit/entity/get", GetParams(id=entity, text=text))
        if terminal.as_json:
            terminal.print_json(raw)
        else:
            card(opened, parse(GetResult, raw))
    return OK


def card(opened: Session, result: GetResult) -> None:
    """Print an entity for people."""
    out, entity = opened.terminal.out, result.entity
    heading = Text.assemble(render.identifier(entity.id, entity.type), "  ", (entity.title or "", "bold"))
    out.print(heading.append("  ").append_text(render.status(entity.status)))
    out.print(Text(entity.type, "dim").append("  ").append_text(render.place(opened, result.location)))
    for path in result.duplicates:
        out.print(Text.assemble(("\u2718 ", "red"), "the same id is claimed by ", render.file(opened, path)))
    fields = render.grid()
    for name, value in result.data.items():
        # Lists of texts and single texts say what an entity is about; the rest is in the file.
        if name in {"id", "title", "name", "status"} or not value:
            continue
        if isinstance(value, str):
            fields.add_row(Text(name, "cyan"), Text(value.strip()))
        elif isinstance(value, list) and all(isinstance(item, str) for item in value) and not _is_link(result, value):
            fields.add_row(Text(name, "cyan"), Text("\n".join(f"\u2022 {item}" for item in value)))
    if fields.rows:
        out.print()
        out.print(fields)
    grouped = sorted(result.relations, key=lambda relation: (relation.direction, relation.rel))
    for (direction, rel), group in groupby(grouped, key=lambda relation: (relation.direction, relation.rel)):
        out.print(Text(f"\n{rel} \u2192" if direction != "in" else f"\n\u2190 {rel}", "bold"))
        out.print(Padding(render.entities(opened, [relation.entity for relation in group]), (0, 0, 0, 2)))
    if result.findings:
        out.print()
        for part in render.findings(opened, result.findings):
            out.print(part)
    if result.text:
        out.print()
        opened.terminal.write(result.text)


def _is_link(result: GetResult, values: Sequence[object]) -> bool:
    known = {relation.entity.id for relation in result.relations}
    return all(isinstance(value, str) and value in known for value in values)


@command("list")
def list_entities(
    terminal: Terminal,
    *,
    types: Types = None,
    statuses: Statuses = None,
    limit: Limit = 1000,
) -> int:
    """List entities by type and file."""
    params = ListParams(types=types or None, statuses=statuses or None, limit=limit)
    with session(terminal) as opened:
        raw = opened.request("ckit/entity/list", params)
        result = parse(ListResult, raw)
        if terminal.as_json:
            terminal.print_json(raw)
        else:
            terminal.out.print(render.entities(opened, result.entities))
            terminal.note(f"{len(result.entities)} of {render.plural(result.total, 'entity', 'entities')}")
    return OK


@command("search")
def search(
    terminal: Terminal,
    *,
    words: Annotated[
        list[str], typer.Argument(help='Words, "phrases", -excluded words and field:value (status:blocked).')
    ],
    types: Types = None,
    statuses: Statuses = None,
    fields: Annotated[list[str] | None, typer.Option("--field", help="Look in these fields only.")] = None,
    limit: Limit = 20,
) -> int:
    """Find entities by words, phrases and fields.

    Exits with 1 if there are none. Put -- before words that begin with a dash.
    """
    params = SearchParams(
        query=" ".join(_word(word) for word in words),
        types=types or None,
        statuses=statuses or None,
        fields=fields or None,
        limit=limit,
    )
    with session(terminal) as opened:
        raw = opened.request("ckit/entity/search", params)
        result = parse(SearchResult, raw)
        if terminal.as_json:
            terminal.print_json(raw)
        else:
            hits(opened, result)
    return OK if result.total else NEGATIVE


def _word(word: str) -> str:
    # The shell has taken the quotes off a phrase; several words in one argument are one again.
    return f'"{word}"' if " " in word and '"' not in word and ":" not in word else word


def hits(opened: Session, result: SearchResult) -> None:
    """Print what a search found."""
    out = opened.terminal.out
    for hit in result.hits:
        entity = hit.entity
        line = Text.assemble(render.identifier(entity.id, entity.type), "  ", entity.title or "", "  ")
        out.print(line.append_text(render.status(entity.status)))
        for match in hit.matches:
            field = ".".join(map(str, match.field))
            start = match.range.start
            where = render.file(opened, entity.path, f"{entity.path}:{start.line + 1}:{start.character + 1}")
            out.print(Text.assemble("    ", (field, "cyan"), f"  {' '.join(match.excerpt.split())}  ", where))
    if result.total > len(result.hits):
        opened.terminal.note(f"{len(result.hits)} of {result.total} shown.")
    elif not result.total:
        opened.terminal.note("Nothing fits.")
