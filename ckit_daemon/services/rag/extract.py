"""An answer without a language model: what the repository itself says, word for word, with its places."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ckit_daemon.services.rag.sentences import without_citations, words
from ckit_daemon.services.rag.support import STEM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckit_daemon.services.rag.records import Chunk

CLOSING: Final = "_Quoted from the repository; no language model was asked._"
QUOTED: Final = 3
"""Most sentences of one passage."""
MAX_CHARACTERS: Final = 360
"""Of one quotation."""
_PIECE: Final = re.compile(r"[^\n]+?(?:[.!?](?=\s|\Z)|(?=\n)|\Z)")
_WRAPPED: Final = re.compile(r"(?<=[^\n]{40})[ \t]*\n[ \t]*(?=[a-z(])|(?<=[^\n]{40}[,;])[ \t]*\n[ \t]*(?=\w)")
"""A break that is no more than the width of somebody's editor: after a long line, before what is no beginning."""
_TABLE_RULE: Final = re.compile(r"^[|\s:-]+$")


def extractive(passages: Sequence[Chunk], telling: Mapping[str, float]) -> str:
    """Return an answer in Markdown that quotes passages and cites each as `[number]`, from 1 in their order.

    Args:
        passages: what fits the question, the best first.
        telling: the words of the question, and how telling each is, from 0 to 1.
    """
    return "\n".join(
        f"- **{_title(chunk)}**: {without_citations(quotation(chunk.text, telling))} [{number}]"
        for number, chunk in enumerate(passages, 1)
    )


def quotation(text: str, telling: Mapping[str, float]) -> str:
    """Return the sentences of a text that share the most telling words with a question, in their order.

    Of a text that says it in other words the longest one is returned: it says most.
    """
    lines = (match[0].strip() for match in _PIECE.finditer(_WRAPPED.sub(" ", text)))
    # A row of a table is quoted without the bars at its ends.
    pieces = [line.strip("| ") for line in lines if line and not _TABLE_RULE.match(line)]
    stems = {word[:STEM]: weight for word, weight in telling.items()}
    worth = [sum(stems.get(stem, 0.0) for stem in {word[:STEM] for word in words(piece)}) for piece in pieces]
    if not any(worth):
        pieces, worth = [max(pieces, key=len, default="")], [0.0]
    ordered = sorted(range(len(pieces)), key=lambda index: (-worth[index], index))
    best = worth[ordered[0]] if ordered else 0.0
    chosen: list[int] = []
    room = MAX_CHARACTERS
    for index in ordered[:QUOTED]:
        if chosen and (len(pieces[index]) > room or worth[index] < best / 2):
            break
        chosen.append(index)
        room -= len(pieces[index])
    said = " … ".join(pieces[index] for index in sorted(chosen)) or " ".join(text.split())
    return said if len(said) <= 2 * MAX_CHARACTERS else f"{said[: 2 * MAX_CHARACTERS].rstrip()}…"


def _title(chunk: Chunk) -> str:
    return without_citations(chunk.heading).replace("*", "\\*")
