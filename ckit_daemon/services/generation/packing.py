"""Packs texts into a token budget, the most important first, and keeps receipts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

from ckit_daemon.core.errors import LimitExceededError
from ckit_daemon.services.assistant.fencing import MAX_CHARACTERS, fence, label
from ckit_daemon.services.generation.material import Source

if TYPE_CHECKING:
    from collections.abc import Sequence

_MIN_CUT_TOKENS: Final = 80
"""Less of a text than this is not worth its heading."""
_CUT_MARK: Final = "[the rest is cut]"
_STEPS: Final = 12
_ROUNDS: Final = 4


class TokenCounter(Protocol):
    """Counts the tokens of a text as a model reads it."""

    async def __call__(self, text: str) -> tuple[int, bool]:
        """Return the number of tokens, and whether it is estimated."""
        ...


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one source."""

    source: Source
    state: Literal["whole", "cut", "left-out"]
    tokens: int
    of_tokens: int
    reason: str


@dataclass(frozen=True, slots=True)
class Packed:
    """A text within its budget."""

    text: str
    tokens: int
    estimated: bool
    receipts: tuple[Receipt, ...]

    @property
    def included(self) -> list[Source]:
        """The sources that are in it, whole or cut."""
        return [receipt.source for receipt in self.receipts if receipt.state != "left-out"]


async def pack(instructions: str, sources: Sequence[Source], budget: int, count: TokenCounter) -> Packed:
    """Put instructions and as much of the sources behind them as a budget of tokens allows.

    Sources are fenced as data. Each goes in whole if it still fits; the first that doesn't is cut, and what comes
    after it goes in only where it fits as a whole.

    Raises:
        LimitExceededError: the instructions alone are beyond the budget.
    """
    head = f"{instructions.strip()}\n"
    needed, estimated = await count(head)
    if needed > budget:
        raise LimitExceededError(
            f"The instructions alone take {needed} tokens, and the budget is {budget}; give it more.",
            details={"tokens": needed, "maxTokens": budget},
        )
    first = Receipt(Source("instructions", "Instructions", head, ""), "whole", needed, needed, "always there")
    # Fencing large texts takes time, so that it has no place on the event loop.
    wholes = await asyncio.to_thread(lambda: [_whole(source) for source in sources])
    items = [_Item(source, whole, (await count(whole))[0]) for source, whole in zip(sources, wholes, strict=True)]
    room = budget - needed
    for _ in range(_ROUNDS):
        blocks, receipts = await _fill(items, room, count)
        text = "\n".join([head, *blocks])
        tokens, _ = await count(text)
        if tokens <= budget:
            return Packed(text, tokens, estimated, (first, *receipts))
        # Tokens may run across the seams, so that the whole can count more than its parts.
        room -= tokens - budget
    return Packed(head, needed, estimated, (first, *_none(items)))


@dataclass(frozen=True, slots=True)
class _Item:
    source: Source
    block: str
    """The whole of it as it would stand in the text; of what is beyond all measure, without its fence."""
    size: int
    """Tokens of that."""

    @property
    def can_be_whole(self) -> bool:
        return len(self.source.text) <= MAX_CHARACTERS


async def _fill(items: Sequence[_Item], room: int, count: TokenCounter) -> tuple[list[str], list[Receipt]]:
    blocks: list[str] = []
    receipts: list[Receipt] = []
    cut_one = False
    for item in items:
        source, size = item.source, item.size
        if size <= room and item.can_be_whole:
            blocks.append(item.block)
            receipts.append(Receipt(source, "whole", size, size, source.reason))
            room -= size
            continue
        short = None if cut_one or room < _MIN_CUT_TOKENS else await _shortened(item, room, count)
        if short is None:
            reason = f"{source.reason}; {size} tokens are more than the {room} that were left"
            receipts.append(Receipt(source, "left-out", 0, size, reason))
            continue
        block, tokens = short
        cut_one = True
        blocks.append(block)
        receipts.append(Receipt(source, "cut", tokens, size, f"{source.reason}; the budget ends within it"))
        room -= tokens
    return blocks, receipts


def _none(items: Sequence[_Item]) -> list[Receipt]:
    return [
        Receipt(item.source, "left-out", 0, item.size, f"{item.source.reason}; nothing fits beside the instructions")
        for item in items
    ]


async def _shortened(item: _Item, room: int, count: TokenCounter) -> tuple[str, int] | None:
    """The longest beginning of a source that fits, at the end of a line where there is one; None where none does."""
    text = item.source.text
    low, high = 0, min(len(text), MAX_CHARACTERS)
    guess = min(high, max(1, len(text) * room // item.size))
    best: tuple[str, int] | None = None
    for _ in range(_STEPS):
        block = await asyncio.to_thread(_block, item.source, f"{_beginning(text, guess)}\n{_CUT_MARK}")
        tokens, _ = await count(block)
        if tokens <= room:
            low = guess
            best = block, tokens
        else:
            high = guess
        if high - low <= 1 or (best is not None and best[1] > room - room // 50):
            break
        guess = (low + high) // 2
    return best


def _beginning(text: str, length: int) -> str:
    part = text[:length]
    end = part.rfind("\n")
    return part[:end] if end > length // 2 else part


def _block(source: Source, text: str) -> str:
    return f"## {label(source.title)}\n\n{fence(text, source.path or source.title)}\n"


def _whole(source: Source) -> str:
    return _block(source, source.text) if len(source.text) <= MAX_CHARACTERS else source.text
