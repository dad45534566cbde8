"""The hard budget of a session: checked before a call, and watched while an answer comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ckit_daemon.core.errors import BudgetExceededError
from ckit_daemon.services.assistant.records import NO_USAGE, Usage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ckit_daemon.services.assistant.gateway.prices import CostOf
    from ckit_daemon.services.assistant.records import Budget


class Account:
    """What a session has taken and may take. Models without a known price are bound by tokens alone."""

    def __init__(
        self,
        budget: Budget | None = None,
        spent: Usage = NO_USAGE,
        *,
        whole: Account | None = None,
        note: Callable[[Usage], Awaitable[None]] | None = None,
    ) -> None:
        """Open an account.

        Args:
            budget: the most that may be taken, if there is a bound.
            spent: what was taken before.
            whole: the account that this one is a part of.
            note: is told what each answer took as soon as that is known, so that it survives the end of the process.
        """
        self._budget = budget
        self._spent = spent
        self._whole = whole
        self._note = note
        self._running = NO_USAGE
        self._cost_of: CostOf = lambda _: None
        self.taken = NO_USAGE
        """What all answers took since the account was opened."""

    @property
    def is_bounded(self) -> bool:
        """Whether there is anything to watch."""
        return self._budget is not None

    def part(self, note: Callable[[Usage], Awaitable[None]] | None = None) -> Account:
        """Return an account for a part of the work; what it takes is taken of this one, too."""
        return Account(self._budget, whole=self, note=note)

    def begin(self, input_tokens: int, cost_of: CostOf) -> None:
        """Note that an answer begins, and what its input takes.

        Raises:
            BudgetExceededError: the budget is used up, or is by this input.
        """
        self._cost_of = cost_of
        self._running = Usage(input_tokens=input_tokens, output_tokens=0, estimated=True)
        self.check()

    def price(self, cost_of: CostOf) -> None:
        """Note that another model answers, at its own price."""
        self._cost_of = cost_of

    def watch(self, output_tokens: int) -> None:
        """Note more output.

        Raises:
            BudgetExceededError: it is more than the budget allows.
        """
        output = self._running.output_tokens + output_tokens
        self._running = msgspec.structs.replace(self._running, output_tokens=output)
        self.check()

    def running(self) -> Usage:
        """Return what the answer under way has taken, by our own count."""
        return msgspec.structs.replace(self._running, cost=self._cost_of(self._running))

    async def settle(self, usage: Usage) -> None:
        """Note what an answer has taken in the end."""
        self.taken += usage
        self._running = NO_USAGE
        if self._whole is not None:
            await self._whole.settle(usage)
        if self._note is not None:
            await self._note(usage)

    def check(self) -> None:
        """Raise if more was taken than may be.

        Raises:
            BudgetExceededError: that is so.
        """
        if self._budget is None:
            return
        total = self._settled + self.running()
        tokens = total.input_tokens + total.output_tokens
        most = self._budget.max_tokens
        if most is not None and (tokens > most or (tokens == most and not self._running.output_tokens)):
            raise _exceeded(f"{most} tokens", {"maxTokens": most, "tokens": tokens})
        dollars = self._budget.max_cost
        if dollars is not None and total.cost is not None and total.cost > dollars:
            raise _exceeded(f"{dollars:g} US dollars", {"maxCost": dollars, "cost": total.cost})

    @property
    def _settled(self) -> Usage:
        return self._spent + self.taken if self._whole is None else self._whole._settled  # noqa: SLF001 - its own class.


def _exceeded(bound: str, details: dict[str, float]) -> BudgetExceededError:
    return BudgetExceededError(
        f"The session's budget of {bound} is used up. Fork the session with another budget, or begin a new one.",
        details={**details},
    )
