"""The measures of a search, against values that were worked out by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ckit_daemon.cli.errors import CommandError
from ckit_daemon.cli.evaluation import (
    Outcome,
    Question,
    by_group,
    ndcg_at,
    percentile,
    read_questions,
    recall_at,
    reciprocal_rank,
    scores,
)


def an_outcome(
    expected: tuple[str, ...], *hits: str, relevant: bool = True, group: str = "any", ms: float = 1.0
) -> Outcome:
    named = tuple(frozenset({hit, f"contexts/{hit}.yaml"}) for hit in hits)
    return Outcome(Question("What?", expected, group), named, relevant, ms)


@pytest.mark.parametrize(
    ("ranks", "depth", "value"),
    [((1,), 1, 1.0), ((2,), 1, 0.0), ((2,), 5, 1.0), ((5, 7), 5, 1.0), ((6,), 5, 0.0), ((), 10, 0.0)],
)
def test_recall_asks_whether_one_of_the_answers_is_among_the_first_hits(
    ranks: tuple[int, ...], depth: int, value: float
) -> None:
    assert recall_at(ranks, depth) == value


@pytest.mark.parametrize(("ranks", "value"), [((1, 3), 1.0), ((4,), 0.25), ((), 0.0)])
def test_the_reciprocal_rank_is_that_of_the_first_expected_hit(ranks: tuple[int, ...], value: float) -> None:
    assert reciprocal_rank(ranks) == value


@pytest.mark.parametrize(
    ("ranks", "expected", "value"),
    [
        ((1,), 1, 1.0),
        ((2,), 1, 0.6309),  # 1 / log2(3)
        ((1, 4), 2, 0.8772),  # (1 + 1/log2(5)) / (1 + 1/log2(3)) = 1.43068 / 1.63093
        ((11,), 1, 0.0),
        ((1,), 3, 0.4693),  # 1 / (1 + 1/log2(3) + 1/2)
    ],
)
def test_ndcg_discounts_later_hits_and_is_1_for_the_best_order(
    ranks: tuple[int, ...], expected: int, value: float
) -> None:
    assert ndcg_at(ranks, expected, 10) == pytest.approx(value, abs=5e-5)


def test_a_percentile_is_the_smallest_value_that_this_share_does_not_exceed() -> None:
    values = [float(number) for number in range(20, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.95), percentile(values, 1)) == (10.0, 19.0, 20.0)
    assert percentile([7.0], 0.95) == 7.0
    assert percentile([], 0.5) == 0.0


def test_the_scores_of_a_run_are_means_over_the_questions_that_tell_something() -> None:
    found = scores(
        [
            an_outcome(("A",), "A", "B", ms=10),
            an_outcome(("B",), "A", "B", ms=20),
            an_outcome(("C",), "A", "B", relevant=False, ms=30),
            an_outcome((), "A", relevant=False, ms=40),
            an_outcome((), "A", relevant=True, ms=50),
        ]
    )
    assert found.as_json() == {
        "questions": 5,
        "recall@1": 0.3333,
        "recall@5": 0.6667,
        "recall@10": 0.6667,
        "mrr": 0.5,
        "ndcg@10": 0.5436,  # (1 + 0.63093 + 0) / 3
        "nothingFound": 0.5,
        "overlooked": 0.3333,
        "p50Ms": 30.0,
        "p95Ms": 50.0,
    }


def test_what_no_question_tells_has_no_value() -> None:
    only_empty = scores([an_outcome((), "A", relevant=False)])
    assert (only_empty.recall_1, only_empty.mrr, only_empty.overlooked, only_empty.nothing) == (None, None, None, 1.0)
    assert scores([an_outcome(("A",), "A")]).nothing is None


def test_an_expected_name_counts_once_by_its_best_hit_and_any_of_a_hits_names_will_do() -> None:
    outcome = an_outcome(("A", "contexts/B.yaml"), "C", "A", "A", "B")
    assert outcome.ranks == (2, 4)
    late = an_outcome(("Z",), *"ABCDEFGHIJ", "Z")
    assert late.ranks == ()


def test_a_question_succeeds_if_what_is_expected_comes_first_or_nothing_is_where_nothing_should_be() -> None:
    assert an_outcome(("A",), "A").succeeded
    assert not an_outcome(("A",), "B", "A").succeeded
    assert an_outcome((), "A", relevant=False).succeeded
    assert not an_outcome((), "A", relevant=True).succeeded


def test_classes_are_measured_apart_in_the_order_of_their_first_question() -> None:
    found = by_group(
        [
            an_outcome(("A",), "A", group="typo"),
            an_outcome(("A",), "B", group="id"),
            an_outcome(("A",), "A", group="typo"),
        ]
    )
    assert [*found] == ["typo", "id"]
    assert (found["typo"].questions, found["typo"].recall_1, found["id"].recall_1) == (2, 1.0, 0.0)


def test_questions_are_read_line_by_line_with_empty_lines_between() -> None:
    first = '\ufeff{"question": "Who?", "expected": ["A", "A", "B"], "class": "id"}\r\n'
    second = '{"question": "x\u2028y", "expected": []}\n'
    assert read_questions(f"{first}\n{second}", "q.jsonl") == [
        Question("Who?", ("A", "B"), "id"),
        Question("x\u2028y", (), "any"),
    ]


def test_each_broken_line_is_named_with_its_number_and_fault() -> None:
    lines = [
        '{"question": "Who?", "expected": ["A"]}',
        '{"question": ',
        "[1]",
        '{"question": " ", "expected": []}',
        '{"question": "Who?", "expected": "A"}',
        '{"question": "Who?", "expected": [" "]}',
        '{"question": "Who?"}',
        '{"question": "Who?", "expected": [], "class": 1}',
        "[" * 100_000,
        '{"question": "\\ud800", "expected": []}',
    ]
    with pytest.raises(CommandError) as caught:
        read_questions("\n".join(lines), "q.jsonl")
    assert caught.value.hints[0].startswith("q.jsonl:2: not valid JSON")
    assert caught.value.hints[1] == "q.jsonl:3: not a JSON object"
    assert caught.value.hints[2] == "q.jsonl:4: 'question' must be a text"
    assert caught.value.hints[3].startswith("q.jsonl:5: 'expected' must be a list")
    assert caught.value.hints[5] == "and 4 more lines"


def test_a_question_that_no_search_takes_is_refused_with_its_line() -> None:
    longest = {"question": "a" * 20_000, "expected": []}
    assert len(read_questions(json.dumps(longest), "q.jsonl")) == 1
    with pytest.raises(CommandError) as caught:
        read_questions(json.dumps({**longest, "question": "a" * 20_001}), "q.jsonl")
    assert caught.value.hints[0] == "q.jsonl:1: 'question' has 20001 characters; 20000 are the most"


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_a_file_without_questions_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="no questions"):
        read_questions(text, "q.jsonl")


def test_a_hit_that_two_expected_names_mean_counts_once() -> None:
    hits = (frozenset({"note-1", "notes.jsonl"}), frozenset({"FEAT-001"}))
    outcome = Outcome(Question("What?", ("note-1", "notes.jsonl"), "any"), hits, relevant=True, milliseconds=1)
    assert outcome.ranks == (1,)
    assert scores([outcome]).ndcg_10 == 1.0
    apart = (frozenset({"note-2", "notes.jsonl"}), *hits)
    assert scores([replace(outcome, hits=apart)]).ndcg_10 == 1.0
