"""What can go wrong, in the domain's words.

Each class has a stable string `code` that clients may rely on and a message meant for people. The message never
holds a secret, a traceback or a path outside the repository; `details` holds what a client can act on. How a code
becomes a JSON-RPC error number is decided in one place, `ckit_daemon.rpc.errors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.core.json import JsonValue


class CkitError(Exception):
    """Base of every error that is meant to be read by the person at the client."""

    code: ClassVar[str] = "internal_error"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        details: Mapping[str, JsonValue] | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, JsonValue] = dict(details or {})
        self.retry_after_ms = retry_after_ms


class InvalidArgumentError(CkitError):
    """A parameter has the right shape but a value that makes no sense."""

    code = "invalid_argument"


class NotFoundError(CkitError):
    """The named repository, entity, file, template or script does not exist."""

    code = "not_found"


class AlreadyExistsError(CkitError):
    """The id or file to be made exists already."""

    code = "already_exists"


class PathNotAllowedError(CkitError):
    """A path leaves the repository or names something that is not a plain file in it."""

    code = "path_not_allowed"


class ContentRejectedError(CkitError):
    """A file is too large, binary or not UTF-8, or it expands beyond all measure."""

    code = "content_rejected"


class ConflictError(CkitError):
    """The repository changed underneath an edit, or the edit refuses to overwrite something."""

    code = "conflict"
    retryable = True


class StorageError(CkitError):
    """The file system refused: read-only, full, or no permission."""

    code = "storage_error"


class NotTrustedError(CkitError):
    """The action runs the repository's own code, and the workspace is not trusted."""

    code = "not_trusted"


class CapabilityDisabledError(CkitError):
    """A setting switches the capability off."""

    code = "capability_disabled"


class DegradedError(CkitError):
    """A component that the action needs is missing; the message says what works instead."""

    code = "degraded"


class ProcessFailedError(CkitError):
    """A child process ended with an error."""

    code = "process_failed"


class LimitExceededError(CkitError):
    """A result or an input is beyond a configured limit."""

    code = "limit_exceeded"


class OverloadedError(CkitError):
    """Too many requests are waiting."""

    code = "overloaded"
    retryable = True


class DeadlineExceededError(CkitError):
    """The action took longer than its deadline."""

    code = "deadline_exceeded"
    retryable = True


class OperationCancelledError(CkitError):
    """The client cancelled the request; raised at the next check inside long work."""

    code = "cancelled"


class RateLimitedError(CkitError):
    """A rate limit, ours or a provider's, is used up for now."""

    code = "rate_limited"
    retryable = True


class ProviderError(CkitError):
    """A model's provider refused the request, and would refuse it again."""

    code = "provider_error"


class ProviderUnavailableError(CkitError):
    """A model's provider can't be reached, broke off, or is being left alone after repeated failures."""

    code = "provider_unavailable"
    retryable = True


class SecretUnavailableError(CkitError):
    """A key that a setting refers to is nowhere to be had."""

    code = "secret_unavailable"


class BudgetExceededError(CkitError):
    """The session's budget of tokens or money is used up."""

    code = "budget_exceeded"


class ContextTooLongError(CkitError):
    """The messages don't fit into the model's context."""

    code = "context_too_long"


class DeniedError(CkitError):
    """A person, a policy or a deadline refused the action."""

    code = "denied"


class GenerationFailedError(CkitError):
    """The model's answer never became what was asked for."""

    code = "generation_failed"


class ClientFailedError(CkitError):
    """The client was asked something and answered with an error or with nonsense."""

    code = "client_failed"
