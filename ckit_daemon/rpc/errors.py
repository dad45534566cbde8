"""The one place where exceptions become JSON-RPC errors."""

from __future__ import annotations

import functools
import logging
import uuid
from typing import TYPE_CHECKING, Literal

from ckit_daemon.core.errors import CkitError, OperationCancelledError
from ckit_daemon.redaction import ValueRedactor
from ckit_daemon.services.assistant.masking import masked_object
from ckit_daemon.services.misfits import as_fields, as_text, misfits

if TYPE_CHECKING:
    from pydantic import JsonValue, ValidationError

    from ckit_daemon.wire.errors import ErrorObject

logger = logging.getLogger(__name__)

ProtocolCode = Literal[
    "parse_error",
    "invalid_request",
    "method_not_found",
    "invalid_params",
    "not_initialized",
    "request_failed",
    "unsupported_protocol",
]


class ProtocolError(Exception):
    """The message itself is wrong, whatever its method would have done."""

    def __init__(self, code: ProtocolCode, message: str, details: dict[str, JsonValue] | None = None) -> None:
        super().__init__(message)
        self.code: ProtocolCode = code
        self.message = message
        self.details = details or {}


def cancelled() -> OperationCancelledError:
    """Return the error for a request that the client cancelled."""
    return OperationCancelledError("The request was cancelled.")


def to_error(error: BaseException, request_id: int | str | None) -> ErrorObject:
    """Return the wire form of an exception.

    A domain error keeps its code, message and details. Anything unforeseen is logged with its traceback under a new
    id, and the client learns that id only: texts of foreign exceptions can hold paths and secrets.
    """
    match error:
        case ProtocolError():
            return _error(error.code, error.message, request_id, details=error.details)
        case CkitError():
            return _error(
                error.code,
                error.message,
                request_id,
                details=error.details,
                retryable=error.retryable,
                retry_after_ms=error.retry_after_ms,
            )
        case _:
            log_id = uuid.uuid4().hex
            logger.error("internal error", exc_info=error, extra={"log_id": log_id})
            return _error(
                "internal_error",
                f"Internal error. The daemon's log has the details under {log_id}.",
                request_id,
                details={"logId": log_id},
            )


def invalid_params(error: ValidationError) -> ProtocolError:
    """Return the error that names each bad field by its wire name; no value is repeated."""
    named = misfits(error, "params")
    text = as_text(named, error.error_count())
    return ProtocolError("invalid_params", f"Invalid parameters: {text}", {"fields": as_fields(named)})


def _error(
    code: str,
    message: str,
    request_id: int | str | None,
    *,
    details: dict[str, JsonValue],
    retryable: bool = False,
    retry_after_ms: int | None = None,
) -> ErrorObject:
    # A start that goes well answers initialize before any model is loaded.
    from ckit_daemon.wire.errors import NUMBERS, ErrorData, ErrorObject  # noqa: PLC0415

    # Most errors name what was asked for, and that may be a key in the wrong place.
    redactor = _redactor()
    return ErrorObject(
        code=NUMBERS[code],
        message=redactor.text(message),
        data=ErrorData(
            code=code,
            retryable=retryable,
            retry_after_ms=retry_after_ms,
            request_id=request_id,
            details=masked_object(redactor, details),
        ),
    )


@functools.cache
def _redactor() -> ValueRedactor:
    # Messages say "apiKey: unknown field": only values are masked.
    return ValueRedactor()
