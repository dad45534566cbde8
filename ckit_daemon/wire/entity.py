"""Methods about entities: reading, finding and changing them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from ckit_daemon.wire.base import PartialResult, Result, WireModel
from ckit_daemon.wire.common import (
    Direction,
    EntityId,
    EntitySummary,
    Finding,
    JsonPath,
    Location,
    Page,
    Range,
    RepositoryParams,
    RepositoryPath,
    SnapshotResult,
    Statement,
    TypeName,
    WorkspaceEdit,
)
from ckit_daemon.wire.row import Method

Types = Annotated[list[TypeName], Field(min_length=1, max_length=100)]


class GetParams(RepositoryParams):
    """Which entity to return."""

    id: EntityId
    text: bool = Field(default=False, description="Return the file's text as well.")


class Relation(WireModel):
    """A fact as seen from one entity."""

    rel: str = Field(description="Name of the relation, e.g. `has-story`.")
    direction: Direction = Field(description="`out` where the entity is the fact's source.")
    entity: EntitySummary = Field(description="The other end.")
    statements: list[Statement] = Field(description="The places that state it.")


class GetResult(SnapshotResult):
    """One entity with all that the repository knows about it."""

    entity: EntitySummary = Field(description="The entity.")
    data: dict[str, JsonValue] = Field(description="The document as read.")
    location: Location = Field(description="Where the entity states its id.")
    relations: list[Relation] = Field(description="Facts in which it takes part.")
    findings: list[Finding] = Field(description="Findings about it.")
    duplicates: list[RepositoryPath] = Field(description="Other files that claim the same id.")
    text: str | None = Field(default=None, description="The file's text, where the request asks for it.")


class ListParams(RepositoryParams, Page, PartialResult):
    """Which entities to list."""

    types: Types | None = Field(default=None, description="These types only.")
    statuses: list[str] | None = Field(default=None, min_length=1, max_length=100, description="These statuses only.")


class ListResult(SnapshotResult):
    """Entities, by type and file."""

    total: int = Field(description="Entities that fit.")
    entities: list[EntitySummary] = Field(description="A page of them.")
    next_offset: int | None = Field(default=None, description="Where the next page begins, if there is one.")


class SearchParams(RepositoryParams, Page):
    """What to look for."""

    query: str = Field(
        max_length=1000,
        description='Words, "phrases", -excluded words, field:value (`status:blocked`, `owner:@mei`); all if empty.',
    )
    types: Types | None = Field(default=None, description="These types only.")
    statuses: list[str] | None = Field(default=None, min_length=1, max_length=100, description="These statuses only.")
    fields: list[str] | None = Field(
        default=None, min_length=1, max_length=100, description="Look in these fields only, e.g. `title`."
    )
    limit: int = Field(default=20, ge=1, le=1000, description="Entities to return at the most.")


class Match(WireModel):
    """A place in an entity that fits the query."""

    field: JsonPath = Field(description="Path of the value that it is in.")
    excerpt: str = Field(description="The text around the match.")
    start: int = Field(description="Where the match begins in the excerpt, in code points.")
    end: int = Field(description="Where it ends in the excerpt, in code points.")
    range: Range = Field(description="Where the match stands in the file.")


class SearchHit(WireModel):
    """An entity that fits the query."""

    entity: EntitySummary = Field(description="The entity.")
    score: float = Field(description="Comparable within one answer only.")
    matches: list[Match] = Field(description="Where it fits.")


class SearchResult(SnapshotResult):
    """Entities that fit, the best first."""

    total: int = Field(description="Entities that fit.")
    hits: list[SearchHit] = Field(description="A page of them.")
    next_offset: int | None = Field(default=None, description="Where the next page begins, if there is one.")


class EditParams(RepositoryParams):
    """Parameters of a method that changes files."""

    apply: bool = Field(default=False, description="Write the files; otherwise only show what would change.")


class EditResult(Result):
    """A change: as an edit that a client can apply, and as a diff that a person can read."""

    id: str = Field(description="Id of the entity after the change.")
    path: RepositoryPath | None = Field(default=None, description="Its file after the change; none if it is gone.")
    applied: bool = Field(description="Whether the files are written.")
    edit: WorkspaceEdit = Field(description="The change for a client to show or apply.")
    diff: str = Field(description="Unified diff of all files.")
    files: list[RepositoryPath] = Field(description="The files that change.")
    warnings: list[str] = Field(description="What a person should know about it.")
    version: int = Field(description="Version of the repository afterwards.")


class CreateParams(EditParams):
    """The entity to make."""

    type: TypeName
    id: EntityId | None = Field(default=None, description="The next free id without it.")
    data: dict[str, JsonValue] | None = Field(default=None, description="Fields of the entity, without its id.")
    template: str | None = Field(
        default=None, min_length=1, max_length=200, description="Name of a builder template to start from."
    )
    values: dict[str, JsonValue] | None = Field(default=None, description="Values for the template's placeholders.")
    link: bool = Field(default=True, description="Write the reverse side of every link as well.")
    allow_invalid: bool = Field(default=False, description="Make it although it breaks its schema.")


class SetValue(WireModel):
    """Put a value at a path."""

    path: JsonPath
    value: JsonValue = Field(description="The new value.")


class AppendValue(WireModel):
    """Append a value to the list at a path."""

    path: JsonPath
    append: JsonValue = Field(description="The new last item.")


class InsertValue(WireModel):
    """Insert a value into a list, before the item at a path."""

    path: JsonPath
    insert: JsonValue = Field(description="The new item.")


class RemoveValue(WireModel):
    """Remove the key or item at a path."""

    path: JsonPath
    remove: Literal[True] = Field(description="Tells this change from the others.")


class EditEntityParams(EditParams):
    """Parameters of a method that changes one entity."""

    id: EntityId
    file: RepositoryPath | None = Field(default=None, description="Which file, where several claim the id.")


class UpdateParams(EditEntityParams):
    """Changes to one entity, made in their order."""

    changes: list[SetValue | AppendValue | InsertValue | RemoveValue] = Field(
        min_length=1, max_length=1000, description="What to change; each sees what the ones before it have done."
    )
    allow_invalid: bool = Field(default=False, description="Make them although the entity then breaks its schema.")


class RenameParams(EditEntityParams):
    """The new id of an entity."""

    new_id: EntityId


class DeleteParams(EditEntityParams):
    """The entity to remove."""

    references: Literal["refuse", "remove"] = Field(
        default="refuse", description="refuse: fail while others name it; remove: take it out of them."
    )


METHODS = (
    Method("ckit/entity/get", "Return one entity with its relations and findings.", GetParams, GetResult),
    Method("ckit/entity/list", "List entities.", ListParams, ListResult),
    Method("ckit/entity/search", "Find entities by id, title, text and fields.", SearchParams, SearchResult),
    Method("ckit/entity/create", "Make a new entity.", CreateParams, EditResult, scope="write", feature="edits"),
    Method(
        "ckit/entity/update", "Change fields of an entity.", UpdateParams, EditResult, scope="write", feature="edits"
    ),
    Method(
        "ckit/entity/rename",
        "Give an entity a new id, everywhere.",
        RenameParams,
        EditResult,
        scope="write",
        feature="edits",
    ),
    Method("ckit/entity/delete", "Remove an entity.", DeleteParams, EditResult, scope="write", feature="edits"),
)
