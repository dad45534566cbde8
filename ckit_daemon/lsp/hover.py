"""Hover: a card of the entity that an id names, and what a field means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from ckit_daemon.core.yaml.cursor import Role
from ckit_daemon.lsp.card import card
from ckit_daemon.lsp.fields import describe
from ckit_daemon.lsp.markup import Markup
from ckit_daemon.lsp.target import cursor_in, is_yaml, target_at

if TYPE_CHECKING:
    from ckit_daemon.core.document import Document
    from ckit_daemon.core.text import Position, Range
    from ckit_daemon.lsp.context import View


def hover(view: View, document: Document, params: types.HoverParams) -> types.Hover | None:
    """Answer `textDocument/hover`."""
    markup = Markup.of(view.client, "text_document.hover.content_format")
    position = view.convert.to_position(params.position, document)
    found = _about_entity(view, document, position, markup) or _about_field(view, document, position, markup)
    if found is None:
        return None
    where, paragraphs = found
    return types.Hover(markup.content(paragraphs), view.convert.range(where, document))


def _about_entity(view: View, document: Document, position: Position, markup: Markup) -> tuple[Range, list[str]] | None:
    target = target_at(view.snapshot, document, position)
    if target is None:
        return None
    # A file may define an id that an earlier file has; it says what it says itself. A second document in it is unread.
    own = view.snapshot.by_path.get(document.path) if target.is_definition else None
    entity = own if own is not None and own.id == target.id else view.snapshot.get(target.id)
    if entity is not None:
        return target.range, card(view, entity, markup)
    if target.relation is None:
        return None
    kinds = " or ".join(target.relation.targets)
    return target.range, [f"There is no {kinds} with the id {markup.code(target.id)}."]


def _about_field(view: View, document: Document, position: Position, markup: Markup) -> tuple[Range, list[str]] | None:
    if not is_yaml(document.path):
        return None
    cursor = cursor_in(document, position)
    if cursor.role is not Role.KEY or not cursor.has_colon:
        return None
    paragraphs = describe(view.snapshot, document.path, (*cursor.path, cursor.text), markup)
    return (cursor.range, paragraphs) if paragraphs else None
