"""What Neovim says and does where something is missing, has died, or was left half done."""

from __future__ import annotations

import os
import shutil
import signal
from typing import TYPE_CHECKING

import psutil

from tests.support.model_server import Reply, ToolCallReply
from tests.support.nvim_editor import PLUGIN, Editor
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.model_server import ModelServer

BAR = "return vim.wo.winbar"
ASKED = "return _G.asked == true"
FLOATS = """
    return #vim.tbl_filter(function(window)
      return vim.api.nvim_win_get_config(window).relative ~= ''
    end, vim.api.nvim_list_wins())
    """


def daemon(editor: Editor) -> psutil.Process:
    """The process of the editor's daemon."""
    children = psutil.Process(editor.nvim.pid).children(recursive=True)
    return next(child for child in children if "ckit_daemon" in child.cmdline())


def ask_for_a_change(editor: Editor, scripted: ModelServer) -> None:
    """Have a model ask for a change, as a person sees it who does not answer."""
    arguments = {"action": "update", "id": "T-009", "changes": [{"path": ["status"], "value": "done"}]}
    scripted.enqueue(Reply(tool_calls=[ToolCallReply("entity_edit", arguments)]), Reply(text="So be it."))
    editor.edit("tasks", "T-009")
    editor.command("Ckit chat Change it")


def test_a_conversation_keeps_nobody_from_quitting(tmp_path: Path) -> None:
    editor = Editor(copy_example(tmp_path / "lantern"), tmp_path)
    try:
        editor.edit("tasks", "T-009")
        editor.ready()
        editor.command("Ckit chat What breaks if T-009 changes?")
        editor.shows(" tokens")
        editor.command("startinsert!")
        editor.type("Half a sentence<Esc>")
        editor.until(lambda: "Half a sentence" in editor.line(), "what is typed")
        editor.type(":qall<CR>")
        assert psutil.wait_procs([psutil.Process(editor.nvim.pid)], timeout=30)[1] == []
    finally:
        editor.nvim.close()


def test_arguments_that_were_edited_are_left_by_going_back(asking: Editor, scripted: ModelServer) -> None:
    asking.choose("Edit the arguments", "Deny")
    ask_for_a_change(asking, scripted)
    asking.shows('"action": "update"')
    asking.command('silent %s/"done"/"doing"/')
    asking.type("q")
    asking.shows("So be it.")
    states = [each["state"] for each in asking.ask("ckit/approval/list", {"state": None})["approvals"]]
    assert states == ["denied"]


def test_a_question_goes_with_the_daemon_that_asked_it(editor: Editor) -> None:
    editor.lua("vim.ui.select = function() _G.asked = true end")
    editor.edit("tasks", "T-009")
    editor.ready()
    editor.command("Ckit chat Set status of T-009 to done")
    editor.until(lambda: editor.lua(ASKED), "the question")
    assert editor.lua(FLOATS) == 2
    editor.kill_daemon()
    editor.until(lambda: editor.lua(FLOATS) == 1, "the end of the question")
    editor.shows("✘ The daemon ended")


def test_a_cancelled_turn_whose_end_nobody_tells_keeps_nothing_waiting(asking: Editor, scripted: ModelServer) -> None:
    scripted.enqueue(Reply(text="One two three four.", stall_after=2), Reply(text="Here I am."))
    asking.edit("tasks", "T-009")
    asking.command("Ckit chat Count!")
    asking.shows("One two")
    process = daemon(asking)
    # It never says how the turn has ended.
    process.suspend() if os.name == "nt" else process.send_signal(signal.SIGSTOP)
    asking.command("Ckit cancel")
    asking.shows("_cancelled_")
    process.kill()
    asking.until(lambda: "…" not in asking.lua(BAR), "an idle bar")
    asking.command("Ckit restart")
    asking.says("the daemon was started anew")
    asking.ready()
    asking.command("Ckit chat Are you there?")
    asking.shows("Here I am.")


def test_a_restart_that_starts_nothing_says_why(editor: Editor) -> None:
    editor.command("Ckit restart")
    editor.says("no file of a context repository is open")
    editor.edit("tasks", "T-009")
    editor.ready()
    editor.lua("vim.env.PATH, vim.env.VIRTUAL_ENV = '', nil; require('ckit').setup({})")
    editor.command("Ckit restart")
    editor.says("pip install ckit-daemon")
    assert "ckit: the daemon was started anew" not in editor.said()
    editor.command("checkhealth ckit")
    assert "pip install ckit-daemon" in editor.text()


def test_a_daemon_that_is_missing_is_told_once(editor: Editor) -> None:
    editor.lua("vim.env.PATH, vim.env.VIRTUAL_ENV = '', nil; require('ckit').setup({})")
    editor.edit("tasks", "T-009")
    editor.edit("tasks", "T-010")
    assert len([each for each in editor.said() if "pip install ckit-daemon" in each]) == 1


def test_checkhealth_tells_a_daemon_that_has_died_from_one_that_nobody_needs(editor: Editor) -> None:
    editor.command("checkhealth ckit")
    assert "it starts with the first YAML" in editor.text()
    editor.edit("tasks", "T-009")
    editor.ready()
    editor.kill_daemon()
    editor.says("`:Ckit restart` starts it again")
    editor.command("checkhealth ckit")
    assert "The daemon has ended" in editor.text()
    assert ":Ckit restart" in editor.text()


def test_what_lies_in_a_folder_is_started_only_where_it_is_trusted(editor: Editor, tmp_path: Path) -> None:
    folder = tmp_path / "cloned" / ".venv" / ("Scripts" if os.name == "nt" else "bin")
    folder.mkdir(parents=True)
    program = folder / ("ckit-daemon.exe" if os.name == "nt" else "ckit-daemon")
    shutil.copy(shutil.which("true") or os.devnull, program)
    program.chmod(0o755)
    editor.command(f"cd {tmp_path / 'cloned'}")
    command = """
        vim.env.PATH, vim.env.VIRTUAL_ENV = '', nil
        require('ckit').setup({ trusted = ... })
        return { require('ckit.config').command() }
        """
    found = editor.lua(command, False)
    assert found[0] is None
    assert "trusted = true" in found[1]
    assert editor.lua(command, True) == [[str(program)]]


def test_settings_may_be_empty(editor: Editor) -> None:
    editor.lua("require('ckit').setup({ cmd = require('ckit.config').options.cmd, config = { rag = {} } })")
    editor.edit("tasks", "T-009")
    editor.ready()
    assert editor.ask("ckit/config/get")["warnings"] == []


def test_the_help_names_only_what_there_is(editor: Editor, tmp_path: Path) -> None:
    shutil.copytree(PLUGIN / "doc", tmp_path / "help" / "doc")
    editor.command(f"set runtimepath+={tmp_path / 'help'} | helptags {tmp_path / 'help' / 'doc'}")
    missing = """
        local text = table.concat(vim.fn.readfile(...), '\\n')
        local names = {}
        for name in text:gmatch('|([^%s|]+)|') do table.insert(names, name) end
        return vim.tbl_filter(function(name) return not pcall(vim.cmd.help, name) end, names), #names
        """
    found, count = editor.lua(f"return {{ (function(...) {missing} end)(...) }}", str(PLUGIN / "doc" / "ckit.txt"))
    assert count > 20
    assert found == []
