"""What changed in meaning: comments, the order of keys and formatting never count.

The order of a list counts as it does for a reader (steps, criteria), but not where the list names other entities.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from ckit_daemon.core.relations import relations_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import JsonObject, JsonValue, Path
    from ckit_daemon.core.snapshot import Snapshot

ChangeKind: TypeAlias = Literal["added", "removed", "changed", "moved"]
EntityChangeKind: TypeAlias = Literal["added", "removed", "renamed", "changed", "assumed"]

_NAMING_KEYS: Final = ("id", "name")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `path` is the place in the new data, or in the old data for what was removed."""

    path: Path
    kind: ChangeKind
    old: JsonValue = None
    new: JsonValue = None

    @property
    def field(self) -> str:
        """The place as people write it: `steps[2]`, `api.version`."""
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path).removeprefix(".")


@dataclass(frozen=True, slots=True)
class EntityChange:
    """What happened to one entity.

    `fields` is None where nobody knows: a change that is only assumed, or a side that can't be parsed.
    """

    id: str
    type: str
    kind: EntityChangeKind
    old: Entity | None
    new: Entity | None
    fields: tuple[Change, ...] | None

    @property
    def entity(self) -> Entity:
        """The entity as it is now, or as it was before it went."""
        entity = self.new or self.old
        if entity is None:
            raise ValueError("a change has at least one side")
        return entity


def _canonical(value: JsonValue) -> Hashable:
    if isinstance(value, dict):
        return "mapping", frozenset((key, _canonical(item)) for key, item in value.items())
    if isinstance(value, list):
        return "list", tuple(_canonical(item) for item in value)
    # Python takes True for 1; nobody who reads YAML does. NaN must equal itself here.
    if isinstance(value, bool) or value != value:  # noqa: PLR0124 - the test for NaN that needs no type.
        return type(value).__name__, str(value)
    return value


def same(old: JsonValue, new: JsonValue) -> bool:
    """Whether two values mean the same; `1` and `1.0` do, `1` and `true` don't."""
    return _canonical(old) == _canonical(new)


def field_changes(entity_type: str, old: JsonObject, new: JsonObject) -> tuple[Change, ...]:
    """Every difference between two readings of an entity, in the order of the new one, removed fields last."""
    unordered = frozenset(relation.field for relation in relations_of(entity_type) if relation.many)
    return tuple(_Comparison(unordered).mappings((), old, new))


class _Comparison:
    def __init__(self, unordered: frozenset[tuple[str, ...]]) -> None:
        self._unordered = unordered

    def mappings(self, path: Path, old: JsonObject, new: JsonObject) -> Iterator[Change]:
        for key, value in new.items():
            if key in old:
                yield from self._values((*path, key), old[key], value)
            else:
                yield Change((*path, key), "added", new=value)
        for key, value in old.items():
            if key not in new:
                yield Change((*path, key), "removed", old=value)

    def _values(self, path: Path, old: JsonValue, new: JsonValue) -> Iterator[Change]:
        if isinstance(old, dict) and isinstance(new, dict):
            yield from self.mappings(path, old, new)
        elif isinstance(old, list) and isinstance(new, list):
            yield from self._lists(path, old, new)
        elif not same(old, new):
            yield Change(path, "changed", old, new)

    def _lists(self, path: Path, old: list[JsonValue], new: list[JsonValue]) -> Iterator[Change]:
        old_keys, new_keys = _item_keys(old, new)
        places: dict[Hashable, list[int]] = {}
        for index, key in reversed(list(enumerate(old_keys))):
            places.setdefault(key, []).append(index)
        # For each item of the new list, the place in the old list of the item that it continues.
        origin = [places[key].pop() if places.get(key) else None for key in new_keys]
        left = {index for indexes in places.values() for index in indexes}
        # What went and what came at one place is one change of that item.
        paired = [index for index, from_ in enumerate(origin) if from_ is None and index in left]
        kept = _in_order([from_ for from_ in origin if from_ is not None])
        ordered = path not in self._unordered
        for index, from_ in enumerate(origin):
            place = (*path, index)
            if from_ is not None:
                if ordered and from_ not in kept:
                    yield Change(place, "moved", old[from_], new[index])
                yield from self._values(place, old[from_], new[index])
            elif index in paired:
                yield from self._values(place, old[index], new[index])
            else:
                yield Change(place, "added", new=new[index])
        for index in sorted(left.difference(paired)):
            yield Change((*path, index), "removed", old=old[index])


def _item_keys(old: list[JsonValue], new: list[JsonValue]) -> tuple[Sequence[Hashable], Sequence[Hashable]]:
    """What tells the items of two lists apart: their ids or names where all have one, else all that they say."""
    for key in _NAMING_KEYS:
        names = [_names(items, key) for items in (old, new)]
        if names[0] is not None and names[1] is not None:
            return names[0], names[1]
    return [_canonical(item) for item in old], [_canonical(item) for item in new]


def _names(items: list[JsonValue], key: str) -> list[str] | None:
    names = [item.get(key) if isinstance(item, dict) else None for item in items]
    texts = [name for name in names if isinstance(name, str)]
    return texts if len(texts) == len(set(texts)) == len(items) else None


def _in_order(places: Sequence[int]) -> frozenset[int]:
    """The longest part of `places` that increases: the items that did not move (patience sorting)."""
    tops: list[int] = []
    top_indexes: list[int] = []
    before: list[int] = []
    for index, place in enumerate(places):
        pile = bisect_left(tops, place)
        before.append(top_indexes[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [place]
        top_indexes[pile : pile + 1] = [index]
    kept: set[int] = set()
    index = top_indexes[-1] if top_indexes else -1
    while index >= 0:
        kept.add(places[index])
        index = before[index]
    return frozenset(kept)


def entity_changes(snapshot: Snapshot, baseline: Mapping[str, Document | None]) -> tuple[EntityChange, ...]:
    """What happened to entities between `baseline` and `snapshot`, in the snapshot's order, removed ones last.

    `baseline` holds the old documents of the files that differ, by path: None for a file that did not exist. A file
    under another name is no change; an id that changes in its file is a rename.
    """
    old: dict[str, Entity] = {}
    for _, document in sorted(baseline.items()):
        entity = None if document is None else snapshot.read(document)
        if entity is not None:
            old.setdefault(entity.id, entity)
    touched = {entity.id for path in baseline if (entity := snapshot.by_path.get(path)) is not None}
    found: list[EntityChange] = []
    renamed: set[str] = set()
    for entity in snapshot.entities if touched or old else ():
        if entity.id not in touched and entity.id not in old:
            continue
        before = old.get(entity.id)
        if before is None:
            document = baseline.get(entity.path)
            former = None if document is None else snapshot.read(document)
            if former is not None and snapshot.get(former.id) is None:
                renamed.add(former.id)
                fields = _differences(former, entity)
                found.append(EntityChange(entity.id, entity.type, "renamed", former, entity, fields))
            else:
                found.append(EntityChange(entity.id, entity.type, "added", None, entity, ()))
            continue
        fields = _differences(before, entity)
        if fields is None or fields:
            found.append(EntityChange(entity.id, entity.type, "changed", before, entity, fields))
    gone = [entity for entity in old.values() if snapshot.get(entity.id) is None and entity.id not in renamed]
    found += (EntityChange(entity.id, entity.type, "removed", entity, None, ()) for entity in gone)
    return tuple(found)


def _differences(old: Entity, new: Entity) -> tuple[Change, ...] | None:
    if not old.document.readable or not new.document.readable:
        return None
    return field_changes(new.type, old.data, new.data)
