"""Methods about approvals: a person sees exactly what will be done, and says yes or no."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from ckit_daemon.wire.base import Params, Result, StoredModel, WireModel
from ckit_daemon.wire.common import RepositoryPath  # noqa: TC001 - pydantic reads the annotations.
from ckit_daemon.wire.row import Method
from ckit_daemon.wire.session import SessionId, Timestamp, ToolClass, TurnId

ApprovalId = Annotated[str, Field(min_length=1, max_length=64, description="Id of an approval.")]
State = Literal["pending", "allowed", "denied", "expired", "cancelled"]
Decision = Annotated[
    Literal["allowOnce", "allowForSession", "deny"],
    Field(description="allowForSession: the same tool on the same files, or the same command line, asks no more."),
]


class Approval(StoredModel):
    """A question to a person: may this be done, exactly so?"""

    id: ApprovalId
    session_id: SessionId | None = Field(default=None, description="The session that it is about, if any.")
    turn_id: TurnId | None = Field(default=None, description="The turn that waits for it, if any.")
    tool_call_id: str = Field(description="The run that waits for it.")
    repository: str = Field(description="Id of the repository.")
    tool: str = Field(description="The tool.")
    tool_class: ToolClass = Field(alias="class")
    title: str = Field(description="What it is, in one line.")
    diff: str | None = Field(default=None, description="A patch in Git's format, where files would change.")
    files: list[RepositoryPath] = Field(default=[], description="The files that would change.")
    command: list[str] | None = Field(default=None, description="The command line, where a program would run.")
    arguments: dict[str, JsonValue] = Field(default={}, description="What the tool was called with.")
    created_at: Timestamp
    expires_at: Timestamp = Field(description="No answer by then means no. ISO 8601, UTC.")
    state: State = Field(description="How it stands.")
    decision: Decision | None = Field(default=None, description="The answer.")
    decided_at: Timestamp | None = Field(default=None, description="When it was answered.")
    note: str | None = Field(default=None, description="What the person wrote about it.")


class Answer(WireModel):
    """What a person says to an approval."""

    decision: Decision
    arguments: dict[str, JsonValue] | None = Field(
        default=None, description="Other arguments than those asked about; only with `allowOnce`."
    )
    note: str | None = Field(default=None, max_length=4000, description="Why; the model is told.")


class RequestParams(Params):
    """What to ask the person."""

    approval: Approval = Field(description="What to show: all of it.")


class RequestResult(Result, Answer):
    """What the person said."""


class ListParams(Params):
    """Which approvals to list."""

    session_id: SessionId | None = Field(default=None, description="Of this session only.")
    state: State | None = Field(default="pending", description="In this state only; null: all.")
    offset: int = Field(default=0, ge=0, le=10_000_000, description="Approvals to leave out at the beginning.")
    limit: int = Field(
        default=1000, ge=1, le=10_000, description="Approvals to return at the most; fewer, where they are long."
    )


class ListResult(Result):
    """Approvals, the oldest first."""

    total: int = Field(description="Approvals that fit.")
    approvals: list[Approval] = Field(description="A page of them.")
    next_offset: int | None = Field(default=None, description="Where the next page begins, if there is one.")


class ResolveParams(Params, Answer):
    """Which approval the person answers, and how."""

    id: ApprovalId


class ResolveResult(Result):
    """The approval with its answer."""

    approval: Approval = Field(description="As it is on disk now.")


METHODS = (
    Method("ckit/approval/list", "List approvals.", ListParams, ListResult, feature="assistant"),
    Method(
        "ckit/approval/resolve",
        "Answer an approval; the first answer counts, wherever it comes from.",
        ResolveParams,
        ResolveResult,
        cost="control",
        feature="assistant",
    ),
    Method(
        "ckit/approval/request",
        "Ask the person whether something may be done.",
        RequestParams,
        RequestResult,
        direction="serverToClient",
        feature="assistant",
    ),
)
