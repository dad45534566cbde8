"""How many turns each session may begin within a minute."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from aiolimiter import AsyncLimiter

from ckit_daemon.core.errors import RateLimitedError

MINUTE_SECONDS: Final = 60.0
MAX_SESSIONS: Final = 1000
"""Sessions whose turns are counted; the one that has been quiet for longest is forgotten first."""


class SessionRates:
    """Counts turns by session; used on the event loop only."""

    def __init__(self) -> None:
        self._limiters: OrderedDict[str, AsyncLimiter] = OrderedDict()

    async def take(self, session_id: str, per_minute: int) -> None:
        """Count a turn.

        Raises:
            RateLimitedError: the session has begun too many.
        """
        limiter = self._limiters.get(session_id)
        if limiter is None or limiter.max_rate != per_minute:
            limiter = self._limiters[session_id] = AsyncLimiter(per_minute, MINUTE_SECONDS)
        self._limiters.move_to_end(session_id)
        if len(self._limiters) > MAX_SESSIONS:
            self._limiters.popitem(last=False)
        if not limiter.has_capacity():
            raise RateLimitedError(
                f"A session may begin {per_minute} turns a minute (assistant.turnsPerMinute).",
                details={"perMinute": per_minute},
                retry_after_ms=int(1000 * MINUTE_SECONDS / per_minute),
            )
        await limiter.acquire()
