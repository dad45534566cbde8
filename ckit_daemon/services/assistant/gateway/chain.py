"""Asks the models of the fallback chain, each as often as it makes sense, until one answers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import msgspec

from ckit_daemon.core.errors import (
    CkitError,
    ContextTooLongError,
    DeadlineExceededError,
    GenerationFailedError,
    OverloadedError,
    ProviderUnavailableError,
)
from ckit_daemon.metrics import ModelCount
from ckit_daemon.services.assistant.gateway.answers import Collector
from ckit_daemon.services.assistant.gateway.attempt import Attempt, Lane
from ckit_daemon.services.assistant.gateway.calls import CallInfo, Started
from ckit_daemon.services.assistant.gateway.retries import tries
from ckit_daemon.services.assistant.gateway.tokens import estimate, input_room, texts
from ckit_daemon.services.assistant.records import Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from langchain_core.language_models import BaseChatModel

    from ckit_daemon.metrics import Metrics
    from ckit_daemon.services.assistant.gateway.calls import Delta, Finish, ModelRequest, Part, Priority
    from ckit_daemon.services.assistant.gateway.deadlines import Deadlines
    from ckit_daemon.services.assistant.gateway.prices import Prices
    from ckit_daemon.services.assistant.gateway.tokens import Tokenizers
    from ckit_daemon.services.assistant.providers.base import ModelParameters, Provider, ToolMode

logger = logging.getLogger(__name__)

SHORT_TOKENS: Final = 1000
"""By the estimate; no model in use has room for less."""
ESTIMATE_MARGIN: Final = 1.1
"""How much more tokens a text may have than is estimated."""
FINAL: Final = (ContextTooLongError, GenerationFailedError, OverloadedError)
"""Errors that another model would only repeat, or that a caller has a better answer to."""


@dataclass(frozen=True, slots=True)
class Target:
    """A model of the chain, ready to be asked."""

    lane: Lane
    model: str
    params: ModelParameters
    deadlines: Deadlines
    context_tokens: Callable[[], Awaitable[int | None]]
    """Tells the size of its context; None where that is not known."""

    @property
    def provider(self) -> Provider:
        """Whose model it is."""
        return self.lane.provider

    @property
    def reference(self) -> str:
        """Its name, as in the settings."""
        return f"{self.provider.name}/{self.model}"

    @property
    def tool_mode(self) -> ToolMode:
        """How it uses tools."""
        settings = self.provider.settings.models.get(self.model)
        return (settings.tool_mode if settings is not None else None) or self.provider.tool_mode


@dataclass(frozen=True, slots=True)
class Instruments:
    """What all runs measure with."""

    tokenizers: Tokenizers
    prices: Prices
    metrics: Metrics


class Chain:
    """One run through the models of a chain for one request.

    Attributes:
        asked: the models that were asked, in that order.
        spoke: whether a part of an answer was passed on, so that nobody else can be asked any more.
    """

    def __init__(
        self,
        first: Target,
        fallbacks: Sequence[str],
        resolve: Callable[[str], Awaitable[Target]],
        instruments: Instruments,
    ) -> None:
        self._first = first
        self._fallbacks = fallbacks
        self._resolve = resolve
        self._tools = instruments
        self._attempts = 0
        self._failures: list[tuple[str, CkitError]] = []
        self.asked: list[Target] = []
        self.spoke = False

    async def parts(self, request: ModelRequest, priority: Priority) -> AsyncGenerator[Part]:
        """Pass on the answer of the first model that gives one.

        Raises:
            CkitError: the chosen model's error, where no model answers, with what the others say; or that of an answer
                that broke off, after a `CallInfo` that says what it took.
        """
        for reference in (None, *self._fallbacks):
            try:
                target = self._first if reference is None else await self._resolve(reference)
                self.asked.append(target)
                async with contextlib.aclosing(self._ask(target, request, priority)) as parts:
                    async for part in parts:
                        yield part
            except CkitError as error:
                if self.spoke or (isinstance(error, FINAL) and not self._failures):
                    raise
                name = reference or self._first.reference
                logger.warning("model failed: %s", error.message, extra={"model": name})
                self._failures.append((name, error))
                if isinstance(error, FINAL):
                    break
            else:
                return
        raise _all_failed(self._failures)

    async def _ask(self, target: Target, request: ModelRequest, priority: Priority) -> AsyncGenerator[Part]:
        begun = time.monotonic()
        outcome = "cancelled"
        said = Collector()
        info: CallInfo | None = None
        self._tools.prices.prepare(target.provider.settings, target.model)
        try:
            params = await self._fitting(target, request)
            attempt, deltas, first = await self._begin(target, params, request, priority)
            async with contextlib.aclosing(deltas):
                yield Started(target.provider.name, target.model)
                try:
                    if first is not None:
                        self.spoke = True
                        said.add(first)
                        yield first
                    async for delta in deltas:
                        said.add(delta)
                        yield delta
                except CkitError as error:
                    info = await self._info(target, request, attempt, said, "interrupted")
                    yield info
                    raise _broken(target, error) from None
            info = await self._info(target, request, attempt, said, _finish(attempt, said))
            outcome = "ok"
            yield info
        except CkitError as error:
            outcome = error.code
            raise
        finally:
            self._count(target, outcome, time.monotonic() - begun, request, said, info)

    async def _begin(
        self, target: Target, params: ModelParameters, request: ModelRequest, priority: Priority
    ) -> tuple[Attempt, AsyncGenerator[Delta], Delta | None]:
        """Ask until the first part of an answer has come: from then on asking again would repeat it."""
        chat = await target.provider.chat_model(target.model, params)
        settings = target.lane.settings
        ends_at = asyncio.get_running_loop().time() + target.deadlines.total

        async for trial in tries(settings, ends_at):
            with trial:
                if trial.num > 1:
                    self._tools.metrics.answers.retries += 1
                return await self._try(self._attempt(target, chat, request, priority, ends_at))
        raise AssertionError("stamina ends with an answer or an error")

    async def _try(self, attempt: Attempt) -> tuple[Attempt, AsyncGenerator[Delta], Delta | None]:
        deltas = attempt.deltas()
        try:
            return attempt, deltas, await anext(deltas, None)
        finally:
            self._attempts += attempt.sent

    def _attempt(
        self, target: Target, chat: BaseChatModel, request: ModelRequest, priority: Priority, ends_at: float
    ) -> Attempt:
        return Attempt(
            lane=target.lane,
            chat=chat,
            request=request,
            tool_mode=target.tool_mode,
            deadlines=target.deadlines,
            priority=priority,
            ends_at=ends_at,
        )

    async def _fitting(self, target: Target, request: ModelRequest) -> ModelParameters:
        """Return the parameters for an answer that there is room for: servers refuse what could become too long.

        Raises:
            ContextTooLongError: the messages leave no room for an answer.
        """
        params, parts = target.params, texts(request.messages, request.tools)
        about = sum(map(estimate, parts))
        # To count exactly, and to learn the size of a context, takes time that short requests need not spend.
        if about <= SHORT_TOKENS or (size := await target.context_tokens()) is None:
            return params
        most = input_room(size, params.max_output_tokens)
        if about <= most // 2 and about * 2 + params.max_output_tokens <= size:
            return params
        count = await self._tools.tokenizers.count(parts, target.provider.kind, target.model)
        if count.tokens > most:
            raise ContextTooLongError(
                f"The messages have {'about ' if count.estimated else ''}{count.tokens} tokens, and {target.reference} "
                f"takes {most} beside its answer. Shorten or compact the conversation, or use another model.",
                details={"tokens": count.tokens, "limit": most, "estimated": count.estimated},
            )
        left = size - int(count.tokens * (ESTIMATE_MARGIN if count.estimated else 1))
        return replace(params, max_output_tokens=max(1, min(params.max_output_tokens, left)))

    async def _info(
        self, target: Target, request: ModelRequest, attempt: Attempt, said: Collector, finish: Finish
    ) -> CallInfo:
        usage = attempt.end.usage
        if usage is None:
            count = self._tools.tokenizers.count
            kind = target.provider.kind
            taken = await count(texts(request.messages, request.tools), kind, target.model)
            given = await count([said.written()], kind, target.model)
            usage = Usage(input_tokens=taken.tokens, output_tokens=given.tokens, estimated=True)
        cost_of = await self._tools.prices.cost_of(target.provider.settings, target.model)
        note = None
        if target is not self._first:
            note = f"{self._first.reference} could not answer; {target.reference} did instead. The reason: "
            note += self._failures[0][1].message
        return CallInfo(
            provider=target.provider.name,
            model=target.model,
            cached=False,
            attempts=self._attempts,
            finish=finish,
            usage=msgspec.structs.replace(usage, cost=cost_of(usage)),
            note=note,
        )

    def _count(
        self,
        target: Target,
        outcome: str,
        seconds: float,
        request: ModelRequest,
        said: Collector,
        info: CallInfo | None,
    ) -> None:
        written = said.written()
        if info is not None:
            usage = info.usage
        elif written:
            taken = sum(map(estimate, texts(request.messages, request.tools)))
            usage = Usage(input_tokens=taken, output_tokens=estimate(written), estimated=True)
        else:
            usage = Usage(input_tokens=0, output_tokens=0)
        self._tools.metrics.record_model(
            ModelCount(
                provider=target.provider.name,
                model=target.model,
                outcome=outcome,
                count=1,
                total_seconds=seconds,
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cost=usage.cost or 0.0,
            )
        )


def _all_failed(failures: Sequence[tuple[str, CkitError]]) -> CkitError:
    """The error of the chosen model, which says of the fallbacks that they were asked as well."""
    _, error = failures[0]
    if len(failures) > 1:
        others = " ".join(f"{name}: {other.message}" for name, other in failures[1:])
        error.message = f"{error.message} The fallbacks did not answer either. {others}"
    return error


def _finish(attempt: Attempt, said: Collector) -> Finish:
    finish = attempt.end.finish or "stop"
    return "toolCalls" if said.has_calls and finish == "stop" else finish


def _broken(target: Target, error: CkitError) -> CkitError:
    if isinstance(error, DeadlineExceededError | GenerationFailedError):
        return error
    return ProviderUnavailableError(
        f"The answer of {target.reference} broke off: {error.message}",
        details={**error.details, "cause": error.code},
        retry_after_ms=error.retry_after_ms,
    )
