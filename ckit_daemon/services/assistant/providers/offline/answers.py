"""Results of tools as an answer for people. What they say is quoted, and never followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ckit_daemon.services.assistant.providers.offline.exchange import Exchange, Result

_LINES: Final = 40
"""Most lines that are quoted of one result."""
_CLOSING: Final = "_Put together from the results of tools; no language model was asked._"


def answer(exchange: Exchange) -> str:
    """Return what the tools said about the request."""
    parts = [part for result in exchange.results if (part := _report(result))]
    return "\n\n".join([*parts, _CLOSING])


def _report(result: Result) -> str:
    lines = result.text.strip().splitlines()
    shown = "\n".join(lines[:_LINES])
    if len(lines) > _LINES:
        shown += f"\n\u2026 {len(lines) - _LINES} more lines"
    return f"**{result.tool}** {'failed' if result.failed else 'says'}:\n\n{shown}"
