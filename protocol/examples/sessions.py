"""Examples of the methods about sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from examples.model import REPOSITORY, Before, Call, MethodExamples

if TYPE_CHECKING:
    from pydantic import JsonValue

SESSION_ERRORS = ("not_found", "storage_error")
NOBODY = "0123456789abcdef"
"""An id that nothing has."""
LOOK_UP: dict[str, JsonValue] = {
    "name": "tickets.find",
    "description": "Find tickets of the help desk by words in them.",
    "inputSchema": {
        "type": "object",
        "properties": {"query": {"type": "string"}},
        "required": ["query"],
        "additionalProperties": False,
    },
    "class": "read",
}
BEGUN = Before("ckit/session/create", {"title": "Late deliveries", "budget": {"maxTokens": 200_000}})
SAID = Before("ckit/turn/start", {"sessionId": "session-1", "text": "What is T-009?"})
ASKED = Before(
    "ckit/turn/start",
    {"sessionId": "session-1", "text": "Set status of T-009 to doing."},
    until="ckit/approval/request",
)
"""A turn that waits for an approval."""

EXAMPLES = (
    MethodExamples(
        "ckit/session/create",
        valid=(
            Call("With the settings' model, and a bound", {"title": "Late deliveries", "budget": {"maxCost": 0.5}}),
            Call("With a tool of the host", {"mode": "clarification", "tools": [LOOK_UP]}),
        ),
        invalid=(
            Call("An unknown field is refused by name", {"name": "Late deliveries"}, "invalid_params"),
            Call("A wrong type", {"title": ["Late"]}, "invalid_params"),
            Call("A mode that does not exist", {"mode": "agent"}, "invalid_params"),
            Call("A model without its provider", {"model": "gpt-5.2"}, "invalid_params"),
            Call("A budget below nothing", {"budget": {"maxTokens": -1}}, "invalid_params"),
            Call("A title that is too long", {"title": "x" * 201}, "invalid_params"),
            Call("A repository that is not open", {"repository": "compass"}, "not_found"),
            Call("A provider that no setting describes", {"model": "home/llama"}, "invalid_argument"),
            Call(
                "A tool by the name of one of the daemon's",
                {"tools": [LOOK_UP | {"name": "context.read"}]},
                "invalid_argument",
            ),
        ),
        errors=(*SESSION_ERRORS, "invalid_argument"),
    ),
    MethodExamples(
        "ckit/session/list",
        valid=(
            Call("Those about one repository", {"repository": REPOSITORY, "limit": 2}),
            Call("By a part of the title", {"query": "late", "archived": None}),
        ),
        invalid=(
            Call("An unknown field is refused by name", {"text": "late"}, "invalid_params"),
            Call("A wrong type", {"limit": "all"}, "invalid_params"),
            Call("A page without items", {"limit": 0}, "invalid_params"),
            Call("A repository that is not open", {"repository": "compass"}, "not_found"),
        ),
        errors=SESSION_ERRORS,
        before=(BEGUN,),
    ),
    MethodExamples(
        "ckit/session/get",
        valid=(
            Call("A session with its turn, two items of it", {"id": "session-1", "limit": 2}),
            Call("What happened after event 4", {"id": "session-1", "replayFrom": 4}),
        ),
        invalid=(
            Call("A missing field", {"replayFrom": 4}, "invalid_params"),
            Call("An unknown field is refused by name", {"id": "session-1", "from": 4}, "invalid_params"),
            Call("A wrong type", {"id": "session-1", "replayFrom": "start"}, "invalid_params"),
            Call("A sequence number below nothing", {"id": "session-1", "replayFrom": -1}, "invalid_params"),
            Call("A session that does not exist", {"id": NOBODY}, "not_found"),
        ),
        errors=SESSION_ERRORS,
        before=(BEGUN, SAID),
    ),
    MethodExamples(
        "ckit/session/rename",
        valid=(Call("Another title", {"id": "session-1", "title": "Deliveries on time"}),),
        invalid=(
            Call("A missing field", {"id": "session-1"}, "invalid_params"),
            Call(
                "An unknown field is refused by name",
                {"id": "session-1", "title": "On time", "name": "On time"},
                "invalid_params",
            ),
            Call("A wrong type", {"id": "session-1", "title": 5}, "invalid_params"),
            Call("A title without text", {"id": "session-1", "title": ""}, "invalid_params"),
            Call("A session that does not exist", {"id": NOBODY, "title": "On time"}, "not_found"),
        ),
        errors=SESSION_ERRORS,
        before=(BEGUN,),
    ),
    MethodExamples(
        "ckit/session/fork",
        valid=(Call("Everything up to a turn", {"id": "session-1", "upToTurn": "turn-1", "title": "Another way"}),),
        invalid=(
            Call("A missing field", {"title": "Another way"}, "invalid_params"),
            Call("An unknown field is refused by name", {"id": "session-1", "upTo": 1}, "invalid_params"),
            Call("A wrong type", {"id": "session-1", "upToTurn": 1}, "invalid_params"),
            Call("A session that does not exist", {"id": NOBODY}, "not_found"),
            Call("A turn of another session", {"id": "session-1", "upToTurn": NOBODY}, "not_found"),
        ),
        errors=SESSION_ERRORS,
        before=(BEGUN, SAID),
    ),
    MethodExamples(
        "ckit/session/archive",
        valid=(
            Call("Put away", {"id": "session-1"}),
            Call("Fetched back", {"id": "session-1", "archived": False}),
        ),
        invalid=(
            Call("A missing field", {"archived": True}, "invalid_params"),
            Call("An unknown field is refused by name", {"id": "session-1", "archive": True}, "invalid_params"),
            Call("A wrong type", {"id": "session-1", "archived": "yes"}, "invalid_params"),
            Call("A session that does not exist", {"id": NOBODY}, "not_found"),
        ),
        errors=(*SESSION_ERRORS, "conflict"),
        before=(BEGUN,),
    ),
    MethodExamples(
        "ckit/session/delete",
        valid=(Call("A session that nobody needs", {"id": "session-2"}),),
        invalid=(
            Call("A missing field", {}, "invalid_params"),
            Call("An unknown field is refused by name", {"id": "session-1", "force": True}, "invalid_params"),
            Call("A wrong type", {"id": 1}, "invalid_params"),
            Call("A session that does not exist", {"id": NOBODY}, "not_found"),
            Call("A turn of it is running", {"id": "session-1"}, "conflict"),
        ),
        errors=(*SESSION_ERRORS, "conflict"),
        before=(BEGUN, BEGUN, ASKED),
    ),
    MethodExamples(
        "ckit/session/export",
        valid=(Call("For people", {"id": "session-1"}),),
        invalid=(
            Call("A missing field", {"format": "json"}, "invalid_params"),
            Call("An unknown field is refused by name", {"id": "session-1", "path": "session.md"}, "invalid_params"),
            Call("A format that does not exist", {"id": "session-1", "format": "html"}, "invalid_params"),
            Call("A session that does not exist", {"id": NOBODY}, "not_found"),
        ),
        errors=SESSION_ERRORS,
        before=(BEGUN, SAID),
    ),
    MethodExamples(
        "ckit/session/compact",
        valid=(Call("A summary in place of the history", {"id": "session-1", "instructions": "Keep the dates."}),),
        invalid=(
            Call("A missing field", {}, "invalid_params"),
            Call("An unknown field is refused by name", {"id": "session-1", "keep": 3}, "invalid_params"),
            Call("A wrong type", {"id": "session-1", "instructions": ["dates"]}, "invalid_params"),
            Call("A session that does not exist", {"id": NOBODY}, "not_found"),
            Call("A session in which nothing was said", {"id": "session-2"}, "invalid_argument"),
        ),
        errors=(
            *SESSION_ERRORS,
            "conflict",
            "invalid_argument",
            "budget_exceeded",
            "provider_error",
            "provider_unavailable",
        ),
        before=(BEGUN, SAID, BEGUN),
    ),
)
