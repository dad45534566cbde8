"""Finds passages by words, with an index of SQLite's FTS5 in memory.

FTS5 takes texts apart, finds stems (Porter's, for English) and phrases, and knows which passages hold them. A passage
scores by the words of the query that it holds: each counts by how few passages have it, as BM25 has it, and once,
however often it stands there; passages are short. What it gets is given as a share of what it would get for all of
them, so that scores of different queries can be compared; long passages get a little less.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np

from ckit_daemon.core.search.similar import K1, B, rarity
from ckit_daemon.core.search.words import fold
from ckit_daemon.services.rag.ports import LexicalHit
from ckit_daemon.services.rag.spelling import Spelling
from ckit_daemon.services.rag.terms import Term, inner_words, terms_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from ckit_daemon.core.progress import Progress
    from ckit_daemon.services.rag.ports import Corpus
    from ckit_daemon.services.rag.records import Chunk

    Rows = NDArray[np.int32]

MAX_WORDS: Final = 32
"""The most telling words of a query, which alone are looked for."""
_MISSPELT: Final = 0.7
"""What a word counts in place of one that differs by a letter; for a second letter as much again."""
_FUNCTION_WORD: Final = 0.3
"""What a word counts that says how something is asked, not what."""
_COMMON_SHARE: Final = 0.1
"""With more than this share of all passages holding it, such a word tells nothing and is not looked for."""
_LENGTH: Final = 0.4
"""How much of a score depends on the length of the passage."""
_STEP: Final = 2000
"""Passages between two reports of progress."""
_REBUILD_SHARE: Final = 0.3
"""Where a larger share of the passages changes, a new index is made while the old one still answers."""
_TABLE: Final = """
CREATE VIRTUAL TABLE words USING fts5(
    heading, text, names,
    content='', columnsize=0, tokenize='porter unicode61 remove_diacritics 2'
)
"""
_ADD: Final = "INSERT INTO words(rowid, heading, text, names) VALUES (?, ?, ?, ?)"
_REMOVE: Final = "INSERT INTO words(words, rowid, heading, text, names) VALUES ('delete', ?, ?, ?, ?)"
_COUNT: Final = "SELECT count(*) FROM words WHERE words MATCH ?"
# One text with all rows comes over from SQLite many times faster than a row for each.
_ROWS: Final = "SELECT group_concat(rowid) FROM words WHERE words MATCH ?"


@dataclass(slots=True)
class _Found:
    """A term of a query, and the passages that hold it."""

    term: Term
    rows: Rows
    weight: float
    """How telling it is."""
    exactness: float = 1.0
    """Less than 1 where other words stand in for one that no passage has."""


class PassageLexicon:
    """Implements `ports.Lexicon`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._updating = Lock()
        self._index = _Index()
        self._files: Mapping[str, Sequence[Chunk]] = {}

    def update(self, corpus: Corpus, progress: Progress) -> None:
        """Follow the repository; see the port."""
        with self._updating:
            before, after = self._files, corpus.by_path
            came = [chunks for path, chunks in after.items() if before.get(path) is not chunks]
            went = [chunks for path, chunks in before.items() if after.get(path) is not chunks]
            old = {chunk.id: chunk for chunks in went for chunk in chunks}
            new = {chunk.id: chunk for chunks in came for chunk in chunks}
            if len(old) + len(new) > _REBUILD_SHARE * self._index.number or self._index.is_sparse:
                index = _Index()
                index.change((), [*corpus.chunks.values()], progress)
                self._index = index
            else:
                same = {name: chunk for name, chunk in new.items() if name in old and old[name].hash == chunk.hash}
                with self._lock:
                    self._index.change(
                        [chunk for name, chunk in old.items() if name not in same],
                        [chunk for name, chunk in new.items() if name not in same],
                        progress,
                    )
                    self._index.replace(same.values())
            self._files = after

    def search(self, query: str, *, limit: int, allowed: Collection[str] | None = None) -> Sequence[LexicalHit]:
        """Return the passages that fit best; see the port."""
        terms = terms_of(query)
        with self._lock:
            index = self._index
            found = _most_telling(index, terms)
            if limit < 1 or not any(len(each.rows) for each in found):
                return ()
            scores = _scores(index, found)
            best = _best(index, scores, limit, allowed)
            hits = [(row, index.chunks[row]) for row in best]
        return tuple(
            LexicalHit(chunk, round(min(float(scores[row]), 1.0), 4), _held(found, row))
            for row, chunk in hits
            if chunk is not None
        )

    def is_misspelt(self, query: str) -> bool:
        """Return whether a word of a query is nearly a known one; see the port."""
        with self._lock:
            unknown = [term for term in terms_of(query)[:MAX_WORDS] if not self._index.count(term)]
            return any(self._index.spelling.nearest(term.words[0]) for term in unknown if len(term.words) == 1)

    def weights(self, query: str) -> Mapping[str, float]:
        """Return how telling each word of a query is; see the port."""
        with self._lock:
            number = self._index.number
            counted = _counted(self._index, terms_of(query))
        most = rarity(1, number)
        return {term.text: round(min(1.0, rarity(max(holders, 1), number) / most), 4) for term, holders in counted}


class _Index:
    """The passages in rows, with an index of their words; used by one thread at a time."""

    def __init__(self) -> None:
        self._database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._database.execute(_TABLE)
        self._rows: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._lengths = np.zeros(1024, dtype=np.float32)
        self.chunks: list[Chunk | None] = []
        self.spelling = Spelling()

    @property
    def number(self) -> int:
        """How many passages there are."""
        return len(self._rows)

    @property
    def is_sparse(self) -> bool:
        """Whether most rows are those of passages that are gone."""
        return len(self.chunks) > 2 * len(self._rows)

    @property
    def lengths(self) -> NDArray[np.float32]:
        """The characters of each row; 0 for one that is gone."""
        return self._lengths[: len(self.chunks)]

    def change(self, gone: Sequence[Chunk], new: Sequence[Chunk], progress: Progress) -> None:
        """Take passages out and others in; where that fails or is cancelled, nothing changes."""
        first = len(self.chunks)
        self._database.execute("BEGIN")
        try:
            self._database.executemany(_REMOVE, [(self._rows[chunk.id], *_columns(chunk)) for chunk in gone])
            for start in range(0, len(new), _STEP):
                progress.report(start, len(new), "Indexing words")
                part = enumerate(new[start : start + _STEP], start=first + start)
                self._database.executemany(_ADD, ((row, *_columns(chunk)) for row, chunk in part))
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")
        for chunk in gone:
            row = self._rows.pop(chunk.id)
            self.chunks[row] = None
            self._lengths[row] = 0
        self.chunks += new
        self._rows.update((chunk.id, row) for row, chunk in enumerate(new, start=first))
        while len(self._lengths) < len(self.chunks):
            self._lengths = np.concatenate([self._lengths, np.zeros_like(self._lengths)])
        self._lengths[first : len(self.chunks)] = [len(chunk.heading) + len(chunk.text) for chunk in new]
        self._counts.clear()
        self.spelling.learn(f"{chunk.heading} {chunk.text}" for chunk in new)

    def replace(self, chunks: Collection[Chunk]) -> None:
        """Take passages of the same ids and words in place of those that are there."""
        for chunk in chunks:
            self.chunks[self._rows[chunk.id]] = chunk

    def rows_of(self, names: Collection[str]) -> list[int]:
        """The rows of passages by their ids."""
        return [row for name in names if (row := self._rows.get(name)) is not None]

    def rows(self, match: str) -> Rows:
        """The rows that fit an expression."""
        (found,) = self._database.execute(_ROWS, (match,)).fetchone()
        return np.fromstring(found or "", dtype=np.int32, sep=",")

    def count(self, term: Term) -> int:
        """How many passages hold a term."""
        match = term.match
        if match not in self._counts:
            (self._counts[match],) = self._database.execute(_COUNT, (match,)).fetchone()
        return self._counts[match]


def _columns(chunk: Chunk) -> tuple[str, str, str]:
    names = " ".join(inner_words(f"{chunk.heading} {chunk.text}"))
    if chunk.kind != "entity":
        names = f"{chunk.path} {names}"
    return chunk.heading, chunk.text, names


def _counted(index: _Index, terms: Sequence[Term]) -> list[tuple[Term, int]]:
    """The terms with the number of passages that hold each; the parts of an id that stand together nowhere instead."""
    counted: dict[tuple[str, ...], tuple[Term, int]] = {}
    for term in terms:
        holders = index.count(term)
        for each in (term,) if holders or not term.apart else term.apart:
            counted.setdefault(tuple(map(fold, each.words)), (each, holders or index.count(each)))
    return [*counted.values()]


def _most_telling(index: _Index, terms: Sequence[Term]) -> list[_Found]:
    """The terms that count most, with their rows."""
    counted = _counted(index, terms)
    common = index.number * _COMMON_SHARE
    telling = [(term, holders) for term, holders in counted if holders <= common or not term.is_function_word]
    # In a long text, words that no passage has must not take the places of those that find something.
    weighed = [(holders == 0, -_weight(term, holders, index.number), term) for term, holders in telling or counted]
    weighed.sort(key=lambda each: each[:2])
    found = [_looked_up(index, term, -weight) for _, weight, term in weighed[:MAX_WORDS]]
    return sorted(found, key=lambda each: -each.weight)


def _weight(term: Term, holders: int, number: int) -> float:
    # A word that no passage has is the most telling one: whatever is found is not about it.
    weight = rarity(max(holders, 1), number) * (_FUNCTION_WORD if term.is_function_word else 1.0)
    return weight * len(term.words) if term.quoted else weight


def _looked_up(index: _Index, term: Term, weight: float) -> _Found:
    rows = index.rows(term.match)
    if not len(rows) and len(term.words) == 1 and not term.quoted:
        meant = index.spelling.nearest(term.words[0])
        if meant:
            rows = index.rows(" OR ".join(Term(each.word, (each.word,)).match for each in meant))
            if len(rows):
                return _Found(term, rows, rarity(len(rows), index.number), _MISSPELT ** meant[0].distance)
    return _Found(term, rows, weight)


def _scores(index: _Index, found: Sequence[_Found]) -> NDArray[np.float32]:
    """The score of each row."""
    scores = np.zeros(len(index.chunks), dtype=np.float32)
    for each in found:
        scores[each.rows] += each.weight * each.exactness
    scores /= sum(each.weight for each in found) or 1.0
    lengths = index.lengths
    average = float(lengths.sum()) / max(index.number, 1)
    shorter = 1 / (1 + K1 * (1 - B + B * lengths / max(average, 1.0)))
    scores *= 1 - _LENGTH + _LENGTH * shorter * (1 + K1 * (1 - B))
    return scores


def _best(index: _Index, scores: NDArray[np.float32], limit: int, allowed: Collection[str] | None) -> list[int]:
    """The rows with the highest scores, the best first."""
    if allowed is not None:
        permitted = np.zeros(len(scores), dtype=bool)
        permitted[index.rows_of(allowed)] = True
        scores = np.where(permitted, scores, 0)
    fitting = np.flatnonzero(scores > 0)
    if len(fitting) > limit:
        least = np.partition(scores[fitting], -limit)[-limit]
        fitting = fitting[scores[fitting] >= least]
    names = {int(row): chunk.id for row in fitting if (chunk := index.chunks[row]) is not None}
    return sorted(names, key=lambda row: (-scores[row], names[row]))[:limit]


def _held(found: Sequence[_Found], row: int) -> tuple[str, ...]:
    """The words of the query that a row holds, the most telling first."""
    held: list[str] = []
    for each in found:
        at = int(np.searchsorted(each.rows, row))
        if at < len(each.rows) and each.rows[at] == row:
            held.append(each.term.text)
    return tuple(held)
