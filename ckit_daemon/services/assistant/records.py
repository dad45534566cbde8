"""What a conversation is made of: sessions, turns and items, as they are stored and as clients see them.

Each record encodes to the very JSON that the wire contract describes (`wire/session.py`), so that what is on disk,
what is sent and what is replayed can't differ; a field with its default is left out. Times are ISO 8601 in UTC; ids
are opaque, unique and never reused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

Mode = Literal["general", "improvement", "clarification"]
StopReason = Literal["endTurn", "maxTokens", "maxToolCalls", "refusal", "cancelled", "budget", "error"]
TurnStatus = Literal["running", "completed", "interrupted"]
"""`interrupted`: the daemon died while the turn ran; it can be resumed."""
ItemStatus = Literal["inProgress", "completed", "failed", "cancelled", "interrupted"]
ToolClass = Literal["read", "write", "exec"]
ToolStatus = Literal["ok", "error", "denied", "cancelled"]
Decision = Literal["allowOnce", "allowForSession", "deny"]
ApprovalState = Literal["pending", "allowed", "denied", "expired", "cancelled"]

if TYPE_CHECKING:
    from ckit_daemon.core.json import JsonObject, JsonValue
else:
    # msgspec, which reads the annotations, knows no recursive types.
    JsonValue = Any
    JsonObject = dict[str, Any]


class Record(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Base of all records: immutable, camelCase in JSON, defaults left out."""

    def to_json(self) -> bytes:
        """Return the record as UTF-8 JSON."""
        return msgspec.json.encode(self)


class Usage(Record, frozen=True, kw_only=True):
    """What model calls took; counts are tokens, `cost` is in US dollars."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    """Part of the input that the provider had cached."""
    reasoning_tokens: int = 0
    """Part of the output that was thought and not said."""
    cost: float | None = None
    """None where the model's price is not known."""
    estimated: bool = False
    """Whether the counts are ours, because the provider gave none."""
    cached: bool = False
    """Whether the answer came from our own cache, and cost nothing."""

    def __add__(self, other: Usage) -> Usage:
        """Return the sum; the cost of calls without a known price counts as nothing.

        It is `cached` where all that was added came from our own cache.
        """
        known = [part.cost for part in (self, other) if part.cost is not None]
        added = [part for part in (self, other) if part != NO_USAGE]
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_input_tokens=self.cached_input_tokens + other.cached_input_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            cost=sum(known) if known else None,
            estimated=self.estimated or other.estimated,
            cached=bool(added) and all(part.cached for part in added),
        )

    def __sub__(self, other: Usage) -> Usage:
        """Return what was added to `other`, which is a part of this sum."""
        return Usage(
            input_tokens=self.input_tokens - other.input_tokens,
            output_tokens=self.output_tokens - other.output_tokens,
            cached_input_tokens=self.cached_input_tokens - other.cached_input_tokens,
            reasoning_tokens=self.reasoning_tokens - other.reasoning_tokens,
            cost=None if self.cost is None else self.cost - (other.cost or 0.0),
            estimated=self.estimated,
        )


NO_USAGE: Final = Usage(input_tokens=0, output_tokens=0)


class Budget(Record, frozen=True, kw_only=True):
    """The most that a session may take; None is no bound."""

    max_tokens: int | None = None
    max_cost: float | None = None
    """In US dollars."""


class ClientTool(Record, frozen=True, kw_only=True):
    """A tool that the client runs; registered when a session is created."""

    name: str
    description: str
    input_schema: JsonObject
    tool_class: ToolClass = msgspec.field(name="class")


class Session(Record, frozen=True, kw_only=True):
    """A conversation about one repository."""

    id: str
    repository: str
    """Id of the repository, the same in every run."""
    title: str
    mode: Mode
    model: str | None = None
    """`provider/model`; None follows the settings."""
    created_at: str
    updated_at: str
    archived: bool = False
    last_seq: int
    """Sequence number of the newest durable event."""
    turns: int
    usage: Usage
    budget: Budget | None = None
    tools: tuple[ClientTool, ...] = ()
    forked_from: str | None = None
    running_turn: str | None = None
    """Id of the turn that runs now, in whatever daemon."""


class Failure(Record, frozen=True, kw_only=True):
    """What went wrong, in the terms of the protocol's errors."""

    code: str
    message: str
    retryable: bool = False
    retry_after_ms: int | None = None


class Turn(Record, frozen=True, kw_only=True):
    """One message of the person and all that the assistant did about it."""

    id: str
    session_id: str
    number: int
    """1-based, in the order of the session."""
    status: TurnStatus
    stop_reason: StopReason | None = None
    """None while it runs and after an interruption."""
    mode: Mode
    model: str
    """`provider/model` that answered last."""
    started_at: str
    ended_at: str | None = None
    usage: Usage
    failure: Failure | None = None
    """Why it stopped with `error`."""


class EntityAttachment(Record, frozen=True, kw_only=True, tag_field="kind", tag="entity"):
    """An entity of the repository."""

    id: str


class FileAttachment(Record, frozen=True, kw_only=True, tag_field="kind", tag="file"):
    """A file of the repository."""

    path: str


class SelectionAttachment(Record, frozen=True, kw_only=True, tag_field="kind", tag="selection"):
    """Some lines that the person has selected, as the editor shows them."""

    path: str
    start_line: Annotated[int, Meta(ge=0)]
    end_line: Annotated[int, Meta(ge=0)]
    text: str


Attachment = EntityAttachment | FileAttachment | SelectionAttachment


class BaseItem(Record, frozen=True, kw_only=True, tag_field="kind"):
    """Base of what a turn is made of. An item is `inProgress` first and gets its final state once."""

    id: str
    turn_id: str
    seq: int
    """Sequence number of the newest durable event about the item; 0 before it is stored."""
    status: ItemStatus
    created_at: str


class UserMessage(BaseItem, frozen=True, kw_only=True, tag="userMessage"):
    """What the person said, at the start of the turn or while it ran."""

    text: str
    attachments: tuple[Attachment, ...] = ()
    steering: bool = False


class AssistantMessage(BaseItem, frozen=True, kw_only=True, tag="message"):
    """What the model said."""

    text: str
    provider: str
    model: str
    usage: Usage | None = None
    cached: bool = False
    note: str | None = None
    """What a person should know: that another model than the chosen one answered, or that the answer is old."""


class Reasoning(BaseItem, frozen=True, kw_only=True, tag="reasoning"):
    """What the model thought, where it tells."""

    text: str


class ToolCall(BaseItem, frozen=True, kw_only=True, tag="toolCall"):
    """A tool that the model asked for, and what came of it."""

    name: str
    arguments: JsonObject = {}
    tool_class: ToolClass = msgspec.field(name="class")
    message_id: str | None = None
    """The message that asked for it."""
    result: ToolStatus | None = None
    text: str = ""
    """What the model reads of the result."""
    output: JsonValue = None
    """The result for programs."""
    truncated: bool = False
    duration_ms: float | None = None
    usage: Usage | None = None
    """What models did for it took, e.g. what it had them write; it counts as part of the turn."""


class ApprovalItem(BaseItem, frozen=True, kw_only=True, tag="approval"):
    """That a person was asked, and what they said; `ckit/approval/list` has the whole of it."""

    approval_id: str
    tool_call_id: str
    title: str
    state: ApprovalState
    decision: Decision | None = None


class UsageItem(BaseItem, frozen=True, kw_only=True, tag="usage"):
    """What the turn took altogether, at its end."""

    usage: Usage


class ErrorItem(BaseItem, frozen=True, kw_only=True, tag="error"):
    """Something that went wrong; the turn goes on if it is followed by other items."""

    failure: Failure


class Compaction(BaseItem, frozen=True, kw_only=True, tag="compaction"):
    """A summary that stands for everything before it when the model is asked."""

    text: str
    usage: Usage | None = None


Item = UserMessage | AssistantMessage | Reasoning | ToolCall | ApprovalItem | UsageItem | ErrorItem | Compaction

ITEM_DECODER: msgspec.json.Decoder[Item] = msgspec.json.Decoder(Item)


class Event(Record, frozen=True, kw_only=True, tag_field="type"):
    """Base of what `ckit/turn/event` carries."""

    session_id: str
    turn_id: str
    seq: int
    """Of the newest durable event of the session; a delta is not durable and repeats it."""


class TurnStarted(Event, frozen=True, kw_only=True, tag="turnStarted"):
    """A turn began, or goes on after an interruption."""

    turn: Turn


class ItemStarted(Event, frozen=True, kw_only=True, tag="itemStarted"):
    """An item is on disk and in progress."""

    item: Item


class ItemDelta(Event, frozen=True, kw_only=True, tag="itemDelta"):
    """More text of an item in progress."""

    item_id: str
    offset: int
    """Where the text belongs, in code points: a client that has more or less has missed something."""
    text: str


class ItemCompleted(Event, frozen=True, kw_only=True, tag="itemCompleted"):
    """The item as it stays; it counts, whatever the deltas said."""

    item: Item


class TurnCompleted(Event, frozen=True, kw_only=True, tag="turnCompleted"):
    """The turn is over and on disk."""

    turn: Turn


TurnEvent = TurnStarted | ItemStarted | ItemDelta | ItemCompleted | TurnCompleted


class Approval(Record, frozen=True, kw_only=True):
    """A question to a person: may this be done, exactly so?"""

    id: str
    session_id: str | None = None
    turn_id: str | None = None
    tool_call_id: str
    repository: str
    tool: str
    tool_class: ToolClass = msgspec.field(name="class")
    title: str
    """One line for people."""
    diff: str | None = None
    """A patch in Git's format, where files would change."""
    files: tuple[str, ...] = ()
    """The files that would change."""
    command: tuple[str, ...] | None = None
    """The command line, where a program would run."""
    arguments: JsonObject = {}
    created_at: str
    expires_at: str
    """No answer by then means no."""
    state: ApprovalState
    decision: Decision | None = None
    decided_at: str | None = None
    note: str | None = None
    """What the person wrote about the decision; the model is told."""
