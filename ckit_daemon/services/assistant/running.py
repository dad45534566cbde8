"""A turn that runs: begun, worked on, and ended in every case, whatever the work comes to."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from ckit_daemon.core.errors import BudgetExceededError, CkitError, DeadlineExceededError
from ckit_daemon.services.assistant.records import NO_USAGE, ErrorItem, Failure, UsageItem
from ckit_daemon.services.assistant.stream import new_item
from ckit_daemon.services.clock import timestamp

if TYPE_CHECKING:
    from ckit_daemon.services.assistant.records import ItemStatus, StopReason, Turn, Usage
    from ckit_daemon.services.assistant.stream import TurnWriter

logger = logging.getLogger(__name__)


class Work(Protocol):
    """What a turn does between its beginning and its end."""

    @property
    def taken(self) -> Usage:
        """What it took up to now."""
        ...

    @property
    def model_used(self) -> str:
        """`provider/model` that answered last."""
        ...

    async def run(self) -> StopReason:
        """Do it; raises what ends it before its time."""
        ...

    async def close(self, status: ItemStatus) -> None:
        """Give items that are still in progress their final state."""
        ...


class RunningTurn:
    """Takes one turn from its beginning to its end."""

    def __init__(self, writer: TurnWriter, work: Work, seconds: float) -> None:
        """Prepare it.

        Args:
            writer: where it is written to.
            work: what is done in it.
            seconds: its deadline.
        """
        self._writer = writer
        self._work = work
        self._seconds = seconds
        self._ended: asyncio.Task[Turn] | None = None
        self._working: asyncio.Task[StopReason] | None = None
        self._cancelled = False

    @property
    def turn(self) -> Turn:
        """The turn as it is on disk."""
        return self._writer.turn

    def start(self) -> asyncio.Task[Turn]:
        """Run it in a task of its own, which nobody may cancel: its result is the turn as it ended.

        The task raises:
            ConflictError: another turn of the session runs, or another daemon has taken the session over.
            StorageError: the disk refuses.
        """
        self._ended = asyncio.create_task(self._execute())
        return self._ended

    def cancel(self) -> None:
        """End the work at once; the turn is still written to its end."""
        if not self._cancelled:
            self._cancelled = True
            if self._working is not None:
                self._working.cancel()

    async def ended(self) -> Turn:
        """Wait for the turn's end; who waits may be cancelled, and the turn is not. Raises as `start` says."""
        if self._ended is None:
            raise AssertionError("it was not started")
        return await asyncio.shield(self._ended)

    async def _execute(self) -> Turn:
        try:
            await self._writer.start_turn()
            return await self._run()
        except Exception:
            # Else nobody could go on in the session before this daemon ends.
            await self._writer.give_up_turn()
            raise

    async def _run(self) -> Turn:
        self._working = asyncio.create_task(self._work.run())
        if self._cancelled:
            self._working.cancel()
        await asyncio.wait([self._working], timeout=self._seconds)
        overdue = not self._working.done()
        if overdue:
            self._working.cancel()
            await asyncio.wait([self._working])
        stop, failure = self._outcome(self._working, overdue=overdue)
        await self._work.close("cancelled" if stop == "cancelled" else "failed")
        return await self._end(stop, failure)

    async def _end(self, stop: StopReason, failure: Failure | None) -> Turn:
        if failure is not None:
            await self._writer.add(ErrorItem(**new_item(self.turn.id, "completed"), failure=failure))
        usage = self.turn.usage + self._work.taken
        if usage != NO_USAGE:
            await self._writer.add(UsageItem(**new_item(self.turn.id, "completed"), usage=usage))
        ended = replace(
            self.turn,
            status="completed",
            stop_reason=stop,
            model=self._work.model_used,
            ended_at=timestamp(),
            usage=usage,
            failure=failure,
        )
        return await self._writer.end_turn(ended)

    def _outcome(self, task: asyncio.Task[StopReason], *, overdue: bool) -> tuple[StopReason, Failure | None]:
        if overdue:
            late = DeadlineExceededError(
                f"The turn took longer than its deadline of {self._seconds:g} s. What it did up to then stays: say how "
                "to go on, or raise assistant.turnTimeoutSeconds."
            )
            return "error", _failure(late)
        error = None if task.cancelled() else task.exception()
        if self._cancelled or task.cancelled():
            if error is not None:
                logger.warning("a turn failed while it was cancelled: %s", error, extra={"turn": self.turn.id})
            return "cancelled", None
        if error is None:
            return task.result(), None
        if isinstance(error, BudgetExceededError):
            return "budget", _failure(error)
        if isinstance(error, CkitError):
            return "error", _failure(error)
        logger.error("a turn failed", exc_info=error, extra={"turn": self.turn.id})
        unforeseen = Failure(code=CkitError.code, message="The turn failed for a reason that only the log knows.")
        return "error", unforeseen


def _failure(error: CkitError) -> Failure:
    return Failure(
        code=error.code,
        message=error.message,
        retryable=error.retryable,
        retry_after_ms=error.retry_after_ms,
    )
