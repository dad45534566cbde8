"""What is asked of the gateway, and what it says about an answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import msgspec

from ckit_daemon.core.errors import GenerationFailedError
from ckit_daemon.services.assistant.gateway.budget import Account
from ckit_daemon.services.assistant.records import Usage  # noqa: TC001 - msgspec reads the annotations.

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from ckit_daemon.core.json import JsonObject, JsonValue

Purpose = Literal["chat", "generation"]
Priority = Literal["interactive", "batch"]
Finish = Literal["stop", "length", "toolCalls", "refusal", "interrupted"]
"""`interrupted`: a failure or the budget ended the answer after a part of it; an error follows."""

INFO_KEY: Final = "ckit"
STARTED_KEY: Final = "ckitStarted"
REASONING_KEY: Final = "reasoning_content"


@dataclass(frozen=True, slots=True)
class ModelCall:
    """How models are to be asked: one such description may serve many requests."""

    purpose: Purpose = "chat"
    model: str | None = None
    """`provider/model`; None: what the settings name for the purpose."""
    temperature: float | None = None
    """None: the settings' one, and without that the provider's."""
    max_output_tokens: int | None = None
    """None: the settings' one."""
    session_id: str | None = None
    request_id: str = ""
    """Sent to the provider as a header and written to the log."""
    priority: Priority = "interactive"
    bypass_cache: bool = False
    """Whether the answer must come from a model; it is kept all the same."""
    account: Account = field(default_factory=Account)
    """What all its requests are charged to."""


class CallInfo(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is known about an answer once it is there."""

    provider: str
    model: str
    """The model that answered, without its provider."""
    cached: bool
    """Whether the answer is a kept one, or that of an identical request in flight."""
    attempts: int
    """Requests that were sent, those to other models of the chain included; 0 for a kept answer."""
    finish: Finish
    usage: Usage
    note: str | None = None
    """What a person should know: that another model than the chosen one answered, or that the answer is old."""

    def to_builtins(self) -> dict[str, Any]:
        """Return the same as JSON values."""
        return cast("dict[str, Any]", msgspec.to_builtins(self))


def call_info(message: BaseMessage) -> CallInfo | None:
    """Return what the gateway says about a message or the last chunk of one; None for messages of other origin."""
    raw: object = cast("dict[str, object]", message.response_metadata).get(INFO_KEY)
    return None if raw is None else msgspec.convert(raw, CallInfo)


def answerer(chunk: BaseMessage) -> tuple[str, str] | None:
    """Return provider and model of an answer, told by its first chunk alone; None for every other message."""
    raw = cast("dict[str, object]", chunk.response_metadata).get(STARTED_KEY)
    return None if raw is None else msgspec.convert(raw, tuple[str, str])


@dataclass(frozen=True, slots=True)
class Structured:
    """An answer in JSON that fits its schema."""

    value: JsonValue
    text: str
    """The answer as the model wrote it."""
    info: CallInfo


class UnfitAnswerError(GenerationFailedError):
    """An answer in JSON that does not fit its schema, or none; what it took was taken all the same.

    Attributes:
        problems: what is wrong with it, for people and for the model that is asked to repair it.
        text: the answer as the model wrote it.
        info: what is known about it.
    """

    def __init__(self, problems: list[str], text: str, info: CallInfo) -> None:
        super().__init__(
            "The model's answer does not have the form that was asked for. Ask again, or use a larger model.",
            details={"problems": [*problems], "finish": info.finish},
        )
        self.problems = problems
        self.text = text
        self.info = info


@dataclass(frozen=True, slots=True)
class TokenCount:
    """The length of a text, in tokens of some model."""

    tokens: int
    estimated: bool
    """Whether the model's own tokenizer is not known here."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request to a model, in no provider's terms."""

    messages: list[BaseMessage]
    tools: list[JsonObject] = field(default_factory=list["JsonObject"])
    """In OpenAI's format."""
    tool_choice: JsonValue = None
    stop: list[str] | None = None
    schema: JsonObject | None = None
    """JSON Schema that the answer must fit."""
    schema_name: str = "answer"


class CallDelta(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of a tool call."""

    index: int
    """Which call of the answer, from 0."""
    id: str = ""
    name: str = ""
    arguments: str = ""
    """More of the arguments' JSON."""


class Delta(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of an answer, in no provider's terms."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[CallDelta, ...] = ()

    def written(self) -> str:
        """Return all that the model wrote for this part."""
        return self.text + self.reasoning + "".join(call.name + call.arguments for call in self.calls)


class Started(msgspec.Struct, frozen=True):
    """Says who answers; comes before the first part."""

    provider: str
    model: str
    cached: bool = False


Part = Started | Delta | CallInfo
"""What flows through the gateway: who answers, the answer in parts, and what is known about it."""
