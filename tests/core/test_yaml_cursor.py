"""What stands at a place of text that somebody types: the same as a parser says of whole documents, and more."""

from __future__ import annotations

import importlib.resources
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckit_daemon.core.text import Position, position_at, split_lines
from ckit_daemon.core.yaml import SourceTree, parse
from ckit_daemon.core.yaml.cursor import Role, cursor_at, outline
from tests.support.repositories import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ckit_daemon.core.json import JsonValue
    from ckit_daemon.core.json import Path as YamlPath

K, V, N, T = Role.KEY, Role.VALUE, Role.NEW, Role.TEXT

CASES: dict[str, tuple[str, Role, YamlPath, str]] = {
    "an empty document": ("¦", K, (), ""),
    "a letter": ("i¦", K, (), "i"),
    "below an entry": ("id: T-1\n¦", K, (), ""),
    "a key without its colon": ("id: T-1\nown¦\nstatus: x", K, (), "own"),
    "a key with its colon": ("id: T-1\nown¦er: x", K, (), "owner"),
    "a value to come": ("id: T-1\nstatus: ¦", V, ("status",), ""),
    "a value right behind the colon": ("id: T-1\nstatus:¦", V, ("status",), ""),
    "a value": ("status: do¦ne # so", V, ("status",), "done"),
    "a value with spaces": ("status: in pro¦gress # so", V, ("status",), "in progress"),
    "a quoted value": ("status: 'do¦ne' # so", V, ("status",), "done"),
    "a quote that nothing closes": ('title: "a¦\nstatus: x', V, ("title",), "a"),
    "behind a quote that nothing closed": ('title: "a\nstatus: ¦x', V, ("status",), "x"),
    "a comment": ("status: done # s¦o", T, (), ""),
    "a line of comment": ("a: b\n# s¦o", T, (), ""),
    "a text of several lines": ("a: |\n  se¦e\nb: c", T, (), ""),
    "an empty line of a text": ("a: |\n  see\n  ¦\n  more\nb: c", T, (), ""),
    "below a text": ("a: |\n  see\n¦", K, (), ""),
    "behind a text": ("a: >-\n  see\nb: ¦", V, ("b",), ""),
    "the first key of a mapping": ("related:\n  ¦", N, ("related",), ""),
    "the first key of a mapping, begun": ("related:\n  fea¦\nstatus: x", N, ("related",), "fea"),
    "the next key of a mapping": ("related:\n  feature: x\n  ¦", K, ("related",), ""),
    "back at the left": ("related:\n  feature: x\n¦", K, (), ""),
    "behind a dash": ("tasks:\n  - ¦", N, ("tasks", 0), ""),
    "behind the second dash": ("tasks:\n  - T-1\n  - T¦", N, ("tasks", 1), "T"),
    "behind a dash at the left": ("tasks:\n- T-1\n- ¦\nid: x", N, ("tasks", 1), ""),
    "below items at the left": ("tasks:\n- T-1\n¦", K, (), ""),
    "where a dash belongs": ("tasks:\n  - T-1\n  ¦", N, ("tasks",), ""),
    "a mapping in a list": ("notes:\n  - by: x\n    ¦", K, ("notes", 0), ""),
    "a value in a list of lists": ("a:\n  - - x\n    - ¦y", N, ("a", 0, 1), "y"),
    "a mapping below a dash alone": ("a:\n  -\n    ¦", N, ("a", 0), ""),
    "the second field of the second mapping": ("n:\n  - by: x\n  - by: y\n    te¦", K, ("n", 1), "te"),
    "below a value, too far right": ("title: x\n   y¦", T, (), ""),
    "an empty list": ("tasks: [¦]", V, ("tasks", 0), ""),
    "an open list": ("tasks: [T-1, ¦", V, ("tasks", 1), ""),
    "an item of a list": ("tasks: [T-1, T-¦2, T-3]", V, ("tasks", 1), "T-2"),
    "behind an item": ("tasks: [T-1¦]", V, ("tasks", 0), "T-1"),
    "a quoted item": ("tasks: ['T-¦1', x]", V, ("tasks", 0), "T-1"),
    "an open list, keys below it": ("tasks: [T-1, ¦\nid: x", V, ("tasks", 1), ""),
    "below an open list": ("tasks: [T-1,\nid: ¦x", V, ("id",), "x"),
    "a list over lines": ("tasks: [\n  T-1,\n  T-¦2\n]", V, ("tasks", 1), "T-2"),
    "behind a list over lines": ("tasks: [\n  T-1\n]\nid: ¦x", V, ("id",), "x"),
    "a mapping in braces": ("related: {¦", K, ("related",), ""),
    "a key in braces": ("related: {fea¦: x}", K, ("related",), "fea"),
    "a value in braces": ("related: {feature: ¦}", V, ("related", "feature"), ""),
    "another key in braces": ("related: {feature: x, ¦}", K, ("related",), ""),
    "a whole document in braces": ('{"id": "T-1",\n"status": "¦"}', V, ("status",), ""),
    "an anchor before the value": ("a: &x ¦b", V, ("a",), "b"),
    "an alias": ("a: *x¦", V, ("a",), "*x"),
    "an anchor before a mapping": ("a: &x\n  b: ¦c", V, ("a", "b"), "c"),
    "a key in quotes": ('"a b¦": c', K, (), "a b"),
    "wide characters": ("é😀: [😀, é¦x]", V, ("é😀", 1), "éx"),
    "a tab before a key": ("related:\n\tfeature: ¦x", V, ("related", "feature"), "x"),
    "carriage returns": ("a: b\r\nc:\r\n  - d¦\r\n", N, ("c", 0), "d"),
    "the beginning of the documents": ("---\nid: ¦x", V, ("id",), "x"),
    "before a value": ("status:¦ done", T, (), ""),
    "before a dash": ("tasks:\n ¦ - T-1", T, (), ""),
    "behind a key with a list below it": ("tasks:¦\n  - T-1", T, (), ""),
    "before an item": ("tasks: [¦ T-1]", T, (), ""),
    "behind an item and a space": ("tasks: [T-1 ¦]", T, (), ""),
    "behind a list in braces": ("related: {tasks: []¦}", T, (), ""),
    "a key whose name stands again below": ("status: ¦\ntitle: x\nstatus: done", V, ("status",), ""),
    "an item where the list stands again below": ("a: [b, ¦]\nc: d\na: [e, f]", V, ("a", 1), ""),
    "behind an anchor in a list": ("tasks: [&x ¦]", V, ("tasks", 0), ""),
    "an anchor": ("a: &x¦y b", T, (), ""),
    "an anchor behind a dash": ("a:\n  - &x¦y b", T, (), ""),
    "behind an anchor": ("a: &x ¦", V, ("a",), ""),
    "an anchor in a list": ("tasks: [&x¦y T-1]", T, (), ""),
    "behind an anchor and a tag in a list": ("tasks: [&x !!str T-¦1]", V, ("tasks", 0), "T-1"),
    "escaped quotes over lines": ('a: "b\n  \\"c\\" d\n  e: ¦f"\n', T, (), ""),
    "doubled quotes over lines": ("a: 'b\n  it''s\n  e: ¦f'\n", T, (), ""),
    "behind quotes over lines": ("a: 'b\n  it''s'\ne: ¦f\n", V, ("e",), "f"),
    "an address": ("url: http://x¦/y", V, ("url",), "http://x/y"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_place_is_understood_while_the_document_is_not_whole(name: str) -> None:
    marked, role, path, text = CASES[name]
    at = position_at(marked, marked.index("¦"))
    found = cursor_at(marked.replace("¦", ""), at)
    assert (found.role, found.path if role is not T else (), found.text if role is not T else "") == (role, path, text)
    assert found.range.start.line == at.line
    assert found.range.start.column <= at.column


def test_what_stands_beside_a_place_is_known_above_and_below_it() -> None:
    found = cursor_at("id: x\ntit\nstatus: y\nrelated:\n  feature: z\n", Position(1, 3))
    assert found.keys == {"id", "status", "related"}
    assert cursor_at("related:\n  feature: z\n  s\n  spec: w\n", Position(2, 3)).keys == {"feature", "spec"}
    assert cursor_at("tasks:\n  - a\n  - \n  - 'b'\n", Position(2, 4)).items == {"a", "b"}
    assert cursor_at("tasks: [a, , b]", Position(0, 11)).items == {"a", "b"}
    assert cursor_at("{a: 1, b, c: 2}", Position(0, 8)).keys == {"a", "c"}


def test_what_quotes_hold_over_several_lines_is_neither_key_nor_value() -> None:
    found = outline("title: \"a\n  \\\"b\\\" and\n  status: x\"\nnote: 'it''s\n  it''s\n  id: y'\nend: z\n")
    assert [path for path, _ in found.keys] == [("title",), ("note",), ("end",)]
    assert [scalar.path for scalar in found.scalars] == [("title",), ("note",), ("end",)]


def sources() -> Iterator[Path]:
    with importlib.resources.as_file(importlib.resources.files("ckit_daemon") / "example") as example:
        yield from sorted(example.glob("contexts/*/*.yaml"))
        yield from sorted(example.glob(".context*/**/*.y*ml"))
    if REFERENCE.is_dir():
        yield from sorted(REFERENCE.glob("contexts/*/*.yaml"))


def entries(value: JsonValue, path: YamlPath = ()) -> Iterator[tuple[YamlPath, bool]]:
    """The path of every key and of every value that is no collection."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key), True
            yield from entries(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from entries(item, (*path, index))
    elif value is not None:
        yield path, False


def _is_on_one_line(tree: SourceTree, lines: list[str], path: YamlPath) -> bool:
    start, end = tree.locate(path).value
    return start.line == end.line and lines[start.line][start.column] not in "|>{["


@pytest.mark.parametrize("source", list(sources()), ids=lambda path: path.name)
def test_in_whole_documents_it_says_what_the_parser_says(source: Path) -> None:
    text = source.read_text("utf-8")
    tree, lines = SourceTree(text), split_lines(text)
    asked = 0
    for path, is_key in entries(parse(text).value):
        located = tree.locate(path)
        where = located.key if is_key and located.key else located.value
        if where.start.line != where.end.line or lines[where.start.line][where.start.column] in "|>{":
            continue
        found = cursor_at(text, Position(where.start.line, (where.start.column + where.end.column) // 2))
        told = (*found.path, found.text) if found.role is K else found.path
        assert (told, found.role is K) == (path, is_key)
        asked += 1
    assert asked > 0
    keys = [path for path, is_key in entries(parse(text).value) if is_key]
    found = outline(text)
    assert [path for path, _ in found.keys] == keys
    scalars = {scalar.path for scalar in found.scalars}
    single = {path for path, is_key in entries(parse(text).value) if not is_key and _is_on_one_line(tree, lines, path)}
    assert single <= scalars


@given(st.text(st.sampled_from(list("ab:-[]{}'\"# \n\t|>&*!?,é😀\r")), max_size=60), st.integers(0, 60))
def test_any_text_will_do(text: str, offset: int) -> None:
    position = position_at(text, min(offset, len(text)))
    found = cursor_at(text, position)
    line = split_lines(text)[position.line]
    assert found.range.start.line == found.range.end.line == position.line
    assert 0 <= found.range.start.column <= found.range.end.column <= len(line)
    outline(text)


@pytest.mark.parametrize(
    "piece", ["a ", " ", "a: ", "- ", "a\t", ": ", "[", "{a: ", "'", '"', "\\", "#", " #", "&a ", "? ", "|", "a,"]
)
def test_R36_long_lines_are_read_in_linear_time(piece: str) -> None:
    def seconds(length: int) -> float:
        text = f"x{piece * (length // len(piece))}"
        began = time.perf_counter()
        outline(text)
        cursor_at(f"a: [{text}", Position(0, length // 2))
        return time.perf_counter() - began

    assert min(seconds(100_000) for _ in range(3)) < 50 * min(seconds(10_000) for _ in range(3)) + 0.1
