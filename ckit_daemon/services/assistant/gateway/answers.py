"""Answers as they are kept: what the cache holds, and how a kept answer is told again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from ckit_daemon.services.assistant.gateway.calls import CallDelta, Delta, Finish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckit_daemon.services.assistant.gateway.calls import CallInfo

PIECES: Final = re.compile(r"\s*\S+(?:\s+\S+){0,7}\s*|\s+")
"""Some words, as a fast model would send them."""
KEPT: Final = frozenset({"stop", "toolCalls"})
"""Cut and refused answers are not worth keeping."""


class AnswerCache(Protocol):
    """Keeps answers; a cache that fails has nothing, and never makes a call fail."""

    async def get(self, key: str, *, stale: bool = False) -> bytes | None:
        """Return what was put under a key, unless it is too old; with `stale` whatever is still there."""
        ...

    def put(self, key: str, answer: bytes) -> None:
        """Keep an answer, in the background."""
        ...

    async def clear(self) -> int:
        """Throw everything away and return how many answers that were.

        Raises:
            StorageError: the disk refuses.
        """
        ...


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A whole answer."""

    provider: str
    model: str
    finish: Finish
    text: str = ""
    reasoning: str = ""
    calls: tuple[CallDelta, ...] = ()

    def to_json(self) -> bytes:
        """Return it as it is kept."""
        return msgspec.json.encode(self)

    def deltas(self) -> Iterator[Delta]:
        """Tell the answer again, in parts."""
        for piece in PIECES.findall(self.reasoning):
            yield Delta(reasoning=piece)
        for piece in PIECES.findall(self.text):
            yield Delta(text=piece)
        for call in self.calls:
            yield Delta(calls=(call,))


ANSWER_DECODER: Final = msgspec.json.Decoder(Answer)


class Collector:
    """Puts the parts of an answer together."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, CallDelta] = {}

    def add(self, delta: Delta) -> None:
        """Take one part."""
        self._text.append(delta.text)
        self._reasoning.append(delta.reasoning)
        for part in delta.calls:
            known = self._calls.get(part.index, CallDelta(part.index))
            self._calls[part.index] = CallDelta(
                part.index, known.id or part.id, known.name + part.name, known.arguments + part.arguments
            )

    @property
    def has_calls(self) -> bool:
        """Whether a tool was asked for."""
        return bool(self._calls)

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing but white space and thoughts."""
        return not self._calls and not "".join(self._text).strip()

    def written(self) -> str:
        """Return all that the model wrote."""
        calls = "".join(call.name + call.arguments for call in self._calls.values())
        return "".join(self._text) + "".join(self._reasoning) + calls

    def answer(self, info: CallInfo) -> Answer:
        """Return the whole."""
        return Answer(
            provider=info.provider,
            model=info.model,
            finish=info.finish,
            text="".join(self._text),
            reasoning="".join(self._reasoning),
            calls=tuple(self._calls.values()),
        )
