"""Examples of the methods about providers of models and their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from examples.model import Before, Call, DaemonExamples, MethodExamples, Told, Wrong
from examples.server import NO_PARAMS

if TYPE_CHECKING:
    from pydantic import JsonValue

PROVIDER_ERRORS = ("not_found", "provider_error", "provider_unavailable", "rate_limited", "secret_unavailable")
NO_KEY: dict[str, JsonValue] = {"ckit/secret/request": {}}
"""The person is asked for the key of the provider `work`, and does not give it."""

EXAMPLES = (
    MethodExamples(
        "ckit/provider/list",
        valid=(Call("The built-in provider, and one whose key the host is asked for", {}),),
        invalid=NO_PARAMS,
        opens=False,
    ),
    MethodExamples(
        "ckit/provider/models",
        valid=(Call("The built-in provider has one model", {"provider": "offline"}),),
        invalid=(
            Call("A missing field", {}, "invalid_params"),
            Call("An unknown field is refused by name", {"provider": "offline", "all": True}, "invalid_params"),
            Call("A wrong type", {"provider": ["offline"]}, "invalid_params"),
            Call("A name that no provider can have", {"provider": "work/gpt-5.2"}, "invalid_params"),
            Call("A provider that no setting describes", {"provider": "home"}, "not_found"),
            Call("The person does not give the key", {"provider": "work"}, "secret_unavailable"),
        ),
        errors=PROVIDER_ERRORS,
        answers=NO_KEY,
        opens=False,
    ),
    MethodExamples(
        "ckit/provider/test",
        valid=(
            Call("A provider that works", {"provider": "offline"}),
            Call("One that does not; that is a result", {"provider": "work", "model": "gpt-5.2"}),
        ),
        invalid=(
            Call("A missing field", {"model": "gpt-5.2"}, "invalid_params"),
            Call("An unknown field is refused by name", {"provider": "work", "key": "k-1"}, "invalid_params"),
            Call("A wrong type", {"provider": "work", "model": 5}, "invalid_params"),
            Call("A model without a name", {"provider": "work", "model": ""}, "invalid_params"),
            Call("A provider that no setting describes", {"provider": "home"}, "not_found"),
        ),
        errors=("not_found",),
        answers=NO_KEY,
        opens=False,
    ),
    MethodExamples(
        "ckit/provider/clearCache",
        valid=(Call("Nothing was kept", {}),),
        invalid=NO_PARAMS,
        errors=("storage_error",),
        opens=False,
    ),
    DaemonExamples(
        "ckit/secret/request",
        valid=(Told("A key that a setting calls `client:work-openai`", result={"value": "<the key>"}),),
        invalid=(
            Wrong("An unknown field", {"value": "<the key>", "remember": True}),
            Wrong("A wrong type", {"value": ["<the key>"]}),
            Wrong("No object", "<the key>"),
        ),
        before=(Before("ckit/provider/test", {"provider": "work"}),),
        answers=NO_KEY,
    ),
)
