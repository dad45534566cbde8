"""Completion: keys, values, ids and whole new entities, also where a document does not parse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from lsprotocol import types

from ckit_daemon.core import layout
from ckit_daemon.core.relations import relation_at
from ckit_daemon.core.shapes import at, facts
from ckit_daemon.core.yaml.cursor import Role
from ckit_daemon.lsp.card import card
from ckit_daemon.lsp.completion_keys import keys
from ckit_daemon.lsp.completion_new import new_entities
from ckit_daemon.lsp.completion_values import entity_ids, type_names, values
from ckit_daemon.lsp.fields import shape_of
from ckit_daemon.lsp.markup import Markup
from ckit_daemon.lsp.target import cursor_in, is_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.json import JsonValue
    from ckit_daemon.core.shapes import Shape
    from ckit_daemon.core.text import Position, Range
    from ckit_daemon.core.yaml.cursor import Cursor
    from ckit_daemon.lsp.context import View

_ITEM: Final = "text_document.completion.completion_item"
_NOTHING: Final = types.CompletionList(is_incomplete=False, items=[])


@dataclass(frozen=True, slots=True)
class Typing:
    """What somebody is typing, and what is known about the place."""

    view: View
    document: Document
    entity_type: str
    position: Position
    cursor: Cursor
    shape: Shape
    """Of the mapping for a key, of the value otherwise."""
    markup: Markup
    snippets: bool

    @property
    def typed(self) -> str:
        """The part of the word before the position."""
        return self.cursor.text[: self.position.column - self.cursor.range.start.column]

    def replacing(self, text: str, where: Range | None = None) -> types.TextEdit:
        """An edit that puts text in the place of the word, behind a space where one belongs."""
        where = where or self.cursor.range
        before = self.document.lines[where.start.line][: where.start.column]
        joined = not self.cursor.quote and not self.cursor.in_flow and before.endswith((":", "-"))
        return types.TextEdit(self.view.convert.range(where, self.document), f" {text}" if joined else text)


def completion(view: View, document: Document, params: types.CompletionParams) -> types.CompletionList:
    """Answer `textDocument/completion`."""
    entity_type = view.snapshot.schemas.type_of_path(document.path)
    if entity_type is None or not is_yaml(document.path) or not document.path.startswith(f"{layout.ENTITIES}/"):
        return _NOTHING
    position = view.convert.to_position(params.position, document)
    cursor = cursor_in(document, position)
    if not cursor.range.start <= position <= cursor.range.end:
        # Before or behind the quotes of a text, which is not what would be replaced.
        return _NOTHING
    typing = Typing(
        view,
        document,
        entity_type,
        position,
        cursor,
        at(shape_of(view.snapshot, document.path), cursor.path),
        Markup.of(view.client, f"{_ITEM}.documentation_format"),
        view.client.has(f"{_ITEM}.snippet_support"),
    )
    if cursor.role is Role.TEXT:
        return _NOTHING
    if cursor.role is Role.KEY:
        return types.CompletionList(is_incomplete=False, items=[*new_entities(typing), *keys(typing)])
    return _value(typing)


def _value(typing: Typing) -> types.CompletionList:
    cursor, entity_type = typing.cursor, typing.entity_type
    relation = relation_at(entity_type, cursor.path)
    listed = None if relation else relation_at(entity_type, (*cursor.path, 0))
    if relation is not None:
        return entity_ids(typing, relation)
    if listed is not None:
        # A list of ids is still to begin: on the line of its key in brackets, below it with a dash.
        wrap = "[{}]" if cursor.role is Role.VALUE else "- {}"
        return types.CompletionList(is_incomplete=False, items=[]) if cursor.quote else entity_ids(typing, listed, wrap)
    named = type_names(typing)
    items = named or values(typing, typing.shape)
    if not items and "array" in facts(typing.shape).types and cursor.role is Role.NEW and not cursor.after_dash:
        items = values(typing, at(typing.shape, (0,)), "- {}")
    if cursor.role is Role.NEW:
        items = [*items, *keys(typing)]
    return types.CompletionList(is_incomplete=False, items=items)


def resolve(views: Sequence[View], item: types.CompletionItem) -> types.CompletionItem:
    """Answer `completionItem/resolve`: the card of the entity that an id names."""
    kept = cast("JsonValue", item.data)
    data = kept if isinstance(kept, dict) else {}
    for view in views:
        entity = view.snapshot.get(str(data.get("entity"))) if data.get("repository") == view.repository.id else None
        if entity is not None:
            markup = Markup.of(view.client, f"{_ITEM}.documentation_format")
            item.documentation = markup.content(card(view, entity, markup))
    return item
