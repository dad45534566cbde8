"""Markdown is taken apart at its headings."""

from __future__ import annotations

import pytest

from ckit_daemon.core.document import Document
from ckit_daemon.services.rag.chunking import markdown_passages
from ckit_daemon.services.rag.chunking.markdown import MAX_PARSED
from ckit_daemon.settings import RagSettings
from tests.support.passages import corpus_of, places, text_at

GUIDE = """\
Before any heading.

# Guide

Intro of the *guide*.

## Set-up `tool`

Do this.

```sh
# no heading
## none either
```

~~~
# nor this
~~~

## Empty

### Deep

> # a quote is no heading

- # nor an item

Set-up
------

Again, with the same name.

Other
=====

The end.
"""


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_each_section_is_a_passage_at_its_own_lines(line_end: str) -> None:
    text = GUIDE.replace("\n", line_end)
    corpus = corpus_of({"docs/guide.md": text})
    found = places(corpus)
    assert {name: chunk.heading for name, chunk in found.items()} == {
        "": "guide",
        "guide": "Guide",
        "set-up-tool": "Guide, Set-up tool",
        "deep": "Guide, Empty, Deep",
        "set-up": "Guide, Set-up",
        "other": "Other",
    }
    assert found["set-up-tool"].text.startswith("Do this.")
    assert found["set-up-tool"].text.endswith("# nor this\n~~~")
    assert found["deep"].text == "> # a quote is no heading\n\n- # nor an item"
    assert found["deep"].field == ("Guide", "Empty", "Deep")
    assert found["other"].text == "The end."
    for chunk in corpus.chunks.values():
        assert (chunk.kind, chunk.entity, chunk.status) == ("markdown", None, None)
        assert text_at(text, corpus.locate(chunk).range) == chunk.text


def test_ranges_count_characters_of_any_width() -> None:
    text = "# Ä \U0001f600\n\nGrüße \U0001f600\U0001f600 an alle\n\n# B\n\n\U0001f600 x"
    corpus = corpus_of({"a.md": text})
    assert [text_at(text, corpus.locate(chunk).range) for chunk in corpus.chunks.values()] == [
        "Grüße \U0001f600\U0001f600 an alle",
        "\U0001f600 x",
    ]


def test_headings_of_one_name_get_anchors_of_their_own_as_on_github() -> None:
    found = places(corpus_of({"a.md": "# A b!\n\none\n\n# A b!\n\ntwo\n\n# Ünï Cödé\n\nthree\n"}))
    assert {name: chunk.text for name, chunk in found.items()} == {"a-b": "one", "a-b-1": "two", "ünï-cödé": "three"}


def test_a_heading_may_say_its_anchor_itself() -> None:
    found = places(corpus_of({"a.md": '# Long title {#short}\n\none\n\n## <a id="old"></a>Other\n\ntwo\n'}))
    assert {name: chunk.heading for name, chunk in found.items()} == {"short": "Long title", "old": "Long title, Other"}


def test_front_matter_gives_the_title_and_is_no_passage() -> None:
    text = "---\ntitle: From above\ntags: [a]\n---\n\nWords.\n\n## Part\n\nMore.\n"
    corpus = corpus_of({"a.md": text})
    assert {name: (c.heading, c.text) for name, c in places(corpus).items()} == {
        "": ("From above", "Words."),
        "part": ("From above, Part", "More."),
    }
    assert text_at(text, corpus.locate(corpus.chunks["a.md#"]).range) == "Words."


def test_a_rule_at_the_top_is_no_front_matter() -> None:
    assert places(corpus_of({"a.md": "---\n\nJust words\n"}))[""].text == "---\n\nJust words"


def test_a_file_of_headings_alone_is_found_by_them() -> None:
    (chunk,) = corpus_of({"a.md": "# Only\n\n## This\n"}).chunks.values()
    assert (chunk.id, chunk.text) == ("a.md#", "# Only\n\n## This")


@pytest.mark.parametrize("text", ["", "\n \n", "\r\n"])
def test_an_empty_file_has_no_passage(text: str) -> None:
    assert not corpus_of({"a.md": text}).chunks


def test_long_sections_are_cut_between_paragraphs_and_keep_exact_ranges() -> None:
    paragraphs = [f"Paragraph {number} says something about a matter of its own." for number in range(60)]
    text = "# T\n\n" + "\n\n".join(paragraphs) + "\n"
    corpus = corpus_of({"a.md": text}, RagSettings(max_passage_characters=300))
    assert [*places(corpus)][:3] == ["t", "t:2", "t:3"]
    assert "\n\n".join(chunk.text for chunk in corpus.chunks.values()) == "\n\n".join(paragraphs)
    for chunk in corpus.chunks.values():
        assert len(chunk.text) <= 300
        assert text_at(text, corpus.locate(chunk).range) == chunk.text


def test_tables_and_lists_are_cut_between_rows_and_items() -> None:
    rows = "\n".join(f"| row {number} | with some words in it |" for number in range(40))
    items = "\n".join(f"- item {number} that goes on\n  over a second line" for number in range(40))
    corpus = corpus_of({"a.md": f"# T\n\n{rows}\n\n# L\n\n{items}\n"}, RagSettings(max_passage_characters=300))
    assert all(chunk.text.startswith(("| row", "- item")) for chunk in corpus.chunks.values())


def test_a_section_that_moves_or_a_file_that_moves_embeds_nothing_anew() -> None:
    one, two = "## One\n\nFirst.\n\n", "## Two\n\nSecond.\n\n"
    before = corpus_of({"docs/guide.md": f"# G\n\n{one}{two}"})
    after = corpus_of({"manual/guide.md": f"# G\n\n{two}{one}".replace("\n", "\r\n")})
    assert before.by_hash.keys() == after.by_hash.keys()


def test_the_same_words_under_another_heading_are_another_passage() -> None:
    first, second = corpus_of({"a.md": "# A\n\nSame.\n", "b.md": "# B\n\nSame.\n"}).chunks.values()
    assert first.text == second.text
    assert first.hash != second.hash


def test_a_file_too_long_to_parse_is_cut_all_the_same() -> None:
    text = "# Heading\n\n" + "words of a text " * (MAX_PARSED // 16 + 1)
    passages = markdown_passages(Document("a.md", text), 1000, None)
    assert len(passages) > 900
    assert " ".join(passage.chunk.text for passage in passages).split() == text.split()


def test_half_of_a_surrogate_pair_is_replaced() -> None:
    (chunk,) = corpus_of({"a.md": "# A\ud800\n\nb \udc00 \0 c\n"}).chunks.values()
    assert (chunk.heading, chunk.text) == ("A\ufffd", "b \ufffd \ufffd c")
