"""Diagnostics, pulled and pushed: the findings of validation on unsaved text, with places an editor can jump to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types

from ckit_daemon.core.progress import SILENT
from ckit_daemon.lsp import feed
from ckit_daemon.lsp.context import Client, View
from ckit_daemon.lsp.diagnostics import document_diagnostics, workspace_diagnostics
from ckit_daemon.repo.opener import DiskRepositoryOpener
from ckit_daemon.services.open_repository import OpenRepository
from tests.support.client import TIMEOUT_SECONDS
from tests.support.editor import Editor, editor, small_repository, text_at

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Json

pytestmark = pytest.mark.asyncio

ABILITIES: Json = {"relatedInformation": True, "codeDescriptionSupport": True, "tagSupport": {"valueSet": [1, 2]}}
PULLS: Json = {"textDocument": {"diagnostic": ABILITIES}, "workspace": {"diagnostics": {"refreshSupport": True}}}
PUSHED: Json = {"textDocument": {"publishDiagnostics": ABILITIES}}

FEATURE, STORY, TASK = (
    "contexts/features/FEAT-001.yaml",
    "contexts/userstories/US-001.yaml",
    "contexts/tasks/T-001.yaml",
)
FILES = {
    FEATURE: "id: FEAT-001\ntitle: Renew\nstatus: done\nuserStories: [US-001]\n",
    STORY: "id: US-001\ntitle: Renew\nstatus: done\nfeature: FEAT-001\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return small_repository(tmp_path / "repository", FILES)


async def pull(on: Editor, path: str, previous: str | None = None) -> Any:
    return await on.ask("diagnostic", path, **({} if previous is None else {"previousResultId": previous}))


async def codes(on: Editor, path: str) -> list[str]:
    return [item["code"] for item in (await pull(on, path))["items"]]


async def published(on: Editor, uri: str) -> Json:
    """The next diagnostics of a file; those of others are dropped."""
    while True:
        told = await on.client.notification("textDocument/publishDiagnostics")
        if told["uri"] == uri:
            return told


async def test_unsaved_text_is_checked_as_validate_checks_it(root: Path) -> None:
    async with editor(root, capabilities=PULLS) as on:
        capabilities = on.client.initialize_result["capabilities"]["diagnosticProvider"]
        assert capabilities["interFileDependencies"] is True
        assert capabilities["workspaceDiagnostics"] is True
        on.open(STORY)
        assert (await pull(on, STORY))["items"] == []
        on.type(STORY, "id: US-001\ntitle: Renew\nstatus: dome\nfeature: FEAT-009\n")
        items = (await pull(on, STORY))["items"]
        findings = (await on.client.request("ckit/repo/validate", {"paths": [STORY]}))["findings"]
        assert [(item["code"], item["message"], item["range"]) for item in items] == [
            (finding["code"], finding["message"], finding["location"]["range"]) for finding in findings
        ]
        text = on.texts[on.uri(STORY)]
        assert [(item["code"], text_at(text, item["range"])) for item in items] == [
            ("schema.enum", "dome"),
            ("reference.unresolved", "FEAT-009"),
        ]
        assert {item["source"] for item in items} == {"ckit"}
        assert items[0]["severity"] == 1


async def test_related_places_tags_and_the_schema_are_named_for_clients_that_show_them(root: Path) -> None:
    async with editor(root, capabilities=PULLS) as on:
        on.open(FEATURE, "id: FEAT-001\ntitle: Renew\nstatus: dome\nuserStories: []\n")
        (listed,) = (await pull(on, STORY))["items"]
        assert listed["code"] == "reference.not-listed"
        (related,) = listed["relatedInformation"]
        assert related["location"]["uri"] == on.uri(FEATURE)
        assert text_at(on.texts[on.uri(FEATURE)], related["location"]["range"]) == "userStories"
        (chosen,) = (await pull(on, FEATURE))["items"]
        assert chosen["codeDescription"] == {"href": on.uri(".context/schemas/feature.schema.json")}
        assert "tags" not in chosen
        on.type(FEATURE, "id: FEAT-001\ntitle: !name Renew\nstatus: done\nuserStories: [US-001]\n")
        (tagged,) = (await pull(on, FEATURE))["items"]
        assert (tagged["code"], tagged["tags"]) == ("yaml.tag", [1])
        assert "codeDescription" not in tagged


async def test_a_client_that_shows_no_more_gets_no_more(root: Path) -> None:
    async with editor(root, capabilities={"textDocument": {"diagnostic": {}}}) as on:
        on.open(FEATURE, "id: FEAT-001\ntitle: !name Renew\nstatus: dome\nuserStories: []\n")
        items = [*(await pull(on, STORY))["items"], *(await pull(on, FEATURE))["items"]]
        assert [item["code"] for item in items] == ["reference.not-listed", "yaml.tag", "schema.enum"]
        assert all(not {"relatedInformation", "tags", "codeDescription"} & item.keys() for item in items)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
async def test_ranges_are_right_behind_wide_characters_whatever_ends_the_lines(root: Path, newline: str) -> None:
    async with editor(root, capabilities=PULLS) as on:
        on.open(STORY, newline.join(["# 😀", '{title: "é😀", # 😀', ' id: US-001, "feature": "FEAT-009"}', ""]))
        (item,) = (await pull(on, STORY))["items"]
        assert text_at(on.texts[on.uri(STORY)], item["range"]) == '"FEAT-009"'
        on.type(STORY, '{title: "é😀", id: US-001, feature: FEAT-009}' + newline)
        (item,) = (await pull(on, STORY))["items"]
        assert text_at(on.texts[on.uri(STORY)], item["range"]) == "FEAT-009"
        assert item["range"]["start"] == {"line": 0, "character": 36}


async def test_what_did_not_change_is_not_sent_again(root: Path) -> None:
    async with editor(root, capabilities=PULLS) as on:
        on.open(STORY, FILES[STORY].replace("done", "dome"))
        first = await pull(on, STORY)
        again = await pull(on, STORY, first["resultId"])
        assert again == {"kind": "unchanged", "resultId": first["resultId"]}
        on.type(STORY, FILES[STORY].replace("done", "dume"))
        third = await pull(on, STORY, first["resultId"])
        assert third["kind"] == "full"
        assert third["resultId"] != first["resultId"]


async def test_what_only_moved_in_the_client_s_units_is_sent_again(root: Path) -> None:
    async with editor(root, capabilities=PULLS) as on:
        on.open(STORY, "{id: US-001, title: é, feature: FEAT-009}")
        first = await pull(on, STORY)
        on.type(STORY, "{id: US-001, title: 😀, feature: FEAT-009}")
        second = await pull(on, STORY, first["resultId"])
        assert second["kind"] == "full"
        assert text_at(on.texts[on.uri(STORY)], second["items"][0]["range"]) == "FEAT-009"


async def test_places_are_those_of_the_text_that_was_checked_where_it_is_newer(root: Path) -> None:
    store = await DiskRepositoryOpener().open(root, SILENT)
    try:
        uri = (root / STORY).as_uri()
        client = Client(types.ClientCapabilities(), "utf-16")
        view = View(OpenRepository(store), store.snapshot, client, {STORY: uri}, {STORY: 1}, SILENT)
        text = "{id: US-001, title: 😀, feature: FEAT-009}"
        await store.overlay(STORY, text)
        asked = types.DocumentDiagnosticParams(types.TextDocumentIdentifier(uri))
        told = document_diagnostics(view, view.snapshot.documents[STORY], asked)
        assert isinstance(told, types.RelatedFullDocumentDiagnosticReport)
        (all_told,) = workspace_diagnostics([view], types.WorkspaceDiagnosticParams([])).items
        assert isinstance(all_told, types.WorkspaceFullDocumentDiagnosticReport)
        # Which version the newer text has is not known.
        assert (all_told.items, all_told.version) == (told.items, None)
        (item,) = told.items
        assert (item.range.start.character, item.range.end.character) == (33, 41)
        assert text.encode("utf-16-le")[66:82].decode("utf-16-le") == "FEAT-009"
    finally:
        await store.aclose()


async def test_the_whole_workspace_is_told_with_files_that_are_not_open(tmp_path: Path) -> None:
    roots = [
        small_repository(tmp_path / name, {**FILES, STORY: FILES[STORY].replace("done", "dome")})
        for name in ("one", "two")
    ]
    async with editor(*roots, capabilities=PULLS) as on:

        async def told(previous: list[Json]) -> dict[str, Json]:
            result = await on.client.request("workspace/diagnostic", {"previousResultIds": previous})
            return {item["uri"]: item for item in result["items"]}

        first = await told([])
        assert set(first) == {(root / STORY).as_uri() for root in roots}
        known = [{"uri": uri, "value": item["resultId"]} for uri, item in first.items()]
        assert {item["kind"] for item in (await told(known)).values()} == {"unchanged"}
        on.open(STORY, FILES[STORY])
        second = await told(known)
        mended = second[on.uri(STORY)]
        assert (mended["kind"], mended["items"]) == ("full", [])
        assert second[(roots[1] / STORY).as_uri()]["kind"] == "unchanged"
        # What is known to be clean is not told again.
        cleaned = [{"uri": uri, "value": item["resultId"]} for uri, item in second.items()]
        assert set(await told(cleaned)) == {(roots[1] / STORY).as_uri()}


async def test_a_client_that_pulls_is_asked_to_pull_again_when_other_files_are_concerned(root: Path) -> None:
    async with editor(root, capabilities=PULLS) as on:
        on.client.answer("workspace/diagnostic/refresh", lambda _: None)
        asked = asyncio.Event()
        on.client.watch = lambda message: (
            asked.set() if message.get("method") == "workspace/diagnostic/refresh" else None
        )
        on.open(FEATURE)
        await asyncio.wait_for(asked.wait(), TIMEOUT_SECONDS)
        asked.clear()
        on.type(FEATURE, "id: FEAT-001\ntitle: Renew\nstatus: done\n")
        await asyncio.wait_for(asked.wait(), TIMEOUT_SECONDS)
        assert await codes(on, STORY) == ["reference.not-listed"]


async def test_a_file_outside_of_any_repository_has_no_diagnostics(root: Path, tmp_path: Path) -> None:
    async with editor(root, capabilities=PULLS) as on:
        outside = tmp_path / "elsewhere.yaml"
        on.open(outside, "id: [")
        assert await pull(on, str(outside)) == {"kind": "full", "items": []}
        for uri in ("untitled:Untitled-1", "git:/x.yaml", on.uri("package.json")):
            result = await on.client.request("textDocument/diagnostic", {"textDocument": {"uri": uri}})
            assert result == {"kind": "full", "items": []}


async def test_an_unreadable_file_says_why(root: Path) -> None:
    (root / STORY).write_bytes(b"id: US-001\nfeature: \xff\n")
    async with editor(root, capabilities=PULLS) as on:
        (item,) = (await pull(on, STORY))["items"]
        assert item["code"] == "file.not-utf8"
        assert item["range"] == {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
        # Open in the editor it has a text that can be read.
        on.open(STORY, FILES[STORY])
        assert await codes(on, STORY) == []


async def test_diagnostics_are_pushed_to_a_client_that_does_not_pull(root: Path) -> None:
    async with editor(root, capabilities=PUSHED) as on:
        assert "diagnosticProvider" not in on.client.initialize_result["capabilities"]
        uri = on.open(STORY)
        first = await published(on, uri)
        assert (first["version"], first["diagnostics"]) == (1, [])
        on.type(STORY, FILES[STORY].replace("done", "dome"))
        second = await published(on, uri)
        assert [item["code"] for item in second["diagnostics"]] == ["schema.enum"]
        assert second["version"] == 2
        on.close(STORY)
        last = await published(on, uri)
        assert last["diagnostics"] == []


async def test_every_file_that_a_change_concerns_is_pushed_open_or_not(root: Path) -> None:
    async with editor(root, capabilities=PUSHED) as on:
        await published(on, on.open(FEATURE))
        on.type(FEATURE, FILES[FEATURE].replace("[US-001]", "[]"))
        story = await published(on, on.uri(STORY))
        assert [item["code"] for item in story["diagnostics"]] == ["reference.not-listed"]
        assert "version" not in story
        on.type(FEATURE, FILES[FEATURE])
        assert (await published(on, on.uri(STORY)))["diagnostics"] == []


async def test_typing_is_told_in_its_pauses_and_with_the_last_version(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "QUIET_SECONDS", 0.6)
    monkeypatch.setattr(feed, "LONGEST_SECONDS", 60.0)
    async with editor(root, capabilities=PUSHED) as on:
        uri = on.open(STORY)
        await published(on, uri)
        told: list[int] = []

        def watch(message: Json) -> None:
            if message.get("method") == "textDocument/publishDiagnostics" and message["params"]["uri"] == uri:
                told.append(message["params"]["version"])

        on.client.watch = watch
        now = asyncio.get_running_loop().time
        began, pauses = now(), 0
        while now() - began < 2:
            key = now()
            on.type(STORY, FILES[STORY].replace("done", f"dome{on.versions[uri]}"))
            await on.client.request("ckit/repo/validate", {"paths": [STORY]})
            # A pause of the machine is a pause of the typist, too.
            pauses += now() - key > 0.5
        while (last := await published(on, uri))["version"] != on.versions[uri]:
            pass
        assert f"dome{on.versions[uri] - 1}" in last["diagnostics"][0]["message"]
        assert len(told) <= 1 + pauses


async def test_who_types_without_a_pause_is_told_all_the_same(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "QUIET_SECONDS", 60.0)
    monkeypatch.setattr(feed, "LONGEST_SECONDS", 0.2)
    async with editor(root, capabilities=PUSHED) as on:
        uri = on.open(STORY, FILES[STORY].replace("done", "dome"))
        assert [item["code"] for item in (await published(on, uri))["diagnostics"]] == ["schema.enum"]


async def test_what_was_pushed_is_taken_back_when_a_repository_is_closed(root: Path) -> None:
    (root / STORY).write_text(FILES[STORY].replace("done", "dome"), "utf-8")
    async with editor(root, capabilities=PUSHED) as on:
        assert (await published(on, on.uri(STORY)))["diagnostics"] != []
        folder = {"uri": root.as_uri(), "name": "x"}
        on.client.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": [], "removed": [folder]}})
        assert (await published(on, on.uri(STORY)))["diagnostics"] == []


async def test_nothing_is_pushed_to_a_client_that_shows_no_diagnostics(root: Path) -> None:
    (root / STORY).write_text(FILES[STORY].replace("done", "dome"), "utf-8")
    async with editor(root) as on:
        on.open(STORY)
        await on.client.request("ckit/repo/validate")
        await on.client.request("ckit/health", {"fresh": True})
        assert all(told["method"] != "textDocument/publishDiagnostics" for told in on.client.notifications)


async def test_R37_without_language_features_no_capability_is_left_of_them(root: Path) -> None:
    options = {"protocolVersions": ["1.0"], "config": {"features": {"language": False}}}
    async with editor(root, capabilities=PULLS, options=options) as on:
        capabilities = on.client.initialize_result["capabilities"]
        left = {name for name in capabilities if name.endswith("Provider")}
        assert left <= {"executeCommandProvider"}
        assert "language" not in capabilities["experimental"]["ckit"]["features"]


@pytest.mark.parametrize("capabilities", [PULLS, PUSHED], ids=["pulled", "pushed"])
async def test_a_daemon_process_tells_findings_while_its_client_types(root: Path, capabilities: Json) -> None:
    async with editor(root, capabilities=capabilities, process=True) as on:
        uri = on.open(STORY)
        on.type(STORY, FILES[STORY].replace("FEAT-001", "FEAT-002"))
        if capabilities is PULLS:
            assert await codes(on, STORY) == ["reference.unresolved"]
        else:
            told = await published(on, uri)
            while told["version"] != 2:
                told = await published(on, uri)
            assert [item["code"] for item in told["diagnostics"]] == ["reference.unresolved"]
