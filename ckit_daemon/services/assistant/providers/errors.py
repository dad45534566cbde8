"""What goes wrong at a provider, in our own terms.

Providers' own texts say best what was wrong with a request, so they are passed on: shortened, on one line, and masked,
since some of them repeat the key that they refuse.
"""

from __future__ import annotations

import logging
import re
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, cast

from ckit_daemon.core.errors import (
    CkitError,
    ContextTooLongError,
    ProviderError,
    ProviderUnavailableError,
    RateLimitedError,
)
from ckit_daemon.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.services.assistant.providers.keys import Keys

logger = logging.getLogger(__name__)

MAX_TEXT = 400
SERVER_ERRORS = 500
MAX_RETRY_AFTER_MS = 24 * 3600 * 1000
CONTEXT_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error", "string_above_max_length"})
CONTEXT_TEXT = re.compile(
    r"context (length|size|window)|maximum context|too many (input )?tokens|prompt is too long|exceeds? the .*context",
    re.IGNORECASE,
)
QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
FILTER_CODES = frozenset({"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"})


class Translator:
    """Makes errors of ours for one provider."""

    def __init__(self, name: str, keys: Keys) -> None:
        self._name = name
        self._keys = keys
        self._redactor = Redactor()

    def status(self, status: int, headers: Mapping[str, str], body: object) -> CkitError:
        """Return the error for an HTTP answer; `body` is its JSON or text."""
        code, text = read_body(body)
        said = self._said(text)
        if status in {400, 413, 422, 500} and _is_context(code, text):
            return self._context(said)
        if status in {401, 403}:
            return self._refused_key(status, said)
        kind, what = _verdict(status, code)
        return kind(
            f"The provider {self._name} {what}.{said}",
            details={"provider": self._name, "status": status},
            retry_after_ms=retry_after_ms(headers) if kind.retryable else None,
        )

    def in_stream(self, body: object) -> CkitError:
        """Return the error for one that arrived in the middle of an answer."""
        code, text = read_body(body)
        if _is_context(code, text):
            return self._context(self._said(text))
        return ProviderUnavailableError(
            f"The provider {self._name} broke off its answer with an error.{self._said(text)}",
            details={"provider": self._name},
        )

    def unreachable(self, error: BaseException) -> CkitError:
        """Return the error for a connection that failed or broke off."""
        names = {type(cause).__name__ for cause in _causes(error)}
        if any("Timeout" in name for name in names):
            what = "can't be reached in time" if any("Connect" in name for name in names) else "did not answer in time"
        elif "ConnectError" in names or isinstance(error, ConnectionRefusedError):
            what = "can't be reached; is its baseUrl right, and is it running"
            return ProviderUnavailableError(f"The provider {self._name} {what}?", details={"provider": self._name})
        else:
            what = "broke off the connection"
        return ProviderUnavailableError(f"The provider {self._name} {what}.", details={"provider": self._name})

    def nonsense(self) -> CkitError:
        """Return the error for an answer that is none."""
        return ProviderUnavailableError(
            f"The provider {self._name} sent something that is no answer. Is its kind right in the settings?",
            details={"provider": self._name},
        )

    def unforeseen(self, error: BaseException) -> CkitError:
        """Return the error for one that nobody thought of, and log it."""
        logger.error("provider failed in an unforeseen way", exc_info=error, extra={"provider": self._name})
        return ProviderError(
            f"The provider {self._name} failed in an unforeseen way; the daemon's log says how.",
            details={"provider": self._name},
        )

    def _refused_key(self, status: int, said: str) -> CkitError:
        references = ", ".join(self._keys.references)
        if references:
            message = f"The provider {self._name} refused the key {references} (HTTP {status}). Check what it holds."
        else:
            message = f"The provider {self._name} wants a key (HTTP {status}). Refer to one with its apiKey."
        return ProviderError(message + said, details={"provider": self._name, "status": status, "key": references})

    def _context(self, said: str) -> CkitError:
        return ContextTooLongError(
            f"The messages don't fit into the context of the model at {self._name}.{said} "
            "Compact the session, attach less, or choose a model with a larger context.",
            details={"provider": self._name},
        )

    def _said(self, text: str) -> str:
        line = " ".join(self._redactor.text(text).split())
        if not line:
            return ""
        if len(line) > MAX_TEXT:
            return f" It says: {line[:MAX_TEXT]}…"
        return f" It says: {line}{'' if line.endswith(('.', '!', '?')) else '.'}"


def _is_context(code: str, text: str) -> bool:
    return code in CONTEXT_CODES or CONTEXT_TEXT.search(text) is not None


def _verdict(status: int, code: str) -> tuple[type[CkitError], str]:
    match status:
        case 429 if code in QUOTA_CODES:
            return ProviderError, "has no quota left for this account"
        case 429:
            return RateLimitedError, "asks to slow down"
        case 404:
            return ProviderError, "does not know the model, or its baseUrl is wrong"
        case 408 | 409 | 425:
            return ProviderUnavailableError, "did not answer in time"
        case _ if status >= SERVER_ERRORS:
            return ProviderUnavailableError, f"failed (HTTP {status})"
        case _ if code in FILTER_CODES:
            return ProviderError, "refused the request because of its content filter"
        case _:
            return ProviderError, f"refused the request (HTTP {status})"


def read_body(body: object) -> tuple[str, str]:
    """Return code and text of an error's body, whatever of the usual forms it has."""
    if not isinstance(body, dict):
        return "", body if isinstance(body, str) else ""
    fields = cast("dict[str, object]", body)
    inner = fields.get("error")
    if isinstance(inner, dict):
        fields = cast("dict[str, object]", inner)
    elif isinstance(inner, str):
        return "", inner
    text = fields.get("message")
    codes = [fields.get("code"), fields.get("type")]
    return next((code for code in codes if isinstance(code, str)), ""), text if isinstance(text, str) else ""


def retry_after_ms(headers: Mapping[str, str]) -> int | None:
    """Return how long to wait: `retry-after-ms`, or `Retry-After` in seconds or as a date (RFC 9110, 10.2.3)."""
    try:
        if exact := headers.get("retry-after-ms"):
            return _bounded(float(exact))
        value = headers.get("retry-after", "").strip()
        if not value:
            return None
        if re.fullmatch(r"\d+(\.\d+)?", value):
            return _bounded(float(value) * 1000)
        return _bounded((parsedate_to_datetime(value).timestamp() - time.time()) * 1000)
    except ValueError:
        return None


def _bounded(milliseconds: float) -> int:
    return int(min(max(milliseconds, 0), MAX_RETRY_AFTER_MS))


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in found:
        found.append(current)
        current = current.__cause__ or current.__context__
    return found
