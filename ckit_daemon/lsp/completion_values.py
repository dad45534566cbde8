"""Values: those that a schema allows, and the ids of entities for fields that name some."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from ckit_daemon.core.edit.scalars import Quote, write_scalar
from ckit_daemon.core.graph import TYPE_FIELDS
from ckit_daemon.core.json import shorten, shown
from ckit_daemon.core.relations import GOVERNANCE, split_version
from ckit_daemon.core.shapes import facts
from ckit_daemon.core.text import Position, Range
from ckit_daemon.lsp.match import rank, words_of

if TYPE_CHECKING:
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import JsonValue
    from ckit_daemon.core.relations import Relation
    from ckit_daemon.core.shapes import Shape
    from ckit_daemon.lsp.completion import Typing

MAX_IDS: Final = 100
"""Ids in one answer; the client asks again with every further letter."""


def values(typing: Typing, shape: Shape, wrap: str = "{}") -> list[types.CompletionItem]:
    """The values that schemas name: allowed ones, or the default and examples where all are allowed."""
    known = facts(shape)
    chosen: list[JsonValue] = list(known.choices)
    if not chosen and "boolean" in known.types:
        chosen = [True, False]
    if not chosen:
        chosen = [*([] if known.default is None else [known.default]), *known.examples]
    scalars = [value for value in chosen if not isinstance(value, (dict, list))]
    return [
        types.CompletionItem(
            label,
            kind=types.CompletionItemKind.EnumMember,
            detail="default" if value == known.default and known.default is not None else None,
            preselect=True if value == known.default and known.default is not None else None,
            sort_text=f"{number:04}",
            text_edit=typing.replacing(wrap.format(_written(typing, value))),
        )
        for number, value in enumerate(scalars)
        if (label := value if isinstance(value, str) else shown(value)) not in typing.cursor.items
    ]


def _written(typing: Typing, value: JsonValue) -> str:
    """A scalar as it is written at the cursor, which may stand within quotes."""
    if isinstance(value, (dict, list)):
        return ""
    quote = typing.cursor.quote
    if not quote:
        return write_scalar(value, flow=typing.cursor.in_flow)
    return write_scalar(str(value), Quote.DOUBLE if quote == '"' else Quote.SINGLE)[1:-1]


def type_names(typing: Typing) -> list[types.CompletionItem]:
    """The types that a constitution may name where it does."""
    path = typing.cursor.path
    field = tuple(step for step in path if isinstance(step, str))
    if typing.entity_type != GOVERNANCE or field not in TYPE_FIELDS or not isinstance(path[-1], int):
        return []
    names = [*typing.view.snapshot.schemas.types(), "global"]
    return [
        types.CompletionItem(name, kind=types.CompletionItemKind.Class, text_edit=typing.replacing(name))
        for name in names
        if name not in typing.cursor.items
    ]


def entity_ids(typing: Typing, relation: Relation, wrap: str = "{}") -> types.CompletionList:
    """The entities that a field may name, those first that name this one already."""
    snapshot = typing.view.snapshot
    own = snapshot.by_path.get(typing.document.path)
    where, typed = _id_range(typing, relation)
    if where is None:
        return types.CompletionList(is_incomplete=False, items=[])
    left_out = {split_version(item)[0] if relation.versioned else item for item in typing.cursor.items}
    is_mirrored = own is not None and relation.mirror
    waiting = snapshot.referrers.get(own.id, frozenset[str]()) if own and is_mirrored else frozenset[str]()
    words = words_of(typed)
    targets = frozenset(relation.targets)
    fitting = [found[0] for found in snapshot.definitions.values() if found[0].type in targets]
    ranked: list[tuple[bool, int, str, Entity]] = []
    for entity in fitting:
        fit = None if entity is own or entity.id in left_out else rank(entity, words)
        if fit is not None:
            ranked.append((entity.path not in waiting, fit, entity.id, entity))
    place = typing.replacing("", where)
    best = heapq.nsmallest(MAX_IDS, ranked, key=lambda found: found[:3])
    items = [_id_item(typing, entity, relation, wrap, place, number) for number, (_, _, _, entity) in enumerate(best)]
    return types.CompletionList(is_incomplete=len(ranked) > len(best), items=items)


def _id_range(typing: Typing, relation: Relation) -> tuple[Range | None, str]:
    """Where an id goes, and what of it is typed; the range of versions behind it stays."""
    cursor = typing.cursor
    identifier, version = split_version(cursor.text) if relation.versioned else (cursor.text, "")
    if not version:
        return cursor.range, typing.typed
    start = cursor.range.start
    end = Position(start.line, start.column + len(identifier))
    return (Range(start, end), typing.typed) if typing.position <= end else (None, "")


def _id_item(
    typing: Typing, entity: Entity, relation: Relation, wrap: str, place: types.TextEdit, number: int
) -> types.CompletionItem:
    title = entity.title or ""
    text = entity.id
    if relation.versioned and not split_version(typing.cursor.text)[1] and (version := _version(entity)):
        text = f"{text}@^{version}"
    return types.CompletionItem(
        entity.id,
        label_details=types.CompletionItemLabelDetails(description=shorten(title) or None),
        kind=types.CompletionItemKind.Reference,
        detail=shorten(title, 200) or None,
        sort_text=f"{number:04}",
        filter_text=f"{entity.id} {title}".rstrip(),
        text_edit=types.TextEdit(place.range, f"{place.new_text}{wrap.format(_written(typing, text))}"),
        data={"repository": typing.view.repository.id, "entity": entity.id},
    )


def _version(entity: Entity) -> str:
    """The version that a service or package says it has."""
    api = entity.data.get("api")
    found = entity.data.get("version") or (api.get("version") if isinstance(api, dict) else None)
    return found if isinstance(found, str) else ""
