"""Likeness by words: how many of the telling words of one text another one shares.

The measure is BM25 with the words of the one text as the query, divided by what that text would score itself. 1 is as
good as the text itself and 0 shares nothing. Words that many entities have count for little, so no list of stop words
is needed; two texts that say the same in other words are not found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.core.entity import Entity

K1: Final = 1.2
B: Final = 0.75
MAX_WORDS: Final = 48
"""The most telling words of a text, which say nearly all about what it is like."""
_MAX_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Likeness:
    """An entity that is like a text."""

    entity: Entity
    score: float
    """From 0 to 1."""
    words: tuple[str, ...]
    """The words that they share, the most telling first."""


def saturated(count: float, length: float, average: float) -> float:
    """How much a word counts that stands `count` times among `length` words; a second time adds less than a first."""
    return count * (K1 + 1) / (count + K1 * (1 - B + B * length / average))


def rarity(holders: int, number: int) -> float:
    """How telling a word is that `holders` of `number` texts have."""
    return math.log(1 + (number - holders + 0.5) / (holders + 0.5))


def likeness(
    words: Mapping[str, float],
    postings: Mapping[str, Mapping[str, float]],
    lengths: Mapping[str, int],
) -> dict[str, tuple[float, tuple[str, ...]]]:
    """Compare a text with many.

    Args:
        words: the text's words with their counts.
        postings: for each word the texts that have it, with counts.
        lengths: the number of words of each text.

    Returns:
        The score of every text that shares a telling word, with these words.
    """
    number = len(lengths)
    average = sum(lengths.values()) / number if number else 1.0
    length = sum(words.values())
    weights = {
        word: rarity(len(postings.get(word, ())), number) * saturated(count, length, average)
        for word, count in words.items()
        if len(word) > 1 and not word.isdecimal()
    }
    telling = sorted(weights, key=lambda word: (-weights[word], word))[:MAX_WORDS]
    own = sum(weights[word] * saturated(words[word], length, average) for word in telling)
    parts: dict[str, dict[str, float]] = {}
    for word in telling:
        for name, count in postings.get(word, {}).items():
            parts.setdefault(name, {})[word] = weights[word] * saturated(count, lengths[name], average)
    return {
        name: (
            min(1.0, sum(each.values()) / own),
            tuple(sorted(each, key=lambda word: (-each[word], word))[:_MAX_SHOWN]),
        )
        for name, each in parts.items()
    }
