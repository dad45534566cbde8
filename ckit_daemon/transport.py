"""The pygls server: owns the wire, keeps params raw, and gives every request exactly one answer.

pygls provides LSP itself (initialize, text documents, workspace folders, features that `lsp` registers with its
decorators). Reading, writing, protocol errors and the `ckit/` methods are ours.
"""

from __future__ import annotations

import contextvars
import logging
from typing import TYPE_CHECKING, Any, Protocol, cast

import orjson
from cattrs import ClassValidationError, transform_error
from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, default_converter, lsp_method

from ckit_daemon.core.errors import LimitExceededError
from ckit_daemon.framing import Fault
from ckit_daemon.lsp.context import Encoded
from ckit_daemon.lsp.workspace import EditorWorkspace
from ckit_daemon.rpc.errors import ProtocolError, cancelled, to_error

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import Future

    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.framing import Frame
    from ckit_daemon.messages import WireOutbox
    from ckit_daemon.rpc.dispatch import Dispatcher

logger = logging.getLogger(__name__)

MAX_ID_LENGTH = 256


class Host(Protocol):
    """What the transport needs of the daemon around it."""

    @property
    def dispatcher(self) -> Dispatcher:
        """Serves our methods; not to be used before initialize is answered."""
        ...

    def initialize(self, params: types.InitializeParams, raw: JsonObject) -> JsonObject:
        """Settle the session and return `capabilities.experimental.ckit`."""
        ...

    def receive_answer(self, message: JsonObject) -> bool:
        """Take the answer to a request that the daemon sent; False when it is none of those."""
        ...

    def initialized(self) -> None:
        """The client has taken note of the answer to initialize."""
        ...

    def stop(self, code: int, reason: str) -> None:
        """End the daemon; called from any thread."""
        ...


class CkitProtocol(LanguageServerProtocol):
    """pygls' protocol with raw params, exact error codes and one answer per request."""

    def bind(self, outbox: WireOutbox, host: Host) -> None:
        """Give the protocol its collaborators (pygls builds the object itself)."""
        self._outbox = outbox
        self._host = host
        self._initialized = False
        self._raw_initialize: JsonObject = {}

    @property
    def shutting_down(self) -> bool:
        """Whether the client has asked for shutdown."""
        return self._shutdown

    def receive(self, frame: Frame) -> None:
        """Handle one frame; never raises."""
        if isinstance(frame, Fault):
            error = (
                LimitExceededError(frame.message)
                if frame.code == "limit_exceeded"
                else ProtocolError(frame.code, frame.message)
            )
            self._refuse(None, error)
            if frame.fatal:
                self._host.stop(1, frame.message)
            return
        message = frame.value
        if not isinstance(message, dict):
            text = "Batches are not supported." if isinstance(message, list) else "A message is a JSON object."
            self._refuse(None, ProtocolError("invalid_request", text))
            return
        request_id = _valid_id(message.get("id"))
        try:
            self._route(message, request_id)
        except ProtocolError as error:
            self._refuse(request_id, error)
        except Exception as error:  # noqa: BLE001 - the reader goes on whatever happens; to_error logs it.
            self._refuse(request_id, error)

    def _route(self, message: JsonObject, request_id: int | str | None) -> None:
        if message.get("jsonrpc") != "2.0":
            raise ProtocolError("invalid_request", 'The member `jsonrpc` must be "2.0".')
        method = message.get("method")
        if method is None and "id" in message and ("result" in message or "error" in message):
            self._receive_response(message)
            return
        if not isinstance(method, str):
            raise ProtocolError("invalid_request", "The member `method` must be a string.")
        if "id" not in message:
            self._receive_notification(method, message)
            return
        if request_id is None:
            raise ProtocolError("invalid_request", "The member `id` must be an integer or a string.")
        if request_id in self._request_futures or (self._initialized and self._host.dispatcher.in_flight(request_id)):
            raise ProtocolError("invalid_request", "A request with this id is still in flight.")
        self._receive_request(request_id, method, message)

    def _receive_request(self, request_id: int | str, method: str, message: JsonObject) -> None:
        if self._shutdown:
            raise ProtocolError("invalid_request", "The server is shutting down; only `exit` is left.")
        if method == types.INITIALIZE:
            if self._initialized:
                raise ProtocolError("invalid_request", "The server is initialized already.")
            params = message.get("params")
            self._raw_initialize = params if isinstance(params, dict) else {}
        elif not self._initialized:
            raise ProtocolError("not_initialized", "The first request must be `initialize`.")
        elif self._host.dispatcher.knows(method):
            self._host.dispatcher.request(request_id, method, message.get("params"))
            return
        if not self._provides(method):
            raise ProtocolError("method_not_found", f"There is no method {method[:200]!r}.")
        params = self._structured(message)
        contextvars.copy_context().run(self._handle_request, request_id, method, params)

    def _receive_notification(self, method: str, message: JsonObject) -> None:
        if method == types.EXIT:
            self._host.stop(0 if self._shutdown else 1, "the client sent exit")
            return
        if not self._initialized or self._shutdown:
            return
        raw = message.get("params")
        fields = raw if isinstance(raw, dict) else {}
        if method == types.CANCEL_REQUEST:
            self._cancel(_valid_id(fields.get("id")))
            return
        if method == types.WINDOW_WORK_DONE_PROGRESS_CANCEL:
            if (token := _valid_id(fields.get("token"))) is not None:
                self._host.dispatcher.cancel_token(token)
        elif self._host.dispatcher.knows(method):
            self._host.dispatcher.notify(method, raw)
            return
        if not self._provides(method):
            logger.debug("notification ignored", extra={"method": method[:200]})
            return
        try:
            params = self._structured(message)
        except ProtocolError as error:
            logger.warning("notification refused: %s", error.message, extra={"method": method})
            return
        contextvars.copy_context().run(self._handle_notification, method, params)

    def _receive_response(self, message: JsonObject) -> None:
        request_id = _valid_id(message.get("id"))
        if self._initialized and self._host.receive_answer(message):
            return
        if request_id is None or request_id not in self._request_futures:
            logger.debug("answer to an unknown request ignored")
            return
        structured = self.structure_message({**message})
        self._handle_response(request_id, getattr(structured, "result", None), getattr(structured, "error", None))

    def _structured(self, message: JsonObject) -> object:
        """Return the params as lsprotocol's type; unlike pygls, an absent or empty `params` is no mistake."""
        if message.get("params") in (None, [], [None]):
            message = {key: value for key, value in message.items() if key != "params"}
            message["params"] = None if self.get_message_type(str(message["method"])) is None else {}
        try:
            structured: Any = self.structure_message({**message})
        except JsonRpcException as error:
            cause = error.__cause__
            problems = transform_error(cause) if isinstance(cause, ClassValidationError) else []
            text = "; ".join(problems[:5]) or "they have the wrong form"
            raise ProtocolError("invalid_params", f"Invalid parameters: {text}") from None
        return structured.params

    def _provides(self, method: str) -> bool:
        """Return whether pygls itself, or a feature registered on it, handles the method."""
        fm: Any = self.fm
        return method in fm.builtin_features or method in fm.features

    def _cancel(self, request_id: int | str | None) -> None:
        if request_id is None:
            return
        self._host.dispatcher.cancel(request_id)
        if (future := self._request_futures.get(request_id)) is not None:
            future.cancel()

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Generator[Any, Any, types.InitializeResult]:
        """Settle the session, then let pygls compute LSP's own capabilities."""
        ckit = self._host.initialize(params, self._raw_initialize)
        result = yield from super().lsp_initialize(params)
        made = self.workspace
        self._workspace = EditorWorkspace(
            made.root_uri, types.TextDocumentSyncKind.Incremental, params.workspace_folders, made.position_encoding
        )
        # pygls takes `$/setTrace` alone as the client's word on it.
        self.trace = params.trace or types.TraceValue.Off
        result.capabilities.experimental = {"ckit": ckit}
        self._initialized = True
        self._raw_initialize = {}
        return result

    @lsp_method(types.INITIALIZED)
    def lsp_initialized(self, *args: object) -> Generator[Any, Any, None]:
        """Tell the host that the session has begun."""
        self._host.initialized()
        # pygls leaves its own handler untyped.
        yield from cast("Generator[Any, Any, None]", super().lsp_initialized(*args))  # pyright: ignore[reportUnknownMemberType]

    def _send_handler_result(self, future: Future[Any], *, msg_id: int | str) -> None:
        self._request_futures.pop(msg_id, None)
        error = cancelled() if future.cancelled() else future.exception()
        if error is None:
            self._send_response(msg_id, future.result())
        elif isinstance(error, JsonRpcInvalidParams):
            self._refuse(msg_id, ProtocolError("invalid_params", error.message or "Invalid parameters."))
        else:
            self._refuse(msg_id, error)

    def _send_response(
        self, msg_id: int | str, result: object = None, error: types.ResponseError | None = None
    ) -> None:
        if error is not None:
            self._refuse(msg_id, JsonRpcException.from_error(error))
            return
        self._outbox.send_result(msg_id, result.body if isinstance(result, Encoded) else self.encode(result))

    def _send_data(self, data: object) -> None:
        self._outbox.send_raw(self.encode(data))

    def encode(self, data: object) -> bytes:
        """Make JSON of lsprotocol's values; may be called from any thread."""
        return orjson.dumps(self._converter.unstructure(data), default=self._serialize_message)

    def _refuse(self, request_id: int | str | None, error: BaseException) -> None:
        wire = to_error(error, request_id)
        logger.info(
            "request refused",
            extra={"request_id": request_id, "outcome": wire.data.code, "problem": wire.message},
        )
        self._outbox.send_error(request_id, wire)


class CkitServer(LanguageServer):
    """pygls' server on our protocol; `lsp` registers its features on it."""

    def __init__(self, name: str, version: str) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType] - pygls leaves *args untyped.
            name, version, protocol_cls=CkitProtocol, converter_factory=default_converter
        )

    @property
    def ckit(self) -> CkitProtocol:
        """The protocol under its own type."""
        return cast("CkitProtocol", self.protocol)

    def report_server_error(self, error: Exception, source: object) -> None:
        """Log what went wrong in a notification's handler; its text may not reach the client."""
        logger.error("a notification failed", exc_info=error, extra={"source": str(source)})


def _valid_id(value: JsonValue) -> int | str | None:
    """Return an id or token as LSP allows it (integer or string), else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int) or (isinstance(value, str) and len(value) <= MAX_ID_LENGTH):
        return value
    return None
