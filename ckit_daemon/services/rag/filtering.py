"""Which passages may be found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.core.glob import fits

if TYPE_CHECKING:
    from collections.abc import Callable

    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.services.rag.ports import Corpus
    from ckit_daemon.services.rag.records import Chunk, Filters


def allowed(snapshot: Snapshot, corpus: Corpus, filters: Filters) -> frozenset[str] | None:
    """Return the ids of the passages that filters leave; None where they restrict nothing.

    Looks at every passage, so call it in a worker thread.
    """
    tests = _tests(snapshot, filters)
    if not tests:
        return None
    return frozenset(chunk.id for chunk in corpus.chunks.values() if all(test(chunk) for test in tests))


def _tests(snapshot: Snapshot, filters: Filters) -> list[Callable[[Chunk], bool]]:
    tests: list[Callable[[Chunk], bool]] = []
    types, statuses, kinds, paths = filters.types, filters.statuses, filters.kinds, filters.paths
    if types is not None:
        tests.append(lambda chunk: chunk.entity_type in types)
    if statuses is not None:
        wanted = {status.casefold() for status in statuses}
        tests.append(lambda chunk: (chunk.status or "").casefold() in wanted)
    if kinds is not None:
        tests.append(lambda chunk: chunk.kind in kinds)
    if paths is not None:
        # One file has many passages.
        fitting: dict[str, bool] = {}

        def fits_any(chunk: Chunk) -> bool:
            if chunk.path not in fitting:
                fitting[chunk.path] = any(_is_among(chunk.path, glob) for glob in paths)
            return fitting[chunk.path]

        tests.append(fits_any)
    if (readable := filters.readable) is not None:
        tests.append(lambda chunk: readable(chunk.path))
    if filters.related_to is not None:
        center = filters.related_to
        edges = snapshot.graph.edges_of(center, relations=filters.relations)
        joined = {edge.other(center) for edge in edges}
        tests.append(lambda chunk: chunk.entity in joined or not joined.isdisjoint(chunk.mentions))
    return tests


def _is_among(path: str, glob: str) -> bool:
    """Whether a file fits a glob, or lies below a folder that is named without one."""
    return fits(path, glob) or path.startswith(f"{glob.rstrip('/')}/")
