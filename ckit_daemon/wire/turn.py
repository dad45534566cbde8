"""Methods about turns, and their events."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from ckit_daemon.wire.base import Params, Result, StoredModel, WorkDone
from ckit_daemon.wire.provider import ModelReference
from ckit_daemon.wire.row import Method
from ckit_daemon.wire.session import Attachment, Item, Mode, SessionId, Turn, TurnId, UserMessage


class StartParams(Params, WorkDone):
    """What the person says."""

    session_id: SessionId
    text: str | None = Field(
        default=None, min_length=1, description="The message; `assistant.maxMessageCharacters` bounds it."
    )
    attachments: list[Attachment] = Field(default=[], max_length=50, description="What the person points at.")
    resume: TurnId | None = Field(default=None, description="Go on with this interrupted turn instead; without a text.")
    model: ModelReference | None = Field(default=None, description="For this turn and those after it.")
    mode: Mode | None = Field(default=None, description="For this turn and those after it.")
    temperature: float | None = Field(default=None, ge=0, le=2, description="As the settings say without it.")
    max_output_tokens: int | None = Field(
        default=None, ge=1, le=1_000_000, description="As the settings say without it."
    )
    bypass_cache: bool = Field(default=False, description="Ask the model even if an answer is kept.")


class TurnResult(Result):
    """A turn as it is on disk."""

    turn: Turn = Field(description="The turn.")


class CancelParams(Params):
    """Which turn to end."""

    session_id: SessionId
    turn_id: TurnId | None = Field(default=None, description="Whatever turn runs without it.")


class SteerParams(Params):
    """What to tell the assistant while it works."""

    session_id: SessionId
    text: str = Field(min_length=1, description="It is read before the model is asked next.")


class SteerResult(Result):
    """The message as it is on disk."""

    item: UserMessage = Field(description="The message.")


class _Event(StoredModel):
    session_id: SessionId
    turn_id: TurnId
    seq: int = Field(description="Of the session's newest durable event; a delta is not durable and repeats it.")


class TurnStarted(_Event):
    """A turn began, or goes on after an interruption."""

    type: Literal["turnStarted"] = Field(description="What happened.")
    turn: Turn = Field(description="The turn.")


class ItemStarted(_Event):
    """An item is on disk and in progress."""

    type: Literal["itemStarted"] = Field(description="What happened.")
    item: Item = Field(description="The item.")


class ItemDelta(_Event):
    """More text of an item in progress."""

    type: Literal["itemDelta"] = Field(description="What happened.")
    item_id: str = Field(description="The item.")
    offset: int = Field(description="Where the text belongs, in code points.")
    text: str = Field(description="To be put there.")


class ItemCompleted(_Event):
    """The item as it stays: it counts, whatever the deltas said."""

    type: Literal["itemCompleted"] = Field(description="What happened.")
    item: Item = Field(description="The item.")


class TurnCompleted(_Event):
    """The turn is over and on disk; no event of it follows."""

    type: Literal["turnCompleted"] = Field(description="What happened.")
    turn: Turn = Field(description="The turn.")


TurnEvent = TypeAliasType(
    "TurnEvent",
    Annotated[
        TurnStarted | ItemStarted | ItemDelta | ItemCompleted | TurnCompleted,
        Field(discriminator="type", description="What happens in a turn."),
    ],
)


class EventParams(Params):
    """Something that happened in a turn."""

    event: TurnEvent = Field(description="What happened.")


METHODS = (
    Method(
        "ckit/turn/start",
        "Say something in a session; the answer comes when the turn ends, its events as they happen.",
        StartParams,
        TurnResult,
        cost="model",
        feature="assistant",
    ),
    Method(
        "ckit/turn/cancel",
        "End the turn that runs; what was said so far stays.",
        CancelParams,
        TurnResult,
        cost="control",
        feature="assistant",
    ),
    Method(
        "ckit/turn/steer",
        "Say something while a turn runs.",
        SteerParams,
        SteerResult,
        cost="control",
        feature="assistant",
    ),
    Method(
        "ckit/turn/event",
        "Something happened in a turn.",
        EventParams,
        direction="serverToClient",
        kind="notification",
        feature="assistant",
    ),
)
