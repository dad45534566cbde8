"""Finds the sentences of entities that answer a question best: those with most of its words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ckit_daemon.services.assistant.providers.offline.fields import scalars

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckit_daemon.core.json import JsonObject

_STEM: Final = 4
"""Letters in which two forms of a word agree at least."""
_NAMES: Final = frozenset({"id", "title", "name"})
"""They stand beside every quotation."""
_PASSAGE: Final = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*+>|#]|\d+[.)])\s?)")
"""Between paragraphs, and before entries of lists, lines of tables and headings."""
_HEADING: Final = re.compile(r"^\s*#+\s.*(?:\n|$)")
_MARK: Final = re.compile(r"^\s*(?:[-*+>]|\d+[.)])\s+")
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_WORD: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence of an entity."""

    field: str
    text: str
    words: int
    """How many words of the question it holds."""


def quotes(data: JsonObject, words: Sequence[str]) -> list[Quote]:
    """Return the sentences of an entity that hold words of a question, the ones with most of them first."""
    stems = [_stem(word) for word in words]
    found: list[Quote] = []
    for field, value in scalars({key: value for key, value in data.items() if key not in _NAMES}):
        for sentence in _sentences(value):
            held = [word.lower() for word in _WORD.findall(sentence)]
            number = sum(any(word.startswith(stem) for word in held) for stem in stems)
            if number and len(held) > 1:
                found.append(Quote(field, sentence, number))
    return sorted(found, key=lambda quote: -quote.words)


def _sentences(value: str) -> Iterator[str]:
    for passage in _PASSAGE.split(value):
        said = _MARK.sub("", _HEADING.sub("", passage))
        yield from _SENTENCE.split(" ".join(said.split()))


def _stem(word: str) -> str:
    """Return the beginning that the forms of a word share: waits, waiting, waited."""
    lower = word.lower()
    for ending in ("ing", "ed", "es", "s", "e"):
        if lower.endswith(ending) and len(lower) - len(ending) >= _STEM - 1:
            return lower[: -len(ending)]
    return lower
