"""The Neovim plugin drives the daemon in a real Neovim that the test types into."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.support.nvim import Nvim
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.nvim_screen import Screen

PLUGIN = Path(__file__).parents[2] / "editors" / "neovim"
SHOTS = PLUGIN.parents[1] / ".cache" / "hosts" / "screenshots" / "neovim"
DEADLINE_SECONDS = 60


def program() -> str:
    """Neovim beside the interpreter, or in PATH; where CI runs it has to be there."""
    beside = Path(sys.executable).with_name("nvim")
    found = str(beside) if beside.exists() else shutil.which("nvim")
    if found is None:
        assert not os.environ.get("CI"), "Neovim is not installed"
        pytest.skip("Neovim is not installed")
    return found


class Editor:
    """A Neovim with the plugin, in a repository with one planted fault."""

    def __init__(self, root: Path, tmp_path: Path) -> None:
        self.root = root
        own = {
            name: str(tmp_path / name) for name in ("CKIT_PATHS_CACHE_DIR", "CKIT_PATHS_STATE_DIR", "XDG_STATE_HOME")
        }
        self.nvim = Nvim(program(), {**os.environ, **own, "CKIT_CONFIG_FILE": os.devnull})
        self.lua, self.command = self.nvim.lua, self.nvim.command
        self.command(f"set runtimepath^={PLUGIN} background=dark termguicolors")
        self.command("runtime plugin/ckit.lua")
        self.lua("require('ckit').setup({ cmd = { select(1, ...), '-m', 'ckit_daemon' } })", sys.executable)
        self.lua("_G.said = {}; vim.notify = function(text) table.insert(_G.said, text) end")

    def edit(self, kind: str, beginning: str) -> Path:
        """Open the file of an entity."""
        path = next((self.root / "contexts" / kind).glob(f"{beginning}*"))
        self.command(f"edit {path}")
        self.command("set filetype=yaml")
        return path

    def until(self, holds: Callable[[], Any], what: str) -> Any:
        """Wait until something holds, and return it."""
        end = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < end:
            found = holds()
            if found:
                return found
            # Every look is a request that Neovim answers between what it does for the plugin.
            time.sleep(0.02)
        raise AssertionError(f"{what} did not come; messages: {self.lua('return _G.said')}; text: {self.text()}")

    def ready(self) -> None:
        """Wait for the daemon."""
        script = "local c = vim.lsp.get_clients({ name = 'ckit' })[1]; return c ~= nil and c.initialized == true"
        self.until(lambda: self.lua(script), "the daemon")

    def text(self) -> str:
        """The text of the window in which the cursor is."""
        return "\n".join(self.lua("return vim.api.nvim_buf_get_lines(0, 0, -1, false)"))

    def screen(self) -> Screen:
        """What a person sees now."""
        self.command("redraw")
        self.lua("return 0")
        return self.nvim.screen

    def line(self) -> str:
        """The line of the cursor."""
        return self.lua("return vim.api.nvim_get_current_line()")

    def call(self, function: str, *arguments: object) -> Any:
        """Call a function of Vim."""
        return self.nvim.request("nvim_call_function", function, [*arguments])

    def shows(self, part: str) -> None:
        """Wait for a text in the current window."""
        self.until(lambda: part in self.text(), part)

    def choose(self, label: str) -> None:
        """Answer the next question of `vim.ui.select` with an item, and keep what was shown then."""
        self.lua(
            """
            local wanted = ...
            vim.ui.select = function(items, options, done)
              _G.shown = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')
              local format = options.format_item or tostring
              for _, item in ipairs(items) do
                if format(item):find(wanted, 1, true) then
                  return done(item)
                end
              end
              done(nil)
            end
            """,
            label,
        )


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[Editor]:
    root = copy_example(tmp_path / "lantern", git=False)
    feature = next((root / "contexts" / "features").glob("FEAT-001*"))
    feature.write_text(feature.read_text("utf-8").replace("status: in-progress", "status: in-progres"), "utf-8")
    opened = Editor(root, tmp_path)
    family = psutil.Process(opened.nvim.pid)
    try:
        yield opened
        processes = [family, *family.children(recursive=True)]
        opened.nvim.quit()
        _, alive = psutil.wait_procs(processes, timeout=10)
        assert alive == []
    finally:
        opened.nvim.close()


def test_a_fault_is_listed_and_mended_by_a_quick_fix(editor: Editor) -> None:
    path = editor.edit("features", "FEAT-001")
    editor.ready()
    editor.command("Ckit validate")
    entries = editor.until(lambda: editor.call("getqflist"), "the list of findings")
    assert [entry["text"].endswith("[schema.enum]") for entry in entries] == [True]
    editor.command("cfirst")
    assert editor.line() == "status: in-progres"
    editor.until(lambda: editor.lua("return #vim.diagnostic.get(0)") == 1, "the diagnostic")
    editor.lua(
        """
        vim.lsp.buf.code_action({ apply = true, filter = function(action)
          return action.title:find('in-progress', 1, true) ~= nil
        end })
        """
    )
    editor.until(lambda: editor.line() == "status: in-progress", "the quick fix")
    editor.command("write")
    assert "status: in-progress\n" in path.read_text("utf-8")


def test_an_answer_leads_to_the_place_that_it_cites(editor: Editor) -> None:
    editor.edit("features", "FEAT-003")
    editor.ready()
    editor.command("Ckit ask How long does an item wait on the hold shelf?")
    editor.shows("[1] ")
    assert "7 opening days" in editor.text()
    SHOTS.mkdir(parents=True, exist_ok=True)
    # For the README, after somebody has looked at it: a browser makes a picture of it.
    (SHOTS / "ask.html").write_text(editor.screen().html(), "utf-8")
    line = next(n for n, each in enumerate(editor.text().split("\n"), 1) if each.startswith("[1] "))
    editor.call("cursor", line, 1)
    editor.nvim.request("nvim_input", "<CR>")
    editor.until(lambda: "7 opening days" in editor.line(), "the cited line")


def test_what_a_conversation_changes_is_shown_first_and_written_after_a_yes(editor: Editor) -> None:
    path = editor.edit("tasks", "T-009")
    editor.ready()
    editor.choose("Deny")
    editor.command("Ckit chat Set status of T-009 to done")
    editor.shows(" tokens")
    assert "+status: done" in editor.lua("return _G.shown")
    assert "status: blocked" in path.read_text("utf-8")
    editor.choose("Allow once")
    editor.command("Ckit chat Set status of T-009 to done")
    editor.until(lambda: "status: done" in path.read_text("utf-8"), "the change")


def test_a_cancelled_turn_leaves_nothing_that_runs(editor: Editor) -> None:
    path = editor.edit("tasks", "T-009")
    editor.ready()
    # Nobody answers the question, so the turn waits.
    editor.lua("vim.ui.select = function() _G.asked = true end")
    editor.command("Ckit chat Set status of T-009 to done")
    editor.until(lambda: editor.lua("return _G.asked == true"), "the question")
    editor.command("Ckit cancel")
    editor.until(lambda: not editor.lua("return require('ckit.chat').is_running()"), "the end of the turn")
    editor.until(lambda: editor.lua("return require('ckit').status()") == "ckit", "an idle status")
    assert "status: blocked" in path.read_text("utf-8")


def test_a_specification_is_saved_after_it_was_seen(editor: Editor) -> None:
    editor.edit("features", "FEAT-004")
    editor.ready()
    editor.lua(
        """
        vim.ui.select = function(items, options, done)
          for _, item in ipairs(items) do
            local label = (options.format_item or tostring)(item)
            if label == 'Save' or label == 'Allow once' then
              return done(item)
            end
          end
        end
        """
    )
    editor.command("Ckit spec FEAT-004 Members can pause notices while they travel")
    saved = editor.until(lambda: [*(editor.root / "contexts" / "specs").glob("SPEC-008*")], "the specification")
    assert "Members can pause notices" in saved[0].read_text("utf-8")


def test_commands_and_ids_are_completed(editor: Editor) -> None:
    editor.edit("features", "FEAT-001")
    editor.ready()
    assert "validate" in editor.call("getcompletion", "Ckit v", "cmdline")
    assert editor.call("getcompletion", "Ckit show feat-00", "cmdline") == [f"FEAT-00{n}" for n in range(1, 6)]
    editor.command("Ckit nonsense")
    assert "there is no `nonsense`" in editor.lua("return _G.said[#_G.said]")


def test_checkhealth_says_how_everything_is(editor: Editor) -> None:
    editor.edit("features", "FEAT-001")
    editor.ready()
    editor.command("checkhealth ckit")
    editor.shows("repository:")
    assert "ERROR" not in editor.text()


def test_a_daemon_that_is_missing_is_named_with_what_to_do(editor: Editor) -> None:
    editor.lua("require('ckit').setup({ cmd = { '/nowhere/ckit-daemon' } })")
    editor.command("checkhealth ckit")
    assert "/nowhere/ckit-daemon" in editor.text()
    assert "ERROR" in editor.text()


def test_lenses_lead_to_what_they_count(editor: Editor) -> None:
    editor.edit("features", "FEAT-003")
    editor.ready()
    lenses = editor.until(
        lambda: editor.lua(
            """
            local client = vim.lsp.get_clients({ name = 'ckit' })[1]
            local params = { textDocument = vim.lsp.util.make_text_document_params(0) }
            local answer = client:request_sync('textDocument/codeLens', params, 5000, 0)
            local lenses = answer and answer.result or {}
            for index, lens in ipairs(lenses) do
              if not lens.command then
                lenses[index] = client:request_sync('codeLens/resolve', lens, 5000, 0).result
              end
            end
            return lenses
            """
        ),
        "the lenses",
    )
    shown = next(lens["command"] for lens in lenses if lens["command"]["command"] == "ckit.showReferences")
    editor.lua(
        """
        local client = vim.lsp.get_clients({ name = 'ckit' })[1]
        vim.lsp.commands['ckit.showReferences'](..., { client_id = client.id, bufnr = 0 })
        """,
        shown,
    )
    entries = editor.until(lambda: editor.call("getqflist"), "the places")
    assert len(entries) == len(shown["arguments"][2])
    editor.command("cclose")
    editor.lua("vim.lsp.commands['ckit.showImpact']({ arguments = { 'FEAT-003' } }, {})")
    editor.until(lambda: editor.lua("return vim.fn.getqflist({ title = 0 }).title") == "ckit impact", "the impact")
