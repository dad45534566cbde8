"""Creating, changing, renaming and deleting entities of a small repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.core.document import Document, read_yaml, unreadable
from ckit_daemon.core.edit import Append, EditPlan, NewEntity, Remove, SetValue, create, delete, rename, update
from ckit_daemon.core.errors import AlreadyExistsError, ConflictError, InvalidArgumentError, NotFoundError
from ckit_daemon.core.snapshot import Snapshot

if TYPE_CHECKING:
    from ckit_daemon.core.json import JsonValue

REFERENCE = Path(__file__).parents[3] / "shared/reference/context-repo"


def schema(required: list[str], **properties: JsonValue) -> str:
    return json.dumps({"type": "object", "required": required, "properties": properties})


FILES = {
    ".context/schemas/feature.schema.json": schema(
        ["id", "title"],
        id={"type": "string", "pattern": "^FEAT-[0-9]{3,}$"},
        title={"type": "string"},
        status={"enum": ["proposed", "done"]},
        userStories={"type": "array"},
        tasks={"type": "array"},
        requires={"type": "array"},
    ),
    ".context/schemas/userstory.schema.json": schema(
        ["id", "feature"],
        id={"type": "string", "pattern": "^US-[0-9]{3,}$"},
        feature={"type": "string", "pattern": "^FEAT-[0-9]{3,}$"},
        iWant={"type": "string"},
    ),
    ".context/schemas/task.schema.json": schema(
        ["id", "title"],
        id={"type": "string", "pattern": "^T-[0-9]{3,}$"},
        title={"type": "string"},
        related={"properties": {"feature": {"type": "string"}, "spec": {"type": "string"}}},
        steps={"type": "array"},
    ),
    ".context/schemas/service.schema.json": schema(["id"], id={"type": "string"}, name={"type": "string"}),
    ".context/templates/builder/task.yaml": (
        "# A fix\n_template:\n  entityType: task\n\nid: '{{id}}' # set\ntitle: \"Fix {{what}}\"\n"
        "related:\n  feature: '{{feature}}'\n  spec: {{spec}}\nsteps:\n  - Mend {{what}}\n  - '{{more}}'\n"
    ),
    ".context/templates/prompts/task.hbs": "{{title}} for FEAT-001 or FEAT-0010\n",
    ".context/rules/consistency.rules.yaml": "rules: [{id: r, only: FEAT-001}] # FEAT-001\n",
    "contexts/features/FEAT-001-sign-in.yaml": (
        '# top\nid: FEAT-001\ntitle: "Sign in"\nuserStories:\n- US-001\ntasks: [T-001]\nrequires: ["svc-mail"]\n'
        "linkedTasks:\n- \n  id: T-001\n  title: x\n"
    ),
    "contexts/features/FEAT-002-search.yaml": "id: FEAT-002\ntitle: Search, unlike FEAT-001\nstatus: wrong\n",
    "contexts/userstories/US-001.yaml": 'id: US-001\nfeature: FEAT-001\niWant: "one\\nFEAT-001 two"\n',
    "contexts/tasks/T-001-mail.yaml": (
        "id: T-001\ntitle: Mail\nrelated:\n  feature: FEAT-001 # why\nnotes: [XFEAT-001]\n"
    ),
    "contexts/services/svc-mail.yaml": "id: svc-mail\nname: Mail\ndependencies:\n  - svc-queue@^1.2 # FEAT-001-b\n",
    "contexts/services/svc-queue.yaml": "id: svc-queue\nname: Queue\n",
    "contexts/services/search.yaml": "id: search\nname: search\ndependencies: [svc-queue]\n",
    "contexts/services/svc-user.yaml": "id: svc-user\nname: how to search\ndependencies: [search@~2]\n",
}


def snapshot(**changes: str | None) -> Snapshot:
    files = {path: changes.get(path, text) for path, text in (FILES | changes).items()}
    return read({path: text for path, text in files.items() if text is not None})


def read(files: dict[str, str]) -> Snapshot:
    return Snapshot.of(
        read_yaml(path, text) if path.endswith((".yaml", ".yml")) else Document(path, text)
        for path, text in files.items()
    )


def made(current: Snapshot, plan: EditPlan) -> Snapshot:
    """The snapshot after a plan, checked to expect what is there."""
    files = {path: document.text for path, document in current.documents.items()}
    for path, new, expected in plan.changes():
        assert files.get(path) == expected
        if new is None:
            del files[path]
        else:
            files[path] = new
    return read(files)


# Creating


def test_a_new_entity_is_written_as_its_siblings_are_and_linked_from_both_sides() -> None:
    current = snapshot()
    data: dict[str, JsonValue] = {
        "steps": ["a: b", "12:30"],
        "extra": None,
        "related": {"spec": "SPEC-9", "feature": "FEAT-001"},
        "title": "Send: mail",
    }
    created = create(current, NewEntity("task", data))
    assert (created.id, created.path) == ("T-002", "contexts/tasks/T-002-send-mail.yaml")
    assert created.plan.creates[created.path] == (
        'id: T-002\ntitle: "Send: mail"\nrelated:\n  feature: FEAT-001\n  spec: SPEC-9\n'
        'steps:\n  - "a: b"\n  - "12:30"\nextra: null\n'
    )
    assert "\ntasks: [T-001, T-002]\n" in created.plan.after["contexts/features/FEAT-001-sign-in.yaml"]
    assert created.plan.warnings == ("related.spec of T-002 names SPEC-9, which does not exist",)
    after = made(current, created.plan)
    assert {edge.rel for edge in after.graph.edges_of("T-002")} == {"has-task"}
    assert len(next(after.graph.edges_of("T-002")).statements) == 2


def test_a_new_entity_fills_the_single_field_of_the_other_side_only_where_it_is_empty() -> None:
    text = "id: US-002\niWant: x\n"
    current = snapshot(**{"contexts/userstories/US-002.yaml": text})
    data: dict[str, JsonValue] = {"title": "F", "userStories": ["US-001", "US-002"]}
    plan = create(current, NewEntity("feature", data)).plan
    assert plan.after == {"contexts/userstories/US-002.yaml": "id: US-002\nfeature: FEAT-003\niWant: x\n"}
    assert plan.warnings == ("feature of US-001 names FEAT-001 already and stays as it is",)
    assert create(current, NewEntity("feature", data), link=False).plan.after == {}


def test_a_template_keeps_its_comments_and_quotes_and_loses_its_metadata() -> None:
    new = NewEntity("task", {"related": {"feature": "FEAT-002"}}, template="task", values={"what": 'the "door"'})
    created = create(snapshot(), new)
    assert created.path == "contexts/tasks/T-002-fix-the-door.yaml"
    assert created.plan.creates[created.path] == (
        "# A fix\n\nid: 'T-002' # set\ntitle: \"Fix the \\\"door\\\"\"\nrelated:\n  feature: 'FEAT-002'\n"
        "steps:\n  - Mend the \"door\"\n  - '{{more}}'\n"
    )
    assert created.plan.warnings == ("nothing fills the placeholders more",)


def test_a_placeholder_that_is_a_whole_value_takes_any_value() -> None:
    values: dict[str, JsonValue] = {"what": "no", "more": 7, "spec": "SPEC-001", "feature": "FEAT-001"}
    created = create(snapshot(), NewEntity("task", template="task.yaml", values=values))
    text = created.plan.creates[created.path]
    assert '  spec: "SPEC-001"\n' in text
    assert "  - 7\n" in text


@pytest.mark.parametrize(
    ("new", "error", "message"),
    [
        (NewEntity("nothing"), NotFoundError, "no entity type"),
        (NewEntity("task", template="nothing"), NotFoundError, "no builder template"),
        (NewEntity("feature", template="task"), InvalidArgumentError, "makes a task"),
        (NewEntity("task", {"title": 5}), InvalidArgumentError, "'title' must be of type string"),
        (NewEntity("task", {}), InvalidArgumentError, "'title' is missing"),
        (NewEntity("task", {"id": "T-001", "title": "x"}), AlreadyExistsError, "T-001 exists already"),
        (NewEntity("task", {"title": "x"}, id="T-777"), AlreadyExistsError, "another branch"),
        (NewEntity("task", {"title": "x"}, id="../../X"), InvalidArgumentError, "no usable id"),
        (NewEntity("task", {"id": "T-003", "title": "x"}, id="T-002"), InvalidArgumentError, "the same"),
        (NewEntity("task", {"id": 3, "title": "x"}), InvalidArgumentError, "a string"),
        (NewEntity("service", id="svc-x"), AlreadyExistsError, "SVC-X.yaml exists already|svc-x.yaml exists already"),
    ],
)
def test_a_new_entity_that_can_not_be_is_refused(new: NewEntity, error: type[Exception], message: str) -> None:
    current = snapshot(**{"contexts/services/SVC-X.yaml": "id: other\n"})
    with pytest.raises(error, match=message):
        create(current, new, taken=frozenset({"T-777"}))


def test_a_new_entity_may_break_its_schema_when_that_is_allowed() -> None:
    plan = create(snapshot(), NewEntity("task", {"title": 5}), allow_invalid=True).plan
    assert plan.warnings == ("'title' must be of type string, not integer",)


def test_the_first_entity_of_a_type_goes_into_the_folder_of_the_type() -> None:
    current = snapshot(**{".context/schemas/risk.schema.json": schema(["id"], id={"type": "string"})})
    created = create(current, NewEntity("risk", {"title": "Fire"}))
    assert created.path == "contexts/risks/risk-fire.yaml"


def test_a_new_entity_warns_of_references_that_can_not_be_meant() -> None:
    data: dict[str, JsonValue] = {"title": "x", "related": {"feature": "US-001"}}
    created = create(snapshot(), NewEntity("task", data))
    assert created.plan.warnings == ("related.feature of T-002 names US-001, which is a userstory",)
    assert created.plan.after == {}


def test_a_new_entity_that_the_other_side_names_already_needs_no_link() -> None:
    current = snapshot(**{"contexts/features/FEAT-002-search.yaml": "id: FEAT-002\ntitle: S\ntasks: [T-002]\n"})
    created = create(current, NewEntity("task", {"title": "x", "related": {"feature": "FEAT-002"}}, id="T-002"))
    assert created.plan.after == {}


def test_a_template_that_is_no_mapping_is_refused() -> None:
    current = snapshot(**{".context/templates/builder/odd.yaml": "- x\n"})
    with pytest.raises(ConflictError, match="no mapping"):
        create(current, NewEntity("task", {"title": "x"}, template="odd"))


# Changing


def test_an_update_changes_the_named_fields_alone() -> None:
    plan = update(
        snapshot(), "FEAT-001", [SetValue(("status",), "done"), Append(("tasks",), "T-009"), Remove(("requires", 0))]
    )
    assert plan.after == {
        "contexts/features/FEAT-001-sign-in.yaml": (
            '# top\nid: FEAT-001\ntitle: "Sign in"\nstatus: done\nuserStories:\n- US-001\ntasks: [T-001, T-009]\n'
            "requires: []\nlinkedTasks:\n- \n  id: T-001\n  title: x\n"
        )
    }
    assert plan.warnings == ("tasks[1] of FEAT-001 names T-009, which does not exist",)


def test_an_update_that_says_what_is_there_plans_nothing() -> None:
    assert update(snapshot(), "T-001", [SetValue(("title",), "Mail")]) == EditPlan()


def test_an_update_may_leave_old_errors_but_make_no_new_ones() -> None:
    assert update(snapshot(), "FEAT-002", [SetValue(("title",), "S")]).warnings == ()
    with pytest.raises(InvalidArgumentError, match="title") as caught:
        update(snapshot(), "FEAT-002", [SetValue(("title",), 5)])
    assert caught.value.details["errors"] == [
        {"path": "title", "message": "'title' must be of type string, not integer"}
    ]
    assert update(snapshot(), "FEAT-002", [SetValue(("title",), 5)], allow_invalid=True).warnings


def test_an_update_of_the_id_is_refused_and_points_to_rename() -> None:
    with pytest.raises(InvalidArgumentError, match="rename"):
        update(snapshot(), "T-001", [SetValue(("id",), "T-002")])


def test_an_update_of_an_id_that_two_files_claim_needs_the_file() -> None:
    current = snapshot(**{"contexts/tasks/T-001-b.yaml": "id: T-001\ntitle: b\n"})
    with pytest.raises(ConflictError, match="2 files"):
        update(current, "T-001", [SetValue(("title",), "c")])
    plan = update(current, "T-001", [SetValue(("title",), "c")], path="contexts/tasks/T-001-b.yaml")
    assert plan.after == {"contexts/tasks/T-001-b.yaml": "id: T-001\ntitle: c\n"}


def test_an_entity_in_broken_yaml_is_not_edited() -> None:
    current = snapshot(**{"contexts/tasks/T-002.yaml": "id: T-002\ntitle: [\n"})
    with pytest.raises(ConflictError, match=r"contexts/tasks/T-002\.yaml"):
        update(current, "T-002", [SetValue(("title",), "c")])
    with pytest.raises(NotFoundError):
        update(current, "T-404", [])
    with pytest.raises(NotFoundError, match="elsewhere"):
        update(current, "T-001", [], path="elsewhere.yaml")


def test_a_file_that_could_not_be_read_is_not_edited() -> None:
    path = "contexts/features/FEAT-001-sign-in.yaml"
    lost = unreadable(path, "file.not-utf8", "the file is not UTF-8")
    task: dict[str, JsonValue] = {"title": "x", "related": {"feature": "FEAT-001"}}
    plan = create(snapshot().with_changes({path: lost}), NewEntity("task", task)).plan
    assert plan.after == {}
    assert plan.warnings == ("related.feature of T-002 names FEAT-001, which does not exist",)


# Renaming


def test_a_rename_changes_every_reference_and_mention_and_nothing_else() -> None:
    current = snapshot()
    prose = {
        "README.md": "FEAT-001, `FEAT-001`; FEAT-0010 XFEAT-001 FEAT-001-x FEAT-001-sign-in.yaml FEAT-001.\n",
        "docs/other.md": "nothing\n",
    }
    plan = rename(current, "FEAT-001", "FEAT-100", prose)
    assert plan.renames == (("contexts/features/FEAT-001-sign-in.yaml", "contexts/features/FEAT-100-sign-in.yaml"),)
    assert plan.after == {
        ".context/rules/consistency.rules.yaml": "rules: [{id: r, only: FEAT-100}] # FEAT-100\n",
        ".context/templates/prompts/task.hbs": "{{title}} for FEAT-100 or FEAT-0010\n",
        "contexts/features/FEAT-001-sign-in.yaml": FILES["contexts/features/FEAT-001-sign-in.yaml"].replace(
            "FEAT-001", "FEAT-100"
        ),
        "contexts/features/FEAT-002-search.yaml": "id: FEAT-002\ntitle: Search, unlike FEAT-100\nstatus: wrong\n",
        "contexts/tasks/T-001-mail.yaml": FILES["contexts/tasks/T-001-mail.yaml"].replace(" FEAT-001 ", " FEAT-100 "),
        "contexts/userstories/US-001.yaml": 'id: US-001\nfeature: FEAT-100\niWant: "one\\nFEAT-100 two"\n',
        "README.md": "FEAT-100, `FEAT-100`; FEAT-0010 XFEAT-001 FEAT-001-x FEAT-100-sign-in.yaml FEAT-100.\n",
    }
    without_prose = EditPlan(
        {path: text for path, text in plan.before.items() if path not in prose},
        {path: text for path, text in plan.after.items() if path not in prose},
        renames=plan.renames,
    )
    after = made(current, without_prose)
    assert after.get("FEAT-001") is None
    assert {edge.target for edge in after.graph.edges_of("FEAT-100", "out")} == {"US-001", "T-001", "svc-mail"}
    assert "FEAT-001" not in after.referrers


def test_a_rename_keeps_the_version_of_a_dependency() -> None:
    plan = rename(snapshot(), "svc-queue", "svc-bus", {})
    assert plan.after["contexts/services/svc-mail.yaml"] == FILES["contexts/services/svc-mail.yaml"].replace(
        "svc-queue", "svc-bus"
    )


def test_an_id_that_is_an_ordinary_word_is_renamed_in_references_alone() -> None:
    plan = rename(snapshot(), "search", "svc-search", {"README.md": "how to search\n"})
    assert plan.after == {
        "contexts/services/search.yaml": "id: svc-search\nname: search\ndependencies: [svc-queue]\n",
        "contexts/services/svc-user.yaml": "id: svc-user\nname: how to search\ndependencies: [svc-search@~2]\n",
    }
    assert plan.renames == (("contexts/services/search.yaml", "contexts/services/svc-search.yaml"),)
    assert "ordinary word" in plan.warnings[0]


def test_one_of_two_files_with_the_same_id_gets_another_and_the_references_stay() -> None:
    current = snapshot(**{"contexts/tasks/T-001-b.yaml": "id: T-001\ntitle: b\n"})
    plan = rename(current, "T-001", "T-002", {}, path="contexts/tasks/T-001-b.yaml")
    assert plan.after == {"contexts/tasks/T-001-b.yaml": "id: T-002\ntitle: b\n"}
    assert plan.renames == (("contexts/tasks/T-001-b.yaml", "contexts/tasks/T-002-b.yaml"),)


def test_a_rename_in_broken_yaml_is_made_in_its_text_with_a_warning() -> None:
    current = snapshot(**{"contexts/tasks/T-002.yaml": "id: T-002\nrelated: {feature: FEAT-001\n"})
    plan = rename(current, "FEAT-001", "FEAT-100", {})
    assert plan.after["contexts/tasks/T-002.yaml"] == "id: T-002\nrelated: {feature: FEAT-100\n"
    assert "contexts/tasks/T-002.yaml is no valid YAML" in plan.warnings[0]


def test_a_rename_that_changes_only_the_case_leaves_the_file_where_it_is() -> None:
    plan = rename(snapshot(), "svc-mail", "svc-Mail", {})
    assert plan.renames == ()
    assert plan.after["contexts/services/svc-mail.yaml"].startswith("id: svc-Mail\n")


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        ("FEAT-404", "FEAT-405", NotFoundError, "FEAT-404"),
        ("FEAT-001", "FEAT-001", InvalidArgumentError, "already"),
        ("FEAT-001", "FEAT-002", AlreadyExistsError, "FEAT-002 exists already"),
        ("FEAT-001", "US-100", InvalidArgumentError, "must match"),
        ("svc-mail", "US-100", InvalidArgumentError, "an id of a userstory"),
        ("svc-mail", "SVC-QUEUE", AlreadyExistsError, "svc-queue exists already"),
        ("svc-mail", "../x", InvalidArgumentError, "no usable id"),
        ("svc-mail", "svc-there", AlreadyExistsError, "file contexts/services/svc-there.yaml exists already"),
    ],
)
def test_a_rename_that_can_not_be_is_refused(old: str, new: str, error: type[Exception], message: str) -> None:
    current = snapshot(**{"contexts/services/svc-there.yaml": "id: svc-elsewhere\n"})
    with pytest.raises(error, match=message):
        rename(current, old, new, {})


# Deleting


def test_a_delete_is_refused_with_the_places_that_refer_to_the_entity() -> None:
    with pytest.raises(ConflictError, match="still needed by FEAT-001") as caught:
        delete(snapshot(), "T-001")
    path = "contexts/features/FEAT-001-sign-in.yaml"
    assert caught.value.details["references"] == [
        {"id": "FEAT-001", "field": "tasks[0]", "path": path},
        {"id": "FEAT-001", "field": "linkedTasks[0]", "path": path},
    ]


def test_a_delete_takes_the_references_out() -> None:
    current = snapshot()
    plan = delete(current, "T-001", references="remove")
    assert plan.deletes == ("contexts/tasks/T-001-mail.yaml",)
    assert plan.after == {
        "contexts/features/FEAT-001-sign-in.yaml": (
            '# top\nid: FEAT-001\ntitle: "Sign in"\nuserStories:\n- US-001\ntasks: []\nrequires: ["svc-mail"]\n'
            "linkedTasks: []\n"
        )
    }
    assert "T-001" not in made(current, plan).referrers


def test_a_delete_takes_out_an_id_that_stands_twice_in_a_list() -> None:
    path = "contexts/features/FEAT-002-search.yaml"
    current = snapshot(**{path: "id: FEAT-002\ntitle: S\ntasks: [T-001, T-002, T-001, T-003]\n"})
    assert (
        delete(current, "T-001", references="remove").after[path] == "id: FEAT-002\ntitle: S\ntasks: [T-002, T-003]\n"
    )


def test_a_delete_warns_of_the_fields_that_are_then_missing() -> None:
    plan = delete(snapshot(), "FEAT-001", references="remove")
    assert plan.after["contexts/tasks/T-001-mail.yaml"] == "id: T-001\ntitle: Mail\nrelated: {}\nnotes: [XFEAT-001]\n"
    assert plan.warnings == ("US-001: the required field 'feature' is missing",)


def test_what_nothing_refers_to_is_deleted_at_once() -> None:
    assert delete(snapshot(), "svc-user").deletes == ("contexts/services/svc-user.yaml",)


def test_one_of_two_files_with_the_same_id_is_deleted_and_the_references_stay() -> None:
    current = snapshot(**{"contexts/tasks/T-001-b.yaml": "id: T-001\ntitle: b\n"})
    plan = delete(current, "T-001", path="contexts/tasks/T-001-b.yaml")
    assert (plan.deletes, plan.after) == (("contexts/tasks/T-001-b.yaml",), {})


# A real repository


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference repository is not here")
def test_each_entity_of_a_real_repository_is_renamed_and_deleted_without_a_trace() -> None:
    paths = [
        path for top in ("contexts", ".context") for path in sorted((REFERENCE / top).rglob("*.*")) if path.is_file()
    ]
    current = read({path.relative_to(REFERENCE).as_posix(): path.read_text("utf-8") for path in paths})
    assert len(current.entities) > 10
    for entity in current.entities:
        new = f"{entity.id}77"
        plan = rename(current, entity.id, new, {})
        renamed = made(current, plan)
        expected = {(edge.source, edge.target, edge.rel) for edge in current.graph.edges}
        found = {(edge.source, edge.target, edge.rel) for edge in renamed.graph.edges}
        assert found == {tuple(new if end == entity.id else end for end in edge) for edge in expected}
        changed = sum(len(edits) for edits in plan.edits.values())
        assert changed <= sum(document.text.count(entity.id) for document in current.documents.values())
        deleted = made(current, delete(current, entity.id, references="remove"))
        assert entity.id not in deleted.definitions
        assert entity.id not in deleted.referrers


def test_a_bare_placeholder_is_found_behind_any_character_that_is_no_line_break() -> None:
    text = "title: a\u2028b\x85c\nsummary: {{more}}\n"
    odd = read({**FILES, ".context/templates/builder/odd.yaml": text})
    created = create(odd, NewEntity("feature", template="odd", values={"more": "text"}), allow_invalid=True)
    assert 'summary: "text"' in created.plan.creates[created.path]
