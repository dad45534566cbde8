"""The taxonomy of errors on the wire.

Numbers are those of JSON-RPC 2.0 (section 5.1) and LSP 3.17 (`ErrorCodes`) where they fit. The daemon's own lie between
-33099 and -33000, one per string code. Clients should rely on `data.code`, the string.
"""

from __future__ import annotations

from pydantic import Field, JsonValue

from ckit_daemon.wire.base import WireModel

NUMBERS: dict[str, int] = {
    "parse_error": -32700,
    "invalid_request": -32600,
    "method_not_found": -32601,
    "invalid_params": -32602,
    "internal_error": -32603,
    "not_initialized": -32002,
    "cancelled": -32800,
    "content_modified": -32801,
    "request_failed": -32803,
    "invalid_argument": -33000,
    "not_found": -33001,
    "already_exists": -33002,
    "path_not_allowed": -33003,
    "content_rejected": -33004,
    "conflict": -33005,
    "storage_error": -33006,
    "not_trusted": -33007,
    "capability_disabled": -33008,
    "degraded": -33009,
    "process_failed": -33010,
    "limit_exceeded": -33011,
    "overloaded": -33012,
    "deadline_exceeded": -33013,
    "unsupported_protocol": -33014,
    "rate_limited": -33015,
    "provider_error": -33016,
    "provider_unavailable": -33017,
    "secret_unavailable": -33018,
    "budget_exceeded": -33019,
    "context_too_long": -33020,
    "denied": -33021,
    "generation_failed": -33022,
    "client_failed": -33023,
}
"""Number on the wire of every string code that the daemon can answer with."""


class ErrorData(WireModel):
    """`data` of every error answer."""

    code: str = Field(description="Stable name of the error.", json_schema_extra={"enum": [*NUMBERS]})
    retryable: bool = Field(description="Whether the same request may succeed later.")
    retry_after_ms: int | None = Field(default=None, description="When to try again, in milliseconds.")
    request_id: int | str | None = Field(default=None, description="Id of the request, or of the log entry.")
    details: dict[str, JsonValue] = Field(description="What a client can act on; differs from code to code.")


class ErrorObject(WireModel):
    """`error` of a JSON-RPC answer."""

    code: int = Field(
        description="Number of the error; rely on `data.code` instead.",
        json_schema_extra={"enum": [*sorted(NUMBERS.values())]},
    )
    message: str = Field(description="What happened, for people.")
    data: ErrorData = Field(description="What happened, for programs.")
