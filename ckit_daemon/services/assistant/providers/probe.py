"""The health of providers: whether somebody answers there. No key is used, and no token spent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.services.assistant.providers.http import is_loopback
from ckit_daemon.services.probe import ProbeResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ckit_daemon.services.assistant.providers.base import ProviderState

WORKS = (
    "everything that needs no model",
    "conversations with the models of other providers, the built-in one included",
)
PROBE_SECONDS = 5.0


class ProviderProbe:
    """Connects to the endpoint of one provider; any answer is a sign of life, also one that wants a key."""

    essential = False

    def __init__(
        self, name: str, state: Callable[[str], ProviderState], circuits: Callable[[], Mapping[str, str]]
    ) -> None:
        """Remember what to look at.

        Args:
            name: of the provider.
            state: tells where a provider is, and what its settings lack.
            circuits: tells which providers are left alone after failures.
        """
        self.name = f"provider:{name}"
        self._provider = name
        self._state = state
        self._circuits = circuits

    def check(self) -> ProbeResult:
        """Look at settings, circuit and endpoint, in this order."""
        state = self._state(self._provider)
        if state.reason:
            return ProbeResult("disabled", state.reason)
        if self._circuits().get(self._provider) == "open":
            return ProbeResult("degraded", "It is left alone after repeated failures, and tried again soon.", WORKS)
        return _connect(state.base_url) if state.base_url else ProbeResult("ok", "It runs in this process.")


def _connect(url: str) -> ProbeResult:
    import httpx  # noqa: PLC0415 - probes are registered with the providers, and run later in a thread.

    host = httpx.URL(url).host
    try:
        httpx.get(url, timeout=PROBE_SECONDS, trust_env=not is_loopback(host))
    except httpx.HTTPError as error:
        return ProbeResult("degraded", f"Nobody answers at {host} ({type(error).__name__}).", WORKS)
    return ProbeResult("ok", f"{host} answers.")
