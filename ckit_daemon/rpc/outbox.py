"""The way out: what dispatch and progress need of the transport."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ckit_daemon.wire.errors import ErrorObject


class Outbox(Protocol):
    """Sends messages; every method may be called from any thread and none of them waits for the client."""

    def send_result(self, request_id: int | str, result: bytes) -> bool:
        """Answer a request with a result in JSON; False when it was too large and the error took its place."""
        ...

    def send_error(self, request_id: int | str | None, error: ErrorObject) -> None:
        """Answer a request with an error."""
        ...

    def send_request(self, request_id: str, method: str, params: bytes) -> None:
        """Send a request of ours with parameters in JSON."""
        ...

    def send_notification(self, method: str, params: bytes) -> None:
        """Send a notification with parameters in JSON."""
        ...
