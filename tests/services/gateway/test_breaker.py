"""The circuit breaker."""

from __future__ import annotations

import asyncio

import pytest

from ckit_daemon.core.errors import (
    CkitError,
    DeadlineExceededError,
    ProviderError,
    ProviderUnavailableError,
    RateLimitedError,
    SecretUnavailableError,
)
from ckit_daemon.services.assistant.gateway.breaker import Circuit


class Setup:
    """A circuit of two failures and ten seconds, with a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.circuit = Circuit("p", 2, 10.0, lambda: self.now)

    def call(self, error: BaseException | None = None) -> None:
        with self.circuit.call() as answers:
            answers()
            if error is not None:
                raise error

    def fail(self, times: int = 1) -> None:
        for _ in range(times):
            with pytest.raises(ProviderUnavailableError), self.circuit.call():
                raise ProviderUnavailableError("It is down.")


def test_R27_a_circuit_opens_after_so_many_failures_in_a_row() -> None:
    setup = Setup()
    setup.fail()
    setup.call()
    setup.fail()
    assert setup.circuit.state == "closed"
    setup.fail()
    assert setup.circuit.state == "open"
    with pytest.raises(ProviderUnavailableError, match=r"left alone after 2 failures.*: It is down\.") as caught:
        setup.call()
    assert caught.value.retry_after_ms == 10_000
    assert caught.value.details["circuit"] == "open"


def test_R27_one_probe_is_let_through_when_the_time_is_over_and_closes_the_circuit() -> None:
    setup = Setup()
    setup.fail(2)
    setup.now += 10
    assert setup.circuit.state == "halfOpen"
    with setup.circuit.call() as answers:
        with pytest.raises(ProviderUnavailableError, match="left alone"):
            setup.call()
        answers()
        assert setup.circuit.state == "closed"
        setup.call()
    setup.fail()
    assert setup.circuit.state == "closed"


def test_R27_a_probe_that_fails_opens_the_circuit_for_as_long_again() -> None:
    setup = Setup()
    setup.fail(2)
    setup.now += 10
    setup.fail()
    assert setup.circuit.state == "open"
    setup.now += 9
    assert setup.circuit.state == "open"
    setup.now += 1
    assert setup.circuit.state == "halfOpen"


def test_a_probe_that_answers_and_breaks_off_opens_the_circuit_again() -> None:
    setup = Setup()
    setup.fail(2)
    setup.now += 10
    with pytest.raises(ProviderUnavailableError):
        setup.call(ProviderUnavailableError("It broke off."))
    assert setup.circuit.state == "open"


def test_a_cancelled_probe_leaves_the_next_call_to_be_one() -> None:
    setup = Setup()
    setup.fail(2)
    setup.now += 10
    with pytest.raises(asyncio.CancelledError), setup.circuit.call():
        raise asyncio.CancelledError
    assert setup.circuit.state == "halfOpen"
    setup.call()
    assert setup.circuit.state == "closed"


def test_a_deadline_counts_as_a_failure() -> None:
    setup = Setup()
    for _ in range(2):
        with pytest.raises(DeadlineExceededError):
            setup.call(DeadlineExceededError("Too late."))
    assert setup.circuit.state == "open"


@pytest.mark.parametrize("error", [ProviderError("No."), RateLimitedError("Slowly.")], ids=lambda error: error.code)
def test_a_provider_that_refuses_is_there_all_the_same(error: CkitError) -> None:
    setup = Setup()
    setup.fail()
    for _ in range(5):
        with pytest.raises(type(error)):
            setup.call(error)
    setup.fail()
    assert setup.circuit.state == "closed"


def test_a_missing_key_says_nothing_about_the_provider() -> None:
    setup = Setup()
    setup.fail()
    with pytest.raises(SecretUnavailableError):
        setup.call(SecretUnavailableError("No key."))
    setup.fail()
    assert setup.circuit.state == "open"
