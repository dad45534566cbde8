"""Passages that answer a question as an answer with numbered sources."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from ckit_daemon.services.assistant.providers.offline.fields import objects, text
from ckit_daemon.services.assistant.providers.offline.requests import keywords
from ckit_daemon.services.rag.extract import quotation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckit_daemon.core.json import JsonObject

_CITED: Final = 4
"""Most passages that are quoted."""
_CLOSE: Final = 0.6
"""Share of the best passage's score from which another one is quoted too."""
_NEAREST: Final = 3
"""Passages that are named where none is relevant."""


def cited(question: str, output: JsonObject) -> list[str]:
    """Return the paragraphs of an answer.

    Args:
        question: in the person's words.
        output: what `rag.search` found for it.
    """
    hits = objects(output, "hits")
    relevant = [hit for hit in hits if hit.get("relevant") is True]
    parts = _answer(question, relevant) if relevant else _nothing(hits)
    return [*parts, incomplete(output)] if text(output, "degraded") else parts


def incomplete(output: JsonObject) -> str:
    """Return the remark that not everything could be searched, and why."""
    return f"_Not everything could be searched: {text(output, 'degraded')}_"


def _answer(question: str, hits: Sequence[JsonObject]) -> list[str]:
    telling = dict.fromkeys(map(str.casefold, keywords(question)), 1.0)
    best = _score(hits[0])
    chosen = [hit for hit in hits if _score(hit) >= _CLOSE * best][:_CITED]
    # Passages of one entity stand together; the best entity comes first.
    owners = list(dict.fromkeys(map(_owner, chosen)))
    chosen.sort(key=lambda hit: owners.index(_owner(hit)))
    parts: list[str] = []
    numbered = list(enumerate(chosen, 1))
    for owner, group in groupby(numbered, key=lambda each: _owner(each[1])):
        said = [
            f"> {' '.join(quotation(str(hit.get('text', '')), telling).split())} [{number}]" for number, hit in group
        ]
        parts.append(f"{owner} says:\n\n" + "\n>\n".join(said))
    sources = [
        f"- [{number}] `{text(hit, 'path')}:{text(hit, 'line')}` {text(hit, 'heading')}" for number, hit in numbered
    ]
    parts.append("Sources:\n\n" + "\n".join(sources))
    others = list(dict.fromkeys(_owner(hit) for hit in hits if _owner(hit) not in owners))
    if others:
        parts.append("Also about this:\n\n" + "\n".join(f"- {owner}" for owner in others))
    return parts


def _nothing(hits: Sequence[JsonObject]) -> list[str]:
    parts = ["Nothing in the repository answers this."]
    if hits:
        nearest = dict.fromkeys(
            f"- {_owner(hit)} (`{text(hit, 'path')}:{text(hit, 'line')}`)" for hit in hits[:_NEAREST]
        )
        parts.append("The nearest passages:\n\n" + "\n".join(nearest))
    return parts


def _owner(hit: JsonObject) -> str:
    """What says it: an entity with its title, or a file."""
    identifier = text(hit, "id")
    return f"**{identifier}** {text(hit, 'title')}".strip() if identifier else f"`{text(hit, 'path')}`"


def _score(hit: JsonObject) -> float:
    score = hit.get("score")
    return float(score) if isinstance(score, int | float) else 0.0
