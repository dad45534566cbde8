"""The JSON of the predecessor's `build-graph`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ckit_daemon.core.compat.entities import counted, entities_of

if TYPE_CHECKING:
    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.core.snapshot import Snapshot

# Facts that this pipeline read from the parent alone.
_FROM_PARENT: Final = frozenset({"has-story", "has-spec", "has-task"})


def build_graph(snapshot: Snapshot) -> JsonObject:
    """Every entity with its data, and its references; a fact that two entities state is there twice."""
    entities = entities_of(snapshot)
    nodes: list[JsonValue] = [
        {"id": entity.id, "kind": entity.type, "data": entity.data} for entity in entities.values()
    ]
    edges: list[tuple[str, str, str]] = []
    for entity in entities.values():
        for reference in entity.references:
            relation = reference.relation
            if relation.reverse and relation.rel in _FROM_PARENT:
                continue
            ends = (reference.target, entity.id) if relation.reverse else (entity.id, reference.target)
            edges.append((*ends, relation.rel))
    return {
        "nodes": nodes,
        "edges": [{"from": source, "to": target, "rel": rel} for source, target, rel in edges],
        "stats": {
            "totalNodes": len(nodes),
            "totalEdges": len(edges),
            "nodesByType": counted(entity.type for entity in entities.values()),
            "edgesByRel": counted(rel for _, _, rel in edges),
        },
    }
