"""Methods about whole repositories: opening, findings, graph and impact."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from ckit_daemon.wire.base import NoParams, Params, PartialResult, Result, WireModel, WorkDone
from ckit_daemon.wire.common import (
    Direction,
    Edge,
    EntityId,
    EntitySummary,
    Finding,
    JsonPath,
    Location,
    Page,
    RepositoryParams,
    RepositoryPath,
    SeverityName,
    SnapshotResult,
    TypeName,
)
from ckit_daemon.wire.row import Method

GraphFormat = Literal["json", "cytoscape", "mermaid", "dot", "graphml", "html"]
Ids = Annotated[list[EntityId], Field(min_length=1, max_length=1000)]
Names = Annotated[list[TypeName], Field(min_length=1, max_length=100)]


class RepositoryInfo(WireModel):
    """An open repository."""

    id: str = Field(description="Short stable name; the same folder has the same id in every run.")
    name: str = Field(description="Name of the folder.")
    root_uri: str = Field(description="The folder, its symbolic links resolved.")
    version: int = Field(description="Grows with every change that the daemon has seen.")
    entities: int = Field(description="Entities in it.")
    files: int = Field(description="Files that were read.")
    git: bool = Field(description="Whether the folder is under Git.")
    head: str | None = Field(default=None, description="Commit that is checked out.")
    trusted: bool = Field(description="Whether the repository's own scripts may run.")
    watching: bool = Field(description="Whether the daemon watches the folder itself.")
    unsaved: list[RepositoryPath] = Field(description="Files whose unsaved editor text lies over the disk.")


class OpenParams(Params, WorkDone):
    """Which folder to open."""

    path: str = Field(
        min_length=1, max_length=4096, description="Absolute path or file URI of the repository or a folder inside it."
    )
    watch: bool = Field(default=False, description="Watch the folder; for hosts that send no file events themselves.")


class OpenResult(Result):
    """The opened repository."""

    repository: RepositoryInfo = Field(description="The repository.")
    already_open: bool = Field(description="Whether it was open before.")


class CloseParams(RepositoryParams):
    """Which repository to close."""


class CloseResult(Result):
    """The closed repository."""

    id: str = Field(description="Its id.")


class ListResult(Result):
    """All open repositories, in the order of opening."""

    repositories: list[RepositoryInfo] = Field(description="The open repositories.")


class InspectParams(RepositoryParams):
    """Which repository to describe."""


class TypeCount(WireModel):
    """Entities of one type."""

    type: str = Field(description="Name of the type.")
    count: int = Field(description="Its entities.")
    statuses: dict[str, int] = Field(description="Entities by status, the most frequent status first.")
    without_status: int = Field(description="Those without a status.")
    unreadable: int = Field(description="Entities known by their id only, because their file can't be read.")


class RelationCount(WireModel):
    """Facts of one relation."""

    rel: str = Field(description="Name of the relation.")
    edges: int = Field(description="Facts, each counted once.")
    statements: int = Field(description="Places that state them; two for a fact that both sides state.")


class Coverage(WireModel):
    """How many entities of a type have something that they should have."""

    code: str = Field(description="Stable name, e.g. `feature-without-stories`.")
    title: str = Field(description="What is counted, for people.")
    type: str = Field(description="The type that should have it.")
    total: int = Field(description="Entities of the type.")
    missing: list[str] = Field(description="Ids of those that lack it.")


class Gap(WireModel):
    """Something that is missing, and what to do about it."""

    code: str = Field(description="Stable name.")
    message: str = Field(description="What is missing.")
    recommendation: str = Field(description="What to do about it.")
    entities: list[str] = Field(description="Ids of the entities that it is about.")


class InspectResult(SnapshotResult):
    """What a repository holds and what it lacks."""

    total: int = Field(description="Entities.")
    types: list[TypeCount] = Field(description="Entities by type.")
    relations: list[RelationCount] = Field(description="Facts by relation.")
    coverage: list[Coverage] = Field(description="What entities have that they should have.")
    orphans: list[str] = Field(description="Ids of entities that no fact connects to another one.")
    gaps: list[Gap] = Field(description="What to do, the most pressing first.")
    findings: dict[SeverityName, int] = Field(description="Findings by severity.")


class ValidateParams(RepositoryParams, Page, PartialResult):
    """Which findings to return."""

    paths: list[RepositoryPath] | None = Field(
        default=None, max_length=10_000, description="Only these files, and all in these folders."
    )
    codes: list[str] | None = Field(
        default=None, max_length=200, description="Only these codes; `schema` stands for `schema.*`."
    )
    min_severity: SeverityName = Field(default="hint", description="Leave out what matters less.")


class ValidateResult(SnapshotResult):
    """The findings, sorted by file and place."""

    ok: bool = Field(description="No finding is an error, whatever the filters hide.")
    counts: dict[SeverityName, int] = Field(description="All findings of the repository by severity.")
    entities: int = Field(description="Entities in the repository.")
    total: int = Field(description="Findings that the filters leave.")
    findings: list[Finding] = Field(description="A page of them.")
    next_offset: int | None = Field(default=None, description="Where the next page begins, if there is one.")


class GraphParams(RepositoryParams, Page, PartialResult):
    """Which part of the graph to return, and how."""

    ids: Ids | None = Field(default=None, description="Start here; everything without it.")
    types: Names | None = Field(default=None, description="Show entities of these types only.")
    relations: Names | None = Field(default=None, description="Follow and show these relations only.")
    depth: int | None = Field(default=None, ge=0, le=100, description="Facts to follow from `ids`; all without it.")
    direction: Direction = Field(default="both", description="Facts to follow, as seen from where they are met.")
    format: GraphFormat = Field(default="json", description="What to return.")
    statements: bool = Field(default=False, description="Say for each fact where it is stated (format json).")


class GraphResult(SnapshotResult):
    """The graph: nodes and edges in format json, else a text."""

    format: GraphFormat = Field(description="What was returned.")
    total_nodes: int = Field(description="Nodes of the whole answer.")
    total_edges: int = Field(description="Edges of the whole answer.")
    nodes: list[EntitySummary] = Field(description="A page of the nodes; empty in the other formats.")
    edges: list[Edge] = Field(description="The edges whose source is in the page.")
    next_offset: int | None = Field(default=None, description="Where the next page begins, if there is one.")
    text: str | None = Field(default=None, description="The picture in the other formats.")


class PathsParams(RepositoryParams):
    """Between which entities to look for connections."""

    source: EntityId
    target: EntityId
    direction: Direction = Field(
        default="both", description="Whether facts are followed from source to target, back, or both ways."
    )
    max_length: int = Field(default=6, ge=1, le=20, description="Facts that a path may have.")
    limit: int = Field(default=10, ge=1, le=1000, description="Paths to return at the most.")


class PathsResult(SnapshotResult):
    """Connections, the shortest first."""

    paths: list[list[Edge]] = Field(description="Each path as the facts from `source` to `target`.")


class ImpactParams(RepositoryParams):
    """What has changed: entities by id, or everything that differs between two states."""

    ids: Ids | None = Field(default=None, description="Assume that these entities change.")
    between: Literal["unsaved", "workingTree", "staged", "commits"] | None = Field(
        default=None,
        description=(
            "unsaved: editor buffers against the disk; workingTree: disk and buffers against `base` (HEAD); "
            "staged: index against `base` (HEAD); commits: `head` against `base`."
        ),
    )
    base: str | None = Field(default=None, min_length=1, max_length=200, description="A revision; HEAD without it.")
    head: str | None = Field(default=None, min_length=1, max_length=200, description="A revision; HEAD without it.")
    depth: int | None = Field(
        default=None, ge=1, le=100, description="Facts over which staleness spreads; without a bound by default."
    )


class FieldChange(WireModel):
    """A field whose meaning changed."""

    path: JsonPath
    kind: Literal["added", "removed", "changed", "moved"] = Field(description="What happened to it.")
    old: JsonValue = Field(default=None, description="Its value before.")
    new: JsonValue = Field(default=None, description="Its value now.")


class ChangedEntity(WireModel):
    """An entity that changed."""

    id: str = Field(description="Its id; its new one if it was renamed.")
    type: str = Field(description="Its type.")
    title: str | None = Field(default=None, description="Its title or name.")
    kind: Literal["added", "removed", "renamed", "changed", "assumed"] = Field(
        description="What happened to it; `assumed` where the request says so."
    )
    fields: list[FieldChange] | None = Field(
        default=None, description="Left out where nobody knows: an assumed change, or a side that can't be parsed."
    )


class FiredRule(WireModel):
    """A consistency rule that a change sets off."""

    rule: str = Field(description="Id of the rule.")
    entity: str = Field(description="Id of the changed entity.")
    certainty: Literal["certain", "possible"] = Field(description="`possible` where the changed fields aren't known.")
    severity: SeverityName = Field(description="How much it matters.")
    reason: str = Field(description="Why it fires, for people.")
    fields: list[str] = Field(description="The fields of the rule that changed; if possible, those that it watches.")
    marks: list[str] = Field(description="Ids of the entities that it marks for review.")
    status: str = Field(description="The status that the rule asks for.")


class StaleEntity(WireModel):
    """An entity that may no longer be right."""

    entity: EntitySummary = Field(description="The entity.")
    origin: str = Field(description="Id of the change that reaches it.")
    severity: SeverityName = Field(description="How much it matters.")
    via: list[Edge] = Field(description="The facts from the change to it.")


class Issue(WireModel):
    """Something to do about one entity."""

    entity: str = Field(description="Id of the entity.")
    kind: Literal["needs-review", "dangling"] = Field(
        description="needs-review: look at it again; dangling: it names something that is gone."
    )
    severity: SeverityName = Field(description="How much it matters.")
    certainty: Literal["certain", "possible"] = Field(description="`possible` where the changed fields are not known.")
    message: str = Field(description="What is to be done, for people.")
    reason: str = Field(description="Why.")
    suggested_action: str = Field(description="How.")
    source: str = Field(description="Id of what changed.")
    rule: str | None = Field(default=None, description="Id of the rule that asks for it.")
    location: Location = Field(description="Where.")


class ImpactResult(SnapshotResult):
    """What a change breaks or makes stale."""

    changed: list[ChangedEntity] = Field(description="What changed.")
    rules: list[FiredRule] = Field(description="Rules that this sets off.")
    stale: list[StaleEntity] = Field(description="The nearest first.")
    issues: list[Issue] = Field(description="What to do about it.")


class DidChangeParams(RepositoryParams):
    """Files that changed. A client sends it to have them read again, the daemon to say that it has read them."""

    paths: list[RepositoryPath] | None = Field(
        default=None,
        max_length=100_000,
        description="The files. A client may leave them out to have all looked at; the daemon leaves them out when a "
        "document has led it to a repository below a workspace folder, which is open from now on.",
    )
    version: int | None = Field(default=None, description="The daemon's version after the change.")


METHODS = (
    Method(
        "ckit/repo/open",
        "Open a context repository and read it whole.",
        OpenParams,
        OpenResult,
        scope="open",
    ),
    Method("ckit/repo/close", "Close a repository.", CloseParams, CloseResult, scope="open"),
    Method("ckit/repo/list", "List the open repositories.", NoParams, ListResult, cost="instant"),
    Method("ckit/repo/inspect", "Describe what a repository holds and lacks.", InspectParams, InspectResult),
    Method("ckit/repo/validate", "Find everything that is wrong in a repository.", ValidateParams, ValidateResult),
    Method(
        "ckit/repo/graph", "Return the graph of entities, whole or in part.", GraphParams, GraphResult, feature="graph"
    ),
    Method("ckit/repo/paths", "Find how two entities are connected.", PathsParams, PathsResult, feature="graph"),
    Method("ckit/repo/impact", "Show what a change breaks.", ImpactParams, ImpactResult, feature="impact"),
    Method(
        "ckit/repo/didChange",
        "Files of a repository changed.",
        DidChangeParams,
        direction="both",
        kind="notification",
        scope="write",
    ),
)
