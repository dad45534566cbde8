"""What an example of a method is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    """

    method: str
    valid: tuple[Call, ...]
    invalid: tuple[Call, ...]
    errors: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    writes: bool = False
    opens: bool = True


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
