"""One request to one provider: from the wait for a place to the end of the answer."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from langchain_core.runnables.config import var_child_runnable_config

from ckit_daemon.core.errors import CkitError, GenerationFailedError, ProviderUnavailableError
from ckit_daemon.services.assistant.gateway import actions
from ckit_daemon.services.assistant.gateway.admission import queue_deadline
from ckit_daemon.services.assistant.gateway.normalise import Normaliser

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessageChunk, BaseMessage

    from ckit_daemon.services.assistant.gateway.admission import Places, Rate
    from ckit_daemon.services.assistant.gateway.breaker import Circuit
    from ckit_daemon.services.assistant.gateway.calls import Delta, ModelRequest, Priority
    from ckit_daemon.services.assistant.gateway.deadlines import Deadline, Deadlines
    from ckit_daemon.services.assistant.providers.base import Provider, ToolMode
    from ckit_daemon.settings import ModelsSettings

TELLS_ITS_END: Final = frozenset({"openai", "azure", "ollama"})
"""Kinds whose protocol says why an answer ended; without that word the connection broke."""

MAX_CHARACTERS: Final = 4_000_000
"""Longest answer, about a million tokens: more than any model writes, and less than would fill the memory."""


@dataclass(frozen=True, slots=True)
class Lane:
    """What stands between a call and one provider."""

    provider: Provider
    circuit: Circuit
    rate: Rate | None
    places: Places
    settings: ModelsSettings

    async def enter(self, held: contextlib.AsyncExitStack, priority: Priority, ends_at: float) -> None:
        """Wait for a place and for the rate limit; the place is given back with `held`.

        Raises:
            OverloadedError: too many calls wait.
            RateLimitedError: the wait for our rate limit would be too long.
            DeadlineExceededError: the turn has not come before `ends_at`, a time of the loop.
        """
        settings, provider = self.settings, self.provider
        place = self.places.take(
            provider.name,
            limit=provider.settings.max_concurrent,
            most=settings.max_concurrent,
            most_waiting=settings.max_queued,
            priority=priority,
        )
        try:
            async with asyncio.timeout_at(ends_at):
                await held.enter_async_context(place)
                if self.rate is not None:
                    await self.rate.wait(provider.name, ends_at - asyncio.get_running_loop().time())
        except TimeoutError:
            raise queue_deadline(provider.name) from None


@dataclass(slots=True)
class Attempt:
    """One request.

    Attributes:
        ends_at: the loop's time at which the whole answer is late.
        end: what the provider said at the end of the answer.
        sent: whether the request has gone out.
    """

    lane: Lane
    chat: BaseChatModel
    request: ModelRequest
    tool_mode: ToolMode
    deadlines: Deadlines
    priority: Priority
    ends_at: float
    end: Normaliser = field(default_factory=Normaliser)
    sent: bool = False

    async def deltas(self) -> AsyncGenerator[Delta]:
        """Ask, and pass the answer on.

        Raises:
            OverloadedError: too many calls wait.
            RateLimitedError: the wait for our rate limit would be too long, or the provider says so.
            DeadlineExceededError: some deadline has passed.
            ProviderUnavailableError: the circuit is open, or the provider can't be reached or broke off.
            ProviderError: the provider refuses the request.
            ContextTooLongError: the messages don't fit, by the provider's word.
            GenerationFailedError: the model chose no tool that could be understood, or would not stop.
        """
        lane = self.lane
        lane.circuit.check()
        async with contextlib.AsyncExitStack() as held:
            await lane.enter(held, self.priority, self.ends_at)
            answers = held.enter_context(lane.circuit.call())
            self.sent = True
            stream = await held.enter_async_context(contextlib.aclosing(self._stream()))
            reader = actions.ActionReader() if self._chooses_actions else None
            spoke, written = False, 0
            async for delta in self._timed(stream):
                written += len(delta.written())
                if written > MAX_CHARACTERS:
                    raise GenerationFailedError(
                        f"The provider {lane.provider.name} did not stop: its answer was ended after {MAX_CHARACTERS} "
                        "characters. Try again, or use another model.",
                        details={"provider": lane.provider.name},
                    )
                if not spoke:
                    spoke = True
                    answers()
                passed = delta if reader is None else reader.read(delta.text)
                if passed is not None:
                    yield passed
            if self.end.finish is None and lane.provider.kind in TELLS_ITS_END:
                raise ProviderUnavailableError(
                    f"The provider {lane.provider.name} broke off in the middle of its answer. Try again.",
                    details={"provider": lane.provider.name},
                )
            if reader is not None and self.end.finish != "length" and (chosen := reader.end()) is not None:
                yield chosen

    @property
    def _chooses_actions(self) -> bool:
        return self.tool_mode == "schema" and bool(self.request.tools) and self.request.schema is None

    def _stream(self) -> AsyncGenerator[AIMessageChunk]:
        request, provider = self.request, self.lane.provider
        plain = self.tool_mode != "native"
        messages: list[BaseMessage] = actions.flatten(request.messages) if plain else request.messages
        keywords: dict[str, Any] = {} if request.stop is None else {"stop": request.stop}
        chat: Any = self.chat
        if request.schema is not None:
            keywords |= provider.constrained(request.schema, request.schema_name)
        elif self._chooses_actions:
            choice = "none" if actions.goes_round(request.messages) else request.tool_choice
            messages = actions.describe(messages, request.tools)
            keywords |= provider.constrained(actions.schema(request.tools, choice), "action")
        elif request.tools and self.tool_mode == "native":
            choice = {} if request.tool_choice is None else {"tool_choice": request.tool_choice}
            chat = chat.bind_tools(request.tools, **choice)
        if self.tool_mode != "native":
            messages = actions.flatten(messages)
        # Else the inner model would report each token to whoever watches the outer one, which reports it, too. An empty
        # list of callbacks does not do it: a model with tools merges that with what this variable holds.
        var_child_runnable_config.set(None)
        return cast("AsyncGenerator[AIMessageChunk]", chat.astream(messages, **keywords))

    async def _timed(self, stream: AsyncIterator[AIMessageChunk]) -> AsyncGenerator[Delta]:
        clock = asyncio.get_running_loop().time
        deadline: Deadline = "firstOutput"
        late_at = clock() + self.deadlines.first_output
        while True:
            timer = asyncio.timeout_at(min(late_at, self.ends_at))
            try:
                async with timer:
                    chunk = await anext(stream)
            except StopAsyncIteration:
                return
            except CkitError:
                raise
            except Exception as error:  # noqa: BLE001 - the provider knows the errors of its library.
                if timer.expired():
                    raise self._late(deadline, late_at) from None
                raise self.lane.provider.translate(error) from None
            if (delta := self.end.read(chunk)) is not None:
                yield delta
                deadline = "outputGap"
            # What has come already is read without a pause, and others must get their turn all the same.
            await asyncio.sleep(0)
            # Also what says nothing yet is a sign of life: a small machine reads a long prompt for minutes.
            late_at = clock() + (self.deadlines.output_gap if deadline == "outputGap" else self.deadlines.first_output)

    def _late(self, deadline: Deadline, late_at: float) -> CkitError:
        return self.deadlines.error(self.lane.provider.name, deadline if late_at < self.ends_at else "total")
