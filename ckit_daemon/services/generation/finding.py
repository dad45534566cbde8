"""What else in a repository belongs to a request: found by meaning where there is an index, by words elsewhere."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.errors import CkitError, OperationCancelledError
from ckit_daemon.core.search.words import WORD, fold
from ckit_daemon.services.generation.kit import sha256
from ckit_daemon.services.generation.material import Source
from ckit_daemon.services.rag.records import Filters, SearchRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.progress import Progress
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.services.assistant.container import Part
    from ckit_daemon.services.open_repository import OpenRepository
    from ckit_daemon.services.rag.records import Hit, SearchResponse
    from ckit_daemon.services.rag.service import RagService
    from ckit_daemon.settings import Settings

_ENTITIES: Final = 6
"""Most entities that a search adds."""
_PASSAGES: Final = 4
"""Most sections of Markdown and notes that it adds."""
_LONGEST: Final = 20_000
"""Characters of a request that are searched for."""
_WORDS: Final = 12
_MIN_WORD: Final = 4
_WAYS: Final = {
    "exactId": "its id",
    "vector": "meaning",
    "lexical": "words",
    "graph": "relations",
    "rerank": "the model",
}


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has found for a request."""

    entities: tuple[tuple[Entity, str], ...] = ()
    """Entities, the best first, with why they were found."""
    passages: tuple[Source, ...] = ()
    """Passages of other files."""
    warnings: tuple[str, ...] = ()


async def find(
    repository: OpenRepository, text: str, rag: Part[RagService], settings: Settings, progress: Progress
) -> Found:
    """Search a repository for what belongs to a request; nothing for an empty one.

    A search by meaning that fails is replaced by one for words, with a warning.
    """
    if not text.strip():
        return Found()
    if not settings.enabled("rag"):
        return await asyncio.to_thread(_by_words, repository, text)
    request = SearchRequest(
        text[:_LONGEST],
        limit=2 * (_ENTITIES + _PASSAGES),
        filters=Filters(kinds=frozenset({"entity", "markdown", "note"})),
    )
    try:
        found = await (await rag.get()).search(repository, request, progress)
    except OperationCancelledError:
        raise
    except CkitError as error:
        words = await asyncio.to_thread(_by_words, repository, text)
        return Found(words.entities, warnings=(f"Context was found by words alone: {error.message}",))
    return await asyncio.to_thread(_by_meaning, repository, found)


def _by_meaning(repository: OpenRepository, found: SearchResponse) -> Found:
    snapshot = repository.store.snapshot
    entities: dict[str, tuple[Entity, str]] = {}
    passages: list[Source] = []
    for hit in found.hits:
        if not hit.relevant:
            continue
        entity = snapshot.get(hit.chunk.entity) if hit.chunk.entity is not None else None
        if entity is not None and len(entities) < _ENTITIES:
            entities.setdefault(entity.id, (entity, _reason(hit)))
        elif hit.chunk.kind != "entity" and len(passages) < _PASSAGES:
            passages += _passage(repository, hit)
    warnings = () if found.degraded is None else (f"Context was not searched as it should be: {found.degraded}",)
    return Found(tuple(entities.values()), tuple(passages), warnings)


def _reason(hit: Hit) -> str:
    ways = dict.fromkeys(_WAYS[part.source] for part in hit.parts if part.score * part.weight > 0)
    field = ".".join(map(str, hit.chunk.field))
    place = f" in {field}" if field and hit.chunk.kind == "entity" else ""
    return f"found by {' and '.join(ways) or 'a search'}{place}"


def _passage(repository: OpenRepository, hit: Hit) -> Iterable[Source]:
    chunk = hit.chunk
    try:
        whole = repository.store.read_file(chunk.path).text
    except CkitError:
        # It was there when it was found, and is gone by now.
        return
    yield Source("neighbour", chunk.heading, chunk.text, _reason(hit), path=chunk.path, sha256=sha256(whole))


def _by_words(repository: OpenRepository, text: str) -> Found:
    """The entities that share the most telling words with a text."""
    snapshot = repository.store.snapshot
    return Found(tuple((entity, "found by its words") for entity in _sharing_words(repository, snapshot, text)))


def _sharing_words(repository: OpenRepository, snapshot: Snapshot, text: str) -> Sequence[Entity]:
    words = dict.fromkeys(word for word in WORD.findall(fold(text)) if len(word) >= _MIN_WORD)
    scores: dict[str, float] = {}
    for word in sorted(words, key=len, reverse=True)[:_WORDS]:
        for hit in repository.search_index.search(snapshot, f'"{word}"', limit=_ENTITIES).hits:
            scores[hit.entity.id] = scores.get(hit.entity.id, 0.0) + hit.score
    best = sorted(scores, key=lambda identifier: (-scores[identifier], identifier))[:_ENTITIES]
    return [snapshot.require(identifier) for identifier in best]
