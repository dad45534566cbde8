"""Chroma in a folder that belongs to this process alone; runs in the child process."""

from __future__ import annotations

import contextlib
import errno
import itertools
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from ckit_daemon.services.rag.store.calls import Done, Failed, Found, Ids, Nearest, Open, Opened
from ckit_daemon.services.rag.store.chroma import DIMENSION, EMBEDDER, ChromaCollection, close, configuration, settings
from ckit_daemon.services.rag.store.disk import DISK_FULL, is_full

if TYPE_CHECKING:
    from chromadb.api import ClientAPI

    from ckit_daemon.services.rag.store.calls import Add, Delete, Drop, Get, Known, Query

NAME: Final = "passages"
DATABASE: Final = "chroma.sqlite3"
MAX_REPLICAS: Final = 100
DISK_ERRORS: Final = {
    "code: 13)": DISK_FULL,
    "no space left": DISK_FULL,
    "disk is full": DISK_FULL,
    "code: 8)": "the folder is read-only",
    "readonly database": "the folder is read-only",
    "read-only file system": "the folder is read-only",
    "permission denied": "the permission is missing",
    "code: 14)": "a file can't be opened",
}
"""What SQLite, as Chroma repeats it, and the system say when it is not the index that is at fault."""


class EmbeddedStore:
    """The first replica of an embedder's vectors that no other daemon uses.

    A replica is a folder with a lock beside it, which the system lets go of when this process ends. Its data are in a
    folder with a number inside; what is damaged is left behind for a new number, since Windows deletes no open file.
    """

    def __init__(self) -> None:
        self._call = Open("")
        self._lock: FileLock | None = None
        self._replica = Path()
        self._folder = Path()
        self._client: ClientAPI | None = None
        self._collection: ChromaCollection | None = None

    def open(self, call: Open) -> Opened:
        """Open the replica; what is damaged is thrown away.

        Raises:
            OSError: the folder can't be written.
        """
        self._call = call
        self._replica = self._take(Path(call.folder))
        if not call.fresh:
            try:
                return self._resume()
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:
                if _disk_error(error, self._replica) is not None:
                    raise
                damage = f"{type(error).__name__}: {error}"
        else:
            damage = "the process that used it came to a sudden end"
        self._begin()
        return Opened(ids=[], count=0, dimension=None, size=0, damage=damage)

    def known(self, call: Known) -> Ids:
        """Say which of some ids are there."""
        return Ids([]) if self._collection is None else self._collection.known(call)

    def add(self, call: Add) -> Done:
        """Add vectors, or replace them."""
        if self._collection is None:
            self._collection = self._create(len(call.vectors[0]) // 4)
        self._collection.add(call)
        return self._done()

    def delete(self, call: Delete) -> Done:
        """Delete vectors."""
        if self._collection is not None:
            self._collection.delete(call)
        return self._done()

    def query(self, call: Query) -> Nearest:
        """Find the nearest vectors."""
        return Nearest([], []) if self._collection is None else self._collection.query(call)

    def get(self, call: Get) -> Found:
        """Read vectors."""
        return Found([], []) if self._collection is None else self._collection.get(call)

    def drop(self, call: Drop) -> Done:  # noqa: ARG002 - there is nothing to say.
        """Delete everything."""
        self._begin()
        return Done()

    def explain(self, error: BaseException) -> Failed:
        """Say what an error of the store means."""
        disk = _disk_error(error, self._replica)
        if disk is not None and self._client is not None and not (self._folder / DATABASE).exists():
            # SQLite calls a file read-only that somebody has deleted.
            return Failed("damaged", "its folder was deleted")
        return Failed("disk", disk) if disk is not None else Failed("damaged", f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """Let go of the files and of the folder."""
        self._let_go()
        if self._lock is not None:
            self._lock.release()

    def _take(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for number in range(MAX_REPLICAS):
            lock = FileLock(folder / f"replica-{number}.lock", mode=0o600)
            with contextlib.suppress(Timeout):
                lock.acquire(blocking=False)
                self._lock = lock
                replica = folder / f"replica-{number}"
                replica.mkdir(exist_ok=True, mode=0o700)
                return replica
        raise OSError(errno.EAGAIN, f"more than {MAX_REPLICAS} daemons use this repository")

    def _resume(self) -> Opened:
        """Open what is there; raises whatever Chroma does about damage."""
        folders = self._folders()
        if not folders:
            self._begin()
            return Opened(ids=[], count=0, dimension=None, size=0)
        self._folder = folders[-1]
        self._tidy()
        self._client = _connect(self._folder)
        if not (names := [each.name for each in self._client.list_collections()]):
            return Opened(ids=[], count=0, dimension=None, size=self._size())
        collection = ChromaCollection(self._client.get_collection(names[0], embedding_function=None))
        ids = collection.ids()
        wanted = self._call.dimension
        if collection.embedder != self._call.embedder or (wanted is not None and collection.dimension != wanted):
            raise ValueError("it holds the vectors of another embedder")
        if collection.count != len(ids):
            raise ValueError(f"it says that it holds {collection.count} vectors, and it lists {len(ids)}")
        self._collection = collection
        return Opened(ids, len(ids), collection.dimension, self._size())

    def _begin(self) -> None:
        """Leave what is there, and begin with an empty folder."""
        self._let_go()
        latest = max((int(folder.name) for folder in self._folders()), default=0)
        self._folder = self._replica / f"{latest + 1:06d}"
        self._folder.mkdir(mode=0o700)
        self._tidy()
        self._client = _connect(self._folder)

    def _create(self, dimension: int) -> ChromaCollection:
        if self._client is None:
            raise AssertionError("a store must be opened first")
        return ChromaCollection(
            self._client.create_collection(
                NAME,
                configuration=configuration(),  # pyright: ignore[reportArgumentType] - a TypedDict of theirs.
                metadata={EMBEDDER: self._call.embedder, DIMENSION: dimension},
                embedding_function=None,
            )
        )

    def _let_go(self) -> None:
        self._collection = None
        if self._client is not None:
            close(self._client)
            self._client = None

    def _folders(self) -> list[Path]:
        return sorted(
            (folder for folder in self._replica.iterdir() if folder.name.isdigit()), key=lambda f: int(f.name)
        )

    def _tidy(self) -> None:
        for folder in self._folders():
            if folder != self._folder:
                shutil.rmtree(folder, ignore_errors=True)

    def _done(self) -> Done:
        return Done(self._size())

    def _size(self) -> int:
        files = itertools.chain(self._folder.iterdir(), self._folder.glob("*/*"))
        size = 0
        for file in files:
            with contextlib.suppress(OSError):
                size += file.stat().st_size
        return size


def _connect(folder: Path) -> ClientAPI:
    own = settings()
    import chromadb  # noqa: PLC0415 - takes half a second, and `settings` must come first.

    return chromadb.PersistentClient(folder, own)


def _disk_error(error: BaseException, folder: Path) -> str | None:
    """Return what is wrong with the disk; None where it is something else."""
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DISK_FULL
    if isinstance(error, OSError):
        return error.strerror or "the system refuses it"
    text = str(error).lower()
    said = next((reason for sign, reason in DISK_ERRORS.items() if sign in text), None)
    return DISK_FULL if said is None and is_full(folder) else said
