"""An inverted index over the entities of a repository, kept up to date file by file.

Hits are scored with BM25 (k1 = 1.2, b = 0.75) over word counts in which a word of the id counts eightfold and one of
the title fourfold; words that only begin like the query's count two fifths. A hit whose id is a query's word comes
first, one whose id begins with it second; among equals the order of the paths decides.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from dataclasses import dataclass
from heapq import nsmallest
from threading import Lock
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.progress import SILENT
from ckit_daemon.core.search.highlight import Highlight, highlights, values_for
from ckit_daemon.core.search.query import Term, parse_query
from ckit_daemon.core.search.similar import Likeness, likeness, rarity, saturated
from ckit_daemon.core.search.words import SEPARATOR, WORD, fold, scalars

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.progress import Progress
    from ckit_daemon.core.snapshot import Snapshot

_ID_WEIGHT: Final = 8
_TITLE_WEIGHT: Final = 4
_PREFIX_WEIGHT: Final = 0.4
_EXACT_ID: Final = 1000.0
_ID_PREFIX: Final = 100.0
_STEP: Final = 500
"""Files between two reports of progress."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An entity that a query finds."""

    entity: Entity
    score: float
    highlights: tuple[Highlight, ...]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One page of hits, the best first."""

    hits: tuple[Hit, ...]
    total: int


@dataclass(slots=True)
class _Entry:
    entity: Entity
    folded_id: str
    text: str
    """All of its values, folded."""
    length: int

    def words(self) -> set[str]:
        return {*WORD.findall(self.text), *WORD.findall(self.folded_id)}


class SearchIndex:
    """Answers queries about one repository, from any thread. Keep one as long as the repository is open."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._snapshot: Snapshot | None = None
        self._entries: dict[str, _Entry] = {}
        self._postings: dict[str, dict[str, int]] = {}
        self._vocabulary: list[str] = []
        self._total_length = 0

    def search(  # noqa: PLR0913 - each narrows the search, or says which page of it is wanted.
        self,
        snapshot: Snapshot,
        query: str,
        *,
        types: Collection[str] | None = None,
        statuses: Collection[str] | None = None,
        fields: Collection[str] | None = None,
        readable: Callable[[str], bool] | None = None,
        limit: int = 20,
        offset: int = 0,
        progress: Progress = SILENT,
    ) -> SearchResult:
        """Find entities of a snapshot; an empty query finds all that the filters leave.

        The first search reads every entity; a later one only those that changed since.

        Args:
            snapshot: Where to search.
            query: See `ckit_daemon.core.search.query`.
            types: Entity types to search, all by default.
            statuses: Statuses that a hit may have, whatever their case.
            fields: Fields to search, by path or by the name of a key; all by default.
            readable: Says of a file whether it may be found; all may by default.
            limit: How many hits to return.
            offset: How many hits to skip.
            progress: Sees the index being built.

        Raises:
            InvalidArgumentError: the query is too long.
            OperationCancelledError: raised by `progress`.

        """
        parsed = parse_query(query)
        with self._lock:
            self._update(snapshot, progress)
            matches = [self._matches(term, fields) for term in parsed.wanted]
            found = self._candidates(matches)
            for term in parsed.unwanted:
                found -= self._matches(term, fields).keys()
            wanted_statuses = None if statuses is None else {fold(status) for status in statuses}
            kept = [
                path
                for path in found
                if (types is None or self._entries[path].entity.type in types)
                and (wanted_statuses is None or fold(self._entries[path].entity.status or "") in wanted_statuses)
                and (readable is None or readable(path))
            ]
            scores = self._scores(kept, parsed.wanted, matches)
            ranked = nsmallest(offset + limit, kept, key=lambda path: (-scores[path], path))
            page = [self._entries[path].entity for path in ranked[offset:]]
        hits = (Hit(entity, scores[entity.path], highlights(entity, parsed.wanted, fields)) for entity in page)
        return SearchResult(tuple(hits), len(kept))

    def similar(
        self,
        snapshot: Snapshot,
        like: Entity | str,
        *,
        types: Collection[str] | None = None,
        readable: Callable[[str], bool] | None = None,
        limit: int = 10,
        progress: Progress = SILENT,
    ) -> tuple[Likeness, ...]:
        """Find the entities that share the most telling words with an entity or a text, the most alike first.

        Args:
            snapshot: Where to look.
            like: An entity of the snapshot, which is not found itself, or a text.
            types: Entity types to look among, all by default.
            readable: Says of a file whether it may be found; all may by default.
            limit: How many to return.
            progress: Sees the index being built.

        Raises:
            OperationCancelledError: raised by `progress`.

        """
        text = like if isinstance(like, str) else SEPARATOR.join(value for _, value in scalars(like.data))
        with self._lock:
            self._update(snapshot, progress)
            lengths = {path: entry.length for path, entry in self._entries.items()}
            found = likeness(Counter(WORD.findall(fold(text))), self._postings, lengths)
            entities = {path: self._entries[path].entity for path in found}
        kept = [
            Likeness(entities[path], score, words)
            for path, (score, words) in found.items()
            if (types is None or entities[path].type in types)
            and (isinstance(like, str) or entities[path].id != like.id)
            and (readable is None or readable(path))
        ]
        return tuple(nsmallest(limit, kept, key=lambda each: (-each.score, each.entity.path)))

    # Finding

    def _candidates(self, matches: Sequence[Mapping[str, float]]) -> set[str]:
        ordered = sorted(matches, key=len)
        if not ordered:
            return set(self._entries)
        found = set(ordered[0])
        for more in ordered[1:]:
            found &= more.keys()
        return found

    def _matches(self, term: Term, fields: Collection[str] | None) -> Mapping[str, float]:
        """The files that hold a term, with how often its rarest word stands in them."""
        if term.field == "id":
            return {path: 1.0 for path, entry in self._entries.items() if _begins(entry.folded_id, term)}
        found = self._with_words(term)
        if term.field is None and fields is None:
            if len(term.words) == 1:
                return found
            return {path: count for path, count in found.items() if term.pattern.search(self._entries[path].text)}
        matched = {
            path: count for path, count in found.items() if _has_in_field(self._entries[path].entity, term, fields)
        }
        if term.field == "type":
            # A type is no field of the file, but people write it as if it were.
            matched |= {path: 1.0 for path, entry in self._entries.items() if fold(entry.entity.type) == term.folded}
        return matched

    def _with_words(self, term: Term) -> Mapping[str, float]:
        *leading, last = term.words
        found: Mapping[str, float] = self._postings.get(last, {})
        if term.open_end:
            longer: dict[str, float] = dict(found)
            for word in self._beginning_with(last):
                if word != last:
                    for path, count in self._postings[word].items():
                        longer[path] = longer.get(path, 0) + _PREFIX_WEIGHT * count
            found = longer
        for word in leading:
            postings = self._postings.get(word, {})
            found = {path: min(count, postings[path]) for path, count in found.items() if path in postings}
        return found

    def _beginning_with(self, prefix: str) -> Iterator[str]:
        for index in range(bisect_left(self._vocabulary, prefix), len(self._vocabulary)):
            if not self._vocabulary[index].startswith(prefix):
                return
            yield self._vocabulary[index]

    def _scores(
        self, paths: Collection[str], terms: Sequence[Term], matches: Sequence[Mapping[str, float]]
    ) -> dict[str, float]:
        number = len(self._entries)
        average = self._total_length / number if number else 1
        scores = dict.fromkeys(paths, 0.0)
        for term, counts in zip(terms, matches, strict=True):
            telling = rarity(len(counts), number)
            names_id = term.field in {None, "id"}
            for path in paths:
                entry, count = self._entries[path], counts[path]
                scores[path] += telling * saturated(count, entry.length, average)
                if names_id and entry.folded_id.startswith(term.folded):
                    scores[path] += _EXACT_ID if entry.folded_id == term.folded else _ID_PREFIX
        return scores

    # Keeping the index

    def _update(self, snapshot: Snapshot, progress: Progress) -> None:
        if snapshot is self._snapshot:
            return
        gone = self._entries.keys() - snapshot.by_path.keys()
        new: list[Entity] = []
        for path, entity in snapshot.by_path.items():
            entry = self._entries.get(path)
            if entry is None or entry.entity.document is not entity.document:
                new.append(entity)
            else:
                entry.entity = entity
        fresh: list[str] = []
        for path in gone:
            self._remove(path)
        try:
            for number, entity in enumerate(new):
                if number % _STEP == 0:
                    progress.report(number, len(new), "Indexing entities")
                self._remove(entity.path)
                self._add(entity, fresh)
        finally:
            # A cancelled update leaves an index that is behind, but whole.
            self._learn(fresh)
        self._snapshot = snapshot

    def _learn(self, fresh: list[str]) -> None:
        if len(fresh) > _STEP:
            self._vocabulary = sorted(self._postings)
        else:
            for word in fresh:
                insort(self._vocabulary, word)

    def _add(self, entity: Entity, fresh: list[str]) -> None:
        title = fold(entity.title or "")
        folded_id = fold(entity.id)
        text = fold(SEPARATOR.join(value for _, value in scalars(entity.data)) or entity.id)
        words = Counter(WORD.findall(text))
        length = words.total()
        for word in WORD.findall(title):
            words[word] += _TITLE_WEIGHT - 1
        for word in WORD.findall(folded_id):
            words[word] += _ID_WEIGHT - 1
        path = entity.path
        for word, count in words.items():
            postings = self._postings.get(word)
            if postings is None:
                self._postings[word] = {path: count}
                fresh.append(word)
            else:
                postings[path] = count
        self._entries[path] = _Entry(entity, folded_id, text, length)
        self._total_length += length

    def _remove(self, path: str) -> None:
        entry = self._entries.pop(path, None)
        if entry is None:
            return
        self._total_length -= entry.length
        for word in entry.words():
            postings = self._postings[word]
            del postings[path]
            if not postings:
                del self._postings[word]
                del self._vocabulary[bisect_left(self._vocabulary, word)]


def _begins(folded_id: str, term: Term) -> bool:
    return folded_id == term.folded or (not term.quoted and folded_id.startswith(term.folded))


def _has_in_field(entity: Entity, term: Term, fields: Collection[str] | None) -> bool:
    """Whether a field holds a term: a field of one word must be that word, and prose must hold it."""
    for _, value in values_for(entity, term, fields):
        folded = fold(value)
        if " " in value or term.field is None:
            if term.pattern.search(folded):
                return True
        elif tuple(WORD.findall(folded)) == term.words:
            return True
    return False
