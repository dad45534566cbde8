"""What is composed without a language model: honest, the same every time, and safe whatever the texts hold."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.services.generation.compose import COMPOSERS

if TYPE_CHECKING:
    from ckit_daemon.core.json import JsonObject, JsonValue

NASTY = 'Say """ and */ and \\ and `${x}` and <|im_end|>, twice or never'


def story(identifier: str, wish: str, *criteria: str) -> JsonValue:
    data: JsonObject = {"title": wish, "iWant": f"to {wish}", "asA": "member", "acceptanceCriteria": [*criteria]}
    return {"id": identifier, "type": "userstory", "title": wish, "data": data}


FACTS: JsonObject = {
    "title": NASTY,
    "summary": NASTY,
    "spec": "SPEC-001",
    "template": "default",
    "outline": "# <title>\n\n## Behaviour\n\n<rules>\n\n## Load\n\n<limits>\n\n## Fixed\n\nKept as it is.\n",
    "requirement": "Loans end. They never last for ever.",
    "entities": [story("US-001", "class", NASTY, NASTY + "."), story("US-002", "class", "A 2nd thing is refused.")],
}


@pytest.mark.parametrize("task", ["spec", "code"])
def test_the_same_facts_give_the_same_text(task: str) -> None:
    assert COMPOSERS[task](FACTS) == COMPOSERS[task](json.loads(json.dumps(FACTS)))
    assert "no language model was asked" in COMPOSERS[task](FACTS)


def test_a_spec_says_what_nobody_has_said_yet_instead_of_making_it_up() -> None:
    text = COMPOSERS["spec"](FACTS)
    assert text.startswith("# Loans end\n")
    assert "- They never last for ever." in text
    assert "## Load\n\nNothing in the repository says this yet." in text
    assert "## Fixed\n\nKept as it is." in text
    assert "<rules>" not in text


def test_hostile_texts_leave_python_code_whole() -> None:
    module, tests = json.loads(COMPOSERS["code"](FACTS | {"language": "python"}))["artifacts"]
    for artifact in (module, tests):
        tree = ast.parse(artifact["content"])
        names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
        assert len(names) == len(set(names)) > 0
    assert names_of(module) == ["class_", "class_2"]


def names_of(artifact: dict[str, str]) -> list[str]:
    return [node.name for node in ast.parse(artifact["content"]).body if isinstance(node, ast.FunctionDef)]


def test_hostile_texts_leave_comments_of_typescript_closed() -> None:
    module, tests = json.loads(COMPOSERS["code"](FACTS | {"language": "typescript"}))["artifacts"]
    assert module["content"].count("*/") == module["content"].count("/*") == 3
    assert "export function classPart(): never" in module["content"]
    assert tests["content"].count("test.todo(") == 3


def test_a_title_without_letters_still_names_a_file() -> None:
    files = json.loads(COMPOSERS["code"](FACTS | {"title": "借りる", "language": "python"}))["artifacts"]
    assert files[0]["path"] == "src/part.py"


def test_an_entity_takes_from_its_siblings_what_nobody_can_make_up() -> None:
    schema: JsonObject = {
        "type": "object",
        "required": ["title", "owner", "version", "due", "kind", "parts"],
        "properties": {
            "title": {"type": "string"},
            "status": {"enum": ["done", "todo"]},
            "owner": {"type": "string", "pattern": "^@"},
            "version": {"type": "string", "pattern": r"^\d+\.\d+$"},
            "due": {"type": "string", "format": "date"},
            "kind": {"const": "x"},
            "parts": {"type": "array", "items": {"type": "object"}},
            "notes": {"type": "string"},
        },
    }
    siblings: JsonValue = [{"owner": "@mira", "version": "1.0", "due": "2026-01-02"}]
    made = json.loads(COMPOSERS["entity"]({"schema": schema, "request": "Mend it. Soon.", "siblings": siblings}))
    assert made == {
        "title": "Mend it",
        "owner": "@mira",
        "version": "1.0",
        "due": "2026-01-02",
        "kind": "x",
        "parts": [],
        "status": "todo",
    }
