"""Brings the vectors of one embedder up to date: from the cache, and where that has none, by embedding."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from ckit_daemon.core.errors import CkitError, ContextTooLongError
from ckit_daemon.services.rag.vectors import NUMBER_BYTES, matrix, rows

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

    from ckit_daemon.services.rag.ports import Corpus, VectorCache, Vectors
    from ckit_daemon.services.rag.sides import Side

Writer = Literal["this", "another", "none"]

logger = logging.getLogger(__name__)


WINDOW: Final = 256
"""Passages that are looked at together; those of like length are embedded together."""
STORED: Final = 64
"""Vectors that are written at once: what a kill can cost, and one wait for the disk."""
POLL_SECONDS: Final = 1.0
"""How often a daemon looks whether the one that embeds has more, or is gone."""
RATE_SECONDS: Final = 20.0
"""The time over which progress is averaged."""
ALIKE: Final = 0.98
"""The least cosine between two vectors that one model makes of one text."""
UNFIT_STATUS: Final = frozenset({400, 413, 422})
"""Answers of a provider that are about a text, and not about everything it is asked."""


class OtherVectorsError(Exception):
    """The embedder's vectors are not those that it made before; the old ones are worth nothing."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is missing."""

    corpus: Corpus
    hashes: Sequence[str]
    """The newest first, then in the order of the corpus, which is the same for all daemons."""
    newest: int
    """How many of them have come since the last corpus."""
    chunks: int
    """Passages that have these hashes."""
    without: int
    """Passages that get no vector: refused ones, and those beyond what may be indexed."""


class Pace:
    """How fast it goes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._done: deque[tuple[float, int]] = deque()

    def add(self, count: int) -> None:
        """Note that so many more are done."""
        now = self._clock()
        self._done.append((now, count))
        while self._done[0][0] < now - RATE_SECONDS:
            self._done.popleft()

    def seconds_for(self, count: int) -> float | None:
        """Return how long so many will take; None while nobody can tell."""
        if len(self._done) < 2:
            return None
        # What came first says when the rest began.
        seconds = self._done[-1][0] - self._done[0][0]
        done = sum(count for _, count in itertools.islice(self._done, 1, None))
        return round(count * seconds / done, 1) if seconds and done else None

    def restart(self) -> None:
        """Forget how fast it went, since it goes on in another way."""
        self._done.clear()


class Filler:
    """Fills one side; used on the event loop only.

    Attributes:
        left: passages whose vectors are missing.
        without: passages that get no vector.
        writer: who embeds.
        refused: hashes of passages that the embedder does not take; they are found by words only.
    """

    def __init__(
        self,
        side: Side,
        cache: VectorCache,
        left: int,
        *,
        batch: Callable[[], int],
        goes_on: Callable[[Corpus], bool],
        changed: Callable[[], None],
    ) -> None:
        """Prepare to fill.

        Args:
            side: what to fill.
            cache: where vectors are that somebody has embedded.
            left: how many passages are missing, as long as there is no plan.
            batch: tells how many passages to embed at once.
            goes_on: tells whether a corpus is still the one to follow.
            changed: is called when there is progress.
        """
        self.side = side
        self.left = left
        self.without = 0
        self.writer: Writer = "none"
        self.refused: set[str] = set()
        self.pace = Pace()
        self._cache = cache
        self._batch = batch
        self._goes_on = goes_on
        self._changed = changed
        self._is_same_model = side.embedder.name.startswith("offline/")

    def plan(self, corpus: Corpus, before: Corpus | None, most: int) -> Plan:
        """Return what is missing; call it in a worker thread.

        Args:
            corpus: what there is.
            before: what there was; what has come since is first, since somebody may be about to look for it.
            most: how many hashes may be indexed.
        """
        held, refused, by_hash = self.side.held, self.refused, corpus.by_hash
        missing = [each for each in itertools.islice(by_hash, most) if each not in held and each not in refused]
        chunks = sum(len(by_hash[each]) for each in missing)
        without = sum(len(found) for each, found in by_hash.items() if each not in held) - chunks
        newest = 0
        if before is not None:
            missing.sort(key=before.by_hash.__contains__)
            newest = sum(each not in before.by_hash for each in missing)
        return Plan(corpus, missing, newest, chunks, without)

    async def fill(self, plan: Plan, pause: Callable[[float], Awaitable[None]]) -> None:
        """Add what is missing, until it is all there or the corpus is another one.

        Args:
            plan: what is missing.
            pause: waits for so many seconds, or less where something has changed.

        Raises:
            CkitError: the embedder, the cache or the store can't be used.
            DamagedStoreError: the store is damaged.
            OtherVectorsError: the embedder has become another one.
        """
        start = 0
        self.left, self.without = plan.chunks, plan.without
        self._changed()
        while start < len(plan.hashes) and self._goes_on(plan.corpus):
            # The newest have windows of their own, since within one those of like length go together.
            end = min(start + WINDOW, plan.newest if start < plan.newest else len(plan.hashes))
            window = [each for each in plan.hashes[start:end] if each not in self.side.held]
            rest = await self._copy(plan.corpus, window)
            if not rest:
                start = end
            elif self.side.lease.held:
                await self._embed(plan.corpus, rest)
            elif await self.side.lease.take():
                # Whoever had it before may just have embedded these: they are looked for once more.
                self._is_writer("this")
            else:
                self._is_writer("another")
                await pause(POLL_SECONDS)

    async def stop(self) -> None:
        """Let others embed."""
        await self.side.lease.release()
        self._is_writer("none")

    async def _copy(self, corpus: Corpus, hashes: Sequence[str]) -> list[str]:
        """Add what somebody has embedded already; return what nobody has."""
        side = self.side
        if side.shared and hashes:
            there = await side.replica.known(hashes)
            self._note(corpus, there)
            hashes = [each for each in hashes if each not in side.held]
        cached = dict(await self._cache.get(side.embedder.name, hashes))
        if side.dimension is not None:
            # Those of another dimension come from a model that had this name before.
            wrong = [each for each, data in cached.items() if len(data) != side.dimension * NUMBER_BYTES]
            for each in wrong:
                del cached[each]
        elif len({len(data) for data in cached.values()}) > 1:
            raise OtherVectorsError("the vectors that are kept have several dimensions")
        if cached:
            await self._add(corpus, cached)
        return [each for each in hashes if each not in side.held and each not in self.refused]

    async def _embed(self, corpus: Corpus, hashes: Sequence[str]) -> None:
        """Embed passages, while what was embedded before is being written."""
        texts = {each: corpus.by_hash[each][0].embedded for each in hashes}
        order = sorted(hashes, key=lambda each: len(texts[each]))
        await self._check_model(corpus)
        ready: dict[str, bytes] = {}
        storing: asyncio.Task[None] | None = None
        try:
            for batch in _batches(order, self._batch()):
                ready |= await self._embed_batch({each: texts[each] for each in batch})
                if len(ready) >= STORED:
                    if storing is not None:
                        await storing
                    storing = asyncio.create_task(self._store(corpus, ready))
                    ready = {}
                if not self._goes_on(corpus):
                    break
        finally:
            # Also after a failure: what was embedded by then is kept.
            if storing is not None:
                await storing
            if ready:
                await self._store(corpus, ready)

    async def _embed_batch(self, texts: Mapping[str, str]) -> dict[str, bytes]:
        try:
            vectors = await self.side.embedder.embed(list(texts.values()), interactive=False)
        except CkitError as error:
            if not _is_about_a_text(error):
                raise
            if len(texts) == 1:
                self.refused.update(texts)
                self.without += 1
                self.left -= 1
                logger.warning("a passage is found by words only: %s", error.message)
                return {}
            items, middle = list(texts.items()), len(texts) // 2
            return await self._embed_batch(dict(items[:middle])) | await self._embed_batch(dict(items[middle:]))
        self._check_dimension(vectors)
        return dict(zip(texts, rows(vectors), strict=True))

    async def _check_model(self, corpus: Corpus) -> None:
        """Embed something again, once, since a provider may serve another model by the same name."""
        if self._is_same_model:
            return
        held = list(itertools.islice((each for each in corpus.by_hash if each in self.side.held), 1))
        for each, data in (await self._cache.get(self.side.embedder.name, held)).items():
            again = await self.side.embedder.embed([corpus.by_hash[each][0].embedded], interactive=False)
            self._check_dimension(again)
            if float(again[0] @ matrix([data])[0]) < ALIKE:
                raise OtherVectorsError("it is another model by the same name")
        self._is_same_model = True

    def _check_dimension(self, vectors: Vectors) -> None:
        dimension = vectors.shape[1]
        if self.side.dimension is None:
            self.side.dimension = dimension
        elif self.side.dimension != dimension:
            raise OtherVectorsError(f"its vectors have {dimension} dimensions, and had {self.side.dimension}")

    async def _store(self, corpus: Corpus, vectors: Mapping[str, bytes]) -> None:
        await self._cache.put(self.side.embedder.name, vectors)
        await self._add(corpus, vectors)

    async def _add(self, corpus: Corpus, vectors: Mapping[str, bytes]) -> None:
        await self.side.replica.add(vectors)
        if self.side.dimension is None:
            self.side.dimension = len(next(iter(vectors.values()))) // NUMBER_BYTES
        self._note(corpus, vectors)

    def _note(self, corpus: Corpus, hashes: Iterable[str]) -> None:
        new = [each for each in hashes if each not in self.side.held]
        self.side.held.update(new)
        done = sum(len(corpus.by_hash.get(each, ())) for each in new)
        self.left -= done
        self.pace.add(done)
        self._changed()

    def _is_writer(self, writer: Writer) -> None:
        if writer != self.writer:
            self.writer = writer
            self.pace.restart()
            self._changed()


def _is_about_a_text(error: CkitError) -> bool:
    return isinstance(error, ContextTooLongError) or error.details.get("status") in UNFIT_STATUS


def _batches(hashes: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(hashes), size):
        yield hashes[start : start + size]
