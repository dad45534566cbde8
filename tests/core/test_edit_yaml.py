"""Edits of single places in YAML text: each case is the text, the operation and the whole new text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ckit_daemon.core.edit import Append, Insert, Operation, Remove, RenameKey, SetValue, edit_yaml
from ckit_daemon.core.errors import ConflictError, InvalidArgumentError

if TYPE_CHECKING:
    from ckit_daemon.core.json import Path

CASES: dict[str, tuple[str, Operation, str]] = {
    "a plain scalar keeps its comment": ("a: 1 # one\nb: 2\n", SetValue(("a",), 3), "a: 3 # one\nb: 2\n"),
    "double quotes stay": ('a: "x"\n', SetValue(("a",), "w"), 'a: "w"\n'),
    "single quotes stay": ("a: 'x'\n", SetValue(("a",), "it's"), "a: 'it''s'\n"),
    "single quotes give way to an escape": ("a: 'x'\n", SetValue(("a",), "\x07"), 'a: "\\u0007"\n'),
    "a word that YAML 1.1 reads as a boolean is quoted": ("a: x\n", SetValue(("a",), "no"), 'a: "no"\n'),
    "a time is quoted": ("a: x\n", SetValue(("a",), "12:30"), 'a: "12:30"\n'),
    "a number in a string is quoted": ("a: x\n", SetValue(("a",), "0o7"), 'a: "0o7"\n'),
    "a string becomes a number without its quotes": ('a: "x"\n', SetValue(("a",), 1.5), "a: 1.5\n"),
    "several lines become a literal block": (
        'a: "x" # why\nb: 1\n',
        SetValue(("a",), "one\n\ntwo\n"),
        "a: | # why\n  one\n\n  two\nb: 1\n",
    ),
    "a folded block becomes a scalar": ("a: >-\n  x\n  w\n\nb: 1\n", SetValue(("a",), "z"), "a: z\n\nb: 1\n"),
    "a plain scalar of several lines is replaced as a whole": (
        "a: x\n  w # c\nb: 1\n",
        SetValue(("a",), "z"),
        "a: z # c\nb: 1\n",
    ),
    "a missing value is filled in": ("a:\nb: 1\n", SetValue(("a",), "x"), "a: x\nb: 1\n"),
    "a missing value becomes several lines": ("a:\nb: 1\n", SetValue(("a",), "x\nz"), "a: |-\n  x\n  z\nb: 1\n"),
    "a missing item becomes a mapping": (
        "a:\n-\n- x\n",
        SetValue(("a", 0), {"k": 1, "l": 2}),
        "a:\n- k: 1\n  l: 2\n- x\n",
    ),
    "a missing value is filled in before its comment": (
        "a: # todo\nb: 1\n",
        SetValue(("a",), "x"),
        "a: x # todo\nb: 1\n",
    ),
    "multi-byte text around the place survives": ("é: ü # 😀\na: 😀\n", SetValue(("é",), "x"), "é: x # 😀\na: 😀\n"),
    "a mapping takes the place of a scalar": (
        "a: 1 # c\nb: 2\n",
        SetValue(("a",), {"x": [1]}),
        "a: # c\n  x:\n    - 1\nb: 2\n",
    ),
    "a list takes the place of a scalar below its key": (
        "a: # c\n  # in\n  x\nb: 2\n",
        SetValue(("a",), ["x"]),
        "a: # c\n  # in\n  - x\nb: 2\n",
    ),
    "a list leaves the comment behind a scalar below its key": (
        "a:\r\n  x # c\r\nb: 2",
        SetValue(("a",), ["x"]),
        "a:\r\n # c\r\n  - x\r\nb: 2",
    ),
    "a scalar takes the place of a mapping": (
        "a: # c\n  # in\n  x: 1 # d\nb: 2\n",
        SetValue(("a",), 1),
        "a: 1 # c\n  # in\nb: 2\n",
    ),
    "an item is replaced": ("a:\n  - x # one\n  - w\n", SetValue(("a", 0), "z"), "a:\n  - z # one\n  - w\n"),
    "an item becomes a mapping": ("a:\n  - x\n", SetValue(("a", 0), {"k": 1, "l": 2}), "a:\n  - k: 1\n    l: 2\n"),
    "a mapping in an item becomes a scalar": (
        "a:\n- k: 1\n  l: 2 # c\n- w\n",
        SetValue(("a", 0), "z"),
        "a:\n- z\n- w\n",
    ),
    "an item below its dash is replaced": ("a:\n- \n  k: 1\n- w\n", SetValue(("a", 0), {"z": 1}), "a:\n- z: 1\n- w\n"),
    "a new key goes to the end": ("a: 1\n", SetValue(("b",), 2), "a: 1\nb: 2\n"),
    "a new key is quoted as its siblings are": ('a: "1"\nb: "2"\n', SetValue(("c",), "x"), 'a: "1"\nb: "2"\nc: "x"\n'),
    "a text without a final line break gets none": ("a: 1", SetValue(("b",), 2), "a: 1\nb: 2"),
    "a CRLF text stays one": (
        "a: 1\r\nb:\r\n- x\r\n",
        Append(("b",), {"k": "l\nm"}),
        "a: 1\r\nb:\r\n- x\r\n- k: |-\r\n    l\r\n    m\r\n",
    ),
    "mappings on the way are made": ("a: 1\n", SetValue(("b", "c"), "x"), "a: 1\nb:\n  c: x\n"),
    "a key is added to a nested mapping": (
        "a:\n    x: 1\n# b\nb: 2\n",
        SetValue(("a", "w"), {"z": 1}),
        "a:\n    x: 1\n    w:\n        z: 1\n# b\nb: 2\n",
    ),
    "a key is added to an empty mapping": ("a: {} # c\nb: 2\n", SetValue(("a", "x"), 1), "a: # c\n  x: 1\nb: 2\n"),
    "a key is added to a null": ("a: # c\nb: 2\n", SetValue(("a", "x"), 1), "a: # c\n  x: 1\nb: 2\n"),
    "a key is added to a flow mapping": ('a: {"x": 1}\n', SetValue(("a", "w"), "p,q"), 'a: {"x": 1, "w": "p,q"}\n'),
    "a key is added to a mapping in an item": (
        "- x: 1\n  w: 2\n- z\n",
        SetValue((0, "k"), 3),
        "- x: 1\n  w: 2\n  k: 3\n- z\n",
    ),
    "a key goes behind kept blank lines": ("a: |+\n  x\n\nb: 1\n", SetValue(("c",), 1), "a: |+\n  x\n\nb: 1\nc: 1\n"),
    "a key goes behind kept blank lines at the end": ("a: |+\n  x\n\n", SetValue(("b",), 1), "a: |+\n  x\n\nb: 1\n"),
    "a block with kept blank lines is removed with them": ("a: |+\n  x\n\nb: 1\n", Remove(("a",)), "b: 1\n"),
    "an item is appended where dashes stand below the key": (
        "a:\n- 'x'\nb: 1\n",
        Append(("a",), "w"),
        "a:\n- 'x'\n- 'w'\nb: 1\n",
    ),
    "an item is appended before what follows": (
        "a:\n  - x # c\n  # tail\n\nb: 1\n",
        Append(("a",), "w"),
        "a:\n  - x # c\n  - w\n  # tail\n\nb: 1\n",
    ),
    "an item is appended to an empty list": (
        "a: [] # c\nb:\n    - x\n",
        Append(("a",), "w"),
        "a: # c\n    - w\nb:\n    - x\n",
    ),
    "an item is appended to a null": ("a:\nb: 1\n", Append(("a",), "w"), "a:\n  - w\nb: 1\n"),
    "an item is appended to a missing list": ("a: 1\n", Append(("b", "c"), "w"), "a: 1\nb:\n  c:\n    - w\n"),
    "an item is appended to a flow list": ('a: ["x"]\n', Append(("a",), "w"), 'a: ["x", "w"]\n'),
    "an item is appended to a flow list on lines": (
        "a: [\n  x, # c\n  w\n]\n",
        Append(("a",), "z"),
        "a: [\n  x, # c\n  w,\n  z\n]\n",
    ),
    "a trailing comma stays one": ("a: [\n  x,\n]\n", Append(("a",), "z"), "a: [\n  x,\n  z,\n]\n"),
    "an item is inserted": ("a:\n  - x\n  - z\n", Insert(("a", 1), "w"), "a:\n  - x\n  - w\n  - z\n"),
    "an item is inserted at the front": ("a:\n  # c\n  - x\n", Insert(("a", 0), "w"), "a:\n  # c\n  - w\n  - x\n"),
    "an item is inserted into a flow list": ("a: [x, z]\n", Insert(("a", 0), "w"), "a: [w, x, z]\n"),
    "an item is inserted behind a dash": ("- - x\n  - w\n", Insert((0, 0), "z"), "- - z\n  - x\n  - w\n"),
    "a key is removed with its line": ("a: 1 # c\n# b\nb: 2\n", Remove(("a",)), "# b\nb: 2\n"),
    "a key is removed with its block": ("a:\n  - x\n  # in\n  - w # c\nb: 2\n", Remove(("a",)), "b: 2\n"),
    "the last key is removed without a final line break": ("a: 1\nb: 2", Remove(("b",)), "a: 1"),
    "the last CRLF key is removed": ("a: 1\r\nb: 2\r\n", Remove(("b",)), "a: 1\r\n"),
    "an only key leaves an empty mapping": ("a: # c\n  x: 1\nb: 2\n", Remove(("a", "x")), "a: {} # c\nb: 2\n"),
    "an only item leaves an empty list": ("a:\n- x\nb: 2\n", Remove(("a", 0)), "a: []\nb: 2\n"),
    "the key behind a dash is removed": ("- x: 1 # c\n  # in\n  w: 2\n", Remove((0, "x")), "- # in\n  w: 2\n"),
    "an item is removed": ("a:\n  - x\n  - w # c\n  - z\n", Remove(("a", 1)), "a:\n  - x\n  - z\n"),
    "the first item of a flow list is removed": ("a: [x, w]\n", Remove(("a", 0)), "a: [w]\n"),
    "the last item of a flow list is removed": ("a: [x, w]\n", Remove(("a", 1)), "a: [x]\n"),
    "an only item of a flow list is removed": ("a: [x,]\n", Remove(("a", 0)), "a: []\n"),
    "a commented item of a flow list is removed": (
        "a: [\n  x, # c\n  w\n]\n",
        Remove(("a", 0)),
        "a: [\n   # c\n  w\n]\n",
    ),
    "a key of a flow mapping is removed": ("a: {x: 1, w: 2}\n", Remove(("a", "x")), "a: {w: 2}\n"),
    "a quoted key is found by what it says": ('"a\\u00e9": 1\n', SetValue(("aé",), 2), '"a\\u00e9": 2\n'),
    "an alias itself may be replaced": ("a: &x [1]\nb: *x\n", SetValue(("b",), 2), "a: &x [1]\nb: 2\n"),
    "an anchor that nobody uses stays": ("a: &x 1\n", SetValue(("a",), 2), "a: &x 2\n"),
    "escaped lines stay escaped": ('a: "x\\nz"\n', SetValue(("a",), "1\n2"), 'a: "1\\n2"\n'),
    "a mapping behind a dash loses its only key": ("- k: 1\n- x\n", Remove((0, "k")), "- {}\n- x\n"),
    "a mapping in a flow list loses its only key": ("a: [{k: 1}]\n", Remove(("a", 0, "k")), "a: [{}]\n"),
    "a null in a flow mapping is filled in": ("a: {k: , l: 1}\n", SetValue(("a", "k"), 2), "a: {k: 2 , l: 1}\n"),
    "a text loses all but braces": ("# c\na: 1\n", Remove(("a",)), "# c\n{}\n"),
    "infinity is written as YAML has it": (
        "a: 1\n",
        SetValue(("a",), [float("inf"), float("-inf")]),
        "a:\n  - .inf\n  - -.inf\n",
    ),
    "a key is renamed at its place": (
        "a: 1\r\nb : # why\r\n  - x\r\nc: 3\r\n",
        RenameKey(("b",), "d"),
        "a: 1\r\nd : # why\r\n  - x\r\nc: 3\r\n",
    ),
    "a quoted key of a mapping in a flow list is renamed": (
        "a: [{'x': 1, \"w\": 2}]\n",
        RenameKey(("a", 0, "w"), "é"),
        "a: [{'x': 1, \"é\": 2}]\n",
    ),
    "a new key that would be read as something else is quoted": ("a: 1\n", RenameKey(("a",), "no"), '"no": 1\n'),
    "what is there already changes nothing": ("a:   'x'\n", SetValue(("a",), "x"), "a:   'x'\n"),
}


@pytest.mark.parametrize("name", CASES)
def test_an_edit_changes_its_place_alone(name: str) -> None:
    text, operation, expected = CASES[name]
    assert edit_yaml(text, [operation]) == expected


ORDER = ("id", "title", "owner", "status")
ORDERED = [
    ("id: 1\nstatus: x\n", "owner", "id: 1\nowner: v\nstatus: x\n"),
    ("id: 1\nextra: x\nstatus: x\n", "title", "id: 1\ntitle: v\nextra: x\nstatus: x\n"),
    ("title: 1\nstatus: x\n", "id", "id: v\ntitle: 1\nstatus: x\n"),
    ("status: 1\nid: x\n", "title", "status: 1\nid: x\ntitle: v\n"),
    ("id: 1\nstatus: x\n", "unknown", "id: 1\nstatus: x\nunknown: v\n"),
]


@pytest.mark.parametrize(("text", "key", "expected"), ORDERED)
def test_a_new_key_goes_where_the_schema_has_it_if_the_file_follows_the_schema(
    text: str, key: str, expected: str
) -> None:
    assert edit_yaml(text, [SetValue((key,), "v")], lambda path: ORDER if path == () else ()) == expected


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a: &x {b: 1}\nc: *x\n", ("a", "b")),
        ("a: &x {b: 1}\nc: *x\n", ("c", "b")),
        ("a: &x 1\nb: *x\n", ("a",)),
        ("a: 1\na: 2\nb:\n", ("b", 3)),
        ("a: [\n", ("a",)),
    ],
)
def test_an_edit_that_would_change_something_else_is_refused(text: str, path: Path) -> None:
    with pytest.raises((ConflictError, InvalidArgumentError)):
        edit_yaml(text, [SetValue(path, 2)])


def test_removing_the_second_of_two_equal_keys_is_refused_since_the_first_would_come_back() -> None:
    with pytest.raises(ConflictError):
        edit_yaml("a: 1\na: 2\nb: 3\n", [Remove(("a",))])


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (SetValue((), 1), "The path is empty"),
        (SetValue(("a", "b"), 1), "a is no mapping, so it has no field 'b'"),
        (SetValue(("l", 5), 1), "l has 1 items and no item 5"),
        (SetValue(("l", "k"), 1), "l is no mapping"),
        (SetValue(("m", 0), 1), "m is no list, so it has no item 0"),
        (Remove(("x",)), "There is no x to remove"),
        (Remove(("m", "x", "w")), r"There is no m\.x to remove"),
        (Append(("a",), 1), "a is no list, so nothing can be appended to it"),
        (Insert(("a",), 1), "a is no place in a list"),
        (SetValue(("a",), "\ud800"), "Half of a surrogate pair"),
        (RenameKey((), "b"), "The path is empty"),
        (RenameKey(("x",), "b"), "There is no key x to rename"),
        (RenameKey(("l", 0), "b"), r"There is no key l\[0\] to rename"),
        (RenameKey(("a",), "m"), "There is a key m already"),
        (RenameKey(("m", "k"), "\ud800"), "Half of a surrogate pair"),
    ],
)
def test_an_operation_that_makes_no_sense_is_refused(operation: Operation, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        edit_yaml("a: 1\nl:\n  - 1\nm:\n  k: 1\n", [operation])


def test_a_value_that_is_nested_too_deep_is_refused() -> None:
    value: list[object] = []
    for _ in range(200):
        value = [value]
    with pytest.raises(InvalidArgumentError, match="deep"):
        edit_yaml("a: 1\n", [SetValue(("a",), value)])  # pyright: ignore[reportArgumentType]


def test_a_broken_text_is_refused_with_the_line() -> None:
    with pytest.raises(ConflictError, match=r"line 2"):
        edit_yaml("a: 1\nb: [\n", [SetValue(("a",), 2)])


def test_operations_are_made_one_after_the_other() -> None:
    text = edit_yaml("a: []\n", [Append(("a",), "x"), Append(("a",), "w"), Remove(("a", 0)), SetValue(("b",), None)])
    assert text == "a:\n  - w\nb: null\n"
