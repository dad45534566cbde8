"""Entities and entries of the spec log, along their fields."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.entity import text_of
from ckit_daemon.services.generation.markdown import words_of
from ckit_daemon.services.generation.spec_log import LogEntry
from ckit_daemon.services.rag.chunking.markdown import sections
from ckit_daemon.services.rag.chunking.passages import Passages, part_of_heading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import JsonValue, Path
    from ckit_daemon.services.rag.chunking.passages import Masker, Passage

LONG: Final = 120
"""A text with more characters is a passage of its own; shorter ones stand together with the entity's title."""
_SENTENCE: Final = re.compile(r"\S\s+\S+\s+\S")
"""Three words: a list in which a text has so many is one of texts, another one is of names."""
_DIGEST: Final = re.compile(r"(?:sha\d+[-:])?[0-9a-fA-F]{32,}")
"""Says nothing to anybody who searches."""
_NAMES: Final = ("title", "name")

_words = lru_cache(maxsize=4096)(words_of)


def entity_passages(entity: Entity, limit: int, masker: Masker | None) -> list[Passage]:
    """Take an entity apart along its fields; one that can't be parsed is cut as it is written."""
    document = entity.document
    title = entity.title
    passages = Passages(
        "entity",
        entity.path,
        limit,
        masker,
        entity=entity.id,
        entity_type=entity.type,
        status=entity.status,
    )
    if not document.readable:
        passages.add("", (), part_of_heading(entity.id), document.text, at=0)
        return passages.found
    shown = {key: value for key, value in entity.data.items() if key != "id" and not (value == title and key in _NAMES)}
    heading = part_of_heading(f"{entity.id} {title}" if title else entity.id)
    FieldReader(passages).entity(shown, heading, f"Type: {entity.type}")
    return passages.found


def log_passages(document: Document, limit: int, masker: Masker | None) -> list[Passage]:
    """Take an entry of the spec log apart; none where it is no mapping."""
    passages = Passages("specLog", document.path, limit, masker)
    value = document.value
    if isinstance(value, dict):
        entry = LogEntry(document.path.rpartition("/")[2].removesuffix(".json"), document.path, value, ())
        mentions = tuple(entry.entities)
        name = text_of(value.get("id")) or entry.id
        heading = part_of_heading(f"{name} on {', '.join(mentions)}" if mentions else name)
        FieldReader(passages, mentions).entity({k: v for k, v in value.items() if k != "id"}, heading)
    return passages.found


class FieldReader:
    """Reads the fields of a mapping whatever they are called: short ones into a card, long ones and lists apart."""

    def __init__(self, passages: Passages, mentions: tuple[str, ...] = ()) -> None:
        """Begin; `mentions` go to every passage."""
        self._passages = passages
        self._mentions = mentions

    def lines_of(self, data: Mapping[str, JsonValue], above: tuple[str, ...] = ()) -> list[str]:
        """A mapping in lines of `Field: value`, everything in it included; `above` are the names that lead to it."""
        return [line for key, value in data.items() for line in self._folded(value, (key,), above)]

    def entity(self, data: Mapping[str, JsonValue], heading: str, *first: str) -> None:
        """Take the fields of a whole file; the card comes first and holds the lines `first` before its own."""
        self._card("", (), heading, [*first, *self._short(data, ())])
        self._apart(data, (), "", heading)

    def _apart(self, data: Mapping[str, JsonValue], path: Path, place: str, heading: str) -> None:
        """Take what the card of a mapping does not hold."""
        for key, value in data.items():
            here, name = (*path, key), f"{place}.{key}" if place else key
            context = f"{heading}, {_words(key).lower()}"
            if isinstance(value, str):
                if _is_long(value):
                    self._text(value, here, name, context)
            elif isinstance(value, dict):
                self._apart(value, here, name, context)
            elif isinstance(value, list) and _is_apart(value):
                self._items(value, here, name, context)

    def _items(self, items: list[JsonValue], path: Path, place: str, heading: str) -> None:
        names = _names_of(items)
        for index, item in enumerate(items):
            name = f"{place}[{names[index] or index}]"
            if isinstance(item, dict):
                self._item(item, (*path, index), name, heading)
            elif isinstance(item, list):
                self._add(name, (*path, index), heading, "\n".join(self._folded(item, (), _names_in(path))))
            elif (text := _scalar(item)) is not None:
                self._text(text, (*path, index), name, heading)

    def _item(self, item: Mapping[str, JsonValue], path: Path, place: str, heading: str) -> None:
        """Take a mapping of a list: in one piece if it fits, without the items in it that have a name of their own."""
        labels = [text_of(item.get("id")), *(text_of(item.get(name)) for name in _NAMES)]
        label = part_of_heading(" ".join(dict.fromkeys(text for text in labels if text)))
        context = f"{heading}, {label}" if label else heading
        named = {key: value for key, value in item.items() if _has_names(value)}
        above = _names_in(path)
        lines = self.lines_of({key: value for key, value in item.items() if key not in named and key != "id"}, above)
        if sum(map(len, lines)) <= self._passages.limit:
            self._card(place, path, context, lines or [label])
            self._apart(named, path, place, context)
        else:
            self._card(place, path, context, self._short({k: v for k, v in item.items() if k != "id"}, (), above))
            self._apart(item, path, place, context)

    def _text(self, value: str, path: Path, place: str, heading: str) -> None:
        if "\n" not in value:
            whole = len(value) <= self._passages.limit
            self._add(place, path, heading, value, at=None if whole else 0)
            return
        for section in sections(value):
            anchor = self._passages.place(section.anchor, "\n".join(section.headings))
            name = f"{place}/{anchor}" if anchor else place
            context = part_of_heading(", ".join((heading, *section.headings)))
            self._add(name, path, context, value[section.start : section.end], at=section.start)

    def _card(self, place: str, path: Path, heading: str, lines: Iterable[str]) -> None:
        self._add(place, path, heading, "\n".join(lines))

    def _add(self, place: str, path: Path, heading: str, text: str, *, at: int | None = None) -> None:
        self._passages.add(place, path, heading, text, at=at, mentions=self._mentions)

    # The lines of a card

    def _short(
        self, data: Mapping[str, JsonValue], outer: tuple[str, ...], above: tuple[str, ...] = ()
    ) -> Iterator[str]:
        """Yield the lines of a card: short values, and lists of names."""
        for key, value in data.items():
            keys = (*outer, key)
            if isinstance(value, dict):
                yield from self._short(value, keys, above)
            elif isinstance(value, list):
                if not _is_apart(value):
                    yield from self._folded(value, keys, above)
            elif not (isinstance(value, str) and _is_long(value)):
                yield from self._folded(value, keys, above)

    def _folded(self, value: JsonValue, keys: tuple[str, ...], above: tuple[str, ...] = ()) -> Iterator[str]:
        """Yield a value in lines of `Field: value`, whatever it holds.

        Args:
            value: what to write.
            keys: its name in what is written.
            above: the names above that, one of which may say that all below is secret.
        """
        label = f"{label_of(keys)}: " if keys else ""
        if isinstance(value, dict):
            for key, item in value.items():
                yield from self._folded(item, (*keys, key), above)
        elif isinstance(value, list):
            nested = any(isinstance(item, (dict, list)) for item in value)
            parts = [text for item in value if (text := self._inline(item, (*above, *keys)))]
            if parts:
                separator = "\n" if nested else "; " if any(_SENTENCE.search(part) for part in parts) else ", "
                yield f"{label}{separator.join(parts)}"
        elif (text := self._scalar(value, (*above, *keys))) is not None:
            yield f"{label}{text}"

    def _inline(self, value: JsonValue, above: tuple[str, ...]) -> str:
        if isinstance(value, dict):
            return ", ".join(line for key, item in value.items() for line in self._folded(item, (key,), above))
        if isinstance(value, list):
            return ", ".join(text for item in value if (text := self._inline(item, above)))
        return self._scalar(value, above) or ""

    def _scalar(self, value: JsonValue, names: tuple[str, ...]) -> str | None:
        """The value of a field as people read it; None where it says nothing."""
        text = _scalar(value)
        return text if text is None or not isinstance(value, str) else self._passages.masked(text, names)


def _names_in(path: Path) -> tuple[str, ...]:
    return tuple(step for step in path if isinstance(step, str))


def _is_long(value: str) -> bool:
    return len(value) > LONG and not _DIGEST.fullmatch(value.strip())


def _is_apart(items: list[JsonValue]) -> bool:
    """Whether the items of a list are passages of their own."""
    return any(
        isinstance(item, (dict, list)) or (isinstance(item, str) and _SENTENCE.search(item) is not None)
        for item in items
    )


def _has_names(value: JsonValue) -> bool:
    return isinstance(value, list) and any(name is not None for name in _names_of(value))


def _names_of(items: list[JsonValue]) -> list[str | None]:
    """The ids of a list's items, or their titles; none where two have the same, since a name must find one item."""
    names: list[str | None] = []
    for item in items:
        found = (text_of(item.get(key)) for key in ("id", *_NAMES)) if isinstance(item, dict) else iter(())
        names.append(next((name for name in found if name), None))
    counts = Counter(names)
    return [name if name and counts[name] == 1 else None for name in names]


def label_of(keys: tuple[str, ...]) -> str:
    """Return what a card calls a field, given the names that lead to it, e.g. `Related feature`."""
    first, *rest = keys
    return " ".join((_words(first), *(_words(key).lower() for key in rest)))


def _scalar(value: JsonValue) -> str | None:
    """A value as people read it; None where it says nothing."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, (dict, list)):
        return None
    text = str(value).strip()
    return None if not text or _DIGEST.fullmatch(text) else text
