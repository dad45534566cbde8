"""Texts at the limits of the libraries that read them: bombs, very long documents, old line breaks."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from typing import Final

import pytest

from ckit_daemon.core.document import read_yaml
from ckit_daemon.core.text import Position, Range
from ckit_daemon.core.yaml import parse
from ckit_daemon.core.yaml.tree import MAX_ROWS

_NAMES: Final = "abcdefghij"
BOMB: Final = "a: &a [x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in pairwise(_NAMES)
)


def _keys(count: int) -> str:
    return "".join(f"k{number}: v\n" for number in range(count))


@pytest.mark.parametrize("before", [0, MAX_ROWS, 100_000])
def test_R34_a_bomb_is_refused_wherever_it_stands(before: int) -> None:
    # In a process of its own, since a bomb that goes off takes its process along.
    code = (
        "import sys; from ckit_daemon.core.yaml import parse; "
        "print(*(problem.code for problem in parse(sys.stdin.read()).problems))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=_keys(before) + BOMB, text=True, capture_output=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["yaml.alias-limit"]


def test_a_broken_text_with_aliases_is_told_as_what_it_is() -> None:
    (problem,) = parse("a: &a [x]\nb: [*a, *a\n").problems
    assert problem.code == "yaml.syntax"
    assert problem.range.start == Position(1, 3)


def test_a_long_text_with_stars_and_ampersands_is_no_bomb() -> None:
    assert parse(_keys(MAX_ROWS + 10) + "z: R&D is **bold** * 2 & more\n").problems == ()


def test_places_are_right_up_to_the_last_line_that_the_tree_can_count() -> None:
    document = read_yaml("a.yaml", _keys(MAX_ROWS + 100))
    last = MAX_ROWS - 1
    assert document.range_at((f"k{last}",)) == Range(Position(last, 8), Position(last, 9))
    # What comes later is shown where the document begins.
    assert document.range_at((f"k{last + 1}",)).start.line == 0


@pytest.mark.parametrize("key", ["k1", "z"])
def test_a_key_that_stands_twice_is_found_in_a_document_of_any_length(key: str) -> None:
    text = _keys(100_000) + f"z: 1\n{key}: 2\n"
    assert [problem.code for problem in parse(text).problems] == ["yaml.duplicate-key"]


def test_a_lone_carriage_return_ends_a_line_everywhere() -> None:
    document = read_yaml("a.yaml", "a: |\r  x\rb: [y]\rb: \x41\r")
    assert document.lines[2] == "b: [y]"
    assert document.range_at(("b",)) == Range(Position(3, 3), Position(3, 4))
    (control,) = parse("a: 1\rb: \x01").problems
    assert control.range.start == Position(1, 3)
