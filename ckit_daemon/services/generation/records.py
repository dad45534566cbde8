"""Where something generated came from, as it is stored and explained."""

from __future__ import annotations

from typing import Literal

from ckit_daemon.services.assistant.records import (
    NO_USAGE,
    Failure,
    JsonObject,
    Record,
    Usage,
)

Kind = Literal["spec", "prompt", "code", "entity"]
Outcome = Literal["succeeded", "failed", "cancelled"]


class Input(Record, frozen=True, kw_only=True):
    """Something that a generation was made from."""

    kind: Literal["entity", "file"]
    id: str | None = None
    """The entity's id."""
    path: str
    sha256: str
    """Of the text, in UTF-8, that the generation was made from; unsaved text counts."""
    reason: str = ""
    """Why it was used, for people."""


class UsedTemplate(Record, frozen=True, kw_only=True):
    """The template that gave a generation its form."""

    name: str
    path: str | None = None
    """None for the daemon's own ones."""
    sha256: str


class GeneratedFile(Record, frozen=True, kw_only=True):
    """A file that a generation makes or changes."""

    path: str
    old: str | None
    """The text that it replaces; None where there was no file."""
    new: str


class Generation(Record, frozen=True, kw_only=True):
    """One run of a generator, also one that failed."""

    id: str
    kind: Kind
    outcome: Outcome
    failure: Failure | None = None
    repository: str
    entity: str | None = None
    """The entity that was made, or that it is about."""
    created_at: str
    duration_ms: float
    request_id: str
    parameters: JsonObject
    provider: str | None = None
    model: str | None = None
    cached: bool = False
    usage: Usage = NO_USAGE
    repairs: int = 0
    template: UsedTemplate | None = None
    inputs: tuple[Input, ...] = ()
    files: tuple[GeneratedFile, ...] = ()
    applied: tuple[str, ...] = ()
    """The files that were written, whatever became of them since."""
    undone: bool = False
    """Whether what was written was taken back."""
