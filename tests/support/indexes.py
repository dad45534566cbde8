"""Passages in memory, embedders that cost nothing, and indexes on them."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from ckit_daemon.core.text import START, Location
from ckit_daemon.services.rag.index import SemanticIndex
from ckit_daemon.services.rag.records import Chunk
from ckit_daemon.settings import Settings
from ckit_daemon.storage.vectors import SqliteVectorCache

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from ckit_daemon.services.rag.ports import Embedder, VectorCache, Vectors
    from ckit_daemon.services.rag.records import IndexStatus

DIMENSION = 16
TIMEOUT_SECONDS = 120.0


@dataclass(frozen=True)
class MemoryCorpus:
    """Implements `Corpus`."""

    chunks: Mapping[str, Chunk]
    by_hash: Mapping[str, Sequence[Chunk]]
    by_path: Mapping[str, Sequence[Chunk]]
    version: int = 1
    masked: int = 0
    broken: int = 0

    def of_entity(self, identifier: str) -> Sequence[Chunk]:
        return [chunk for chunk in self.chunks.values() if chunk.entity == identifier]

    def of_file(self, path: str) -> Sequence[Chunk]:
        return self.by_path.get(path, ())

    def locate(self, chunk: Chunk) -> Location:
        return Location(chunk.path, START)


def a_corpus(texts: Iterable[str], version: int = 1) -> MemoryCorpus:
    """One passage for each text, in a file of its own."""
    chunks: dict[str, Chunk] = {}
    by_hash: dict[str, list[Chunk]] = {}
    for number, text in enumerate(texts):
        path = f"contexts/notes/{number}.md"
        heading = f"Note {text.split(maxsplit=1)[0]}" if text else "Note"
        digest = hashlib.sha256(f"{heading}\n{text}".encode()).hexdigest()
        chunk = Chunk(f"{path}#", "markdown", path, (), heading, text, digest)
        chunks[chunk.id] = chunk
        by_hash.setdefault(digest, []).append(chunk)
    return MemoryCorpus(chunks, by_hash, {chunk.path: [chunk] for chunk in chunks.values()}, version)


def some_texts(count: int, mark: str = "") -> list[str]:
    """Different texts of different lengths."""
    return [
        f"{mark}{number} " + " ".join(f"word{number % (k + 7)}" for k in range(number % 40)) for number in range(count)
    ]


@dataclass
class CountingEmbedder:
    """Makes vectors of hashes, the same for the same text, and counts.

    Attributes:
        fail: is raised instead, as long as it is set.
        seconds: how long a text takes.
        salt: stands for the model: another one makes other vectors.
        hold_after: the background waits after so many texts, until `release` is set; `holds` tells that it does.
    """

    name: str = "offline/counting"
    dimension: int = DIMENSION
    salt: str = ""
    seconds: float = 0.0
    fail: Exception | None = None
    texts: list[str] = field(default_factory=list[str])
    hold_after: int = sys.maxsize
    holds: bool = False
    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def embed(self, texts: Sequence[str], *, interactive: bool) -> Vectors:
        if self.fail is not None:
            raise self.fail
        if not interactive and len(self.texts) >= self.hold_after:
            self.holds = True
            await self.release.wait()
            self.hold_after = sys.maxsize
        await asyncio.sleep(self.seconds * len(texts))
        if not interactive:
            self.texts += texts
        return np.stack([vector_of(text, self.dimension, self.salt) for text in texts])

    async def aclose(self) -> None:
        pass


def vector_of(text: str, dimension: int = DIMENSION, salt: str = "") -> Any:
    """The vector that `CountingEmbedder` makes."""
    seed = int.from_bytes(hashlib.sha256((salt + text).encode()).digest()[:8], "big")
    vector = np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)
    return vector / np.linalg.norm(vector)


@contextlib.asynccontextmanager
async def an_index(
    folder: Path,
    embedder: Embedder | None = None,
    *,
    cache: VectorCache | None = None,
    embedders: Callable[[str], Embedder] | None = None,
    settings: Callable[[], Settings] | None = None,
    token: str = "",
) -> AsyncGenerator[SemanticIndex]:
    """An index below a folder that several may share."""
    own = cache or SqliteVectorCache(folder / "vectors.db")
    chosen = embedder or CountingEmbedder()
    fixed = Settings()

    async def tell() -> str:
        return token

    index = SemanticIndex(
        folder / "repository",
        own,
        embedders or (lambda _: chosen),
        settings or (lambda: fixed),
        name="My repository",
        token=tell,
    )
    try:
        yield index
    finally:
        await index.aclose()
        await own.aclose()


def settings_with(**groups: dict[str, Any]) -> Settings:
    """Settings as a file would give them."""
    return msgspec.convert(groups, Settings)


async def until(condition: Callable[[], bool], timeout: float = TIMEOUT_SECONDS) -> None:  # noqa: ASYNC109
    """Wait until something holds that the index itself tells of only when it is asked."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {timeout} s")
        await asyncio.sleep(0.01)


async def until_ready(index: SemanticIndex, corpus: MemoryCorpus, timeout: float = TIMEOUT_SECONDS) -> IndexStatus:  # noqa: ASYNC109
    """Follow a corpus until all of it can be searched."""
    index.follow(corpus)
    await until(lambda: index.status().state == "ready", timeout)
    return index.status()


async def nearest(index: SemanticIndex, corpus: MemoryCorpus, text: str) -> str:
    """What the passage says that is nearest to a passage that says a text."""
    (hit,) = await index.search(embedded(text), 1)
    return corpus.by_hash[hit.hash][0].text


def embedded(text: str) -> str:
    """What is embedded of the passage that `a_corpus` makes of a text."""
    return next(iter(a_corpus([text]).chunks.values())).embedded


def hash_of(text: str) -> str:
    """The hash of that passage."""
    return next(iter(a_corpus([text]).by_hash))
