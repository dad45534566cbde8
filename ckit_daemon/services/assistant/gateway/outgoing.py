"""What leaves for a model: without the secrets that people, files, tools and models themselves have put into it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from langchain_core.messages import AIMessage

from ckit_daemon.services.assistant.masking import masked

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from ckit_daemon.core.json import JsonValue
    from ckit_daemon.redaction import Redactor
    from ckit_daemon.services.assistant.gateway.calls import ModelRequest


def without_secrets(redactor: Redactor, request: ModelRequest) -> ModelRequest:
    """Return the request with every recognised secret masked in its messages; long ones take time."""
    return replace(request, messages=[_clean(redactor, message) for message in request.messages])


def _clean(redactor: Redactor, message: BaseMessage) -> BaseMessage:
    fields = ["content", "additional_kwargs", *(["tool_calls"] if isinstance(message, AIMessage) else [])]
    return message.model_copy(
        update={name: masked(redactor, cast("JsonValue", getattr(message, name))) for name in fields}
    )
