"""Semantic tokens: fields that the schema knows, allowed values, and ids that name an entity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lsprotocol import types

from ckit_daemon.core.mentions import is_telling, words_in
from ckit_daemon.core.shapes import at, facts
from ckit_daemon.lsp.fields import shape_of
from ckit_daemon.lsp.target import ids_in, is_yaml, outline_of
from ckit_daemon.lsp.tokens_legend import MODIFIERS, TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.json import Path
    from ckit_daemon.core.shapes import Shape
    from ckit_daemon.core.text import Range
    from ckit_daemon.lsp.context import View

_PROPERTY: Final = types.SemanticTokenTypes.Property
_ENUM_MEMBER: Final = types.SemanticTokenTypes.EnumMember
_CLASS: Final = types.SemanticTokenTypes.Class
_DECLARATION: Final = types.SemanticTokenModifiers.Declaration
_DEPRECATED: Final = types.SemanticTokenModifiers.Deprecated


def semantic_tokens(
    view: View,
    document: Document,
    params: types.SemanticTokensParams,  # noqa: ARG001 - every feature gets its params.
) -> types.SemanticTokens:
    """Answer `textDocument/semanticTokens/full`."""
    return types.SemanticTokens(_encoded(view, document, 0, len(document.lines)))


def semantic_tokens_in_range(
    view: View, document: Document, params: types.SemanticTokensRangeParams
) -> types.SemanticTokens:
    """Answer `textDocument/semanticTokens/range`."""
    return types.SemanticTokens(_encoded(view, document, params.range.start.line, params.range.end.line))


def _encoded(view: View, document: Document, first: int, last: int) -> list[int]:
    """The tokens of some lines as LSP counts them: five numbers each, relative to the one before."""
    found: dict[Range, tuple[str, str]] = {}
    for where, kind, modifier in _tokens(view, document):
        found.setdefault(where, (kind, modifier))
    data: list[int] = []
    line, column, end = 0, 0, (-1, -1)
    # Of two that begin at one place the longer one counts: an id with a blank in it may begin with another.
    for where in sorted(found, key=lambda where: (where.start, -where.end.column)):
        if not first <= where.start.line <= last or where.start < end:
            continue
        kind, modifier = found[where]
        start, stop = (
            view.convert.position(where.start, document.lines),
            view.convert.position(where.end, document.lines),
        )
        skipped = start.character - column if start.line == line else start.character
        bits = 1 << MODIFIERS.index(modifier) if modifier else 0
        data += (start.line - line, skipped, stop.character - start.character, TYPES.index(kind), bits)
        line, column, end = start.line, start.character, where.end
    return data


def _tokens(view: View, document: Document) -> Iterator[tuple[Range, str, str]]:
    if is_yaml(document.path):
        for _, target in ids_in(view.snapshot, document):
            if target.id in view.snapshot.definitions or target.is_definition:
                yield target.range, _CLASS, _DECLARATION if target.is_definition else ""
        yield from _fields(view, document)
    for word, where in words_in(document.lines):
        if is_telling(word) and word in view.snapshot.definitions:
            yield where, _CLASS, ""


def _fields(view: View, document: Document) -> Iterator[tuple[Range, str, str]]:
    whole = shape_of(view.snapshot, document.path)
    if whole is None:
        return
    parts = outline_of(document)
    known: dict[Path, Shape] = {}

    def shape(path: Path) -> Shape:
        # Items of a list have one shape, and a list may be long.
        general = tuple(0 if isinstance(step, int) else step for step in path)
        if general not in known:
            known[general] = at(whole, general)
        return known[general]

    for path, where in parts.keys:
        if found := shape(path):
            yield where, _PROPERTY, _DEPRECATED if facts(found).deprecated else ""
    for scalar in parts.scalars:
        if scalar.text in {str(choice) for choice in facts(shape(scalar.path)).choices}:
            yield scalar.range, _ENUM_MEMBER, ""
