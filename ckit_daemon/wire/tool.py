"""Methods about tools, and the daemon's call of a tool that the client runs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from ckit_daemon.wire.base import Params, Result, WireModel
from ckit_daemon.wire.common import RepositoryParams
from ckit_daemon.wire.row import Method
from ckit_daemon.wire.session import SessionId, ToolClass, TurnId


class Tool(WireModel):
    """A tool and whether it can run now."""

    name: str = Field(description="What to run it by.")
    description: str = Field(description="What it does; the model reads the same.")
    tool_class: ToolClass = Field(alias="class")
    input_schema: dict[str, JsonValue] = Field(description="JSON Schema (2020-12) of its arguments.")
    source: Literal["daemon", "client"] = Field(description="Who runs it.")
    status: Literal["available", "degraded", "disabled"] = Field(description="Whether it can run now.")
    reason: str | None = Field(default=None, description="Why it is not available, or what it lacks.")


class ListParams(RepositoryParams):
    """Whose tools to list."""

    session_id: SessionId | None = Field(default=None, description="With the tools that the client gave this session.")


class ListResult(Result):
    """The tools, the same for client and model."""

    tools: list[Tool] = Field(description="By name.")


class RunParams(RepositoryParams):
    """Which tool to run."""

    name: str = Field(min_length=1, max_length=64, description="The tool.")
    arguments: dict[str, JsonValue] = Field(default={}, description="What its schema asks for.")
    session_id: SessionId | None = Field(
        default=None, description="Whose approvals and tools hold; the session itself does not change."
    )


class RunResult(Result):
    """What the tool did; a tool that fails is a result, not an error."""

    call_id: str = Field(description="Id of the run.")
    name: str = Field(description="The tool.")
    status: Literal["ok", "error", "denied"] = Field(description="How it went.")
    output: JsonValue = Field(default=None, description="The result for programs.")
    text: str = Field(description="The result as a model reads it.")
    truncated: bool = Field(default=False, description="Whether the text was cut.")
    duration_ms: float = Field(description="How long it took, approval excluded.")
    error_code: str | None = Field(default=None, description="Stable name of the error, where it failed.")


class CallParams(Params):
    """Which tool of the client to run."""

    session_id: SessionId
    turn_id: TurnId | None = Field(default=None, description="The turn that wants it, if one does.")
    call_id: str = Field(description="Id of the run.")
    name: str = Field(description="The tool.")
    arguments: dict[str, JsonValue] = Field(description="They fit the tool's schema.")


class CallResult(Result):
    """What the client's tool did."""

    text: str = Field(max_length=1_000_000, description="The result as the model is to read it.")
    output: JsonValue = Field(default=None, description="The result for programs.")
    is_error: bool = Field(default=False, description="Whether the tool failed.")


METHODS = (
    Method("ckit/tool/list", "List the tools.", ListParams, ListResult, feature="assistant"),
    Method(
        "ckit/tool/run",
        "Run a tool, with the approvals that it needs.",
        RunParams,
        RunResult,
        cost="model",
        feature="assistant",
    ),
    Method(
        "ckit/tool/call",
        "Run a tool that the client gave a session.",
        CallParams,
        CallResult,
        direction="serverToClient",
        feature="assistant",
    ),
)
