"""Where a citation points: to the field that a sentence repeats, wherever it stands in its file."""

from __future__ import annotations

import pytest

from ckit_daemon.services.rag.citations import cite
from ckit_daemon.services.rag.ports import View
from tests.support.passages import FEATURE, MemoryRepository, text_at

TEXT = """\
id: FEAT-001
title: Borrow
status: done
acceptance:
  - A loan lasts 28 days in all branches.
requires: [svc-loans, svc-members]
related:
  service: svc-notify
  owners:
    - "@mira"
"""
WHOLE = TEXT.partition("\nacceptance")[0]


@pytest.mark.parametrize(
    ("said", "field", "there"),
    [
        (["**FEAT-001 Borrow**: Requires: svc-loans, svc-members"], ["requires"], "[svc-loans, svc-members]"),
        (["It is related to the service svc-notify."], ["related", "service"], "svc-notify"),
        (["Related owners: @mira", "Its related owner is @mira."], ["related", "owners"], '- "@mira"'),
        (["Its status is done.", "It requires svc-loans and svc-members."], [], WHOLE),
        (["It is a feature."], [], WHOLE),
        (["Type: feature"], [], WHOLE),
        ([], [], WHOLE),
    ],
)
def test_the_one_short_field_that_sentences_repeat_is_cited(said: list[str], field: list[str], there: str) -> None:
    repository = MemoryRepository()
    corpus = repository.corpus({FEATURE: TEXT})
    citation = cite(View(repository.snapshot, corpus, None), corpus.chunks[f"{FEATURE}#"], 1, said)
    assert [*citation.field] == field
    assert text_at(TEXT, citation.location.range).rstrip() == there


def test_a_passage_of_its_own_is_cited_whatever_is_said_of_it() -> None:
    repository = MemoryRepository()
    corpus = repository.corpus({FEATURE: TEXT})
    chunk = corpus.chunks[f"{FEATURE}#acceptance[0]"]
    citation = cite(View(repository.snapshot, corpus, None), chunk, 1, ["Its status is done."])
    assert citation.field == ("acceptance", 0)
    assert text_at(TEXT, citation.location.range) == "A loan lasts 28 days in all branches."
