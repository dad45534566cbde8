"""Keeps a turn within the model's context: the results of tools that were read long ago give way to newer ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar, cast

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from ckit_daemon.services.assistant.gateway.tokens import estimate, texts

if TYPE_CHECKING:
    from collections.abc import Sequence

M = TypeVar("M", bound=BaseMessage)

LEFT_OUT: Final = "(This result was left out to make room. Call the tool again if you still need it.)"


def fitting(messages: Sequence[M], room: int) -> list[M]:
    """Return the messages, the oldest results of tools left out as far as need be.

    What the newest answer has asked for stays whole, and so does what people and the model said: where that is too much
    by itself, the request fails, and says so.

    Args:
        messages: the conversation as the model gets it.
        room: how many tokens it may have.
    """
    kept = list(messages)
    total = sum(sum(map(estimate, texts([message]))) for message in kept)
    newest = next((at for at in range(len(kept) - 1, -1, -1) if isinstance(kept[at], AIMessage)), 0)
    for at, message in enumerate(kept[:newest]):
        if total <= room:
            break
        if isinstance(message, ToolMessage) and (saved := estimate(message.text) - estimate(LEFT_OUT)) > 0:
            kept[at] = cast("M", message.model_copy(update={"content": LEFT_OUT, "artifact": None}))
            total -= saved
    return kept
