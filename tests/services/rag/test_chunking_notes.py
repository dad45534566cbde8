"""Notes and entries of the spec log."""

from __future__ import annotations

import json

import pytest

from tests.support.passages import corpus_of, places, text_at

NOTES = ".context-kit/rag/notes.jsonl"
LOG = ".context-kit/spec-log/2025-01-02-spec.json"


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_each_line_is_a_note_with_the_ids_that_it_is_about(line_end: str) -> None:
    lines = [
        '{"id": "n1", "entityIds": ["FEAT-001", "svc-loans"], "author": "@mira", "text": "Größe \U0001f600 zählt."}',
        "",
        '  {"ids": ["US-001"], "title": "Second", "text": "No id here."}',
        '{"id": "n3", "text": "About nobody."}',
    ]
    text = line_end.join(lines) + line_end
    corpus = corpus_of({NOTES: text})
    found = places(corpus)
    assert {name: (c.heading, c.text, c.mentions) for name, c in found.items()} == {
        "n1": ("n1 on FEAT-001, svc-loans", "Größe \U0001f600 zählt.\nAuthor: @mira", ("FEAT-001", "svc-loans")),
        "3": ("Note Second on US-001", "No id here.", ("US-001",)),
        "n3": ("n3", "About nobody.", ()),
    }
    assert [chunk.kind for chunk in found.values()] == ["note"] * 3
    assert [text_at(text, corpus.locate(chunk).range) for chunk in found.values()] == [
        lines[0], lines[2].strip(), lines[3],
    ]  # fmt: skip


def test_broken_lines_are_counted_and_the_others_found() -> None:
    lines = [
        "{",
        '{"text": "fine"}',
        "[1]",
        "null",
        '"text"',
        '{"text": "\\ud800"}',
        '{"text": "also fine"} x',
        "\ud800",
    ]
    corpus = corpus_of({NOTES: "\n".join(lines), ".context-kit/rag/more.jsonl": '{"a": 1'})
    assert [chunk.text for chunk in corpus.chunks.values()] == ["fine"]
    assert corpus.broken == len(lines)


def test_notes_of_one_id_are_all_found() -> None:
    corpus = corpus_of({NOTES: '{"id": "n", "text": "one"}\n{"id": "n", "text": "two"}\n'})
    assert {name: chunk.text for name, chunk in places(corpus).items()} == {"n": "one", "n~2": "two"}


@pytest.mark.parametrize(
    "note",
    [
        {"id": 7, "text": "x y", "entityIds": "FEAT-001"},
        {"id": None, "text": ["x y"], "entityIds": ["FEAT-001", 3, None, ""]},
        {"content": "x y", "entityIds": [["a"], "FEAT-001"], "relatedEntities": {"a": 1}},
    ],
)
def test_fields_of_wrong_types_are_no_reason_to_lose_a_note(note: object) -> None:
    (chunk,) = corpus_of({NOTES: json.dumps(note)}).chunks.values()
    assert "x y" in chunk.text
    assert chunk.mentions == ("FEAT-001",)


def test_a_long_note_is_cut_and_each_piece_stands_at_its_line() -> None:
    text = json.dumps({"id": "n", "text": "A sentence of a note. " * 200})
    corpus = corpus_of({NOTES: f"{text}\n"})
    assert [*places(corpus)][:2] == ["n", "n:2"]
    assert {text_at(text, corpus.locate(chunk).range) for chunk in corpus.chunks.values()} == {text}


def test_an_entry_of_the_log_tells_what_was_asked_and_of_what() -> None:
    entry = {
        "id": "2025-01-02-spec",
        "status": "success",
        "input": {"entityIds": ["FEAT-001"], "userPrompt": "Describe the queue."},
        "output": {"specId": "SPEC-004", "metadata": {"inputs": {"a.yaml": "0123456789abcdef" * 4}}},
        "relatedEntities": ["svc-loans"],
        "notes": ["First thing to know.", "Second thing to know."],
    }
    text = json.dumps(entry, indent=2)
    corpus = corpus_of({LOG: text})
    found = places(corpus)
    assert found[""].heading == "2025-01-02-spec on FEAT-001, svc-loans, SPEC-004"
    assert found[""].text.split("\n") == [
        "Status: success",
        "Input entity ids: FEAT-001",
        "Input user prompt: Describe the queue.",
        "Output spec id: SPEC-004",
        "Related entities: svc-loans",
    ]
    assert {(chunk.kind, chunk.mentions) for chunk in found.values()} == {
        ("specLog", ("FEAT-001", "svc-loans", "SPEC-004"))
    }
    assert text_at(text, corpus.locate(found["notes[1]"]).range) == "Second thing to know."


@pytest.mark.parametrize("text", ["", "[]", "{", "3", '{"id": '])
def test_an_entry_that_is_none_is_counted(text: str) -> None:
    corpus = corpus_of({LOG: text})
    assert not corpus.chunks
    assert corpus.broken == 1
