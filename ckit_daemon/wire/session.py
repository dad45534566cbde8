"""Methods about sessions, and the records that sessions are made of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue
from typing_extensions import TypeAliasType

from ckit_daemon.wire.base import Params, Result, StoredModel, WorkDone
from ckit_daemon.wire.common import EntityId, RepositoryParams, RepositoryPath
from ckit_daemon.wire.provider import ModelReference  # noqa: TC001 - pydantic reads the annotations.
from ckit_daemon.wire.row import Method

SessionId = Annotated[str, Field(min_length=1, max_length=64, description="Id of a session.")]
TurnId = Annotated[str, Field(min_length=1, max_length=64, description="Id of a turn.")]
Mode = Annotated[
    Literal["general", "improvement", "clarification"],
    Field(
        description="general: answers and acts; improvement: looks for what could be better; "
        "clarification: asks back before it answers, and has no tools that change or run anything."
    ),
]
StopReason = Literal["endTurn", "maxTokens", "maxToolCalls", "refusal", "cancelled", "budget", "error"]
ToolClass = Annotated[
    Literal["read", "write", "exec"], Field(description="What it may do: read, change files, run programs.")
]
Timestamp = Annotated[str, Field(description="ISO 8601, UTC.")]
MAX_SEQ = 2**53 - 1
"""No sequence number gets there; it is the largest integer that every client can hold, and a database as well."""


class Usage(StoredModel):
    """What model calls took."""

    input_tokens: int = Field(description="Tokens of the input.")
    output_tokens: int = Field(description="Tokens of the output.")
    cached_input_tokens: int = Field(default=0, description="Input that the provider had cached.")
    reasoning_tokens: int = Field(default=0, description="Output that was thought and not said.")
    cost: float | None = Field(default=None, description="US dollars; nothing where the price is not known.")
    estimated: bool = Field(default=False, description="The counts are ours, because the provider gave none.")
    cached: bool = Field(default=False, description="The answer came from the daemon's own cache and cost nothing.")


class Budget(StoredModel):
    """The most that a session may take."""

    max_tokens: int | None = Field(default=None, ge=1, description="Tokens, input and output together.")
    max_cost: float | None = Field(default=None, ge=0, description="US dollars.")


class ClientTool(StoredModel):
    """A tool that the client runs."""

    name: str = Field(pattern=r"^[A-Za-z][\w.-]{0,63}$", description="Not the name of a tool of the daemon.")
    description: str = Field(min_length=1, max_length=4000, description="What it does, for the model.")
    input_schema: dict[str, JsonValue] = Field(description="JSON Schema of its arguments: an object.")
    tool_class: ToolClass = Field(alias="class", description="Tools that write or run ask for an approval.")


class Session(StoredModel):
    """A conversation about one repository."""

    id: SessionId
    repository: str = Field(description="Id of the repository.")
    title: str = Field(description="What it is about.")
    mode: Mode
    model: ModelReference | None = Field(default=None, description="Nothing: as the settings say.")
    created_at: Timestamp
    updated_at: Timestamp
    archived: bool = Field(default=False, description="Whether it is put away.")
    last_seq: int = Field(description="Sequence number of the newest durable event.")
    turns: int = Field(description="How many turns it has.")
    usage: Usage = Field(description="What all turns took.")
    budget: Budget | None = Field(default=None, description="The most that it may take.")
    tools: list[ClientTool] = Field(default=[], description="The client's own tools.")
    forked_from: SessionId | None = Field(default=None, description="The session that it is a copy of.")
    running_turn: TurnId | None = Field(default=None, description="The turn that runs now, in whatever daemon.")


class Failure(StoredModel):
    """What went wrong, in the terms of the protocol's errors."""

    code: str = Field(description="Stable name of the error.")
    message: str = Field(description="What happened, for people.")
    retryable: bool = Field(default=False, description="Whether the same may succeed later.")
    retry_after_ms: int | None = Field(default=None, description="When to try again, in milliseconds.")


class Turn(StoredModel):
    """One message of the person and all that the assistant did about it."""

    id: TurnId
    session_id: SessionId
    number: int = Field(description="1-based.")
    status: Literal["running", "completed", "interrupted"] = Field(
        description="interrupted: the daemon died meanwhile; `ckit/turn/start` with `resume` goes on."
    )
    stop_reason: StopReason | None = Field(default=None, description="Why it ended.")
    mode: Mode
    model: str = Field(description="`provider/model` that answered last.")
    started_at: Timestamp
    ended_at: Timestamp | None = Field(default=None, description="Nothing while it runs.")
    usage: Usage = Field(description="What it took.")
    failure: Failure | None = Field(default=None, description="Why it stopped with `error`.")


class EntityAttachment(StoredModel):
    """An entity of the repository."""

    kind: Literal["entity"] = Field(description="What is attached.")
    id: EntityId


class FileAttachment(StoredModel):
    """A file of the repository."""

    kind: Literal["file"] = Field(description="What is attached.")
    path: RepositoryPath


class SelectionAttachment(StoredModel):
    """Lines that the person has selected, as the editor shows them."""

    kind: Literal["selection"] = Field(description="What is attached.")
    path: RepositoryPath
    start_line: int = Field(ge=0, description="0-based.")
    end_line: int = Field(ge=0, description="0-based, included.")
    text: str = Field(max_length=200_000, description="The lines.")


Attachment = TypeAliasType(
    "Attachment",
    Annotated[
        EntityAttachment | FileAttachment | SelectionAttachment,
        Field(discriminator="kind", description="What the person points at."),
    ],
)


class _Item(StoredModel):
    id: str = Field(description="Stable: the same in events, in the session and after a restart.")
    turn_id: TurnId
    seq: int = Field(description="Sequence number of the newest durable event about the item.")
    status: Literal["inProgress", "completed", "failed", "cancelled", "interrupted"] = Field(
        description="How it stands; cancelled and interrupted items keep what there was."
    )
    created_at: Timestamp


class UserMessage(_Item):
    """What the person said."""

    kind: Literal["userMessage"] = Field(description="What the item is.")
    text: str = Field(description="Their words.")
    attachments: list[Attachment] = Field(default=[], description="What they pointed at.")
    steering: bool = Field(default=False, description="Said while the turn ran.")


class AssistantMessage(_Item):
    """What the model said."""

    kind: Literal["message"] = Field(description="What the item is.")
    text: str = Field(description="Markdown.")
    provider: str = Field(description="Who answered; `offline` is no language model.")
    model: str = Field(description="The model that answered.")
    usage: Usage | None = Field(default=None, description="What the call took.")
    cached: bool = Field(default=False, description="The answer came from the daemon's own cache.")
    note: str | None = Field(
        default=None,
        description="What a person should know: another model than the chosen one answered, or the answer is old.",
    )


class Reasoning(_Item):
    """What the model thought, where it tells."""

    kind: Literal["reasoning"] = Field(description="What the item is.")
    text: str = Field(description="Markdown.")


class ToolCall(_Item):
    """A tool that the model asked for, and what came of it."""

    kind: Literal["toolCall"] = Field(description="What the item is.")
    name: str = Field(description="The tool.")
    arguments: dict[str, JsonValue] = Field(default={}, description="What it was called with.")
    tool_class: ToolClass = Field(alias="class")
    message_id: str | None = Field(default=None, description="The message that asked for it.")
    result: Literal["ok", "error", "denied", "cancelled"] | None = Field(default=None, description="How it went.")
    text: str = Field(default="", description="The result as the model reads it.")
    output: JsonValue = Field(default=None, description="The result for programs.")
    truncated: bool = Field(default=False, description="Whether the text was cut.")
    duration_ms: float | None = Field(default=None, description="How long it took, approval excluded.")
    usage: Usage | None = Field(default=None, description="What models did for it took, where it had them write.")


class ApprovalItem(_Item):
    """That a person was asked, and what they said; `ckit/approval/list` has the whole."""

    kind: Literal["approval"] = Field(description="What the item is.")
    approval_id: str = Field(description="Id of the approval.")
    tool_call_id: str = Field(description="Id of the tool call's item.")
    title: str = Field(description="What was asked, in one line.")
    state: Literal["pending", "allowed", "denied", "expired", "cancelled"] = Field(description="What came of it.")
    decision: Literal["allowOnce", "allowForSession", "deny"] | None = Field(default=None, description="The answer.")


class UsageItem(_Item):
    """What the turn took, at its end."""

    kind: Literal["usage"] = Field(description="What the item is.")
    usage: Usage = Field(description="All model calls of the turn.")


class ErrorItem(_Item):
    """Something that went wrong; if other items follow, the turn went on."""

    kind: Literal["error"] = Field(description="What the item is.")
    failure: Failure = Field(description="What it was.")


class Compaction(_Item):
    """A summary that stands for everything before it when the model is asked."""

    kind: Literal["compaction"] = Field(description="What the item is.")
    text: str = Field(description="The summary.")
    usage: Usage | None = Field(default=None, description="What making it took.")


Item = TypeAliasType(
    "Item",
    Annotated[
        UserMessage | AssistantMessage | Reasoning | ToolCall | ApprovalItem | UsageItem | ErrorItem | Compaction,
        Field(discriminator="kind", description="What a turn is made of."),
    ],
)


class CreateParams(RepositoryParams):
    """How the session is to be."""

    title: str | None = Field(
        default=None, min_length=1, max_length=200, description="The beginning of the first message without it."
    )
    mode: Mode = "general"
    model: ModelReference | None = Field(default=None, description="As the settings say without it.")
    budget: Budget | None = Field(default=None, description="As the settings say without it.")
    tools: list[ClientTool] = Field(default=[], max_length=64, description="The client's own tools.")


class SessionResult(Result):
    """A session."""

    session: Session = Field(description="The session.")


class ListParams(Params):
    """Which sessions to list."""

    repository: str | None = Field(
        default=None, max_length=4096, description="Of this open repository only; of all without it."
    )
    archived: bool | None = Field(default=False, description="Archived ones; null: both.")
    query: str | None = Field(default=None, max_length=200, description="Part of the title.")
    offset: int = Field(default=0, ge=0, le=10_000_000, description="Sessions to leave out at the beginning.")
    limit: int = Field(default=100, ge=1, le=1000, description="Sessions to return at the most.")


class ListResult(Result):
    """Sessions, the most recently used first."""

    total: int = Field(description="Sessions that fit.")
    sessions: list[Session] = Field(description="A page of them.")
    next_offset: int | None = Field(default=None, description="Where the next page begins, if there is one.")


class GetParams(Params):
    """Which session to return, and from where on."""

    id: SessionId
    replay_from: int | None = Field(
        default=None,
        ge=0,
        le=MAX_SEQ,
        description="Only items with a later event than this sequence number; all without it.",
    )
    limit: int = Field(default=1000, ge=1, le=10_000, description="Items to return at the most.")


class GetResult(Result):
    """A session as it is on disk now, whichever daemon wrote it."""

    session: Session = Field(description="The session.")
    turns: list[Turn] = Field(description="Its turns.")
    items: list[Item] = Field(description="Items by sequence number where `replayFrom` is given, else as they began.")
    next_replay_from: int | None = Field(
        default=None, description="What to give as `replayFrom` for the rest; nothing at the end."
    )


class IdParams(Params):
    """Which session it is about."""

    id: SessionId


class RenameParams(IdParams):
    """A new title."""

    title: str = Field(min_length=1, max_length=200, description="The new title.")


class ForkParams(IdParams):
    """Where to branch off."""

    up_to_turn: TurnId | None = Field(default=None, description="The last turn to copy; all ended ones without it.")
    title: str | None = Field(default=None, min_length=1, max_length=200, description="As before without it.")
    budget: Budget | None = Field(default=None, description="As before without it.")


class ArchiveParams(IdParams):
    """Put away or fetch back."""

    archived: bool = Field(default=True, description="False fetches it back.")


class DeleteResult(Result):
    """What is gone."""

    id: SessionId


class ExportParams(IdParams):
    """In which form."""

    format: Literal["markdown", "json"] = Field(default="markdown", description="For people, or for programs.")


class ExportResult(Result):
    """The whole session as a text."""

    id: SessionId
    media_type: str = Field(description="`text/markdown` or `application/json`.")
    content: str = Field(description="The text; it holds no key.")


class CompactParams(IdParams, WorkDone):
    """How to summarize."""

    instructions: str | None = Field(default=None, max_length=4000, description="What the summary must not lose.")


class CompactResult(Result):
    """The summary."""

    session: Session = Field(description="The session.")
    item: Compaction = Field(description="The summary; everything before it is kept, and no longer sent to the model.")
    before_tokens: int = Field(description="Tokens of the history before, estimated.")
    after_tokens: int = Field(description="Tokens of the history now, estimated.")


METHODS = (
    Method("ckit/session/create", "Begin a session.", CreateParams, SessionResult, feature="assistant"),
    Method("ckit/session/list", "List sessions.", ListParams, ListResult, feature="assistant"),
    Method(
        "ckit/session/get",
        "Return a session with its turns and items, or what is new since a sequence number.",
        GetParams,
        GetResult,
        feature="assistant",
    ),
    Method("ckit/session/rename", "Give a session another title.", RenameParams, SessionResult, feature="assistant"),
    Method("ckit/session/fork", "Copy a session up to a turn.", ForkParams, SessionResult, feature="assistant"),
    Method(
        "ckit/session/archive",
        "Put a session away, or fetch it back.",
        ArchiveParams,
        SessionResult,
        feature="assistant",
    ),
    Method(
        "ckit/session/delete", "Delete a session with all that it holds.", IdParams, DeleteResult, feature="assistant"
    ),
    Method("ckit/session/export", "Return a session as one text.", ExportParams, ExportResult, feature="assistant"),
    Method(
        "ckit/session/compact",
        "Replace the history that the model gets by a summary.",
        CompactParams,
        CompactResult,
        cost="model",
        feature="assistant",
    ),
)
