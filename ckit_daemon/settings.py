"""Every setting with its default, bounds and description; where values come from is `ckit_daemon.config`'s matter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

LogLevel = Literal["debug", "info", "warning", "error"]
Seconds = Annotated[float, Field(gt=0, le=86_400)]

REPOSITORY_MAY_SET: dict[str, JsonValue] = {"repository": True}
"""Marks settings that a repository's own file may change: none that runs code, moves files or lifts a protection."""


class Group(BaseModel):
    """Base of the groups of settings."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class LimitSettings(Group):
    """Sizes, counts and deadlines."""

    max_message_bytes: int = Field(
        default=32 * 1024 * 1024, ge=64 * 1024, le=1024**3, description="Largest message in either direction, in bytes."
    )
    max_buffered_bytes: int = Field(
        default=64 * 1024 * 1024,
        ge=1024 * 1024,
        le=4 * 1024**3,
        description="Answers that may wait for a client that does not read before the daemon stops reading too.",
    )
    max_concurrent: int = Field(default=8, ge=1, le=256, description="Requests that run at the same time.")
    max_queued: int = Field(default=2000, ge=1, le=100_000, description="Requests that may wait for a free place.")
    request_timeout_seconds: Seconds = Field(default=120.0, description="Deadline of a request, waiting included.")
    method_timeout_seconds: dict[str, Seconds] = Field(
        default_factory=lambda: {"ckit/pipeline/run": 660.0},
        description="Deadlines of single methods by name; they replace the general one.",
    )
    script_timeout_seconds: Seconds = Field(default=600.0, description="Deadline of a repository's own script.")
    probe_timeout_seconds: Seconds = Field(default=2.0, description="Deadline of each health probe.")
    probe_cache_seconds: Seconds = Field(default=10.0, description="How long what a health probe found stays valid.")
    shutdown_grace_seconds: float = Field(
        default=0.75,
        ge=0,
        le=1.0,
        description="How long requests may finish once the client has closed the connection.",
    )
    incomplete_message_seconds: Seconds = Field(
        default=1.0, description="When a message that is complete but shorter than its Content-Length is called wrong."
    )


class LogSettings(Group):
    """What is logged and where to."""

    level: LogLevel = Field(default="info", description="Lowest level that is logged.")
    format: Literal["json", "console"] = Field(
        default="json", description="One JSON object a line, or text for people."
    )
    file: str = Field(
        default="", max_length=4096, description="File that the log is appended to; empty: standard error."
    )


class PathSettings(Group):
    """Folders of the daemon's own files."""

    cache_dir: str = Field(default="", max_length=4096, description="Cache folder; empty: the platform's.")
    state_dir: str = Field(default="", max_length=4096, description="State folder; empty: the platform's.")

    def cache(self) -> Path:
        """Return the cache folder, which may not exist yet."""
        if self.cache_dir:
            return Path(self.cache_dir)
        import platformdirs  # noqa: PLC0415 - only needed once a folder is, never during start-up.

        return platformdirs.user_cache_path("ckit", appauthor=False)

    def state(self) -> Path:
        """Return the state folder, which may not exist yet."""
        if self.state_dir:
            return Path(self.state_dir)
        import platformdirs  # noqa: PLC0415 - as above.

        return platformdirs.user_state_path("ckit", appauthor=False)


class RepositorySettings(Group):
    """How context repositories are read."""

    max_file_bytes: int = Field(
        default=5 * 1024 * 1024,
        ge=1024,
        le=256 * 1024 * 1024,
        description="Largest file that is read from a repository, in bytes.",
        json_schema_extra=REPOSITORY_MAY_SET,
    )
    max_files: int = Field(
        default=200_000, ge=1, le=10_000_000, description="Most files that a repository may hold in its source folders."
    )
    cache: bool = Field(default=True, description="Keep what was parsed, so that the next start is faster.")


class FeatureSettings(Group):
    """Capabilities that can be switched off; one that is off disappears from the capabilities."""

    graph: bool = Field(default=True, description="Graphs of entities and paths through them.")
    impact: bool = Field(default=True, description="What a change breaks.")
    edits: bool = Field(default=True, description="Methods that change files of a repository.")
    prompts: bool = Field(default=True, description="Rendering of prompts.")
    pipelines: bool = Field(default=True, description="Pipelines, native and scripted.")
    scripts: bool = Field(default=True, description="Running the repository's own scripts, in trusted workspaces only.")


class Settings(BaseModel):
    """All settings in force."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    limits: LimitSettings = LimitSettings()
    log: LogSettings = LogSettings()
    paths: PathSettings = PathSettings()
    repository: RepositorySettings = RepositorySettings()
    features: FeatureSettings = FeatureSettings()

    def enabled(self, feature: str | None) -> bool:
        """Return whether a feature flag is on; None stands for what has no flag."""
        return feature is None or bool(getattr(self.features, feature))
