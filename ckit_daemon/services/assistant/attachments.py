"""What a person points at: entities, files and selections, read anew each time and given to the model as data."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from ckit_daemon.core.errors import CkitError
from ckit_daemon.services.assistant.fencing import fence
from ckit_daemon.services.assistant.records import EntityAttachment, FileAttachment, SelectionAttachment, UserMessage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ckit_daemon.redaction import Redactor
    from ckit_daemon.services.assistant.records import Attachment, Item
    from ckit_daemon.services.open_repository import OpenRepository

SHARE: Final = 4
"""One part in so many of a model's context is for attachments."""


class TokenCounter(Protocol):
    """Counts the tokens of a text."""

    async def __call__(self, text: str) -> int:
        """Return how many there are."""
        ...


class Attachments:
    """Reads what messages point at in one repository."""

    def __init__(self, repository: OpenRepository, redactor: Redactor) -> None:
        self._repository = repository
        self._redactor = redactor

    async def check(self, attachments: Sequence[Attachment]) -> None:
        """See that everything is there.

        Raises:
            NotFoundError: an entity or a file is not.
            PathNotAllowedError: a path leaves the repository.
            ContentRejectedError: a file is too large, binary or not UTF-8.
        """
        await asyncio.to_thread(lambda: [self._read(attachment) for attachment in attachments])

    async def texts(self, items: Iterable[Item], *, budget: int, count: TokenCounter) -> dict[str, str]:
        """Return the text of each message's attachments by the message's item, the newest first served.

        Args:
            items: the items that the model is going to read.
            budget: tokens for all of them; what does not fit is cut, and a note says so.
            count: counts tokens as the model does.
        """
        found: dict[str, str] = {}
        for item in reversed([item for item in items if isinstance(item, UserMessage) and item.attachments]):
            parts: list[str] = []
            for attachment in item.attachments:
                part, used = await self._part(attachment, budget, count)
                parts.append(part)
                budget -= used
            found[item.id] = "\n\n".join(parts)
        return found

    async def _part(self, attachment: Attachment, budget: int, count: TokenCounter) -> tuple[str, int]:
        name = _name(attachment)
        try:
            text = self._redactor.text(await asyncio.to_thread(self._read, attachment))
        except CkitError:
            return f"(Attached was {name}, which is no longer there.)", 0
        tokens = await count(text)
        if tokens <= budget:
            return fence(text, name), tokens
        kept = len(text) * max(0, budget) // tokens
        note = f"(Cut after {kept} of {len(text)} characters; read the rest with a tool.)"
        return (f"{fence(text[:kept], name)}\n{note}" if kept else f"(Attached is {name}. {note})"), budget

    def _read(self, attachment: Attachment) -> str:
        match attachment:
            case EntityAttachment():
                return self._repository.store.snapshot.require(attachment.id).document.text
            case FileAttachment():
                return self._repository.store.read_file(attachment.path).text
            case SelectionAttachment():
                return attachment.text


def _name(attachment: Attachment) -> str:
    match attachment:
        case EntityAttachment():
            return f"entity {attachment.id}"
        case FileAttachment():
            return f"file {attachment.path}"
        case SelectionAttachment():
            return f"selection in {attachment.path}, lines {attachment.start_line + 1} to {attachment.end_line + 1}"
