"""The graph as a call hierarchy: whom an entity's facts lead to, and whose facts lead to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from ckit_daemon.core.json import shorten
from ckit_daemon.core.relations import GOVERNS
from ckit_daemon.lsp.symbols import kind_of_entity
from ckit_daemon.lsp.target import target_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.graph import Direction, Edge
    from ckit_daemon.lsp.context import View


def prepare_call_hierarchy(
    view: View, document: Document, params: types.CallHierarchyPrepareParams
) -> list[types.CallHierarchyItem] | None:
    """Answer `textDocument/prepareCallHierarchy`: the entity that is named at a position."""
    target = target_at(view.snapshot, document, view.convert.to_position(params.position, document))
    entity = view.snapshot.get(target.id) if target is not None else None
    return None if entity is None else [_item(view, entity, "")]


def incoming_calls(
    view: View, document: Document, params: types.CallHierarchyIncomingCallsParams
) -> list[types.CallHierarchyIncomingCall] | None:
    """Answer `callHierarchy/incomingCalls`."""
    entity = _asked(view, document, params.item)
    if entity is None:
        return None
    return [
        types.CallHierarchyIncomingCall(_item(view, other, edge.rel), _places(view, edge, other))
        for other, edge in _others(view, entity, "in")
    ]


def outgoing_calls(
    view: View, document: Document, params: types.CallHierarchyOutgoingCallsParams
) -> list[types.CallHierarchyOutgoingCall] | None:
    """Answer `callHierarchy/outgoingCalls`."""
    entity = _asked(view, document, params.item)
    if entity is None:
        return None
    return [
        types.CallHierarchyOutgoingCall(_item(view, other, edge.rel), _places(view, edge, entity))
        for other, edge in _others(view, entity, "out")
    ]


def _asked(view: View, document: Document, item: types.CallHierarchyItem) -> Entity | None:
    return view.snapshot.get(item.name) or view.snapshot.by_path.get(document.path)


def _others(view: View, entity: Entity, direction: Direction) -> Iterator[tuple[Entity, Edge]]:
    graph = view.snapshot.graph
    if graph.entities.get(entity.id) is not entity:
        return
    for edge in graph.edges_of(entity.id, direction):
        # A constitution governs all there is, which says nothing about any one.
        if edge.rel != GOVERNS:
            yield graph.entities[edge.other(entity.id)], edge


def _places(view: View, edge: Edge, source: Entity) -> list[types.Range]:
    """Where an entity states a fact; where only the other one does, its own id stands for that."""
    stated = [statement.path for statement in edge.statements if statement.entity is source]
    paths = stated or [("id",)]
    return [view.convert.range(source.document.range_at(path), source.document) for path in paths]


def _item(view: View, entity: Entity, rel: str) -> types.CallHierarchyItem:
    where = view.convert.location(entity.document.location_at(("id",)))
    detail = " · ".join(part for part in (rel, shorten(entity.title or "", 100)) if part)
    return types.CallHierarchyItem(
        entity.id, kind_of_entity(entity), where.uri, where.range, where.range, detail=detail or None
    )
