"""What can wait until everything is searchable: deleting vectors that nobody needs any more."""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ckit_daemon.services.rag.ports import Corpus, VectorCache
    from ckit_daemon.services.rag.sides import Side

STALE: Final = 500
"""So many vectors of passages that are no more may stay, since a branch may bring them back."""
MAX_CACHED: Final = 400_000
"""Vectors of all repositories that are kept; 0.6 GB of the built-in embedder's."""
TRIM_SECONDS: Final = 3600.0
"""The least time between two looks at how many there are."""
DELETED: Final = 32
"""Vectors that a store deletes in one step."""
TOUCHED: Final = 1000
"""Vectors that are noted as used, or forgotten, in one step: a few milliseconds in which nobody else writes."""


class Tidier:
    """Tidies up in small steps: a change that comes meanwhile waits for one of them, and the rest is done later."""

    def __init__(self, cache: VectorCache, goes_on: Callable[[Corpus], bool]) -> None:
        """Prepare to tidy up.

        Args:
            cache: where all vectors are kept.
            goes_on: tells whether a corpus is still the one to follow.
        """
        self._cache = cache
        self._goes_on = goes_on
        self._trimmed = -math.inf

    async def tidy(self, side: Side, corpus: Corpus, most: int, *, wrote: bool) -> None:
        """Delete from a store and from the cache what is too much there.

        Args:
            side: what holds the vectors of a corpus; on a server they are everybody's, and stay.
            corpus: what is needed.
            most: how many of its hashes are indexed.
            wrote: whether there is anything new in the cache.

        Raises:
            CkitError: the cache or the store can't be used.
            DamagedStoreError: the store is damaged.
        """
        if side.shared:
            return
        await self._delete_stale(side, corpus)
        if wrote and time.monotonic() - self._trimmed >= TRIM_SECONDS:
            await self._trim(side.embedder.name, corpus, most)

    async def _delete_stale(self, side: Side, corpus: Corpus) -> None:
        stale = await asyncio.to_thread(lambda: [each for each in side.held if each not in corpus.by_hash])
        if len(stale) > max(STALE, len(corpus.by_hash) // 4):
            for some in self._steps(corpus, stale, DELETED):
                await side.replica.delete(some)
                side.held.difference_update(some)

    async def _trim(self, embedder: str, corpus: Corpus, most: int) -> None:
        used = list(corpus.by_hash)[:most]
        for some in self._steps(corpus, used, TOUCHED):
            await self._cache.touch(embedder, some)
        while self._goes_on(corpus):
            if not await self._cache.trim(embedder, MAX_CACHED, used, TOUCHED):
                self._trimmed = time.monotonic()
                return

    def _steps(self, corpus: Corpus, hashes: Sequence[str], size: int) -> Iterator[Sequence[str]]:
        """Yield so many at a time, as long as a corpus is the one to follow."""
        for start in range(0, len(hashes), size):
            if not self._goes_on(corpus):
                return
            yield hashes[start : start + size]
