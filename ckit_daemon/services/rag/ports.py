"""What retrieval needs of the outside, and what its parts need of each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.progress import Progress
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.core.text import Location
    from ckit_daemon.services.assistant.records import Usage
    from ckit_daemon.services.rag.records import (
        Answer,
        Chunk,
        Filters,
        Hit,
        IndexStatus,
        Question,
        SearchRequest,
        SearchResponse,
    )

    Vectors = NDArray[np.float32]
    """One row a text, each of length 1."""
    TextSink = Callable[[str], Awaitable[object]]
    """Takes more of a text that is being written."""


class Embedder(Protocol):
    """Turns texts into vectors whose angle says how alike they are."""

    @property
    def name(self) -> str:
        """`provider/model`; vectors of different names are never compared."""
        ...

    async def embed(self, texts: Sequence[str], *, interactive: bool) -> Vectors:
        """Return a vector of length 1 for each text.

        Args:
            texts: at most a few dozen; longer ones than the model reads are cut by it.
            interactive: whether a person waits; such calls go before those of the background.

        Raises:
            CkitError: the embedder can't be used now; `retryable` says whether to try again.
        """
        ...

    async def aclose(self) -> None:
        """Let go of the model."""
        ...


class VectorCache(Protocol):
    """Vectors on disk by the hash of what was embedded, shared by all daemons of this user.

    Everything that took time to compute is here; the vector store beside it can be built from it at any time.
    """

    async def known(self, embedder: str, hashes: Collection[str]) -> set[str]:
        """Return the hashes whose vectors are there; raises StorageError."""
        ...

    async def get(self, embedder: str, hashes: Sequence[str]) -> Mapping[str, bytes]:
        """Return vectors (float32, little endian) by hash, without those that are missing; raises StorageError."""
        ...

    async def put(self, embedder: str, vectors: Mapping[str, bytes]) -> None:
        """Store vectors, on disk when this returns; raises StorageError."""
        ...

    async def clear(self, embedder: str | None = None) -> int:
        """Forget the vectors of one embedder, or all; return how many there were. Raises StorageError."""
        ...

    async def forget(self, embedder: str, hashes: Collection[str]) -> int:
        """Forget some vectors of an embedder; return how many there were. Raises StorageError."""
        ...

    async def touch(self, embedder: str, hashes: Collection[str]) -> None:
        """Note that vectors are used today, so that they are forgotten last; raises StorageError."""
        ...

    async def trim(self, embedder: str, max_rows: int, keep: Collection[str], most: int) -> int:
        """Forget the vectors that were used longest ago; return how many. Raises StorageError.

        Args:
            embedder: whose vectors `keep` names.
            max_rows: how many vectors of all embedders may stay.
            keep: hashes that are in use; they stay whatever the number.
            most: how many to forget in this call, which keeps other daemons from writing.
        """
        ...

    async def aclose(self) -> None:
        """Close the file."""
        ...


class Corpus(Protocol):
    """The passages of a repository at one moment; immutable."""

    @property
    def version(self) -> int:
        """Of the snapshot that they were taken from."""
        ...

    @property
    def chunks(self) -> Mapping[str, Chunk]:
        """All passages by id."""
        ...

    @property
    def by_path(self) -> Mapping[str, Sequence[Chunk]]:
        """The passages of each file; the same object in two corpora where the file did not change between them."""
        ...

    @property
    def by_hash(self) -> Mapping[str, Sequence[Chunk]]:
        """The passages of each hash."""
        ...

    @property
    def masked(self) -> int:
        """Passages in which a secret was masked."""
        ...

    @property
    def broken(self) -> int:
        """Lines of notes, entries of the spec log and other texts that could not be read and are left out."""
        ...

    def of_entity(self, identifier: str) -> Sequence[Chunk]:
        """The passages of one entity in the order of its file; empty where there is none."""
        ...

    def of_file(self, path: str) -> Sequence[Chunk]:
        """The passages of one file in their order; empty where there is none."""
        ...

    def locate(self, chunk: Chunk) -> Location:
        """Where a passage stands now; parses its file, so call it in a worker thread and for few."""
        ...


class CorpusReader(Protocol):
    """Takes the passages of one repository; synchronous, used by one thread at a time."""

    def read(self, snapshot: Snapshot, progress: Progress) -> Corpus:
        """Return the passages of a snapshot and of the repository's other texts as they are now.

        Costs no more than what changed since the last call; where nothing did, the same object is returned.
        """
        ...


@dataclass(frozen=True, slots=True)
class View:
    """A repository at one moment, as a search or an answer sees it from beginning to end."""

    snapshot: Snapshot
    corpus: Corpus
    """The passages of this very snapshot; the lexicon holds these or newer ones."""
    commit: str | None
    """The commit that is checked out; None without Git."""


@dataclass(frozen=True, slots=True)
class LexicalHit:
    """A passage that shares words with a query."""

    chunk: Chunk
    score: float
    """From 0 to 1: BM25 as a share of what a passage would get that holds every word of the query."""
    words: tuple[str, ...]
    """The words of the query that it holds, the most telling first."""


@dataclass(frozen=True, slots=True)
class VectorHit:
    """A passage that means something like a query."""

    hash: str
    similarity: float
    """Cosine, from -1 to 1."""


class Lexicon(Protocol):
    """Finds passages by words; synchronous, may be called from any thread."""

    def update(self, corpus: Corpus, progress: Progress) -> None:
        """Follow the repository; costs no more than what changed."""
        ...

    def search(self, query: str, *, limit: int, allowed: Collection[str] | None = None) -> Sequence[LexicalHit]:
        """Return the passages that fit best, the best first.

        Args:
            query: a person's words, whatever characters they hold.
            limit: how many to return.
            allowed: ids of the passages that may be found; None for all.
        """
        ...

    def is_misspelt(self, query: str) -> bool:
        """Return whether a word of a query is one that no passage has, and is nearly one that passages have."""
        ...

    def weights(self, query: str) -> Mapping[str, float]:
        """Return how telling each word of a query is, from 0 (in every passage) to 1 (in none or one)."""
        ...


class Asked(Protocol):
    """Texts that were embedded once, to be compared with passages as often as needed; used on the event loop."""

    async def nearest(self, limit: int) -> Sequence[VectorHit]:
        """Return the hashes of the passages nearest to the first text, the nearest first; raises DegradedError."""
        ...

    async def cosines(self, hashes: Iterable[str]) -> Mapping[str, Sequence[float]]:
        """Return the cosine of each text with each known hash; raises DegradedError."""
        ...


class VectorIndex(Protocol):
    """Finds passages by meaning and keeps itself up to date in the background; used on the event loop."""

    def follow(self, corpus: Corpus) -> None:
        """Take the newest passages; what is missing is embedded in the background. Returns at once."""
        ...

    def status(self) -> IndexStatus:
        """Return how far it is, from memory."""
        ...

    async def ask(self, texts: Sequence[str]) -> Asked:
        """Embed some texts while a person waits.

        Raises:
            DegradedError: it can't search now; the message says why and what happens next.
        """
        ...

    async def search(self, text: str, limit: int) -> Sequence[VectorHit]:
        """Return the hashes of the passages nearest to a text, the nearest first.

        Raises:
            DegradedError: it can't search now; the message says why and what happens next.
        """
        ...

    async def similarities(self, texts: Sequence[str], hashes: Iterable[str]) -> Mapping[str, Sequence[float]]:
        """Return the cosine of each text with each known hash: how well a passage supports a sentence.

        Raises:
            DegradedError: as `search`.
        """
        ...

    async def build(self, progress: Progress, *, rebuild: bool) -> None:
        """Bring it up to date and return then; `rebuild` forgets all vectors of this repository first.

        Raises:
            OperationCancelledError: raised by `progress`; what was embedded by then is kept.
            DegradedError: it can't be built now.
        """
        ...

    async def clear(self) -> int:
        """Delete it from the disk and return how many vectors it held.

        Raises:
            StorageError: the disk refuses.
        """
        ...

    async def aclose(self) -> None:
        """Stop the background work and close all files."""
        ...


class Retriever(Protocol):
    """Finds passages of one repository; used on the event loop."""

    async def search(self, view: View, request: SearchRequest, progress: Progress) -> SearchResponse:
        """Return what answers a query; a part that can't look is named in `degraded`, and the others go on."""
        ...

    async def similar(
        self, view: View, like: Entity | str, limit: int, filters: Filters, progress: Progress
    ) -> SearchResponse:
        """Return what is like an entity or a text; never the entity itself."""
        ...


class Reranker(Protocol):
    """Orders hits by what a language model makes of them; used on the event loop."""

    async def order(self, query: str, hits: Sequence[Hit]) -> tuple[list[Hit], str | None]:
        """Return the hits in a better order, and why that could not be done where it could not."""
        ...


@dataclass(frozen=True, slots=True)
class Written:
    """What a language model wrote."""

    text: str
    provider: str
    model: str
    cached: bool
    usage: Usage
    note: str | None
    """What a person should know about it: that another model than the chosen one answered, that it was cut."""


class Writer(Protocol):
    """Has a language model answer from sources; used on the event loop."""

    async def is_language_model(self, model: str | None) -> bool:
        """Return whether there is a language model behind a reference, instead of the built-in rules.

        Raises:
            NotFoundError: there is no such provider.
        """
        ...

    async def write(self, sources: Sequence[tuple[str, str]], question: Question, on_text: TextSink | None) -> Written:
        """Have an answer written.

        Args:
            sources: a label and a text each; numbered from 1 in this order, and fenced as data.
            question: what to answer, and how to ask.
            on_text: takes the text while it is written, secrets masked.

        Raises:
            CkitError: as the gateway to language models says.
        """
        ...


class Answers(Protocol):
    """Answers questions about one repository; used on the event loop."""

    async def query(self, view: View, question: Question, progress: Progress, on_text: TextSink | None) -> Answer:
        """Have an answer written and check what it cites.

        Args:
            view: what is known.
            question: what to answer.
            progress: is told how far it is.
            on_text: takes the text while it is written; what is returned counts.

        Raises:
            CkitError: as the gateway to language models says.
        """
        ...
