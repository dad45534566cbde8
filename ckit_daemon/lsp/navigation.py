"""Go to definition, and all places that name an entity."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from ckit_daemon.core.mentions import is_telling, mentions, whole_words
from ckit_daemon.core.text import Location, Position, Range
from ckit_daemon.lsp.links import file_at
from ckit_daemon.lsp.target import is_yaml, target_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckit_daemon.core.document import Document
    from ckit_daemon.lsp.context import View

_ALIAS: Final = re.compile(r"(?<![^\s\[{,:-])\*([^\s,\[\]{}]+)")
_MARKDOWN: Final = (".md", ".markdown", ".mdx")


def definition(
    view: View, document: Document, params: types.DefinitionParams
) -> list[types.Location] | list[types.LocationLink] | None:
    """Answer `textDocument/definition`: an entity's file, a file that a field names, or the anchor of an alias."""
    position = view.convert.to_position(params.position, document)
    origin, places = _definitions(view, document, position)
    if not places or origin is None:
        return None
    if not view.client.has("text_document.definition.link_support"):
        return [view.convert.location(place, document) for place in places]
    links: list[types.LocationLink] = []
    for place in places:
        there = view.convert.location(place, document)
        links.append(types.LocationLink(there.uri, there.range, there.range, view.convert.range(origin, document)))
    return links


def _definitions(view: View, document: Document, position: Position) -> tuple[Range | None, list[Location]]:
    target = target_at(view.snapshot, document, position)
    if target is not None:
        found = view.snapshot.definitions.get(target.id, ())
        return target.range, [entity.document.location_at(("id",)) for entity in found]
    line = document.lines[position.line]
    for match in _ALIAS.finditer(line) if is_yaml(document.path) else ():
        if match.start() <= position.column <= match.end():
            where = Range(position._replace(column=match.start()), position._replace(column=match.end()))
            anchor = _anchor(document, match[1], position.line)
            return where, [] if anchor is None else [Location(document.path, anchor)]
    named = file_at(view, document, position)
    return (None, []) if named is None else (named[0], [Location(named[1], Range(Position(0, 0), Position(0, 0)))])


def _anchor(document: Document, name: str, before: int) -> Range | None:
    """The last anchor of this name up to a line; a later one is another."""
    pattern = re.compile(rf"(?<![^\s\[{{,:-])&{re.escape(name)}(?![^\s,\[\]{{}}])")
    found = list(mentions(pattern, document.lines[: before + 1]))
    return found[-1] if found else None


def references(view: View, document: Document, params: types.ReferenceParams) -> list[types.Location] | None:
    """Answer `textDocument/references`: every place that a rename would change."""
    target = target_at(view.snapshot, document, view.convert.to_position(params.position, document))
    if target is None:
        return None
    declared = {entity.document.location_at(("id",)) for entity in view.snapshot.definitions.get(target.id, ())}
    places = _mentions(view, target.id) if is_telling(target.id) else _references(view, target.id)
    declared_lines = {(place.path, place.range.start.line) for place in declared}
    found = [
        view.convert.location(place, source)
        for place, source in places
        if (place.path, place.range.start.line) not in declared_lines
    ]
    if params.context.include_declaration:
        found = [*(view.convert.location(place) for place in sorted(declared, key=lambda one: one.path)), *found]
    return found


def _mentions(view: View, identifier: str) -> Iterator[tuple[Location, Document]]:
    """Yield the places where the id stands as a whole word, in YAML, templates and Markdown."""
    pattern = whole_words([identifier])
    texts = view.repository.store.texts().documents
    prose = (document for path, document in texts.items() if path.lower().endswith(_MARKDOWN))
    for number, document in enumerate((*view.snapshot.documents.values(), *prose)):
        if number % 500 == 0:
            view.progress.report(number, 0, "")
        if identifier in document.text:
            for where in mentions(pattern, document.lines):
                yield Location(document.path, where), document


def _references(view: View, identifier: str) -> Iterator[tuple[Location, Document]]:
    """Yield the values of fields that name an entity, for ids that are ordinary words."""
    for path in sorted(view.snapshot.referrers.get(identifier, ())):
        entity = view.snapshot.by_path[path]
        for reference in entity.references:
            if reference.target == identifier:
                yield entity.document.location_at(reference.path), entity.document
