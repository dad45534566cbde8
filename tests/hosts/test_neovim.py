"""The Neovim plugin drives the daemon in a real Neovim that the test types into."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.support.nvim_editor import PLUGIN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nvim_editor import Editor

SHOTS = PLUGIN.parents[1] / ".cache" / "hosts" / "screenshots" / "neovim"


def test_nothing_is_loaded_before_it_is_needed(editor: Editor, tmp_path: Path) -> None:
    script = """
        return vim.tbl_filter(function(name) return name:find('^ckit') end, vim.tbl_keys(package.loaded))
        """
    (tmp_path / "alone.yaml").write_text("a: 1\n", "utf-8")
    editor.command(f"edit {tmp_path / 'alone.yaml'} | set filetype=yaml")
    # What `setup()` takes; nobody has to call it.
    assert sorted(editor.lua(script)) == ["ckit", "ckit.config"]
    editor.edit("features", "FEAT-001")
    editor.ready()
    assert {"ckit.chat", "ckit.commands", "ckit.window", "ckit.approval"}.isdisjoint(editor.lua(script))


def test_a_repository_is_what_the_daemon_takes_for_one(editor: Editor) -> None:
    attached = "return vim.tbl_map(function(each) return each.root_dir end, vim.lsp.get_clients({ bufnr = 0 }))"
    # Of what makes a root, Git's folder and that for prompts are left.
    shutil.rmtree(editor.root / ".context")
    editor.edit("features", "FEAT-001")
    editor.ready()
    assert editor.lua(attached) == [str(editor.root)]
    other = editor.root.parent / "other" / "contexts"
    other.mkdir(parents=True)
    (other / "a.yaml").write_text("id: A-1\n", "utf-8")
    editor.command(f"edit {other / 'a.yaml'} | set filetype=yaml")
    assert not editor.lua(attached)


def test_a_fault_is_listed_and_mended_by_a_quick_fix(editor: Editor) -> None:
    path = editor.edit("features", "FEAT-001")
    editor.ready()
    editor.command("Ckit validate")
    entries = editor.until(lambda: editor.call("getqflist"), "the list of findings")
    assert [entry["text"].endswith("[schema.enum]") for entry in entries] == [True]
    editor.command("cfirst")
    assert editor.line() == "status: in-progres"
    editor.until(lambda: editor.lua("return #vim.diagnostic.get(0)") == 1, "the diagnostic")
    editor.fix("in-progress")
    editor.until(lambda: editor.line() == "status: in-progress", "the quick fix")
    editor.command("write")
    assert "status: in-progress\n" in path.read_text("utf-8")


def test_an_answer_leads_to_the_place_that_it_cites(editor: Editor) -> None:
    editor.edit("features", "FEAT-003")
    editor.ready()
    editor.command("Ckit index")
    editor.says("the index is ready")
    editor.command("Ckit ask How long does an item wait on the hold shelf?")
    editor.until(lambda: "\n[1] " in editor.text(), "the sources")
    assert "7 opening days" in editor.text()
    SHOTS.mkdir(parents=True, exist_ok=True)
    # For the README, after somebody has looked at it: a browser makes a picture of it.
    (SHOTS / "ask.html").write_text(editor.screen().html(), "utf-8")
    line = next(n for n, each in enumerate(editor.text().split("\n"), 1) if each.startswith("[1] "))
    editor.call("cursor", line, 1)
    editor.nvim.request("nvim_input", "<CR>")
    editor.until(lambda: "7 opening days" in editor.line(), "the cited line")


def test_what_a_change_asks_of_others_is_listed(editor: Editor) -> None:
    editor.edit("features", "FEAT-003")
    editor.ready()
    editor.command("Ckit impact FEAT-003")
    entries = editor.until(lambda: editor.call("getqflist"), "the entities")
    stale = editor.ask("ckit/repo/impact", {"ids": ["FEAT-003"]})["stale"]
    assert [entry["text"].split()[0] for entry in entries] == [each["entity"]["id"] for each in stale]
    editor.command("cclose | Ckit impact")
    editor.says("nothing becomes stale")
    editor.command("silent %s/7 opening days/9 opening days/")
    editor.command("Ckit impact unsaved")
    unsaved = editor.until(lambda: editor.call("getqflist"), "the entities")
    editor.command("cclose | write | Ckit impact unsaved")
    editor.until(lambda: editor.call("getqflist") == [], "an empty list")
    editor.command("Ckit impact commit")
    committed = editor.until(lambda: editor.call("getqflist"), "the entities")
    # The planted fault has changed since the commit as well.
    assert {entry["text"].split()[0] for entry in unsaved} < {entry["text"].split()[0] for entry in committed}


def test_passages_are_listed_and_lead_to_their_places(editor: Editor) -> None:
    editor.edit("userstories", "US-008")
    editor.ready()
    editor.command("Ckit index")
    editor.says("the index is ready")
    assert editor.ask("ckit/rag/status")["state"] == "ready"
    editor.command("Ckit search hold shelf")
    entries = editor.until(lambda: editor.call("getqflist"), "the passages")
    found = editor.ask("ckit/rag/search", {"query": "hold shelf"})["hits"]
    assert [entry["lnum"] for entry in entries] == [hit["location"]["range"]["start"]["line"] + 1 for hit in found]
    editor.command("cclose | Ckit similar")
    editor.until(lambda: editor.call("getqflist", {"title": 0})["title"] == "ckit similar US-008", "what is like it")
    assert editor.call("getqflist")


def test_reports_say_what_the_daemon_knows(editor: Editor) -> None:
    editor.edit("features", "FEAT-001")
    editor.ready()
    editor.command("Ckit inspect")
    editor.shows("# 43 entities")
    assert "- 12 task: " in editor.text()
    editor.command("close | Ckit providers")
    editor.shows("✔ **offline** (offline) for chat, generation: ready")
    editor.command("close | Ckit providers offline")
    assert "built-in" in editor.says("offline/offline: ")
    editor.command("Ckit providers nobody")
    editor.says("There is no provider 'nobody'")
    editor.command("Ckit graph FEAT-001")
    editor.shows("- US-002 ")
    editor.command("close | Ckit prompt T-009")
    editor.shows("T-009")
    editor.command("Ckit show NOPE-1")
    editor.says("There is no entity 'NOPE-1'")


def test_a_pipeline_that_writes_shows_its_files_and_asks(editor: Editor) -> None:
    editor.edit("features", "FEAT-003")
    editor.ready()
    editor.command("Ckit pipeline validate")
    editor.shows('"totalEntities": 42')
    editor.command("close")
    before = {path for path in editor.root.rglob("*") if path.is_file()}
    editor.choose("Leave it")
    editor.command("Ckit pipeline generate FEAT-003")
    editor.until(lambda: editor.lua("return _G.shown"), "the question")
    assert '"id": "FEAT-003"' in editor.lua("return _G.shown")
    assert {path for path in editor.root.rglob("*") if path.is_file()} == before
    editor.choose("Run it")
    editor.command("Ckit pipeline generate FEAT-003")
    editor.until(lambda: {path for path in editor.root.rglob("*") if path.is_file()} - before, "the files")
    editor.command("Ckit pipeline script:validate")
    editor.says("trusted workspace")
    editor.command("Ckit pipeline nonsense")
    editor.says("there is no pipeline `nonsense`")


def test_commands_and_their_arguments_are_completed(editor: Editor) -> None:
    editor.edit("features", "FEAT-001")
    editor.ready()
    assert editor.complete("Ckit va") == ["validate"]
    assert editor.complete("Ckit! ch") == ["chat"]
    assert editor.offered("Ckit show feat-00") == [f"FEAT-00{n}" for n in range(1, 6)]
    assert editor.offered("Ckit code ") == [f"SPEC-00{n}" for n in range(1, 8)]
    assert editor.complete("Ckit promptify SPEC-001 ") == ["codegen", "review", "test"]
    assert "userstory" in editor.offered("Ckit entity ")
    assert {"validate", "script:validate"} <= {*editor.offered("Ckit pipeline ")}
    assert editor.offered("Ckit providers ") == ["offline"]
    assert editor.offered("Ckit model ") == ["offline/offline"]
    assert editor.complete("Ckit mode c") == ["clarification"]
    editor.until(lambda: editor.complete("Ckit impact co") == ["CONST-LANTERN", "commit"], "the ids and the word")
    editor.command("Ckit nonsense")
    editor.says("there is no `nonsense`")
    editor.command("1,2Ckit validate")
    editor.says("takes neither lines nor a !")


def test_every_command_and_option_is_described(editor: Editor, tmp_path: Path) -> None:
    # Tags are made where a person installs the plugin, not in our own folder.
    shutil.copytree(PLUGIN / "doc", tmp_path / "help" / "doc")
    editor.command(f"set runtimepath+={tmp_path / 'help'}")
    editor.command(f"helptags {tmp_path / 'help' / 'doc'}")
    commands: list[str] = editor.lua("return vim.tbl_keys(require('ckit.commands').commands)")
    for tag in [
        *(f":Ckit-{name}" for name in commands),
        "ckit.setup()",
        "ckit.status()",
        "ckit-mappings",
        "ckit-events",
    ]:
        editor.command(f"help {tag}")
        assert f"*{tag}*" in editor.line()


def test_checkhealth_says_how_everything_is(editor: Editor) -> None:
    editor.edit("features", "FEAT-001")
    editor.ready()
    editor.command("checkhealth ckit")
    editor.shows("repository:")
    editor.shows("conversations: offline/offline")
    assert "the index is " in editor.text()
    assert "offline (offline): ready" in editor.text()
    assert "ERROR" not in editor.text()


def test_a_daemon_that_is_missing_is_named_with_what_to_do(editor: Editor) -> None:
    editor.lua("require('ckit').setup({ cmd = { '/nowhere/ckit-daemon' } })")
    editor.command("checkhealth ckit")
    assert "/nowhere/ckit-daemon" in editor.text()
    assert "ERROR" in editor.text()
    assert "pip install ckit-daemon" in editor.text()


def test_a_daemon_that_dies_is_started_again(editor: Editor) -> None:
    editor.edit("features", "FEAT-001")
    editor.ready()
    editor.kill_daemon()
    editor.says("`:Ckit restart` starts it again")
    editor.command("Ckit restart")
    editor.says("the daemon was started anew")
    editor.ready()
    editor.until(lambda: editor.lua("return #vim.diagnostic.get(0)") == 1, "the diagnostic")


def test_a_provider_that_fails_is_named_by_checkhealth_with_what_to_do(asking: Editor) -> None:
    asking.lua(
        """
        local options = require('ckit.config').options
        options.config.models.providers.lost = { kind = 'openai', apiKey = 'env:CKIT_NO_SUCH_KEY' }
        """
    )
    asking.edit("features", "FEAT-001")
    asking.ready()
    asking.command("checkhealth ckit")
    asking.shows("lost (openai)")
    assert "CKIT_NO_SUCH_KEY" in asking.text()
    assert ":Ckit providers lost" in asking.text()
