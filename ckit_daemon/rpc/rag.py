"""Retrieval's values to wire values and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ckit_daemon.core.document import Document
from ckit_daemon.core.errors import CkitError
from ckit_daemon.rpc.convert import Converter
from ckit_daemon.services.rag.checks import content_hash
from ckit_daemon.services.rag.records import Filters
from ckit_daemon.wire import common as wire_common
from ckit_daemon.wire import rag as wire
from ckit_daemon.wire.generation import Answered
from ckit_daemon.wire.session import Usage

if TYPE_CHECKING:
    from ckit_daemon.core.text import Location
    from ckit_daemon.services.ports import Repository
    from ckit_daemon.services.rag.records import Answer, Citation, Hit, IndexStatus, ScorePart, SearchResponse

T = TypeVar("T")

DECIMALS = 4
"""A score is not more exact than that."""


def filters(params: wire.PassageFilters) -> Filters:
    """What may be found."""
    return Filters(
        types=_set(params.types),
        statuses=_set(params.statuses),
        kinds=_set(params.kinds),
        paths=None if params.paths is None else tuple(params.paths),
        related_to=params.related_to,
        relations=_set(params.relations),
    )


def _set(values: list[T] | None) -> frozenset[T] | None:
    return None if values is None else frozenset(values)


class Places:
    """Converts places in any text file of a repository for one client; may read files, so use it in a worker thread."""

    def __init__(self, store: Repository, encoding: str) -> None:
        self._store = store
        self._convert = Converter(store.snapshot, encoding)
        self._sources = store.snapshot.documents
        self._texts: dict[str, Document | None] = {}

    def location(self, location: Location) -> wire_common.Location:
        """Convert a place; where its file is gone by now, the columns stay as they are."""
        path = location.path
        if path not in self._sources and path not in self._texts:
            self._texts[path] = self._read(path)
        found = self._sources.get(path) or self._texts[path]
        return wire_common.Location(path=path, range=self._convert.range(location.range, found))

    def _read(self, path: str) -> Document | None:
        try:
            return Document(path, self._store.read_file(path).text)
        except CkitError:
            return None


def status(found: IndexStatus) -> wire.StatusResult:
    """Convert how far an index is."""
    return wire.StatusResult(
        version=found.version,
        state=found.state,
        reason=found.reason,
        chunks=found.chunks,
        embedded=found.embedded,
        masked=found.masked,
        broken=found.broken,
        embedder=found.embedder,
        dimension=found.dimension,
        building_embedder=found.building_embedder,
        store=found.store,
        writer=found.writer,
        seconds_left=None if found.seconds_left is None else round(found.seconds_left, 1),
        bytes=found.bytes,
    )


def searched(found: SearchResponse, places: Places) -> wire.SearchResult:
    """Convert what was found."""
    return wire.SearchResult(
        version=found.version,
        hits=[_hit(hit, places) for hit in found.hits],
        mode=found.mode,
        degraded=found.degraded,
    )


def _hit(hit: Hit, places: Places) -> wire.RagHit:
    chunk = hit.chunk
    return wire.RagHit(
        chunk_id=chunk.id,
        kind=chunk.kind,
        location=places.location(hit.location),
        field=list(chunk.field),
        heading=chunk.heading,
        text=chunk.text,
        content_hash=content_hash(chunk.text),
        entity=chunk.entity,
        type=chunk.entity_type,
        status=chunk.status,
        mentions=list(chunk.mentions) or None,
        score=round(hit.score, DECIMALS),
        relevant=hit.relevant,
        parts=[_part(part) for part in hit.parts],
    )


def _part(part: ScorePart) -> wire.ScorePart:
    return wire.ScorePart(
        source=part.source, score=round(part.score, DECIMALS), weight=round(part.weight, DECIMALS), why=part.why
    )


def answered(found: Answer, places: Places) -> wire.QueryResult:
    """Convert an answer."""
    return wire.QueryResult(
        version=found.version,
        text=found.text,
        found=found.found,
        citations=[_citation(citation, places) for citation in found.citations],
        claims=[
            wire.Claim(
                text=claim.text,
                citations=list(claim.citations),
                support=claim.support,
                score=round(claim.score, DECIMALS),
            )
            for claim in found.claims
        ],
        answered=Answered(
            provider=found.provider,
            model=found.model,
            cached=found.cached,
            usage=Usage.model_validate_json(found.usage.to_json()),
        ),
        degraded=found.degraded,
        warnings=list(found.warnings),
    )


def _citation(citation: Citation, places: Places) -> wire.Citation:
    return wire.Citation(
        number=citation.number,
        chunk_id=citation.chunk_id,
        kind=citation.kind,
        entity=citation.entity,
        title=citation.title,
        field=list(citation.field),
        location=places.location(citation.location),
        commit=citation.commit,
        content_hash=citation.content_hash,
        excerpt=citation.excerpt,
    )
