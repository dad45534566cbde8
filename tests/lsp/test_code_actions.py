"""Code actions: each fix of a finding mends it, and generators are commands for the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types

from ckit_daemon.core.errors import OperationCancelledError
from ckit_daemon.core.progress import SILENT
from ckit_daemon.lsp.actions import code_actions
from ckit_daemon.lsp.context import Cancellation, Client, View
from ckit_daemon.repo.opener import DiskRepositoryOpener
from ckit_daemon.services.open_repository import OpenRepository
from tests.support.editor import Editor, editor, merged, small_repository

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
    FEATURE: "id: FEAT-001 # 😀\r\ntitle: Renew\r\nuserStories:\r\n  - US-001 # first\r\n",
    STORY: "id: US-001\ntitle: Renew\nfeature: FEAT-001\n",
    TASK: "id: T-001\ntitle: Ask\n",
    SERVICE: "id: svc-mail\n",
    ".context/templates/builder/story.yaml": (
        "_template: {entityType: userstory}\nid: '{{id}}'\ntitle: '{{title}}'\nstatus: todo\n"
    ),
}
ABILITIES: Json = {
    "textDocument": {
        "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix", "source"]}}},
        "diagnostic": {"relatedInformation": True},
    },
    "workspace": {"workspaceEdit": {"documentChanges": True, "resourceOperations": ["create", "rename", "delete"]}},
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return small_repository(tmp_path / "repository", FILES)


async def fixes(on: Editor, path: str, only: list[str] | None = None) -> dict[str, Json]:
    """The quick fixes at the first diagnostic of a document."""
    diagnostics: list[Json] = (await on.ask("diagnostic", path))["items"]
    context: Json = {"diagnostics": diagnostics[:1], **({} if only is None else {"only": only})}
    actions: Any = await on.ask("codeAction", path, range=diagnostics[0]["range"], context=context)
    for action in actions:
        if action["kind"] == "quickfix":
            assert action["diagnostics"] == diagnostics[:1]
    return {action["title"]: action for action in actions}


async def findings(on: Editor) -> list[str]:
    return [each["code"] for each in (await on.client.request("ckit/repo/validate"))["findings"]]


async def test_a_missing_reverse_link_is_added_where_it_belongs(root: Path) -> None:
    async with editor(root, capabilities=ABILITIES) as on:
        on.open(FEATURE)
        on.open("contexts/userstories/US-002.yaml", "id: US-002\nfeature: FEAT-001\n")
        offered = await fixes(on, "contexts/userstories/US-002.yaml")
        action = offered["Add US-002 to FEAT-001"]
        assert action["isPreferred"] is True
        on.carry_out(action["edit"])
        assert on.texts[on.uri(FEATURE)] == FILES[FEATURE] + "  - US-002\r\n"
        assert await findings(on) == []


async def test_a_mistyped_id_can_become_the_nearest_one_or_a_new_entity(root: Path) -> None:
    async with editor(root, capabilities=ABILITIES) as on:
        on.open(FEATURE, FILES[FEATURE].replace("US-001", "US-011"))
        offered = await fixes(on, FEATURE)
        assert {"Change it to US-001", "Create the userstory US-011"} <= offered.keys()
        assert all("isPreferred" not in action for action in offered.values())
        on.carry_out(offered["Change it to US-001"]["edit"])
        assert on.texts[on.uri(FEATURE)] == FILES[FEATURE]
        assert await findings(on) == []


async def test_a_missing_entity_is_made_from_the_template_of_its_type_and_linked_back(root: Path) -> None:
    async with editor(root, capabilities=ABILITIES) as on:
        on.open(FEATURE, FILES[FEATURE].rstrip() + "\r\n  - US-007\r\n")
        action = (await fixes(on, FEATURE))["Create the userstory US-007"]
        (made, _) = action["edit"]["documentChanges"]
        path = made["uri"].removeprefix(on.root.as_uri() + "/")
        on.carry_out(action["edit"])
        assert (root / path).read_text("utf-8") == (
            "id: 'US-007'\ntitle: '{{title}}'\nstatus: todo\nfeature: 'FEAT-001'\n"
        )
        assert await findings(on) == []


async def test_a_missing_entity_of_one_of_two_types_is_of_that_whose_ids_look_so(root: Path) -> None:
    async with editor(root, capabilities=ABILITIES) as on:
        on.open(SERVICE, "id: svc-mail\ndependencies: [svc-pens@^1.0.0]\n")
        (service,) = (await fixes(on, SERVICE, ["quickfix"])).values()
        assert service["edit"]["documentChanges"][0]["uri"] == on.uri("contexts/services/svc-pens.yaml")
        on.type(SERVICE, "id: svc-mail\ndependencies: [pkg-pens]\n")
        (package,) = (await fixes(on, SERVICE, ["quickfix"])).values()
        assert package["edit"]["documentChanges"][0]["uri"] == on.uri("contexts/packages/pkg-pens.yaml")


async def test_a_value_that_is_not_allowed_can_become_each_that_is_the_nearest_first(root: Path) -> None:
    async with editor(root, capabilities=ABILITIES) as on:
        on.open(STORY, FILES[STORY] + "status: 'dune' # 😀\n")
        offered = await fixes(on, STORY, ["quickfix"])
        assert list(offered) == ['Change it to "done"', 'Change it to "doing"', 'Change it to "todo"']
        on.carry_out(offered['Change it to "done"']["edit"])
        assert on.texts[on.uri(STORY)] == FILES[STORY] + "status: 'done' # 😀\n"


@pytest.mark.parametrize(
    ("text", "title", "mended", "preferred"),
    [
        ("titel: Ask # 😀\r\n", "Rename 'titel' to 'title'", "title: Ask # 😀\r\n", True),
        ("title: 1.10 # 😀\r\n", 'Change it to "1.10"', 'title: "1.10" # 😀\r\n', True),
        ("steps: ask # 😀\r\n", 'Change it to ["ask"]', "steps: # 😀\r\n  - ask\r\n", True),
        # It may hold what was meant to be somewhere else.
        ("colour:\r\n  - red\r\n", "Remove 'colour'", "", None),
    ],
)
async def test_what_breaks_its_schema_in_one_clear_way_is_mended(
    root: Path, text: str, title: str, mended: str, preferred: bool | None
) -> None:
    frame = "id: T-001 # the first\r\n{}# the end\r\nowner: ann\r\n"
    async with editor(root, capabilities=ABILITIES) as on:
        on.open(TASK, frame.format(text))
        offered = await fixes(on, TASK, ["quickfix"])
        assert {name: action.get("isPreferred") for name, action in offered.items()} == {title: preferred}
        on.carry_out(offered[title]["edit"])
        assert on.texts[on.uri(TASK)] == frame.format(mended)
        assert await findings(on) == []


async def test_fixes_that_nobody_waits_for_are_not_tried(root: Path) -> None:
    (root / STORY).write_text("id: US-001\nstatus: dune\n", "utf-8")
    store = await DiskRepositoryOpener().open(root, SILENT)
    try:
        stopping = Cancellation()
        client = Client(types.ClientCapabilities(), "utf-16", {"edits"})
        view = View(OpenRepository(store), store.snapshot, client, {}, {}, stopping)
        whole = types.Range(types.Position(0, 0), types.Position(9, 0))
        asked = types.CodeActionParams(
            types.TextDocumentIdentifier((root / STORY).as_uri()), whole, types.CodeActionContext([])
        )
        assert len(code_actions(view, store.snapshot.documents[STORY], asked)) == 3
        stopping.cancel()
        with pytest.raises(OperationCancelledError):
            code_actions(view, store.snapshot.documents[STORY], asked)
    finally:
        await store.aclose()


async def test_only_what_stands_in_the_range_is_mended(root: Path) -> None:
    async with editor(root, capabilities=ABILITIES) as on:
        on.open(STORY, FILES[STORY] + "status: dune\n")
        place = {"line": 0, "character": 0}
        actions = await on.ask(
            "codeAction",
            STORY,
            range={"start": place, "end": place},
            context={"diagnostics": [], "only": ["quickfix"]},
        )
        assert actions == []


async def test_a_client_that_makes_no_files_is_offered_no_new_entity(root: Path) -> None:
    plain = merged(ABILITIES, {"workspace": {"workspaceEdit": {"documentChanges": False}}})
    async with editor(root, capabilities=plain) as on:
        on.open(FEATURE, FILES[FEATURE].replace("US-001", "US-011"))
        offered = await fixes(on, FEATURE, ["quickfix"])
        assert list(offered) == ["Change it to US-001"]
        on.carry_out(offered["Change it to US-001"]["edit"])
        assert on.texts[on.uri(FEATURE)] == FILES[FEATURE]


async def test_a_file_that_can_not_be_edited_by_itself_is_left_to_a_person(root: Path) -> None:
    async with editor(root, capabilities=ABILITIES) as on:
        on.open(FEATURE, "id: FEAT-001\nuserStories: []\ntitle: [\n")
        on.open(STORY, "id: US-001\nfeature: FEAT-009\n")
        offered = await fixes(on, STORY, ["quickfix"])
        assert "Create the feature FEAT-009" in offered
        on.type(STORY, "a: &a [FEAT-009]\nb: *a\nid: US-001\nfeature: [")
        assert await fixes(on, STORY, ["quickfix"]) == {}


async def test_generators_are_commands_that_the_client_carries_out(root: Path) -> None:
    template = root / ".context/templates/prompts/feature.hbs"
    template.parent.mkdir(parents=True)
    template.write_text("{{title}}\n", "utf-8")
    place = {"line": 1, "character": 0}

    async def offered(on: Editor, path: str, at: Json, only: list[str] | None = None) -> list[Any]:
        context: Json = {"diagnostics": [], **({} if only is None else {"only": only})}
        actions: Any = await on.ask("codeAction", path, range={"start": at, "end": at}, context=context)
        return [(action["title"], action["command"]["command"], action["command"]["arguments"]) for action in actions]

    prompt = ("Generate prompt for FEAT-001", "ckit.generatePrompt", ["FEAT-001"])
    spec = ("Generate spec from FEAT-001", "ckit.generateSpec", ["FEAT-001"])
    async with editor(root, capabilities=ABILITIES) as on:
        on.open(FEATURE)
        on.open(STORY)
        on.open(TASK)
        for only in (None, ["source"], ["source.ckit"], [""]):
            assert await offered(on, FEATURE, place, only) == [prompt, spec]
        for only in (["quickfix"], ["refactor"], ["source.organizeImports"]):
            assert await offered(on, FEATURE, place, only) == []
        # At a reference it is about the entity that is named there.
        assert await offered(on, STORY, {"line": 2, "character": 12}) == [prompt, spec]
        assert await offered(on, STORY, place) == [("Generate spec from US-001", "ckit.generateSpec", ["US-001"])]
        assert await offered(on, TASK, place) == []
    off = {"protocolVersions": ["1.0"], "config": {"features": {"generation": False, "edits": False}}}
    async with editor(root, capabilities=ABILITIES, options=off) as on:
        on.open(FEATURE)
        assert await offered(on, FEATURE, place) == [prompt]
        on.open(STORY, FILES[STORY] + "status: dune\n")
        assert all(action["kind"] != "quickfix" for action in (await fixes(on, STORY)).values())


async def test_a_daemon_process_mends_what_it_finds(root: Path) -> None:
    async with editor(root, capabilities=ABILITIES, process=True) as on:
        kinds = on.client.initialize_result["capabilities"]["codeActionProvider"]["codeActionKinds"]
        assert kinds == ["quickfix", "source.ckit"]
        on.open(FEATURE, "id: FEAT-001\ntitle: Renew\n")
        action = (await fixes(on, STORY))["Add US-001 to FEAT-001"]
        on.carry_out(action["edit"])
        assert on.texts[on.uri(FEATURE)] == "id: FEAT-001\ntitle: Renew\nuserStories:\n  - US-001\n"
        assert await findings(on) == []
