"""How one repository's retrieval keeps up with its files while several ask at once."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from ckit_daemon.core.errors import NotFoundError, OperationCancelledError, StorageError
from ckit_daemon.core.progress import SILENT
from ckit_daemon.repo.opener import DiskRepositoryOpener
from ckit_daemon.services.open_repository import OpenRepository
from ckit_daemon.services.rag.corpus import RepositoryReader
from ckit_daemon.services.rag.lexicon import PassageLexicon
from ckit_daemon.services.rag.opened import Engine, OpenRetrieval
from ckit_daemon.services.rag.secrets import PassageRedactor
from ckit_daemon.services.rag.service import RagService
from ckit_daemon.settings import RagSettings, Settings
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection
    from pathlib import Path

    from ckit_daemon.core.progress import Progress
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.services.rag.corpus import RepositoryCorpus
    from ckit_daemon.services.rag.ports import Corpus, VectorIndex

pytestmark = pytest.mark.asyncio

SECONDS = 60


class GatedReader:
    """A real reader that waits at a gate, so that a test decides when it is in the middle of its work."""

    def __init__(self, reader: RepositoryReader) -> None:
        self._reader = reader
        self.begun = threading.Semaphore(0)
        self.gate = threading.Semaphore(0)
        self.failed = threading.Semaphore(0)
        self.reads = 0
        self.fault: Exception | None = None
        """What the next reading fails with."""

    def read(self, snapshot: Snapshot, progress: Progress) -> RepositoryCorpus:
        self.reads += 1
        self.begun.release()
        while not self.gate.acquire(timeout=0.01):
            progress.report(0, 1, "waiting")
        fault, self.fault = self.fault, None
        if fault is not None:
            self.failed.release()
            raise fault
        return self._reader.read(snapshot, progress)

    async def wait_begun(self) -> None:
        assert await asyncio.to_thread(self.begun.acquire, timeout=SECONDS)


class FollowedIndex:
    """Remembers what it was told to follow; how vectors come about is tested elsewhere."""

    def __init__(self) -> None:
        self.followed: asyncio.Queue[Corpus] = asyncio.Queue()
        self.closed = False
        self.missing = 0
        """Passages that nobody has embedded."""
        self.unreadable = False
        self.state = "building"
        self.looked = 0
        self.built = 0
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()

    def follow(self, corpus: Corpus) -> None:
        self.followed.put_nowait(corpus)

    async def embedded(self, hashes: Collection[str]) -> Collection[str]:
        self.looked += 1
        if self.unreadable:
            raise StorageError("The disk refuses.")
        return set([*hashes][self.missing :])

    def status(self) -> SimpleNamespace:
        return SimpleNamespace(state=self.state)

    async def build(self, progress: Progress, *, rebuild: bool) -> None:
        self.built += 1
        self.begun.set()
        await self.may_end.wait()

    async def aclose(self) -> None:
        self.closed = True


@asynccontextmanager
async def retrieval(tmp_path: Path) -> AsyncGenerator[tuple[OpenRetrieval, GatedReader, FollowedIndex, Any]]:
    root = copy_example(tmp_path / "example")
    store = await DiskRepositoryOpener().open(root, SILENT)
    reader = GatedReader(RepositoryReader(store, RagSettings, PassageRedactor()))
    index = FollowedIndex()
    unused: Any = None
    engine = Engine(reader, PassageLexicon(), cast("VectorIndex", index), unused, unused, index.embedded)
    opened = OpenRetrieval(OpenRepository(store), engine)
    try:
        yield opened, reader, index, store
    finally:
        reader.gate.release(1000)
        await opened.aclose()
        await store.aclose()
        assert index.closed


async def test_those_who_ask_during_a_reading_share_the_next_one(tmp_path: Path) -> None:
    async with retrieval(tmp_path) as (opened, reader, _, _):
        first = asyncio.create_task(opened.current())
        await reader.wait_begun()
        others = [asyncio.create_task(opened.current()) for _ in range(20)]
        await asyncio.sleep(0)
        reader.gate.release(2)
        async with asyncio.timeout(SECONDS):
            views = await asyncio.gather(first, *others)
        assert reader.reads == 2
        assert {id(view.corpus) for view in views} == {id(views[0].corpus)}
        assert len(views[0].corpus.chunks) > 100


async def test_whoever_is_cancelled_leaves_at_once_and_takes_nothing_from_the_others(tmp_path: Path) -> None:
    async with retrieval(tmp_path) as (opened, reader, _, _):
        impatient = asyncio.create_task(opened.current())
        await reader.wait_begun()
        patient = asyncio.create_task(opened.current())
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(impatient, SECONDS)
        reader.gate.release(2)
        view = await asyncio.wait_for(patient, SECONDS)
        assert view.corpus.chunks
        assert view.commit is not None


async def test_a_reading_that_fails_tells_whoever_asked_and_the_next_one_goes_well(tmp_path: Path) -> None:
    async with retrieval(tmp_path) as (opened, reader, _, _):
        reader.fault = StorageError("The disk refuses.")
        reader.gate.release()
        with pytest.raises(StorageError):
            await opened.current()
        reader.gate.release()
        assert (await opened.current()).corpus.chunks


async def test_what_changes_is_followed_until_nobody_wants_it_any_more(tmp_path: Path) -> None:
    async with retrieval(tmp_path) as (opened, reader, index, store):
        reader.gate.release(1000)
        assert not opened.follows
        first = (await opened.follow()).corpus
        assert opened.follows
        assert await index.followed.get() is first
        path = "contexts/tasks/T-007-expire-holds.yaml"
        text = store.read_file(path).text
        change = await store.overlay(path, text.replace("must not sleep on a shelf", "frees the shelf"))
        async with asyncio.timeout(SECONDS):
            newest = await index.followed.get()
        assert newest.version == change.after.version
        assert any("frees the shelf" in chunk.text for chunk in newest.chunks.values())
        await opened.rest()
        assert not opened.follows
        await store.overlay(path, None)
        assert (await opened.current()).corpus.version == change.after.version + 1
        assert index.followed.empty()


async def test_a_change_that_can_t_be_read_does_not_end_the_following(tmp_path: Path) -> None:
    async with retrieval(tmp_path) as (opened, reader, index, store):
        reader.gate.release()
        await opened.follow()
        await index.followed.get()
        reader.fault = StorageError("The disk refuses.")
        await store.overlay("contexts/tasks/T-999.yaml", "id: T-999\ntitle: A task\nsummary: One zeppelin lands.\n")
        reader.gate.release()
        assert await asyncio.to_thread(reader.failed.acquire, timeout=SECONDS)
        await store.overlay("contexts/tasks/T-999.yaml", "id: T-999\ntitle: A task\nsummary: Two zeppelins land.\n")
        reader.gate.release(1000)
        async with asyncio.timeout(SECONDS):
            while not any("Two zeppelins" in chunk.text for chunk in (await index.followed.get()).chunks.values()):
                pass


async def test_closing_ends_a_reading_in_the_middle(tmp_path: Path) -> None:
    async with retrieval(tmp_path) as (opened, reader, index, _):
        asked = asyncio.create_task(opened.current())
        await reader.wait_begun()
        await asyncio.wait_for(opened.aclose(), SECONDS)
        assert index.closed
        with pytest.raises(OperationCancelledError):
            await asked


async def test_a_first_search_waits_for_an_index_that_only_has_to_be_opened(tmp_path: Path) -> None:
    async with retrieval(tmp_path) as (opened, reader, index, _):
        reader.gate.release(1000)
        view = await opened.follow()
        assert await opened.known(view) == len(view.corpus.chunks)
        waiting = [asyncio.create_task(opened.opened(view)) for _ in range(3)]
        waiting[0].cancel()
        async with asyncio.timeout(SECONDS):
            await index.begun.wait()
            index.may_end.set()
            await asyncio.gather(*waiting[1:])
            await opened.opened(view)
        assert index.built == 1


@pytest.mark.parametrize("unreadable", [False, True])
async def test_a_first_search_does_not_wait_where_much_is_to_be_embedded(tmp_path: Path, unreadable: bool) -> None:
    async with retrieval(tmp_path) as (opened, reader, index, _):
        reader.gate.release(1000)
        view = await opened.follow()
        index.missing, index.unreadable = 200, unreadable
        await asyncio.wait_for(opened.opened(view), SECONDS)
        assert index.built == 0


async def test_a_first_search_looks_nothing_up_where_the_index_is_ready(tmp_path: Path) -> None:
    async with retrieval(tmp_path) as (opened, reader, index, _):
        reader.gate.release(1000)
        view = await opened.follow()
        index.state = "ready"
        await asyncio.wait_for(opened.opened(view), SECONDS)
        assert (index.looked, index.built) == (0, 0)


async def test_nobody_waits_longer_than_a_while_for_an_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ckit_daemon.services.rag.opened.OPEN_SECONDS", 0.01)
    async with retrieval(tmp_path) as (opened, reader, index, _):
        reader.gate.release(1000)
        await asyncio.wait_for(opened.opened(await opened.follow()), SECONDS)
        assert index.built == 1


async def test_a_repository_that_is_closed_is_not_followed_any_more(tmp_path: Path) -> None:
    async with retrieval(tmp_path) as (opened, reader, index, _):
        reader.gate.release(1000)
        asked = asyncio.create_task(opened.follow())
        await reader.wait_begun()
        await opened.aclose()
        with pytest.raises(OperationCancelledError):
            await asked
        assert not opened.follows
        assert index.followed.empty()


async def test_parts_that_are_made_while_the_repository_is_closed_are_closed_as_well(tmp_path: Path) -> None:
    async with retrieval(tmp_path) as (opened, _, index, store):
        building, may_end = threading.Semaphore(0), threading.Semaphore(0)

        def build(_: OpenRepository) -> Engine:
            building.release()
            may_end.acquire(timeout=SECONDS)
            return opened.engine

        service = RagService(build, Settings)
        repository = OpenRepository(store)
        asked = asyncio.create_task(service.status(repository))
        assert await asyncio.to_thread(building.acquire, timeout=SECONDS)
        service.close(repository)
        may_end.release()
        with pytest.raises(NotFoundError):
            await asked
        assert index.closed
        await service.aclose()
