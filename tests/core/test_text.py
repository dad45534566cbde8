"""Columns in the units of editors, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckit_daemon.core.text import Position, PositionEncoding

LINES = st.text(st.characters(blacklist_characters="\r\n"), max_size=20)


@given(LINES, st.sampled_from(PositionEncoding), st.integers(0, 20))
def test_a_column_survives_the_way_to_an_editor_and_back(line: str, encoding: PositionEncoding, column: int) -> None:
    column = min(column, len(line))
    assert encoding.decode_column(line, encoding.encode_column(line, column)) == column


@pytest.mark.parametrize(("encoding", "end"), [("utf-8", 7), ("utf-16", 4), ("utf-32", 3)])
def test_units_are_those_of_the_encoding(encoding: str, end: int) -> None:
    units = PositionEncoding(encoding)
    assert units.encode_column("é😀x", 3) == end
    assert units.decode_column("é😀x", end) == 3


def test_a_column_inside_of_a_character_is_the_place_before_it() -> None:
    assert PositionEncoding.UTF16.decode_column("a😀b", 2) == 1
    assert PositionEncoding.UTF8.decode_column("a😀b", 4) == 1


def test_places_outside_of_the_text_are_moved_into_it() -> None:
    assert PositionEncoding.UTF16.decode_position(0, 99, ["a😀b", "c"]) == Position(0, 3)
    assert PositionEncoding.UTF32.decode_position(7, 3, ["ab", "c"]) == Position(1, 1)
