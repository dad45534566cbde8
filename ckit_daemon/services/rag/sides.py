"""One embedder's vectors of one repository: opened, checked, and thrown away when in doubt."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import random
import re
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from ckit_daemon.core.errors import StorageError
from ckit_daemon.services.rag.lease import Lease
from ckit_daemon.services.rag.replica import Replica
from ckit_daemon.services.rag.store.calls import Open
from ckit_daemon.services.rag.vectors import NUMBER_BYTES, matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ckit_daemon.services.rag.ports import Embedder, VectorCache

logger = logging.getLogger(__name__)

NAME_FILE: Final = "embedder"
"""Says in an embedder's folder whose it is."""
SAMPLE: Final = 64
"""Vectors that are compared with those of the cache when a store is opened."""
ASKED: Final = 8
"""Of these, those that are looked for: most of them must find themselves. Of 67,000 vectors in random directions 1.5
percent are not found by their own, since such a search looks at a part of them only."""
TOLERANCE: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Place:
    """Where vectors are: in a folder, or on a server."""

    folder: Path
    """Of the repository, for both."""
    url: str = ""
    token: str = ""
    collection: str = ""
    """Beginning of the collection's name."""
    on_end: Callable[[], None] = lambda: None
    """Is called when the store's process comes to a sudden end."""


@dataclass(slots=True)
class Side:
    """The vectors of one embedder, open."""

    embedder: Embedder
    place: Place
    replica: Replica
    lease: Lease
    held: set[str] = field(default_factory=set[str])
    """Hashes that are known to be there."""
    found: int = 0
    """Vectors that a server had when it was opened, of everybody's passages."""
    dimension: int | None = None
    damage: str | None = None
    """Why what was there has been thrown away."""

    @property
    def shared(self) -> bool:
        """Whether others write to it, too."""
        return bool(self.place.url)

    @property
    def size(self) -> int:
        """Bytes on this disk: of the store, and of its vectors in the cache."""
        return self.replica.size + len(self.held) * (self.dimension or 0) * NUMBER_BYTES


def slug(embedder: str) -> str:
    """Return a folder's name for an embedder: readable, and different for each."""
    return f"{re.sub(r'[^a-z0-9]+', '-', embedder.lower()).strip('-')[:60]}-{_digest(embedder)}"


async def open_side(
    place: Place, embedder: Embedder, cache: VectorCache, *, dimension: int | None, fresh: bool = False
) -> Side:
    """Open the vectors of an embedder.

    Args:
        place: where they are.
        embedder: whose they are.
        cache: what they must agree with.
        dimension: what they must have; a server needs it.
        fresh: whether what is in the folder is damaged.

    Raises:
        StorageError: the disk refuses.
        DegradedError: the server does.
        DamagedStoreError: the store's process came to a sudden end.
    """
    folder = place.folder / slug(embedder.name)
    if place.url:
        name = f"{place.collection}-{slug(embedder.name)}-{dimension}"
        call = Open(embedder.name, url=place.url, token=place.token, collection=name, dimension=dimension)
    else:
        await asyncio.to_thread(_name_folder, folder, embedder.name)
        call = Open(embedder.name, folder=str(folder), fresh=fresh, dimension=dimension)
    replica = Replica(call, place.folder, place.on_end)
    opened = await replica.open()
    side = Side(embedder, place, replica, Lease(folder / "writer.lock"), set(opened.ids or ()))
    side.dimension, side.damage = opened.dimension, opened.damage
    side.found = opened.count if side.shared else 0
    try:
        if not side.shared and (doubt := await _doubt(side, cache)) is not None:
            await replica.drop()
            side.held, side.dimension, side.damage = set(), None, doubt
    except BaseException:
        await replica.aclose()
        raise
    if side.damage is not None:
        logger.warning("the vector store is made anew: %s", side.damage, extra={"embedder": embedder.name})
    return side


async def known_embedders(folder: Path) -> list[str]:
    """Return the embedders that a repository's folder has vectors of, the latest used first."""
    return await asyncio.to_thread(_known_embedders, folder)


async def remove(folder: Path, embedder: str | None = None) -> None:
    """Delete the stores of one embedder, or of all, that no daemon has open.

    Raises:
        StorageError: the disk refuses.
    """
    try:
        await asyncio.to_thread(_remove, folder, None if embedder is None else slug(embedder))
    except OSError as error:
        raise StorageError(f"The index can't be deleted: {error.strerror or 'the system refuses it'}.") from None


async def _doubt(side: Side, cache: VectorCache) -> str | None:
    """Compare a sample with the cache, and return what is wrong."""
    sample = random.sample(list(side.held), min(SAMPLE, len(side.held)))
    if not sample:
        return None
    stored = await side.replica.get(sample)
    if len(stored) != len(sample):
        return f"of {len(sample)} vectors it lacks {len(sample) - len(stored)}"
    expected = await cache.get(side.embedder.name, sample)
    for hash_, data in expected.items():
        if len(data) != len(stored[hash_]):
            return "its vectors have another dimension"
    if expected and await asyncio.to_thread(_differ, expected, stored):
        return "its vectors differ from what was embedded"
    asked, lost = sample[:ASKED], 0
    for hash_ in asked:
        nearest = await side.replica.query(stored[hash_], 1)
        lost += not nearest or nearest[0][1] < 1 - TOLERANCE
    return "it does not find what it holds" if 2 * lost > len(asked) else None


def _differ(expected: Mapping[str, bytes], stored: Mapping[str, bytes]) -> bool:
    import numpy as np  # noqa: PLC0415 - in a worker thread, since it takes a tenth of a second.

    return not np.allclose(matrix([*expected.values()]), matrix([stored[each] for each in expected]), atol=TOLERANCE)


def _name_folder(folder: Path, embedder: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / NAME_FILE).write_text(embedder, "utf-8")
    except OSError as error:
        raise StorageError(f"The index can't be written: {error.strerror or 'the system refuses it'}.") from None


def _known_embedders(folder: Path) -> list[str]:
    try:
        files = [each for each in folder.glob(f"*/{NAME_FILE}") if any(each.parent.glob("replica-*/*/*"))]
        return [each.read_text("utf-8") for each in sorted(files, key=lambda f: f.stat().st_mtime, reverse=True)]
    except OSError:
        return []


def _remove(folder: Path, name: str | None) -> None:
    for side in folder.glob(name or "*"):
        busy = False
        for file in [*side.glob("replica-*.lock")]:
            lock = FileLock(file, mode=0o600)
            try:
                lock.acquire(blocking=False)
            except Timeout:
                busy = True
                continue
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(file.with_suffix(""))
            lock.release()
        if not busy:
            shutil.rmtree(side, ignore_errors=True)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
