"""What retrieval is about: passages, what finds them, and answers whose claims point at them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from ckit_daemon.core.json import Path
    from ckit_daemon.core.text import Location
    from ckit_daemon.services.assistant.records import Usage

ChunkKind = Literal["entity", "markdown", "note", "specLog"]
Mode = Literal["hybrid", "lexical", "vector"]
Expansion = Literal["none", "neighbours"]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage that can be found and cited on its own: a field of an entity, a section of Markdown, a note."""

    id: str
    """`path#field`: names the place, whatever it says at the moment."""
    kind: ChunkKind
    path: str
    """The file, relative to the repository."""
    field: Path
    """Where it stands: the path of the value in its document; for Markdown the headings above it."""
    heading: str
    """What it is about, for people and for the embedder, e.g. `FEAT-001 Borrow and return, acceptance criteria`."""
    text: str
    """What it says, secrets masked."""
    hash: str
    """SHA-256 of heading and text, hexadecimal: two passages of one hash have one vector."""
    entity: str | None = None
    """Id of the entity that it belongs to."""
    entity_type: str | None = None
    status: str | None = None
    mentions: tuple[str, ...] = ()
    """Ids of the entities that a note or an entry of the log is about."""

    @property
    def embedded(self) -> str:
        """The text that is embedded and indexed."""
        return f"{self.heading}\n{self.text}"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which passages may be found; what is None restricts nothing."""

    types: frozenset[str] | None = None
    statuses: frozenset[str] | None = None
    kinds: frozenset[ChunkKind] | None = None
    paths: tuple[str, ...] | None = None
    """Globs relative to the repository, or folders; `**` crosses folders. One must fit."""
    related_to: str | None = None
    """Id of an entity that the passage's entity must be joined to by an edge of the graph."""
    relations: frozenset[str] | None = None
    """With `related_to`: kinds of edges that count."""
    readable: Callable[[str], bool] | None = None
    """Says of a file whether it may be found; called in a worker thread."""


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What to look for and how."""

    query: str
    limit: int = 10
    mode: Mode = "hybrid"
    filters: Filters = field(default_factory=Filters)
    expand: Expansion = "neighbours"
    rerank: bool = False
    """Let the language model for conversations order the best hits anew."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to answer, and how the language model is asked."""

    text: str
    request_id: str
    """Of whoever asks, for logs and for the provider."""
    filters: Filters = field(default_factory=Filters)
    limit: int | None = None
    """Passages that the answer is made from; as the settings say without it."""
    model: str | None = None
    """`provider/model`; the settings' one without it."""
    bypass_cache: bool = False
    """Ask the model even if an answer is kept."""


@dataclass(frozen=True, slots=True)
class ScorePart:
    """What one way of looking contributed to a hit's score."""

    source: Literal["exactId", "lexical", "vector", "graph", "rerank"]
    score: float
    """From 0 to 1, in the source's own calibration."""
    weight: float
    """How much it counted: the score of the hit is the sum of `score * weight`, at most 1."""
    why: str
    """For people: the words that fit, the similarity, the edge that was followed."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that answers a query."""

    chunk: Chunk
    location: Location
    score: float
    """From 0 to 1, comparable between queries."""
    relevant: bool
    """Whether the score is above what unrelated passages reach."""
    parts: tuple[ScorePart, ...]
    more: tuple[Chunk, ...] = ()
    """Further passages of the same entity, section or note that fit, the best first."""


@dataclass(frozen=True, slots=True)
class SearchResponse:
    """What was found, the best first; each entity, section and note at most once, by the passage that fits best."""

    hits: tuple[Hit, ...]
    mode: Mode
    """How it was really looked for."""
    degraded: str | None
    """Why it was not looked for as asked, for people; None where it was."""
    version: int
    """Of the snapshot that was searched."""


@dataclass(frozen=True, slots=True)
class Citation:
    """The place that supports a claim."""

    number: int
    """As `[1]` stands in the answer."""
    chunk_id: str
    kind: ChunkKind
    entity: str | None
    title: str
    field: Path
    location: Location
    commit: str | None
    """The commit that was checked out; None without Git."""
    content_hash: str
    """SHA-256 of the passage's text, hexadecimal."""
    excerpt: str


CitationState = Literal["fresh", "changed", "gone"]
Support = Literal["supported", "weak", "unsupported"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of an answer, and whether the places that it cites say the same."""

    text: str
    citations: tuple[int, ...]
    support: Support
    score: float
    """From 0 to 1: the better of shared words and likeness of meaning."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that says where it has everything from."""

    text: str
    """Markdown with `[1]`; counts, whatever was streamed."""
    found: bool
    """False where nothing in the repository is relevant; the text then says so."""
    citations: tuple[Citation, ...]
    claims: tuple[Claim, ...]
    provider: str
    model: str
    cached: bool
    usage: Usage
    degraded: str | None
    version: int
    warnings: tuple[str, ...] = ()


IndexState = Literal["absent", "building", "ready", "degraded", "disabled"]


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """How far the index is, and what it can do meanwhile."""

    state: IndexState
    reason: str | None
    """Why it is not ready, and what happens next, for people."""
    chunks: int
    """Passages that the repository holds now."""
    embedded: int
    """Of these, how many are searchable by meaning."""
    masked: int
    """Passages in which something that looks like a secret was masked."""
    broken: int
    """Lines of notes, entries of the spec log and other texts that could not be read and are left out."""
    embedder: str
    """`provider/model`."""
    dimension: int | None
    building_embedder: str | None
    """The embedder that a new index is being built with beside the present one."""
    store: str
    """`embedded`, or the address of the Chroma server, without credentials."""
    writer: Literal["this", "another", "none"]
    """Which daemon embeds at the moment."""
    seconds_left: float | None
    bytes: int
    """Size of the index on this disk."""
    version: int
    """Of the snapshot that the passages were taken from."""
