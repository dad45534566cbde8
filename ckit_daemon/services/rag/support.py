"""Checks after the fact whether the passages that a sentence cites say the same.

A sentence is supported by a passage that holds its telling words, or that means the same, and that has every number
which the sentence has: a model that changes 7 days into 14 keeps all words and nearly all of the meaning. What no check
of this kind sees is a `not` that was lost; so a claim's passage is shown with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ckit_daemon.services.rag.records import Claim
from ckit_daemon.services.rag.sentences import cited_in, numbers, sentences, words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ckit_daemon.services.rag.records import Chunk, Support
    from ckit_daemon.services.rag.sentences import Sentence

SUPPORTED: Final = 0.55
WEAK: Final = 0.35
MARK: Final = "[unverified]"
"""Stands behind a claim that nothing supports."""
STEM: Final = 5
"""Letters in which words that mean the same mostly agree."""


@dataclass(frozen=True, slots=True)
class Checked:
    """An answer whose claims were compared with what they cite."""

    text: str
    claims: tuple[Claim, ...]
    used: tuple[int, ...]
    """The numbers of the passages that stand behind it, ascending."""

    def said(self, number: int) -> list[str]:
        """Return the claims that cite a passage, without those that it does not bear out."""
        return [each.text for each in self.claims if number in each.citations and each.support != "unsupported"]


def claims_of(answer: str) -> list[Sentence]:
    """Return the sentences of an answer that claim something."""
    return [*sentences(answer)]


def check(
    answer: str,
    claimed: Sequence[Sentence],
    passages: Sequence[Chunk],
    cosines: Mapping[str, Sequence[float]],
    telling: Callable[[str], Mapping[str, float]],
) -> Checked:
    """Compare every claim with the passages that it cites, and mark those that nothing supports.

    A claim that cites nothing gets the citation of the passage that supports it, if one does.

    Args:
        answer: what was written.
        claimed: its claims, as `claims_of` returns them.
        passages: what it was written from; the first is number 1.
        cosines: for the hash of each passage its likeness with each claim, empty where that is not known.
        telling: says how telling each word of a text is, from 0 to 1.
    """
    claims: list[Claim] = []
    # Also what stands behind a mere "Yes" or in a heading has to be shown to whoever reads it.
    used = {number for number in cited_in(answer) if number <= len(passages)}
    text = answer
    said = [_Said.of(passage) for passage in passages]
    # From the end, so that the places of the sentences before stay what they are.
    for index in range(len(claimed) - 1, -1, -1):
        sentence = claimed[index]
        weights = telling(sentence.text)
        meanings = [cosines[each.hash][index] if each.hash in cosines else 0.0 for each in passages]
        scores = {
            number: _score(sentence.text, each, weights, meaning)
            for number, (each, meaning) in enumerate(zip(said, meanings, strict=True), 1)
        }
        cited = tuple(number for number in sentence.cited if number in scores)
        # Of equals the first one, since the passages stand in the order in which they fit the question.
        best = max(cited or scores, key=lambda number: scores[number], default=0)
        score = scores.get(best, 0.0)
        support = _support(score)
        added = ""
        if not cited and support == "supported":
            cited, added = (best,), f" [{best}]"
        elif support == "unsupported" or not cited:
            added = f" {MARK}"
        text = text[: sentence.end] + added + text[sentence.end :]
        used.update(cited)
        claims.append(Claim(sentence.text, cited, support if cited else "unsupported", round(score, 4)))
    return Checked(text, tuple(reversed(claims)), tuple(sorted(used)))


@dataclass(frozen=True, slots=True)
class _Said:
    """What a passage holds, taken apart once for all claims."""

    stems: frozenset[str]
    numbers: frozenset[str]

    @classmethod
    def of(cls, passage: Chunk) -> _Said:
        said = passage.embedded
        return cls(stems(said), frozenset(numbers(said)))


def stems(text: str) -> frozenset[str]:
    """Return the beginnings of a text's words, which words that mean the same mostly share."""
    return frozenset(word[:STEM] for word in words(text))


def _score(text: str, said: _Said, weights: Mapping[str, float], meaning: float) -> float:
    found = [(word, weights.get(word, 1.0)) for word in words(text)]
    total = sum(weight for _, weight in found)
    shared = sum(weight for word, weight in found if word[:STEM] in said.stems)
    score = max(shared / total if total else 0.0, meaning)
    return score if numbers(text) <= said.numbers else min(score, WEAK) * 0.9


def _support(score: float) -> Support:
    return "supported" if score >= SUPPORTED else "weak" if score >= WEAK else "unsupported"
