"""An immutable picture of a repository, and how one change makes the next picture."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeVar

from ckit_daemon.core import layout
from ckit_daemon.core.entity import Entity, read_entity
from ckit_daemon.core.errors import NotFoundError
from ckit_daemon.core.graph import Graph, states_the_same
from ckit_daemon.core.schema import SchemaSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ckit_daemon.core.document import Document

_V = TypeVar("_V")
_MAX_SHOWN: Final = 128


@dataclass(frozen=True, slots=True)
class _Earlier:
    """A graph of an earlier picture, and what changed since without changing a fact."""

    graph: Graph
    changed: Mapping[str, Entity]


@dataclass(frozen=True)
class Snapshot:
    """Everything the engine knows about a repository at one moment.

    Build one with `Snapshot.of` and the next with `with_changes`; readers keep theirs for as long as they like.
    """

    version: int
    documents: Mapping[str, Document]
    """Every file under `layout.SOURCES`, by path, in the order of the paths."""
    schemas: SchemaSet
    definitions: Mapping[str, tuple[Entity, ...]]
    """All entities of each id in the order of their paths; more than one is a fault, and the first one counts."""
    by_path: Mapping[str, Entity]
    referrers: Mapping[str, frozenset[str]]
    """The paths of the files that name each id."""
    _earlier: _Earlier | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, documents: Iterable[Document], version: int = 1) -> Snapshot:
        """Build the first picture."""
        ordered = {document.path: document for document in sorted(documents, key=lambda document: document.path)}
        schemas = SchemaSet(ordered)
        by_path: dict[str, Entity] = {}
        definitions: dict[str, tuple[Entity, ...]] = {}
        referrers: defaultdict[str, list[str]] = defaultdict(list)
        for path, document in ordered.items():
            entity = _entity_of(schemas, document)
            if entity is not None:
                by_path[path] = entity
                definitions[entity.id] = (*definitions.get(entity.id, ()), entity)
                for reference in entity.references:
                    referrers[reference.target].append(path)
        frozen = {target: frozenset(paths) for target, paths in referrers.items()}
        return cls(version, ordered, schemas, definitions, by_path, frozen)

    def with_changes(self, changes: Mapping[str, Document | None]) -> Snapshot:
        """The picture after some files changed; None removes a file. Costs no more than the files that changed."""
        documents = dict(self.documents)
        for path, document in changes.items():
            if document is None:
                documents.pop(path, None)
            else:
                documents[path] = document
        if any(path.startswith(f"{layout.SCHEMAS}/") for path in changes):
            return Snapshot.of(documents.values(), self.version + 1)
        if not changes.keys() <= self.documents.keys():
            documents = dict(sorted(documents.items()))
        definitions, by_path, referrers = dict(self.definitions), dict(self.by_path), dict(self.referrers)
        for path, document in changes.items():
            old = by_path.pop(path, None)
            new = None if document is None else _entity_of(self.schemas, document)
            if new is not None:
                by_path[path] = new
            for identifier in {entity.id for entity in (old, new) if entity is not None}:
                kept = [entity for entity in definitions.get(identifier, ()) if entity.path != path]
                if new is not None and new.id == identifier:
                    kept.append(new)
                _set_or_drop(definitions, identifier, tuple(sorted(kept, key=lambda entity: entity.path)))
            before = {reference.target for reference in old.references} if old else set[str]()
            after = {reference.target for reference in new.references} if new else set[str]()
            for target in before - after:
                _set_or_drop(referrers, target, referrers[target] - {path})
            for target in after - before:
                referrers[target] = referrers.get(target, frozenset()) | {path}
        by_path = {path: by_path[path] for path in documents if path in by_path}
        earlier = self._kept(by_path, changes)
        return Snapshot(self.version + 1, documents, self.schemas, definitions, by_path, referrers, earlier)

    def _kept(self, by_path: Mapping[str, Entity], changes: Iterable[str]) -> _Earlier | None:
        """What the graph of the next picture can be made of without building it anew."""
        graph = vars(self).get("graph")
        earlier = self._earlier if graph is None else _Earlier(graph, {})
        if earlier is None:
            return None
        changed = dict(earlier.changed)
        for path in changes:
            old, new = self.by_path.get(path), by_path.get(path)
            if old is new:
                continue
            if old is None or new is None or not states_the_same(old, new) or len(self.definitions[old.id]) > 1:
                return None
            changed[new.id] = new
        return _Earlier(earlier.graph, changed)

    def get(self, identifier: str) -> Entity | None:
        """The entity with this id; the first by path where several claim it."""
        found = self.definitions.get(identifier)
        return found[0] if found else None

    def read(self, document: Document) -> Entity | None:
        """The entity that a document defines, which need not be part of this picture."""
        return _entity_of(self.schemas, document)

    def require(self, identifier: str) -> Entity:
        """The entity with this id.

        Raises:
            NotFoundError: there is none.
        """
        entity = self.get(identifier)
        if entity is None:
            close = get_close_matches(identifier[:_MAX_SHOWN], self.definitions, n=3)
            hint = f" Did you mean {' or '.join(close)}?" if close else ""
            raise NotFoundError(
                f"There is no entity {identifier[:_MAX_SHOWN]!r}.{hint}",
                details={"kind": "entity", "id": identifier[:_MAX_SHOWN], "similar": [*close]},
            )
        return entity

    @cached_property
    def entities(self) -> tuple[Entity, ...]:
        """Every entity once, by type in reading order and then by path."""
        if self._earlier is not None:
            return tuple({**self._earlier.graph.entities, **self._earlier.changed}.values())
        order = {entity_type: index for index, entity_type in enumerate(self.schemas.types())}
        unknown = len(order)
        found = (definitions[0] for definitions in self.definitions.values())
        return tuple(sorted(found, key=lambda entity: (order.get(entity.type, unknown), entity.type, entity.path)))

    @cached_property
    def graph(self) -> Graph:
        """The graph of the entities."""
        if self._earlier is not None:
            return self._earlier.graph.with_entities(self._earlier.changed)
        return Graph.of(self.entities)


def _set_or_drop(mapping: dict[str, _V], key: str, value: _V) -> None:
    if value:
        mapping[key] = value
    else:
        mapping.pop(key, None)


def _entity_of(schemas: SchemaSet, document: Document) -> Entity | None:
    if not document.path.startswith(f"{layout.ENTITIES}/"):
        return None
    # A folder that no schema claims still holds entities, so that references into it are judged by what is there.
    entity_type = schemas.type_of_path(document.path) or "unknown"
    return read_entity(entity_type, document)
