"""What an example of a method is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

ROOT = "/home/you/lantern"
"""Stands for the folder of the example repository, in requests and in answers."""

REPOSITORY = "lantern-0123abcd"
"""Stands for the id of the open repository."""


@dataclass(frozen=True, slots=True)
class Call:
    """Parameters of one request, by hand; the answer is recorded.

    Attributes:
        title: what a reader learns from it.
        params: parameters as sent.
        error: code that the answer must carry; None: it must be a result.
    """

    title: str
    params: JsonValue
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """Text replaced in a file of the example repository, after its commit."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Before:
    """A request whose answer is not recorded, but gives names to the ids in it: `session-1`, `turn-1`.

    Attributes:
        method: full name.
        params: parameters as sent.
        until: what the daemon says before it goes on; the request itself stays open. None: it is answered.
    """

    method: str
    params: JsonValue
    until: str | None = None


@dataclass(frozen=True, slots=True)
class MethodExamples:
    """Examples of one method; the invalid ones are recorded first, because the others may change files.

    Attributes:
        method: full name.
        valid: requests that are answered with a result.
        invalid: requests that are answered with an error.
        errors: codes that the method can answer with beside those that every method has.
        changes: how the repository differs from its commit when it is opened; of a notification, what it tells of.
        writes: whether a request changes files.
        opens: whether the repository is open before.
        before: what is done before, once the repository is open.
        answers: what the host answers to the daemon's requests, by method; others wait.
    """

    method: str
    valid: tuple[Call, ...]
    invalid: tuple[Call, ...]
    errors: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    writes: bool = False
    opens: bool = True
    before: tuple[Before, ...] = ()
    answers: Mapping[str, JsonValue] = field(default_factory=dict[str, "JsonValue"])


@dataclass(frozen=True, slots=True)
class Told:
    """Something that the daemon said in the course of `before`.

    Attributes:
        title: what a reader learns from it.
        where: values that tell it from others of the method, by the path of their field: `event.item.kind`.
        result: the host's answer, by hand; of requests only.
    """

    title: str
    where: Mapping[str, JsonValue] = field(default_factory=dict[str, "JsonValue"])
    result: JsonValue = None


@dataclass(frozen=True, slots=True)
class Wrong:
    """A message that breaks the contract, by hand.

    Attributes:
        title: what a reader learns from it.
        message: a host's answer that the daemon refuses; of a notification, parameters that it never sends.
    """

    title: str
    message: JsonValue


@dataclass(frozen=True, slots=True)
class DaemonExamples:
    """Examples of a method that the daemon calls.

    Attributes:
        method: full name.
        valid: messages of the daemon, recorded.
        invalid: messages that don't fit the contract.
        before: what makes the daemon call.
        answers: as for other methods.
    """

    method: str
    valid: tuple[Told, ...]
    invalid: tuple[Wrong, ...]
    before: tuple[Before, ...]
    answers: Mapping[str, JsonValue] = field(default_factory=dict[str, "JsonValue"])


@dataclass(frozen=True, slots=True)
class Step:
    """Something sent on a new connection: a message as JSON, or raw bytes as text.

    Attributes:
        send: what is sent.
        answers: how many answers it gets.
        told: what is recorded instead of the result, where it is told elsewhere.
    """

    send: JsonValue
    answers: int = 1
    told: str | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A connection from its first byte on."""

    title: str
    steps: tuple[Step, ...]
