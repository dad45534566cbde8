"""Examples of connections from their first byte on: initialize, framing and lifecycle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from examples.model import ROOT, Call, Conversation, MethodExamples, Step

if TYPE_CHECKING:
    from pydantic import JsonValue


def _initialize(ckit: JsonValue) -> dict[str, JsonValue]:
    options: dict[str, JsonValue] = {"ckit": ckit}
    return {"processId": None, "rootUri": None, "capabilities": {}, "initializationOptions": options}


def _message(method: str, params: JsonValue = None, identifier: int | None = None) -> dict[str, JsonValue]:
    message: dict[str, JsonValue] = {"jsonrpc": "2.0"}
    if identifier is not None:
        message["id"] = identifier
    message["method"] = method
    if params is not None:
        message["params"] = params
    return message


TOLD = "<as in initialize.json>"
OPENING = Step(_message("initialize", _initialize({"protocolVersions": ["1.0"]}), 1), told=TOLD)
INITIALIZED = Step(_message("initialized", {}), answers=0)

INITIALIZE = MethodExamples(
    "initialize",
    valid=(
        Call(
            "A host that names itself and prefers UTF-8",
            {
                "processId": None,
                "rootUri": None,
                "capabilities": {"general": {"positionEncodings": ["utf-8", "utf-16"]}},
                "initializationOptions": {
                    "ckit": {
                        "clientInfo": {"name": "my-editor", "version": "2.4.0"},
                        "protocolVersions": ["1.0"],
                        "config": {"features": {"pipelines": False}, "limits": {"requestTimeoutSeconds": 30}},
                        "trusted": False,
                    }
                },
                "workspaceFolders": [],
            },
        ),
        Call("A plain LSP client", {"processId": None, "rootUri": None, "capabilities": {}}),
    ),
    invalid=(
        Call(
            "A version that the daemon does not speak",
            _initialize({"protocolVersions": ["7.0", "6.1"]}),
            "unsupported_protocol",
        ),
        Call("An unknown field is refused by name", _initialize({"protocolVersion": "1.0"}), "invalid_params"),
        Call("A wrong type", _initialize({"trusted": "yes"}), "invalid_params"),
        Call("A name without text", _initialize({"clientInfo": {"name": ""}}), "invalid_params"),
    ),
    errors=("unsupported_protocol",),
    opens=False,
)

CONVERSATIONS = (
    Conversation("A request before initialize", (Step(_message("ckit/health", {}, 1)),)),
    Conversation("A second initialize", (OPENING, Step(_message("initialize", {"capabilities": {}}, 2)))),
    Conversation("A method that does not exist", (OPENING, INITIALIZED, Step(_message("ckit/repo/delete", {}, 2)))),
    Conversation(
        "A feature that a setting switches off",
        (
            Step(_message("initialize", _initialize({"config": {"features": {"edits": False}}}), 1), told=TOLD),
            INITIALIZED,
            Step(_message("ckit/entity/delete", {"id": "US-011"}, 2)),
        ),
    ),
    Conversation("Text that is not JSON", (OPENING, Step("Content-Length: 9\r\n\r\n{'id': 2}"))),
    Conversation("Batches are not part of LSP", (OPENING, Step([_message("ckit/health", {}, 2)]))),
    Conversation("A header without its length", (OPENING, Step('Content-Type: application/json\r\n\r\n{"id": 2}'))),
    Conversation(
        "Cancellation",
        (
            OPENING,
            INITIALIZED,
            Step(_message("ckit/repo/open", {"path": ROOT}, 2), answers=0),
            Step(_message("$/cancelRequest", {"id": 2})),
        ),
    ),
    Conversation(
        "The end",
        (OPENING, INITIALIZED, Step(_message("shutdown", None, 2)), Step(_message("ckit/health", {}, 3))),
    ),
)
