"""What model calls cost: by the settings first, else by the prices that the package genai-prices knows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from genai_prices.types import PriceCalculation

    from ckit_daemon.services.assistant.records import Usage
    from ckit_daemon.settings import ModelSettings, ProviderSettings

    CostOf = Callable[[Usage], float | None]

MILLION: Final = 1_000_000
SHORT: Final = 1000
OPENAI_URL: Final = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """What is known of a model beyond the settings."""

    context_tokens: int | None = None
    input_price: float | None = None
    """US dollars for a million tokens."""
    output_price: float | None = None


class Prices:
    """The prices of models. genai-prices takes half a second to load and the same again at its first use."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], asyncio.Task[KnownModel]] = {}

    async def cost_of(self, provider: ProviderSettings, model: str) -> CostOf:
        """Return a function that prices the calls of a model; it returns None where the price is not known."""
        if _fixed(provider, model) is None:
            await self.known(provider, model)
        return self.at_hand(provider, model)

    def at_hand(self, provider: ProviderSettings, model: str) -> CostOf:
        """Return the same without waiting: where the price is still being looked up, it counts as not known."""
        fixed = _fixed(provider, model)
        if fixed is not None:
            return fixed
        task = self._look_up(provider, model)
        known = task.result() if task.done() and not task.cancelled() else KnownModel()
        return _unknown if known.input_price is None else partial(_by_library, provider, model)

    def prepare(self, provider: ProviderSettings, model: str) -> None:
        """Begin to look up a model, so that whoever asks for its price at the end of a call need not wait."""
        self._look_up(provider, model)

    async def known(self, provider: ProviderSettings, model: str) -> KnownModel:
        """Return what the library knows of a model."""
        return await asyncio.shield(self._look_up(provider, model))

    def _look_up(self, provider: ProviderSettings, model: str) -> asyncio.Task[KnownModel]:
        key = (provider.kind, provider.base_url, model)
        if key not in self._known:
            self._known[key] = asyncio.create_task(asyncio.to_thread(_find, provider, model))
        return self._known[key]


def _fixed(provider: ProviderSettings, model: str) -> CostOf | None:
    settings = provider.models.get(model)
    if settings is not None and settings.input_price is not None and settings.output_price is not None:
        return partial(_by_settings, settings)
    return (lambda _: 0.0) if provider.kind in {"offline", "local"} else None


def _unknown(_: Usage) -> None:
    return None


def _by_settings(settings: ModelSettings, usage: Usage) -> float:
    price = settings.input_price or 0.0
    cached_price = price if settings.cached_input_price is None else settings.cached_input_price
    fresh = usage.input_tokens - usage.cached_input_tokens
    return (
        fresh * price + usage.cached_input_tokens * cached_price + usage.output_tokens * (settings.output_price or 0.0)
    ) / MILLION


def _by_library(provider: ProviderSettings, model: str, usage: Usage) -> float | None:
    found = _calculate(provider, model, usage.input_tokens, usage.cached_input_tokens, usage.output_tokens)
    return None if found is None else float(found.total_price)


def _find(provider: ProviderSettings, model: str) -> KnownModel:
    if provider.kind not in {"openai", "azure"}:
        return KnownModel()
    # Some prices rise with the length of the input; those of a short one are what a list of prices shows.
    found = _calculate(provider, model, SHORT, 0, SHORT)
    if found is None:
        return KnownModel()
    scale = MILLION / SHORT
    return KnownModel(found.model.context_window, float(found.input_price) * scale, float(found.output_price) * scale)


def _calculate(
    provider: ProviderSettings, model: str, input_tokens: int, cached: int, output_tokens: int
) -> PriceCalculation | None:
    import genai_prices  # noqa: PLC0415 - see the class.

    usage = genai_prices.Usage(input_tokens=input_tokens, cache_read_tokens=cached or None, output_tokens=output_tokens)
    try:
        # An address tells whose prices hold: other services offer models of the same names at their own.
        if provider.kind == "azure":
            return genai_prices.calc_price(usage, model, provider_id="azure")
        return genai_prices.calc_price(usage, model, provider_api_url=provider.base_url or OPENAI_URL)
    except (LookupError, ValueError):
        return None
