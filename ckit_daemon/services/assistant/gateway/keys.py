"""The key of a request: the same for requests that would get the same answer."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, cast

import orjson
from langchain_core.messages import AIMessage, ToolMessage

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from ckit_daemon.services.assistant.gateway.calls import ModelRequest
    from ckit_daemon.services.assistant.providers.base import ModelParameters
    from ckit_daemon.settings import ProviderSettings


def request_key(
    provider: str, settings: ProviderSettings, model: str, params: ModelParameters, request: ModelRequest
) -> str:
    """Return the SHA-256 of everything that an answer depends on; what merely varies, such as ids, is left out."""
    calls: dict[str, int] = {}
    content = [
        [provider, settings.kind, settings.base_url, model, settings.tool_mode],
        [params.temperature, params.max_output_tokens, request.stop],
        [_message(message, calls) for message in request.messages],
        request.tools,
        request.tool_choice,
        [request.schema_name, request.schema],
    ]
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()


def _message(message: BaseMessage, calls: dict[str, int]) -> list[Any]:
    said: list[Any] = [message.type, message.name, cast("object", message.content)]
    if isinstance(message, AIMessage):
        # The ids of tool calls are made up anew for every answer; what counts is which result belongs to which call.
        said += [
            [calls.setdefault(call["id"] or "", len(calls)), call["name"], call["args"]] for call in message.tool_calls
        ]
    if isinstance(message, ToolMessage):
        said += [calls.get(message.tool_call_id), message.status]
    return said
