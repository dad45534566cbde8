"""New entities for an empty file: from the builder templates, and with what the schema requires."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from ckit_daemon.core.edit import check_id, next_id
from ckit_daemon.core.edit.ids import check_free
from ckit_daemon.core.edit.scalars import write_scalar
from ckit_daemon.core.edit.template import METADATA, fill
from ckit_daemon.core.errors import CkitError
from ckit_daemon.core.json import shown
from ckit_daemon.core.layout import BUILDER_TEMPLATES, YAML_SUFFIXES
from ckit_daemon.core.shapes import facts, properties, required
from ckit_daemon.core.yaml.cursor import keys_in
from ckit_daemon.lsp.snippet import choice, escape, placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.lsp.completion import Typing

_PLACEHOLDER: Final = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")
_EDGE: Final = re.compile(r"[-.]")


def new_entities(typing: Typing) -> Iterator[types.CompletionItem]:
    """Yield whole entities for a file that holds none yet."""
    if typing.cursor.path or keys_in(typing.document.text):
        return
    identifier = _identifier(typing)
    for document in _templates(typing):
        data: JsonObject = document.value if isinstance(document.value, dict) else {}
        about = data.get(METADATA)
        known: JsonObject = about if isinstance(about, dict) else {}
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


def _templates(typing: Typing) -> Iterator[Document]:
    for path, document in typing.view.snapshot.documents.items():
        if path.startswith(f"{BUILDER_TEMPLATES}/") and path.endswith(YAML_SUFFIXES):
            about = document.value.get(METADATA) if isinstance(document.value, dict) else None
            made = about.get("entityType") if isinstance(about, dict) else None
            if made in {None, typing.entity_type}:
                yield document


def _identifier(typing: Typing) -> str:
    """The id that the file's name begins with, or the next free one; empty where it is made from a title."""
    snapshot, entity_type = typing.view.snapshot, typing.entity_type
    stem = typing.document.path.rpartition("/")[2].rpartition(".")[0]
    ends = [len(stem), *(edge.start() for edge in _EDGE.finditer(stem))]
    for candidate in (stem[:end] for end in sorted(ends, reverse=True)):
        try:
            check_id(snapshot, entity_type, candidate)
            check_free(snapshot, candidate)
        except CkitError:
            continue
        return candidate
    try:
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
        elif known.choices:
            value = choice(len(lines) + 1, [shown(option).strip('"') for option in known.choices])
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
