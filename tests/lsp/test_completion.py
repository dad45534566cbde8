"""Completion: keys, values, ids and new entities, wherever somebody types, in text that is whole or not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.editor import Editor, editor, small_repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Json

pytestmark = pytest.mark.asyncio

FEATURE, STORY, TASK, SERVICE = (
    "contexts/features/FEAT-001.yaml",
    "contexts/userstories/US-001.yaml",
    "contexts/tasks/T-001.yaml",
    "contexts/services/svc-mail.yaml",
)
FILES = {
    FEATURE: "id: FEAT-001\ntitle: Renew a loan\nstatus: doing\nuserStories: [US-001]\n",
    "contexts/features/FEAT-002.yaml": "id: FEAT-002\ntitle: Search 😀\n",
    STORY: "id: US-001\ntitle: Renew by phone\nfeature: FEAT-001\n",
    "contexts/userstories/US-002.yaml": "id: US-002\ntitle: Renew at the desk\nfeature: FEAT-001\n",
    "contexts/userstories/US-003.yaml": "id: US-003\ntitle: Find a book\nfeature: FEAT-002\n",
    TASK: "id: T-001\ntitle: Ask\n",
    SERVICE: "id: svc-mail\nname: Mail\napi: {version: 1.2.0}\n",
    "contexts/services/svc-loans.yaml": "id: svc-loans\nname: Loans\n",
    "contexts/packages/pkg-app.yaml": "id: pkg-app\nname: App\n",
    "contexts/governance/constitution.yaml": "id: CONST-1\nprinciples:\n  - appliesTo: [task]\n",
    ".context/templates/builder/big.yaml": (
        "_template: {name: Big feature, description: With all, entityType: feature}\n"
        'id: "{{id}}"\ntitle: "{{title}}"\nstatus: todo\nnotes:\n  - {by: "{{owner}}", text: "{{title}} costs $5"}\n'
    ),
    ".context/templates/builder/task.yaml": "_template: {entityType: task}\nid: '{{id}}'\n",
}
ITEM: Json = {
    "snippetSupport": True,
    "documentationFormat": ["markdown"],
    "insertTextModeSupport": {"valueSet": [1, 2]},
    "labelDetailsSupport": True,
}
SNIPPETS: Json = {"textDocument": {"completion": {"completionItem": ITEM}}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return small_repository(tmp_path / "repository", FILES)


async def items(on: Editor, path: str, marked: str) -> dict[str, Json]:
    """What is offered at `¦` in a text, in the order in which a client shows it."""
    text = marked.replace("¦", "")
    if on.uri(path) in on.texts:
        on.type(path, text)
    else:
        on.open(path, text)
    line = marked[: marked.index("¦")].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    position = {"line": len(line) - 1, "character": len(line[-1].encode("utf-16-le")) // 2}
    params = {"textDocument": {"uri": on.uri(path)}, "position": position}
    offered: Any = await on.client.request("textDocument/completion", params)
    ordered = sorted(offered["items"], key=lambda item: item.get("sortText", item["label"]))
    return {item["label"]: item for item in ordered}


def applied(on: Editor, path: str, item: Json) -> str:
    """The document after an item was taken."""
    edit = item["textEdit"]
    assert edit["range"]["start"]["line"] == edit["range"]["end"]["line"]
    lines = on.texts[on.uri(path)].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    line = lines[edit["range"]["start"]["line"]].encode("utf-16-le")
    start, end = (2 * edit["range"][side]["character"] for side in ("start", "end"))
    changed = line[:start].decode("utf-16-le") + edit["newText"] + line[end:].decode("utf-16-le")
    lines[edit["range"]["start"]["line"]] = changed
    return "\n".join(lines)


async def test_keys_are_those_that_the_schema_knows_and_the_mapping_lacks(root: Path) -> None:
    async with editor(root) as on:
        offered = await items(on, TASK, "title: Ask\n¦\nstatus: done\n")
        assert list(offered) == ["id", "owner", "steps", "related"]
        assert offered["id"]["detail"] == "string, required"
        assert offered["steps"]["detail"] == "list of string"
        assert offered["id"]["documentation"]["value"].startswith("id · string · required\n\nThe name of it.")
        assert applied(on, TASK, offered["owner"]) == "title: Ask\nowner: \nstatus: done\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("id: T-001\nrelated:\n  ¦", ["feature", "spec", "service"], id="the first key below"),
        pytest.param("id: T-001\nrelated:\n  fea¦", ["feature", "spec", "service"], id="the first key, begun"),
        pytest.param("related:\n  feature: FEAT-001\n  s¦\nid: T-001", ["spec", "service"], id="the next key"),
        pytest.param("related:\r\n\tfeature: x\r\n\t¦\r\n", ["spec", "service"], id="tabs and CRLF"),
        pytest.param("related: {feature: x, ¦", ["spec", "service"], id="braces that nothing closes"),
        pytest.param("# 😀\n{id: T-001, related: {¦}}", ["feature", "spec", "service"], id="a document in braces"),
        pytest.param("base: &b\n  x: 1\nrelated: &r\n  <<: *b\n  ¦", ["feature", "spec", "service"], id="anchors"),
        pytest.param('title: "open\nrelated:\n  ¦', ["feature", "spec", "service"], id="a quote that nothing closes"),
        pytest.param("related:\n  ¦: x", ["feature", "spec", "service"], id="a colon that stands already"),
    ],
)
async def test_nested_keys_are_offered_in_text_that_does_not_parse(root: Path, text: str, expected: list[str]) -> None:
    async with editor(root) as on:
        assert list(await items(on, TASK, text)) == expected


async def test_a_key_that_has_its_colon_gets_no_second_one(root: Path) -> None:
    async with editor(root, capabilities=SNIPPETS) as on:
        offered = await items(on, TASK, "id: T-001\nown¦: x\n")
        assert applied(on, TASK, offered["owner"]) == "id: T-001\nowner: x\n"


async def test_keys_are_snippets_for_clients_that_have_them(root: Path) -> None:
    async with editor(root, capabilities=SNIPPETS) as on:
        offered = await items(on, TASK, "id: T-001\n¦")
        written = {label: item["textEdit"]["newText"] for label, item in offered.items() if item["kind"] == 10}
        assert written == {
            "title": "title: $0",
            "status": "status: ${1|todo,doing,done|}",
            "owner": "owner: $0",
            "steps": "steps:\n  - $0",
            "related": "related:\n  $0",
        }
        assert {item["insertTextFormat"] for item in offered.values()} == {2}
        assert offered["steps"]["insertTextMode"] == 2
        inside = await items(on, FEATURE, "notes:\n  - b¦")
        assert inside["by"]["textEdit"]["newText"] == "by: $0"
        braces = await items(on, TASK, "{¦}")
        assert braces["related"]["textEdit"]["newText"] == "related: {$1}"
        assert braces["steps"]["textEdit"]["newText"] == "steps: [$1]"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        pytest.param("status: ¦", "status: done", id="nothing yet"),
        pytest.param("status:¦", "status: done", id="no space yet"),
        pytest.param("status: d¦oing # 😀", "status: done # 😀", id="another value"),
        pytest.param("status: 'd¦'", "status: 'done'", id="within quotes"),
        pytest.param('status: "d¦\nid: T-001', 'status: "done\nid: T-001', id="an open quote"),
        pytest.param("status:\n  d¦", "status:\n  done", id="on the next line"),
        pytest.param("{id: T-001, status: ¦", "{id: T-001, status: done", id="in braces"),
        pytest.param("status: &s d¦", "status: &s done", id="behind an anchor"),
    ],
)
async def test_values_are_those_that_the_schema_allows(root: Path, text: str, after: str) -> None:
    async with editor(root) as on:
        offered = await items(on, TASK, text)
        assert list(offered)[:3] == ["todo", "doing", "done"]
        assert offered["todo"]["detail"] == "default"
        assert applied(on, TASK, offered["done"]) == after


async def test_booleans_are_offered_and_free_text_is_left_alone(root: Path) -> None:
    async with editor(root) as on:
        assert list(await items(on, FEATURE, "urgent: ¦")) == ["true", "false"]
        for text in ("title: ¦", "title: Renew a ¦", "# ¦", "title: |\n  ¦", "title: x # ¦", "unknown: ¦"):
            assert await items(on, FEATURE, text) == {}


async def test_nothing_is_offered_where_it_would_stand_beside_what_is_there(root: Path) -> None:
    async with editor(root) as on:
        for text in (
            "id: FEAT-001\nstatus:¦ doing",
            "id: FEAT-001\nstatus: ¦'doing'",
            "id: FEAT-001\nstatus: 'doing'¦",
            '{"id": "FEAT-001", "status"¦: "doing"}',
            "id: FEAT-001\nuserStories:¦\n  - US-001\n",
            "id: FEAT-001\nuserStories:\n ¦ - US-001\n",
            "id: FEAT-001\nuserStories: [¦ US-001]\n",
            "id: FEAT-001\nuserStories: [&s¦tory US-001]\n",
        ):
            assert await items(on, FEATURE, text) == {}, text


async def test_ids_are_those_of_the_type_that_a_field_expects_with_their_titles(root: Path) -> None:
    async with editor(root) as on:
        offered = await items(on, STORY, "id: US-001\nfeature: ¦\n")
        assert {label: item["detail"] for label, item in offered.items()} == {
            "FEAT-001": "Renew a loan",
            "FEAT-002": "Search 😀",
        }
        assert offered["FEAT-002"]["filterText"] == "FEAT-002 Search 😀"
        assert applied(on, STORY, offered["FEAT-002"]) == "id: US-001\nfeature: FEAT-002\n"
        assert list(await items(on, STORY, "impacts:\n  services:\n    - ¦")) == ["svc-loans", "svc-mail"]
        assert set(await items(on, FEATURE, "requires: [¦")) == {"svc-loans", "svc-mail", "pkg-app"}


async def test_ids_are_found_by_words_of_their_title_too(root: Path) -> None:
    async with editor(root) as on:
        assert list(await items(on, FEATURE, "id: FEAT-001\nuserStories: [desk¦]")) == ["US-002"]
        assert list(await items(on, FEATURE, "id: FEAT-001\nuserStories: [us-3¦]")) == ["US-003"]


async def test_who_names_this_entity_already_comes_first_and_what_is_listed_is_left_out(root: Path) -> None:
    async with editor(root) as on:
        assert list(await items(on, FEATURE, "id: FEAT-001\nuserStories:\n  - US-001\n  - ¦\n")) == ["US-002", "US-003"]
        other = "contexts/features/FEAT-002.yaml"
        assert list(await items(on, other, "id: FEAT-002\nuserStories: [¦]")) == ["US-003", "US-001", "US-002"]


@pytest.mark.parametrize(
    ("text", "after"),
    [
        pytest.param("userStories: ¦", "userStories: [US-001]", id="a list to begin on its line"),
        pytest.param("userStories:\n  ¦", "userStories:\n  - US-001", id="a list to begin below"),
        pytest.param("userStories:\n  - US-002\n  ¦", "userStories:\n  - US-002\n  - US-001", id="the next dash"),
        pytest.param("userStories:\n  - US¦", "userStories:\n  - US-001", id="an item"),
        pytest.param("userStories:\n  -¦", "userStories:\n  - US-001", id="no space yet"),
        pytest.param("userStories: ['US¦', US-002]", "userStories: ['US-001', US-002]", id="in quotes"),
    ],
)
async def test_an_id_is_written_as_its_place_asks(root: Path, text: str, after: str) -> None:
    async with editor(root) as on:
        offered = await items(on, FEATURE, f"id: FEAT-003\n{text}")
        assert applied(on, FEATURE, offered["US-001"]) == f"id: FEAT-003\n{after}"


async def test_a_dependency_comes_with_the_version_that_there_is(root: Path) -> None:
    other = "contexts/services/svc-loans.yaml"
    async with editor(root) as on:
        offered = await items(on, other, "id: svc-loans\ndependencies:\n  - ¦")
        assert applied(on, other, offered["svc-mail"]).endswith("  - svc-mail@^1.2.0")
        assert list(offered) == ["pkg-app", "svc-mail"]
        offered = await items(on, other, "id: svc-loans\ndependencies: [svc-m¦@^1.0.0]")
        assert applied(on, other, offered["svc-mail"]).endswith("[svc-mail@^1.0.0]")
        assert await items(on, other, "id: svc-loans\ndependencies: [svc-mail@^1¦]") == {}


async def test_the_card_of_an_entity_is_made_when_a_client_asks_for_it(root: Path) -> None:
    async with editor(root, capabilities=SNIPPETS) as on:
        offered = await items(on, STORY, "id: US-001\nfeature: ¦\n")
        assert "documentation" not in offered["FEAT-001"]
        item = await on.client.request("completionItem/resolve", offered["FEAT-001"])
        assert item["label"] == "FEAT-001"
        assert "**Renew a loan**" in item["documentation"]["value"]
        for data in (None, "x", {"repository": "gone", "entity": "FEAT-001"}, {"entity": 7}):
            assert "documentation" not in await on.client.request(
                "completionItem/resolve", {"label": "x", "data": data}
            )


async def test_an_empty_file_is_offered_whole_entities_from_the_templates_of_its_type(root: Path) -> None:
    new = "contexts/features/FEAT-007-big.yaml"
    async with editor(root, capabilities=SNIPPETS) as on:
        offered = await items(on, new, "# 😀\n¦")
        snippets = {label: item for label, item in offered.items() if item["kind"] == 15}
        assert list(snippets) == ["Big feature", "New feature"]
        assert snippets["Big feature"]["detail"] == "With all"
        assert snippets["Big feature"]["textEdit"]["newText"] == (
            'id: "FEAT-007"\ntitle: "${1:title}"\nstatus: todo\nnotes:\n'
            '  - {by: "${2:owner}", text: "${1:title} costs \\$5"\\}\n'
        )
        assert snippets["New feature"]["textEdit"]["newText"] == "id: FEAT-007\n"
        assert "```yaml\nid:" in snippets["Big feature"]["documentation"]["value"]


async def test_a_new_entity_gets_the_next_id_where_its_file_names_none(root: Path) -> None:
    async with editor(root) as on:
        offered = await items(on, "contexts/features/new.yaml", "¦")
        assert applied(on, "contexts/features/new.yaml", offered["New feature"]) == "id: FEAT-003\n"
        text = applied(on, "contexts/features/new.yaml", offered["Big feature"])
        assert text.startswith('id: "FEAT-003"\ntitle: "title"\nstatus: todo\n')
        assert "insertTextFormat" not in offered["Big feature"]


async def test_what_is_no_empty_file_is_offered_no_new_entity(root: Path) -> None:
    async with editor(root, capabilities=SNIPPETS) as on:
        offered = await items(on, TASK, "id: T-001\n¦")
        assert all(item["kind"] != 15 for item in offered.values())


async def test_a_constitution_is_offered_the_types_that_it_may_govern(root: Path) -> None:
    path = "contexts/governance/constitution.yaml"
    async with editor(root) as on:
        offered = await items(on, path, "id: CONST-1\nprinciples:\n  - appliesTo: [task, ¦]\n")
        assert {"feature", "spec", "global"} <= offered.keys()
        assert "task" not in offered


async def test_a_choice_is_written_as_the_text_that_the_schema_allows(root: Path) -> None:
    path = "contexts/epics/E-1.yaml"
    schema = root / ".context/schemas/epic.schema.json"
    choices = {"enum": ["1.0", "no", "a, b", "x" * 70, 7, None, ["z"]]}
    schema.write_text(json.dumps({"required": ["version"], "properties": {"id": {}, "version": choices}}), "utf-8")
    listed = rf'${{1|"1.0","no",a\, b,{"x" * 70},7,null|}}'
    async with editor(root, capabilities=SNIPPETS) as on:
        offered = await items(on, path, "id: E-1\n¦")
        assert offered["version"]["textEdit"]["newText"] == f"version: {listed}"
        offered = await items(on, path, "¦")
        assert offered["New epic"]["textEdit"]["newText"].endswith(f"version: {listed.replace('{1', '{2')}\n")
        offered = await items(on, path, "{¦}")
        assert r'"a\, b"' in offered["version"]["textEdit"]["newText"]


async def test_references_between_schemas_are_followed(tmp_path: Path) -> None:
    schema = (
        '{"type": "object", "allOf": [{"$ref": "common.schema.json#/definitions/named"}], "properties": '
        '{"level": {"$ref": "#/$defs/level"}}, "$defs": {"level": {"oneOf": [{"const": 1}, {"const": 2}]}}}'
    )
    common = '{"definitions": {"named": {"properties": {"name": {"description": "From elsewhere."}}}}}'
    root = small_repository(
        tmp_path / "repository",
        {
            ".context/schemas/risk.schema.json": schema,
            ".context/schemas/common.schema.json": common,
            "contexts/risks/risk-1.yaml": "id: risk-1\n",
        },
    )
    async with editor(root) as on:
        offered = await items(on, "contexts/risks/r.yaml", "id: r\n¦")
        assert {"name", "level"} <= offered.keys()
        assert "From elsewhere." in offered["name"]["documentation"]["value"]
        assert list(await items(on, "contexts/risks/r.yaml", "level: ¦")) == ["1", "2"]


async def test_other_files_are_offered_nothing(root: Path, tmp_path: Path) -> None:
    async with editor(root) as on:
        for path in (str(tmp_path / "x.yaml"), "contexts/unclaimed/x.yaml", "notes.yaml", "README.md"):
            on.open(path, "id: ")
            offered = await on.client.request(
                "textDocument/completion",
                {"textDocument": {"uri": on.uri(path)}, "position": {"line": 0, "character": 4}},
            )
            assert (offered or {"items": []})["items"] == []


async def test_a_long_list_of_ids_is_cut_and_says_so(root: Path) -> None:
    for number in range(100, 250):
        (root / f"contexts/features/FEAT-{number}.yaml").write_text(f"id: FEAT-{number}\n", "utf-8")
    async with editor(root) as on:
        on.open(STORY, "feature: ")
        place: Json = {"textDocument": {"uri": on.uri(STORY)}, "position": {"line": 0, "character": 9}}
        offered = await on.client.request("textDocument/completion", place)
        assert (offered["isIncomplete"], len(offered["items"])) == (True, 100)
        on.type(STORY, "feature: 249")
        place["position"]["character"] = 12
        offered = await on.client.request("textDocument/completion", place)
        assert [item["label"] for item in offered["items"]] == ["FEAT-249"]


async def test_a_daemon_process_completes_while_its_client_types(root: Path) -> None:
    async with editor(root, capabilities=SNIPPETS, process=True) as on:
        provider = on.client.initialize_result["capabilities"]["completionProvider"]
        assert provider["resolveProvider"] is True
        assert list(await items(on, STORY, "id: US-001\nfeature: [\nfeature: FEAT-002¦")) == ["FEAT-002"]
        assert list(await items(on, STORY, "id: US-001\nstatus: ¦")) == ["todo", "doing", "done"]
