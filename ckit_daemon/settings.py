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
    ] = field(default_factory=lambda: {"ckit/pipeline/run": 660.0, "ckit/rag/index": 86_400.0})
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

    language: Annotated[
        bool, Meta(description="Language features of editors: diagnostics, hover, completion and so on.")
    ] = True
    graph: Annotated[bool, Meta(description="Graphs of entities and paths through them.")] = True
    impact: Annotated[bool, Meta(description="What a change breaks.")] = True
    edits: Annotated[bool, Meta(description="Methods that change files of a repository.")] = True
    prompts: Annotated[bool, Meta(description="Rendering of prompts.")] = True
    pipelines: Annotated[bool, Meta(description="Pipelines, native and scripted.")] = True
    scripts: Annotated[bool, Meta(description="Running the repository's own scripts, in trusted workspaces only.")] = (
        True
    )
    assistant: Annotated[bool, Meta(description="Providers, sessions, turns, tools and approvals.")] = True
    generation: Annotated[
        bool, Meta(description="Writing specs, prompts, code and entities with a model; needs the assistant.")
    ] = True
    rag: Annotated[bool, Meta(description="Search by meaning, and answers with citations.")] = True


FEATURE_NEEDS: dict[str, str] = {"generation": "assistant"}
"""Features that can't be had without another one: the models, keys and approvals are the assistant's."""

ProviderKind = Literal["offline", "openai", "azure", "ollama", "local"]
SecretReference = Annotated[str, Meta(pattern=r"^((env|keyring|client):[\w./@ -]+)?$", max_length=300)]
"""`env:NAME`, `keyring:SERVICE/USER` or `client:NAME`; empty: none."""


class ModelSettings(Group, frozen=True):
    """What is known about one model beyond what its provider tells."""

    context_tokens: Annotated[int, Meta(ge=256, le=100_000_000)] | None = None
    max_output_tokens: Annotated[int, Meta(ge=1, le=10_000_000)] | None = None
    tool_mode: Literal["native", "schema", "none"] | None = None
    input_price: Annotated[float, Meta(ge=0)] | None = None
    """US dollars for a million tokens."""
    cached_input_price: Annotated[float, Meta(ge=0)] | None = None
    output_price: Annotated[float, Meta(ge=0)] | None = None


class ProviderSettings(Group, frozen=True):
    """One endpoint that serves models."""

    kind: ProviderKind
    base_url: Annotated[str, Meta(max_length=2048, pattern=r"^(https?://[^\s/@]+(/[^\s@]*)?)?$")] = ""
    """Empty: the kind's own."""
    api_key: SecretReference = ""
    """Empty: the variable that the provider's own tools read, where it is set."""
    api_version: Annotated[str, Meta(max_length=100)] = ""
    """Azure only."""
    subscription_key: SecretReference = ""
    """Sent as `Ocp-Apim-Subscription-Key`, for Azure behind API Management."""
    organization: Annotated[str, Meta(max_length=200)] = ""
    headers: dict[str, SecretReference] = {}
    """Further HTTP headers; their values are references, since most of them are keys."""
    model_path: Annotated[str, Meta(max_length=4096)] = ""
    """Kind local: the GGUF file."""
    tool_mode: Literal["native", "schema", "none"] = "native"
    """`schema`: the model picks tools through constrained JSON, because it has no tool calls of its own."""
    models: dict[str, ModelSettings] = {}
    """Models by name; on Azure the name is that of the deployment."""
    requests_per_minute: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    max_concurrent: Annotated[int, Meta(ge=1, le=1000)] = 8
    connect_timeout_seconds: Seconds | None = None
    """These four replace the general ones of the group `models`."""
    first_output_timeout_seconds: Seconds | None = None
    output_gap_timeout_seconds: Seconds | None = None
    total_timeout_seconds: Seconds | None = None


ModelReference = Annotated[str, Meta(pattern=r"^[\w.-]+/\S+$", max_length=300)]
"""`provider/model`."""


class ModelsSettings(Group, frozen=True):
    """Which models are used for what, and how their providers are treated."""

    providers: Annotated[
        dict[Annotated[str, Meta(pattern=r"^[\w.-]{1,60}$")], ProviderSettings],
        Meta(
            description="Endpoints by name, beside the built-in `offline`; see the README for an example of each kind."
        ),
    ] = {}
    chat: Annotated[ModelReference, Meta(description="Model for conversations, as `provider/model`.")] = (
        "offline/offline"
    )
    generation: Annotated[
        str, Meta(max_length=300, description="Model for specs, prompts and code; empty: the one for conversations.")
    ] = ""
    embeddings: Annotated[str, Meta(max_length=300, description="Model for embeddings; empty: the built-in one.")] = ""
    fallbacks: Annotated[
        list[ModelReference],
        Meta(max_length=10, description="Models to ask, in this order, when the chosen one can't answer."),
    ] = []
    temperature: Annotated[
        Annotated[float, Meta(ge=0, le=2)] | None,
        Meta(description="Sampling temperature; without it the provider's own."),
    ] = None
    max_output_tokens: Annotated[int, Meta(ge=1, le=1_000_000, description="Longest answer, in tokens.")] = 4096
    connect_timeout_seconds: Annotated[Seconds, Meta(description="Deadline to reach a provider.")] = 10.0
    first_output_timeout_seconds: Annotated[
        Seconds, Meta(description="Deadline of an answer's first token, counted from the provider's last sign of life.")
    ] = 60.0
    output_gap_timeout_seconds: Annotated[Seconds, Meta(description="Longest pause within an answer.")] = 30.0
    total_timeout_seconds: Annotated[Seconds, Meta(description="Deadline of one whole answer.")] = 300.0
    max_retries: Annotated[int, Meta(ge=0, le=10, description="Further tries after a transient failure.")] = 3
    retry_backoff_seconds: Annotated[
        Seconds, Meta(description="First pause between tries; it doubles each time and varies at random.")
    ] = 0.5
    max_retry_wait_seconds: Annotated[Seconds, Meta(description="Longest pause between tries.")] = 30.0
    circuit_failures: Annotated[
        int, Meta(ge=1, le=1000, description="Failures in a row after which a provider is left alone.")
    ] = 5
    circuit_reset_seconds: Annotated[
        Seconds, Meta(description="How long it is left alone before it is tried again.")
    ] = 30.0
    max_concurrent: Annotated[int, Meta(ge=1, le=1000, description="Model calls at the same time.")] = 16
    max_queued: Annotated[int, Meta(ge=1, le=100_000, description="Model calls that may wait for their turn.")] = 256
    cache: Annotated[bool, Meta(description="Keep answers on disk and reuse them for identical requests.")] = True
    cache_max_bytes: Annotated[int, Meta(ge=0, le=1024**4, description="Size of that cache, in bytes.")] = (
        256 * 1024 * 1024
    )
    cache_max_age_seconds: Annotated[float, Meta(gt=0, description="Age at which a kept answer is forgotten.")] = (
        30 * 86_400.0
    )


PolicyAction = Literal["allow", "ask", "deny"]


class ToolPolicy(Group, frozen=True):
    """What holds for tools whose name and files fit; the first policy that fits decides."""

    action: PolicyAction
    tool: Annotated[str, Meta(max_length=200)] = "*"
    """A name with `*` and `?`."""
    path: Annotated[str, Meta(max_length=1000)] = "**"
    """A glob relative to the repository; `**` crosses folders. To allow, it must fit every file; otherwise one."""


class AssistantSettings(Group, frozen=True):
    """Conversations: limits, approvals and how long they are kept."""

    max_turns: Annotated[int, Meta(ge=1, le=10_000, description="Turns and generations at the same time.")] = 128
    turn_timeout_seconds: Annotated[Seconds, Meta(description="Deadline of a turn, approvals included.")] = 1800.0
    tool_timeout_seconds: Annotated[Seconds, Meta(description="Deadline of one tool run, approval excluded.")] = 120.0
    approval_timeout_seconds: Annotated[
        Seconds, Meta(description="How long an approval may be answered; no answer is a no.")
    ] = 600.0
    client_timeout_seconds: Annotated[Seconds, Meta(description="Deadline of the client's tools and secrets.")] = 120.0
    max_tool_calls: Annotated[int, Meta(ge=0, le=1000, description="Tool calls in one turn.")] = 25
    max_message_characters: Annotated[
        int, Meta(ge=1, le=100_000_000, description="Longest message of a person, in characters.")
    ] = 200_000
    turns_per_minute: Annotated[int, Meta(ge=1, le=100_000, description="Turns that one session may begin.")] = 60
    max_session_tokens: Annotated[
        Annotated[int, Meta(ge=1)] | None, Meta(description="Tokens for a session that brings no budget of its own.")
    ] = None
    max_session_cost: Annotated[Annotated[float, Meta(ge=0)] | None, Meta(description="The same in US dollars.")] = None
    policies: Annotated[
        list[ToolPolicy],
        Meta(
            max_length=200,
            description="Rules for tools: `action` (allow, ask, deny), `tool` and `path` as globs; the first that fits "
            "decides. Otherwise reading is allowed, and writing and running ask. A path means the files that a tool is "
            "called for. Searches and relations leave out what is in files that they may not read; pipelines and "
            "generation look at the whole repository, and are denied by name.",
        ),
    ] = []
    archive_after_days: Annotated[float, Meta(gt=0, description="Age at which an unused session is archived.")] = 90.0
    delete_after_days: Annotated[float, Meta(gt=0, description="Age at which an archived session is deleted.")] = 365.0
    max_sessions: Annotated[int, Meta(ge=1, description="Most sessions; the oldest archived ones go first.")] = 5000
    max_database_bytes: Annotated[
        int,
        Meta(
            ge=1024 * 1024,
            description="Largest database of sessions; the oldest archived ones go first. What was generated keeps to "
            "half of it.",
        ),
    ] = 2 * 1024**3


class GenerationSettings(Group, frozen=True):
    """Specs, prompts, code and entities: how much goes in and how much may come out."""

    max_repairs: Annotated[
        int, Meta(ge=0, le=10, description="How often a model may mend an answer that breaks the schema.")
    ] = 3
    material_tokens: Annotated[
        int, Meta(ge=500, le=10_000_000, description="Most tokens of the repository that go into one request.")
    ] = 16_000
    max_files: Annotated[int, Meta(ge=1, le=10_000, description="Most files of code that one request may make.")] = 50
    max_file_bytes: Annotated[
        int, Meta(ge=1, le=64 * 1024 * 1024, description="Largest file of code that a model may write, in bytes.")
    ] = 256 * 1024
    max_kept: Annotated[
        int, Meta(ge=1, le=10_000_000, description="Generations that can be explained and undone; the oldest go first.")
    ] = 2000


class RagSettings(Group, frozen=True):
    """Search by meaning: what is indexed, when and where; `models.embeddings` says with which model."""

    index: Annotated[
        Literal["onUse", "onOpen", "manual"],
        Meta(
            description="When a repository is indexed: at the first search, when it is opened, or only by "
            "ckit/rag/index. It follows the files from then on."
        ),
    ] = "onUse"
    include: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=300)]],
        Meta(
            max_length=100,
            description="Globs of files to index, relative to the repository; entities, Markdown, notes and the spec "
            "log are what can be.",
            extra=REPOSITORY_MAY_SET,
        ),
    ] = field(default_factory=lambda: ["**"])
    exclude: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=300)]],
        Meta(max_length=100, description="Globs of files to leave out.", extra=REPOSITORY_MAY_SET),
    ] = []
    ignored_files: Annotated[bool, Meta(description="Index what Git ignores as well.")] = False
    max_passage_characters: Annotated[
        int,
        Meta(ge=200, le=20_000, description="Longest passage; longer texts are cut between paragraphs or sentences."),
    ] = 1000
    max_passages: Annotated[
        int, Meta(ge=1, le=10_000_000, description="Most passages of one repository; the rest is found by words only.")
    ] = 500_000
    answer_passages: Annotated[int, Meta(ge=1, le=100, description="Passages that an answer is made from.")] = 8
    chroma_url: Annotated[
        str,
        Meta(
            max_length=2048,
            pattern=r"^(https?://[^\s/@]+(/[^\s@]*)?)?$",
            description="Base URL of a Chroma server that a team shares; empty: the embedded one. Vectors of passages "
            "that are gone stay there until somebody clears the index, since others may be on other branches.",
        ),
    ] = ""
    chroma_token: Annotated[SecretReference, Meta(description="Reference to the token that the server asks for.")] = ""
    chroma_collection: Annotated[
        str,
        Meta(
            pattern=r"^([a-zA-Z0-9][\w.-]{0,200})?$",
            description="Beginning of the collection's name on a server; empty: the name of the repository's folder.",
        ),
    ] = ""
    write_batch: Annotated[int, Meta(ge=1, le=256, description="Passages that are embedded at once.")] = 16


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
    models: ModelsSettings = ModelsSettings()
    assistant: AssistantSettings = AssistantSettings()
    generation: GenerationSettings = GenerationSettings()
    rag: RagSettings = RagSettings()
    telemetry: TelemetrySettings = TelemetrySettings()

    def enabled(self, feature: str | None) -> bool:
        """Return whether a feature is on; None stands for what has no flag."""
        return self.switched_off(feature) is None

    def enabled_features(self) -> frozenset[str]:
        """Return the names of all features that are on."""
        return frozenset(name for name in self.features.__struct_fields__ if self.enabled(name))

    def switched_off(self, feature: str | None) -> str | None:
        """Return the flag that switches a feature off: its own, or that of a feature that it needs."""
        while feature is not None and getattr(self.features, feature):
            feature = FEATURE_NEEDS.get(feature)
        return feature
