"""Puts together what words and meanings say about passages, so that neither spoils what the other knows.

Plain rank fusion (Cormack et al. 2009) throws the scores away and with them the difference between a passage that says
just what was asked and one that is merely the best of a bad lot; it halves the share of questions whose answer comes
first. So scores are added, each in its own calibration, with weights that depend on the form of the query.

The numbers below were measured with the questions that ship with the example repository.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ckit_daemon.services.rag.records import ScorePart
from ckit_daemon.services.rag.support import stems

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ckit_daemon.services.rag.records import Chunk, Mode

BEST: Final = 0.5
"""How much the best passage of an entity counts,"""
NEXT: Final = 0.25
"""how much the two after it,"""
WHOLE: Final = 0.25
"""and how much the entity as a whole: one sentence may fit by chance, all of them don't."""
LEXICAL: Final = 0.2
"""How much words count beside meanings where no passage shares any,"""
MATCHED: Final = 0.3
"""and how much more where one holds them all: names, codes and misspelt words say little to an embedder."""
WORDED: Final = 0.8
"""How much they count where the person quotes something, and so means just these words; and where a word is misspelt
but its sense is plain to see from the others, since an embedder makes nothing of it."""
PLAIN: Final = 0.35
"""Lexical score of a passage from which on the sense of a misspelt query is plain to see."""
RELEVANT: Final[dict[Mode, float]] = {"hybrid": 0.225, "vector": 0.3, "lexical": 0.21}
"""What unrelated entities hardly ever reach."""
UNNAMED: Final = 0.9
"""The highest score of what a query does not name where it names something,"""
_IN_TURN: Final = 0.001
"""how much less each further name has,"""
_BESIDE: Final = 0.0005
"""and how much everything else counts for what is named: less, so that names stay in the order of the query."""
_AFTER_BEST: Final = 3
_QUOTE: Final = re.compile(
    r'"[^"\n]{2,}"|\u201c[^\u201d\n]{2,}\u201d|\u201e[^\u201c\n]{2,}\u201c|\u00ab[^\u00bb\n]{2,}\u00bb'
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found out about one passage."""

    chunk: Chunk
    cosine: float | None
    """Likeness of meaning from -1 to 1; None while the passage is not embedded."""
    lexical: float
    """Shared words, from 0 to 1."""
    words: tuple[str, ...]

    def base(self, lexical: float) -> float:
        """The passage's own score, with this weight of its words."""
        if self.cosine is None:
            return self.lexical
        return (1 - lexical) * max(self.cosine, 0.0) + lexical * self.lexical


@dataclass(frozen=True, slots=True)
class Fused:
    """What all passages of one entity, section or note amount to."""

    best: Chunk
    score: float
    parts: tuple[ScorePart, ...]
    more: tuple[Chunk, ...] = ()
    """The passages after the best one, the best first."""


def weight_of_words(query: str, mode: Mode, best: float, *, misspelt: bool) -> float:
    """Return how much shared words count for a query, from 0 to 1.

    Args:
        query: a person's words.
        mode: how it is looked for.
        best: the highest lexical score of any passage.
        misspelt: whether a word of it is nearly a known one.
    """
    if mode != "hybrid":
        return float(mode == "lexical")
    if _QUOTE.search(query) or (misspelt and best >= PLAIN):
        return WORDED
    return LEXICAL + MATCHED * best


def fuse(passages: Collection[Evidence], lexical: float) -> Fused:
    """Return the score of what these passages belong to.

    Args:
        passages: all of them, or those that were looked at; at least one.
        lexical: weight of shared words, from 0 to 1.
    """
    ordered = sorted(passages, key=lambda each: (-each.base(lexical), each.chunk.id))
    best, following = ordered[0], ordered[1:_AFTER_BEST] or ordered[:1]
    shown = _shown(ordered, lexical)
    words = BEST * best.lexical + NEXT * _mean([each.lexical for each in following])
    words += WHOLE * _mean([each.lexical for each in ordered[:_AFTER_BEST]])
    cosines = [max(each.cosine, 0.0) for each in ordered if each.cosine is not None]
    # Passages that are not embedded yet are judged by their words alone, instead of being pushed behind all others.
    weight = lexical if cosines else 1.0
    parts = [ScorePart("lexical", words, weight, _why_words(best.words))] if weight else []
    if cosines and lexical < 1:
        first = cosines[0] if best.cosine is not None else 0.0
        meaning = BEST * first + NEXT * _mean(_known(following)) + WHOLE * _mean(cosines)
        which = "the" if shown is best.chunk else "another"
        parts.append(
            ScorePart("vector", meaning, 1 - weight, f"cosine {first:.2f} of {which} passage, and of the rest")
        )
    return Fused(shown, _total(parts), tuple(parts), tuple(each.chunk for each in ordered[1:_AFTER_BEST]))


def _shown(ordered: Sequence[Evidence], lexical: float) -> Chunk:
    """The best passage; of an entity that is found by its title alone the beginning.

    All its passages hold the title then, and the shortest one wins, which says nothing of what was looked for.
    """
    best = ordered[0].chunk
    told = stems(" ".join(ordered[0].words))
    if lexical >= WORDED and told and told <= stems(best.heading) and told.isdisjoint(stems(best.text)):
        return next((each.chunk for each in ordered if each.chunk.entity and not each.chunk.field), best)
    return best


def with_part(fused: Fused, part: ScorePart) -> Fused:
    """Return the same with one more reason."""
    parts = (*fused.parts, part)
    return replace(fused, score=_total(parts), parts=parts)


def named(fused: Fused | None, chunk: Chunk, position: int) -> Fused:
    """Return what a query names by its id: it comes before everything else, in the order of the query."""
    part = ScorePart("exactId", 1.0 - _IN_TURN * position, 1.0 - _BESIDE, f"the query names {chunk.entity}")
    if fused is None:
        return Fused(chunk, _total([part]), (part,))
    parts = (part, *(replace(each, weight=each.weight * _BESIDE) for each in fused.parts))
    return replace(fused, score=_total(parts), parts=parts)


def at_most(fused: Fused, most: float) -> Fused:
    """Return the same with a score that is no higher than this; its reasons keep their proportions."""
    if fused.score <= most:
        return fused
    parts = tuple(replace(each, weight=each.weight * most / fused.score) for each in fused.parts)
    return replace(fused, score=most, parts=parts)


def _total(parts: Sequence[ScorePart]) -> float:
    return min(1.0, sum(part.score * part.weight for part in parts))


def _known(passages: Sequence[Evidence]) -> list[float]:
    return [max(each.cosine, 0.0) for each in passages if each.cosine is not None]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _why_words(words: Sequence[str]) -> str:
    return f"shares {', '.join(words)}" if words else "shares no telling word"
