"""How well entities fit what somebody has typed so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckit_daemon.core.entity import Entity


def words_of(query: str) -> list[str]:
    """The words of a query, as `rank` wants them."""
    return query.casefold().split()


def rank(entity: Entity, words: Sequence[str]) -> int | None:
    """How well an entity fits, less is better; None where a word fits nowhere."""
    if not words:
        return 0
    identifier, title = entity.id.casefold(), (entity.title or "").casefold()
    worst = 0
    for word in words:
        if identifier == word:
            found = 0
        elif identifier.startswith(word):
            found = 1
        elif word in identifier or title.startswith(word) or f" {word}" in title:
            found = 2
        elif word in title or word == entity.type:
            found = 3
        elif _is_spread(word, identifier):
            found = 4
        else:
            return None
        worst = max(worst, found)
    return worst


def _is_spread(word: str, text: str) -> bool:
    """Whether all letters of a word stand in a text in their order."""
    rest = iter(text)
    return all(letter in rest for letter in word)
