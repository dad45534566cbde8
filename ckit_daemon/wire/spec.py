"""Methods that write specifications, make prompts of them, and read the log of both."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from ckit_daemon.wire.base import Result, WireModel
from ckit_daemon.wire.common import EntityId, Page, RepositoryParams, RepositoryPath
from ckit_daemon.wire.generation import EntityChange, GenerationId, ModelOptions, TextStream
from ckit_daemon.wire.provider import ModelReference  # noqa: TC001 - pydantic reads the annotations.
from ckit_daemon.wire.row import Method

LogId = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[a-z0-9-]+$", description="Id of a log entry.")]
RequestType = Literal["inspect", "spec-generate", "promptify", "codegen"]
LogStatus = Literal["success", "failure", "partial"]


class GenerateParams(RepositoryParams, ModelOptions, TextStream):
    """What the specification is about; entities, a requirement or both."""

    entities: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default=[], max_length=50, description="Ids of entities that it is about."
    )
    requirement: str | None = Field(
        default=None, min_length=1, max_length=100_000, description="What must be true, in a person's words."
    )
    template: str = Field(
        default="default",
        min_length=1,
        max_length=200,
        description="`default`, `api`, `feature`, a template of `.context-kit/prompts.yml` or a builder template.",
    )
    context: bool = Field(
        default=False, description="Add what a search finds for the requirement to the entities and their neighbours."
    )
    id: EntityId | None = Field(default=None, description="The next free id without it.")
    apply: bool = Field(default=False, description="Write the files; otherwise only show what would change.")


class GenerateResult(EntityChange):
    """A specification: as text, as an entity linked both ways, and as an entry of the log."""

    markdown: str = Field(description="The whole text, in Markdown.")
    log_path: RepositoryPath = Field(description="File of the log entry, which is part of the change.")


class PromptifyParams(RepositoryParams):
    """What to make a prompt of: one of `id` and `text`."""

    id: EntityId | None = Field(default=None, description="The specification.")
    text: str | None = Field(
        default=None, min_length=1, max_length=500_000, description="The text of a specification that isn't saved."
    )
    target: str = Field(
        default="codegen",
        min_length=1,
        max_length=200,
        description="`codegen`, `review`, `test`, or a template of `.context-kit/prompts.yml`.",
    )
    max_tokens: int = Field(default=8000, ge=200, le=1_000_000, description="Most tokens that the prompt may have.")
    model: ModelReference | None = Field(
        default=None, description="Whose tokens to count; of the settings' one for generation without it."
    )
    log: bool = Field(default=False, description="Write an entry to the repository's log.")


class Receipt(WireModel):
    """What became of one part that could go into the prompt."""

    part: Literal[
        "instructions",
        "specification",
        "feature",
        "story",
        "constitution",
        "stack",
        "domain",
        "project",
        "guidance",
        "neighbour",
    ] = Field(description="What it is for the prompt.")
    title: str = Field(description="What it is, for people.")
    id: str | None = Field(default=None, description="Id of the entity.")
    path: RepositoryPath | None = Field(default=None, description="The file that it was read from.")
    state: Literal["whole", "cut", "left-out"] = Field(description="How much of it is in the prompt.")
    tokens: int = Field(description="Tokens of it in the prompt.")
    of_tokens: int = Field(description="Tokens of all of it.")
    reason: str = Field(description="Why it is there, or why not.")


class PromptifyResult(Result):
    """A prompt within its budget, and what went into it."""

    generation_id: GenerationId
    prompt: str = Field(description="The prompt, in Markdown.")
    target: str = Field(description="What it is for.")
    tokens: int = Field(description="Tokens of the prompt.")
    max_tokens: int = Field(description="The most that it may have.")
    estimated: bool = Field(description="The counts are ours, because the model's tokenizer isn't known.")
    receipts: list[Receipt] = Field(description="Every part that was considered, the most important first.")
    warnings: list[str] = Field(description="What a person should know about it.")
    log_path: RepositoryPath | None = Field(default=None, description="File of the log entry, if one was written.")


class LogListParams(RepositoryParams, Page):
    """Which entries to list."""

    entity: EntityId | None = Field(default=None, description="About this entity only.")
    request_type: RequestType | None = Field(default=None, description="Of this kind only.")
    status: LogStatus | None = Field(default=None, description="With this outcome only.")


class LogSummary(WireModel):
    """One entry in a list."""

    id: str = Field(description="What to get it by.")
    path: RepositoryPath
    timestamp: str | None = Field(default=None, description="ISO 8601.")
    request_type: str | None = Field(default=None, description="What was asked for.")
    status: str | None = Field(default=None, description="How it ended.")
    spec_id: str | None = Field(default=None, description="Id of the specification that came out.")
    entities: list[str] = Field(description="Ids of the entities that it is about.")
    problems: list[str] = Field(description="How the file breaks its schema or JSON itself; nobody else checks it.")


class LogListResult(Result):
    """Entries, the newest first."""

    total: int = Field(description="Entries that fit.")
    entries: list[LogSummary] = Field(description="A page of them.")
    next_offset: int | None = Field(default=None, description="Where the next page begins, if there is one.")


class LogGetParams(RepositoryParams):
    """Which entry to return."""

    id: LogId


class LogGetResult(Result):
    """An entry as it is in its file."""

    summary: LogSummary = Field(description="The entry in short.")
    entry: JsonValue = Field(description="What the file says; null where it is no JSON.")


METHODS = (
    Method(
        "ckit/spec/generate",
        "Have a model write a specification, streamed as Markdown, then an entity and a log entry.",
        GenerateParams,
        GenerateResult,
        cost="model",
        feature="generation",
    ),
    Method(
        "ckit/spec/promptify",
        "Turn a specification into a prompt within a token budget, with receipts.",
        PromptifyParams,
        PromptifyResult,
        feature="generation",
    ),
    Method("ckit/specLog/list", "List the log of generations.", LogListParams, LogListResult, feature="generation"),
    Method("ckit/specLog/get", "Return one entry of that log.", LogGetParams, LogGetResult, feature="generation"),
)
