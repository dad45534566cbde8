"""What all generated things share, the method that makes entities, and the one that says where something came from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from ckit_daemon.wire.base import PartialResult, ProgressToken, Result, WireModel
from ckit_daemon.wire.common import EntityId, RepositoryParams, RepositoryPath, TypeName, WorkspaceEdit
from ckit_daemon.wire.provider import ModelReference
from ckit_daemon.wire.row import Method
from ckit_daemon.wire.session import Failure, Timestamp, Usage

GenerationId = Annotated[str, Field(min_length=1, max_length=64, description="Id of a generation.")]


class ModelOptions(WireModel):
    """Mixin for parameters of methods that ask a model."""

    model: ModelReference | None = Field(default=None, description="The settings' one for generation without it.")
    temperature: float | None = Field(default=None, ge=0, le=2, description="As the settings say without it.")
    max_output_tokens: int | None = Field(
        default=None, ge=1, le=1_000_000, description="As the settings say without it."
    )
    bypass_cache: bool = Field(default=False, description="Ask the model even if an answer is kept.")


class TextStream(PartialResult):
    """Mixin for parameters of methods that stream text while it is written."""

    partial_result_token: ProgressToken | None = Field(
        default=None,
        description="Token under which text is streamed with `$/progress`, as lists of `{text}`; the final answer "
        "holds the whole text all the same, and counts.",
    )


class TextPart(WireModel):
    """More of a text that is being written."""

    text: str = Field(description="To be put behind what came before.")


class Answered(WireModel):
    """Which model answered, and what it took."""

    provider: str = Field(description="Who answered; `offline` is no language model.")
    model: str = Field(description="The model that answered.")
    cached: bool = Field(default=False, description="The answer came from the daemon's own cache.")
    usage: Usage = Field(description="What all calls took.")


class GeneratedChange(Result):
    """Generated files: as an edit that a client can apply, and as a diff that a person can read."""

    generation_id: GenerationId
    answered: Answered = Field(description="Where it came from.")
    applied: bool = Field(description="Whether the files are written; `ckit/code/apply` writes them later.")
    edit: WorkspaceEdit = Field(description="The change for a client to show or apply.")
    diff: str = Field(description="Unified diff of all files.")
    files: list[RepositoryPath] = Field(description="The files that change.")
    warnings: list[str] = Field(description="What a person should know about it.")
    version: int = Field(description="Version of the repository afterwards.")


class EntityChange(GeneratedChange):
    """A generated entity."""

    id: EntityId
    path: RepositoryPath
    data: dict[str, JsonValue] = Field(description="The entity; it fits the repository's schema.")
    repairs: int = Field(description="How often the model had to mend its answer.")


class GenerateParams(RepositoryParams, ModelOptions):
    """The entity to make up."""

    type: TypeName
    request: str = Field(min_length=1, max_length=100_000, description="What it is to be, in a person's words.")
    feature: EntityId | None = Field(default=None, description="The feature that it belongs to.")
    id: EntityId | None = Field(default=None, description="The next free id without it.")
    max_repairs: int | None = Field(
        default=None, ge=0, le=10, description="How often the model may mend its answer; as the settings say without."
    )
    apply: bool = Field(default=False, description="Write the files; otherwise only show what would change.")


class ExplainParams(RepositoryParams):
    """What to explain: one of the two."""

    id: GenerationId | None = Field(default=None, description="The generation.")
    entity: EntityId | None = Field(default=None, description="What the newest generation of this entity was.")


class Input(WireModel):
    """Something that a generation was made from."""

    kind: Literal["entity", "file"] = Field(description="What it is.")
    id: str | None = Field(default=None, description="Id of the entity.")
    path: RepositoryPath
    sha256: str = Field(description="Hash of the file's text at that time.")
    reason: str | None = Field(default=None, description="Why it was used, for people; older records don't say.")
    state: Literal["fresh", "changed", "gone"] = Field(description="What became of it since.")


class UsedTemplate(WireModel):
    """The template that gave the form."""

    name: str = Field(description="Its name.")
    path: RepositoryPath | None = Field(default=None, description="Its file; nothing for the daemon's own ones.")
    sha256: str = Field(description="Hash of its text at that time.")
    state: Literal["fresh", "changed", "gone"] = Field(description="What became of it since.")


class WrittenFile(WireModel):
    """A file that a generation makes or changes."""

    path: RepositoryPath
    sha256: str = Field(description="Hash of the generated text.")
    state: Literal["written", "changed", "gone", "pending", "undone"] = Field(
        description="pending: not written yet; changed: somebody edited it since."
    )


class Generation(WireModel):
    """Where something generated came from."""

    id: GenerationId
    kind: Literal["spec", "prompt", "code", "entity"] = Field(description="What was made.")
    outcome: Literal["succeeded", "failed", "cancelled"] = Field(description="How it ended.")
    failure: Failure | None = Field(default=None, description="Why it failed.")
    repository: str = Field(description="Id of the repository.")
    entity: str | None = Field(default=None, description="Id of the entity that was made or that it is about.")
    created_at: Timestamp
    duration_ms: float = Field(description="How long it took, in milliseconds.")
    request_id: str = Field(description="Id of the request, as in logs and in the provider's headers.")
    parameters: dict[str, JsonValue] = Field(description="What was asked for.")
    provider: str | None = Field(default=None, description="Who answered; nothing where no model was asked.")
    model: str | None = Field(default=None, description="The model that answered.")
    cached: bool = Field(default=False, description="The answer came from the daemon's own cache.")
    usage: Usage = Field(description="What all calls took.")
    repairs: int = Field(description="How often the model had to mend its answer.")
    template: UsedTemplate | None = Field(default=None, description="The template that gave the form.")
    inputs: list[Input] = Field(description="What it was made from.")
    files: list[WrittenFile] = Field(description="What it makes or changes.")


class ExplainResult(Result):
    """Where something came from, and whether that still holds."""

    generation: Generation = Field(description="The generation.")
    fresh: bool = Field(description="Whether all inputs and the template are what they were.")


METHODS = (
    Method(
        "ckit/entity/generate",
        "Have a model make up an entity that fits the repository's schema.",
        GenerateParams,
        EntityChange,
        cost="model",
        feature="generation",
    ),
    Method(
        "ckit/generation/explain",
        "Say what something generated was made from, and whether that has changed since.",
        ExplainParams,
        ExplainResult,
        feature="generation",
    ),
)
