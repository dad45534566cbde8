"""The index of one repository: finds passages by meaning, and keeps itself up to date in the background."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import math
import re
import sys
from typing import TYPE_CHECKING, Final, TypeGuard

from ckit_daemon.core.errors import CkitError, DegradedError, StorageError
from ckit_daemon.services.rag.filling import Filler, OtherVectorsError
from ckit_daemon.services.rag.ports import VectorHit
from ckit_daemon.services.rag.records import IndexStatus
from ckit_daemon.services.rag.replica import DamagedStoreError
from ckit_daemon.services.rag.sides import Place, known_embedders, open_side, remove
from ckit_daemon.services.rag.vectors import NUMBER_BYTES, matrix, rows

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
    from pathlib import Path

    from ckit_daemon.core.progress import Progress
    from ckit_daemon.services.rag.ports import Corpus, Embedder, VectorCache, Vectors
    from ckit_daemon.services.rag.records import IndexState
    from ckit_daemon.services.rag.sides import Side
    from ckit_daemon.settings import Settings

logger = logging.getLogger(__name__)

FIRST_RETRY_SECONDS: Final = 1.0
LONGEST_RETRY_SECONDS: Final = 60.0
QUERY_SECONDS: Final = 20.0
"""How long a query waits for its vector before it goes on by words alone."""
PROGRESS_SECONDS: Final = 0.5
MORE: Final = 16
"""How many more vectors are looked for than are needed, since some may be of passages that are no more."""
STALE: Final = 500
"""So many vectors of passages that are no more may stay, since a branch may bring them back."""
MAX_CACHED: Final = 400_000
"""Vectors of all repositories that are kept; 0.6 GB of the built-in embedder's."""
CANCELLED: Final = "Indexing was cancelled; it goes on with the next change or with ckit/rag/index."
MENDING: Final = "The index was damaged and is filled again from what was embedded before."


class SemanticIndex:
    """Implements `VectorIndex`."""

    def __init__(
        self,
        folder: Path,
        cache: VectorCache,
        embedders: Callable[[str], Embedder],
        settings: Callable[[], Settings],
        *,
        name: str,
        token: Callable[[], Awaitable[str]],
    ) -> None:
        """Remember the collaborators; nothing is opened before there is a corpus to follow.

        Args:
            folder: of this repository's index.
            cache: where all vectors are kept.
            embedders: returns an embedder for `provider/model`; '' stands for the built-in one.
            settings: the settings in force.
            name: of the repository, for the collection on a server.
            token: returns the token for a Chroma server, '' where the settings name none.
        """
        self._folder = folder
        self._cache = cache
        self._embedders = embedders
        self._settings = settings
        self._name = name
        self._token = token
        self._corpus: Corpus | None = None
        self._newest: set[str] = set()
        self._wake = asyncio.Event()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._filler: Filler | None = None
        self._answering: Side | None = None
        self._paused = False
        self._damaged = False
        self._failures = 0
        self._problem: str | None = None
        self._mending: str | None = None
        self._suspicion: str | None = None
        self._left_at_failure = 0
        self._asked = self._served = 0
        self._complete: Corpus | None = None

    # What others call

    def follow(self, corpus: Corpus) -> None:
        """Take the newest passages; what is missing is embedded in the background. Returns at once."""
        if corpus is self._corpus and self._task is not None:
            return
        if self._corpus is not None:
            # Few of them are new, and somebody may be about to look for them: they go first.
            self._newest = {each for each in corpus.by_hash if each not in self._corpus.by_hash}
        self._corpus = corpus
        self._paused = False
        self._start()

    def status(self) -> IndexStatus:
        """Return how far it is, from memory."""
        corpus, filler, answering = self._corpus, self._filler, self._answering
        state, reason = self._state()
        side = answering or (filler.side if filler is not None else None)
        building = filler is not None and answering is not None and filler.side is not answering
        left = 0 if filler is None else filler.left
        chunks = 0 if corpus is None else len(corpus.chunks)
        held = 0 if side is None or building else max(chunks - left, 0)
        dimension = None if side is None else side.dimension
        return IndexStatus(
            state=state,
            reason=reason,
            chunks=chunks,
            embedded=min(len(side.held), chunks) if side is not None and building else held,
            masked=0 if corpus is None else corpus.masked,
            embedder=self._wanted().name if side is None else side.embedder.name,
            dimension=dimension,
            building_embedder=filler.side.embedder.name if filler is not None and building else None,
            store=self._settings().rag.chroma_url or "embedded",
            writer="none" if filler is None else filler.writer,
            seconds_left=filler.pace.seconds_for(left) if filler is not None and state == "building" else None,
            bytes=0 if side is None else side.replica.size + len(side.held) * (dimension or 0) * NUMBER_BYTES,
            version=0 if corpus is None else corpus.version,
        )

    async def search(self, text: str, limit: int) -> Sequence[VectorHit]:
        """Return the hashes of the passages nearest to a text, the nearest first.

        Raises:
            DegradedError: it can't search now; the message says why and what happens next.
        """
        side, vectors = await self._ask([text])
        corpus = self._corpus
        if corpus is None or limit < 1:
            return []
        (vector,) = rows(vectors)
        wanted, total = limit + MORE, len(corpus.by_hash) + len(side.held)
        with self._noticing_damage():
            while True:
                found = await side.replica.query(vector, wanted)
                hits = [VectorHit(hash_, cosine) for hash_, cosine in found if hash_ in corpus.by_hash]
                if len(hits) >= limit or len(found) < wanted or wanted > total:
                    return hits[:limit]
                wanted *= 4

    async def similarities(self, texts: Sequence[str], hashes: Iterable[str]) -> Mapping[str, Sequence[float]]:
        """Return the cosine of each text with each known hash: how well a passage supports a sentence.

        Raises:
            DegradedError: as `search`.
        """
        asked = list(dict.fromkeys(hashes))
        if not texts or not asked:
            return {}
        side, vectors = await self._ask(texts)
        with self._noticing_damage():
            known = dict(await self._cache.get(side.embedder.name, asked))
            if missing := [each for each in asked if each not in known]:
                # On a server there are vectors that somebody else has embedded.
                known |= await side.replica.get(missing)
        fit = {each: data for each, data in known.items() if len(data) == vectors.shape[1] * NUMBER_BYTES}
        if not fit:
            return {}
        cosines = matrix([*fit.values()]) @ vectors.T
        return {each: [float(cosine) for cosine in row] for each, row in zip(fit, cosines, strict=True)}

    async def build(self, progress: Progress, *, rebuild: bool) -> None:
        """Bring it up to date and return then; `rebuild` forgets all vectors of this repository first.

        Raises:
            OperationCancelledError: raised by `progress`; what was embedded by then is kept.
            DegradedError: it can't be built now.
        """
        if rebuild:
            await self._forget()
        self._paused = False
        self._asked += 1
        mine = self._asked
        self._start()
        try:
            while self._served < mine:
                status = self.status()
                progress.report(status.embedded, status.chunks, status.reason or "Embedding passages")
                await self._pause(PROGRESS_SECONDS, self._changed)
        except CkitError:
            self._paused = True
            raise
        if self._problem is not None:
            raise DegradedError(self._problem)

    async def clear(self) -> int:
        """Delete it from the disk and return how many vectors it held.

        Raises:
            StorageError: the disk refuses.
        """
        held = await self._forget()
        if not self._settings().rag.chroma_url:
            await remove(self._folder)
        self._corpus = self._complete = self._problem = None
        self._newest = set()
        return held

    async def aclose(self) -> None:
        """Stop the background work and close all files."""
        await self._stop()
        await self._close_sides()

    # The background

    def _start(self) -> None:
        self._wake.set()
        self._tell()
        if self._task is None:
            self._task = asyncio.create_task(self._work())

    async def _stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _work(self) -> None:
        """Catch up whenever there is something new; what fails is tried again, ever more rarely."""
        while True:
            self._wake.clear()
            serving = self._asked
            async with self._lock:
                retry = await self._try()
            self._served = serving
            self._tell()
            await self._pause(retry, self._wake)

    async def _try(self) -> float | None:
        """Catch up; return after how many seconds to try again, None if that went well."""
        try:
            if self._damaged:
                await self._close_sides()
            if self._suspicion is not None:
                suspicion, self._suspicion = self._suspicion, None
                raise OtherVectorsError(suspicion)  # noqa: TRY301 - handled like one that filling raises.
            await self._catch_up()
        except DamagedStoreError as error:
            logger.warning("the index is damaged: %s", error)
            await self._close_sides()
            # What ends although it begins with nothing is not mended by beginning once more.
            self._problem = f"The vector store does not work: {error}." if self._damaged else MENDING
            self._mending = MENDING
            self._damaged = True
        except OtherVectorsError as error:
            logger.warning("the index is made anew: %s", error)
            await self._start_anew()
            self._problem = f"The embedder has changed: {error}. The index is made anew."
        except CkitError as error:
            self._problem = error.message
        except Exception:
            logger.exception("indexing failed in an unforeseen way")
            self._problem = "Indexing failed in an unforeseen way; the daemon's log says how."
        else:
            self._failures = 0
            return None
        finally:
            if self._filler is not None:
                with contextlib.suppress(CkitError):
                    await self._filler.stop()
        self._left_at_failure = self._filler.left if self._filler is not None else sys.maxsize
        seconds = min(FIRST_RETRY_SECONDS * math.ldexp(1, self._failures), LONGEST_RETRY_SECONDS)
        self._failures += 1
        return seconds

    async def _catch_up(self) -> None:
        while (corpus := self._corpus) is not None and not self._paused:
            filler = await self._fill_side(corpus)
            most = self._settings().rag.max_passages
            plan = await asyncio.to_thread(filler.plan, corpus, self._newest, most)
            filler.left = plan.chunks
            await filler.fill(plan, lambda seconds: self._pause(seconds, self._changed))
            if self._goes_on(corpus):
                self._newest = set()
                self._complete = corpus
                self._problem = self._mending = None
                await self._settle(filler, corpus, most)
                return

    async def _settle(self, filler: Filler, corpus: Corpus, most: int) -> None:
        """Do what can wait until everything is searchable."""
        side, old = filler.side, self._answering
        self._answering = side
        self._tell()
        if old is not None and old is not side:
            await old.replica.aclose()
            if not old.shared:
                await remove(self._folder, old.embedder.name)
        if side.shared:
            return
        stale = await asyncio.to_thread(lambda: [each for each in side.held if each not in corpus.by_hash])
        if len(stale) > max(STALE, len(corpus.by_hash) // 4):
            await side.replica.delete(stale)
            side.held.difference_update(stale)
        if filler.writer == "this":
            await self._cache.trim(side.embedder.name, MAX_CACHED, list(corpus.by_hash)[:most])

    # The sides

    def _wanted(self) -> Embedder:
        return self._embedders(self._settings().models.embeddings)

    def _is_wanted(self, side: Side | None) -> TypeGuard[Side]:
        """Whether a side is the one that the settings ask for, and can be asked."""
        rag = self._settings().rag
        return (
            side is not None
            and side.replica.is_open
            and side.embedder.name == self._wanted().name
            and (side.place.url, side.place.collection) == (rag.chroma_url, self._collection())
        )

    def _goes_on(self, corpus: Corpus) -> bool:
        return (
            corpus is self._corpus
            and not self._paused
            and self._filler is not None
            and self._is_wanted(self._filler.side)
        )

    async def _fill_side(self, corpus: Corpus) -> Filler:
        """Return what fills the side that the settings ask for, opened where that has not been done."""
        filler = self._filler
        if filler is not None and self._is_wanted(filler.side):
            return filler
        if filler is not None and filler.side is not self._answering:
            await filler.side.replica.aclose()
        self._filler = None
        if self._answering is not None and not self._answering.replica.is_open:
            await self._answering.replica.aclose()
            self._answering = None
        side = self._answering if self._is_wanted(self._answering) else await self._open(corpus)
        self._filler = Filler(
            side,
            self._cache,
            batch=lambda: self._settings().rag.write_batch,
            goes_on=self._goes_on,
            changed=self._progressed,
        )
        if self._answering is None:
            self._answering = (None if side.held else await self._older(side)) or side
        return self._filler

    async def _open(self, corpus: Corpus) -> Side:
        rag, embedder = self._settings().rag, self._wanted()
        place = Place(
            self._folder, rag.chroma_url, await self._token() if rag.chroma_url else "", self._collection(), self._ended
        )
        dimension = await self._dimension(embedder, corpus) if rag.chroma_url else None
        side = await open_side(place, embedder, self._cache, dimension=dimension, fresh=self._damaged)
        self._damaged = False
        if side.damage is not None:
            self._mending = MENDING
        return side

    async def _older(self, side: Side) -> Side | None:
        """Return the side of another embedder that can answer until this one can."""
        if side.shared:
            return None
        for name in await known_embedders(self._folder):
            if name == side.embedder.name:
                continue
            try:
                older = await open_side(side.place, self._embedders(name), self._cache, dimension=None)
            except (CkitError, DamagedStoreError) as error:
                logger.info("the index of %s is of no use: %s", name, error)
                continue
            if older.held:
                return older
            await older.replica.aclose()
        return None

    async def _dimension(self, embedder: Embedder, corpus: Corpus) -> int:
        """Return the length of an embedder's vectors, which a collection on a server is named by."""
        some = list(itertools.islice(corpus.by_hash, MORE))
        for data in (await self._cache.get(embedder.name, some)).values():
            return len(data) // NUMBER_BYTES
        text = corpus.by_hash[some[0]][0].embedded if some else ""
        return (await embedder.embed([text], interactive=False)).shape[1]

    def _collection(self) -> str:
        """Return what the name of a collection on a server begins with: letters, digits, `.`, `_` and `-`."""
        rag = self._settings().rag
        if not rag.chroma_url:
            return ""
        return rag.chroma_collection or re.sub(r"[^a-zA-Z0-9._-]+", "-", self._name).strip("._-")[:100] or "repository"

    async def _ask(self, texts: Sequence[str]) -> tuple[Side, Vectors]:
        """Return a side that can answer, with the vectors of some texts.

        Raises:
            DegradedError: there is none.
        """
        problem = self._state()[1] or "The index is not there yet."
        for side in self._open_sides():
            if not side.replica.is_open:
                continue
            try:
                async with asyncio.timeout(QUERY_SECONDS):
                    vectors = await side.embedder.embed(texts, interactive=True)
            except TimeoutError:
                problem = f"The embedder {side.embedder.name} did not answer within {QUERY_SECONDS:g} s."
            except CkitError as error:
                problem = error.message
            else:
                if side.dimension in {None, vectors.shape[1]}:
                    return side, vectors
                self._suspicion = f"its vectors have {vectors.shape[1]} dimensions, and had {side.dimension}"
                self._start()
                problem = "The embedder has changed; the index is made anew."
        raise DegradedError(problem)

    async def _forget(self) -> int:
        """Throw all vectors of this repository away, and return how many the index held."""
        self._paused = True
        self._tell()
        async with self._lock:
            corpus, wanted = self._corpus, self._wanted()
            if self._filler is None and corpus is not None and wanted.name in await known_embedders(self._folder):
                await self._fill_side(corpus)
            sides = self._open_sides()
            held = max((len(side.held) for side in sides), default=0)
            hashes = {each for side in sides for each in side.held} | set(corpus.by_hash if corpus is not None else ())
            for name in {wanted.name, *(side.embedder.name for side in sides), *await known_embedders(self._folder)}:
                await self._cache.forget(name, hashes)
            for side in sides:
                with contextlib.suppress(DamagedStoreError):
                    await side.replica.drop()
            await self._close_sides()
            self._complete = None
            return held

    async def _start_anew(self) -> None:
        """Throw away what another model of the same name has embedded."""
        side = self._filler.side if self._filler is not None else None
        if side is not None:
            with contextlib.suppress(CkitError):
                await self._cache.clear(side.embedder.name)
            with contextlib.suppress(CkitError, DamagedStoreError):
                # What is on a server is not for one of its users to delete.
                if not side.shared:
                    await side.replica.drop()
        await self._close_sides()
        self._mending = "The embedder has changed; the index is made anew."

    def _open_sides(self) -> list[Side]:
        filling = self._filler.side if self._filler is not None else None
        sides = [side for side in (self._answering, filling) if side is not None]
        return sides[:1] if len(sides) == 2 and sides[0] is sides[1] else sides

    async def _close_sides(self) -> None:
        sides = self._open_sides()
        self._answering = self._filler = None
        for side in sides:
            await side.replica.aclose()

    @contextlib.contextmanager
    def _noticing_damage(self) -> Generator[None]:
        """Turn what the store says into reasons to go on by words alone, and mend it."""
        try:
            yield
        except DamagedStoreError as error:
            logger.warning("the index is damaged: %s", error)
            self._ended()
            raise DegradedError(MENDING) from None
        except StorageError as error:
            raise DegradedError(error.message) from None

    # What is told

    def _state(self) -> tuple[IndexState, str | None]:
        corpus, filler = self._corpus, self._filler
        if self._problem is not None:
            return "degraded", f"{self._problem} It is tried again by itself."
        if corpus is None:
            return "absent", "Nothing has been indexed yet."
        if self._paused:
            return "degraded", CANCELLED
        if self._complete is not corpus:
            waiting = "Another daemon embeds; its vectors are taken over." if _waits(filler) else None
            return "building", self._mending or waiting
        most = self._settings().rag.max_passages
        if len(corpus.by_hash) > most:
            return "ready", f"Only {most} passages are searched by meaning (rag.maxPassages), the others by words."
        if filler is not None and filler.refused:
            return "ready", f"{len(filler.refused)} passages are searched by words only: the embedder refuses them."
        return "ready", None

    def _ended(self) -> None:
        """Mend a store whose process has ended or that gives wrong answers."""
        self._damaged = True
        self._mending = MENDING
        self._complete = None
        self._start()

    def _progressed(self) -> None:
        filler = self._filler
        if filler is not None and filler.left < self._left_at_failure:
            # It works again; how far it is says more than what was wrong.
            self._problem = None
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _pause(self, seconds: float | None, event: asyncio.Event) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()


def _waits(filler: Filler | None) -> bool:
    return filler is not None and filler.writer == "another"
