"""LSP's own trace: `$/logTrace` notifications for a client that asked for them (LSP 3.17, `$/setTrace`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from ckit_daemon.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable

    from ckit_daemon.core.json import JsonValue
    from ckit_daemon.rpc.outbox import Outbox
    from ckit_daemon.tracing import FinishedRequest

MAX_TEXT: Final = 200
MAX_VALUES: Final = 200


class ClientTrace:
    """Tells the client about each answered request, as far as it wants to know."""

    def __init__(self, outbox: Outbox, level: Callable[[], str]) -> None:
        """Build it; `level` returns what the client asked for last: `off`, `messages` or `verbose`."""
        self._outbox = outbox
        self._level = level
        self._redactor: Redactor | None = None

    @property
    def wants_params(self) -> bool:
        """Whether the parameters of requests have to be kept for the trace."""
        return self._level() == "verbose"

    def record(self, request: FinishedRequest, raw: JsonValue) -> None:
        """Tell of a request; `raw` are its parameters, which only a verbose trace shows, and without secrets."""
        level = self._level()
        if level == "off":
            return
        milliseconds = (request.ended - request.started) * 1000
        params = {"message": f"{request.method} ({request.id}): {request.outcome} in {milliseconds:.1f} ms"}
        if level == "verbose":
            self._redactor = self._redactor or Redactor()
            params["verbose"] = "Params: " + orjson.dumps(self._redactor.value(_Outline().of(raw))).decode()
        self._outbox.send_notification("$/logTrace", orjson.dumps(params))


class _Outline:
    """The head of a JSON value. What is long is told by its length: a cut could hide a secret from the redaction."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def of(self, value: JsonValue) -> JsonValue:
        self._left -= 1
        match value:
            case str() if len(value) > MAX_TEXT:
                return f"<{len(value)} characters>"
            case list() if len(value) > self._left:
                return f"<{len(value)} items>"
            case dict() if len(value) > self._left:
                return f"<{len(value)} fields>"
            case list():
                return [self.of(item) for item in value]
            case dict():
                return {str(self.of(key)): self.of(item) for key, item in value.items()}
            case _:
                return value
