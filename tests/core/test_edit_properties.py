"""Random edits of random documents in random styles."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ckit_daemon.core.edit.plan import edits_between
from ckit_daemon.core.edit.scalars import Quote, literal, write_scalar
from ckit_daemon.core.edit.values import Append, Insert, Operation, Remove, RenameKey, SetValue, apply, same, value_at
from ckit_daemon.core.edit.yaml_edit import edit_yaml
from ckit_daemon.core.text import apply_edits
from ckit_daemon.core.yaml import parse

if TYPE_CHECKING:
    from ckit_daemon.core.json import JsonValue, Path

RISKY = [
    "",
    "no",
    "on",
    "~",
    "12:30",
    "1_000",
    "0o7",
    "2024-05-01",
    "a: b",
    "a #b",
    "- x",
    "x:",
    "é ü",
    "😀",
    "[",
    "@me",
]
STRINGS = st.one_of(
    st.sampled_from(RISKY),
    st.text("abc XYZ-_.:#'\"\\\n{}[],é😀\t0129", max_size=12),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=6),
)
SCALARS: st.SearchStrategy[JsonValue] = st.one_of(
    STRINGS, st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False)
)
KEYS = st.one_of(st.sampled_from(["id", "title", "a", "b", "no", "1x"]), st.text("abcdé_-", min_size=1, max_size=5))
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=5)


@dataclass
class Writer:
    """Writes a value in a style that changes from node to node."""

    draw: st.DrawFn
    step: int
    sequence_step: int
    comments: list[str] = field(default_factory=list)

    def chance(self) -> bool:
        return self.draw(st.booleans())

    def comment(self) -> str:
        return self.draw(st.sampled_from(["", "", "  # why", " # é"]))

    def scalar(self, value: JsonValue, *, flow: bool) -> str:
        assert not isinstance(value, list | dict)
        if value is None and not flow and self.chance():
            return ""
        return write_scalar(value, self.draw(st.sampled_from(Quote)), flow=flow)

    def flow(self, value: JsonValue) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{json.dumps(key)}: {self.flow(item)}" for key, item in value.items()) + "}"
        if isinstance(value, list):
            tail = "," if value and self.chance() else ""
            return "[" + ", ".join(self.flow(item) for item in value) + tail + "]"
        return self.scalar(value, flow=True)

    def value(self, value: JsonValue) -> tuple[str, list[str], int]:
        """What follows the key or dash, the lines below, and how far these stand to the right of a key."""
        if isinstance(value, dict | list) and value and self.chance():
            lines = self.mapping(value) if isinstance(value, dict) else self.sequence(value)
            return "", lines, self.step if isinstance(value, dict) else self.sequence_step
        if isinstance(value, dict | list):
            return self.flow(value), [], 0
        if isinstance(value, str) and (block := literal(value)) and self.chance():
            return *block, self.step
        return self.scalar(value, flow=False), [], 0

    def mapping(self, value: dict[str, JsonValue]) -> list[str]:
        lines: list[str] = []
        for key, item in value.items():
            lines += ["# before"] if self.chance() and self.chance() else []
            header, below, columns = self.value(item)
            lines.append(f"{write_scalar(key)}: {header}".rstrip(" ") + self.comment())
            lines += [" " * columns + line if line else line for line in below]
            lines += [""] if self.chance() and self.chance() else []
        return lines

    def sequence(self, value: list[JsonValue]) -> list[str]:
        lines: list[str] = []
        for item in value:
            header, below, _ = self.value(item)
            if below and not header:
                lines.append(f"- {below[0]}" if not below[0].startswith("#") else "-")
                rest = below[1:] if not below[0].startswith("#") else below
            else:
                lines.append(f"- {header}".rstrip(" ") + self.comment())
                rest = below
            lines += [f"  {line}" if line else line for line in rest]
        return lines


@st.composite
def written(draw: st.DrawFn) -> tuple[dict[str, JsonValue], dict[str, list[str]], str]:
    """A document, the lines of each of its top keys, and its text."""
    data = draw(DOCUMENTS)
    step = draw(st.sampled_from([1, 2, 4]))
    writer = Writer(draw, step, draw(st.sampled_from([0, step])))
    chunks = {key: writer.mapping({key: item}) for key, item in data.items()}
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    text = newline.join(line for lines in chunks.values() for line in lines)
    return data, chunks, text + (newline if draw(st.booleans()) else "")


@st.composite
def operations(draw: st.DrawFn, data: dict[str, JsonValue]) -> Operation:
    path: Path = ()
    value: JsonValue = data
    while isinstance(value, dict | list) and value and (not path or draw(st.booleans())):
        step = draw(st.sampled_from(sorted(value)) if isinstance(value, dict) else st.integers(0, len(value) - 1))
        path = (*path, step)
        value = value[step]  # pyright: ignore[reportCallIssue, reportArgumentType]
    new = draw(VALUES)
    choices: list[Operation] = [SetValue(path, new), Remove(path)]
    if value is None or isinstance(value, list):
        choices += [Append(path, new), SetValue((*path, len(value or [])), new)]
    if value is None or isinstance(value, dict):
        choices.append(SetValue((*path, draw(KEYS)), new))
    if path and isinstance(path[-1], int):
        choices.append(Insert(path, new))
    holder, key = value_at(data, path[:-1]), draw(KEYS)
    if isinstance(holder, dict) and key not in holder:
        choices.append(RenameKey(path, key))
    return draw(st.sampled_from(choices))


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(st.data())
def test_an_edit_says_what_was_asked_for_and_leaves_every_other_entry_as_it_is(data: st.DataObject) -> None:
    value, chunks, text = data.draw(written())
    parsed = parse(text)
    if not same(parsed.value, value) or parsed.problems:
        return
    operation = data.draw(operations(value))
    edited = edit_yaml(text, [operation])
    assert same(parse(edited).value, apply(value, operation))
    lines = edited.replace("\r\n", "\n").split("\n")
    for key, kept in chunks.items():
        if key != operation.path[0]:
            end = max((index for index, line in enumerate(kept) if line), default=0) + 1
            assert any(lines[start : start + end] == kept[:end] for start in range(len(lines))), kept
    assert ("\r\n" in edited) <= ("\r\n" in text)
    assert apply_edits(text, edits_between(text, edited)) == edited


@given(STRINGS | SCALARS, st.sampled_from(Quote), st.booleans())
def test_a_written_scalar_reads_back_as_the_same_value(value: JsonValue, quote: Quote, flow: bool) -> None:
    assert not isinstance(value, list | dict)
    text = write_scalar(value, quote, flow=flow)
    parsed = parse(f"k: [{text}]" if flow else f"k: {text}")
    assert isinstance(parsed.value, dict)
    assert same(parsed.value["k"], [value] if flow else value)


@given(STRINGS)
def test_a_literal_block_reads_back_as_the_same_text(value: str) -> None:
    block = literal(value)
    if block:
        text = "k: " + "\n  ".join([block[0], *block[1]]) + "\nnext: 1\n"
        assert parse(text).value == {"k": value, "next": 1}
