"""Document symbols (the outline of an entity) and workspace symbols (entities by id and title)."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from ckit_daemon.core.json import shorten
from ckit_daemon.core.text import Position, Range
from ckit_daemon.lsp.match import rank, words_of
from ckit_daemon.lsp.target import is_yaml, outline_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tree_sitter import Node

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import Path
    from ckit_daemon.core.yaml import SourceTree
    from ckit_daemon.lsp.context import View

_MAX_DEPTH: Final = 6
_MAX_SYMBOLS: Final = 5000
_MAX_FOUND: Final = 100
"""Entities that one question gets; a longer word finds the others."""
_KINDS: Final = {
    "governance": types.SymbolKind.Namespace,
    "feature": types.SymbolKind.Class,
    "userstory": types.SymbolKind.Interface,
    "spec": types.SymbolKind.Struct,
    "task": types.SymbolKind.Method,
    "service": types.SymbolKind.Module,
    "package": types.SymbolKind.Package,
}


def document_symbols(
    view: View,
    document: Document,
    params: types.DocumentSymbolParams,  # noqa: ARG001 - every feature gets its params.
) -> list[types.DocumentSymbol] | list[types.SymbolInformation] | None:
    """Answer `textDocument/documentSymbol`."""
    if not is_yaml(document.path):
        return None
    if document.tree.is_whole:
        children = _Outline(view, document).children(document.tree.root(), 1)
    else:
        children = _keys(view, document)
    entity = view.snapshot.by_path.get(document.path)
    symbols = children if entity is None else [_entity_symbol(view, entity, children)]
    if view.client.has("text_document.document_symbol.hierarchical_document_symbol_support"):
        return symbols
    return list(_flat(symbols, view.convert.uri(document.path), None))


def _entity_symbol(view: View, entity: Entity, children: list[types.DocumentSymbol]) -> types.DocumentSymbol:
    document = entity.document
    lines = document.lines
    whole = Range(Position(0, 0), Position(len(lines) - 1, len(lines[-1])))
    return types.DocumentSymbol(
        entity.id,
        kind_of_entity(entity),
        view.convert.range(whole, document),
        view.convert.range(document.range_at(("id",)), document),
        shorten(entity.title or entity.type, 200),
        children=children,
    )


def kind_of_entity(entity: Entity) -> types.SymbolKind:
    """The kind that stands for an entity's type."""
    return _KINDS.get(entity.type, types.SymbolKind.Object)


def _keys(view: View, document: Document) -> list[types.DocumentSymbol]:
    """The keys of a document that is half typed."""
    top: list[types.DocumentSymbol] = []
    open_keys: list[tuple[Path, types.DocumentSymbol]] = []
    for path, where in outline_of(document).keys[:_MAX_SYMBOLS]:
        while open_keys and open_keys[-1][0] != path[: len(open_keys[-1][0])]:
            open_keys.pop()
        place = view.convert.range(where, document)
        symbol = types.DocumentSymbol(str(path[-1]) or "?", types.SymbolKind.Field, place, place, children=[])
        siblings = open_keys[-1][1].children if open_keys else top
        if isinstance(siblings, list):
            siblings.append(symbol)
        for _, parent in open_keys:
            parent.range = types.Range(parent.range.start, place.end)
        open_keys.append((path, symbol))
    return top


class _Outline:
    """The keys and items of one document, down to a depth that people still look at."""

    def __init__(self, view: View, document: Document) -> None:
        self._view = view
        self._document = document
        self._tree: SourceTree = document.tree
        self._left = _MAX_SYMBOLS

    def children(self, node: Node | None, depth: int) -> list[types.DocumentSymbol]:
        if node is None or depth > _MAX_DEPTH:
            return []
        found: list[types.DocumentSymbol] = []
        if node.type.endswith("mapping"):
            for name, pair in self._tree.pairs(node):
                key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
                found += self._symbol(name or "?", pair, key or pair, value, depth)
        elif node.type.endswith("sequence"):
            for index, item in enumerate(self._tree.items(node)):
                value = item
                if item.type == "block_sequence_item":
                    value = next((child for child in item.named_children if child.type != "comment"), None)
                content = None if value is None else self._tree.content(value)
                # Plain texts in a list say little in an outline, and are many.
                if content is not None and content.type.endswith(("mapping", "sequence")):
                    found += self._symbol(self._label(content, index), item, item, value, depth)
        return found

    def _label(self, content: Node, index: int) -> str:
        fields = dict(self._tree.pairs(content)) if content.type.endswith("mapping") else {}
        for name in ("id", "title", "name"):
            value = fields[name].child_by_field_name("value") if name in fields else None
            if value is not None and (text := self._tree.scalar_text(value)):
                return shorten(text)
        return f"[{index}]"

    def _symbol(
        self, name: str, whole: Node, selected: Node, value: Node | None, depth: int
    ) -> Iterator[types.DocumentSymbol]:
        if self._left <= 0:
            return
        self._left -= 1
        content = None if value is None else self._tree.content(value)
        kind, detail = types.SymbolKind.Null, ""
        if content is not None:
            kind = _kind_of(content)
            if kind not in {types.SymbolKind.Object, types.SymbolKind.Array}:
                detail = shorten(" ".join(self._tree.scalar_text(content).split()))
        convert = self._view.convert
        yield types.DocumentSymbol(
            name,
            kind,
            convert.range(self._tree.range_of(whole), self._document),
            convert.range(_first_line(self._tree, selected), self._document),
            detail or None,
            children=self.children(content, depth + 1),
        )


def _first_line(tree: SourceTree, node: Node) -> Range:
    where = tree.range_of(node)
    return where if where.start.line == where.end.line else Range(where.start, where.start)


def _kind_of(content: Node) -> types.SymbolKind:
    if content.type.endswith("mapping"):
        return types.SymbolKind.Object
    if content.type.endswith("sequence"):
        return types.SymbolKind.Array
    scalar = content.named_children[0].type if content.named_children else ""
    return {
        "integer_scalar": types.SymbolKind.Number,
        "float_scalar": types.SymbolKind.Number,
        "boolean_scalar": types.SymbolKind.Boolean,
        "null_scalar": types.SymbolKind.Null,
    }.get(scalar, types.SymbolKind.String)


def _flat(
    symbols: Sequence[types.DocumentSymbol], uri: str, container: str | None
) -> Iterator[types.SymbolInformation]:
    for symbol in symbols:
        yield types.SymbolInformation(
            types.Location(uri, symbol.range), symbol.name, symbol.kind, container_name=container
        )
        yield from _flat(symbol.children or (), uri, symbol.name)


def workspace_symbols(views: Sequence[View], params: types.WorkspaceSymbolParams) -> list[types.WorkspaceSymbol]:
    """Answer `workspace/symbol`: the entities that fit best, by id, title and type."""
    words = words_of(params.query)
    ranked: list[tuple[int, str, str, View, Entity]] = []
    for view in views:
        for identifier, definitions in view.snapshot.definitions.items():
            for entity in definitions:
                fit = rank(entity, words)
                if fit is not None:
                    ranked.append((fit, identifier, entity.path, view, entity))
    best = heapq.nsmallest(_MAX_FOUND, ranked, key=lambda found: found[:3])
    return [_workspace_symbol(view, entity, several=len(views) > 1) for _, _, _, view, entity in best]


def _workspace_symbol(view: View, entity: Entity, *, several: bool) -> types.WorkspaceSymbol:
    return types.WorkspaceSymbol(
        view.convert.location(entity.document.location_at(("id",))),
        f"{entity.id} {shorten(entity.title, 100)}" if entity.title else entity.id,
        kind_of_entity(entity),
        container_name=f"{view.repository.store.root.name}: {entity.type}" if several else entity.type,
    )
