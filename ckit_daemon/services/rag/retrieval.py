"""Finds passages: by the ids that a query names, by words, by meaning, and by what the graph joins to strong hits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.entity import Entity
from ckit_daemon.core.errors import DegradedError
from ckit_daemon.services.rag.expansion import neighbours
from ckit_daemon.services.rag.filtering import allowed
from ckit_daemon.services.rag.fusion import (
    RELEVANT,
    UNNAMED,
    Evidence,
    at_most,
    fuse,
    named,
    weight_of_words,
    with_part,
)
from ckit_daemon.services.rag.naming import Names
from ckit_daemon.services.rag.records import Hit, ScorePart, SearchRequest, SearchResponse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from ckit_daemon.core.progress import Progress
    from ckit_daemon.services.rag.fusion import Fused
    from ckit_daemon.services.rag.ports import Asked, LexicalHit, Lexicon, Reranker, VectorIndex, View
    from ckit_daemon.services.rag.records import Chunk, Filters, IndexStatus, Mode

POOL: Final = 100
"""Passages that each way of looking contributes."""
CANDIDATES: Final = 40
"""Entities, sections and notes that are compared as a whole; more where more hits are asked for."""
PASSAGES_OF_ONE: Final = 24
"""Most passages of one of them that are compared."""
JOINED: Final = 20
"""Entities that are compared only because the graph joins them to strong hits."""
EXACT_BELOW: Final = 2000
"""With so few allowed passages each one is compared, instead of hoping that the nearest of all are among them."""
OVERSHOOT: Final = 8
"""How many times more nearest passages are asked for where only some are allowed,"""
FARTHER: Final = 16
"""and how many times more than that, some 50 ms, where too few of them are."""
LIKENESS_CHARACTERS: Final = 2000
"""Of an entity that others are compared with; no embedder reads much more."""


@dataclass(slots=True)
class _Looked:
    """What the two ways of looking have found."""

    text: str
    words: Mapping[str, LexicalHit] = field(default_factory=dict[str, "LexicalHit"])
    near: Sequence[Chunk] = ()
    """The nearest passages by meaning, the nearest first."""
    asked: Asked | None = None
    """The query, embedded; None where it is looked for by words alone."""
    mode: Mode = "hybrid"
    misspelt: bool = False
    """Whether a word of it is nearly a known one."""
    degraded: str | None = None


class RepositoryRetriever:
    """Implements `ports.Retriever`."""

    def __init__(self, lexicon: Lexicon, index: VectorIndex, reranker: Reranker) -> None:
        self._lexicon = lexicon
        self._index = index
        self._reranker = reranker
        self._names = Names()

    async def search(self, view: View, request: SearchRequest, progress: Progress) -> SearchResponse:
        """Return what answers a query; see the port."""
        permitted = await asyncio.to_thread(allowed, view.snapshot, view.corpus, request.filters)
        looked = await self._look(view, request.query, request.mode, permitted)
        names = [] if request.mode == "vector" else self._names.named(view.snapshot, request.query)
        ids = [each for each in names if _may_be_found(view, each, permitted)]
        progress.report(1, 2, "Comparing passages")
        groups = _groups(view, looked, ids, permitted, max(CANDIDATES, 2 * request.limit))
        fused = await self._fused(groups, looked)
        if ids:
            self._put_first(view, request.query, ids, fused)
        if request.expand == "neighbours" and looked.mode != "lexical":
            await self._expand(view, looked, permitted, ids, fused)
        ranked = _ranked(fused)[: request.limit]
        hits = await asyncio.to_thread(_hits, view, ranked, looked.mode)
        if request.rerank:
            hits, problem = await self._ordered_anew(request.query, hits, ids)
            looked.degraded = looked.degraded or problem
        return SearchResponse(tuple(hits), looked.mode, looked.degraded, view.corpus.version)

    async def similar(
        self, view: View, like: Entity | str, limit: int, filters: Filters, progress: Progress
    ) -> SearchResponse:
        """Return what is like an entity or a text; see the port."""
        permitted = await asyncio.to_thread(allowed, view.snapshot, view.corpus, filters)
        text = _text_of(view, like) if isinstance(like, Entity) else like
        looked = await self._look(view, text, "hybrid", permitted)
        progress.report(1, 2, "Comparing passages")
        groups = _groups(view, looked, (), permitted, max(CANDIDATES, 2 * limit))
        if isinstance(like, Entity):
            groups.pop(like.id, None)
        fused = await self._fused(groups, looked)
        hits = await asyncio.to_thread(_hits, view, _ranked(fused)[:limit], looked.mode)
        return SearchResponse(tuple(hits), looked.mode, looked.degraded, view.corpus.version)

    # Looking

    async def _look(self, view: View, text: str, mode: Mode, permitted: Collection[str] | None) -> _Looked:
        looked = _Looked(text, mode=mode)
        if mode != "lexical":
            try:
                looked.asked = await self._index.ask([text])
                looked.near = await _near(view, looked.asked, permitted)
                looked.degraded = _unfinished(self._index.status(), len(view.corpus.chunks))
            except DegradedError as error:
                looked.asked, looked.mode, looked.degraded = None, "lexical", error.message
        if looked.mode != "vector":
            found = await asyncio.to_thread(self._lexicon.search, text, limit=POOL, allowed=permitted)
            # The lexicon may be one change ahead of what this search looks at.
            looked.words = {hit.chunk.id: hit for hit in found if hit.chunk.id in view.corpus.chunks}
        # Only where both ways of looking count does it matter, and finding the nearest known words takes time.
        looked.misspelt = looked.mode == "hybrid" and await asyncio.to_thread(self._lexicon.is_misspelt, text)
        return looked

    # Judging

    async def _fused(self, groups: Mapping[str, Sequence[Chunk]], looked: _Looked) -> dict[str, Fused]:
        cosines: Mapping[str, Sequence[float]] = {}
        if looked.asked is not None and groups:
            hashes = {chunk.hash for chunks in groups.values() for chunk in chunks}
            try:
                cosines = await looked.asked.cosines(hashes)
            except DegradedError as error:
                looked.mode, looked.degraded = "lexical", error.message
        best = max((hit.score for hit in looked.words.values()), default=0.0)
        weight = weight_of_words(looked.text, looked.mode, best, misspelt=looked.misspelt)
        return {key: fuse([_evidence(chunk, cosines, looked) for chunk in chunks], weight)
                for key, chunks in groups.items()}  # fmt: skip

    async def _expand(
        self,
        view: View,
        looked: _Looked,
        permitted: Collection[str] | None,
        ids: Collection[str],
        fused: dict[str, Fused],
    ) -> None:
        """Let strong hits speak for what the graph joins them to, found before or not."""
        lent = neighbours(view.snapshot, [(key, each.score) for key, each in _ranked(fused)])
        joined = ((each, _passages(view, each, (), permitted)) for each in lent if each not in fused)
        more = dict(islice((pair for pair in joined if pair[1]), JOINED))
        for key, each in (await self._fused(more, looked)).items():
            fused[key] = at_most(each, UNNAMED) if ids else each
        for identifier, part in lent.items():
            # What the query names is in its place already.
            if identifier in fused and identifier not in ids:
                fused[identifier] = with_part(fused[identifier], part)

    def _put_first(self, view: View, query: str, ids: Sequence[str], fused: dict[str, Fused]) -> None:
        bare = self._names.only_names(view.snapshot, query)
        for key in fused.keys() - set(ids):
            fused[key] = at_most(fused[key], UNNAMED)
        for position, identifier in enumerate(ids):
            card = view.corpus.of_entity(identifier)[0]
            known = fused.get(identifier)
            fused[identifier] = named(known, card, position)
            if bare:
                # Whoever asks for nothing but an entity wants its beginning.
                fused[identifier] = replace(fused[identifier], best=card)

    async def _ordered_anew(self, query: str, hits: list[Hit], ids: Collection[str]) -> tuple[list[Hit], str | None]:
        """Let a language model order what the query does not name by its id."""
        named = [hit for hit in hits if hit.chunk.entity in ids]
        others = [hit for hit in hits if hit.chunk.entity not in ids]
        if len(others) < 2:
            return hits, None
        ordered, problem = await self._reranker.order(query, others)
        if problem is None:
            places = enumerate(ordered)
            ordered = [replace(hit, parts=(*hit.parts, _placed(index, len(ordered)))) for index, hit in places]
        return [*named, *ordered], problem


async def _near(view: View, asked: Asked, permitted: Collection[str] | None) -> list[Chunk]:
    if permitted is None:
        return (await _nearest(view, asked, POOL))[:POOL]
    if len(permitted) <= EXACT_BELOW:
        chunks = [view.corpus.chunks[each] for each in permitted if each in view.corpus.chunks]
        cosines = await asked.cosines({chunk.hash for chunk in chunks})
        known = [chunk for chunk in chunks if chunk.hash in cosines]
        return sorted(known, key=lambda chunk: (-cosines[chunk.hash][0], chunk.id))[:POOL]
    near: list[Chunk] = []
    for limit in (POOL * OVERSHOOT, POOL * OVERSHOOT * FARTHER):
        near = [chunk for chunk in await _nearest(view, asked, limit) if chunk.id in permitted]
        if len(near) >= POOL:
            break
    return near[:POOL]


async def _nearest(view: View, asked: Asked, limit: int) -> list[Chunk]:
    return [chunk for hit in await asked.nearest(limit) for chunk in view.corpus.by_hash.get(hit.hash, ())]


def _evidence(chunk: Chunk, cosines: Mapping[str, Sequence[float]], looked: _Looked) -> Evidence:
    hit = looked.words.get(chunk.id)
    cosine = cosines[chunk.hash][0] if chunk.hash in cosines else None
    return Evidence(chunk, cosine, hit.score if hit else 0.0, hit.words if hit else ())


def key_of(chunk: Chunk) -> str:
    """Return what a passage belongs to: its entity, its Markdown file, or itself."""
    return chunk.entity or (chunk.path if chunk.kind == "markdown" else chunk.id)


def _groups(
    view: View, looked: _Looked, ids: Iterable[str], permitted: Collection[str] | None, most: int
) -> dict[str, list[Chunk]]:
    """The passages to compare by what they belong to: those that were found first, then their siblings."""
    by_words = [hit.chunk for hit in looked.words.values()]
    found: dict[str, list[Chunk]] = {identifier: [] for identifier in ids}
    # Both ways of looking take turns, so that neither fills all places.
    for index in range(max(len(by_words), len(looked.near))):
        for source in (by_words, looked.near):
            if index < len(source) and (key_of(source[index]) in found or len(found) < most):
                found.setdefault(key_of(source[index]), []).append(source[index])
    groups: dict[str, list[Chunk]] = {}
    for key, chunks in found.items():
        if passages := _passages(view, key, chunks, permitted):
            groups[key] = passages
    return groups


def _passages(view: View, key: str, first: Iterable[Chunk], permitted: Collection[str] | None) -> list[Chunk]:
    """The passages that belong together, those that were found first."""
    others = view.corpus.of_entity(key) or view.corpus.of_file(key)
    distinct = {chunk.id: chunk for chunk in (*first, *others) if permitted is None or chunk.id in permitted}
    return [*distinct.values()][:PASSAGES_OF_ONE]


def _may_be_found(view: View, identifier: str, permitted: Collection[str] | None) -> bool:
    chunks = view.corpus.of_entity(identifier)
    return bool(chunks) and (permitted is None or any(chunk.id in permitted for chunk in chunks))


def _ranked(fused: Mapping[str, Fused]) -> list[tuple[str, Fused]]:
    return sorted(((key, each) for key, each in fused.items() if each.score > 0), key=lambda x: (-x[1].score, x[0]))


def _hits(view: View, ranked: Sequence[tuple[str, Fused]], mode: Mode) -> list[Hit]:
    return [
        Hit(each.best, view.corpus.locate(each.best), each.score, each.score >= RELEVANT[mode], each.parts, each.more)
        for _, each in ranked
    ]


def _placed(index: int, of: int) -> ScorePart:
    # It weighs nothing: the other parts say how well a hit fits, and this one why it stands where it does.
    return ScorePart("rerank", 1 - index / of, 0.0, f"the language model puts it at {index + 1} of {of}")


def _text_of(view: View, entity: Entity) -> str:
    chunks = view.corpus.of_entity(entity.id)
    text = "\n".join([entity.title or entity.id, *(chunk.text for chunk in chunks)])
    return text[:LIKENESS_CHARACTERS]


def _unfinished(status: IndexStatus, chunks: int) -> str | None:
    if status.building_embedder is not None and status.state == "degraded":
        former = f"it was searched with the vectors of {status.embedder}"
        return f"{status.building_embedder} can't be used yet; {former}. {status.reason}"
    if status.embedded >= chunks:
        return None
    found = f"{status.embedded} of {chunks} passages are searchable by meaning"
    if status.state != "building" and status.reason is not None:
        return f"{found}, the others by their words. {status.reason}"
    return f"{found} so far; the others are found by their words, and the rest follows in the background."
