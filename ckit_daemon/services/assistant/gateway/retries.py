"""Whether, when and how often a provider is asked again after a failure."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import stamina
import stamina.instrumentation

from ckit_daemon.core.errors import CkitError, OverloadedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ckit_daemon.settings import ModelsSettings

# By default stamina reports retries to structlog and prometheus_client where it finds them, and would import them on
# the event loop; retries are counted and logged by those who ask.
stamina.instrumentation.set_on_retry_hooks([])


def tries(settings: ModelsSettings, ends_at: float, most: int | None = None) -> AsyncIterator[stamina.Attempt]:
    """Return the tries of one request, each a context that it happens in.

    Args:
        settings: how often and after which pauses.
        ends_at: the loop's time at which it is too late for another try.
        most: how many tries there are; None: as the settings say.
    """

    def pause(error: Exception) -> bool | float:
        return _pause(error, settings.max_retry_wait_seconds, ends_at)

    return stamina.retry_context(
        on=pause,
        attempts=settings.max_retries + 1 if most is None else most,
        timeout=None,
        wait_initial=settings.retry_backoff_seconds,
        wait_max=settings.max_retry_wait_seconds,
        wait_jitter=settings.retry_backoff_seconds,
    )


def _pause(error: Exception, longest: float, ends_at: float) -> bool | float:
    """Say whether to try again, and after how many seconds where the provider has said so."""
    if not isinstance(error, CkitError) or not error.retryable or isinstance(error, OverloadedError):
        return False
    now = asyncio.get_running_loop().time()
    if "circuit" in error.details or now >= ends_at:
        return False
    if error.retry_after_ms is None:
        return True
    seconds = error.retry_after_ms / 1000
    return seconds if seconds <= longest and now + seconds < ends_at else False
