"""Examples of the methods about prompts."""

from __future__ import annotations

from examples.model import Call, MethodExamples

EXAMPLES = (
    MethodExamples(
        "ckit/prompt/render",
        valid=(Call("A task's prompt with a fixed time", {"id": "T-009", "now": "2026-01-05T09:00:00Z"}),),
        invalid=(
            Call("A missing field", {"template": "task"}, "invalid_params"),
            Call("An unknown field is refused by name", {"id": "T-009", "model": "any"}, "invalid_params"),
            Call("A wrong type", {"id": "T-009", "write": "yes"}, "invalid_params"),
            Call("An entity that does not exist", {"id": "T-404"}, "not_found"),
            Call("A template that does not exist", {"id": "T-009", "template": "epic"}, "not_found"),
        ),
        errors=("not_found", "invalid_argument", "content_rejected", "path_not_allowed", "conflict", "storage_error"),
    ),
)
