"""What the embedded store and the one on a server have in common; runs in the child process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Protocol, cast

from ckit_daemon.services.rag.store.calls import Done, Found, Ids, Nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from chromadb.api.models.Collection import Collection  # pyright: ignore[reportMissingTypeStubs]
    from chromadb.config import Settings
    from numpy.typing import NDArray

    from ckit_daemon.services.rag.store.calls import Add, Delete, Get, Known, Query

EMBEDDER: Final = "embedder"
DIMENSION: Final = "dimension"
OWN_PREFIX: Final = "CHROMA_"
OWN_NAMES: Final = frozenset(
    {"ALLOW_RESET", "ANONYMIZED_TELEMETRY", "ENVIRONMENT", "IS_PERSISTENT", "MIGRATIONS", "PERSIST_DIRECTORY"}
    | {"MIGRATIONS_HASH_ALGORITHM", "TENANT_ID", "TOPIC_NAMESPACE", "WORKER_MEMBERLIST_NAME"}
)
"""Variables of the environment that Chroma would take settings from."""


def settings() -> Settings:
    """Return Chroma's settings with nothing of the environment or of a file, and without telemetry."""
    for name in list(os.environ):
        if name.upper().startswith(OWN_PREFIX) or name.upper() in OWN_NAMES:
            del os.environ[name]
    from chromadb.config import Settings  # noqa: PLC0415 - reads the environment when it is imported.

    return Settings(_env_file=None, anonymized_telemetry=False)  # pyright: ignore[reportCallIssue] - pydantic's own.


def close(client: object) -> None:
    """Close a client of Chroma, whose interface forgets that it can be closed."""
    cast("_Closing", client).close()


def configuration() -> dict[str, object]:
    """Return how vectors are indexed: by cosine, in one thread."""
    return {"hnsw": {"space": "cosine", "num_threads": 1}}


def array(vectors: Sequence[bytes]) -> NDArray[np.float32]:
    """Return vectors as the rows of a matrix."""
    import numpy as np  # noqa: PLC0415 - comes with Chroma.

    return np.frombuffer(b"".join(vectors), "<f4").reshape(len(vectors), -1)


class _Closing(Protocol):
    def close(self) -> None: ...


class ChromaCollection:
    """A collection that is open."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    @property
    def count(self) -> int:
        """How many vectors it holds."""
        return self._collection.count()

    @property
    def embedder(self) -> str:
        """What its vectors were made with, by its own word."""
        return str((self._collection.metadata or {}).get(EMBEDDER, ""))

    @property
    def dimension(self) -> int:
        """The length of its vectors, by its own word."""
        found = (self._collection.metadata or {}).get(DIMENSION)
        return found if isinstance(found, int) else 0

    def ids(self) -> list[str]:
        """Return the ids of all vectors."""
        return self._collection.get(include=[])["ids"]

    def known(self, call: Known) -> Ids:
        """Say which of some ids are there."""
        return Ids(self._collection.get(ids=call.ids, include=[])["ids"])

    def add(self, call: Add) -> Done:
        """Add vectors, or replace them."""
        self._collection.upsert(ids=call.ids, embeddings=array(call.vectors))
        return Done()

    def delete(self, call: Delete) -> Done:
        """Delete vectors."""
        self._collection.delete(ids=call.ids)
        return Done()

    def query(self, call: Query) -> Nearest:
        """Find the nearest vectors."""
        found = self._collection.query(
            query_embeddings=array([call.vector]), n_results=call.limit, include=["distances"]
        )
        distances = (found["distances"] or [[]])[0]
        return Nearest(found["ids"][0], [1.0 - float(distance) for distance in distances])

    def get(self, call: Get) -> Found:
        """Read vectors."""
        import numpy as np  # noqa: PLC0415 - comes with Chroma.

        found = self._collection.get(ids=call.ids, include=["embeddings"])
        vectors = found["embeddings"]
        return Found(
            found["ids"], [np.asarray(vector, "<f4").tobytes() for vector in ([] if vectors is None else vectors)]
        )
