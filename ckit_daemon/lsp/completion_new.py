"""New entities for an empty file: from the builder templates, and with what the schema requires."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from ckit_daemon.core.edit.ids import check_free, id_in_name, next_id
from ckit_daemon.core.edit.scalars import write_scalar
from ckit_daemon.core.edit.template import about, fill, templates_of
from ckit_daemon.core.errors import CkitError
from ckit_daemon.core.shapes import facts, properties, required
from ckit_daemon.core.yaml.cursor import outline
from ckit_daemon.lsp.snippet import choice, escape, placeholder, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckit_daemon.lsp.completion import Typing

_PLACEHOLDER: Final = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")


def new_entities(typing: Typing) -> Iterator[types.CompletionItem]:
    """Yield whole entities for a file that holds none yet."""
    if typing.cursor.path or outline(typing.document.text).keys:
        return
    identifier = _identifier(typing)
    for document in templates_of(typing.view.snapshot, typing.entity_type):
        known = about(document)
        try:
            text = fill(document, {"id": identifier} if identifier else {}, {})
        except CkitError:
            # A template that can't be read has its own finding.
            continue
        name = document.path.rpartition("/")[2].rpartition(".")[0]
        yield _item(typing, str(known.get("name") or name), str(known.get("description") or ""), _as_snippet(text))
    yield _item(
        typing, f"New {typing.entity_type}", "The fields that its schema requires", _required(typing, identifier)
    )


def _item(typing: Typing, label: str, description: str, text: str) -> types.CompletionItem:
    plain = _plain(text)
    return types.CompletionItem(
        label,
        kind=types.CompletionItemKind.Snippet,
        detail=description or None,
        documentation=typing.markup.content([typing.markup.block(plain, "yaml")]),
        sort_text=f" {label}",
        filter_text=f"{label} {typing.entity_type}",
        insert_text_format=types.InsertTextFormat.Snippet if typing.snippets else None,
        insert_text_mode=types.InsertTextMode.AsIs,
        text_edit=typing.replacing(text if typing.snippets else plain),
    )


def _identifier(typing: Typing) -> str:
    """The id that the file's name begins with, or the next free one; empty where it is made from a title."""
    snapshot, entity_type = typing.view.snapshot, typing.entity_type
    named = id_in_name(snapshot, entity_type, typing.document.path.rpartition("/")[2].rpartition(".")[0])
    try:
        if named is not None:
            check_free(snapshot, named)
            return named
        return next_id(snapshot, entity_type, typing.view.repository.store.history.ids_on_branches())
    except CkitError:
        return ""


def _as_snippet(text: str) -> str:
    """A filled template with its placeholders as places to type at; equal ones are typed at once."""
    numbers: dict[str, int] = {}
    pieces: list[str] = []
    end = 0
    for match in _PLACEHOLDER.finditer(text):
        number = numbers.setdefault(match[1], len(numbers) + 1)
        pieces += (escape(text[end : match.start()]), placeholder(number, match[1]))
        end = match.end()
    return "".join((*pieces, escape(text[end:])))


def _required(typing: Typing, identifier: str) -> str:
    needed = required(typing.shape) | {"id"}
    lines: list[str] = []
    for name, field in properties(typing.shape).items():
        known = facts(field)
        if name not in needed:
            continue
        if name == "id":
            value = escape(identifier) if identifier else placeholder(len(lines) + 1, "id")
        elif options := written(known.choices):
            value = choice(len(lines) + 1, options)
        elif known.types in {("array",), ("object",)}:
            value = "[]" if known.types == ("array",) else "{}"
        else:
            value = placeholder(len(lines) + 1, name)
        lines.append(f"{escape(write_scalar(name))}: {value}\n")
    return "".join(lines) or f"id: {identifier or placeholder(1, 'id')}\n"


def _plain(snippet: str) -> str:
    """A snippet as a client shows it before anything is typed."""
    text = re.sub(r"\$\{\d+\|((?:[^\\,|]|\\.)*)(?:[^|\\]|\\.)*\|\}", r"\1", snippet)
    text = re.sub(r"\$\{\d+:((?:[^\\}]|\\.)*)\}", r"\1", text)
    return re.sub(r"\\([\\$},|])", r"\1", text)
