"""Entities are taken apart along their fields, whatever these are called."""

from __future__ import annotations

import pytest

from ckit_daemon.settings import RagSettings
from tests.support.passages import FEATURE, corpus_of, feature, places, text_at

STORY = """\
id: FEAT-001
title: Borrow and return
status: in-progress
owners: ["@mira", "@tomas"]
api: {version: 3.2.0}
live: true
acceptanceCriteria:
  - A member can borrow by scanning the barcode.
  - "Nobody holds more than 12 items: it's a rule."
tasks: [T-001, T-002]
"""


def test_short_fields_stand_together_and_each_text_of_a_list_alone() -> None:
    found = feature(STORY)
    assert found[""].heading == "FEAT-001 Borrow and return"
    assert found[""].text.split("\n") == [
        "Type: feature",
        "Status: in-progress",
        "Owners: @mira, @tomas",
        "Api version: 3.2.0",
        "Live: yes",
        "Tasks: T-001, T-002",
    ]
    criterion = found["acceptanceCriteria[0]"]
    assert criterion.heading == "FEAT-001 Borrow and return, acceptance criteria"
    assert criterion.text == "A member can borrow by scanning the barcode."
    assert criterion.field == ("acceptanceCriteria", 0)
    assert (criterion.entity, criterion.entity_type, criterion.status) == ("FEAT-001", "feature", "in-progress")
    assert [*found] == ["", "acceptanceCriteria[0]", "acceptanceCriteria[1]"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_range_holds_exactly_the_passage(line_end: str) -> None:
    text = (
        "id: FEAT-001\n"
        "title: Grüße \U0001f600 an alle\n"
        "objective: |\n"
        "  # Warum\n\n"
        "  Größe zählt nicht,\n"
        "  aber \U0001f600 zählt, und ein Satz, der lang genug ist, um für sich zu stehen, zählt erst recht.\n\n"
        "  ## Danach\n\n"
        "  Ende gut.\n"
        "folded: >\n"
        "  One sentence that goes on\n"
        "  over several lines of its file, since people write so, and that is long enough to stand alone as it is.\n"
        "rules:\n"
        "  - &first plain words of a rule\n"
        "  - 'single quoted words of a rule'\n"
        '  - "double quoted words of a rule"\n'
        "  - >-\n"
        "    folded words\n"
        "    of a rule\n"
    ).replace("\n", line_end)
    corpus = corpus_of({FEATURE: text})
    for chunk in corpus.chunks.values():
        if chunk.field:
            there = text_at(text, corpus.locate(chunk).range)
            assert there.split() == chunk.text.split(), chunk.id
            assert there[0] == chunk.text[0]
            assert there[-1] == chunk.text[-1]
    assert {*places(corpus)} == {
        "", "objective/warum", "objective/danach", "folded", "rules[0]", "rules[1]", "rules[2]", "rules[3]",
    }  # fmt: skip
    assert places(corpus)["objective/danach"].heading == "FEAT-001 Grüße \U0001f600 an alle, objective, Warum, Danach"


def test_a_card_is_found_at_the_fields_before_the_first_that_stands_alone() -> None:
    corpus = corpus_of({FEATURE: STORY})
    card = corpus.chunks[f"{FEATURE}#"]
    assert text_at(STORY, corpus.locate(card).range) == STORY.partition("\nacceptanceCriteria")[0]


def test_a_value_that_is_written_with_escapes_or_by_an_alias_is_found_as_a_whole() -> None:
    text = 'id: FEAT-001\nrules:\n  - "tab\\there and there"\n  - &a words of an anchor\n  - *a\n'
    corpus = corpus_of({FEATURE: text})
    found = places(corpus)
    assert found["rules[2]"].text == "words of an anchor"
    assert text_at(text, corpus.locate(found["rules[0]"]).range) == '"tab\\there and there"'
    assert text_at(text, corpus.locate(found["rules[1]"]).range) == "words of an anchor"
    assert text_at(text, corpus.locate(found["rules[2]"]).range) == "*a"


def test_items_with_names_keep_their_ids_when_they_move() -> None:
    first = "  - {id: a, title: First, rule: one two three}\n"
    second = "  - {id: b, rule: four five six}\n"
    head = "id: FEAT-001\ntitle: T\nprinciples:\n"
    before, after = feature(head + first + second), feature(head + second + first)
    assert [*before] == ["", "principles[a]", "principles[b]"]
    assert {name: chunk.hash for name, chunk in before.items()} == {name: chunk.hash for name, chunk in after.items()}
    assert after["principles[a]"].field == ("principles", 1)
    assert before["principles[a]"].heading == "FEAT-001 T, principles, a First"
    assert before["principles[a]"].text == "Title: First\nRule: one two three"


def test_names_that_two_items_share_tell_nothing() -> None:
    found = feature("id: FEAT-001\nrules:\n  - {id: a, x: 1}\n  - {id: a, x: 2}\n  - {id: b, x: 3}\n")
    assert [*found] == ["", "rules[0]", "rules[1]", "rules[b]"]


def test_an_item_holds_what_has_no_name_of_its_own() -> None:
    text = """\
id: FEAT-001
principles:
  - id: p
    details: A long explanation that would stand alone in an entity, since it has more than a hundred and twenty signs.
    conditions:
      - {path: domain, operator: nonEmpty}
      - {path: owner, operator: exists}
    requirements:
      - id: r
        statement: It is so.
"""
    found = feature(text)
    assert [*found] == ["", "principles[p]", "principles[p].requirements[r]"]
    assert "Conditions: Path: domain, Operator: nonEmpty\nPath: owner, Operator: exists" in found["principles[p]"].text
    assert found["principles[p].requirements[r]"].text == "Statement: It is so."
    assert found["principles[p].requirements[r]"].heading == "FEAT-001, principles, p, requirements, r"


def test_an_item_too_long_for_one_passage_is_taken_apart_as_an_entity_is() -> None:
    items = "".join(f"      - Rule number {number} of quite a few others.\n" for number in range(30))
    long_text = " ".join(["word"] * 100)
    found = feature(f"id: FEAT-001\nitems:\n  - id: p\n    text: {long_text}\n    kind: x\n    rules:\n{items}")
    assert found["items[p]"].text == "Kind: x"
    assert found["items[p].text"].text == long_text
    assert found["items[p].rules[29]"].text == "Rule number 29 of quite a few others."


def test_huge_fields_are_cut_between_paragraphs_sentences_or_words() -> None:
    paragraph = "This is a sentence of a paragraph. " * 6
    text = "\n\n".join([paragraph.strip()] * 40)
    body = "\n".join(f"  {line}" for line in text.split("\n"))
    source = f"id: FEAT-001\ncontent: |\n{body}\nwords: {'word ' * 2000}\nblob: {'x' * 5000}\n"
    corpus = corpus_of({FEATURE: source}, RagSettings(max_passage_characters=500))
    chunks = [*corpus.chunks.values()]
    assert all(len(chunk.text) <= 500 for chunk in chunks)
    content = [chunk for chunk in chunks if chunk.field == ("content",)]
    assert [chunk.id.partition("#")[2] for chunk in content[:3]] == ["content", "content:2", "content:3"]
    assert {chunk.text for chunk in content} == {"\n\n".join([paragraph.strip()] * 2)}
    assert all(text_at(source, corpus.locate(c).range).split() == c.text.split() for c in content)
    assert len({corpus.locate(chunk) for chunk in content}) == len(content) == 20
    words = [chunk for chunk in chunks if chunk.field == ("words",)]
    assert " ".join(chunk.text for chunk in words).split() == ["word"] * 2000
    assert sum(len(chunk.text) for chunk in chunks if chunk.field == ("blob",)) == 5000


@pytest.mark.parametrize("value", ["", "''", "'  '", "null", "[]", "{}", "['', null]", "[{}]", "[[]]"])
def test_a_field_that_says_nothing_is_no_passage(value: str) -> None:
    assert [*feature(f"id: FEAT-001\ntitle: T\nfield: {value}\n")] == [""]


def test_an_entity_with_nothing_but_an_id_is_found() -> None:
    (card,) = feature("id: FEAT-001\n").values()
    assert (card.heading, card.text) == ("FEAT-001", "Type: feature")


@pytest.mark.parametrize("value", ["12", "true", "2024-01-01", "[1, 2]", "{a: b}"])
def test_a_title_or_status_of_a_wrong_type_is_no_reason_to_fail(value: str) -> None:
    found = feature(f"id: 7\ntitle: {value}\nstatus: {value}\n")
    assert found[""].entity == "7"
    assert found[""].status in {None, "2024-01-01"}


def test_text_that_is_no_yaml_is_found_as_it_is_written() -> None:
    text = "id: FEAT-001\ntitle: [never closed\nobjective: Find me all the same\n"
    corpus = corpus_of({FEATURE: text})
    (chunk,) = corpus.chunks.values()
    assert chunk.entity == "FEAT-001"
    assert chunk.text == text.strip()
    assert text_at(text, corpus.locate(chunk).range) == text.strip()


def test_fields_of_a_type_that_only_the_repository_knows_are_read_alike() -> None:
    path = "contexts/experiments/EXP-1.yaml"
    corpus = corpus_of({path: "id: EXP-1\nname: Lockers\nhypothesis:\n  - People come after closing time.\n"})
    assert corpus.chunks[f"{path}#hypothesis[0]"].heading == "EXP-1 Lockers, hypothesis"


def test_order_of_fields_comments_quotes_and_line_ends_change_no_hash() -> None:
    other = """\
# A comment
id: 'FEAT-001'
acceptanceCriteria:
    - A member can borrow by scanning the barcode.   # the main way
    - >-
      Nobody holds more than 12 items:
      it's a rule.
title: "Borrow and return"
"""
    same = ("acceptanceCriteria[0]", "acceptanceCriteria[1]")
    before, after = feature(STORY), feature(other.replace("\n", "\r\n"))
    assert [before[place].hash for place in same] == [after[place].hash for place in same]


def test_another_title_changes_the_hashes_of_its_own_entity_alone() -> None:
    story = "contexts/userstories/US-001.yaml"
    files = {FEATURE: "id: FEAT-001\ntitle: One\nuserStories: [US-001]\n", story: "id: US-001\nfeature: FEAT-001\n"}
    before = corpus_of(files)
    after = corpus_of({**files, story: "id: US-001\ntitle: New\nfeature: FEAT-001\n"})
    assert before.chunks[f"{FEATURE}#"].hash == after.chunks[f"{FEATURE}#"].hash
    assert before.chunks[f"{story}#"].hash != after.chunks[f"{story}#"].hash


def test_a_file_that_moves_keeps_the_hashes_of_its_passages() -> None:
    before, after = corpus_of({FEATURE: STORY}), corpus_of({"contexts/features/deep/other.yaml": STORY})
    assert before.by_hash.keys() == after.by_hash.keys()
    assert before.chunks.keys().isdisjoint(after.chunks)


def test_characters_that_no_database_takes_are_replaced() -> None:
    found = feature('id: FEAT-001\ntitle: "a\\0b"\nrules: ["one two \\0 three"]\n')
    assert found[""].heading == "FEAT-001 a\ufffdb"
    assert found["rules[0]"].text == "one two \ufffd three"


def test_digests_say_nothing_and_are_left_out() -> None:
    found = feature(f"id: FEAT-001\nsha256: {'0123456789abcdef' * 4}\nnote: kept\n")
    assert found[""].text == "Type: feature\nNote: kept"


def test_titles_of_any_length_make_short_headings() -> None:
    found = feature(f"id: FEAT-001\ntitle: {'very ' * 1000}long\nrules: [one two three]\n")
    assert all(len(chunk.heading) <= 200 for chunk in found.values())
