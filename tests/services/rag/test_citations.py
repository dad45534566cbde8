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
REQUIRES = "Requires: svc-loans, svc-members"
OWNERS = "Related owners: @mira"
CARD = f"Type: feature Status: done {REQUIRES} Related service: svc-notify {OWNERS}"
SEVERAL = TEXT[TEXT.index("done") : TEXT.index("\nrelated")]
RELATED = TEXT[TEXT.index("svc-notify") :].rstrip()
WHOLE = TEXT.partition("\nacceptance")[0]


@pytest.mark.parametrize(
    ("said", "line", "field", "there"),
    [
        (["**FEAT-001 Borrow**: " + REQUIRES], REQUIRES, ["requires"], "[svc-loans, svc-members]"),
        (["Its service svc-notify is related."], "Related service: svc-notify", ["related", "service"], "svc-notify"),
        (["Related owners: @mira", "@mira owns it, a related owner."], OWNERS, ["related", "owners"], '- "@mira"'),
        (["Its status is done.", REQUIRES], f"Status: done \u2026 {REQUIRES}", [], SEVERAL),
        ([f"**FEAT-001 Borrow**: Status: done \u2026 {REQUIRES}"], f"Status: done \u2026 {REQUIRES}", [], SEVERAL),
        (["Related service: svc-notify", OWNERS], f"Related service: svc-notify \u2026 {OWNERS}", ["related"], RELATED),
        (["Its status is done.", "It is fine."], CARD, [], WHOLE),
        (["It is a feature."], CARD, [], WHOLE),
        (["Type: feature"], CARD, [], WHOLE),
        ([], CARD, [], WHOLE),
    ],
)
def test_the_short_fields_that_sentences_repeat_are_cited(
    said: list[str], line: str, field: list[str], there: str
) -> None:
    repository = MemoryRepository()
    corpus = repository.corpus({FEATURE: TEXT})
    citation = cite(View(repository.snapshot, corpus, None), corpus.chunks[f"{FEATURE}#"], 1, said)
    assert [*citation.field] == field
    assert citation.excerpt == line
    assert text_at(TEXT, citation.location.range).rstrip() == there


def test_a_passage_of_its_own_is_cited_whatever_is_said_of_it() -> None:
    repository = MemoryRepository()
    corpus = repository.corpus({FEATURE: TEXT})
    chunk = corpus.chunks[f"{FEATURE}#acceptance[0]"]
    citation = cite(View(repository.snapshot, corpus, None), chunk, 1, ["Its status is done."])
    assert citation.field == ("acceptance", 0)
    assert text_at(TEXT, citation.location.range) == "A loan lasts 28 days in all branches."
