"""Examples of the methods about pipelines."""

from __future__ import annotations

from examples.model import Call, MethodExamples

EXAMPLES = (
    MethodExamples(
        "ckit/pipeline/list",
        valid=(Call("Built-in pipelines and scripts", {}),),
        invalid=(
            Call("An unknown field is refused by name", {"engine": "native"}, "invalid_params"),
            Call("A wrong type", {"repository": True}, "invalid_params"),
            Call("A repository that is not open", {"repository": "compass"}, "not_found"),
        ),
        errors=("not_found", "invalid_argument"),
    ),
    MethodExamples(
        "ckit/pipeline/run",
        valid=(
            Call("The predecessor's `validate`", {"name": "validate"}),
            Call("The predecessor's `impact`", {"name": "impact", "ids": ["T-009"]}),
        ),
        invalid=(
            Call("A missing field", {"engine": "native"}, "invalid_params"),
            Call("An unknown field is refused by name", {"name": "impact", "id": "T-009"}, "invalid_params"),
            Call("A wrong type", {"name": "impact", "ids": "T-009"}, "invalid_params"),
            Call("A pipeline that does not exist", {"name": "deploy"}, "not_found"),
            Call(
                "A script in a workspace that nobody vouched for",
                {"name": "validate", "engine": "script", "confirm": True},
                "not_trusted",
            ),
        ),
        errors=(
            "not_found",
            "invalid_argument",
            "not_trusted",
            "degraded",
            "process_failed",
            "limit_exceeded",
            "path_not_allowed",
            "conflict",
            "storage_error",
        ),
    ),
)
