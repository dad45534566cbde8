"""How well a search finds what it should: the usual measures, from ranks alone.

Libraries for this (ranx, ir-measures) bring a compiler or C code along for what a few sums are.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from ckit_daemon.cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pydantic import JsonValue

DEPTH: Final = 10
"""Hits of each search that are looked at."""
MAX_CHARACTERS: Final = 20_000
"""Of a question; no search takes a longer one."""
DECIMALS: Final = 4
ANY: Final = "any"
"""Class of questions that name none."""
_SHOWN_LINES: Final = 5


@dataclass(frozen=True, slots=True)
class Question:
    """A question with what must be found."""

    text: str
    expected: tuple[str, ...]
    """Ids of entities and notes, paths of files, ids of passages: each of them answers. Empty: nothing may be found."""
    group: str
    """What kind of question it is, e.g. `paraphrase`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one search for a question returned."""

    question: Question
    hits: tuple[frozenset[str], ...]
    """All names of each hit, the best first: the id of its entity, its path, its own id."""
    relevant: bool
    """Whether the search calls any of them relevant."""
    milliseconds: float

    @property
    def ranks(self) -> tuple[int, ...]:
        """Where what was expected stands, 1-based and ascending; each expected name once, by its best hit."""
        found: dict[str, int] = {}
        for rank, names in enumerate(self.hits[:DEPTH], 1):
            for name in names.intersection(self.question.expected):
                found.setdefault(name, rank)
        # A hit that two of the expected names mean counts once.
        return tuple(sorted(set(found.values())))

    @property
    def answers(self) -> int:
        """How many hits were expected, as far as can be told: names of one and the same hit count once."""
        expected = {*self.question.expected}
        same = sum(max(len(names & expected) - 1, 0) for names in self.hits[:DEPTH])
        return max(len(expected) - same, len(self.ranks))

    @property
    def succeeded(self) -> bool:
        """Whether what was expected comes first, or nothing is called relevant where nothing should be."""
        return 1 in self.ranks if self.question.expected else not self.relevant


@dataclass(frozen=True, slots=True)
class Scores:
    """Measures over some questions; None where no question tells anything about them."""

    questions: int
    recall_1: float | None
    recall_5: float | None
    recall_10: float | None
    """Share of the questions for which the first k hits hold one of those that answer."""
    mrr: float | None
    """Mean of 1 / rank of the first expected hit, 0 where it is not among the first ten."""
    ndcg_10: float | None
    """Normalised discounted cumulative gain with a gain of 1 for what is expected."""
    nothing: float | None
    """Of the questions that have no answer, the share for which nothing was called relevant."""
    overlooked: float | None
    """Of the questions that have an answer, the share for which nothing was called relevant."""
    p50_ms: float
    p95_ms: float

    def as_json(self) -> dict[str, JsonValue]:
        """For programs."""
        return {
            "questions": self.questions,
            "recall@1": self.recall_1,
            "recall@5": self.recall_5,
            "recall@10": self.recall_10,
            "mrr": self.mrr,
            "ndcg@10": self.ndcg_10,
            "nothingFound": self.nothing,
            "overlooked": self.overlooked,
            "p50Ms": self.p50_ms,
            "p95Ms": self.p95_ms,
        }


def recall_at(ranks: Sequence[int], depth: int) -> float:
    """Return 1 where one of the expected hits is among the first `depth`, else 0: one of them is an answer."""
    return float(bool(ranks) and ranks[0] <= depth)


def reciprocal_rank(ranks: Sequence[int]) -> float:
    """Return 1 / rank of the first expected hit, 0 without one."""
    return 1 / ranks[0] if ranks else 0.0


def ndcg_at(ranks: Sequence[int], expected: int, depth: int) -> float:
    """Return the discounted gain as a share of the best possible one."""
    gain = sum(1 / math.log2(rank + 1) for rank in ranks if rank <= depth)
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(depth, expected) + 1))
    return gain / best


def percentile(values: Collection[float], share: float) -> float:
    """Return the smallest value that at least this share of all values does not exceed; 0 without any."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def scores(outcomes: Sequence[Outcome]) -> Scores:
    """Return the measures over some questions."""
    answerable = [(each.ranks, each.answers, each) for each in outcomes if each.question.expected]
    empty = [each for each in outcomes if not each.question.expected]
    times = [each.milliseconds for each in outcomes]
    return Scores(
        questions=len(outcomes),
        recall_1=_mean(recall_at(ranks, 1) for ranks, _, _ in answerable),
        recall_5=_mean(recall_at(ranks, 5) for ranks, _, _ in answerable),
        recall_10=_mean(recall_at(ranks, DEPTH) for ranks, _, _ in answerable),
        mrr=_mean(reciprocal_rank(ranks) for ranks, _, _ in answerable),
        ndcg_10=_mean(ndcg_at(ranks, number, DEPTH) for ranks, number, _ in answerable),
        nothing=_mean(float(not each.relevant) for each in empty),
        overlooked=_mean(float(not each.relevant) for _, _, each in answerable),
        p50_ms=round(percentile(times, 0.5), 2),
        p95_ms=round(percentile(times, 0.95), 2),
    )


def by_group(outcomes: Sequence[Outcome]) -> dict[str, Scores]:
    """Return the measures of each class of questions, in the order in which the classes turn up."""
    groups = dict.fromkeys(each.question.group for each in outcomes)
    return {name: scores([each for each in outcomes if each.question.group == name]) for name in groups}


def _mean(values: Iterable[float]) -> float | None:
    numbers = [*values]
    return round(sum(numbers) / len(numbers), DECIMALS) if numbers else None


def read_questions(text: str, name: str) -> list[Question]:
    """Read questions, one JSON object a line: `question`, `expected` (a list of ids) and, if given, `class`.

    Raises:
        CommandError: lines that are none, each named with its number; or there is no question at all.
    """
    questions: list[Question] = []
    problems: list[str] = []
    # Only these end a line; a text may hold other characters that Python splits at.
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if line.strip():
            try:
                questions.append(_question(line))
            except ValueError as error:
                problems.append(f"{name}:{number}: {error}")
    if problems:
        more = [f"and {len(problems) - _SHOWN_LINES} more lines"] if len(problems) > _SHOWN_LINES else []
        raise CommandError(
            f"{name} has lines that are no questions.",
            hints=(*problems[:_SHOWN_LINES], *more, 'A line is {"question": "...", "expected": ["FEAT-001"]}.'),
            code="content_rejected",
        )
    if not questions:
        raise CommandError(f"{name} holds no questions.", code="content_rejected")
    return questions


def _question(line: str) -> Question:
    try:
        value: JsonValue = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"not valid JSON: {error.msg} at column {error.colno}") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - whoever reads the file wants to hear of one kind.
    text, expected, group = value.get("question"), value.get("expected"), value.get("class", ANY)
    if not isinstance(text, str) or not text.strip():
        raise ValueError("'question' must be a text")
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"'question' has {len(text)} characters; {MAX_CHARACTERS} are the most")
    if not isinstance(expected, list) or not all(isinstance(each, str) and each.strip() for each in expected):
        raise ValueError("'expected' must be a list of ids; [] where there is no answer")
    if not isinstance(group, str) or not group:
        raise ValueError("'class' must be a text")
    # Half of a surrogate pair can't be sent.
    "".join([text, group, *cast("list[str]", expected)]).encode()
    return Question(text, tuple(dict.fromkeys(cast("list[str]", expected))), group)
