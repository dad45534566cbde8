"""An entity in a few lines: what it is called, where it stands, what it says and whom it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ckit_daemon.core.json import shorten
from ckit_daemon.core.relations import relations_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import JsonValue
    from ckit_daemon.lsp.context import View
    from ckit_daemon.lsp.markup import Markup

_TITLES: Final = ("id", "title", "name", "iWant")
_MAX_WORD: Final = 40
"""Characters of a value that stands beside others on one line."""
_MAX_FACTS: Final = 6
_MAX_TEXT: Final = 500
_MAX_NAMED: Final = 5
"""Entities of one relation that are named."""
_MAX_REFERRERS: Final = 200
"""Entities that are asked how they name this one."""


def card(view: View, entity: Entity, markup: Markup) -> list[str]:
    """The paragraphs about an entity."""
    heading = markup.link(entity.id, view.convert.uri(entity.path))
    title = markup.strong(shorten(entity.title, 200)) if entity.title else ""
    return [
        f"{heading} {title}".rstrip(),
        " · ".join((markup.text(entity.type), *_facts(entity, markup))),
        _text(entity, markup),
        ("  \n" if markup.markdown else "\n").join(_relations(view, entity, markup)),
    ]


def _facts(entity: Entity, markup: Markup) -> Iterator[str]:
    """The short values at the top of an entity: status, priority, owner and the like."""
    references = {relation.field[0] for relation in relations_of(entity.type)}
    shown = 0
    for key, value in entity.data.items():
        if key in _TITLES or key in references or shown == _MAX_FACTS:
            continue
        if isinstance(value, (bool, int, float)) or (isinstance(value, str) and 0 < len(value) <= _MAX_WORD):
            shown += 1
            yield f"{markup.text(key)} {markup.code(_scalar(value))}"


def _scalar(value: JsonValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _text(entity: Entity, markup: Markup) -> str:
    """The first paragraph of the first longer text."""
    for key, value in entity.data.items():
        if key not in _TITLES and isinstance(value, str) and len(value) > _MAX_WORD:
            paragraph = " ".join(value.strip().split("\n\n")[0].split())
            return markup.text(shorten(paragraph, _MAX_TEXT))
    return ""


def _relations(view: View, entity: Entity, markup: Markup) -> Iterator[str]:
    """The entities that this one names, by field, and those that name it."""
    named: dict[str, list[str]] = {}
    for reference in entity.references:
        named.setdefault(reference.relation.name, []).append(reference.target)
    for field, identifiers in named.items():
        yield f"{markup.text(field)}: {_listed(view, identifiers, len(identifiers), markup)}"
    back = list(dict.fromkeys(_referrers(view, entity, {one for listed in named.values() for one in listed})))
    total = len(view.snapshot.referrers.get(entity.id, ()))
    if back:
        yield f"named by: {_listed(view, back, max(len(back), total - _MAX_REFERRERS), markup)}"


def _referrers(view: View, entity: Entity, named: Iterable[str]) -> Iterator[str]:
    known = frozenset(named)
    for path in sorted(view.snapshot.referrers.get(entity.id, ()))[:_MAX_REFERRERS]:
        referrer = view.snapshot.by_path[path]
        if referrer.id not in known and referrer.id != entity.id:
            yield referrer.id


def _listed(view: View, identifiers: list[str], total: int, markup: Markup) -> str:
    shown = ", ".join(_named(view, identifier, markup) for identifier in identifiers[:_MAX_NAMED])
    more = total - min(len(identifiers), _MAX_NAMED)
    return f"{shown} and {more} more" if more > 0 else shown


def _named(view: View, identifier: str, markup: Markup) -> str:
    entity = view.snapshot.get(identifier)
    if entity is None:
        return f"{markup.text(shorten(identifier))} (missing)"
    title = f" {markup.text(shorten(entity.title))}" if entity.title else ""
    return f"{markup.link(identifier, view.convert.uri(entity.path))}{title}"
