"""Finds the known words that somebody may have meant."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from ckit_daemon.services.rag.terms import plain_words

if TYPE_CHECKING:
    from collections.abc import Iterable

MIN_LETTERS: Final = 4
"""A shorter word is like too many others."""
MAX_LETTERS: Final = 40
_TWO_ERRORS_FROM: Final = 8
"""Letters of a word in which two may be wrong."""
_MOST: Final = 3


class Meant(NamedTuple):
    """A known word in place of an unknown one."""

    word: str
    distance: int
    """Letters that are wrong, missing, too many, or swapped with the next."""


class Spelling:
    """The words of all passages; those of passages that are gone stay, since nobody finds anything by them."""

    def __init__(self) -> None:
        self._texts: set[str] = set()
        self._words: dict[int, list[str]] | None = None
        self._nearest = lru_cache(maxsize=1024)(self._compare)

    def learn(self, texts: Iterable[str]) -> None:
        """Take in the words of texts."""
        before = len(self._texts)
        for text in texts:
            # Most words are known; they are taken apart once, when a word is first looked for.
            self._texts.update(text.split())
        if len(self._texts) > before:
            self._words = None
            self._nearest.cache_clear()

    def nearest(self, word: str) -> tuple[Meant, ...]:
        """Return the known words nearest to one that is not known, at most three; none where it is not like any."""
        return self._nearest(word.lower()) if MIN_LETTERS <= len(word) <= MAX_LETTERS and word.isalpha() else ()

    def _compare(self, word: str) -> tuple[Meant, ...]:
        allowed = 2 if len(word) >= _TWO_ERRORS_FROM else 1
        known = self._known()
        lengths = range(len(word) - allowed, len(word) + allowed + 1)
        candidates = [candidate for length in lengths for candidate in known.get(length, ())]
        found = process.extract(word, candidates, scorer=OSA.distance, score_cutoff=allowed, limit=None)
        best = min((int(distance) for _, distance, _ in found), default=0)
        nearest = sorted(Meant(name, best) for name, distance, _ in found if distance == best and name != word)
        return tuple(nearest[:_MOST])

    def _known(self) -> dict[int, list[str]]:
        if self._words is None:
            self._words = {}
            for word in sorted(plain_words(" ".join(self._texts))):
                self._words.setdefault(len(word), []).append(word)
        return self._words
