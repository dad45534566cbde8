"""Reads a query as terms that the index of words can look for, whatever characters it holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from unicodedata import normalize

from ckit_daemon.core.search.words import fold
from ckit_daemon.services.rag.chunking.passages import one_line, usable

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_CHARACTERS: Final = 20_000
"""Of a query that are read; what is beyond says nothing new."""
MAX_TERMS: Final = 128
"""Different terms that are read of a query."""
MAX_SHOWN: Final = 80
"""Characters of a term that are shown to people."""

_TOKEN: Final = re.compile(r"[\"“”„«»]([^\"“”„«»]+)[\"“”„«»]|([^\s\"“”„«»]+)")
_WORD: Final = re.compile(r"[^\W_]+")
_INNER: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_CAMEL: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]*(?:[a-z0-9][A-Z]|[A-Z]{2}[a-z]{2})[A-Za-z0-9]*")
_FUNCTION_WORDS_TEXT: Final = """
a about after again all also am an and any anybody anyone anything are as at be because been before being but by can
could did do does doing done each else ever every everybody everyone everything for from get gets give given go goes
going got had happen happens has have having he her here hers him his how i if in into is it its itself just kind let
like many may me might mine more most much must my need needs no nobody none nor not nothing of on once one only or
other our out over own per please put same shall she should show since so some somebody someone something such take
takes tell than that the their them then there these they thing things this those though through to too until up upon
us use used uses very want wants was we were what when where whether which while who whom whose why will with without
would yet you your
"""
_FUNCTION_WORDS: Final = frozenset(_FUNCTION_WORDS_TEXT.split())
"""Words of English that make a question of what is asked: they say how, not what."""


@dataclass(frozen=True, slots=True)
class Term:
    """One thing to look for."""

    text: str
    """As it stands in the query, without what surrounds it."""
    words: tuple[str, ...]
    """Its words, folded; several that follow one another for an id, a dotted name or a quoted phrase."""
    quoted: bool = False

    @property
    def match(self) -> str:
        """The expression that FTS5 understands: letters and digits in quotes, and nothing that could end them."""
        phrases = dict.fromkeys((" ".join(self.words), " ".join(word for part in self.words for word in _parts(part))))
        return " OR ".join(f'"{phrase}"' for phrase in phrases)

    @property
    def is_function_word(self) -> bool:
        """Whether it says nothing about the subject."""
        return not self.quoted and all(word in _FUNCTION_WORDS for word in self.words)

    @property
    def apart(self) -> tuple[Term, ...]:
        """Its words as terms of their own; none where it is one word, or quoted."""
        if self.quoted or len(self.words) < 2:
            return ()
        return tuple(Term(word, (word,)) for word in dict.fromkeys(self.words))


def terms_of(query: str) -> list[Term]:
    """The terms of a query in its order, each once; what stands in quotes is one."""
    found: dict[tuple[str, ...], Term] = {}
    for match in _TOKEN.finditer(normalize("NFC", usable(query[:MAX_CHARACTERS]))):
        written = match[1] or match[2]
        places = [*_WORD.finditer(written)]
        words = tuple(place[0] for place in places)
        key = tuple(map(fold, words))
        if words and key not in found:
            text = written[places[0].start() : places[-1].end()]
            found[key] = Term(one_line(text, MAX_SHOWN), words, quoted=match[1] is not None)
            if len(found) == MAX_TERMS:
                break
    return [*found.values()]


def inner_words(text: str) -> Iterator[str]:
    """Yield the words inside of names such as `acceptanceCriteria`, which a tokenizer takes for one word."""
    for name in dict.fromkeys(_CAMEL.findall(text)):
        yield from _parts(name)


def plain_words(text: str) -> set[str]:
    """The words of a text that somebody may misspell, in lower case; those that end with an s also without it."""
    words = {word.lower() for word in _WORD.findall(text) if len(word) > 3 and word.isalpha()}
    return words | {word[:-1] for word in words if word.endswith("s")}


def _parts(name: str) -> list[str]:
    return _INNER.sub(" ", name).split()
