"""Bases of all wire models.

Field names are camelCase on the wire and snake_case in Python. Unknown fields are refused by name. A field whose
value is None is left out of what the daemon sends; null keys inside free-form JSON objects are data and stay.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

ProgressToken = int | str


class WireModel(BaseModel):
    """Base of every object on the wire: immutable, closed, camelCase."""

    # Models are built at their first use, because a start-up that builds all of them costs more than it gives.
    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        defer_build=True,
        ser_json_inf_nan="null",
    )

    @classmethod
    def from_json(cls, message: bytes) -> Self:
        """Return what a client sent, read as its JSON Schema says: no Python names, no numbers in strings.

        Raises:
            pydantic.ValidationError: the message does not fit.
        """
        return cls.model_validate_json(message, strict=True, by_alias=True, by_name=False)

    def to_json(self) -> bytes:
        """Return the object as UTF-8 JSON with wire names and without None fields."""
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()

    def to_wire(self) -> dict[str, Any]:
        """Return the object as JSON values with wire names and without None fields."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class StoredModel(WireModel):
    """Base of what is sent as it is stored: a field that holds its default is left out."""


class Params(WireModel):
    """Base of the parameters of a request or notification."""

    def scope_key(self) -> str:
        """Return what the method's serialization scope is about, e.g. a repository's id; '' is the whole daemon."""
        return ""


class Result(WireModel):
    """Base of the answers to requests."""


class NoParams(Params):
    """Parameters of a method that takes none: `{}`, null, `[null]` or nothing at all."""


class WorkDone(WireModel):
    """Mixin for parameters of methods that report progress (LSP 3.17, WorkDoneProgressParams)."""

    work_done_token: ProgressToken | None = Field(
        default=None, description="Token under which the daemon reports progress with `$/progress`."
    )


class PartialResult(WireModel):
    """Mixin for parameters of methods that can stream their list (LSP 3.17, PartialResultParams)."""

    partial_result_token: ProgressToken | None = Field(
        default=None,
        description="Token under which items are streamed with `$/progress`; the final answer's list is then empty.",
    )
