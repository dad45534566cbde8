"""Which vectors an index has open: those that answer, and those that are being filled to answer next."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import re
from typing import TYPE_CHECKING, Final, TypeGuard

from ckit_daemon.core.errors import CkitError, DegradedError
from ckit_daemon.services.rag.replica import DamagedStoreError
from ckit_daemon.services.rag.sides import Place, known_embedders, open_side, remove
from ckit_daemon.services.rag.vectors import NUMBER_BYTES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence
    from pathlib import Path

    from ckit_daemon.services.rag.ports import Corpus, Embedder, VectorCache, Vectors
    from ckit_daemon.services.rag.sides import Side
    from ckit_daemon.settings import Settings

logger = logging.getLogger(__name__)

QUERY_SECONDS: Final = 20.0
"""How long a query waits for its vector before it goes on by words alone."""
SOME: Final = 16
"""Passages one of which somebody may have embedded, so that the length of a vector is known."""


class SilentEmbedderError(DegradedError):
    """An embedder did not answer for as long as a person waits."""


class UnlikeVectorsError(DegradedError):
    """The embedder now makes vectors of another length."""


class OpenSides:
    """The sides of one repository; used on the event loop only.

    Attributes:
        filling: the side that the settings ask for, once it is open.
        answering: the side that is searched; the other one as long as that holds more.
        fresh: whether what is in the folder is damaged, and must not be opened.
    """

    def __init__(
        self,
        folder: Path,
        cache: VectorCache,
        embedders: Callable[[str], Embedder],
        settings: Callable[[], Settings],
        *,
        name: str,
        token: Callable[[], Awaitable[str]],
        on_end: Callable[[], None],
    ) -> None:
        """Start with nothing open; see `SemanticIndex` for the parameters.

        `on_end` is called when the process of a store comes to a sudden end.
        """
        self._folder = folder
        self._cache = cache
        self._embedders = embedders
        self._settings = settings
        self._name = name
        self._token = token
        self._on_end = on_end
        self.filling: Side | None = None
        self.answering: Side | None = None
        self.fresh = False

    @property
    def wanted(self) -> Embedder:
        """The embedder that the settings ask for."""
        return self._embedders(self._settings().models.embeddings)

    @property
    def all(self) -> list[Side]:
        """The sides that are open, the one that answers first."""
        found = [side for side in (self.answering, self.filling) if side is not None]
        return found[:1] if self.answering is self.filling else found

    def is_wanted(self, side: Side | None) -> TypeGuard[Side]:
        """Whether a side is the one that the settings ask for, and can be asked."""
        return (
            side is not None
            and side.replica.is_open
            and side.embedder.name == self.wanted.name
            and (side.place.url, side.place.collection) == (self._settings().rag.chroma_url, self._collection())
        )

    async def fill(self, corpus: Corpus) -> Side:
        """Return the side that the settings ask for, opened where that has not been done.

        Raises:
            StorageError: the disk refuses.
            DegradedError: a Chroma server does.
            CkitError: a server is to be asked for the first time, and the embedder can't be used.
            DamagedStoreError: the store's process came to a sudden end.
        """
        if self.is_wanted(self.filling):
            return self.filling
        for side in self.all:
            if side is not self.answering or not side.replica.is_open:
                await self._close(side)
        side = self.filling = self.answering if self.is_wanted(self.answering) else await self._open(corpus)
        if self.answering is None:
            self.answering = (None if side.held else await self._older(side)) or side
        return side

    async def swap(self) -> None:
        """Let the side that was filled answer, and delete the one that did until now."""
        old, self.answering = self.answering, self.filling
        if old is not None and old is not self.answering:
            await old.replica.aclose()
            if not old.shared:
                await remove(self._folder, old.embedder.name)

    async def ask(self, texts: Sequence[str]) -> tuple[Side, Vectors]:
        """Return a side that can answer, with the vectors of some texts.

        Raises:
            UnlikeVectorsError: the embedder is not what it was.
            SilentEmbedderError: it let a person wait in vain.
            DegradedError: no side can answer; the message says why.
        """
        problem: DegradedError | None = None
        for side in self.all:
            if not side.replica.is_open:
                continue
            try:
                async with asyncio.timeout(QUERY_SECONDS):
                    vectors = await side.embedder.embed(texts, interactive=True)
            except TimeoutError:
                problem = SilentEmbedderError(
                    f"The embedder {side.embedder.name} did not answer within {QUERY_SECONDS:g} s."
                )
            except CkitError as error:
                problem = DegradedError(error.message)
            else:
                if side.dimension in {None, vectors.shape[1]}:
                    return side, vectors
                problem = UnlikeVectorsError(
                    f"its vectors have {vectors.shape[1]} dimensions, and had {side.dimension}"
                )
        raise problem or DegradedError(
            "The index is being made in the background; until it is there, passages are found by their words."
        )

    async def forget(self, corpus: Corpus | None) -> int:
        """Throw all vectors of this repository away, and return how many there were; nothing is open afterwards.

        Raises:
            StorageError: the disk refuses.
            DegradedError: a Chroma server does.
        """
        names = await known_embedders(self._folder)
        if not self.all and corpus is not None and (self._settings().rag.chroma_url or self.wanted.name in names):
            with contextlib.suppress(DamagedStoreError):
                await self.fill(corpus)
        sides = self.all
        hashes = {each for side in sides for each in side.held} | set(corpus.by_hash if corpus is not None else ())
        for name in {self.wanted.name, *(side.embedder.name for side in sides), *names}:
            await self._cache.forget(name, hashes)
        held = max((max(side.found, len(side.held)) for side in sides), default=0)
        await self._drop(sides)
        if not self._settings().rag.chroma_url:
            await remove(self._folder)
        return held

    async def start_anew(self) -> None:
        """Throw away what another model of the same name has embedded; nothing is open afterwards."""
        side = self.filling
        if side is not None:
            with contextlib.suppress(CkitError):
                await self._cache.clear(side.embedder.name)
            # What is on a server is not for one of its users to delete.
            with contextlib.suppress(CkitError):
                await self._drop([side] if not side.shared else [])
        await self.aclose()

    async def aclose(self) -> None:
        """Close all files."""
        for side in self.all:
            await self._close(side)

    async def _drop(self, sides: Collection[Side]) -> None:
        try:
            for side in sides:
                with contextlib.suppress(DamagedStoreError):
                    await side.replica.drop()
        finally:
            await self.aclose()

    async def _close(self, side: Side) -> None:
        if side is self.answering:
            self.answering = None
        if side is self.filling:
            self.filling = None
        await side.replica.aclose()

    async def _open(self, corpus: Corpus) -> Side:
        rag, embedder = self._settings().rag, self.wanted
        place = Place(self._folder, on_end=self._on_end)
        dimension = None
        if rag.chroma_url:
            place = Place(self._folder, rag.chroma_url, await self._token(), self._collection(), self._on_end)
            dimension = await self._dimension(embedder, corpus)
        side = await open_side(place, embedder, self._cache, dimension=dimension, fresh=self.fresh)
        self.fresh = False
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
        some = list(itertools.islice(corpus.by_hash, SOME))
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
