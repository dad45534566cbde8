"""Every setting with its default, bounds and description; where values come from is `ckit_daemon.config`'s matter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

LogLevel = Literal["debug", "info", "warning", "error"]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]

REPOSITORY_MAY_SET: dict[str, bool] = {"repository": True}
"""Marks settings that a repository's own file may change: none that runs code, moves files or lifts a protection."""


# The wire has pydantic models; settings are needed before it, and msgspec is there in a tenth of pydantic's time.
class Group(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="camel"):
    """Base of the groups of settings; names are camelCase outside of Python."""


class LimitSettings(Group, frozen=True):
    """Sizes, counts and deadlines."""

    max_message_bytes: Annotated[
        int, Meta(ge=64 * 1024, le=1024**3, description="Largest message in either direction, in bytes.")
    ] = 32 * 1024 * 1024
    max_buffered_bytes: Annotated[
        int,
        Meta(
            ge=1024 * 1024,
            le=4 * 1024**3,
            description="Answers that may wait for a client that does not read before the daemon stops reading too.",
        ),
    ] = 64 * 1024 * 1024
    max_concurrent: Annotated[int, Meta(ge=1, le=256, description="Requests that run at the same time.")] = 8
    max_queued: Annotated[int, Meta(ge=1, le=100_000, description="Requests that may wait for a free place.")] = 2000
    request_timeout_seconds: Annotated[Seconds, Meta(description="Deadline of a request, waiting included.")] = 120.0
    method_timeout_seconds: Annotated[
        dict[str, Seconds], Meta(description="Deadlines of single methods by name; they replace the general one.")
    ] = field(default_factory=lambda: {"ckit/pipeline/run": 660.0})
    script_timeout_seconds: Annotated[Seconds, Meta(description="Deadline of a repository's own script.")] = 600.0
    probe_timeout_seconds: Annotated[Seconds, Meta(description="Deadline of each health probe.")] = 2.0
    probe_cache_seconds: Annotated[Seconds, Meta(description="How long what a health probe found stays valid.")] = 10.0
    shutdown_grace_seconds: Annotated[
        float, Meta(ge=0, le=1.0, description="How long requests may finish once the client has closed the connection.")
    ] = 0.75
    incomplete_message_seconds: Annotated[
        Seconds,
        Meta(description="When a message that is complete but shorter than its Content-Length is called wrong."),
    ] = 1.0


class LogSettings(Group, frozen=True):
    """What is logged and where to."""

    level: Annotated[LogLevel, Meta(description="Lowest level that is logged.")] = "info"
    format: Annotated[Literal["json", "console"], Meta(description="One JSON object a line, or text for people.")] = (
        "json"
    )
    file: Annotated[
        str, Meta(max_length=4096, description="File that the log is appended to; empty: standard error.")
    ] = ""


class PathSettings(Group, frozen=True):
    """Folders of the daemon's own files."""

    cache_dir: Annotated[str, Meta(max_length=4096, description="Cache folder; empty: the platform's.")] = ""
    state_dir: Annotated[str, Meta(max_length=4096, description="State folder; empty: the platform's.")] = ""

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


class RepositorySettings(Group, frozen=True):
    """How context repositories are read."""

    max_file_bytes: Annotated[
        int,
        Meta(
            ge=1024,
            le=256 * 1024 * 1024,
            description="Largest file that is read from a repository, in bytes.",
            extra=REPOSITORY_MAY_SET,
        ),
    ] = 5 * 1024 * 1024
    max_files: Annotated[
        int, Meta(ge=1, le=10_000_000, description="Most files that a repository may hold in its source folders.")
    ] = 200_000
    cache: Annotated[bool, Meta(description="Keep what was parsed, so that the next start is faster.")] = True


class FeatureSettings(Group, frozen=True):
    """Capabilities that can be switched off; one that is off disappears from the capabilities."""

    graph: Annotated[bool, Meta(description="Graphs of entities and paths through them.")] = True
    impact: Annotated[bool, Meta(description="What a change breaks.")] = True
    edits: Annotated[bool, Meta(description="Methods that change files of a repository.")] = True
    prompts: Annotated[bool, Meta(description="Rendering of prompts.")] = True
    pipelines: Annotated[bool, Meta(description="Pipelines, native and scripted.")] = True
    scripts: Annotated[bool, Meta(description="Running the repository's own scripts, in trusted workspaces only.")] = (
        True
    )


class TelemetrySettings(Group, frozen=True):
    """What is told to tools that watch programs."""

    otel_endpoint: Annotated[
        str,
        Meta(
            max_length=2048,
            # Credentials belong into OTEL_EXPORTER_OTLP_HEADERS, which is never shown.
            pattern=r"^(https?://[^\s/@]+(/[^\s@]*)?)?$",
            description="Base URL of an OpenTelemetry collector (OTLP over HTTP) that gets a trace of each request; "
            "empty: the one that OTEL_EXPORTER_OTLP_ENDPOINT names, if any.",
        ),
    ] = ""


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All settings in force."""

    limits: LimitSettings = LimitSettings()
    log: LogSettings = LogSettings()
    paths: PathSettings = PathSettings()
    repository: RepositorySettings = RepositorySettings()
    features: FeatureSettings = FeatureSettings()
    telemetry: TelemetrySettings = TelemetrySettings()

    def enabled(self, feature: str | None) -> bool:
        """Return whether a feature flag is on; None stands for what has no flag."""
        return feature is None or bool(getattr(self.features, feature))
