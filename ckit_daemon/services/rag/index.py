"""The index of one repository: finds passages by meaning, and keeps itself up to date in the background."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.errors import CkitError, DegradedError, StorageError
from ckit_daemon.services.rag.asked import AskedTexts
from ckit_daemon.services.rag.filling import Filler, OtherVectorsError
from ckit_daemon.services.rag.open_sides import OpenSides, SilentEmbedderError, UnlikeVectorsError
from ckit_daemon.services.rag.records import IndexStatus
from ckit_daemon.services.rag.replica import DamagedStoreError
from ckit_daemon.services.rag.standing import CHANGED, MENDING, Standing
from ckit_daemon.services.rag.tidying import Tidier

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
    from pathlib import Path

    from ckit_daemon.core.progress import Progress
    from ckit_daemon.services.rag.ports import Corpus, Embedder, VectorCache, VectorHit, Vectors
    from ckit_daemon.services.rag.records import IndexState
    from ckit_daemon.services.rag.sides import Side
    from ckit_daemon.settings import Settings

logger = logging.getLogger(__name__)

PROBE: Final = "Is anybody there?"
"""What is embedded to see whether an embedder works again that has failed a query."""
PROGRESS_SECONDS: Final = 0.5
REPLACED: Final = "The index was closed or replaced while it was searched; ask again."


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
        self._cache = cache
        self._settings = settings
        self._sides = OpenSides(folder, cache, embedders, settings, name=name, token=token, on_end=self._ended)
        self._corpus: Corpus | None = None
        self._before: Corpus | None = None
        self._wake = asyncio.Event()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._filler: Filler | None = None
        self._standing = Standing()
        self._suspicion: str | None = None
        self._doubt: DegradedError | None = None
        self._asked = self._served = 0
        self._tidier = Tidier(cache, self._goes_on)

    # What others call

    def follow(self, corpus: Corpus) -> None:
        """Take the newest passages; what is missing is embedded in the background. Returns at once."""
        if corpus is self._corpus and self._task is not None:
            return
        self._before = self._before or self._corpus
        self._corpus = corpus
        self._standing.paused = False
        self._start()

    def status(self) -> IndexStatus:
        """Return how far it is, from memory."""
        corpus, filler, side = self._corpus, self._filler, self._sides.answering
        chunks = 0 if corpus is None else len(corpus.chunks)
        left, without = (chunks, 0) if filler is None else (filler.left, filler.without)
        beside = filler is not None and filler.side is not side
        if side is None:
            embedded = 0
        elif beside:
            # Of another embedder's vectors nobody counts which are of passages that are still there.
            embedded = min(len(side.held), chunks)
        else:
            embedded = max(chunks - left - without, 0)
        state, reason = self._state()
        return IndexStatus(
            state=state,
            reason=reason,
            chunks=chunks,
            embedded=embedded,
            masked=0 if corpus is None else corpus.masked,
            broken=0 if corpus is None else corpus.broken,
            embedder=self._sides.wanted.name if side is None else side.embedder.name,
            dimension=None if side is None else side.dimension,
            building_embedder=filler.side.embedder.name if filler is not None and beside else None,
            store=self._settings().rag.chroma_url or "embedded",
            writer="none" if filler is None else filler.writer,
            seconds_left=filler.pace.seconds_for(left) if filler is not None and state == "building" else None,
            bytes=0 if side is None else side.size,
            version=0 if corpus is None else corpus.version,
        )

    async def ask(self, texts: Sequence[str]) -> AskedTexts:
        """Embed some texts while a person waits; see the port."""
        side, vectors = await self._ask(texts)
        return AskedTexts(side, vectors, self._cache, lambda: self._corpus, lambda: self._noticing_damage(side))

    async def search(self, text: str, limit: int) -> Sequence[VectorHit]:
        """Return the hashes of the passages nearest to a text, the nearest first.

        Raises:
            DegradedError: it can't search now; the message says why and what happens next.
        """
        return await (await self.ask([text])).nearest(limit)

    async def similarities(self, texts: Sequence[str], hashes: Iterable[str]) -> Mapping[str, Sequence[float]]:
        """Return the cosine of each text with each known hash: how well a passage supports a sentence.

        Raises:
            DegradedError: as `search`.
        """
        asked = list(dict.fromkeys(hashes))
        if not texts or not asked:
            return {}
        return await (await self.ask(texts)).cosines(asked)

    async def build(self, progress: Progress, *, rebuild: bool) -> None:
        """Bring it up to date and return then; `rebuild` forgets all vectors of this repository first.

        Raises:
            OperationCancelledError: raised by `progress`; what was embedded by then is kept.
            DegradedError: it can't be built now.
        """
        if rebuild:
            await self._forget()
        self._standing.paused = False
        self._asked += 1
        mine = self._asked
        self._start()
        try:
            while self._served < mine and self._task is not None:
                status = self.status()
                progress.report(status.embedded, status.chunks, status.reason or "Embedding passages")
                await self._pause(PROGRESS_SECONDS, self._changed)
        except CkitError:
            self._standing.paused = True
            raise
        if self._served < mine:
            raise DegradedError("The index was cleared in the meantime.")
        if self._standing.problem is not None:
            raise DegradedError(self._standing.problem)

    async def clear(self) -> int:
        """Delete it from the disk and return how many vectors it held.

        Raises:
            StorageError: the disk refuses.
        """
        held = await self._forget()
        self._corpus = self._before = self._standing.problem = None
        return held

    async def aclose(self) -> None:
        """Stop the background work and close all files."""
        await self._stop()
        await self._sides.aclose()

    # The background

    def _start(self) -> None:
        self._wake.set()
        self._tell()
        if self._task is None:
            self._task = asyncio.create_task(self._work())

    async def _stop(self) -> None:
        task, self._task = self._task, None
        self._tell()
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
            if self._sides.fresh:
                await self._sides.aclose()
            if self._suspicion is not None:
                await self._start_anew(self._suspicion)
            await self._catch_up()
        except DamagedStoreError as error:
            logger.warning("the index is damaged: %s", error)
            await self._sides.aclose()
            self._standing.damaged(error)
            self._sides.fresh = True
        except OtherVectorsError as error:
            await self._start_anew(str(error))
            self._standing.problem = CHANGED
        except CkitError as error:
            self._standing.problem = error.message
            if not all(side.replica.is_open for side in self._sides.all):
                # It had no room, and was ended.
                await self._sides.aclose()
        except Exception:
            logger.exception("indexing failed in an unforeseen way")
            self._standing.problem = "Indexing failed in an unforeseen way; the daemon's log says how."
        else:
            self._standing.went_well()
            return None
        finally:
            if self._filler is not None:
                await self._filler.stop()
        return self._standing.failed(None if self._filler is None else self._filler.left)

    async def _catch_up(self) -> None:
        while (corpus := self._corpus) is not None and not self._standing.paused:
            side = await self._sides.fill(corpus)
            filler = self._filler
            if filler is None or filler.side is not side:
                filler = self._filler = self._new_filler(side, corpus)
            if side.damage is not None:
                self._standing.mending, side.damage = MENDING, None
            most = self._settings().rag.max_passages
            plan = await asyncio.to_thread(filler.plan, corpus, self._before, most)
            if self._doubt is not None:
                await side.embedder.embed([PROBE], interactive=False)
                self._doubt = None
            if side.shared:
                # With nothing to add nobody would notice that the server is gone, or there again.
                await side.replica.known(list(itertools.islice(corpus.by_hash, 1)))
            await filler.fill(plan, lambda seconds: self._pause(seconds, self._changed))
            if self._goes_on(corpus):
                wrote = filler.writer == "this"
                await filler.stop()
                await self._sides.swap()
                self._before = None
                self._standing.completed(corpus)
                self._tell()
                await self._tidier.tidy(side, corpus, most, wrote=wrote)
                return

    def _new_filler(self, side: Side, corpus: Corpus) -> Filler:
        return Filler(
            side,
            self._cache,
            len(corpus.chunks),
            batch=lambda: self._settings().rag.write_batch,
            goes_on=self._goes_on,
            changed=self._progressed,
        )

    def _goes_on(self, corpus: Corpus) -> bool:
        return corpus is self._corpus and not self._standing.paused and self._sides.is_wanted(self._sides.filling)

    async def _start_anew(self, why: str) -> None:
        logger.warning("the index is made anew: %s", why)
        self._suspicion = None
        self._standing.mending = CHANGED
        self._standing.complete = None
        await self._sides.start_anew()

    async def _forget(self) -> int:
        """End the background, throw all vectors of this repository away, and return how many there were."""
        await self._stop()
        async with self._lock:
            held = await self._sides.forget(self._corpus)
            self._filler = self._standing.complete = None
        return held

    async def _ask(self, texts: Sequence[str]) -> tuple[Side, Vectors]:
        if isinstance(self._doubt, SilentEmbedderError) and not self._standing.paused:
            # One person has waited for nothing; the next one need not, until the background has got an answer.
            self._start()
            raise DegradedError(self._doubt.message)
        try:
            return await self._sides.ask(texts)
        except UnlikeVectorsError as error:
            self._suspicion = error.message
            self._start()
            raise DegradedError(CHANGED) from None
        except DegradedError as error:
            if not self._sides.all and (reason := self._state()[1]) is not None:
                raise DegradedError(reason) from None
            self._doubt = error
            self._start()
            raise

    @contextlib.contextmanager
    def _noticing_damage(self, side: Side) -> Generator[None]:
        """Turn what the store says into reasons to go on by words alone, and mend it."""
        try:
            yield
        except DamagedStoreError as error:
            if not side.replica.is_open or not any(side is each for each in self._sides.all):
                # It was closed while somebody still searched it; the one in its place has no fault.
                raise DegradedError(REPLACED) from None
            logger.warning("the index is damaged: %s", error)
            self._ended()
            raise DegradedError(MENDING) from None
        except (DegradedError, StorageError) as error:
            self._standing.problem = error.message
            self._start()
            raise DegradedError(error.message) from None

    # What is told

    def _state(self) -> tuple[IndexState, str | None]:
        return self._standing.state(self._corpus, self._filler, self._settings().rag.max_passages)

    def _ended(self) -> None:
        """Mend a store whose process has ended or that gives wrong answers."""
        self._sides.fresh = True
        self._standing.mending = MENDING
        self._standing.complete = None
        if not self._lock.locked():
            # Otherwise whoever works with it notices by itself, and waits before it tries again.
            self._start()

    def _progressed(self) -> None:
        if self._filler is not None:
            self._standing.progressed(self._filler.left)
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _pause(self, seconds: float | None, event: asyncio.Event) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()
