"""Runs requests: admission, order, deadlines, cancellation, and exactly one answer for each.

A `long` request takes a place in a bounded queue, waits for its scope and for one of the concurrent places, runs, and
is answered. An `instant` one runs at once, and so do `model` ones, up to a bound, and `control` ones. The answer to a
cancelled or overdue request is sent immediately, but its scope and place stay taken until its worker threads have
noticed: otherwise two writes could overlap.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Never, ParamSpec, TypeVar, cast

import orjson

from ckit_daemon.core.errors import (
    CapabilityDisabledError,
    CkitError,
    DeadlineExceededError,
    OverloadedError,
)
from ckit_daemon.logs import bind_request
from ckit_daemon.rpc.context import EncodedResult, RequestContext
from ckit_daemon.rpc.errors import cancelled, to_error
from ckit_daemon.rpc.progress import RequestProgress
from ckit_daemon.rpc.request import Request, parse_params
from ckit_daemon.tracing import FinishedRequest, Work
from ckit_daemon.wire.base import PartialResult, Result, WorkDone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckit_daemon.core.json import JsonValue
    from ckit_daemon.rpc.context import Session
    from ckit_daemon.rpc.outbox import Outbox
    from ckit_daemon.rpc.record import Recorder
    from ckit_daemon.services.container import Services
    from ckit_daemon.settings import Settings
    from ckit_daemon.wire.base import Params, WireModel
    from ckit_daemon.wire.methods import Method

P = ParamSpec("P")
T = TypeVar("T")

Answer = Result | EncodedResult | None
Route = Callable[[RequestContext, Never], Awaitable[Answer]]
"""Answers one method; its second parameter is the Params model of the method's row."""

logger = logging.getLogger(__name__)

OVERLOAD_RETRY_MS = 250
TURN_END_SECONDS = 5.0
"""How long a turn may take to store its end once its deadline has passed."""


class Dispatcher:
    """Serves the `ckit/` methods of one connection; used on the event loop only."""

    def __init__(
        self,
        *,
        services: Services,
        outbox: Outbox,
        recorder: Recorder,
        routes: Mapping[str, Route],
        methods: Mapping[str, Method],
        session: Callable[[], Session],
    ) -> None:
        """Build it after initialize, so that the limits in force are also those that the client asked for."""
        self._session = session
        self._services = services
        self._outbox = outbox
        self._recorder = recorder
        self._routes = routes
        self._loaded: dict[str, Route] = {}
        self._methods = methods
        self._requests: dict[int | str, Request] = {}
        self._by_token: dict[int | str, Request] = {}
        self._live: set[Request] = set()
        self._notified: set[asyncio.Task[None]] = set()
        self._scopes: dict[tuple[str, str], asyncio.Lock] = {}
        self._places = asyncio.Semaphore(self._settings.limits.max_concurrent)
        self._workers = ThreadPoolExecutor(self._settings.limits.max_concurrent, "ckit-work")
        # Instant methods must answer while every worker is busy.
        self._instant_workers = ThreadPoolExecutor(4, "ckit-instant")
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def _settings(self) -> Settings:
        return self._services.configuration.settings

    def knows(self, method: str) -> bool:
        """Return whether a client may call the method."""
        return method in self._routes

    def in_flight(self, request_id: int | str) -> bool:
        """Return whether a request of this id waits for its answer."""
        return request_id in self._requests

    def request(self, request_id: int | str, method: str, raw: JsonValue) -> None:
        """Start a request; its answer goes to the outbox."""
        row = self._methods[method]
        started = time.monotonic()
        try:
            params = self._admit(row, raw)
        except Exception as error:  # noqa: BLE001 - every failure becomes the answer; to_error logs the unforeseen.
            self._reject(request_id, method, error, started, raw)
            return
        token = params.work_done_token if isinstance(params, WorkDone) else None
        request = Request(
            id=request_id,
            row=row,
            progress=RequestProgress(self._outbox, token, row.summary),
            token=token,
            started=started,
            repository=params.scope_key(),
            raw=self._recorder.to_keep(raw),
            after=frozenset(self._notified),
        )
        self._requests[request_id] = request
        if token is not None:
            self._by_token[token] = request
        self._live.add(request)
        self._idle.clear()
        context = contextvars.copy_context()
        context.run(bind_request, request_id=request_id, method=method)
        request.task = asyncio.create_task(self._serve(request, params), context=context)

    def notify(self, method: str, raw: JsonValue) -> None:
        """Start the handling of a notification; failures are logged, because nobody waits for an answer."""
        row = self._methods[method]
        try:
            params = self._admit(row, raw)
        except Exception as error:  # noqa: BLE001 - see `request`.
            logger.warning("notification refused: %s", to_error(error, None).message, extra={"method": method})
            return
        request = Request(
            id=f"notification-{id(params):x}",
            row=row,
            progress=RequestProgress(self._outbox, None, ""),
            token=None,
            started=time.monotonic(),
            repository=params.scope_key(),
            raw=self._recorder.to_keep(raw),
            notification=True,
        )
        self._live.add(request)
        self._idle.clear()
        context = contextvars.copy_context()
        context.run(bind_request, request_id=request.id, method=method)
        request.task = asyncio.create_task(self._serve(request, params), context=context)
        self._notified.add(request.task)
        request.task.add_done_callback(self._notified.discard)

    def cancel(self, request_id: int | str) -> None:
        """Answer a request as cancelled, at once, and stop its work; unknown ids are ignored (LSP 3.17)."""
        if request := self._requests.get(request_id):
            self._stop(request, cancelled())

    def cancel_token(self, token: int | str) -> None:
        """Cancel the request that reports progress under the token (`window/workDoneProgress/cancel`)."""
        if request := self._by_token.get(token):
            self._stop(request, cancelled())

    async def drain(self, grace_seconds: float) -> None:
        """Let requests finish for a while, then cancel the rest."""
        try:
            async with asyncio.timeout(grace_seconds):
                await self._idle.wait()
        except TimeoutError:
            for request in list(self._live):
                self._stop(request, cancelled())

    def close(self) -> None:
        """Let go of the worker threads without waiting for them."""
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._instant_workers.shutdown(wait=False, cancel_futures=True)

    def _admit(self, row: Method, raw: JsonValue) -> Params:
        if (off := self._settings.switched_off(row.feature)) is not None:
            raise CapabilityDisabledError(
                f"A setting switches {row.name} off: features.{off}.", details={"feature": off}
            )
        if row.stability == "experimental" and not self._session().experimental:
            raise CapabilityDisabledError(
                f"{row.name} is experimental: it may change in every version. "
                "To use it all the same, send `experimental: true` in `initializationOptions.ckit`.",
                details={"stability": row.stability, "option": "initializationOptions.ckit.experimental"},
            )
        limits = self._settings.limits
        # Notifications carry the client's changes; to drop one would leave the daemon behind for good.
        queued = row.cost == "long" and row.kind == "request"
        if row.cost == "model":
            self._admit_turn()
        if queued and len(self._live) >= limits.max_concurrent + limits.max_queued:
            raise OverloadedError(
                "Too many requests are waiting; try again later.",
                retry_after_ms=OVERLOAD_RETRY_MS,
                details={"maxQueued": limits.max_queued},
            )
        return parse_params(row, raw)

    def _admit_turn(self) -> None:
        most = self._settings.assistant.max_turns
        if sum(request.row.cost == "model" for request in self._live) >= most:
            raise OverloadedError(
                f"{most} turns and generations are running; try again later.",
                retry_after_ms=OVERLOAD_RETRY_MS,
                details={"maxTurns": most},
            )

    async def _serve(self, request: Request, params: Params) -> None:
        row = request.row
        async with AsyncExitStack() as held:
            try:
                if row.cost == "instant":
                    answer = await self._call(request, params)
                elif row.cost == "long":
                    answer = await self._call_in_turn(request, params, held)
                else:
                    answer = await self._call_beside(request, params)
                self._answer(request, answer)
            except asyncio.CancelledError:
                # Whoever cancelled the task has answered; cancellation ends here because the task does.
                self._fail(request, cancelled())
            except Exception as error:  # noqa: BLE001 - every failure becomes the answer; to_error logs the unforeseen.
                self._fail(request, error)
            finally:
                request.progress.cancel()
                await request.settled()
                self._forget(request)

    async def _call_in_turn(self, request: Request, params: Params, held: AsyncExitStack) -> bytes:
        row = request.row
        limits = self._settings.limits
        seconds = limits.method_timeout_seconds.get(row.name, limits.request_timeout_seconds)
        deadline = asyncio.timeout(seconds)
        self._services.metrics.queued += 1
        waiting = True
        try:
            async with deadline:
                if request.after:
                    await asyncio.wait(request.after)
                if row.scope is not None:
                    await held.enter_async_context(self._scope(row.scope, params.scope_key()))
                await held.enter_async_context(self._places)
                self._services.metrics.queued -= 1
                waiting = False
                return await self._call(request, params)
        except TimeoutError:
            if deadline.expired():
                raise _too_late(row, seconds) from None
            raise
        finally:
            if waiting:
                self._services.metrics.queued -= 1

    async def _call_beside(self, request: Request, params: Params) -> bytes:
        row = request.row
        settings = self._settings
        usual = settings.limits.request_timeout_seconds
        if row.cost == "model":
            # A turn keeps its deadline itself, and the answer is the turn as it was stored then.
            usual = settings.assistant.turn_timeout_seconds + TURN_END_SECONDS
        seconds = settings.limits.method_timeout_seconds.get(row.name, usual)
        deadline = asyncio.timeout(seconds)
        try:
            async with deadline:
                if request.after:
                    await asyncio.wait(request.after)
                return await self._call(request, params)
        except TimeoutError:
            if deadline.expired():
                raise _too_late(row, seconds) from None
            raise

    async def _call(self, request: Request, params: Params) -> bytes:
        workers = self._instant_workers if request.row.cost == "instant" else self._workers

        async def run(fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
            call = contextvars.copy_context().run
            begun = time.monotonic()
            future = workers.submit(call, fn, *args, **kwargs)
            request.threads.add(cast("Future[object]", future))
            future.add_done_callback(request.threads.discard)
            try:
                return await asyncio.wrap_future(future)
            finally:
                request.work.append(Work(getattr(fn, "__qualname__", "work"), begun, time.monotonic()))

        async def partial(items: Sequence[WireModel]) -> bool:
            token = params.partial_result_token if isinstance(params, PartialResult) else None
            if token is None:
                return False
            value = b",".join(item.to_json() for item in items)
            body = b'{"token":' + orjson.dumps(token) + b',"value":[' + value + b"]}"
            self._outbox.send_notification("$/progress", body)
            await asyncio.sleep(0)
            return True

        context = RequestContext(
            request_id=request.id,
            method=request.row.name,
            session=self._session(),
            services=self._services,
            progress=request.progress,
            run=run,
            partial=partial,
        )
        self._services.metrics.in_flight += 1
        try:
            route = self._loaded.get(request.row.name)
            if route is None:
                # The first use of a namespace imports what it stands on, which takes longer than the loop may wait.
                route = self._loaded[request.row.name] = await run(self._routes.__getitem__, request.row.name)
            result = await cast("Callable[[RequestContext, Params], Awaitable[Answer]]", route)(context, params)
            if result is None:
                return b"null"
            if isinstance(result, EncodedResult):
                return result.body
            return result.to_json() if request.row.cost == "instant" else await run(result.to_json)
        finally:
            self._services.metrics.in_flight -= 1

    def _scope(self, scope: str, key: str) -> asyncio.Lock:
        return self._scopes.setdefault((scope, key), asyncio.Lock())

    def _stop(self, request: Request, error: CkitError) -> None:
        request.progress.cancel()
        self._fail(request, error)
        if request.task is not None:
            request.task.cancel()
            # A task that is cancelled before its first step does not even begin, and would never forget its request.
            request.task.add_done_callback(lambda _: self._forget(request))

    def _answer(self, request: Request, body: bytes) -> None:
        if request.answered:
            return
        request.progress.end()
        request.answered = True
        if request.notification:
            self._finished(request, "ok")
            return
        self._requests.pop(request.id, None)
        sent = self._outbox.send_result(request.id, body)
        self._finished(request, "ok" if sent else "limit_exceeded")

    def _fail(self, request: Request, error: BaseException) -> None:
        if request.answered:
            return
        wire = to_error(error, request.id)
        request.progress.end()
        request.answered = True
        if request.notification:
            logger.warning("notification failed: %s", wire.message)
        else:
            self._requests.pop(request.id, None)
            self._outbox.send_error(request.id, wire)
        self._finished(request, wire.data.code)

    def _reject(self, request_id: int | str, method: str, error: Exception, started: float, raw: JsonValue) -> None:
        wire = to_error(error, request_id)
        self._outbox.send_error(request_id, wire)
        refused = FinishedRequest(request_id, method, wire.data.code, started, time.monotonic())
        self._recorder.record(refused, raw, event="request refused")

    def _finished(self, request: Request, outcome: str) -> None:
        finished = FinishedRequest(
            id=request.id,
            method=request.row.name,
            outcome=outcome,
            started=request.started,
            ended=time.monotonic(),
            repository=request.repository,
            work=tuple(request.work),
        )
        level = logging.DEBUG if request.row.cost == "instant" and outcome == "ok" else logging.INFO
        self._recorder.record(finished, request.raw, event="request finished", level=level)

    def _forget(self, request: Request) -> None:
        if request.token is not None and self._by_token.get(request.token) is request:
            del self._by_token[request.token]
        self._live.discard(request)
        if not self._live:
            self._idle.set()


def _too_late(row: Method, seconds: float) -> DeadlineExceededError:
    return DeadlineExceededError(
        f"{row.name} took longer than its deadline of {seconds:g} s.", details={"timeoutSeconds": seconds}
    )
