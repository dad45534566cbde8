"""How the entities of a type are written in a repository, learnt from those that are there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ckit_daemon.core import layout
from ckit_daemon.core.edit.ids import slug
from ckit_daemon.core.edit.nodes import entries, quote_of, style_of, usual, value_node
from ckit_daemon.core.edit.scalars import Quote
from ckit_daemon.core.edit.writer import Style, document
from ckit_daemon.core.errors import AlreadyExistsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tree_sitter import Node

    from ckit_daemon.core.edit.yaml_edit import KeyOrder
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import JsonObject, JsonValue, Path
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.core.yaml import SourceTree


@dataclass(frozen=True, slots=True)
class Manner:
    """The layout of a new document and the quotes of each field."""

    style: Style = field(default_factory=Style)
    quotes: Mapping[str, Quote] = field(default_factory=dict[str, Quote])
    other: Quote = Quote.PLAIN


def learn(snapshot: Snapshot, entity_type: str) -> Manner:
    """The manner of the last readable entity of a type."""
    siblings = [entity for entity in _of_type(snapshot, entity_type) if entity.data]
    if not siblings:
        return Manner()
    tree = siblings[-1].document.tree
    root = tree.root()
    pairs = [] if root is None else list(tree.pairs(root))
    quotes = {key: quote for key, pair in pairs if (quote := _first_quote(tree, pair)) is not None}
    return Manner(style_of(tree), quotes, usual(quote for key, quote in quotes.items() if key != "id"))


def write(fields: JsonObject, order: KeyOrder, manner: Manner) -> str:
    """The text of a new document: keys as the schema orders them, in the manner of its siblings."""
    data = _ordered(fields, order, ())
    quotes = {key: manner.quotes.get(key, Quote.PLAIN if key == "id" else manner.other) for key in fields}
    return document(data, manner.style, quotes) if isinstance(data, dict) else ""


def file_path(snapshot: Snapshot, entity_type: str, identifier: str, title: str) -> str:
    """Where a new entity goes: `ID-title.yaml` or `ID.yaml`, as most entities of its type are named.

    Raises:
        AlreadyExistsError: there is such a file, perhaps in another case.

    """
    siblings = _of_type(snapshot, entity_type)
    stems = [(entity.id, entity.path.rpartition("/")[2].rpartition(".")[0]) for entity in siblings]
    bare = sum(stem == known for known, stem in stems)
    titled = sum(stem.startswith(f"{known}-") for known, stem in stems)
    with_title = titled > bare if titled or bare else identifier[-1].isdecimal()
    folder, suffix = snapshot.schemas.folder_of(entity_type), layout.YAML_SUFFIXES[0]
    if siblings:
        folder = "/".join(siblings[-1].path.split("/")[:2])
        suffix = "." + siblings[-1].path.rpartition(".")[2]
    words = slug(title) if with_title else ""
    path = f"{folder}/{identifier}{'-' if words else ''}{words}{suffix}"
    if any(known.casefold() == path.casefold() for known in snapshot.documents):
        raise AlreadyExistsError(f"The file {path} exists already.", details={"path": path})
    return path


def _of_type(snapshot: Snapshot, entity_type: str) -> list[Entity]:
    return [entity for entity in snapshot.entities if entity.type == entity_type]


def _first_quote(tree: SourceTree, entry: Node) -> Quote | None:
    """The quotes of the first string in an entry's value."""
    found = quote_of(tree, entry)
    value = value_node(entry)
    content = None if value is None else tree.content(value)
    if found is None and content is not None and content.type.endswith(("mapping", "sequence")):
        return next((quote for child in entries(content) if (quote := _first_quote(tree, child)) is not None), None)
    return found


def _ordered(value: JsonValue, order: KeyOrder, path: Path) -> JsonValue:
    if isinstance(value, dict):
        rank = {key: index for index, key in enumerate(order(path))}
        keys = sorted(value, key=lambda key: (path != () or key != "id", rank.get(key, len(rank))))
        return {key: _ordered(value[key], order, (*path, key)) for key in keys}
    if isinstance(value, list):
        return [_ordered(item, order, (*path, index)) for index, item in enumerate(value)]
    return value
