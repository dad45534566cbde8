"""Parts that messages of several namespaces share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, JsonValue, WithJsonSchema, model_serializer

from ckit_daemon.wire.base import Params, Result, WireModel, WorkDone

EntityId = Annotated[str, Field(min_length=1, max_length=200, description="Id of an entity, e.g. `FEAT-001`.")]
TypeName = Annotated[str, Field(min_length=1, max_length=100, description="Entity type, e.g. `feature`.")]
RepositoryPath = Annotated[
    str, Field(min_length=1, max_length=4096, description="Path relative to the repository, with forward slashes.")
]
SeverityName = Literal["error", "warning", "information", "hint"]
Direction = Literal["out", "in", "both"]
JsonPath = Annotated[
    list[str | int], Field(max_length=64, description="Map keys and list indexes from the root of the document.")
]


class RepositoryParams(Params, WorkDone):
    """Parameters of a method about one open repository."""

    repository: str | None = Field(
        default=None,
        max_length=4096,
        description="Id, path or file URI of an open repository; may be left out while only one is open.",
    )

    def scope_key(self) -> str:
        """Return the repository, so that work on different ones may overlap."""
        return self.repository or ""


class SnapshotResult(Result):
    """Base of the answers about one state of a repository."""

    version: int = Field(description="Version of the repository that the answer is about.")


class Page(WireModel):
    """Which part of a list to return."""

    offset: int = Field(default=0, ge=0, le=10_000_000, description="Items to leave out at the beginning.")
    limit: int = Field(default=1000, ge=1, le=10_000, description="Items to return at the most.")


class Position(WireModel):
    """A place in a document (LSP 3.17): 0-based line, and character in units of the negotiated encoding."""

    line: int = Field(description="0-based.")
    character: int = Field(description="0-based, in units of the negotiated encoding.")


class Range(WireModel):
    """A half-open stretch of a document (LSP 3.17)."""

    start: Position = Field(description="First position.")
    end: Position = Field(description="The position after the last one.")


class Location(WireModel):
    """A range in a file of the repository."""

    path: RepositoryPath
    range: Range = Field(description="Where in the file.")


class Related(WireModel):
    """A second place that explains a finding."""

    location: Location = Field(description="The other place.")
    message: str = Field(description="What it has to do with the finding.")


class Fix(WireModel):
    """What would mend a finding."""

    title: str = Field(description="What it does, for people.")
    file: RepositoryPath | None = Field(default=None, description="Another file than the finding's.")
    path: JsonPath | None = Field(
        default=None, description="Where the value belongs; an index one past the end of a list appends."
    )
    value: JsonValue = Field(default=None, description="The value to put there.")
    creates: str | None = Field(default=None, description="Id of an entity to be made instead.")
    removes: JsonPath | None = Field(default=None, description="What is to be taken away instead.")
    renames: JsonPath | None = Field(default=None, description="A key whose name is to be the value instead.")


class Finding(WireModel):
    """Something a person should know about the repository."""

    code: str = Field(description="Stable code, e.g. `reference.unresolved`.")
    severity: SeverityName = Field(description="How much it matters.")
    message: str = Field(description="What is wrong, for people.")
    location: Location = Field(description="Where it is.")
    entity: str | None = Field(default=None, description="Id of the entity that it is about.")
    field: JsonPath | None = Field(default=None, description="Path of the value that it is about.")
    related: list[Related] = Field(default_factory=list[Related], description="Other places that explain it.")
    fixes: list[Fix] = Field(default_factory=list[Fix], description="What would mend it, the most likely first.")


class EntitySummary(WireModel):
    """One entity in a list."""

    id: str = Field(description="Its id.")
    type: str = Field(description="Its type, e.g. `feature`.")
    title: str | None = Field(default=None, description="Its title or name.")
    status: str | None = Field(default=None, description="Its status.")
    path: RepositoryPath


class Statement(WireModel):
    """A place that states a fact."""

    entity: str = Field(description="Id of the entity that states it.")
    location: Location = Field(description="Where it states it.")


@dataclass(slots=True)
class Edge:
    """A fact between two entities, in the direction of its relation."""

    # A big graph has tens of thousands of them, and making models, or frozen ones of
    # these, takes several times as long.
    __pydantic_config__ = WireModel.model_config

    source: Annotated[str, Field(description="Id of the entity that the fact starts from.")]
    target: Annotated[str, Field(description="Id of the entity that it leads to.")]
    rel: Annotated[str, Field(description="Name of the relation, e.g. `has-story`.")]
    statements: Annotated[list[Statement] | None, Field(description="Given where the request asks for them.")] = None


class TextEdit(WireModel):
    """A replacement in a document (LSP 3.17)."""

    range: Range = Field(description="What is replaced.")
    new_text: str = Field(description="What stands there afterwards.")


DocumentWithNullableVersion = Annotated[
    dict[str, str | int | None],
    WithJsonSchema(
        {
            "title": "VersionedDocument",
            "type": "object",
            "properties": {
                "uri": {"type": "string", "description": "The file."},
                "version": {
                    "anyOf": [{"type": "integer"}, {"type": "null"}],
                    "description": "Version of the open document that the edit was made for; null: the file on disk.",
                },
            },
            "required": ["uri", "version"],
            "additionalProperties": False,
        }
    ),
]


class VersionedDocument(WireModel):
    """The document that edits are for (LSP 3.17, OptionalVersionedTextDocumentIdentifier)."""

    uri: str = Field(description="The file.")
    version: int | None = Field(
        default=None, description="Version of the open document that the edit was made for; null: the file on disk."
    )

    @model_serializer(mode="plain")
    def _with_null_version(self) -> DocumentWithNullableVersion:
        # LSP requires `version` to be present and null for a document whose content on disk is meant.
        return {"uri": self.uri, "version": self.version}


class TextDocumentEdit(WireModel):
    """Edits of one document (LSP 3.17)."""

    text_document: VersionedDocument = Field(description="Which document.")
    edits: list[TextEdit] = Field(description="Edits that do not overlap, all of them about the text as it was.")


class CreateFile(WireModel):
    """A file to be made (LSP 3.17)."""

    kind: Literal["create"] = Field(default="create", description="Which kind of change it is.")
    uri: str = Field(description="The new file.")


class RenameFile(WireModel):
    """A file to be renamed (LSP 3.17)."""

    kind: Literal["rename"] = Field(default="rename", description="Which kind of change it is.")
    old_uri: str = Field(description="The file as it is called.")
    new_uri: str = Field(description="Its new name.")


class DeleteFile(WireModel):
    """A file to be removed (LSP 3.17)."""

    kind: Literal["delete"] = Field(default="delete", description="Which kind of change it is.")
    uri: str = Field(description="The file to remove.")


class WorkspaceEdit(WireModel):
    """Changes that a client can show and apply (LSP 3.17)."""

    document_changes: list[TextDocumentEdit | CreateFile | RenameFile | DeleteFile] = Field(
        description="To be carried out in this order."
    )
