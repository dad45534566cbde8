"""What is wrong with a value that does not fit a pydantic model, told without repeating the value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ckit_daemon.core.json import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import ValidationError

    from ckit_daemon.core.json import JsonValue

MAX_NAMED: Final = 20
MAX_NAME: Final = 200
MAX_TEXT: Final = 1500
"""Characters of all problems together, where they are told in one sentence."""


def misfits(error: ValidationError, whole: str) -> Sequence[tuple[str, str]]:
    """Return each bad field, by its name on the wire, with its problem.

    Args:
        error: what pydantic found.
        whole: what to call a value that is wrong as a whole.
    """
    found = error.errors(include_url=False, include_input=False)[:MAX_NAMED]
    named: list[tuple[str, str]] = []
    for item in found:
        problem = item["msg"]
        if item["type"] == "extra_forbidden":
            problem = "unknown field"
        elif item["type"] == "union_tag_invalid":
            # The message of pydantic repeats what was given, which may be long or secret.
            context = item.get("ctx", {})
            problem = f"{context['discriminator']} should be one of {context['expected_tags']}"
        named.append((".".join(map(str, item["loc"]))[:MAX_NAME] or whole, problem))
    return named


def as_fields(named: Sequence[tuple[str, str]]) -> list[JsonValue]:
    """Return them for programs."""
    return [{"field": name, "problem": problem} for name, problem in named]


def as_text(named: Sequence[tuple[str, str]], count: int) -> str:
    """Return them for people, with the number of those that are not named."""
    text = shorten("; ".join(f"{name}: {problem}" for name, problem in named), MAX_TEXT)
    return f"{text}; and {count - len(named)} more" if count > len(named) else text
