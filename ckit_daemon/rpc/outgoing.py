"""Requests that the daemon sends to its client."""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import TYPE_CHECKING, cast

import orjson

from ckit_daemon.core.errors import ClientFailedError, DeadlineExceededError, DegradedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.rpc.context import Session
    from ckit_daemon.rpc.outbox import Outbox

logger = logging.getLogger(__name__)

ID_PREFIX = "ckit-"
METHOD_NOT_FOUND = -32601
MAX_NAMED_FIELDS = 20


class ClientRequests:
    """Implements `services.assistant.ports.Client` on the connection; used on the event loop only.

    The methods are those of the table with the direction `serverToClient`.
    """

    def __init__(self, outbox: Outbox, session: Callable[[], Session]) -> None:
        self._outbox = outbox
        self._session = session
        self._numbers = itertools.count(1)
        self._waiting: dict[int | str, asyncio.Future[JsonObject]] = {}

    def answers(self, method: str) -> bool:
        """Return whether the client has said in initialize that it answers this request."""
        return method in self._session().answers

    async def request(self, method: str, params: JsonObject, *, timeout_seconds: float) -> JsonObject:
        """Ask the client; see the port."""
        if not self.answers(method):
            raise DegradedError(
                f"The client does not answer {method}.",
                details={"method": method, "option": "initializationOptions.ckit.answers"},
            )
        identifier = f"{ID_PREFIX}{next(self._numbers)}"
        future: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        self._waiting[identifier] = future
        self._outbox.send_request(identifier, method, orjson.dumps(params))
        try:
            async with asyncio.timeout(timeout_seconds):
                answer = await future
        except TimeoutError:
            self._withdraw(identifier)
            raise DeadlineExceededError(
                f"The client did not answer {method} within {timeout_seconds:g} s.",
                details={"method": method, "timeoutSeconds": timeout_seconds},
            ) from None
        except asyncio.CancelledError:
            self._withdraw(identifier)
            raise
        finally:
            self._waiting.pop(identifier, None)
        return _result(method, answer)

    def notify(self, method: str, params: bytes) -> None:
        """Send a notification whose parameters are JSON already."""
        self._outbox.send_notification(method, params)

    def receive(self, message: JsonObject) -> bool:
        """Take an answer; False when it answers no request of ours that still waits."""
        identifier = message.get("id")
        future = self._waiting.get(identifier) if isinstance(identifier, int | str) else None
        if future is None or future.done():
            return False
        future.set_result(message)
        return True

    def _withdraw(self, identifier: str) -> None:
        self._outbox.send_notification("$/cancelRequest", orjson.dumps({"id": identifier}))


def _result(method: str, answer: JsonObject) -> JsonObject:
    # No request is sent before initialize, and that is answered before the models are loaded.
    from pydantic import ValidationError  # noqa: PLC0415

    from ckit_daemon.wire.methods import BY_NAME  # noqa: PLC0415

    error = answer.get("error")
    # Some clients send both members, one of them null.
    if error is not None or "result" not in answer:
        code = error.get("code") if isinstance(error, dict) else None
        if code == METHOD_NOT_FOUND:
            raise DegradedError(f"The client does not answer {method}.", details={"method": method})
        # The client's text may hold what the request was about, and that may be a secret.
        raise ClientFailedError(
            f"The client answered {method} with an error.",
            details={"method": method, "code": code if isinstance(code, int) else None},
        )
    row = BY_NAME[method]
    if row.result is None:
        message = f"{method} is a notification; it has no answer."
        raise TypeError(message)
    try:
        row.result.from_json(orjson.dumps(answer.get("result")))
    except ValidationError as error:
        found = error.errors(include_input=False)[:MAX_NAMED_FIELDS]
        fields: list[JsonValue] = [*(".".join(map(str, item["loc"])) for item in found)]
        raise ClientFailedError(
            f"The client's answer to {method} does not have the form that the protocol asks for.",
            details={"method": method, "fields": fields},
        ) from None
    return cast("JsonObject", answer["result"])
