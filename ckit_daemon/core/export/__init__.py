"""Pictures of a graph in the formats of other tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from ckit_daemon.core.export.cytoscape import to_cytoscape
from ckit_daemon.core.export.dot import to_dot
from ckit_daemon.core.export.graphml import to_graphml
from ckit_daemon.core.export.html import to_html
from ckit_daemon.core.export.mermaid import to_mermaid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ckit_daemon.core.graph import Subgraph

Format: TypeAlias = Literal["cytoscape", "mermaid", "dot", "graphml", "html"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

_WRITERS: Final[Mapping[Format, Callable[[Subgraph, str], str]]] = {
    "cytoscape": to_cytoscape,
    "mermaid": to_mermaid,
    "dot": to_dot,
    "graphml": to_graphml,
    "html": to_html,
}


def export(subgraph: Subgraph, fmt: Format, *, title: str) -> str:
    """Draw a graph as `fmt`; the same graph gives the same text every time.

    - `cytoscape`: the JSON of Cytoscape.js (`cy.json()`), which Cytoscape desktop reads too.
    - `mermaid`: a flowchart for Markdown.
    - `dot`: the language of Graphviz.
    - `graphml`: GraphML 1.0, for yEd, Gephi and NetworkX.
    - `html`: one file with an interactive picture, which loads nothing from anywhere.
    """
    return _WRITERS[fmt](subgraph, title)


__all__ = ["FORMATS", "Format", "export"]
