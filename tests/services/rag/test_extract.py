"""What is quoted of a passage: the sentences that share the most telling words with a question."""

from __future__ import annotations

from ckit_daemon.services.rag.extract import MAX_CHARACTERS, extractive, quotation
from ckit_daemon.services.rag.records import Chunk
from ckit_daemon.services.rag.sentences import sentences, without_unknown_citations

LOANS = "Members borrow ten items. A loan lasts 28 days.\nA reservation ends the loan early. Fines are gone."


def test_the_sentences_with_the_most_telling_words_are_quoted_in_their_order() -> None:
    assert quotation(LOANS, {"loan": 1.0, "reservation": 1.0}) == (
        "A loan lasts 28 days. … A reservation ends the loan early."
    )


def test_a_sentence_that_says_half_as_little_is_left_out() -> None:
    assert quotation(LOANS, {"loan": 0.3, "reservation": 1.0}) == "A reservation ends the loan early."


def test_a_passage_that_says_it_in_other_words_is_quoted_by_its_longest_sentence() -> None:
    assert quotation(LOANS, {"penalty": 1.0}) == "A reservation ends the loan early."


def test_a_row_of_a_table_is_quoted_without_the_bars_at_its_ends() -> None:
    table = "| Term | Meaning |\n|---|---|\n| Hold shelf | The shelf near the desk |\n| Loan | The link of a copy |"
    assert quotation(table, {"shelf": 1.0}) == "Hold shelf | The shelf near the desk"


def test_a_sentence_that_is_wrapped_is_quoted_whole() -> None:
    lines = [
        "This governs the whole library with principles that ask for specifications,",
        "Git as the single source of all truth, and the disciplined",
        "workflows of everybody.",
    ]
    assert quotation("\n".join(lines) + " Fines are gone.", {"library": 1.0}) == " ".join(lines)
    card = "Summary: The desk keeps working when the line is down\nOwner: @mira\nSteps: a, b"
    assert quotation(card, {"desk": 1.0}) == "Summary: The desk keeps working when the line is down"


def test_a_quotation_is_one_claim_although_something_is_left_out_of_it() -> None:
    passage = Chunk("a.md#", "markdown", "a.md", (), "Loans", LOANS, "h")
    (claim,) = sentences(extractive([passage], {"loan": 1.0, "reservation": 1.0}))
    assert claim.cited == (1,)


def test_an_endless_sentence_is_cut_and_says_so() -> None:
    said = quotation("loan " * 1_000, {"loan": 1.0})
    assert said.endswith("…")
    assert len(said) <= 2 * MAX_CHARACTERS + 1


def test_nothing_is_quoted_of_nothing() -> None:
    assert quotation("", {"loan": 1.0}) == ""


def test_a_footnote_in_a_passage_cites_no_other_passage() -> None:
    passage = Chunk("a.md#", "markdown", "a.md", (), "Loans [2]", "A loan lasts 28 days [2], see `x[1]`.", "h")
    other = Chunk("b.md#", "markdown", "b.md", (), "Fees", "A fee is charged for each day.", "h2")
    answer = extractive([passage, other], {"loan": 1.0})
    assert "lasts 28 days `[2]`, see `x[1]`. [1]" in answer
    assert without_unknown_citations(answer, 2) == answer
    assert {number for sentence in sentences(answer.split("\n")[0]) for number in sentence.cited} == {1}
