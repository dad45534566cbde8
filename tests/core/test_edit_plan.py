"""Plans of edits: the smallest edits, the changes of files, and the preview."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckit_daemon.core.edit import EditPlan, edits_between
from ckit_daemon.core.text import Position, Range, TextEdit, apply_edits, split_lines

LINES = st.lists(st.sampled_from(["a", "b", "é😀", "", "a: b", "c"]), max_size=8)
ENDINGS = st.sampled_from(["\n", "\r\n", "\r"])


@given(LINES, LINES, ENDINGS, ENDINGS, st.booleans())
def test_edits_turn_one_text_into_the_other_and_never_stand_between_cr_and_lf(
    old: list[str], new: list[str], ending: str, other: str, final: bool
) -> None:
    before, after = ending.join(old), other.join(new) + (other if final else "")
    edits = edits_between(before, after)
    assert apply_edits(before, edits) == after
    lines = split_lines(before)
    for edit in edits:
        for position in edit.range:
            assert position.line < len(lines)
            assert position.column <= len(lines[position.line])


def test_an_edit_of_a_line_break_covers_all_of_it() -> None:
    edits = edits_between("a\r\nb", "a\rb")
    assert [edit.range.start for edit in edits] == [Position(0, 1)]
    assert apply_edits("a\r\nb", edits) == "a\rb"


@pytest.mark.parametrize(
    ("old", "new", "edit"),
    [
        ("a: 1\nb: 2\n", "a: 1\nb: 3\n", TextEdit(Range(Position(1, 3), Position(1, 4)), "3")),
        ("a: 1", "a: 1\nb: 2", TextEdit(Range(Position(0, 4), Position(0, 4)), "\nb: 2")),
        ("a: 1\nb: 2\n", "a: 1\n", TextEdit(Range(Position(1, 0), Position(2, 0)), "")),
    ],
)
def test_an_edit_covers_no_more_than_what_changed(old: str, new: str, edit: TextEdit) -> None:
    assert edits_between(old, new) == (edit,)


PLAN = EditPlan(
    before={"a.yaml": "x: 1\n", "old.yaml": "y: 1", "gone.yaml": "z: 1\n"},
    after={"a.yaml": "x: 2\n"},
    creates={"new.yaml": "n: 1\n"},
    renames=(("old.yaml", "moved.yaml"),),
    deletes=("gone.yaml",),
)


def test_changes_say_what_each_file_must_hold_before_and_after() -> None:
    assert list(PLAN.changes()) == [
        ("a.yaml", "x: 2\n", "x: 1\n"),
        ("old.yaml", None, "y: 1"),
        ("moved.yaml", "y: 1", None),
        ("gone.yaml", None, "z: 1\n"),
        ("new.yaml", "n: 1\n", None),
    ]


def test_the_preview_is_a_patch() -> None:
    assert PLAN.unified_diff().splitlines() == [
        "--- /dev/null",
        "+++ b/new.yaml",
        "@@ -0,0 +1 @@",
        "+n: 1",
        "--- a/a.yaml",
        "+++ b/a.yaml",
        "@@ -1 +1 @@",
        "-x: 1",
        "+x: 2",
        "rename from old.yaml",
        "rename to moved.yaml",
        "--- a/gone.yaml",
        "+++ /dev/null",
        "@@ -1 +0,0 @@",
        "-z: 1",
    ]


def test_the_preview_marks_a_missing_final_line_break() -> None:
    diff = EditPlan({"a": "x"}, {"a": "y"}).unified_diff()
    assert diff.count("\\ No newline at end of file\n") == 2
