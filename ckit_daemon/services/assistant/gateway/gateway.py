"""The gateway itself: what happens to a request on its way to a provider, in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from typing import TYPE_CHECKING, Final

import msgspec

from ckit_daemon.core.errors import BudgetExceededError, CkitError
from ckit_daemon.redaction import Redactor, ValueRedactor
from ckit_daemon.services.assistant.gateway.admission import Places
from ckit_daemon.services.assistant.gateway.answers import ANSWER_DECODER, KEPT, Collector
from ckit_daemon.services.assistant.gateway.calls import (
    CallInfo,
    Delta,
    ModelCall,
    ModelRequest,
    Started,
    Structured,
    UnfitAnswerError,
)
from ckit_daemon.services.assistant.gateway.chain import Chain, Instruments, Target
from ckit_daemon.services.assistant.gateway.embedding import Embeddings
from ckit_daemon.services.assistant.gateway.keys import request_key
from ckit_daemon.services.assistant.gateway.model import GatewayChatModel
from ckit_daemon.services.assistant.gateway.outgoing import without_secrets
from ckit_daemon.services.assistant.gateway.parsing import parse
from ckit_daemon.services.assistant.gateway.prices import Prices
from ckit_daemon.services.assistant.gateway.sharing import SharedRuns
from ckit_daemon.services.assistant.gateway.targets import Targets
from ckit_daemon.services.assistant.gateway.tokens import LARGE_CHARACTERS, Tokenizers, estimate, input_room, texts
from ckit_daemon.services.assistant.records import Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
    from pathlib import Path

    from langchain_core.messages import BaseMessage

    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.metrics import Metrics
    from ckit_daemon.services.assistant.gateway.answers import Answer, AnswerCache
    from ckit_daemon.services.assistant.gateway.breaker import CircuitState
    from ckit_daemon.services.assistant.gateway.budget import Account
    from ckit_daemon.services.assistant.gateway.calls import Part, Priority, TokenCount
    from ckit_daemon.services.assistant.providers.registry import ProviderRegistry
    from ckit_daemon.settings import Settings

logger = logging.getLogger(__name__)

ASSUMED_CONTEXT_TOKENS: Final = 16_384
"""For models of unknown size: what nearly every model in use today has."""
FREE: Final = Usage(input_tokens=0, output_tokens=0, cost=0.0, cached=True)
MILLION: Final = 1_000_000
STALE: Final = "No model can be reached now; this answer was kept from an earlier, identical request."


class ModelGateway:
    """Everything between those who ask models and the providers; used on the event loop only."""

    def __init__(
        self,
        registry: ProviderRegistry,
        settings: Callable[[], Settings],
        cache: AnswerCache,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._cache = cache
        self._metrics = metrics
        self._redactor = Redactor()
        self._values = ValueRedactor()
        self._runs: SharedRuns[Part] = SharedRuns()
        self._places = Places(self._note_queue)
        self._tools = Instruments(Tokenizers(self._cache_dir), Prices(), metrics)
        self._targets = Targets(registry, lambda: settings().models, self._places, self._tools.prices)
        self._embeddings = Embeddings(self._targets, self._tools)

    def chat_model(self, call: ModelCall) -> GatewayChatModel:
        """Return a chat model whose requests go through the gateway; its `astream` raises subclasses of `CkitError`.

        What its requests take is charged to the call's account, also where they fail or are given up.
        """
        return GatewayChatModel(lambda request: self._parts(call, request))

    async def structured(
        self, call: ModelCall, messages: Sequence[BaseMessage], schema: JsonObject, name: str
    ) -> Structured:
        """Return an answer in JSON of a schema.

        Args:
            call: how to ask.
            messages: what to ask.
            schema: a JSON Schema of an object.
            name: what the object is called, as an identifier.

        Raises:
            UnfitAnswerError: the answer does not fit the schema; `details.problems` says why.
            CkitError: as the chat model raises them.
        """
        said = Collector()
        info: CallInfo | None = None
        request = ModelRequest(messages=list(messages), schema=schema, schema_name=name)
        async with contextlib.aclosing(self._parts(call, request)) as parts:
            async for part in parts:
                if isinstance(part, Delta):
                    said.add(part)
                elif isinstance(part, CallInfo):
                    info = part
        if info is None:
            raise AssertionError("every answer ends with what is known about it")
        text = said.answer(info).text
        value, problems = await asyncio.to_thread(parse, text, schema)
        if problems and info.finish == "length":
            problems.append("The answer was cut because it was too long.")
        if problems:
            raise UnfitAnswerError(problems, text, info)
        return Structured(value, text, info)

    async def embed(
        self, model: str, texts: Sequence[str], *, priority: Priority, request_id: str = ""
    ) -> list[list[float]]:
        """Return a vector for each text without its secrets, all of one length, as the provider makes them.

        Args:
            model: `provider/model`.
            texts: what to embed; empty ones are refused by some providers.
            priority: `interactive` calls go first, and are not tried again.
            request_id: sent to the provider as a header.

        Raises:
            InvalidArgumentError: this is no `provider/model`, or the provider has no embeddings.
            NotFoundError: there is no such provider.
            CkitError: as the chat model raises them.
        """
        clean = await asyncio.to_thread(lambda: [self._values.text(text) for text in texts])
        return await self._embeddings.embed(model, clean, priority=priority, request_id=request_id)

    async def context_tokens(self, model: str | None = None) -> int:
        """Return the size of a model's context, in tokens; without a name that of the model for conversations.

        Raises:
            NotFoundError: there is no such provider.
        """
        found = await self._targets.find(self._targets.reference("chat", model))
        return await self._targets.context_tokens(*found) or ASSUMED_CONTEXT_TOKENS

    async def room(self, model: str | None = None, answer_tokens: int | None = None) -> int:
        """Return how many tokens a request to a model may have beside its answer; raises as `context_tokens`.

        Args:
            model: its name; that of the model for conversations without it.
            answer_tokens: the longest answer that is wanted; as the settings say without it.
        """
        size = await self.context_tokens(model)
        return input_room(size, answer_tokens or self._settings().models.max_output_tokens)

    async def count_tokens(self, text: str, model: str | None = None) -> TokenCount:
        """Return the length of a text in a model's tokens; raises as `context_tokens`."""
        provider, name = await self._targets.find(self._targets.reference("chat", model))
        return await self._tools.tokenizers.count([text], provider.kind, name)

    async def prices(self, model: str) -> tuple[float | None, float | None]:
        """Return a model's prices of input and output in US dollars for a million tokens, None where not known.

        Raises as `context_tokens`.
        """
        provider, name = await self._targets.find(model)
        known = await self._tools.prices.known(provider.settings, name)
        return known.input_price, known.output_price

    async def clear_cache(self) -> int:
        """Throw all kept answers away and return how many there were.

        Raises:
            StorageError: the disk refuses.
        """
        return await self._cache.clear()

    def circuits(self) -> Mapping[str, CircuitState]:
        """Return the state of each provider's circuit; a provider that was never asked is not in it."""
        return self._targets.circuits()

    def queue_depth(self) -> int:
        """Return how many calls wait for their turn."""
        return self._places.waiting

    async def _parts(self, call: ModelCall, request: ModelRequest) -> AsyncGenerator[Started | Delta | CallInfo]:
        """Watch the budget and write the log for one caller; the rest is shared with those who ask the same."""
        begun = time.monotonic()
        account = call.account
        outcome = "cancelled"
        info: CallInfo | None = None
        who: Started | None = None
        written: list[str] = []
        reference = self._targets.reference(call.purpose, call.model)
        try:
            request = await asyncio.to_thread(without_secrets, self._values, request)
            target = await self._targets.resolve(reference, call)
            if account.is_bounded:
                await self._open(account, target, request)
            key = await _key(target, request)
            run = f"{key} bypass" if call.bypass_cache else key
            items = self._runs.read(run, lambda: self._answer(key, call, request, target))
            async with contextlib.aclosing(items):
                async for part, own in items:
                    if isinstance(part, CallInfo):
                        info = part if own or part.cached else self._free(part)
                        await account.settle(info.usage)
                    if isinstance(part, Started):
                        who = part
                    counts = who is not None and not who.cached and own
                    if counts and isinstance(part, Delta):
                        # Before the reader gets it: whoever gives up then has been told it all the same.
                        written.append(part.written())
                    yield part if info is None else info
                    if counts and who is not None and account.is_bounded and not isinstance(part, CallInfo):
                        await self._watch(account, who, part)
            outcome = "ok"
        except BudgetExceededError as error:
            outcome = error.code
            if who is not None:
                info = _stopped(who, account.running())
                await account.settle(info.usage)
                yield info
            raise
        except CkitError as error:
            outcome = error.code
            raise
        finally:
            if info is None and who is not None and written:
                # The reader has given the answer up, and nobody will say what it took.
                await account.settle(await self._taken(who, request, "".join(written)))
            _log(call, reference, outcome, info, time.monotonic() - begun)

    async def _answer(self, key: str, call: ModelCall, request: ModelRequest, target: Target) -> AsyncGenerator[Part]:
        """Answer from the cache, else from a model, and where no model can be reached from the cache all the same."""
        # The offline model costs nothing, and what it says follows from the version of this program.
        kept = self._settings().models.cache and target.provider.kind != "offline"
        reads = kept and not call.bypass_cache
        answer = await self._kept(key) if reads else None
        if answer is not None:
            self._metrics.answers.cache_hits += 1
            async for part in _told_again(answer, None):
                yield part
            return
        self._metrics.answers.cache_misses += reads
        fallbacks = [each for each in self._settings().models.fallbacks if each != target.reference]
        chain = Chain(target, fallbacks, lambda reference: self._targets.resolve(reference, call), self._tools)
        said = Collector()
        try:
            async with contextlib.aclosing(chain.parts(request, call.priority)) as parts:
                async for part in parts:
                    if isinstance(part, Delta):
                        said.add(part)
                    elif isinstance(part, CallInfo) and kept:
                        await self._keep(chain.asked[-1], request, said, part)
                    yield part
        except CkitError as error:
            if chain.spoke or not error.retryable or not reads:
                raise
            stale = await self._stale(chain.asked, request)
            if stale is None:
                raise
            logger.warning("answered from the cache: %s", error.message, extra={"model": target.reference})
            self._metrics.answers.stale_hits += 1
            async for part in _told_again(stale, STALE):
                yield part

    async def _kept(self, key: str, *, stale: bool = False) -> Answer | None:
        found = await self._cache.get(key, stale=stale)
        try:
            return None if found is None else ANSWER_DECODER.decode(found)
        except msgspec.DecodeError:
            # An answer in the form of another version.
            return None

    async def _stale(self, targets: Sequence[Target], request: ModelRequest) -> Answer | None:
        for target in targets:
            answer = await self._kept(await _key(target, request), stale=True)
            if answer is not None:
                return answer
        return None

    async def _keep(self, target: Target, request: ModelRequest, said: Collector, info: CallInfo) -> None:
        if info.finish not in KEPT or said.is_empty or target.provider.kind == "offline":
            return
        answer = said.answer(info).to_json()
        text = answer.decode()
        # A model may repeat a key that it was shown; such an answer is not written to the disk.
        if self._redactor.text(text) == text:
            self._cache.put(await _key(target, request), answer)

    async def _open(self, account: Account, target: Target, request: ModelRequest) -> None:
        settings, kind = target.provider.settings, target.provider.kind
        parts = texts(request.messages, request.tools)
        count = await self._tools.tokenizers.count(parts, kind, target.model)
        account.begin(count.tokens, await self._tools.prices.cost_of(settings, target.model))

    async def _watch(self, account: Account, who: Started, part: Started | Delta) -> None:
        provider, model = await self._targets.find(f"{who.provider}/{who.model}")
        if isinstance(part, Delta):
            account.watch(self._tools.tokenizers.quick(part.written(), provider.kind, model))
        else:
            account.price(await self._tools.prices.cost_of(provider.settings, model))

    async def _taken(self, who: Started, request: ModelRequest, written: str) -> Usage:
        """Estimate what an answer took of which only a part is known."""
        provider, model = await self._targets.find(f"{who.provider}/{who.model}")
        taken = sum(map(estimate, texts(request.messages, request.tools)))
        usage = Usage(input_tokens=taken, output_tokens=estimate(written), estimated=True)
        return msgspec.structs.replace(usage, cost=self._tools.prices.at_hand(provider.settings, model)(usage))

    def _free(self, info: CallInfo) -> CallInfo:
        """What is known about an answer for those who got it because somebody else had asked the same."""
        self._metrics.answers.shared += 1
        return msgspec.structs.replace(info, cached=True, attempts=0, usage=FREE)

    def _cache_dir(self) -> Path:
        return self._settings().paths.cache()

    def _note_queue(self, waiting: int) -> None:
        self._metrics.models_queued = waiting


async def _key(target: Target, request: ModelRequest) -> str:
    if target.provider.kind == "offline":
        # It reads what other models never see, and there is nothing to be saved by sharing it.
        return uuid.uuid4().hex
    arguments = (target.provider.name, target.provider.settings, target.model, target.params, request)
    if sum(map(len, texts(request.messages))) > LARGE_CHARACTERS:
        return await asyncio.to_thread(request_key, *arguments)
    return request_key(*arguments)


async def _told_again(answer: Answer, note: str | None) -> AsyncGenerator[Part]:
    yield Started(answer.provider, answer.model, cached=True)
    for delta in answer.deltas():
        yield delta
        await asyncio.sleep(0)
    yield CallInfo(
        provider=answer.provider,
        model=answer.model,
        cached=True,
        attempts=0,
        finish=answer.finish,
        usage=FREE,
        note=note,
    )


def _stopped(who: Started, usage: Usage) -> CallInfo:
    return CallInfo(provider=who.provider, model=who.model, cached=False, attempts=1, finish="interrupted", usage=usage)


def _log(call: ModelCall, reference: str, outcome: str, info: CallInfo | None, seconds: float) -> None:
    fields: dict[str, object] = {
        "request_id": call.request_id,
        "session_id": call.session_id,
        "purpose": call.purpose,
        "model": reference if info is None else f"{info.provider}/{info.model}",
        "outcome": outcome,
        "duration_ms": round(seconds * 1000, 1),
    }
    if info is not None:
        fields |= {
            "input_tokens": info.usage.input_tokens,
            "output_tokens": info.usage.output_tokens,
            "cost": info.usage.cost,
            "cached": info.cached,
            "attempts": info.attempts,
        }
    logger.info("model call", extra=fields)
