"""Who may ask a provider now: a bounded queue with priorities, and limits by number and by rate.

aiolimiter counts the requests of a minute; the queue is our own, since asyncio's and anyio's semaphores and limiters
know neither priorities nor two limits at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from bisect import insort
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aiolimiter import AsyncLimiter

from ckit_daemon.core.errors import DeadlineExceededError, OverloadedError, RateLimitedError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from ckit_daemon.services.assistant.gateway.calls import Priority

RANK: Final[dict[Priority, int]] = {"interactive": 0, "batch": 1}
OVERLOAD_RETRY_MS: Final = 1000
MINUTE_SECONDS: Final = 60.0


@dataclass(order=True, slots=True)
class _Waiter:
    rank: int
    number: int
    provider: str = field(compare=False)
    limit: int = field(compare=False)
    admitted: asyncio.Future[None] = field(compare=False)


class Places:
    """The places for model calls, in all and by provider; used on the event loop only."""

    def __init__(self, on_queue: Callable[[int], None] = lambda _: None) -> None:
        """Build it; `on_queue` is told how many calls wait whenever that changes."""
        self._on_queue = on_queue
        self._taken: dict[str, int] = {}
        self._waiting: list[_Waiter] = []
        self._numbers = itertools.count()
        self._most = 0

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return len(self._waiting)

    @contextlib.asynccontextmanager
    async def take(
        self, provider: str, *, limit: int, most: int, most_waiting: int, priority: Priority
    ) -> AsyncGenerator[None]:
        """Wait for a place among `limit` of the provider and `most` in all, and hold it.

        Raises:
            OverloadedError: too many wait already.
        """
        self._most = most
        # Who waits and could go on does so first; the others wait for their providers, and not for this one.
        self._admit()
        if self._has_room(provider, limit):
            self._change(provider, 1)
        else:
            await self._wait(provider, limit, most_waiting, priority)
        try:
            yield
        finally:
            self._change(provider, -1)
            self._admit()

    async def _wait(self, provider: str, limit: int, most_waiting: int, priority: Priority) -> None:
        if len(self._waiting) >= most_waiting:
            raise OverloadedError(
                f"{most_waiting} model calls are waiting already; try again later.",
                details={"maxQueued": most_waiting},
                retry_after_ms=OVERLOAD_RETRY_MS,
            )
        admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = _Waiter(RANK[priority], next(self._numbers), provider, limit, admitted)
        insort(self._waiting, waiter)
        self._admit()
        try:
            await admitted
        except asyncio.CancelledError:
            if admitted.cancelled():
                self._waiting.remove(waiter)
            else:
                self._change(provider, -1)
            self._admit()
            raise

    def _admit(self) -> None:
        # A call whose provider is full does not hold up those of others.
        for waiter in list(self._waiting):
            # One that has been cancelled is still in the queue until its task runs.
            if not waiter.admitted.done() and self._has_room(waiter.provider, waiter.limit):
                self._waiting.remove(waiter)
                self._change(waiter.provider, 1)
                waiter.admitted.set_result(None)
        self._on_queue(len(self._waiting))

    def _has_room(self, provider: str, limit: int) -> bool:
        return sum(self._taken.values()) < self._most and self._taken.get(provider, 0) < limit

    def _change(self, provider: str, by: int) -> None:
        self._taken[provider] = self._taken.get(provider, 0) + by


class Rate:
    """The requests that one provider takes in a minute."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._limiter = AsyncLimiter(per_minute, MINUTE_SECONDS)
        self._waiting = 0

    async def wait(self, provider: str, seconds: float) -> None:
        """Wait for the next free request, but not in vain.

        Raises:
            RateLimitedError: it would take longer than `seconds`.
        """
        each = MINUTE_SECONDS / self.per_minute
        # The bucket leaks one request every `each` seconds, and those that wait already come first.
        needed = 0.0 if self._limiter.has_capacity() and not self._waiting else (self._waiting + 1) * each
        if needed > seconds:
            raise RateLimitedError(
                f"The limit of {self.per_minute} requests a minute to {provider} is used up. Try again later, "
                f"or raise models.providers.{provider}.requestsPerMinute.",
                details={"provider": provider, "requestsPerMinute": self.per_minute},
                retry_after_ms=round(needed * 1000),
            )
        self._waiting += 1
        try:
            await self._limiter.acquire()
        finally:
            self._waiting -= 1


def queue_deadline(provider: str) -> DeadlineExceededError:
    """The error for a call whose time was over before it had a place."""
    return DeadlineExceededError(
        f"The call to {provider} waited longer than its deadline for its turn. Try again later.",
        details={"provider": provider, "deadline": "total"},
    )
