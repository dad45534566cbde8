"""Answers about a snapshot are kept while it is the newest, and never beyond their measure."""

from __future__ import annotations

from ckit_daemon.core.snapshot import Snapshot
from ckit_daemon.services.answers import Answers


def test_an_answer_belongs_to_its_snapshot_and_its_question() -> None:
    answers, one, two = Answers(), Snapshot.of(()), Snapshot.of(())
    answers.put(one, "graph", b"1")
    assert answers.get(one, "graph") == b"1"
    assert answers.get(one, "validate") is None
    assert answers.get(two, "graph") is None
    answers.put(two, "validate", b"2")
    assert answers.get(one, "graph") is None


def test_the_answer_that_was_not_asked_for_longest_goes_first() -> None:
    answers, snapshot = Answers(max_bytes=10), Snapshot.of(())
    answers.put(snapshot, "a", b"....")
    answers.put(snapshot, "b", b"....")
    assert answers.get(snapshot, "a")
    answers.put(snapshot, "c", b"....")
    assert [answers.get(snapshot, question) is None for question in "abc"] == [False, True, False]


def test_an_answer_that_is_replaced_counts_once_and_one_too_large_is_not_kept() -> None:
    answers, snapshot = Answers(max_bytes=10), Snapshot.of(())
    for _ in range(5):
        answers.put(snapshot, "a", b"........")
    assert answers.get(snapshot, "a") == b"........"
    answers.put(snapshot, "large", b"." * 11)
    assert answers.get(snapshot, "large") is None
