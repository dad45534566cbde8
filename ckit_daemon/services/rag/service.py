"""Search by meaning and answers with citations: the one way in for routes, tools and generators."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.errors import CapabilityDisabledError, CkitError, NotFoundError, StorageError
from ckit_daemon.services.assistant.container import Part
from ckit_daemon.services.rag.checks import check_filters, require_words, states
from ckit_daemon.services.rag.opened import Engine, OpenRetrieval

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from ckit_daemon.core.progress import Progress
    from ckit_daemon.services.open_repository import OpenRepository
    from ckit_daemon.services.rag.ports import TextSink, VectorIndex, View
    from ckit_daemon.services.rag.records import (
        Answer,
        CitationState,
        Filters,
        IndexStatus,
        Question,
        SearchRequest,
        SearchResponse,
    )
    from ckit_daemon.settings import Settings

logger = logging.getLogger(__name__)

FEATURE: Final = "rag"
"""The feature flag without which nothing here works."""
NOTHING: Final = "The repository holds no text that rag.include and rag.exclude leave to be indexed."
OPENED_LATER: Final = "It is opened at the first search."
COMPLETED_LATER: Final = "It is opened at the first search, and what is new is embedded then."


class RagService:
    """The use cases of retrieval; used on the event loop."""

    def __init__(self, build: Callable[[OpenRepository], Engine], settings: Callable[[], Settings]) -> None:
        """Start with no repository.

        Args:
            build: makes the parts of one repository, in a worker thread, when somebody first asks about it.
            settings: the settings in force.
        """
        self._build = build
        self._settings = settings
        self._opened: dict[str, Part[OpenRetrieval]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # Asking

    async def status(self, repository: OpenRepository) -> IndexStatus:
        """Return how far the index is; begins nothing.

        An index that nobody has opened yet counts as ready if the next search will find everything by meaning.
        """
        self._refuse_if_off()
        opened = await self._open(repository)
        view = await opened.current()
        corpus = view.corpus
        if opened.follows:
            # Otherwise what has just changed would count as missing in an index that says it is ready.
            opened.engine.index.follow(corpus)
        status = opened.engine.index.status()
        status = replace(
            status, chunks=len(corpus.chunks), masked=corpus.masked, broken=corpus.broken, version=corpus.version
        )
        if not corpus.chunks and status.state in {"absent", "ready"}:
            return replace(status, state="ready", reason=NOTHING)
        if status.state != "absent":
            return status
        try:
            known = await opened.known(view)
        except StorageError as error:
            return replace(status, state="degraded", reason=error.message)
        if known == status.chunks:
            return replace(status, state="ready", embedded=known, reason=OPENED_LATER)
        if self._by_hand(opened) and not _was_made(known, view):
            return replace(status, embedded=known)
        return replace(status, embedded=known, reason=COMPLETED_LATER if known else status.reason)

    async def search(self, repository: OpenRepository, request: SearchRequest, progress: Progress) -> SearchResponse:
        """Find passages.

        Raises:
            InvalidArgumentError: the query holds nothing, or a filter names what can't exist.
            NotFoundError: the filter names an entity that does not exist.
        """
        require_words(request.query, "query")
        opened, view = await self._view(repository)
        await asyncio.to_thread(check_filters, view.snapshot, request.filters)
        return await opened.engine.retriever.search(view, request, progress)

    async def similar(
        self,
        repository: OpenRepository,
        like: str,
        limit: int,
        filters: Filters,
        progress: Progress,
        *,
        is_text: bool = False,
    ) -> SearchResponse:
        """Find what is like an entity, or with `is_text` like a text; never the entity itself.

        Raises:
            InvalidArgumentError: the text holds nothing, or a filter names what can't exist.
            NotFoundError: the entity, or the one that a filter names, does not exist.
        """
        if is_text:
            require_words(like, "text")
        opened, view = await self._view(repository)
        await asyncio.to_thread(check_filters, view.snapshot, filters)
        to_compare = like if is_text else view.snapshot.require(like)
        return await opened.engine.retriever.similar(view, to_compare, limit, filters, progress)

    async def query(
        self,
        repository: OpenRepository,
        question: Question,
        progress: Progress,
        on_text: TextSink | None = None,
    ) -> Answer:
        """Answer a question with checked citations; the text streams, and what is returned counts.

        Raises:
            InvalidArgumentError: the question holds nothing, or a filter names what can't exist.
            NotFoundError: the filter names an entity that does not exist.
            CkitError: as the gateway to language models says.
        """
        require_words(question.text, "question")
        opened, view = await self._view(repository)
        await asyncio.to_thread(check_filters, view.snapshot, question.filters)
        return await opened.engine.answers.query(view, question, progress, on_text)

    async def check(
        self, repository: OpenRepository, citations: Sequence[tuple[str, str]]
    ) -> tuple[int, list[CitationState]]:
        """Say of each citation, given as the id of its passage and the hash of its text, what became of it.

        Returns:
            The version of the repository that was looked at, and the states in the order of the citations.
        """
        self._refuse_if_off()
        view = await (await self._open(repository)).current()
        return view.corpus.version, await asyncio.to_thread(states, view.corpus, citations)

    # Indexing

    async def index(self, repository: OpenRepository, progress: Progress, *, rebuild: bool = False) -> IndexStatus:
        """Bring the index up to date and keep it so; `rebuild` forgets all vectors of the repository first.

        Raises:
            OperationCancelledError: raised by `progress`; what was embedded by then is kept.
            DegradedError: it can't be built now.
        """
        self._refuse_if_off()
        opened = await self._open(repository)
        await opened.follow()
        index = opened.engine.index
        await index.build(_Counted(progress, index), rebuild=rebuild)
        return await self.status(repository)

    async def clear(self, repository: OpenRepository) -> int:
        """Delete the index of a repository and return how many vectors it held; it is built again when needed.

        Raises:
            StorageError: the disk refuses.
        """
        self._refuse_if_off()
        opened = await self._open(repository)
        view = await opened.current()
        await opened.rest()
        # What nobody has looked for yet has vectors on the disk all the same, which only the passages name.
        opened.engine.index.follow(view.corpus)
        return await opened.engine.index.clear()

    # Opening and closing

    def begin(self, repository: OpenRepository) -> None:
        """Begin to index a repository before anybody searches; returns at once."""
        self._start(self._begin(repository))

    def close(self, repository: OpenRepository) -> None:
        """Let go of a repository that is closed; returns at once."""
        part = self._opened.pop(repository.id, None)
        if part is not None and part.built is not None:
            self._start(part.built.aclose())

    def states(self) -> dict[str, IndexStatus]:
        """Return how far the indexes are that somebody has asked for, by repository; from memory."""
        return {name: part.built.engine.index.status() for name, part in self._opened.items() if part.built}

    def lacking(self, repository: str | None = None) -> str | None:
        """Return why something can't be found by meaning now, if that is known; None: of any repository."""
        states = self.states()
        asked = states.values() if repository is None else [states[repository]] if repository in states else []
        return next((each.reason for each in asked if each.state in {"degraded", "disabled"}), None)

    async def aclose(self) -> None:
        """Close everything."""
        while self._opened:
            _, part = self._opened.popitem()
            if part.built is not None:
                self._start(part.built.aclose())
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _view(self, repository: OpenRepository) -> tuple[OpenRetrieval, View]:
        self._refuse_if_off()
        opened = await self._open(repository)
        if self._by_hand(opened):
            view = await opened.current()
            try:
                known = await opened.known(view)
            except StorageError:
                known = 0
            if not _was_made(known, view):
                return opened, view
        view = await opened.follow()
        await opened.opened(view)
        return opened, view

    def _by_hand(self, opened: OpenRetrieval) -> bool:
        return self._settings().rag.index == "manual" and not opened.follows

    async def _open(self, repository: OpenRepository) -> OpenRetrieval:
        """Return the parts of a repository; raises NotFoundError where it is closed while they are made."""
        part = self._opened.get(repository.id)
        if part is None:
            part = Part(lambda: OpenRetrieval(repository, self._build(repository)))
            self._opened[repository.id] = part
        opened = await part.get()
        if self._opened.get(repository.id) is not part:
            await opened.aclose()
            raise NotFoundError("The repository was closed meanwhile.", details={"kind": "repository"})
        return opened

    async def _begin(self, repository: OpenRepository) -> None:
        try:
            await (await self._open(repository)).follow()
        except CkitError as error:
            logger.warning("the repository is not indexed: %s", error.message, extra={"code": error.code})

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _refuse_if_off(self) -> None:
        if not self._settings().enabled(FEATURE):
            raise CapabilityDisabledError(
                f"A setting switches retrieval off: features.{FEATURE}.", details={"feature": FEATURE}
            )


def _was_made(known: int, view: View) -> bool:
    """Whether somebody has indexed it before: other repositories have some of the same texts, but not most of them."""
    return 2 * known >= len(view.corpus.chunks)


class _Counted:
    """Progress that says how many passages are done and how long the others will take."""

    def __init__(self, inner: Progress, index: VectorIndex) -> None:
        self._inner = inner
        self._index = index

    def report(self, done: int, total: int, message: str) -> None:
        seconds = self._index.status().seconds_left
        left = "" if seconds is None else f", {seconds:.0f} s left"
        self._inner.report(done, total, f"{message}: {done} of {total}{left}")
