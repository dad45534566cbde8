"""The retrieval of one open repository: its parts, kept as fresh as its files."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.errors import CkitError, OperationCancelledError
from ckit_daemon.core.progress import SILENT
from ckit_daemon.services.rag.ports import View

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from ckit_daemon.services.open_repository import OpenRepository
    from ckit_daemon.services.ports import SnapshotChange
    from ckit_daemon.services.rag.ports import Answers, CorpusReader, Lexicon, Retriever, VectorIndex

logger = logging.getLogger(__name__)

OPEN_SECONDS: Final = 5.0
"""How long the first search waits for an index that only has to be opened."""
FEW: Final = 100
"""So many passages are embedded in about a second, so that whoever searches first waits for them, too."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What the retrieval of one repository is made of."""

    reader: CorpusReader
    lexicon: Lexicon
    index: VectorIndex
    retriever: Retriever
    answers: Answers
    embedded: Callable[[Collection[str]], Awaitable[Collection[str]]]
    """Returns which hashes have vectors on this disk, whether or not the index is open; raises StorageError."""


class OpenRetrieval:
    """One repository's passages and indexes; used on the event loop."""

    def __init__(self, repository: OpenRepository, engine: Engine) -> None:
        """Remember the parts; nothing is read before somebody asks."""
        self.engine = engine
        self._store = repository.store
        self._lock = asyncio.Lock()
        self._begun = 0
        self._view: View | None = None
        self._reads: set[asyncio.Task[View]] = set()
        self._stop = _Stop()
        self._changed = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self._opening: asyncio.Task[None] | None = None
        self._unsubscribe = lambda: None

    @property
    def follows(self) -> bool:
        """Whether vectors are kept up to date in the background."""
        return self._following is not None

    async def current(self) -> View:
        """Return the repository as it is now, its words searchable.

        What is read for one request serves all that wait for it. One that is cancelled leaves at once, and the
        others still get what they wait for.
        """
        read = asyncio.create_task(self._read_after(self._begun))
        self._reads.add(read)
        read.add_done_callback(self._read_ended)
        return await asyncio.shield(read)

    async def follow(self) -> View:
        """Return the repository as it is now, and from now on embed in the background what is new in it.

        Raises:
            OperationCancelledError: the repository was closed meanwhile.
        """
        view = await self.current()
        self._stop.report(0, 0, "")
        if self._following is None:
            self._unsubscribe = self._store.subscribe(self._on_change)
            self._following = asyncio.create_task(self._follow_changes())
        self.engine.index.follow(view.corpus)
        return view

    async def known(self, view: View) -> int:
        """Return how many passages have vectors on this disk; raises StorageError where it refuses to tell."""
        by_hash = view.corpus.by_hash
        return sum(len(by_hash[each]) for each in await self.engine.embedded(by_hash.keys()))

    async def opened(self, view: View) -> None:
        """Wait until the index is open that this daemon has just begun to follow, unless there is much to embed."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._open(view))
        await asyncio.wait([self._opening])

    async def _open(self, view: View) -> None:
        if self.engine.index.status().state == "ready":
            # It was opened in the background; looking up every hash would only take time.
            return
        # What goes wrong is what the index says, whether or not somebody waits for it.
        with contextlib.suppress(TimeoutError, CkitError):
            if len(view.corpus.chunks) - await self.known(view) <= FEW:
                async with asyncio.timeout(OPEN_SECONDS):
                    await self.engine.index.build(SILENT, rebuild=False)

    async def rest(self) -> None:
        """Follow no more changes until somebody asks again."""
        self._unsubscribe()
        tasks = [task for task in (self._following, self._opening) if task is not None]
        self._following = self._opening = None
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def aclose(self) -> None:
        """End the background work and close all files."""
        self._stop.now()
        await self.rest()
        if self._reads:
            await asyncio.wait(self._reads)
        await self.engine.index.aclose()

    async def _read_after(self, begun: int) -> View:
        async with self._lock:
            if self._view is not None and self._begun > begun:
                # Somebody else's read has begun, and ended, since this one was asked for.
                return self._view
            self._begun += 1
            self._view = await asyncio.to_thread(self._read)
            return self._view

    def _read(self) -> View:
        engine, known = self.engine, self._view
        snapshot = self._store.snapshot
        corpus = engine.reader.read(snapshot, self._stop)
        if known is None or corpus is not known.corpus:
            engine.lexicon.update(corpus, self._stop)
        return View(snapshot, corpus, self._store.history.head())

    def _read_ended(self, read: asyncio.Task[View]) -> None:
        self._reads.discard(read)
        if not read.cancelled():
            # Whoever asked may be gone; a failure that nobody hears of is no fault of the program.
            read.exception()

    def _on_change(self, change: SnapshotChange) -> None:
        del change
        self._changed.set()

    async def _follow_changes(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                view = await self.current()
            except CkitError as error:
                logger.warning("a change is not indexed: %s", error.message, extra={"code": error.code})
            else:
                self.engine.index.follow(view.corpus)


class _Stop:
    """Progress that nobody watches, and that ends the work when the repository is closed."""

    def __init__(self) -> None:
        self._stopped = False

    def now(self) -> None:
        self._stopped = True

    def report(self, done: int, total: int, message: str) -> None:
        del done, total, message
        if self._stopped:
            raise OperationCancelledError("The repository was closed.")
