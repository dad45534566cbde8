"""Examples of the methods about the daemon itself."""

from __future__ import annotations

from examples.model import Call, MethodExamples

NO_PARAMS = (
    Call("An unknown field is refused by name", {"verbose": True}, "invalid_params"),
    Call("Positional parameters are not known", ["all"], "invalid_params"),
    Call("Parameters are an object", "all", "invalid_params"),
)

EXAMPLES = (
    MethodExamples(
        "ckit/health",
        valid=(
            Call("All components, probed now", {"fresh": True}),
            Call("What is known by now; null stands for no parameters", None),
        ),
        invalid=NO_PARAMS,
        opens=False,
    ),
    MethodExamples("ckit/metrics", valid=(Call("Everything since the start", {}),), invalid=NO_PARAMS, opens=False),
    MethodExamples(
        "ckit/capabilities",
        valid=(Call("What this session may use", {}),),
        invalid=NO_PARAMS,
        opens=False,
    ),
    MethodExamples(
        "ckit/config/get",
        valid=(Call("Settings of one group", {"prefix": "features."}),),
        invalid=(
            Call("An unknown field is refused by name", {"key": "limits.maxQueued"}, "invalid_params"),
            Call("A wrong type", {"prefix": 5}, "invalid_params"),
            Call("A prefix that is too long", {"prefix": "x" * 201}, "invalid_params"),
        ),
        opens=False,
    ),
)
