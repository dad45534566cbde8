"""Hover: cards of entities, and what fields mean, in whole documents and in half-typed ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.editor import Editor, editor, small_repository, text_at

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Json

pytestmark = pytest.mark.asyncio

MARKDOWN: Json = {"textDocument": {"hover": {"contentFormat": ["markdown", "plaintext"]}}}
FEATURE, STORY, TASK, SERVICE = (
    "contexts/features/FEAT-001.yaml",
    "contexts/userstories/US-001.yaml",
    "contexts/tasks/T-001.yaml",
    "contexts/services/svc-mail.yaml",
)
FILES = {
    FEATURE: "id: FEAT-001\ntitle: Renew a loan\nstatus: doing\nurgent: true\nuserStories: [US-001]\ntasks: [T-001]\n",
    STORY: "id: US-001\ntitle: Renew by phone\nfeature: FEAT-001\n",
    TASK: "id: T-001\ntitle: Ask\nrelated:\n  feature: FEAT-001\n  service: svc-mail\n",
    SERVICE: "id: svc-mail\nname: Mail\napi: {version: 1.2.0}\ndependencies:\n  - svc-mail@^1.0.0\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return small_repository(tmp_path / "repository", FILES)


async def hover(on: Editor, path: str, place: str) -> tuple[str, str] | None:
    """What is shown, and the text that it is shown at."""
    shown: Any = await on.ask("hover", path, place)
    if shown is None:
        return None
    return shown["contents"]["value"], text_at(on.texts[on.uri(path)], shown["range"])


async def test_an_id_shows_a_card_of_its_entity(root: Path) -> None:
    async with editor(root, capabilities=MARKDOWN) as on:
        on.open(STORY)
        shown = await hover(on, STORY, "FEAT-¦001")
        assert shown is not None
        card, at = shown
        assert at == "FEAT-001"
        assert card.split("\n\n")[0] == f"[FEAT-001](<{on.uri(FEATURE)}>) **Renew a loan**"
        assert card.split("\n\n")[1] == "feature · status `doing` · urgent `true`"
        assert f"userStories: [US-001](<{on.uri(STORY)}>) Renew by phone" in card
        assert f"tasks: [T-001](<{on.uri(TASK)}>) Ask" in card


async def test_a_card_names_those_who_name_the_entity_and_only_they(root: Path) -> None:
    async with editor(root) as on:
        on.open(TASK)
        shown = await hover(on, TASK, "svc-¦mail")
        assert shown is not None
        assert shown[0].splitlines()[-2:] == ["dependencies: svc-mail Mail", "named by: T-001 Ask"]


async def test_unsaved_text_is_what_a_card_shows(root: Path) -> None:
    async with editor(root) as on:
        on.open(FEATURE)
        on.type(FEATURE, FILES[FEATURE].replace("Renew a loan", "Prolong 😀"))
        on.open(STORY)
        shown = await hover(on, STORY, "FEAT-¦001")
        assert shown is not None
        assert shown[0].startswith("FEAT-001 Prolong 😀\n")


async def test_what_a_repository_says_is_no_markdown(root: Path) -> None:
    evil = '"![x](https://example.org/a.png) <b>*bold*</b> `code`"'
    async with editor(root, capabilities=MARKDOWN) as on:
        on.open(FEATURE, FILES[FEATURE].replace("Renew a loan", evil))
        on.open(STORY)
        shown = await hover(on, STORY, "FEAT-¦001")
        assert shown is not None
        assert r"!\[x\](https://example.org/a.png) \<b\>\*bold\*\</b\> \`code\`" in shown[0]


@pytest.mark.parametrize(
    ("path", "text", "place", "named"),
    [
        pytest.param(SERVICE, None, "svc-¦mail@", "svc-mail", id="a dependency with its version"),
        pytest.param(TASK, "id: T-001\ntitle: See FEAT-001 first\n", "FEAT¦-001 first", "FEAT-001", id="in a text"),
        pytest.param(TASK, "# FEAT-001\nid: T-001\n", "¦FEAT-001", "FEAT-001", id="in a comment"),
        pytest.param(TASK, "id: T-001\nrelated: {feature: 'FEAT-001'", "FEAT-0¦01", "FEAT-001", id="unclosed bracket"),
        pytest.param(TASK, "id: T-001\r\nrelated:\r\n\tfeature: FEAT-001\r\n", "F¦EAT", "FEAT-001", id="tab and CRLF"),
        pytest.param(FEATURE, "😀: [x]\nid: FEAT-001\ntasks: [T-001 # 😀\n", "[T-¦001", "T-001", id="wide characters"),
        pytest.param(TASK, "id: T-001\nrelated:\n  feature: &f FEAT-001\n", "FEAT-¦001", "FEAT-001", id="an anchor"),
        pytest.param(TASK, "id: T-001", "T-001¦", "T-001", id="at the end of the file"),
    ],
)
async def test_ids_are_found_wherever_they_stand(
    root: Path, path: str, text: str | None, place: str, named: str
) -> None:
    async with editor(root) as on:
        on.open(path, text)
        shown = await hover(on, path, place)
        assert shown is not None
        assert shown[1] == named
        assert shown[0].startswith(named)


async def test_a_reference_to_nothing_says_so(root: Path) -> None:
    async with editor(root) as on:
        on.open(STORY, FILES[STORY].replace("FEAT-001", "FEAT-009"))
        assert await hover(on, STORY, "FEAT-¦009") == ("There is no feature with the id FEAT-009.", "FEAT-009")


async def test_a_second_definition_of_an_id_shows_itself(root: Path) -> None:
    other = "contexts/tasks/T-001b.yaml"
    async with editor(root) as on:
        on.open(other, "id: T-001\ntitle: Second\n")
        shown = await hover(on, other, "T-¦001")
        assert shown is not None
        assert shown[0].startswith("T-001 Second")


async def test_the_id_of_a_second_document_in_a_file_shows_who_has_it(root: Path) -> None:
    async with editor(root) as on:
        on.open(TASK, "id: T-001\ntitle: Ask\n---\nid: FEAT-001\n---\nid: T-777\n")
        shown = await hover(on, TASK, "id: FEAT¦-001")
        assert shown is not None
        assert shown[0].startswith("FEAT-001 Renew a loan")
        assert await hover(on, TASK, "id: T¦-777") is None


async def test_a_key_shows_what_its_field_means(root: Path) -> None:
    async with editor(root, capabilities=MARKDOWN) as on:
        on.open(FEATURE)
        assert await hover(on, FEATURE, "st¦atus") == (
            "**status**\n\nWhere it stands.\n\nOne of `todo`, `doing`, `done`\n\nDefault: `todo`",
            "status",
        )
        shown = await hover(on, FEATURE, "user¦Stories")
        assert shown is not None
        assert shown[0].split("\n\n") == [
            "**userStories** · list of string",
            "The stories that it is made of.",
            "Ids of any number of userstory entities (has-story); its `feature` must name this one back.",
        ]
        identifier = await hover(on, FEATURE, "¦id: ")
        assert identifier is not None
        assert identifier[0].startswith("**id** · string · required\n\nThe name of it.\n\nPattern: `^FEAT-[0-9]{3,}$`")


async def test_a_nested_key_is_explained_while_the_document_does_not_parse(root: Path) -> None:
    async with editor(root) as on:
        on.open(TASK, 'id: T-001\ntitle: "unclosed\nrelated:\n  feature: FEAT-001\n  spec: [')
        shown = await hover(on, TASK, "fea¦ture")
        assert shown is not None
        assert shown[0].startswith("related.feature · string\n\nThe id of one feature entity (has-task)")


async def test_where_nothing_is_known_nothing_is_shown(root: Path, tmp_path: Path) -> None:
    async with editor(root) as on:
        on.open(FEATURE, "id: FEAT-001\nunknown: search\n\ntitle: Renew # search\n")
        for place in ("unk¦nown", "sea¦rch", "\n¦\n", "Re¦new"):
            assert await hover(on, FEATURE, place) is None
        outside = tmp_path / "elsewhere.yaml"
        on.open(outside, "id: FEAT-001\n")
        assert await hover(on, str(outside), "FEAT-¦001") is None
        (root / STORY).write_bytes(b"\xff")
        assert (
            await on.client.request(
                "textDocument/hover", {"textDocument": {"uri": on.uri(STORY)}, "position": {"line": 7, "character": 9}}
            )
            is None
        )


async def test_ids_are_understood_in_markdown_and_templates(root: Path) -> None:
    (root / "README.md").write_text("# About\n\n😀 FEAT-001 is first.\n", "utf-8")
    template = ".context/templates/prompts/feature.hbs"
    (root / template).parent.mkdir(parents=True)
    (root / template).write_text("Like T-001: {{title}}\n", "utf-8")
    async with editor(root) as on:
        on.open("README.md")
        on.open(template)
        assert (await hover(on, "README.md", "FEAT¦-001") or ("", ""))[1] == "FEAT-001"
        assert (await hover(on, template, "T-0¦01") or ("", ""))[1] == "T-001"


async def test_each_root_answers_for_its_own_files(tmp_path: Path) -> None:
    one = small_repository(tmp_path / "one", FILES)
    two = small_repository(tmp_path / "two", {**FILES, FEATURE: "id: FEAT-001\ntitle: Another\n"})
    async with editor(one, two) as on:
        for root, title in ((one, "Renew a loan"), (two, "Another")):
            path = str(root / STORY)
            on.open(path)
            shown = await hover(on, path, "FEAT-¦001")
            assert shown is not None
            assert shown[0].startswith(f"FEAT-001 {title}")


async def test_a_daemon_process_answers_hover(root: Path) -> None:
    async with editor(root, capabilities=MARKDOWN, process=True) as on:
        on.open(STORY)
        shown = await hover(on, STORY, "FEAT-¦001")
        assert shown is not None
        assert shown[1] == "FEAT-001"
