"""Methods that generate code from a specification, write it, and take that back."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ckit_daemon.wire.base import Result, WireModel
from ckit_daemon.wire.common import EntityId, RepositoryParams, RepositoryPath
from ckit_daemon.wire.generation import GeneratedChange, GenerationId, ModelOptions
from ckit_daemon.wire.row import Method
from ckit_daemon.wire.session import SessionId  # noqa: TC001 - pydantic reads the annotations.

Paths = Annotated[list[RepositoryPath], Field(min_length=1, max_length=200)]


class GenerateParams(RepositoryParams, ModelOptions):
    """What to build, and how."""

    spec: EntityId
    language: str | None = Field(
        default=None, min_length=1, max_length=60, description="As `.context-kit/stack.yml` says without it."
    )
    framework: str | None = Field(default=None, min_length=1, max_length=200, description="What to build it with.")
    style_guide: str | None = Field(
        default=None, min_length=1, max_length=50_000, description="How the code is to look."
    )
    folder: RepositoryPath | None = Field(default=None, description="Where the files belong, if anywhere special.")
    max_tokens: int = Field(default=16_000, ge=500, le=1_000_000, description="Most tokens of material for the model.")


class Artifact(WireModel):
    """A generated file."""

    path: RepositoryPath
    content: str = Field(description="Its whole text.")
    language: str = Field(description="What it is written in.")
    purpose: str = Field(description="What it is for.")
    exists: bool = Field(description="Whether there is such a file already, which would be replaced.")


class GenerateResult(GeneratedChange):
    """Generated files; none is written before `ckit/code/apply`."""

    artifacts: list[Artifact] = Field(description="The files.")


class ApplyParams(RepositoryParams):
    """What to write."""

    generation_id: GenerationId
    paths: Paths | None = Field(default=None, description="Only these files; all of them without it.")
    session_id: SessionId | None = Field(default=None, description="Whose approvals hold.")


class ChangedFiles(Result):
    """Files that were changed."""

    generation_id: GenerationId
    files: list[RepositoryPath] = Field(description="The files.")
    diff: str = Field(description="Unified diff of all of them.")
    version: int = Field(description="Version of the repository afterwards.")


class UndoParams(RepositoryParams):
    """What to take back."""

    generation_id: GenerationId


METHODS = (
    Method(
        "ckit/code/generate",
        "Have a model write the code of a specification; nothing is written to disk.",
        GenerateParams,
        GenerateResult,
        cost="model",
        feature="generation",
    ),
    Method(
        "ckit/code/apply",
        "Write generated files, after an approval that shows the diff; all of them or none.",
        ApplyParams,
        ChangedFiles,
        cost="model",
        feature="generation",
    ),
    Method(
        "ckit/code/undo",
        "Take back what was written, unless somebody changed the files since.",
        UndoParams,
        ChangedFiles,
        scope="write",
        feature="generation",
    ),
)
