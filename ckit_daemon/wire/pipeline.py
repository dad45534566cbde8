"""Methods about pipelines: the work that repositories used to do with Node scripts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from ckit_daemon.wire.base import Result, WireModel
from ckit_daemon.wire.common import EntityId, RepositoryParams
from ckit_daemon.wire.row import Method

EngineName = Literal["native", "script"]


class ListParams(RepositoryParams):
    """Whose pipelines to list."""


class Pipeline(WireModel):
    """A pipeline and whether it can run now."""

    name: str = Field(description="What to run it by.")
    engine: EngineName = Field(description="native: built in; script: of `package.json`.")
    description: str = Field(description="What it does; of a script, its command line.")
    available: bool = Field(description="Whether it can run now.")
    reason: str | None = Field(default=None, description="Why it can't run, and what to do.")


class ListResult(Result):
    """The built-in pipelines, then the scripts of `package.json`."""

    pipelines: list[Pipeline] = Field(description="All of them.")


class RunParams(RepositoryParams):
    """Which pipeline to run."""

    name: str = Field(min_length=1, max_length=200, description="Name of a built-in pipeline or a script.")
    engine: EngineName = Field(default="native", description="native: built in; script: of `package.json`.")
    ids: list[EntityId] | None = Field(
        default=None, max_length=1000, description="Entities for impact (at least one) and generate (all without it)."
    )
    args: list[Annotated[str, Field(max_length=4096)]] | None = Field(
        default=None, max_length=100, description="Arguments for a script."
    )
    now: str | None = Field(
        default=None,
        max_length=100,
        description="generate: the time to write into prompts; the current time (UTC) without it.",
    )
    absolute_paths: bool = Field(
        default=False, description="generate: write absolute paths into prompts, as the old scripts did."
    )
    dry_run: bool = Field(default=False, description="Engine native: don't write the generated files.")
    confirm: bool = Field(
        default=False, description="Engine script: the person has seen the command line and wants it to run."
    )


class RunResult(Result):
    """What a pipeline returned."""

    name: str = Field(description="What ran.")
    engine: EngineName = Field(description="What ran it.")
    ok: bool = Field(description="Whether it succeeded.")
    output: JsonValue = Field(default=None, description="The pipeline's JSON; of a script, if it printed any.")
    command: list[str] | None = Field(default=None, description="The command line of a script.")
    note: str | None = Field(default=None, description="Why another program ran the script than the one asked for.")
    exit_code: int | None = Field(default=None, description="Exit code of a script.")
    stdout: str | None = Field(default=None, description="The end of what a script printed.")
    stderr: str | None = Field(default=None, description="The end of what a script printed as errors.")
    truncated: bool = Field(default=False, description="Whether the script printed more than is shown.")
    duration_ms: float = Field(description="How long it took, in milliseconds.")


METHODS = (
    Method("ckit/pipeline/list", "List the pipelines.", ListParams, ListResult, feature="pipelines"),
    Method("ckit/pipeline/run", "Run a pipeline.", RunParams, RunResult, scope="write", feature="pipelines"),
)
