"""One short request to a provider, to see whether it works."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.errors import CkitError, DeadlineExceededError, InvalidArgumentError
from ckit_daemon.redaction import Redactor
from ckit_daemon.services.assistant.providers.base import ModelParameters

if TYPE_CHECKING:
    from ckit_daemon.services.assistant.providers.base import Provider
    from ckit_daemon.settings import ModelsSettings

QUESTION: Final = "Answer with the one word: ready"
_NAMED: Final = 8
"""Most models that an error names."""
MAX_TOKENS: Final = 64
"""Enough for a word after some thinking, and cheap everywhere."""


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """How the request went; times are milliseconds from its start.

    Attributes:
        said: the answer, without secrets.
        error: why there was none; None where it went well.
    """

    model: str
    said: str
    first_output_ms: float | None
    total_ms: float
    error: CkitError | None


async def check_provider(
    provider: Provider, model: str | None, models: ModelsSettings, request_id: str
) -> CheckOutcome:
    """Ask a model for one word; what goes wrong at the provider is an outcome.

    Args:
        provider: whom to ask.
        model: its name at the provider; None: the first one that the settings name, or the only one that is offered.
        models: the deadlines, and the model of conversations.
        request_id: goes with the call.

    Raises:
        InvalidArgumentError: no model is given, the settings name none for this provider, and it offers several.
        CkitError: it does not even say what it offers.
    """
    chosen = model or await _model_to_try(provider, models)
    settings = provider.settings
    total = settings.total_timeout_seconds or models.total_timeout_seconds
    connect = settings.connect_timeout_seconds or models.connect_timeout_seconds
    parameters = ModelParameters(None, MAX_TOKENS, connect, total, request_id)
    started = time.monotonic()
    first: float | None = None
    said = ""
    error: CkitError | None = None
    try:
        async with asyncio.timeout(total):
            chat = await provider.chat_model(chosen, parameters)
            async for chunk in chat.astream(QUESTION):
                first = first if first is not None else _since(started)
                said += chunk.text
    except TimeoutError:
        error = DeadlineExceededError(f"The provider {provider.name} did not answer within {total:g} s.")
    except Exception as problem:  # noqa: BLE001 - the provider knows the errors of its library, and logs the others.
        error = provider.translate(problem)
    return CheckOutcome(chosen, Redactor().text(said.strip()), first, _since(started), error)


async def _model_to_try(provider: Provider, models: ModelsSettings) -> str:
    named = (models.chat, models.generation, *models.fallbacks)
    used = [model.removeprefix(f"{provider.name}/") for model in named if model.startswith(f"{provider.name}/")]
    known = [*used, *provider.settings.models]
    if known:
        return known[0]
    offered = [each.name for each in await provider.models() or ()]
    if len(offered) == 1:
        return offered[0]
    offers = f", which offers {', '.join(offered[:_NAMED])}{', ...' if offered[_NAMED:] else ''}" if offered else ""
    where = " On Azure that is the name of a deployment." if provider.kind == "azure" else ""
    raise InvalidArgumentError(
        f"The settings name no model of the provider {provider.name}{offers}. Say which one to try.{where}",
        details={"provider": provider.name},
    )


def _since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 3)
