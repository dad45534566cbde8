"""Methods about prompts."""

from __future__ import annotations

from pydantic import Field

from ckit_daemon.wire.base import Result
from ckit_daemon.wire.common import EntityId, RepositoryParams, RepositoryPath
from ckit_daemon.wire.row import Method


class RenderParams(RepositoryParams):
    """For which entity to render a prompt."""

    id: EntityId
    template: str | None = Field(
        default=None, min_length=1, max_length=200, description="Name of a prompt template; the type's own without it."
    )
    now: str | None = Field(
        default=None, max_length=100, description="The time to write into it; the current time (UTC) without it."
    )
    write: bool = Field(default=False, description="Write prompt and checklist under `generated/prompts/`.")


class RenderResult(Result):
    """A rendered prompt with its checklist."""

    id: str = Field(description="Id of the entity.")
    template: RepositoryPath = Field(description="The template.")
    prompt: str = Field(description="The prompt, in Markdown.")
    checklist: str | None = Field(default=None, description="None where the repository has no checklist template.")
    prompt_path: RepositoryPath = Field(description="Where the prompt belongs.")
    checklist_path: RepositoryPath = Field(description="Where the checklist belongs.")
    written: bool = Field(description="Whether the files were written.")


METHODS = (
    Method(
        "ckit/prompt/render",
        "Render the prompt of an entity from the repository's templates.",
        RenderParams,
        RenderResult,
        scope="write",
        feature="prompts",
    ),
)
