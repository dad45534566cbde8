"""Conversations in Neovim, with a real daemon and a model that says what it is told to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.hosts.conftest import opened
from tests.support.model_server import Reply, openai_options
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from tests.support.model_server import ModelServer
    from tests.support.nvim_editor import Editor

BAR = "return vim.wo.winbar"


def choose_a_session(editor: Editor, title: str, *labels: str) -> None:
    """Choose an earlier conversation, and what is to be done with it."""
    editor.choose(title, *labels)
    editor.command("Ckit sessions")


def test_what_is_typed_before_there_is_a_session_is_said_once_there_is(asking: Editor, scripted: ModelServer) -> None:
    scripted.enqueue(Reply(text="It waits for the contract."))
    asking.edit("tasks", "T-009")
    # The daemon has hardly begun to start.
    asking.command("Ckit chat")
    asking.type("Why is T-009 blocked?<CR>")
    asking.shows("It waits for the contract.")
    asking.shows(" tokens")
    assert [item["text"] for item in asking.items("userMessage")] == ["Why is T-009 blocked?"]
    bar = "Why is T-009 blocked? · test/scripted · general"
    asking.until(lambda: asking.lua(BAR) == bar, "the title and the model")
    assert asking.line() == "> "


def test_a_failure_is_told_in_the_daemon_s_words(asking: Editor, scripted: ModelServer) -> None:
    scripted.enqueue(Reply(status=401))
    asking.edit("tasks", "T-009")
    asking.command("Ckit chat Why is it blocked?")
    asking.shows(" · error_")
    failure = asking.items("error")[0]["failure"]
    assert asking.text().count(f"✘ {failure['message']}") == 1
    scripted.enqueue(Reply(text="Now it works."))
    asking.command("Ckit chat Again?")
    asking.shows("Now it works.")


def test_a_message_that_is_refused_says_why(asking: Editor) -> None:
    asking.edit("tasks", "T-009")
    asking.command("Ckit model test/nobody-knows-it")
    asking.command("Ckit mode nonsense")
    asking.command("Ckit chat Hello?")
    asking.shows("✘ ")
    assert "mode" in asking.text()


def test_selected_lines_and_the_entity_of_the_buffer_are_attached(asking: Editor, scripted: ModelServer) -> None:
    path = asking.edit("tasks", "T-009")
    lines = path.read_text("utf-8").splitlines()
    asking.command("2,4Ckit chat What is this?")
    asking.shows(" tokens")
    relative = path.relative_to(asking.root).as_posix()
    selection = {"kind": "selection", "path": relative, "startLine": 1, "endLine": 3, "text": "\n".join(lines[1:4])}
    assert asking.items("userMessage")[0]["attachments"] == [selection]
    assert f"> + {relative}:2-4" in asking.text()
    asking.command("close | Ckit! chat")
    asking.shows("_attached: T-009_")
    asking.type("And this?<CR>")
    asking.until(lambda: len(asking.items("userMessage")) == 2, "the second message")
    assert asking.items("userMessage")[1]["attachments"] == [{"kind": "entity", "id": "T-009"}]
    asking.until(lambda: asking.text().count(" tokens") == 2, "the end of the turn")
    assert "T-009" in str(scripted.calls[-1].body["messages"])


def test_a_turn_that_streams_is_cancelled_and_leaves_nothing_that_runs(asking: Editor, scripted: ModelServer) -> None:
    scripted.enqueue(Reply(text="One two three four.", stall_after=2), Reply(text="Here I am."))
    asking.edit("tasks", "T-009")
    asking.lua(
        """
        _G.spinning = 0
        vim.api.nvim_create_autocmd('LspProgress', { callback = function(event)
          local kind = event.data.params.value.kind
          _G.spinning = _G.spinning + (({ begin = 1, ['end'] = -1 })[kind] or 0)
        end })
        """
    )
    asking.command("Ckit chat Count!")
    asking.shows("One two")
    asking.command("Ckit cancel")
    asking.shows("_cancelled_")
    asking.until(lambda: "…" not in asking.lua(BAR), "an idle bar")
    asking.until(lambda: asking.lua("return require('ckit').status()") == "ckit", "an idle status")
    asking.until(lambda: asking.lua("return _G.spinning") == 0, "the end of all progress")
    # The last that is asked for at the end of a turn.
    asking.until(lambda: asking.lua(BAR).startswith("Count!"), "the title")
    session = asking.ask("ckit/session/get", {"id": asking.sessions()[0]["id"]})
    assert [turn["stopReason"] for turn in session["turns"]] == ["cancelled"]
    asking.command("Ckit cancel")
    asking.says("nothing runs")
    asking.command("Ckit chat Are you there?")
    asking.shows("Here I am.")


def test_what_is_typed_while_a_turn_runs_reaches_it(asking: Editor, scripted: ModelServer) -> None:
    scripted.enqueue(Reply(text="One two three four.", stall_after=2))
    asking.edit("tasks", "T-009")
    asking.command("Ckit chat Count!")
    asking.shows("One two")
    asking.command("startinsert!")
    asking.type("Faster!<CR>")
    asking.until(lambda: [each.get("steering") for each in asking.items("userMessage")] == [None, True], "the steering")
    scripted.release()
    asking.shows(" tokens")
    assert "Faster!" in str(scripted.calls[-1].body["messages"])


def test_an_interrupted_turn_is_gone_on_with(asking: Editor, scripted: ModelServer) -> None:
    scripted.enqueue(Reply(text="One two three four.", stall_after=2))
    asking.edit("tasks", "T-009")
    asking.command("Ckit chat Count!")
    asking.shows("One two")
    asking.kill_daemon()
    asking.shows("✘ The daemon ended")
    assert "…" not in asking.lua(BAR)
    asking.command("Ckit restart")
    asking.says("the daemon was started anew")
    scripted.enqueue(Reply(text="Five six."))
    asking.command("Ckit resume")
    asking.shows("Five six.")
    asking.until(lambda: asking.sessions()[0].get("runningTurn") is None, "the end of the turn")
    session = asking.ask("ckit/session/get", {"id": asking.sessions()[0]["id"]})
    assert [turn["status"] for turn in session["turns"]] == ["completed"]


def test_the_model_and_the_mode_are_chosen(asking: Editor) -> None:
    asking.edit("tasks", "T-009")
    asking.ready()
    assert asking.offered("Ckit model test/") == ["test/scripted", "test/scripted-b"]
    asking.choose("test/scripted-b")
    asking.command("Ckit model")
    asking.choose("clarification")
    asking.command("Ckit mode")
    asking.until(
        lambda: asking.lua(BAR) == "a new conversation · test/scripted-b · clarification", "the model and the mode"
    )
    asking.command("Ckit chat Hello?")
    asking.shows(" tokens")
    asking.command("Ckit model test/scripted")
    asking.command("Ckit mode improvement")
    asking.command("Ckit chat Hello again?")
    asking.until(lambda: asking.text().count(" tokens") == 2, "the second turn")
    turns = asking.ask("ckit/session/get", {"id": asking.sessions()[0]["id"]})["turns"]
    chosen = [("test/scripted-b", "clarification"), ("test/scripted", "improvement")]
    assert [(turn["model"], turn["mode"]) for turn in turns] == chosen


def test_an_earlier_conversation_is_gone_on_with(asking: Editor, scripted: ModelServer) -> None:
    scripted.enqueue(Reply(text="The first answer."), Reply(text="Another one."), Reply(text="The last one."))
    asking.edit("tasks", "T-009")
    asking.command("2,3Ckit chat The first question")
    asking.shows(" tokens")
    asking.command("Ckit new")
    asking.until(lambda: asking.text() == "> ", "an empty conversation")
    asking.command("stopinsert | Ckit chat Another question")
    asking.shows("Another one.")
    asking.shows(" tokens")
    choose_a_session(asking, "The first question", "Go on with it")
    asking.shows("The first answer.")
    assert ".yaml:2-3" in asking.text()
    assert "Another one." not in asking.text()
    asking.until(lambda: "The first question" in asking.lua(BAR), "the title")
    asking.command("stopinsert | Ckit chat The last question")
    asking.shows("The last one.")
    asking.until(lambda: asking.sessions()[0]["turns"] == 2, "the second turn")
    said = [item["text"] for item in asking.items("userMessage")]
    assert said == ["The first question", "The last question"]


def test_conversations_are_renamed_copied_exported_put_away_and_deleted(asking: Editor) -> None:
    asking.edit("tasks", "T-009")
    asking.command("Ckit chat Hello there")
    asking.shows(" tokens")
    asking.command("close")
    asking.answer("A greeting")
    choose_a_session(asking, "Hello there", "Give it another title")
    asking.says("it is called A greeting")
    choose_a_session(asking, "A greeting", "Go on with a copy")
    asking.until(lambda: len(asking.sessions()) == 2, "the copy")
    assert asking.sessions()[0]["forkedFrom"] == asking.sessions()[1]["id"]
    asking.shows("Hello there")
    asking.command("stopinsert | close")
    choose_a_session(asking, "A greeting", "Show it as Markdown")
    asking.shows("# A greeting")
    choose_a_session(asking, "A greeting", "Put it away")
    asking.until(lambda: len(asking.sessions()) == 1, "one conversation")
    choose_a_session(asking, "A greeting", "Delete it", "Keep")
    asking.until(lambda: asking.lua("return _G.offered[2]") == "Keep", "the question")
    assert len(asking.sessions()) == 1
    choose_a_session(asking, "A greeting", "Delete it", "Delete")
    asking.says("deleted: A greeting")
    assert asking.sessions() == []
    asking.command("Ckit sessions")
    asking.says("nothing was said here yet")


def test_a_key_that_a_person_types_stands_in_no_log_of_neovim(tmp_path: Path, scripted: ModelServer) -> None:
    scripted.key = "sk-scripted-0123456789abcdef0123456789"
    scripted.enqueue(Reply(text="The key fits."))
    root = copy_example(tmp_path / "lantern")
    with opened(root, tmp_path, config=openai_options(scripted, {"apiKey": "client:mine"})) as editor:
        editor.lua("vim.lsp.set_log_level('DEBUG')")
        editor.lua("local key = ...; vim.fn.inputsecret = function() return key end", scripted.key)
        editor.edit("tasks", "T-009")
        editor.command("Ckit chat Why is it blocked?")
        editor.shows("The key fits.")
        editor.shows(" tokens")
        log = Path(editor.lua("return vim.lsp.log.get_filename()")).read_text("utf-8")
        level = editor.lua("return vim.lsp.log.levels[vim.lsp.log.get_level()]")
    assert scripted.key not in log
    # All else is logged as the person wants it, the question too and what comes after the answer.
    assert "The key fits." in log.split("ckit/secret/request", 1)[1]
    assert level == "DEBUG"
