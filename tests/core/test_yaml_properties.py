"""The YAML reader against yaml12 itself and against the text it reads."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml12
from hypothesis import given
from hypothesis import strategies as st

from ckit_daemon.core.document import read_yaml
from ckit_daemon.core.text import Position, Range, split_lines
from ckit_daemon.core.yaml import parse

keys = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x2FFF, exclude_categories=["Cs", "Cc"]), max_size=12)
texts = st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs", "Cc"]), max_size=30)
scalars = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), texts)
values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
plain_keys = st.from_regex(r"[a-z][a-zA-Z0-9_]{0,8}", fullmatch=True)


@given(st.text())
def test_no_text_makes_the_reader_raise_and_an_unreadable_one_says_why(text: str) -> None:
    document = read_yaml("contexts/tasks/T-001.yaml", text)
    assert document.readable or document.problems
    lines = split_lines(text)
    for problem in document.problems:
        start, end = problem.range
        assert start <= end
        assert end.line < len(lines)
        assert end.column <= len(lines[end.line])


@given(st.text(st.sampled_from("ab01:-?&*!|>'\"[]{},#%@` \n\t\r\\"), max_size=40))
def test_no_arrangement_of_the_characters_of_yaml_makes_the_reader_raise(text: str) -> None:
    document = read_yaml("contexts/tasks/T-001.yaml", text)
    document.range_at(("a", 0, "b"))
    document.tree.top_level_text("id")
    assert document.readable or document.value is None


@given(st.dictionaries(keys, values, max_size=5))
def test_json_written_as_yaml_is_read_as_the_same_value(value: dict[str, Any]) -> None:
    parsed = parse(json.dumps(value, ensure_ascii=False))
    assert parsed.problems == ()
    assert parsed.value == value


@given(st.dictionaries(keys, values, max_size=5))
def test_block_style_is_read_as_yaml12_reads_it(value: dict[str, Any]) -> None:
    text = yaml12.format_yaml(value)
    assert parse(text).value == yaml12.parse_yaml(text) == value


@given(st.dictionaries(plain_keys, texts, min_size=1, max_size=5))
def test_the_text_at_the_range_of_a_quoted_scalar_is_what_was_read(value: dict[str, str]) -> None:
    text = "".join(f"{key}: {json.dumps(item, ensure_ascii=False)} # note\n" for key, item in value.items())
    document = read_yaml("a.yaml", text)
    for key, item in value.items():
        assert json.loads(at(text, document.range_at((key,)))) == item
        assert at(text, document.range_at((key,), key=True)) == key


@given(st.lists(plain_keys, min_size=1, max_size=5), plain_keys)
def test_the_text_at_the_range_of_a_list_item_is_what_was_read(items: list[str], key: str) -> None:
    text = f"# öäü 😀\n{key}:\n" + "".join(f"- x{item}  # comment\n\n" for item in items)
    document = read_yaml("a.yaml", text)
    for index, item in enumerate(items):
        assert at(text, document.range_at((key, index))) == f"x{item}"


def at(text: str, where: Range) -> str:
    (line, start), (last, end) = where
    assert line == last
    return split_lines(text)[line][start:end]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2025-10-22", "2025-10-22"),
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("0o17", 15),
        ("0x1F", 31),
        ("1e3", 1000.0),
        ("'7'", "7"),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_scalars_follow_yaml_1_2_core_as_the_predecessors_loader_did(written: str, read: object) -> None:
    found = parse(f"status: {written}\n").value
    assert found == {"status": read}
    assert isinstance(found, dict)
    assert type(found["status"]) is type(read)


def test_R34_an_alias_bomb_is_refused_before_it_expands() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 12)]
    document = read_yaml("a.yaml", "\n".join(lines))
    assert [problem.code for problem in document.problems] == ["yaml.alias-limit"]
    assert not document.readable


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ("id: T-001\ntitle: a\ntitle: b\n", "yaml.duplicate-key", Range(Position(2, 0), Position(2, 5))),
        ("id: T-001\n---\nid: T-002\n", "yaml.multiple-documents", None),
        ("id: !wrong T-001\n", "yaml.tag", None),
        ("? [a, b]\n: c\n", "yaml.key", None),
        ("id: T-001\nsteps: [unclosed\n", "yaml.syntax", Range(Position(1, 7), Position(1, 16))),
        ("id: T-001\n\tstatus: todo\n", "yaml.syntax", None),
    ],
)
def test_what_is_wrong_with_a_text_is_a_problem_with_a_place(text: str, code: str, where: Range | None) -> None:
    problems = read_yaml("a.yaml", text).problems
    assert [problem.code for problem in problems] == [code]
    assert where in {None, problems[0].range}


def test_deep_nesting_is_read_or_refused_but_never_crashes() -> None:
    for depth in (50, 500, 50_000):
        document = read_yaml("a.yaml", "id: T-001\nx: " + "[" * depth + "]" * depth)
        assert document.readable or document.problems


@pytest.mark.parametrize(
    "text",
    [
        "a: [\n  b,\n]\n",
        "x:\n  a: [\n    b\n  ]\nc: d\n",
        "x:\r\n  a: {\r\n    b: 'c'\r\n  }\r\nd: e\r\n",
        "- [\n  a\n]\n",
        'a: {\n  b: [\n    "c"\n  ]\n}\nd: |\n  {\n  }\n',
        "a: |\n  }\nb: >-\n\n  ]\n",
    ],
)
def test_brackets_that_close_at_the_left_are_read_without_a_word_on_standard_error(
    text: str, capfd: pytest.CaptureFixture[str]
) -> None:
    parsed = parse(text)
    assert parsed.value == yaml12.parse_yaml(text)
    assert parsed.problems == ()
    twice = text.rstrip() + ("\na: 1\na: 2\n" if text[0] != "-" else "\n- {a: 1, a: 2}\n")
    assert "yaml.duplicate-key" in {problem.code for problem in parse(twice).problems}
    assert capfd.readouterr().err == ""
