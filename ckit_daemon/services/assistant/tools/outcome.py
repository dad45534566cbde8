"""What came of a tool run, as programs and models get it: masked, bounded, and fenced as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from ckit_daemon.core.errors import DeniedError, OperationCancelledError
from ckit_daemon.services.assistant.fencing import fence
from ckit_daemon.services.assistant.masking import masked

if TYPE_CHECKING:
    from ckit_daemon.core.errors import CkitError
    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.redaction import Redactor
    from ckit_daemon.services.assistant.records import ToolStatus
    from ckit_daemon.services.assistant.tools.base import Output

MAX_TEXT: Final = 24_000
"""Characters that a model gets of one run, some 6,000 tokens."""
CONTEXT_CHARACTERS: Final = 0.4
"""Characters that it gets of one run for each token of its context, some tenth of it."""
MAX_OUTPUT_BYTES: Final = 1024 * 1024
"""JSON that programs get of one run."""


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What came of a tool run."""

    status: ToolStatus
    text: str
    """For the model."""
    output: JsonValue
    """For programs; of a failure the error's code, message and details."""
    truncated: bool
    duration_ms: float
    """Without the wait for an approval."""
    error_code: str | None = None


def longest_text(context_tokens: int) -> int:
    """Return how many characters a model gets of one run, by the size of its context."""
    return min(MAX_TEXT, int(context_tokens * CONTEXT_CHARACTERS))


def success(output: Output, tool: str, redactor: Redactor, duration_ms: float, max_text: int = MAX_TEXT) -> ToolOutcome:
    """Return the outcome of a tool that ran; a model gets at most `max_text` characters of it."""
    text = redactor.text(output.text)
    notes = [output.more] if output.more else []
    if len(text) > max_text:
        notes.insert(0, f"Cut after {max_text} of {len(text)} characters; ask for less at a time to see the rest.")
    value, fits = _bounded(masked(redactor, output.value))
    if not fits:
        notes.append("The result for programs is left out, because it is too large.")
    fenced = "\n".join([fence(text[:max_text], tool), *notes])
    return ToolOutcome(
        status="ok" if output.error_code is None else "error",
        text=fenced,
        output=value,
        truncated=bool(notes),
        duration_ms=duration_ms,
        error_code=output.error_code,
    )


def failure(error: CkitError, tool: str, redactor: Redactor, duration_ms: float) -> ToolOutcome:
    """Return the outcome of a tool that could not run, or was not allowed to."""
    message = redactor.text(error.message)
    status: ToolStatus = "error"
    if isinstance(error, DeniedError):
        status = "denied"
    elif isinstance(error, OperationCancelledError):
        status = "cancelled"
    # Messages name entities and files, whose names are untrusted. A refusal is the daemon's or the person's own word.
    text = message if status == "denied" else f"It failed with {error.code}.\n{fence(message[:MAX_TEXT], tool)}"
    described: JsonObject = {"code": error.code, "message": message, "details": masked(redactor, error.details)}
    value, fits = _bounded(described)
    return ToolOutcome(
        status=status,
        text=text,
        output=value if fits else {"code": error.code, "message": message[:MAX_TEXT]},
        truncated=not fits,
        duration_ms=duration_ms,
        error_code=error.code,
    )


def _bounded(value: JsonValue) -> tuple[JsonValue, bool]:
    """Return the value if it is small enough; what JSON has no form for becomes text."""
    try:
        size = len(orjson.dumps(value))
    except TypeError:
        value = _encodable(value)
        size = len(orjson.dumps(value))
    return (value, True) if size <= MAX_OUTPUT_BYTES else (None, False)


def _encodable(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {key.encode("utf-8", "replace").decode(): _encodable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    return value
