"""Finds what is needed to ask a model: its provider, circuit, limits, deadlines and the size of its context."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.errors import CkitError, InvalidArgumentError
from ckit_daemon.services.assistant.gateway.admission import Rate
from ckit_daemon.services.assistant.gateway.attempt import Lane
from ckit_daemon.services.assistant.gateway.breaker import Circuit
from ckit_daemon.services.assistant.gateway.chain import Target
from ckit_daemon.services.assistant.gateway.deadlines import Deadlines
from ckit_daemon.services.assistant.providers.base import ModelParameters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ckit_daemon.services.assistant.gateway.admission import Places
    from ckit_daemon.services.assistant.gateway.breaker import CircuitState
    from ckit_daemon.services.assistant.gateway.calls import ModelCall, Purpose
    from ckit_daemon.services.assistant.gateway.prices import Prices
    from ckit_daemon.services.assistant.providers.base import Provider
    from ckit_daemon.services.assistant.providers.registry import ProviderRegistry
    from ckit_daemon.settings import ModelsSettings

CUTTING: Final = frozenset({"ollama", "local", "offline"})
"""Kinds of providers that say nothing when they cut what is too long, or that are asked without a network."""


class Targets:
    """The models that can be asked; keeps one circuit and one rate for each provider."""

    def __init__(
        self,
        registry: ProviderRegistry,
        settings: Callable[[], ModelsSettings],
        places: Places,
        prices: Prices,
    ) -> None:
        self._registry = registry
        self._settings = settings
        self._places = places
        self._prices = prices
        self._circuits: dict[str, Circuit] = {}
        self._rates: dict[str, Rate] = {}
        self._sizes: dict[str, int | None] = {}

    def circuits(self) -> Mapping[str, CircuitState]:
        """Return the state of each provider's circuit; a provider that was never asked is not in it."""
        return {name: circuit.state for name, circuit in self._circuits.items()}

    def reference(self, purpose: Purpose, model: str | None = None) -> str:
        """Return `provider/model`: the given one, or what the settings name for the purpose."""
        models = self._settings()
        return model or (models.generation if purpose == "generation" else "") or models.chat

    async def find(self, reference: str) -> tuple[Provider, str]:
        """Return the provider and the model's name.

        Raises:
            InvalidArgumentError: this is no `provider/model`.
            NotFoundError: there is no such provider.
        """
        provider, _, model = reference.partition("/")
        if not model:
            raise InvalidArgumentError(
                f"{reference!r} names no model: it must be `provider/model`.", details={"model": reference}
            )
        return await self._registry.get(provider), model

    async def resolve(self, reference: str, call: ModelCall) -> Target:
        """Return a model with everything that is needed to ask it; raises as `find`."""
        provider, model = await self.find(reference)
        models = self._settings()
        known = provider.settings.models.get(model)
        wanted = call.max_output_tokens or models.max_output_tokens
        most = known.max_output_tokens if known is not None else None
        deadlines = Deadlines.of(models, provider.settings)
        return Target(
            lane=self._lane(provider, models),
            model=model,
            params=ModelParameters(
                temperature=models.temperature if call.temperature is None else call.temperature,
                max_output_tokens=wanted if most is None else min(wanted, most),
                connect_timeout=deadlines.connect,
                total_timeout=deadlines.total,
                request_id=call.request_id,
            ),
            deadlines=deadlines,
            context_tokens=partial(self._known_size, provider, model),
        )

    async def context_tokens(self, provider: Provider, model: str) -> int | None:
        """Return the size of a model's context: by the settings, a library's list, or the provider's own word."""
        known = provider.settings.models.get(model)
        if known is not None and known.context_tokens is not None:
            return known.context_tokens
        key = _key(provider, model)
        if key not in self._sizes:
            listed = await self._prices.known(provider.settings, model)
            if listed.context_tokens is not None:
                self._sizes[key] = listed.context_tokens
            else:
                await self._learn(provider)
        return self._sizes.get(key)

    async def _known_size(self, provider: Provider, model: str) -> int | None:
        # Before a call the provider is only asked for a list if it would silently cut what is too long.
        if provider.kind in CUTTING or _key(provider, model) in self._sizes or model in provider.settings.models:
            return await self.context_tokens(provider, model)
        return (await self._prices.known(provider.settings, model)).context_tokens

    async def _learn(self, provider: Provider) -> None:
        try:
            async with asyncio.timeout(Deadlines.of(self._settings(), provider.settings).connect):
                offered = await provider.models()
        except (CkitError, TimeoutError):
            # A provider that can't be asked now will say so when it is asked for an answer.
            return
        for each in offered or ():
            self._sizes[_key(provider, each.name)] = each.context_tokens

    def _lane(self, provider: Provider, models: ModelsSettings) -> Lane:
        name, per_minute = provider.name, provider.settings.requests_per_minute
        if name not in self._circuits:
            self._circuits[name] = Circuit(name, models.circuit_failures, models.circuit_reset_seconds)
        if per_minute is not None and name not in self._rates:
            self._rates[name] = Rate(per_minute)
        return Lane(provider, self._circuits[name], self._rates.get(name), self._places, models)


def _key(provider: Provider, model: str) -> str:
    # Ollama lists a model without a tag under this one.
    return f"{provider.name}/{model.removesuffix(':latest')}"
