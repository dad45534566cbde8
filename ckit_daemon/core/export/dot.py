"""The DOT language of Graphviz (https://graphviz.org/doc/info/lang.html)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.core.export.style import caption, colours, tint

if TYPE_CHECKING:
    from ckit_daemon.core.graph import Subgraph


def to_dot(subgraph: Subgraph, title: str) -> str:
    """Write a directed graph from left to right."""
    palette = colours(subgraph.entities)
    lines = [
        f"digraph {_quote(title)} {{",
        "  rankdir=LR;",
        f"  label={_quote(title)};",
        '  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=11];',
        '  edge [color="#6b7280", fontname="Helvetica", fontsize=9];',
    ]
    for entity in subgraph.entities:
        colour = palette[entity.type]
        label = _quote(*caption(entity))
        lines.append(f'  {_quote(entity.id)} [label={label}, color="{colour}", fillcolor="{tint(colour)}"];')
    lines += (
        f"  {_quote(edge.source)} -> {_quote(edge.target)} [label={_quote(edge.rel)}];" for edge in subgraph.edges
    )
    return "\n".join([*lines, "}", ""])


def _quote(*texts: str) -> str:
    escaped = (text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") for text in texts)
    return '"' + "\\n".join(escaped) + '"'
