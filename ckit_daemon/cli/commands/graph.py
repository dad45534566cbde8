"""`ckit graph` and `ckit paths`: how entities hang together."""

from __future__ import annotations

import tempfile
import webbrowser
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text
from rich.tree import Tree

from ckit_daemon.cli import render
from ckit_daemon.cli.app import command
from ckit_daemon.cli.completion import entity_ids
from ckit_daemon.cli.errors import NEGATIVE, OK, CommandError
from ckit_daemon.cli.session import parse, session
from ckit_daemon.cli.terminal import json_text
from ckit_daemon.wire.repo import GraphParams, GraphResult, PathsParams, PathsResult

if TYPE_CHECKING:
    from ckit_daemon.cli.session import JsonObject, Session
    from ckit_daemon.cli.terminal import Terminal
    from ckit_daemon.wire.common import Edge, EntitySummary

PAGE = 10_000


class GraphFormat(StrEnum):
    """How a graph is printed."""

    HUMAN = "human"
    JSON = "json"
    MERMAID = "mermaid"
    DOT = "dot"
    HTML = "html"
    GRAPHML = "graphml"
    CYTOSCAPE = "cytoscape"


class Direction(StrEnum):
    """Which facts to follow."""

    OUT = "out"
    IN = "in"
    BOTH = "both"


@command("graph")
def graph(  # noqa: PLR0913 - each is an option.
    terminal: Terminal,
    *,
    ids: Annotated[
        list[str] | None,
        typer.Argument(help="Start at these entities; without: everything.", autocompletion=entity_ids),
    ] = None,
    picture: Annotated[
        GraphFormat, typer.Option("--format", "-f", help="`html` is an interactive picture that works offline.")
    ] = GraphFormat.HUMAN,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file.", dir_okay=False)] = None,
    browse: Annotated[bool, typer.Option("--open", help="Show the HTML picture in the browser.")] = False,
    types: Annotated[list[str] | None, typer.Option("--type", "-t", help="Show these types only.")] = None,
    relations: Annotated[
        list[str] | None, typer.Option("--relation", "-r", help="Follow these relations only.")
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option("--depth", "-d", min=0, max=100, help="Facts to follow from IDS (default: 1 with IDS)."),
    ] = None,
    direction: Annotated[Direction, typer.Option("--direction", help="Facts to follow.")] = Direction.BOTH,
) -> int:
    """Show entities and the facts between them."""
    if browse:
        picture = GraphFormat.HTML
    elif terminal.as_json:
        picture = GraphFormat.JSON
    human = picture is GraphFormat.HUMAN
    if depth is None and ids:
        depth = 1
    params = GraphParams(
        ids=ids or None,
        types=types or None,
        relations=relations or None,
        depth=depth,
        direction=direction.value,
        format="json" if picture is GraphFormat.HUMAN else picture.value,
        limit=PAGE,
    )
    with session(terminal) as opened:
        raw = _all_pages(opened, params)
        result = parse(GraphResult, raw)
        if human and output is None:
            _print(opened, result, ids or [])
        elif picture is GraphFormat.JSON or human:
            _deliver(terminal, json_text(raw), output)
        elif browse and output is None:
            folder = Path(tempfile.mkdtemp(prefix="ckit-"))
            output = folder / "graph.html"
            _deliver(terminal, result.text or "", output)
        else:
            _deliver(terminal, result.text or "", output)
    if browse and output is not None:
        webbrowser.open(output.absolute().as_uri())
    return OK


def _all_pages(opened: Session, params: GraphParams) -> JsonObject:
    raw = opened.request("ckit/repo/graph", params)
    nodes, edges = raw["nodes"], raw["edges"]
    while (
        isinstance(offset := raw.pop("nextOffset", None), int) and isinstance(nodes, list) and isinstance(edges, list)
    ):
        page = opened.request("ckit/repo/graph", params.model_copy(update={"offset": offset}))
        more_nodes, more_edges = page["nodes"], page["edges"]
        nodes += more_nodes if isinstance(more_nodes, list) else []
        edges += more_edges if isinstance(more_edges, list) else []
        raw = {**page, "nodes": nodes, "edges": edges}
    return raw


def _deliver(terminal: Terminal, text: str, output: Path | None) -> None:
    if output is None:
        terminal.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise CommandError(f"{output} can't be written: {error.strerror or error}") from error
    terminal.note(f"Wrote {output} ({len(text.encode()):,} bytes).")


def _print(opened: Session, result: GraphResult, ids: list[str]) -> None:
    out = opened.terminal.out
    if ids:
        for tree in trees(result, ids):
            out.print(tree)
    else:
        table = render.grid()
        for entity_type, number in Counter(node.type for node in result.nodes).items():
            table.add_row(Text(entity_type, render.TYPE_STYLES.get(entity_type, "bold")), str(number))
        out.print(table)
        table = render.grid()
        for rel, number in Counter(edge.rel for edge in result.edges).most_common():
            table.add_row(Text(rel), str(number), Text(_example(result, rel), "dim"))
        out.print()
        out.print(table)
    nodes, edges = result.total_nodes, result.total_edges
    out.print(Text(f"\n{render.plural(nodes, 'entity', 'entities')}, {render.plural(edges, 'relation')}", "dim"))
    if not ids:
        opened.terminal.note("`ckit graph --open` draws a picture; `ckit graph ID` shows what is around one entity.")


def _example(result: GraphResult, rel: str) -> str:
    edge = next(edge for edge in result.edges if edge.rel == rel)
    return f"e.g. {edge.source} \u2192 {edge.target}"


def trees(result: GraphResult, ids: list[str]) -> list[Tree]:
    """The surroundings of each id as a tree in which every entity opens once."""
    nodes = {node.id: node for node in result.nodes}
    around: dict[str, list[Edge]] = {}
    for edge in result.edges:
        around.setdefault(edge.source, []).append(edge)
        if edge.target != edge.source:
            around.setdefault(edge.target, []).append(edge)

    def label(node: EntitySummary, before: str = "") -> Text:
        return Text.assemble(
            (before, "dim"),
            render.identifier(node.id, node.type),
            " ",
            node.title or "",
            "  ",
            render.status(node.status),
        )

    found: list[Tree] = []
    for start in (nodes[identifier] for identifier in ids if identifier in nodes):
        tree = Tree(label(start))
        queue, seen = [(tree, start.id)], {start.id}
        for branch, current in queue:
            for edge in around.get(current, []):
                outgoing = edge.source == current
                other = edge.target if outgoing else edge.source
                if other in seen:
                    continue
                seen.add(other)
                arrow = f"{edge.rel} \u2192 " if outgoing else f"\u2190 {edge.rel} "
                queue.append((branch.add(label(nodes[other], arrow)), other))
        found.append(tree)
    return found


@command("paths")
def paths(
    terminal: Terminal,
    *,
    source: Annotated[str, typer.Argument(help="Where to start.", autocompletion=entity_ids)],
    target: Annotated[str, typer.Argument(help="Where to arrive.", autocompletion=entity_ids)],
    direction: Annotated[Direction, typer.Option("--direction", help="Facts to follow.")] = Direction.BOTH,
    longest: Annotated[int, typer.Option("--max-length", min=1, max=20, help="Facts that a path may have.")] = 6,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Paths to show.")] = 10,
) -> int:
    """Show how two entities are connected, the shortest ways first."""
    params = PathsParams(source=source, target=target, direction=direction.value, max_length=longest, limit=limit)
    with session(terminal) as opened:
        raw = opened.request("ckit/repo/paths", params)
        result = parse(PathsResult, raw)
        if terminal.as_json:
            terminal.print_json(raw)
        for way in [] if terminal.as_json else result.paths:
            terminal.out.print(chain(source, way))
    if not result.paths:
        terminal.note(f"No path of at most {longest} facts.")
    return OK if result.paths else NEGATIVE


def chain(start: str, way: list[Edge]) -> Text:
    """A path in one line: `A -has-story-> B`."""
    shown, current = Text(start, "bold"), start
    for edge in way:
        outgoing = edge.source == current
        current = edge.target if outgoing else edge.source
        shown.append(f" \u2500{edge.rel}\u2192 " if outgoing else f" \u2190{edge.rel}\u2500 ", "dim").append(
            current, "bold"
        )
    return shown
