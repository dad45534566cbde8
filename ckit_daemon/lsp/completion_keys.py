"""Keys that a mapping may still get, from the schema of its type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from ckit_daemon.core.edit.scalars import write_scalar
from ckit_daemon.core.shapes import facts, properties, required
from ckit_daemon.core.yaml.cursor import Role
from ckit_daemon.lsp.fields import describe, kind_of
from ckit_daemon.lsp.snippet import choice, escape, written

if TYPE_CHECKING:
    from ckit_daemon.core.shapes import Shape
    from ckit_daemon.lsp.completion import Typing

_ADJUSTS = "text_document.completion.completion_item.insert_text_mode_support.value_set"
_INDENT = "  "


def keys(typing: Typing) -> list[types.CompletionItem]:
    """The fields that the mapping at the cursor lacks, what it must have first."""
    cursor, shape = typing.cursor, typing.shape
    needed = required(shape)
    items: list[types.CompletionItem] = []
    for number, (name, field) in enumerate(properties(shape).items()):
        if name in cursor.keys:
            continue
        known = facts(field)
        text, is_snippet = _text(typing, name, field)
        paragraphs = describe(typing.view.snapshot, typing.document.path, (*cursor.path, name), typing.markup)
        items.append(
            types.CompletionItem(
                name,
                kind=types.CompletionItemKind.Property,
                tags=[types.CompletionItemTag.Deprecated] if known.deprecated else None,
                detail=f"{kind_of(field)}{', required' if name in needed else ''}".removeprefix(", ") or None,
                documentation=typing.markup.content(paragraphs) if paragraphs else None,
                sort_text=f"{name not in needed:d}{number:04}",
                filter_text=name,
                insert_text_format=types.InsertTextFormat.Snippet if is_snippet else None,
                insert_text_mode=types.InsertTextMode.AdjustIndentation if "\n" in text else None,
                text_edit=typing.replacing(text),
            )
        )
    return items


def _text(typing: Typing, name: str, field: Shape) -> tuple[str, bool]:
    """What a key is written as, and whether that is a snippet."""
    cursor = typing.cursor
    if cursor.quote:
        return name, False
    key = write_scalar(name, flow=cursor.in_flow)
    if cursor.has_colon:
        return key, False
    if not typing.snippets:
        return f"{key}: ", False
    known = facts(field)
    options = written(known.choices, flow=cursor.in_flow)
    if "boolean" in known.types and not options:
        options = ["true", "false"]
    head = escape(key)
    if options:
        return f"{head}: {choice(1, options)}", True
    if known.types not in {("array",), ("object",)}:
        return f"{head}: $0", True
    left, right, mark = ("[", "]", "- ") if known.types == ("array",) else ("{", "}", "")
    if cursor.in_flow or not typing.view.client.among(_ADJUSTS, types.InsertTextMode.AdjustIndentation):
        return (f"{head}: {left}$1{right}" if cursor.in_flow else f"{head}: "), cursor.in_flow
    # Clients repeat the indentation of the line, which ends before a dash.
    line = typing.document.lines[cursor.range.start.line]
    extra = cursor.range.start.column - (len(line) - len(line.lstrip(" \t")))
    margin = " " * max(extra, 0) if cursor.after_dash or cursor.role is Role.NEW else ""
    return f"{head}:\n{margin}{_INDENT}{mark}$0", True
