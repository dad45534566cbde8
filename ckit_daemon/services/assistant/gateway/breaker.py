"""The circuit breaker: a provider that keeps failing is left alone for a while.

The package purgatory was tried first. Its half-open state lets every waiting call through at once instead of one, a
cancelled call counts as a success, it measures time by the wall clock, and its state can't be read without a call,
which health needs; what would be left of it after working around these is less than what stands here.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Literal

from ckit_daemon.core.errors import DeadlineExceededError, ProviderUnavailableError, SecretUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

CircuitState = Literal["closed", "open", "halfOpen"]


class Circuit:
    """The circuit of one provider: closed; open after too many failures in a row; then half open for one probe."""

    def __init__(
        self, provider: str, failures: int, reset_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._provider = provider
        self._most = failures
        self._reset = reset_seconds
        self._clock = clock
        self._failures = 0
        self._opened_at: float | None = None
        self._probing = False
        self._why = ""

    @property
    def state(self) -> CircuitState:
        """How it stands now; half open: the next call is the probe, or it is under way."""
        if self._opened_at is None:
            return "closed"
        return "halfOpen" if self._clock() - self._opened_at >= self._reset else "open"

    def check(self) -> None:
        """Raise what a call would be refused with now.

        Raises:
            ProviderUnavailableError: the circuit is open, or half open with its probe under way.
        """
        state = self.state
        if state == "closed" or (state == "halfOpen" and not self._probing):
            return
        left = 1.0 if self._opened_at is None else max(self._opened_at + self._reset - self._clock(), 1.0)
        raise ProviderUnavailableError(
            f"The provider {self._provider} is left alone after {self._failures} failures in a row. The last one: "
            f"{self._why} Choose another model, or wait until it is tried again.",
            details={"provider": self._provider, "circuit": state},
            retry_after_ms=round(left * 1000),
        )

    @contextlib.contextmanager
    def call(self) -> Generator[Callable[[], None]]:
        """Guard one call; what is yielded is to be called when the provider has begun to answer.

        Raises:
            ProviderUnavailableError: the circuit is open, or half open with its probe under way.
        """
        self.check()
        probe = self._probing = self.state == "halfOpen"
        try:
            yield self._answers
        except (ProviderUnavailableError, DeadlineExceededError) as error:
            self._failed(error.message)
            raise
        except SecretUnavailableError:
            raise
        except Exception:
            # The provider answered, even if with a refusal; whether it can be reached is all that counts here.
            self._failures = 0
            self._opened_at = None
            raise
        else:
            self._failures = 0
            self._opened_at = None
        finally:
            # Of a cancelled probe nothing is known: the next call is one.
            if probe:
                self._probing = False

    def _answers(self) -> None:
        # Others need not wait for the end of the probe's answer; one more failure opens the circuit again.
        self._opened_at = None
        self._probing = False

    def _failed(self, why: str) -> None:
        self._failures += 1
        self._why = why
        if self._failures >= self._most:
            self._opened_at = self._clock()
