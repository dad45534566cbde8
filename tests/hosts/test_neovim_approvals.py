"""What would be written is shown in Neovim first, and done as a person says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.model_server import Reply, ToolCallReply

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Json
    from tests.support.model_server import ModelServer
    from tests.support.nvim_editor import Editor

WINDOWS = """
    return #vim.tbl_filter(function(window)
      return vim.api.nvim_win_get_config(window).relative ~= ''
    end, vim.api.nvim_list_wins())
    """


def change(status: str) -> Reply:
    """A model's wish to change a task."""
    arguments = {"action": "update", "id": "T-009", "changes": [{"path": ["status"], "value": status}]}
    return Reply(tool_calls=[ToolCallReply("entity_edit", arguments)])


def approvals(editor: Editor) -> list[Json]:
    """All of them, the oldest first."""
    return editor.ask("ckit/approval/list", {"state": None})["approvals"]


def mode(editor: Editor) -> str:
    """The first letter of the mode that Neovim is in."""
    return editor.nvim.request("nvim_get_mode")["mode"][0]


def begin(editor: Editor, server: ModelServer, *replies: Reply) -> Path:
    """Have a model change a task."""
    server.enqueue(*replies, Reply(text="So be it."))
    path = editor.edit("tasks", "T-009")
    editor.command("Ckit chat Change it")
    return path


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


def test_a_no_tells_the_model_why(asking: Editor, scripted: ModelServer) -> None:
    asking.choose("Deny with a reason")
    asking.answer("Not before the contract is signed.")
    path = begin(asking, scripted, change("done"))
    asking.shows("So be it.")
    assert [(each["state"], each["note"]) for each in approvals(asking)] == [
        ("denied", "Not before the contract is signed.")
    ]
    assert "Not before the contract is signed." in str(scripted.calls[-1].body["messages"])
    assert "status: blocked" in path.read_text("utf-8")


def test_a_yes_for_the_session_is_asked_once_and_open_files_follow(asking: Editor, scripted: ModelServer) -> None:
    asking.choose("Allow for this session")
    path = begin(asking, scripted, change("doing"))
    asking.shows("So be it.")
    asking.until(lambda: "status: doing" in asking.call("getbufline", str(path), 1, "$"), "the change in the open file")
    scripted.enqueue(change("done"), Reply(text="Twice."))
    asking.command("Ckit chat And again")
    asking.shows("Twice.")
    assert "status: done" in path.read_text("utf-8")
    assert [each["decision"] for each in approvals(asking)] == ["allowForSession"]


def test_arguments_are_edited_mended_and_allowed(asking: Editor, scripted: ModelServer) -> None:
    asking.choose("Edit the arguments")
    path = begin(asking, scripted, change("done"))
    asking.shows('"action": "update"')
    asking.command('silent %s/"update"/"destroy"/ | write')
    asking.says("don't fit")
    asking.command('silent %s/"destroy"/"update"/ | silent %s/"done"/"doing"/ | write')
    asking.shows("So be it.")
    assert "status: doing" in path.read_text("utf-8")
    assert [each["state"] for each in approvals(asking)] == ["allowed"]


def test_a_question_that_is_too_old_is_closed(hurried: Editor, scripted: ModelServer) -> None:
    hurried.lua(f"vim.ui.select = function() _G.open = (function() {WINDOWS} end)() end")
    path = begin(hurried, scripted, change("done"))
    assert hurried.until(lambda: hurried.lua("return _G.open or 0"), "the question") == 2
    hurried.until(lambda: hurried.lua(WINDOWS) == 1, "the end of the question")
    hurried.shows("So be it.")
    assert [each["state"] for each in approvals(hurried)] == ["expired"]
    assert "status: blocked" in path.read_text("utf-8")


def test_a_question_is_asked_until_its_time_is_really_over(editor: Editor) -> None:
    editor.edit("tasks", "T-009")
    editor.ready()
    # Nine tenths into a second, where whoever counts whole seconds is too early.
    editor.lua(
        """
        vim.ui.select = function() end
        local function now()
          local seconds, microseconds = vim.uv.gettimeofday()
          return seconds + microseconds / 1e6
        end
        local over = math.floor(now()) + 1.9
        local expires = os.date('!%Y-%m-%dT%H:%M:%S', math.floor(over)) .. '.900Z'
        local approval = { id = 'a', title = 'Late', diff = '+a', expiresAt = expires }
        coroutine.wrap(function()
          require('ckit.approval').ask(approval, vim.fn.getcwd())
          _G.late = now() - over
        end)()
        """
    )
    editor.until(lambda: editor.lua("return _G.late ~= nil"), "the end of the question")
    assert editor.lua("return _G.late") >= 0
    assert editor.says("too late to answer")


def test_a_list_that_waits_for_a_key_is_left_when_it_is_too_late(hurried: Editor, scripted: ModelServer) -> None:
    begin(hurried, scripted, change("done"))
    hurried.until(lambda: mode(hurried) in {"c", "r"}, "the built-in list")
    hurried.until(lambda: mode(hurried) == "n", "the end of the list")
    hurried.shows("So be it.")
    hurried.until(lambda: hurried.lua(WINDOWS) == 1, "the end of the question")
    assert [each["state"] for each in approvals(hurried)] == ["expired"]


def test_a_cancelled_turn_takes_its_question_along(editor: Editor) -> None:
    path = editor.edit("tasks", "T-009")
    editor.ready()
    # Nobody answers the question, so the turn waits.
    editor.lua("vim.ui.select = function() _G.asked = true end")
    editor.command("Ckit chat Set status of T-009 to done")
    editor.until(lambda: editor.lua("return _G.asked == true"), "the question")
    editor.command("Ckit cancel")
    editor.until(lambda: editor.lua(WINDOWS) == 1, "the end of the question")
    editor.shows("_cancelled_")
    editor.until(lambda: editor.lua("return require('ckit').status()") == "ckit", "an idle status")
    assert [each["state"] for each in approvals(editor)] == ["cancelled"]
    assert "status: blocked" in path.read_text("utf-8")
