"""Cytoscape.js JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.graph import Edge, Subgraph
    from ckit_daemon.core.json import JsonObject


def to_cytoscape(subgraph: Subgraph, title: str) -> str:
    """Write the form that `cytoscape({elements})` and `cy.json()` read."""
    return orjson.dumps(network(subgraph, title), option=orjson.OPT_INDENT_2).decode()


def network(subgraph: Subgraph, title: str) -> JsonObject:
    """The same as a value."""
    return {
        "data": {"name": title},
        "elements": {
            "nodes": [_node(entity) for entity in subgraph.entities],
            "edges": [_edge(edge) for edge in subgraph.edges],
        },
    }


def _node(entity: Entity) -> JsonObject:
    data: JsonObject = {"id": entity.id, "type": entity.type, "file": entity.path}
    if entity.title:
        data["title"] = entity.title
    if entity.status:
        data["status"] = entity.status
    return {"data": data}


def _edge(edge: Edge) -> JsonObject:
    # Nodes and edges share one space of ids in Cytoscape, so that an edge needs a name no entity has.
    name = f"{edge.source} {edge.rel} {edge.target}"
    return {"data": {"id": name, "source": edge.source, "target": edge.target, "rel": edge.rel}}
