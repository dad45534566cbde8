from __future__ import annotations

import pytest

from ckit_daemon.core.errors import InvalidArgumentError, NotFoundError
from ckit_daemon.core.prompts import output_path, prompt_templates, render

FOLDER = ".context/templates/prompts"
NOW = "2026-01-02T03:04:05.000Z"


@pytest.fixture
def snapshot(make_snapshot):
    return make_snapshot(
        {
            f"{FOLDER}/task.hbs": "{{id}} {{title}} {{_file}} {{timestamp}}\n",
            f"{FOLDER}/short.hbs": "{{id}}\n",
            f"{FOLDER}/checklist.hbs": "{{entity.id}} {{entityType}} {{outputFile}} {{timestamp}}\n",
            "contexts/tasks/T-001.yaml": "id: T-001\ntitle: A\ntimestamp: mine\n",
            "contexts/features/FEAT-001.yaml": "id: FEAT-001\n",
            "contexts/tasks/evil.yaml": "id: ../../X\n",
        }
    )


def test_paths_are_relative_and_the_time_is_the_one_given(snapshot):
    prompt = render(snapshot, snapshot.get("T-001"), now=NOW)
    assert prompt.prompt == f"T-001 A contexts/tasks/T-001.yaml {NOW}\n"
    assert prompt.checklist == f"T-001 task generated/prompts/T-001.md {NOW}\n"
    assert (prompt.prompt_path, prompt.checklist_path) == (
        "generated/prompts/T-001.md",
        "generated/prompts/T-001.checklist.md",
    )
    assert prompt == render(snapshot, snapshot.get("T-001"), now=NOW)


def test_the_old_form_puts_the_folder_before_every_path(snapshot):
    prompt = render(snapshot, snapshot.get("T-001"), now=NOW, root="/r")
    assert "/r/contexts/tasks/T-001.yaml" in prompt.prompt
    assert "/r/generated/prompts/T-001.md" in (prompt.checklist or "")


def test_another_template_can_be_asked_for_and_a_missing_one_is_named(snapshot):
    assert render(snapshot, snapshot.get("FEAT-001"), now=NOW, template="short").prompt == "FEAT-001\n"
    with pytest.raises(NotFoundError, match=r"no prompt template 'feature'; there are: short, task\."):
        render(snapshot, snapshot.get("FEAT-001"), now=NOW)
    with pytest.raises(NotFoundError):
        render(snapshot, snapshot.get("FEAT-001"), now=NOW, template="../builder/x")
    assert prompt_templates(snapshot) == ("short", "task")


def test_a_repository_without_a_checklist_template_renders_none(make_snapshot):
    snapshot = make_snapshot({f"{FOLDER}/task.hbs": "x", "contexts/tasks/T-001.yaml": "id: T-001\n"})
    assert render(snapshot, snapshot.get("T-001"), now=NOW).checklist is None


@pytest.mark.parametrize(
    "identifier", ["../../X", "a/b", "a\\b", "", ".", "..", "a..b", "CON", "nul.md", "a ", "x" * 129, "a\0", ".a"]
)
def test_R10_an_id_that_would_leave_the_output_folder_is_refused(identifier):
    with pytest.raises(InvalidArgumentError):
        output_path(identifier)


def test_R10_the_prompt_of_such_an_entity_is_not_rendered(snapshot):
    with pytest.raises(InvalidArgumentError):
        render(snapshot, snapshot.get("../../X"), now=NOW)


@pytest.mark.parametrize("identifier", ["FEAT-001", "svc-git", "CONST-CTX-SYNC", "a", "a.b_c-1", "console"])
def test_usual_ids_are_file_names(identifier):
    assert output_path(identifier) == f"generated/prompts/{identifier}.md"
