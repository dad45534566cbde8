from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckit_daemon.core.changes import entity_changes, field_changes, same


def fields(old: str, new: str, read, entity_type: str = "task"):
    found = field_changes(entity_type, read("t.yaml", old).value, read("t.yaml", new).value)
    return [(change.field, change.kind, change.old, change.new) for change in found]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("a: 1\nb: 2\n", "# x\nb:   2\na: 0x1 # y\n", []),
        ('a: "x"\n', "a: x\n", []),
        ("a: 1\n", "a: 1.0\n", []),
        ("a: 1\n", "a: true\n", [("a", "changed", 1, True)]),
        ("a: no\n", "a: false\n", [("a", "changed", "no", False)]),
        ("a: {b: {c: 1}}\n", "a:\n  b:\n    c: 2\n", [("a.b.c", "changed", 1, 2)]),
        ("a: 1\n", "b: 1\n", [("b", "added", None, 1), ("a", "removed", 1, None)]),
        ("a: null\n", "{}\n", [("a", "removed", None, None)]),
        ("s: [a, b]\n", "s: [a, b, c]\n", [("s[2]", "added", None, "c")]),
        ("s: [a, b, c]\n", "s: [b, c]\n", [("s[0]", "removed", "a", None)]),
        ("s: [a, b, c]\n", "s: [c, a, b]\n", [("s[0]", "moved", "c", "c")]),
        ("s: [a, b]\n", "s: [a, x]\n", [("s[1]", "changed", "b", "x")]),
        ("s: [a, a]\n", "s: [a]\n", [("s[1]", "removed", "a", None)]),
        ("s: [{id: x, n: 1}, {id: y}]\n", "s: [{id: x, n: 2}, {id: y}]\n", [("s[0].n", "changed", 1, 2)]),
        ("s: [{n: 1}, {n: 2}]\n", "s: [{n: 1}, {n: 3}]\n", [("s[1].n", "changed", 2, 3)]),
        ("s: [a]\n", "s: a\n", [("s", "changed", ["a"], "a")]),
        ("s: .nan\n", "s: .nan\n", []),
    ],
)
def test_only_differences_in_meaning_are_changes(make_document, old, new, expected):
    assert fields(old, new, make_document) == expected


def test_the_order_of_references_has_no_meaning_and_their_set_has(make_document):
    assert fields("userStories: [US-001, US-002]\n", "userStories: [US-002, US-001]\n", make_document, "feature") == []
    found = fields("userStories: [US-001, US-002]\n", "userStories: [US-002]\n", make_document, "feature")
    assert found == [("userStories[0]", "removed", "US-001", None)]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.dictionaries(st.text(max_size=3), values, max_size=4), st.dictionaries(st.text(max_size=3), values, max_size=4)
)
def test_there_are_changes_exactly_where_two_readings_differ(old, new):
    assert field_changes("task", old, old) == ()
    assert bool(field_changes("task", old, new)) == (not same(old, new))


T1, T2 = "contexts/tasks/T-001.yaml", "contexts/tasks/T-002.yaml"


def kinds(snapshot, baseline):
    return [(change.id, change.kind, change.old and change.old.id) for change in entity_changes(snapshot, baseline)]


def test_entities_come_go_change_and_get_another_id(make_snapshot, make_document):
    old = {T1: make_document(T1, "id: T-001\nowner: a\n"), T2: make_document(T2, "id: T-002\n")}
    snapshot = make_snapshot({T1: "id: T-009\nowner: a\n", "contexts/specs/SPEC-001.yaml": "id: SPEC-001\n"})
    assert kinds(snapshot, {**old, "contexts/specs/SPEC-001.yaml": None}) == [
        ("SPEC-001", "added", None),
        ("T-009", "renamed", "T-001"),
        ("T-002", "removed", "T-002"),
    ]


def test_a_file_under_another_name_is_no_change(make_snapshot, make_document):
    moved = "contexts/tasks/later/T-001.yaml"
    snapshot = make_snapshot({moved: "id: T-001\n"})
    assert kinds(snapshot, {moved: None, T1: make_document(T1, "id: T-001\n")}) == []


def test_a_comment_alone_is_no_change(make_snapshot, make_document):
    assert kinds(make_snapshot({T1: "id: T-001 # new\n"}), {T1: make_document(T1, "id: T-001\n")}) == []


def test_a_side_that_cannot_be_parsed_leaves_the_fields_unknown(make_snapshot, make_document):
    (change,) = entity_changes(make_snapshot({T1: "id: T-001\nx: [\n"}), {T1: make_document(T1, "id: T-001\n")})
    assert (change.kind, change.fields) == ("changed", None)
