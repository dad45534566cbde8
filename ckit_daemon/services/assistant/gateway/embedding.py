"""Asks providers for embeddings, by the same lanes as for answers: places, rates, circuits, retries, deadlines."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.errors import CkitError, ProviderUnavailableError
from ckit_daemon.metrics import ModelCount
from ckit_daemon.services.assistant.gateway.calls import ModelCall
from ckit_daemon.services.assistant.gateway.retries import tries
from ckit_daemon.services.assistant.gateway.tokens import estimate
from ckit_daemon.services.assistant.records import Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckit_daemon.services.assistant.gateway.calls import Priority
    from ckit_daemon.services.assistant.gateway.chain import Instruments, Target
    from ckit_daemon.services.assistant.gateway.targets import Targets
    from ckit_daemon.services.assistant.providers.base import Embedded

logger = logging.getLogger(__name__)

WAITED_FOR: Final = 1
"""Tries where a person waits, who can go on without."""


class Embeddings:
    """The embeddings of all providers; used on the event loop only."""

    def __init__(self, targets: Targets, instruments: Instruments) -> None:
        self._targets = targets
        self._tools = instruments

    async def embed(
        self, reference: str, texts: Sequence[str], *, priority: Priority, request_id: str = ""
    ) -> list[list[float]]:
        """Return a vector for each text; see `ModelGateway.embed`."""
        target = await self._targets.resolve(reference, ModelCall(request_id=request_id, priority=priority))
        begun = time.monotonic()
        outcome = "cancelled"
        embedded: Embedded | None = None
        self._tools.prices.prepare(target.provider.settings, target.model)
        try:
            embedded = await self._ask(target, texts, priority)
        except CkitError as error:
            outcome = error.code
            raise
        else:
            outcome = "ok"
            return embedded.vectors
        finally:
            self._count(target, outcome, time.monotonic() - begun, texts, embedded)

    async def _ask(self, target: Target, texts: Sequence[str], priority: Priority) -> Embedded:
        settings = target.lane.settings
        ends_at = asyncio.get_running_loop().time() + target.deadlines.total
        async for trial in tries(settings, ends_at, WAITED_FOR if priority == "interactive" else None):
            with trial:
                if trial.num > 1:
                    self._tools.metrics.answers.retries += 1
                return await self._try(target, texts, priority, ends_at)
        raise AssertionError("stamina ends with an answer or an error")

    async def _try(self, target: Target, texts: Sequence[str], priority: Priority, ends_at: float) -> Embedded:
        lane, deadlines = target.lane, target.deadlines
        lane.circuit.check()
        async with contextlib.AsyncExitStack() as held:
            await lane.enter(held, priority, ends_at)
            held.enter_context(lane.circuit.call())
            late_at = asyncio.get_running_loop().time() + deadlines.first_output
            try:
                async with asyncio.timeout_at(min(late_at, ends_at)):
                    embedded = await target.provider.embed(target.model, texts, target.params)
            except TimeoutError:
                raise deadlines.error(target.provider.name, "firstOutput" if late_at < ends_at else "total") from None
            if len(embedded.vectors) != len(texts) or len({len(vector) for vector in embedded.vectors}) > 1:
                raise ProviderUnavailableError(
                    f"The provider {target.provider.name} sent {len(embedded.vectors)} vectors for {len(texts)} texts, "
                    "or vectors of several lengths.",
                    details={"provider": target.provider.name},
                )
            return embedded

    def _count(
        self, target: Target, outcome: str, seconds: float, texts: Sequence[str], embedded: Embedded | None
    ) -> None:
        tokens = 0 if embedded is None else embedded.input_tokens
        if tokens is None:
            tokens = sum(map(estimate, texts))
        usage = Usage(input_tokens=tokens, output_tokens=0)
        cost = self._tools.prices.at_hand(target.provider.settings, target.model)(usage)
        self._tools.metrics.record_model(
            ModelCount(
                provider=target.provider.name,
                model=target.model,
                outcome=outcome,
                count=1,
                total_seconds=seconds,
                input_tokens=tokens,
                cost=cost or 0.0,
            )
        )
        logger.debug(
            "embedding", extra={"model": target.reference, "outcome": outcome, "texts": len(texts), "tokens": tokens}
        )
