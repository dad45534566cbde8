"""Examples of the methods about tools and approvals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from examples.model import Before, Call, DaemonExamples, MethodExamples, Told, Wrong
from examples.sessions import ASKED, BEGUN, LOOK_UP, NOBODY

if TYPE_CHECKING:
    from pydantic import JsonValue

WITH_TOOL = Before("ckit/session/create", {"title": "The help desk", "tools": [LOOK_UP]})
EDIT: JsonValue = {"action": "update", "id": "T-009", "changes": [{"path": ["status"], "value": "doing"}]}
DENIED: dict[str, JsonValue] = {"decision": "deny", "note": "Not before the contract is signed."}

EXAMPLES = (
    MethodExamples(
        "ckit/tool/list",
        valid=(Call("With the host's own tool", {"sessionId": "session-1"}),),
        invalid=(
            Call("An unknown field is refused by name", {"class": "read"}, "invalid_params"),
            Call("A wrong type", {"sessionId": 1}, "invalid_params"),
            Call("An id without text", {"sessionId": ""}, "invalid_params"),
            Call("A session that does not exist", {"sessionId": NOBODY}, "not_found"),
        ),
        errors=("not_found",),
        before=(WITH_TOOL,),
    ),
    MethodExamples(
        "ckit/tool/run",
        valid=(
            Call("A tool that reads", {"name": "context.search", "arguments": {"query": "mail gateway", "limit": 1}}),
            Call("One that writes, and the person says no", {"name": "entity.edit", "arguments": EDIT}),
            Call("A tool that fails; that is a result", {"name": "entity.details", "arguments": {"id": "T-404"}}),
        ),
        invalid=(
            Call("A missing field", {"arguments": {}}, "invalid_params"),
            Call("An unknown field is refused by name", {"name": "context.search", "query": "mail"}, "invalid_params"),
            Call("A wrong type", {"name": "context.search", "arguments": ["mail"]}, "invalid_params"),
            Call("A session that does not exist", {"name": "context.search", "sessionId": NOBODY}, "not_found"),
            Call("A repository that is not open", {"name": "context.search", "repository": "compass"}, "not_found"),
        ),
        errors=("not_found", "invalid_argument"),
        answers={"ckit/approval/request": DENIED},
    ),
    DaemonExamples(
        "ckit/tool/call",
        valid=(
            Told(
                "A tool that the host gave to a session",
                result={"text": "2 tickets: HD-7, HD-12", "output": ["HD-7", "HD-12"], "isError": False},
            ),
        ),
        invalid=(
            Wrong("An unknown field", {"text": "2 tickets", "content": []}),
            Wrong("A wrong type", {"text": 2}),
            Wrong("A missing field", {"output": ["HD-7"]}),
        ),
        before=(
            WITH_TOOL,
            Before(
                "ckit/tool/run",
                {"name": "tickets.find", "arguments": {"query": "late mail"}, "sessionId": "session-1"},
            ),
        ),
        answers={"ckit/tool/call": {"text": "2 tickets: HD-7, HD-12"}},
    ),
    MethodExamples(
        "ckit/approval/list",
        valid=(
            Call("What waits for the person", {}),
            Call("All of one session, however they stand", {"sessionId": "session-1", "state": None}),
        ),
        invalid=(
            Call("An unknown field is refused by name", {"pending": True}, "invalid_params"),
            Call("A wrong type", {"sessionId": 1}, "invalid_params"),
            Call("A state that does not exist", {"state": "open"}, "invalid_params"),
            Call("A page that holds nothing", {"limit": 0}, "invalid_params"),
            Call("A session that does not exist", {"sessionId": NOBODY}, "not_found"),
        ),
        errors=("not_found", "storage_error"),
        before=(BEGUN, ASKED),
    ),
    MethodExamples(
        "ckit/approval/resolve",
        valid=(Call("No, and why", {"id": "approval-1", **DENIED}),),
        invalid=(
            Call("A missing field", {"id": "approval-1"}, "invalid_params"),
            Call(
                "An unknown field is refused by name",
                {"id": "approval-1", "decision": "deny", "always": True},
                "invalid_params",
            ),
            Call("A decision that does not exist", {"id": "approval-1", "decision": "yes"}, "invalid_params"),
            Call("An approval that does not exist", {"id": NOBODY, "decision": "deny"}, "not_found"),
            Call(
                "Other arguments for more than this once",
                {"id": "approval-1", "decision": "allowForSession", "arguments": EDIT},
                "invalid_argument",
            ),
            Call(
                "Other arguments that don't fit the tool",
                {"id": "approval-1", "decision": "allowOnce", "arguments": {"action": "destroy"}},
                "invalid_argument",
            ),
        ),
        errors=("not_found", "conflict", "invalid_argument", "storage_error"),
        before=(BEGUN, ASKED),
    ),
    DaemonExamples(
        "ckit/approval/request",
        valid=(Told("A change of one file", result={"decision": "allowOnce"}),),
        invalid=(
            Wrong("An unknown field", {"decision": "allowOnce", "remember": True}),
            Wrong("A missing field", {"note": "Go ahead."}),
            Wrong("A decision that does not exist", {"decision": "yes"}),
        ),
        before=(BEGUN, ASKED),
    ),
)
