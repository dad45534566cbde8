"""Packs texts into a token budget, the most important first, and keeps receipts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

from ckit_daemon.core.errors import LimitExceededError
from ckit_daemon.services.assistant.fencing import fence, label
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
    sizes = [(await count(_block(source, source.text)))[0] for source in sources]
    room = budget - needed
    for _ in range(_ROUNDS):
        blocks, receipts = await _fill(sources, sizes, room, count)
        text = "\n".join([head, *blocks])
        tokens, _ = await count(text)
        if tokens <= budget:
            return Packed(text, tokens, estimated, (first, *receipts))
        # Tokens may run across the seams, so that the whole can count more than its parts.
        room -= tokens - budget
    return Packed(head, needed, estimated, (first, *_none(sources, sizes)))


async def _fill(
    sources: Sequence[Source], sizes: Sequence[int], room: int, count: TokenCounter
) -> tuple[list[str], list[Receipt]]:
    blocks: list[str] = []
    receipts: list[Receipt] = []
    cut_one = False
    for source, size in zip(sources, sizes, strict=True):
        if size <= room:
            blocks.append(_block(source, source.text))
            receipts.append(Receipt(source, "whole", size, size, source.reason))
            room -= size
            continue
        short = None if cut_one or room < _MIN_CUT_TOKENS else await _shortened(source, size, room, count)
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


def _none(sources: Sequence[Source], sizes: Sequence[int]) -> list[Receipt]:
    return [
        Receipt(source, "left-out", 0, size, f"{source.reason}; nothing fits beside the instructions")
        for source, size in zip(sources, sizes, strict=True)
    ]


async def _shortened(source: Source, size: int, room: int, count: TokenCounter) -> tuple[str, int] | None:
    """The longest beginning of a source that fits, at the end of a line where there is one; None where none does."""
    low, high = 0, len(source.text)
    guess = min(high, high * room // size)
    best: tuple[str, int] | None = None
    for _ in range(_STEPS):
        block = _block(source, f"{_beginning(source.text, guess)}\n{_CUT_MARK}")
        tokens, _ = await count(block)
        if tokens <= room:
            low = guess
            best = block, tokens
        else:
            high = guess
        if high - low <= 1 or (best is not None and best[1] > room - room // 50):
            break
        guess = (low + high) // 2
    return best if low else None


def _beginning(text: str, length: int) -> str:
    part = text[:length]
    end = part.rfind("\n")
    return part[:end] if end > length // 2 else part


def _block(source: Source, text: str) -> str:
    return f"## {label(source.title)}\n\n{fence(text, source.path or source.title)}\n"
