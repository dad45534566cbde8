"""What can go wrong in the command, in words for the person at the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

OK: Final = 0
NEGATIVE: Final = 1
"""The command worked and its answer is no: findings, no hits, no such entity."""
FAILED: Final = 2
"""The command could not do its work."""
INTERRUPTED: Final = 130
"""Ctrl-C, as shells count it: 128 and the number of SIGINT."""


class CommandError(Exception):
    """The command can't go on. `hints` say what to do; `code` is the protocol's name of the error."""

    def __init__(
        self, message: str, *, hints: Sequence[str] = (), code: str = "client_error", exit_code: int = FAILED
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hints = tuple(hints)
        self.code = code
        self.exit_code = exit_code

    def as_json(self) -> dict[str, JsonValue]:
        """What `--json` prints instead of a result."""
        data: dict[str, JsonValue] = {"code": self.code, "details": {"hints": list(self.hints)}}
        return {"error": {"message": self.message, "data": data}}


class RequestError(CommandError):
    """The daemon answered a request with an error."""

    def __init__(self, message: str, code: str, error: dict[str, JsonValue]) -> None:
        super().__init__(message, code=code)
        self.error = error
        data = error.get("data")
        details = data.get("details") if isinstance(data, dict) else None
        if code == "not_found" and isinstance(details, dict) and details.get("kind") == "entity":
            # Asking for an entity that does not exist is a question with the answer no.
            self.exit_code = NEGATIVE

    def as_json(self) -> dict[str, JsonValue]:
        """The protocol's error object."""
        return {"error": self.error}
