"""Files in a model's answer, in all the ways in which models write them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.services.generation.artifacts import Artifact, from_answer, from_blocks, from_json, normalised

if TYPE_CHECKING:
    from ckit_daemon.core.json import JsonValue

ONE = [("src/app.py", "x = 1\n", "python")]


def blocks(answer: str) -> list[tuple[str, str, str]]:
    return [(each.path, each.content, each.language) for each in from_blocks(answer)]


@pytest.mark.parametrize(
    "answer",
    [
        "```python src/app.py\nx = 1\n```",
        "```python path=src/app.py\nx = 1\n```",
        '```python title="src/app.py"\nx = 1\n```',
        "```python:src/app.py\nx = 1\n```",
        "```src/app.py\nx = 1\n```",
        "### src/app.py\n```python\nx = 1\n```",
        "**`src/app.py`**:\n\n```py\nx = 1\n```".replace("```py\n", "```python\n"),
        "1. File: src/app.py\n\n```\nx = 1\n```",
        "```python\n# src/app.py\nx = 1\n```",
        "```python\n# path: src/app.py\nx = 1\n```",
        "~~~python src/app.py\nx = 1\n~~~",
        "Intro\n\n```python src/app.py\nx = 1\n```\n\nThat is all.\n\n```\nno path here\n```\n",
    ],
)
def test_a_code_block_with_a_path_beside_it_is_a_file(answer: str) -> None:
    assert blocks(answer) == ONE


def test_a_block_may_hold_a_smaller_fence_and_several_blocks_are_several_files() -> None:
    answer = "````markdown docs/x.md\n```sh\nls\n```\n````\n\n`a.ts`\n```ts\nlet a;\n```\n"
    assert blocks(answer) == [("docs/x.md", "```sh\nls\n```\n", "markdown"), ("a.ts", "let a;\n", "ts")]


@pytest.mark.parametrize("opening", ["```a\n", "~~~ a\n"])
def test_R21_blocks_that_are_opened_over_and_over_and_never_closed_take_no_time(opening: str) -> None:
    began = time.monotonic()
    assert from_blocks(opening * 20_000) == []
    # It takes milliseconds; that of a pattern for whole blocks grows with the square and is half a minute.
    assert time.monotonic() - began < 5


def test_prose_and_blocks_without_a_path_are_no_files() -> None:
    assert blocks("Run it:\n\n```sh\npytest -q\n```\n\nDone in 0.5 seconds.") == []


@pytest.mark.parametrize(
    "answer",
    [
        '{"artifacts": [{"path": "src/app.py", "content": "x = 1"}]}',
        'Here:\n```json\n[{"path": "src/app.py", "content": "x = 1", "why": "so"}]\n```',
        "```python src/app.py\nx = 1\n```",
    ],
)
def test_an_answer_of_another_form_still_has_its_files(answer: str) -> None:
    assert [(each.path, each.content, each.language) for each in from_answer(answer)] == ONE


def test_values_of_wrong_types_in_json_are_passed_over() -> None:
    value: JsonValue = {
        "artifacts": [{"path": "a.py", "content": "x"}, {"path": 7, "content": ""}, "b.py"],
        "notes": "n",
    }
    found, notes = from_json(value)
    assert (found, notes) == ([Artifact("a.py", "x\n", "python", "")], "n")
    assert from_json([1]) == ([], "")


@pytest.mark.parametrize(
    ("path", "expected"), [("./a.py", "a.py"), ("a//b.py", "a/b.py"), (" a.py ", "a.py"), ("/a.py", "/a.py")]
)
def test_a_path_gets_one_form_and_leads_where_it_led(path: str, expected: str) -> None:
    assert normalised(Artifact(path, "", "", "")).path == expected
