"""What models a provider has: by its own word, and by the settings."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckit_daemon.redaction import Redactor
from ckit_daemon.settings import ModelSettings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ckit_daemon.services.assistant.providers.base import Provider, ToolMode

    PricesOf = Callable[[str], Awaitable[tuple[float | None, float | None]]]

UNKNOWN = ModelSettings()


@dataclass(frozen=True, slots=True)
class OfferedModel:
    """A model with all that is known of it; prices are US dollars for a million tokens."""

    name: str
    context_tokens: int | None
    tool_mode: ToolMode
    input_price: float | None
    output_price: float | None


async def offered_models(provider: Provider, prices_of: PricesOf) -> tuple[list[OfferedModel], bool]:
    """Return the models by name, and whether the provider itself has listed them.

    Args:
        provider: whose models to list.
        prices_of: tells the prices of a model, which is given as `provider/model`.

    Raises:
        CkitError: the provider can't be asked.
    """
    listed = await provider.models()
    sizes = {info.name: info.context_tokens for info in listed or ()}
    # A provider that has a list may still serve what is not on it, e.g. a fine-tuned model of the settings.
    names = sorted({*sizes, *provider.settings.models})
    redactor = Redactor()

    async def describe(name: str) -> OfferedModel:
        settings = provider.settings.models.get(name, UNKNOWN)
        input_price, output_price = await prices_of(f"{provider.name}/{name}")
        return OfferedModel(
            name=redactor.text(name),
            context_tokens=settings.context_tokens or sizes.get(name),
            tool_mode=settings.tool_mode or provider.tool_mode,
            input_price=input_price if settings.input_price is None else settings.input_price,
            output_price=output_price if settings.output_price is None else settings.output_price,
        )

    return await asyncio.gather(*map(describe, names)), listed is not None
