"""`ckit rag`: search by meaning, and the index behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.text import Text

from ckit_daemon.cli import options, passages, render
from ckit_daemon.cli.app import app, command
from ckit_daemon.cli.completion import entity_ids
from ckit_daemon.cli.errors import NEGATIVE, OK, CommandError
from ckit_daemon.cli.session import parse, session
from ckit_daemon.wire.rag import (
    ClearParams,
    ClearResult,
    IndexParams,
    SearchParams,
    SearchResult,
    SimilarParams,
    StatusParams,
    StatusResult,
)

if TYPE_CHECKING:
    from ckit_daemon.cli.session import JsonObject, Session
    from ckit_daemon.cli.terminal import Terminal

group = typer.Typer(no_args_is_help=True, help="Search by meaning, and look after the index.")
app.add_typer(group, name="rag")

Types = Annotated[list[str] | None, typer.Option("--type", "-t", help="Passages of entities of these types only.")]
Statuses = Annotated[list[str] | None, typer.Option("--status", help="Passages of entities with these statuses only.")]
Paths = Annotated[
    list[str] | None, typer.Option("--path", metavar="GLOB", help="Files that fit only, or those in a folder.")
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=100, help="Passages to show.")]


@command("status", group=group)
def status(terminal: Terminal) -> int:
    """Say how far the index is, and what it can do. Exits with 1 while not everything can be found by meaning."""
    with session(terminal) as opened:
        raw = opened.request("ckit/rag/status", StatusParams())
        result = parse(StatusResult, raw)
        _show_status(opened, raw, result)
    return OK if result.state == "ready" else NEGATIVE


def _show_status(opened: Session, raw: JsonObject, result: StatusResult) -> None:
    terminal = opened.terminal
    if terminal.as_json:
        terminal.print_json(raw)
        return
    styles = {"ready": "bold green", "building": "cyan", "absent": "dim", "degraded": "yellow", "disabled": "dim"}
    terminal.out.print(Text.assemble("The index is ", (result.state, styles[result.state])))
    table = render.grid()
    if result.reason:
        table.add_row("", Text(result.reason))
    table.add_row(Text("passages", "cyan"), passages.progress_text(result))
    if result.masked:
        table.add_row(Text("masked", "cyan"), f"something that looks like a secret, in {result.masked} of them")
    if result.broken:
        what = render.plural(result.broken, "note, log entry or file", "notes, log entries or files")
        table.add_row(Text("left out", "cyan"), f"{what} that can't be read")
    dimension = f", {result.dimension} dimensions" if result.dimension else ""
    table.add_row(Text("embedder", "cyan"), f"{result.embedder}{dimension}")
    if result.building_embedder:
        table.add_row("", f"a new index is being built with {result.building_embedder}")
    # Nobody has looked how large an index is that is not open.
    size = f", {result.bytes / 1e6:,.1f} MB on this disk" if result.bytes else ""
    table.add_row(Text("store", "cyan"), Text(f"{result.store}{size}"))
    if result.writer != "none":
        table.add_row(Text("embeds now", "cyan"), f"{result.writer} daemon")
    terminal.out.print(table)


@command("index", group=group)
def index(
    terminal: Terminal,
    *,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Forget all vectors of the repository first.")] = False,
    yes: options.Yes = False,
) -> int:
    """Bring the index up to date. Ctrl-C stops; what is done by then is kept.

    With --rebuild an index on a Chroma server is deleted for everybody who uses it, after asking.
    """
    with session(terminal) as opened:
        if rebuild and not yes and not _may_delete(opened):
            return NEGATIVE
        raw = opened.request("ckit/rag/index", IndexParams(rebuild=rebuild))
        _show_status(opened, raw, parse(StatusResult, raw))
    return OK


@command("search", group=group)
def search(  # noqa: PLR0913 - each is an option.
    terminal: Terminal,
    *,
    query: Annotated[list[str], typer.Argument(help="A question, words or ids.")],
    mode: Annotated[
        Literal["hybrid", "lexical", "vector"], typer.Option("--mode", help="By words and meaning, or by one alone.")
    ] = "hybrid",
    types: Types = None,
    statuses: Statuses = None,
    paths: Paths = None,
    related: Annotated[
        str | None,
        typer.Option("--related-to", metavar="ID", help="Entities joined to it only.", autocompletion=entity_ids),
    ] = None,
    relations: Annotated[
        list[str] | None, typer.Option("--relation", help="With --related-to: these kinds of edges only.")
    ] = None,
    rerank: Annotated[bool, typer.Option("--rerank", help="Let the language model order the best hits.")] = False,
    limit: Limit = 10,
    wait: passages.Wait = passages.WAIT_SECONDS,
) -> int:
    """Find passages by words and by meaning. Exits with 1 if none is relevant."""
    params = SearchParams(
        query=" ".join(query),
        top_k=limit,
        mode=mode,
        types=types or None,
        statuses=statuses or None,
        paths=paths or None,
        related_to=related,
        relations=relations or None,
        rerank=rerank,
    )
    with session(terminal) as opened:
        if mode != "lexical":
            passages.await_index(opened, wait)
        return _show_hits(opened, opened.request("ckit/rag/search", params))


@command("similar", group=group)
def similar(
    terminal: Terminal,
    *,
    entity: Annotated[str | None, typer.Argument(metavar="ID", help="Which entity.", autocompletion=entity_ids)] = None,
    text: Annotated[str | None, typer.Option("--text", help="Compare with a text instead.")] = None,
    types: Types = None,
    limit: Limit = 10,
    wait: passages.Wait = passages.WAIT_SECONDS,
) -> int:
    """Find passages like an entity or a text. Exits with 1 if none is relevant."""
    params = SimilarParams(id=entity, text=text, top_k=limit, types=types or None)
    with session(terminal) as opened:
        passages.await_index(opened, wait)
        return _show_hits(opened, opened.request("ckit/rag/similar", params))


def _show_hits(opened: Session, raw: JsonObject) -> int:
    result = parse(SearchResult, raw)
    if opened.terminal.as_json:
        opened.terminal.print_json(raw)
        return OK if any(hit.relevant for hit in result.hits) else NEGATIVE
    return OK if passages.hits(opened, result) else NEGATIVE


@command("clear", group=group)
def clear(terminal: Terminal, *, yes: options.Yes = False) -> int:
    """Delete the index of the repository. It is built again when it is needed.

    On a Chroma server it is deleted for everybody who uses it, after asking.
    """
    with session(terminal) as opened:
        if not yes and not _may_delete(opened):
            return NEGATIVE
        raw = opened.request("ckit/rag/clear", ClearParams())
        if terminal.as_json:
            terminal.print_json(raw)
        else:
            terminal.note(f"Deleted: {render.plural(parse(ClearResult, raw).removed, 'vector')}.")
    return OK


def _may_delete(opened: Session) -> bool:
    """Ask about an index that others use, too; one on this disk costs nobody else anything."""
    store = parse(StatusResult, opened.request("ckit/rag/status", StatusParams())).store
    if store == "embedded":
        return True
    what = f"the index on {store}, for everybody who uses it"
    if not opened.terminal.has_person:
        raise CommandError(f"Nobody can be asked here; add --yes to delete {what}, without asking.", code="usage")
    return typer.confirm(f"Delete {what}?", err=True)
