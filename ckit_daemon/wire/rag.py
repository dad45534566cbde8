"""Methods that find passages by meaning, and answer questions with citations."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ckit_daemon.wire.base import Result, WireModel
from ckit_daemon.wire.common import EntityId, JsonPath, Location, RepositoryParams, SnapshotResult, TypeName
from ckit_daemon.wire.generation import Answered, TextStream
from ckit_daemon.wire.provider import ModelReference
from ckit_daemon.wire.row import Method

Text = Annotated[str, Field(min_length=1, max_length=20_000)]
TopK = Annotated[int, Field(ge=1, le=100)]
SearchMode = Literal["hybrid", "lexical", "vector"]
ChunkKind = Literal["entity", "markdown", "note", "specLog"]
ChunkId = Annotated[
    str, Field(min_length=1, max_length=8192, description="Id of a passage: its file and the place in it.")
]
ContentHash = Annotated[
    str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the passage's text, in hexadecimal.")
]
Degraded = Annotated[
    str | None,
    Field(
        description="Why it was not looked for as asked, and what happens next, for people; nothing where it was.",
    ),
]


class PassageFilters(WireModel):
    """Mixin for parameters that restrict which passages may be found; what is left out restricts nothing."""

    types: list[TypeName] | None = Field(
        default=None, min_length=1, max_length=100, description="Passages of entities of these types only."
    )
    statuses: list[Annotated[str, Field(max_length=200)]] | None = Field(
        default=None, min_length=1, max_length=100, description="Passages of entities with these statuses only."
    )
    kinds: list[ChunkKind] | None = Field(
        default=None, min_length=1, max_length=4, description="These kinds of passages only."
    )
    paths: list[Annotated[str, Field(min_length=1, max_length=1000)]] | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="Files that fit one of these globs only, relative to the repository; `**` crosses folders, and the "
        "name of a folder stands for all that is in it.",
    )
    related_to: EntityId | None = Field(
        default=None, description="Only entities that an edge of the graph joins to this one, and notes about them."
    )
    relations: list[Annotated[str, Field(min_length=1, max_length=100)]] | None = Field(
        default=None, min_length=1, max_length=50, description="With `relatedTo`: the kinds of edges that count."
    )


class StatusParams(RepositoryParams):
    """Whose index to look at."""


class IndexParams(RepositoryParams):
    """Whose index to bring up to date."""

    rebuild: bool = Field(
        default=False,
        description="Forget all vectors of the repository first, on a Chroma server for everybody who uses it.",
    )


class StatusResult(SnapshotResult):
    """How far the index is, and what it can do meanwhile."""

    state: Literal["absent", "building", "ready", "degraded", "disabled"] = Field(
        description="absent: it is built when somebody searches, or by `ckit/rag/index`; building: what is there "
        "already is found; degraded: words are searched, `reason` says why not meaning."
    )
    reason: str | None = Field(default=None, description="Why it is not ready, and what happens next, for people.")
    chunks: int = Field(description="Passages that the repository holds now; all can be found by words.")
    embedded: int = Field(description="Of these, how many can be found by meaning.")
    masked: int = Field(description="Passages in which something that looks like a secret was masked.")
    broken: int = Field(
        description="What is left out: lines of notes and entries of the spec log that are no JSON objects, and files "
        "beside the entities that can't be read: too large, not UTF-8, or links that lead out."
    )
    embedder: str = Field(description="Who turns passages into vectors, `provider/model`.")
    dimension: int | None = Field(default=None, description="Length of a vector, once it is known.")
    building_embedder: str | None = Field(
        default=None, description="The embedder that a new index is being built with, beside the present one."
    )
    store: str = Field(description="`embedded`, or the address of the Chroma server, without credentials.")
    writer: Literal["this", "another", "none"] = Field(description="Which daemon embeds at the moment.")
    seconds_left: float | None = Field(default=None, description="How long it will take, as far as can be told.")
    bytes: int = Field(description="Size of the index on this disk.")


class SearchParams(RepositoryParams, PassageFilters):
    """What to look for and how."""

    query: Text = Field(description="A question, words or ids; exact ids always come first.")
    top_k: TopK = Field(default=10, description="Passages to return at the most.")
    mode: SearchMode = Field(
        default="hybrid", description="hybrid: by words and by meaning; lexical: by words; vector: by meaning."
    )
    expand: Literal["none", "neighbours"] = Field(
        default="neighbours", description="neighbours: also look at what the graph joins to strong hits."
    )
    rerank: bool = Field(
        default=False, description="Let the language model for conversations order the best hits anew."
    )


class SimilarParams(RepositoryParams, PassageFilters):
    """What to compare with: one of `id` and `text`."""

    id: EntityId | None = Field(default=None, description="An entity; it is never found itself.")
    text: Text | None = Field(default=None, description="A text.")
    top_k: TopK = Field(default=10, description="Passages to return at the most.")


class ScorePart(WireModel):
    """What one way of looking contributed to a hit's score."""

    source: Literal["exactId", "lexical", "vector", "graph", "rerank"] = Field(description="The way of looking.")
    score: float = Field(description="From 0 to 1, in the source's own calibration.")
    weight: float = Field(description="How much it counted.")
    why: str = Field(description="For people: the words that fit, the similarity, the edge that was followed.")


class Passage(WireModel):
    """A passage that can be found and cited on its own."""

    chunk_id: ChunkId
    kind: ChunkKind = Field(description="What it is part of.")
    location: Location = Field(description="Where it stands.")
    field: JsonPath = Field(description="Path of the value in its document; for Markdown the headings above it.")
    heading: str = Field(description="What it is about, for people.")
    text: str = Field(description="What it says; what looks like a secret is masked.")
    content_hash: ContentHash
    entity: str | None = Field(default=None, description="Id of the entity that it belongs to.")
    type: str | None = Field(default=None, description="Type of that entity.")
    status: str | None = Field(default=None, description="Status of that entity.")
    mentions: list[str] | None = Field(
        default=None, description="Ids of the entities that a note or log entry is about."
    )


class RagHit(Passage):
    """A passage that answers a query."""

    score: float = Field(
        description="From 0 to 1, comparable between queries: the sum of `score * weight` of its parts."
    )
    relevant: bool = Field(description="Whether the score is above what unrelated passages reach.")
    parts: list[ScorePart] = Field(description="Where the score comes from.")


class SearchResult(SnapshotResult):
    """Passages, the best first; each entity, section and note at most once, by the passage that fits best."""

    hits: list[RagHit] = Field(description="What was found.")
    mode: SearchMode = Field(description="How it was really looked for.")
    degraded: Degraded = None


class QueryParams(RepositoryParams, PassageFilters, TextStream):
    """The question."""

    question: Text = Field(description="In a person's words.")
    top_k: TopK | None = Field(
        default=None, description="Passages that the answer is made from; as the settings say without it."
    )
    model: ModelReference | None = Field(default=None, description="The settings' one for conversations without it.")
    bypass_cache: bool = Field(default=False, description="Ask the model even if an answer is kept.")


class Citation(WireModel):
    """The place that supports a claim."""

    number: int = Field(description="As `[1]` stands in the answer.")
    chunk_id: ChunkId
    kind: ChunkKind = Field(description="What the passage is part of.")
    entity: str | None = Field(default=None, description="Id of the entity that it belongs to.")
    title: str = Field(description="What it is about, for people.")
    field: JsonPath = Field(description="Path of the value in its document; for Markdown the headings above it.")
    location: Location = Field(description="Where it stands.")
    commit: str | None = Field(default=None, description="The commit that was checked out; nothing without Git.")
    content_hash: ContentHash
    excerpt: str = Field(description="What it says, shortened.")


class Claim(WireModel):
    """A sentence of the answer, and whether the places that it cites say the same."""

    text: str = Field(description="The sentence.")
    citations: list[int] = Field(description="Numbers of the citations that it names.")
    support: Literal["supported", "weak", "unsupported"] = Field(description="Whether they bear it out.")
    score: float = Field(description="From 0 to 1: the better of shared words and likeness of meaning.")


class QueryResult(SnapshotResult):
    """An answer that says where it has everything from."""

    text: str = Field(description="Markdown with `[1]`; it counts, whatever was streamed.")
    found: bool = Field(description="False where nothing in the repository is relevant; the text then says so.")
    citations: list[Citation] = Field(description="The places that the text names.")
    claims: list[Claim] = Field(description="Its sentences, each checked against what it cites.")
    answered: Answered = Field(description="Who wrote it; `offline` puts it together from the passages.")
    degraded: Degraded = None
    warnings: list[str] = Field(description="What a person should know about it.")


class Cited(WireModel):
    """A citation as an answer gave it."""

    chunk_id: ChunkId
    content_hash: ContentHash


class CheckParams(RepositoryParams):
    """Citations of earlier answers."""

    citations: list[Cited] = Field(min_length=1, max_length=1000, description="Which to look at.")


class CheckResult(SnapshotResult):
    """What became of each citation."""

    states: list[Literal["fresh", "changed", "gone"]] = Field(
        description="In the order of the request. changed: the place says something else now; gone: it is no more."
    )


class ClearParams(RepositoryParams):
    """Whose index to delete."""


class ClearResult(Result):
    """What was deleted."""

    removed: int = Field(description="Vectors that it held.")


METHODS = (
    Method(
        "ckit/rag/status", "Say how far the index is, and what it can do.", StatusParams, StatusResult, feature="rag"
    ),
    Method(
        "ckit/rag/index",
        "Bring the index up to date, and answer when it is.",
        IndexParams,
        StatusResult,
        # It mostly waits for the background, and must not keep others from their place meanwhile.
        cost="model",
        feature="rag",
    ),
    Method("ckit/rag/search", "Find passages by words and by meaning.", SearchParams, SearchResult, feature="rag"),
    Method("ckit/rag/similar", "Find passages like an entity or a text.", SimilarParams, SearchResult, feature="rag"),
    Method(
        "ckit/rag/query",
        "Answer a question, streamed as Markdown, with citations that are checked.",
        QueryParams,
        QueryResult,
        cost="model",
        feature="rag",
    ),
    Method("ckit/rag/check", "Say whether cited places still say the same.", CheckParams, CheckResult, feature="rag"),
    Method(
        "ckit/rag/clear",
        "Delete the index of a repository, on a Chroma server for everybody who uses it; it is built again when "
        "needed.",
        ClearParams,
        ClearResult,
        scope="rag",
        feature="rag",
    ),
)
