"""What a scripted model server is told to answer, and what it was asked."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]

NOW = "@now@"
"""In a piece: the moment at which it is sent, by `time.perf_counter_ns()`, takes its place."""


@dataclass(frozen=True)
class ToolCallReply:
    """A tool that the model asks for; `arguments` as text may be wrong JSON."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict[str, Any])
    id: str | None = None

    def arguments_text(self) -> str:
        """The arguments as the model wrote them."""
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)

    def arguments_object(self) -> Json:
        """The arguments as Ollama sends them: parsed."""
        return json.loads(self.arguments_text())


@dataclass(frozen=True)
class Reply:
    """One answer. Pieces are the parts of what the model says: thoughts, then text, then tool calls.

    Attributes:
        text: what the model says, cut into words; `chunks` says instead how it is cut.
        reasoning: what it thinks, sent before the text.
        refusal: that it does not want to, in OpenAI's own field.
        vectors: what is sent instead of the texts' own vectors.
        usage: tokens in and out; None: the server does not tell.
        finish: why it ended, in OpenAI's words; Ollama's are made from it.
        status: anything but 200 is an error with `error` as its body, or the kind's own body for that status.
        first_delay: seconds before the first byte.
        gap: seconds between pieces.
        stall_after: nothing more after so many pieces, until `server.release()` or the client has gone.
        break_after: the connection is closed after so many pieces; -1: before the first byte.
        malformed_after: broken JSON follows so many pieces.
        broken: what the model says where the broken JSON breaks off.
        error_after: an error in the middle of the stream follows so many pieces, with `error` as its body.
        ends_after: the stream ends as if it were complete after so many pieces, without a word about why.
        cut: how many bytes at a time are sent, wherever that cuts lines and characters.
        raw: the whole body, as a web server that knows nothing of models would send it.
    """

    text: str = ""
    chunks: list[str] | None = None
    reasoning: str = ""
    refusal: str = ""
    tool_calls: list[ToolCallReply] = field(default_factory=list[ToolCallReply])
    vectors: list[list[float]] | None = None
    usage: tuple[int, int] | None = (11, 7)
    finish: str = "stop"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    error: Json = field(default_factory=dict[str, Any])
    first_delay: float = 0.0
    gap: float = 0.0
    stall_after: int | None = None
    break_after: int | None = None
    malformed_after: int | None = None
    broken: str = "hal"
    error_after: int | None = None
    ends_after: int | None = None
    cut: int | None = None
    raw: bytes | None = None

    def pieces(self) -> list[str]:
        """The text as it is cut."""
        return self.chunks if self.chunks is not None else re.findall(r"\s*\S+|\s+$", self.text)

    def full_text(self) -> str:
        """The whole text."""
        return "".join(self.pieces())

    def finish_reason(self) -> str:
        """OpenAI's reason for the end."""
        return "tool_calls" if self.tool_calls and self.finish == "stop" else self.finish


@dataclass(frozen=True)
class Recorded:
    """A request as it came; header names are lower-case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Json
    connection: int
    """Number of the connection that it came by."""


def last_user_text(body: Json) -> str:
    """The last message of a person in a request."""
    for message in reversed(body.get("messages", [])):
        if message.get("role") == "user":
            content = message.get("content") or ""
            return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
    return ""
