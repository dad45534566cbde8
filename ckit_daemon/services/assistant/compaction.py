"""Summaries that take the place of a long history when the model is asked.

langchain's `SummarizationMiddleware` is not used: it would make the summary anew in each turn, in memory, where ours is
an item of the session that people can read and that stays.
"""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Final

from langchain_core.messages import HumanMessage, SystemMessage
from msgspec.structs import replace

from ckit_daemon.core.errors import CkitError
from ckit_daemon.core.json import shorten
from ckit_daemon.services.assistant import history
from ckit_daemon.services.assistant.fencing import RULES, fence
from ckit_daemon.services.assistant.gateway import ModelCall, call_info
from ckit_daemon.services.assistant.records import NO_USAGE, AssistantMessage, Compaction, ToolCall, UserMessage
from ckit_daemon.services.assistant.stream import TextStream, new_item

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckit_daemon.services.assistant.gateway import ModelGateway
    from ckit_daemon.services.assistant.records import Item, ItemStatus, StopReason, Usage
    from ckit_daemon.services.assistant.stream import TurnWriter

logger = logging.getLogger(__name__)

PROMPT: Final = """\
You summarize a conversation between a person and the assistant of a context repository, so that the assistant can go \
on with the summary alone. Keep: what the person wants and has decided, ids of entities, file names, what tools found, \
what was changed, and what is still open. Leave out pleasantries. At most 500 words, in the language of the person."""
SENTENCE: Final = re.compile(r"\S.*?(?:[.!?](?=\s|$)|\n|$)", re.DOTALL)
MAX_SENTENCE: Final = 300
MAX_LINES: Final = 60
OFFLINE: Final = "offline/"
SUMMARY_TOKENS: Final = 1000
"""The longest summary that a model is asked for; 500 words take fewer."""
SUMMARY_CHARACTERS: Final = 5000
"""Where a summary is cut, so that a model that does not know when to end can't leave a session without room."""
ROOM: Final = 0.7
"""Part of the model's context that what is to be summarized may fill."""


class Summary:
    """The work of a turn that does nothing but summarize what was said before."""

    def __init__(
        self,
        *,
        writer: TurnWriter,
        gateway: ModelGateway,
        call: ModelCall,
        items: Sequence[Item],
        instructions: str | None,
    ) -> None:
        self.model_used = call.model or ""
        self.item: Compaction | None = None
        """The summary, once it is made."""
        self._writer = writer
        self._gateway = gateway
        self._call = call
        self._items = items
        self._instructions = instructions
        self._stream: TextStream[Compaction] | None = None

    @property
    def taken(self) -> Usage:
        """What the model's calls took, those included that were cancelled or broke off."""
        return self._call.account.taken

    async def run(self) -> StopReason:
        """Make the summary: by the model, or from first sentences where no model answers.

        Raises:
            CkitError: the model broke off in the middle.
        """
        stream = self._stream = TextStream(self._writer, Compaction(**new_item(self._writer.turn.id), text=""))
        await stream.begin()
        item = stream.item
        if not self.model_used.startswith(OFFLINE):
            try:
                item = await self._ask(stream)
            except CkitError as error:
                if stream.length:
                    raise
                logger.warning("no model summarizes: %s", error.message, extra={"code": error.code})
        if not stream.length:
            stream.push(extract(history.current(self._items)))
        self.item = await stream.finish("completed", item)
        return "endTurn"

    async def close(self, status: ItemStatus) -> None:
        """Give a summary that was not finished its final state."""
        if self._stream is not None:
            self._stream.item = replace(self._stream.item, usage=None if self.taken == NO_USAGE else self.taken)
            await self._stream.close(status)

    async def _ask(self, stream: TextStream[Compaction]) -> Compaction:
        material = await self._material()
        wishes = f"\n\nDo not lose: {self._instructions}" if self._instructions else ""
        messages = [
            SystemMessage(f"{PROMPT}\n\n{RULES}"),
            HumanMessage(f"Summarize this conversation.{wishes}\n\n{fence(material, 'conversation')}"),
        ]
        item, left = stream.item, SUMMARY_CHARACTERS
        async for chunk in self._gateway.chat_model(self._call).astream(messages):
            if text := chunk.text[:left]:
                stream.push(text)
                left -= len(text)
            info = call_info(chunk)
            if info is not None:
                self.model_used = f"{info.provider}/{info.model}"
                item = replace(item, usage=info.usage)
        return item

    async def _material(self) -> str:
        text = history.text_of(history.to_messages(self._items))
        room = int(ROOM * await self._gateway.context_tokens(self._call.model))
        tokens = (await self._gateway.count_tokens(text, self._call.model)).tokens
        if tokens <= room:
            return text
        # The first message says what all is about, and the newest ones matter most.
        kept = len(text) * room // tokens
        return f"{text[: kept // 5]}\n\n[...]\n\n{text[-(kept - kept // 5) :]}"


def extract(items: Sequence[Item]) -> str:
    """Return the first sentences of a conversation and what its tools came to, the newest ones if they are many."""
    lines = [*_lines(items)]
    left_out = [f"({len(lines) - MAX_LINES} earlier lines are left out.)"] if len(lines) > MAX_LINES else []
    return "\n".join(["Made of first sentences, without a language model.", *left_out, *lines[-MAX_LINES:]])


def _lines(items: Sequence[Item]) -> Iterator[str]:
    for item in items:
        match item:
            case Compaction():
                yield item.text
            case UserMessage():
                yield f"- The person: {_beginning(item.text)}"
            case AssistantMessage() if item.text:
                yield f"- The assistant: {_beginning(item.text)}"
            case ToolCall():
                arguments = shorten(json.dumps(item.arguments, ensure_ascii=False), MAX_SENTENCE)
                yield f"- Tool {item.name} with {arguments}: {item.result or item.status}"
            case _:
                pass


def _beginning(text: str) -> str:
    found = SENTENCE.search(text)
    return shorten(" ".join(found.group().split()), MAX_SENTENCE) if found else ""
