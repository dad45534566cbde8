"""Definition, references, outlines, symbols of the workspace, and links to files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.editor import Editor, editor, small_repository, text_at

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.asyncio

FEATURE, STORY, TASK, SERVICE, WORD = (
    "contexts/features/FEAT-001.yaml",
    "contexts/userstories/US-001.yaml",
    "contexts/tasks/T-001.yaml",
    "contexts/services/svc-mail.yaml",
    "contexts/services/search.yaml",
)
FILES = {
    FEATURE: "# 😀\nid: FEAT-001\ntitle: Renew\nuserStories: [US-001]\ntasks:\n  - T-001\n",
    STORY: 'id: US-001\ntitle: "Like FEAT-001, 😀 FEAT-001"\nfeature: FEAT-001\n',
    TASK: "id: T-001\nrelated:\n  feature: FEAT-001\n  service: search\n",
    SERVICE: "id: svc-mail\ndependencies:\n  - search@^1.0.0\n",
    WORD: "id: search\nname: To search\n",
    "README.md": "About FEAT-001 and FEAT-0011.\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return small_repository(tmp_path / "repository", FILES)


def shown(on: Editor, locations: Any) -> list[tuple[str, int, str]]:
    """Path, line and text of some locations."""
    found: list[tuple[str, int, str]] = []
    for location in locations:
        path = location["uri"].removeprefix(on.root.as_uri() + "/")
        text = on.texts.get(location["uri"]) or (on.root / path).read_bytes().decode()
        found.append((path, location["range"]["start"]["line"], text_at(text, location["range"])))
    return found


async def test_a_reference_leads_to_the_id_of_its_entity(root: Path) -> None:
    async with editor(root) as on:
        on.open(STORY)
        assert shown(on, await on.ask("definition", STORY, "¦FEAT-001\n")) == [(FEATURE, 1, "FEAT-001")]
        on.open(SERVICE)
        assert shown(on, await on.ask("definition", SERVICE, "sea¦rch@")) == [(WORD, 0, "search")]


async def test_a_client_that_shows_links_learns_what_they_start_from(root: Path) -> None:
    async with editor(root, capabilities={"textDocument": {"definition": {"linkSupport": True}}}) as on:
        on.open(STORY)
        (link,) = await on.ask("definition", STORY, "😀 ¦FEAT")
        assert text_at(on.texts[on.uri(STORY)], link["originSelectionRange"]) == "FEAT-001"
        assert link["targetUri"] == on.uri(FEATURE)
        assert text_at(FILES[FEATURE], link["targetSelectionRange"]) == "FEAT-001"


async def test_an_id_that_is_defined_twice_leads_to_both(root: Path) -> None:
    async with editor(root) as on:
        other = "contexts/features/other.yaml"
        on.open(other, "title: Again\nid: FEAT-001\n")
        on.open(STORY)
        assert shown(on, await on.ask("definition", STORY, "¦FEAT-001\n")) == [
            (FEATURE, 1, "FEAT-001"),
            (other, 1, "FEAT-001"),
        ]


async def test_an_alias_leads_to_its_anchor(root: Path) -> None:
    async with editor(root) as on:
        on.open(TASK, "id: T-001\nowner: &who '@mei'\nsteps: [*who, *nobody]\n")
        assert shown(on, await on.ask("definition", TASK, "*w¦ho")) == [(TASK, 1, "&who")]
        assert await on.ask("definition", TASK, "*nob¦ody") is None


async def test_an_alias_of_an_id_stands_for_the_entity(root: Path) -> None:
    text = "id: FEAT-009\nuserStories: [&it US-001, *it]\n"
    async with editor(root) as on:
        path = "contexts/features/FEAT-009.yaml"
        on.open(path, text)
        for place in ("*i¦t", "US¦-001"):
            assert shown(on, await on.ask("definition", path, place)) == [(STORY, 0, "US-001")]
            assert "There is no" not in (await on.ask("hover", path, place))["contents"]["value"]
        everything = {"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": 0}}
        hints = await on.ask("inlayHint", path, range=everything)
        assert [hint["position"]["character"] for hint in hints] == [text.index(",") - 13, text.index("]") - 13]
        on.type(path, "id: FEAT-009\nuserStories: [*it, \n")
        assert await on.ask("hover", path, "*i¦t") is None


async def test_a_path_leads_to_its_file_and_never_out_of_the_repository(root: Path) -> None:
    (root / "docs").mkdir()
    (root / "docs" / "a b.md").write_text("x")
    (root / "docs" / "plan.md").write_text("x")
    (root.parent / "secret.txt").write_text("x")
    text = "id: T-001\nsteps:\n  - docs/plan.md#top\n  - ../secret.txt\n  - https://example.org/?at=docs/plan.md\n"
    async with editor(root) as on:
        on.open(TASK, text)
        assert shown(on, await on.ask("definition", TASK, "docs/pl¦an")) == [("docs/plan.md", 0, "")]
        assert await on.ask("definition", TASK, "secr¦et") is None
        (link,) = await on.ask("documentLink", TASK)
        assert text_at(text, link["range"]) == "docs/plan.md"
        assert link["target"] == on.uri("docs/plan.md")


async def test_markdown_links_to_the_entities_that_it_mentions(root: Path) -> None:
    async with editor(root) as on:
        on.open("README.md")
        (link,) = await on.ask("documentLink", "README.md")
        assert text_at(FILES["README.md"], link["range"]) == "FEAT-001"
        assert (link["target"], link["tooltip"]) == (on.uri(FEATURE), "FEAT-001 Renew")


async def test_references_are_all_places_that_a_rename_would_change(root: Path) -> None:
    async with editor(root) as on:
        on.open(FEATURE)
        places = {(FEATURE, 1), (STORY, 1), (STORY, 2), (TASK, 2), ("README.md", 0)}
        found = shown(on, await on.ask("references", FEATURE, "¦FEAT", context={"includeDeclaration": True}))
        assert {(path, line) for path, line, _ in found} == places
        assert len(found) == 6
        assert {text for _, _, text in found} == {"FEAT-001"}
        edit = (await on.client.request("ckit/entity/rename", {"id": "FEAT-001", "newId": "FEAT-010"}))["edit"]
        changed = {change["textDocument"]["uri"] for change in edit["documentChanges"] if "edits" in change}
        assert changed == {on.uri(path) for path, _ in places}
        without = shown(on, await on.ask("references", FEATURE, "¦FEAT", context={"includeDeclaration": False}))
        assert {(path, line) for path, line, _ in without} == places - {(FEATURE, 1)}


async def test_an_id_that_is_a_word_is_referred_to_by_fields_only(root: Path) -> None:
    async with editor(root) as on:
        on.open(WORD)
        found = shown(on, await on.ask("references", WORD, "id: se¦arch", context={"includeDeclaration": True}))
        assert found == [(WORD, 0, "search"), (SERVICE, 2, "search@^1.0.0"), (TASK, 3, "search")]
        assert await on.ask("references", WORD, "To se¦arch", context={"includeDeclaration": True}) is None


async def test_references_are_found_in_text_that_does_not_parse(root: Path) -> None:
    async with editor(root) as on:
        on.open(TASK, "id: T-001\nrelated: {feature: FEAT-001\n")
        on.open(STORY)
        found = shown(on, await on.ask("references", STORY, "¦FEAT-001\n", context={"includeDeclaration": False}))
        assert (TASK, 1, "FEAT-001") in found


async def test_the_outline_of_an_entity_shows_its_fields(root: Path) -> None:
    hierarchical = {"textDocument": {"documentSymbol": {"hierarchicalDocumentSymbolSupport": True}}}
    notes = "notes:\n  - by: mei\n    text: |\n      Long\n      text\n  - plain\n"
    text = f"# 😀\nid: FEAT-001\ntitle: Renew\nurgent: true\n{notes}"
    async with editor(root, capabilities=hierarchical) as on:
        on.open(FEATURE, text)
        (entity,) = await on.ask("documentSymbol", FEATURE)
        assert (entity["name"], entity["detail"]) == ("FEAT-001", "Renew")
        assert text_at(text, entity["selectionRange"]) == "FEAT-001"
        fields = entity["children"]
        assert [(field["name"], field.get("detail"), field["kind"]) for field in fields] == [
            ("id", "FEAT-001", 15),
            ("title", "Renew", 15),
            ("urgent", "true", 17),
            ("notes", None, 18),
        ]
        (note,) = fields[3]["children"]
        assert [child["name"] for child in note["children"]] == ["by", "text"]
        for symbol in (entity, *fields, note, *note["children"]):
            outer, inner = symbol["range"], symbol["selectionRange"]
            assert (outer["start"]["line"], outer["start"]["character"]) <= tuple(inner["start"].values())
            assert tuple(inner["end"].values()) <= tuple(outer["end"].values())


async def test_an_outline_survives_half_typed_text_and_is_flat_for_clients_without_trees(root: Path) -> None:
    async with editor(root) as on:
        on.open(FEATURE, "id: FEAT-001\ntitle: Renew\ntasks: [T-001\n")
        symbols = await on.ask("documentSymbol", FEATURE)
        assert [symbol["name"] for symbol in symbols][:3] == ["FEAT-001", "id", "title"]
        assert symbols[1]["containerName"] == "FEAT-001"
        assert symbols[1]["location"]["uri"] == on.uri(FEATURE)
        on.type(FEATURE, "id: FEAT-001\nnotes:\n  - by: mei\n    text: 'x\ntitle: [\n")
        symbols = await on.ask("documentSymbol", FEATURE)
        assert [(symbol["name"], symbol.get("containerName")) for symbol in symbols] == [
            ("FEAT-001", None),
            ("id", "FEAT-001"),
            ("notes", "FEAT-001"),
            ("by", "notes"),
            ("text", "notes"),
            ("title", "FEAT-001"),
        ]
        for text in ("", "[", "just text", "\t"):
            on.type(FEATURE, text)
            assert await on.ask("documentSymbol", FEATURE) == []


@pytest.mark.parametrize("rest", ["", "- [\n"])
async def test_an_outline_of_a_very_long_document_is_cut(root: Path, rest: str) -> None:
    async with editor(root) as on:
        on.open(FEATURE, "id: FEAT-001\n" + "".join(f"k{number}: 1\n" for number in range(5001)) + rest)
        symbols = await on.ask("documentSymbol", FEATURE)
        assert len(symbols) == 1 + 5000


async def test_workspace_symbols_are_entities_the_best_first(root: Path, tmp_path: Path) -> None:
    async with editor(root) as on:

        async def found(query: str) -> list[str]:
            return [symbol["name"] for symbol in await on.client.request("workspace/symbol", {"query": query})]

        assert len(await found("")) == 5
        assert (await found("feat-001"))[0] == "FEAT-001 Renew"
        assert await found("renew") == ["FEAT-001 Renew"]
        assert await found("F1") == ["FEAT-001 Renew"]
        assert await found("search") == ["search To search"]
        assert await found("nothing of this name") == []
        (symbol,) = await on.client.request("workspace/symbol", {"query": "us-001"})
        assert shown(on, [symbol["location"]]) == [(STORY, 0, "US-001")]
        on.open(STORY, "id: US-007\ntitle: Unsaved\n")
        assert await found("unsaved") == ["US-007 Unsaved"]
    two = small_repository(tmp_path / "two", {TASK: "id: T-001\n"})
    async with editor(root, two) as on:
        symbols = await on.client.request("workspace/symbol", {"query": "t-001"})
        assert {"repository: task", "two: task"} <= {symbol["containerName"] for symbol in symbols}


async def test_files_without_language_have_empty_answers(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    async with editor(root) as on:
        on.open(outside, "id: FEAT-001\n")
        path = str(outside)
        assert await on.ask("definition", path, "FEAT¦") is None
        assert await on.ask("references", path, "FEAT¦", context={"includeDeclaration": True}) is None
        assert await on.ask("documentSymbol", path) is None
        assert await on.ask("documentLink", path) is None


async def test_a_workspace_that_was_opened_through_a_link_gets_its_own_names_of_open_files(
    root: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    try:
        link.symlink_to(root, target_is_directory=True)
    except OSError:
        pytest.skip("this account may make no links")
    async with editor(link) as on:
        on.open(FEATURE)
        on.open(STORY)
        (place,) = await on.ask("definition", STORY, "¦FEAT-001\n")
        assert place["uri"] == (link / FEATURE).as_uri()


async def test_a_daemon_process_navigates(root: Path) -> None:
    async with editor(root, process=True) as on:
        on.open(STORY)
        assert shown(on, await on.ask("definition", STORY, "¦FEAT-001\n")) == [(FEATURE, 1, "FEAT-001")]
        found = await on.ask("references", STORY, "¦FEAT-001\n", context={"includeDeclaration": False})
        assert len(found) == 5
        assert (await on.ask("documentSymbol", STORY))[0]["name"] == "US-001"
        assert len(await on.client.request("workspace/symbol", {"query": "001"})) == 3
