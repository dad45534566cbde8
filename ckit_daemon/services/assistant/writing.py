"""Reads a text from a model while it is written: with secrets masked, passed on piece by piece, and bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.core.errors import GenerationFailedError
from ckit_daemon.services.assistant.gateway import call_info
from ckit_daemon.services.assistant.stream_masking import StreamMasker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from langchain_core.messages import BaseMessage, BaseMessageChunk

    from ckit_daemon.redaction import Redactor
    from ckit_daemon.services.assistant.gateway import CallInfo
    from ckit_daemon.services.assistant.gateway.model import GatewayChatModel


async def read_text(
    model: GatewayChatModel,
    messages: Sequence[BaseMessage],
    redactor: Redactor,
    *,
    limit: int,
    pass_on: Callable[[str], Awaitable[object]],
) -> tuple[str, CallInfo | None]:
    """Return what a model writes, and what is known about it; None where it said nothing at all.

    Args:
        model: who writes.
        messages: what to tell it.
        redactor: masks secrets.
        limit: characters beyond which it is stopped.
        pass_on: takes each piece as it comes; empty ones while the model thinks or a secret may have begun.

    Raises:
        GenerationFailedError: the model would not stop.
        CkitError: as the gateway says.
    """
    masker = StreamMasker(redactor)
    parts: list[str] = []
    written = 0
    last: BaseMessageChunk | None = None

    async def take(piece: str) -> None:
        parts.append(piece)
        await pass_on(piece)

    async for chunk in model.astream([*messages]):
        last = chunk
        piece = masker.push(chunk.text)
        written += len(piece)
        if written > limit:
            raise GenerationFailedError(
                f"The model wrote more than {limit} characters and was stopped; nothing is kept."
            )
        await take(piece)
    await take(masker.finish())
    return redactor.text("".join(parts)), None if last is None else call_info(last)
