"""Who may ask a provider, and when."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.core.errors import OverloadedError, RateLimitedError
from ckit_daemon.services.assistant.gateway.admission import Places, Rate

if TYPE_CHECKING:
    from ckit_daemon.services.assistant.gateway.calls import Priority

pytestmark = pytest.mark.asyncio


class Crowd:
    """Calls that take a place, say so, and hold it until they are let go."""

    def __init__(self, *, most: int = 1, limit: int = 10, most_waiting: int = 10) -> None:
        self.depths: list[int] = []
        self.places = Places(self.depths.append)
        self.order: list[str] = []
        self._most = most
        self._limit = limit
        self._most_waiting = most_waiting
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def add(self, name: str, priority: Priority = "interactive", provider: str = "p") -> None:
        """Let a call come, as far as it gets."""
        self._ends[name] = asyncio.Event()
        self._tasks[name] = asyncio.create_task(self._call(name, priority, provider))
        for _ in range(3):
            await asyncio.sleep(0)

    async def end(self, name: str) -> None:
        self._ends[name].set()
        await self._tasks[name]
        for _ in range(3):
            await asyncio.sleep(0)

    async def cancel(self, *names: str) -> None:
        for name in names:
            self._tasks[name].cancel()
        await asyncio.wait([self._tasks[name] for name in names])

    async def _call(self, name: str, priority: Priority, provider: str) -> None:
        taken = self.places.take(
            provider, limit=self._limit, most=self._most, most_waiting=self._most_waiting, priority=priority
        )
        async with taken:
            self.order.append(name)
            await self._ends[name].wait()


async def test_R05_interactive_calls_go_before_batch_ones_and_each_kind_in_its_order() -> None:
    crowd = Crowd()
    await crowd.add("first")
    await crowd.add("batch 1", "batch")
    await crowd.add("batch 2", "batch")
    await crowd.add("interactive 1")
    await crowd.add("interactive 2")
    assert crowd.places.waiting == crowd.depths[-1] == 4
    for name in ["first", "interactive 1", "interactive 2", "batch 1", "batch 2"]:
        await crowd.end(name)
    assert crowd.order == ["first", "interactive 1", "interactive 2", "batch 1", "batch 2"]
    assert crowd.depths[-1] == 0


async def test_a_full_provider_does_not_hold_up_another() -> None:
    crowd = Crowd(most=2, limit=1)
    await crowd.add("slow", provider="slow")
    await crowd.add("slow too", provider="slow")
    await crowd.add("quick", provider="quick")
    assert crowd.order == ["slow", "quick"]
    await crowd.end("slow")
    assert crowd.order == ["slow", "quick", "slow too"]
    await crowd.cancel("quick", "slow too")


async def test_R05_a_queue_that_is_full_refuses_and_says_when_to_come_again() -> None:
    crowd = Crowd(most_waiting=1)
    await crowd.add("runs")
    await crowd.add("waits")
    with pytest.raises(OverloadedError) as caught:
        async with crowd.places.take("p", limit=10, most=1, most_waiting=1, priority="interactive"):
            pass
    assert caught.value.retryable
    assert caught.value.retry_after_ms
    await crowd.cancel("runs", "waits")


async def test_R05_a_queue_that_is_full_of_calls_to_one_provider_is_none_for_another() -> None:
    crowd = Crowd(most=10, limit=1, most_waiting=2)
    for name in ("first", "second", "third"):
        await crowd.add(name, provider="slow")
    assert (crowd.order, crowd.places.waiting) == (["first"], 2)
    await crowd.add("other", provider="idle")
    assert crowd.order == ["first", "other"]
    for name in ("first", "second", "third", "other"):
        await crowd.end(name)
    assert crowd.order == ["first", "other", "second", "third"]


async def test_calls_that_are_cancelled_leave_no_place_taken() -> None:
    crowd = Crowd()
    await crowd.add("runs")
    await crowd.add("waits")
    await crowd.add("waits too")
    await crowd.cancel("waits")
    # The place and the cancellation arrive in the same turn of the loop.
    await crowd.cancel("runs", "waits too")
    await crowd.add("last")
    assert crowd.order == ["runs", "last"]
    assert crowd.places.waiting == 0
    await crowd.end("last")


async def test_R05_a_rate_lets_a_minutes_requests_pass_and_refuses_those_that_would_wait_too_long() -> None:
    rate = Rate(60)
    for _ in range(60):
        await rate.wait("p", 10.0)
    with pytest.raises(RateLimitedError) as caught:
        await rate.wait("p", 0.5)
    assert caught.value.retry_after_ms == 1000
    waiting = [asyncio.create_task(rate.wait("p", 10.0)) for _ in range(5)]
    await asyncio.sleep(0)
    with pytest.raises(RateLimitedError) as caught:
        await rate.wait("p", 5.0)
    assert caught.value.retry_after_ms == 6000
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)


async def test_a_rate_makes_calls_wait_rather_than_fail_where_there_is_time() -> None:
    rate = Rate(6000)
    await asyncio.gather(*(rate.wait("p", 10.0) for _ in range(6005)))
