"""Whether the passages that a sentence cites say the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ckit_daemon.services.rag.records import Chunk
from ckit_daemon.services.rag.sentences import numbers, sentences, without_unknown_citations
from ckit_daemon.services.rag.support import MARK, check, claims_of

SHELF = Chunk(
    "f.yaml#a",
    "entity",
    "f.yaml",
    ("a",),
    "FEAT-003 Reserve items",
    "An item waits 7 opening days on the hold shelf.",
    "h1",
)
LOCKER = Chunk("f.yaml#b", "entity", "f.yaml", ("b",), "FEAT-003 Reserve items", "A locker holds it for 3 days.", "h2")


def weigh(text: str) -> dict[str, float]:
    common = {"an", "a", "on", "the", "it", "for", "is", "in"}
    return {word: 0.05 if word in common else 1.0 for word in text.lower().replace(".", "").split()}


def checked(answer: str, cosines: dict[str, list[float]] | None = None):
    return check(answer, claims_of(answer), [SHELF, LOCKER], cosines or {}, weigh)


def test_a_claim_that_its_citation_says_is_supported() -> None:
    found = checked("An item waits 7 opening days on the hold shelf. [1]")
    assert [(claim.support, claim.citations) for claim in found.claims] == [("supported", (1,))]
    assert found.text == "An item waits 7 opening days on the hold shelf. [1]"
    assert found.used == (1,)


def test_a_changed_number_is_not_supported_although_all_words_are() -> None:
    found = checked("An item waits 14 opening days on the hold shelf. [1]")
    assert found.claims[0].support == "unsupported"
    assert found.text.endswith(MARK)


def test_a_claim_that_means_the_same_in_other_words_is_supported() -> None:
    answer = "Reserved things stay put a week. [1]"
    assert checked(answer, {"h1": [0.7], "h2": [0.1]}).claims[0].support == "supported"
    assert checked(answer, {"h1": [0.4], "h2": [0.1]}).claims[0].support == "weak"
    assert checked(answer, {"h1": [0.1], "h2": [0.9]}).claims[0].support == "unsupported"


def test_a_claim_without_a_citation_gets_that_of_the_passage_that_supports_it() -> None:
    found = checked("A locker holds it for 3 days.")
    assert found.text == "A locker holds it for 3 days. [2]"
    assert found.claims[0].citations == (2,)


def test_a_claim_that_nothing_supports_is_marked_and_the_others_stay() -> None:
    found = checked("A locker holds it for 3 days. [2]\nMembers love purple elephants very much.")
    assert [claim.support for claim in found.claims] == ["supported", "unsupported"]
    assert found.text == f"A locker holds it for 3 days. [2]\nMembers love purple elephants very much. {MARK}"


def test_a_claim_that_cites_nothing_and_is_hardly_supported_is_marked() -> None:
    found = checked("Reserved things stay put a week.", {"h1": [0.4], "h2": [0.1]})
    assert [(claim.support, claim.citations) for claim in found.claims] == [("unsupported", ())]
    assert found.text == f"Reserved things stay put a week. {MARK}"


def test_a_number_in_a_short_line_is_checked_too() -> None:
    found = checked("It is kept for:\n- 3 days [2]\n- 14 days [1]\n- in short")
    assert [(claim.text, claim.support) for claim in found.claims] == [
        ("3 days", "supported"),
        ("14 days", "unsupported"),
    ]
    assert found.text == f"It is kept for:\n- 3 days [2]\n- 14 days [1] {MARK}\n- in short"


def test_numbers_of_a_list_and_single_letters_end_no_sentence() -> None:
    answer = "1. An item waits 7 opening days. [1]\n- 2. A locker holds it for 3 days. [2]"
    found = checked(answer)
    assert found.text == answer
    assert [claim.support for claim in found.claims] == ["supported", "supported"]
    found = checked("An item waits on a shelf, e.g. FEAT-003 says 7 opening days. [1]")
    assert [claim.citations for claim in found.claims] == [(1,)]


def test_a_table_stays_one_and_its_rows_are_marked_within_their_last_cell() -> None:
    table = "| What is it | How many days | Where |\n|:---|---|---|\n| Hold shelf | 7 days [1] | desk |\n"
    found = checked(f"{table}| A locker | It is so. Lions: 14 days [2] | outside |")
    assert found.text == f"{table}| A locker | It is so. {MARK} Lions: 14 days [2] | outside {MARK} |"


def test_of_equal_passages_the_one_that_fits_the_question_best_is_cited() -> None:
    twin = replace(LOCKER, id="f.yaml#c", hash="h3")
    answer = "A locker holds it for 3 days."
    assert check(answer, claims_of(answer), [SHELF, LOCKER, twin], {}, weigh).used == (2,)


def test_what_a_passage_does_not_bear_out_is_not_said_by_it() -> None:
    found = checked("An item waits 7 opening days on the hold shelf. [1] It waits 14 days. [1] Members love lions. [2]")
    assert found.said(1) == ["An item waits 7 opening days on the hold shelf."]
    assert found.said(2) == []


def test_what_is_cited_where_nothing_is_claimed_is_shown_too() -> None:
    found = checked("## Shelf [2]\n\nYes. [1]")
    assert found.claims == ()
    assert found.used == (1, 2)


def test_citations_of_sources_that_were_not_given_are_taken_out() -> None:
    assert without_unknown_citations("True. [1, 9] False. [7]", 2) == "True. [1] False."


def test_numbers_in_code_are_no_citations() -> None:
    answer = "It takes `items[9]` and `items[1]`. [9]\n\n```\nfirst = items[9]\n```\nThat is so. [1]\n\n~~~\nitems[9]"
    assert without_unknown_citations(answer, 2) == answer.replace(" [9]\n", "\n")
    (first, second) = sentences("It takes `items[1]` alone. [2]\nThat is not `[3]` so.")
    assert (first.text, first.cited) == ("It takes `items[1]` alone.", (2,))
    assert (second.text, second.cited) == ("That is not `[3]` so.", ())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("## Heading\n\nIt waits for 3 days.", ["It waits for 3 days."]),
        ("- One thing is so. [1]\n- Another thing is so. [2, 3]", ["One thing is so.", "Another thing is so."]),
        ("```\ncode is not a claim\n```\nThis here is one.", ["This here is one."]),
        ("Version 1.2.3 came at 21:00 sharp. Then we slept.", ["Version 1.2.3 came at 21:00 sharp.", "Then we slept."]),
        ("In short:", []),
        ("", []),
    ],
)
def test_sentences_are_what_claims_something(text: str, found: list[str]) -> None:
    assert [sentence.text for sentence in sentences(text)] == found


def test_places_of_sentences_are_exact() -> None:
    answer = "First it is so. [1] Then it is otherwise. [2]"
    assert [answer[each.start : each.end] for each in sentences(answer)] == [
        "First it is so. [1]",
        "Then it is otherwise. [2]",
    ]


def test_numbers_are_the_same_however_thousands_are_written() -> None:
    assert numbers("9,000 euro on 21:00") == {"9000", "21:00"}
    assert numbers("9000") <= numbers("costs 9,000 euro")
