"""What a model writes is shown in Neovim, saved after a yes, explained, and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.model_server import Reply

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.model_server import ModelServer
    from tests.support.nvim_editor import Editor


def specifications(editor: Editor) -> list[Path]:
    """The files of the specification that is generated next."""
    return [*(editor.root / "contexts" / "specs").glob("SPEC-008*")]


def test_a_specification_is_saved_after_it_was_seen_explained_and_taken_back(editor: Editor) -> None:
    editor.edit("features", "FEAT-004")
    editor.ready()
    editor.choose("Deny")
    editor.command("Ckit spec FEAT-004 Members can pause notices while they travel")
    editor.says("Nothing was written.")
    assert "+++ b/contexts/specs/SPEC-008" in editor.lua("return _G.shown")
    assert "Members can pause notices" in editor.text()
    assert specifications(editor) == []
    editor.command("close | Ckit undo")
    editor.says("nothing was generated here yet")

    editor.choose("Allow once")
    editor.command("Ckit spec FEAT-004 Members can pause notices while they travel")
    editor.says("`:Ckit undo` takes it back")
    assert "Members can pause notices" in specifications(editor)[0].read_text("utf-8")
    editor.command("close | Ckit explain SPEC-008")
    editor.shows("All that it was made from is as it was.")
    assert "contexts/features/FEAT-004" in editor.text()
    editor.command("close | Ckit log")
    entries = editor.until(lambda: editor.call("getqflist"), "the log")
    assert entries[0]["text"].split()[1:] == ["spec-generate", "SPEC-008", "success"]

    editor.command("cclose")
    editor.choose("Leave")
    editor.command("Ckit undo")
    editor.until(lambda: "SPEC-008" in editor.lua("return _G.shown"), "the question")
    assert specifications(editor) != []
    editor.choose("Take back")
    editor.command("Ckit undo")
    editor.says("took back ")
    assert specifications(editor) == []


def test_code_and_entities_are_written_after_a_yes(editor: Editor) -> None:
    editor.edit("specs", "SPEC-005")
    editor.ready()
    editor.choose("Allow once")
    editor.command("Ckit code")
    said = editor.says("wrote ")
    files = said.removeprefix("ckit: wrote ").split(";")[0].split(", ")
    assert all((editor.root / file).is_file() for file in files)
    assert "```diff" in editor.text()
    editor.command("close | Ckit entity userstory Members can pause their notices while they travel")
    editor.until(lambda: [*(editor.root / "contexts" / "userstories").glob("US-012*")], "the story")
    editor.command("Ckit entity userstory")
    editor.says("say what it is to be")
    editor.command("Ckit entity epic Something")
    editor.says("There is no entity type epic")


def test_a_prompt_says_what_went_into_it(editor: Editor) -> None:
    editor.edit("specs", "SPEC-005")
    editor.ready()
    editor.command("Ckit promptify SPEC-005 review")
    editor.shows("_review, ")
    assert "- SPEC-005: Notice delivery: whole, " in editor.text()
    editor.command("close | Ckit promptify SPEC-005 poem")
    editor.says("There is no template 'poem'")


def test_a_generation_is_cancelled_and_writes_nothing(asking: Editor, scripted: ModelServer) -> None:
    scripted.enqueue(Reply(text="# Pausing notices\n\nMembers pause them.", stall_after=3))
    asking.edit("features", "FEAT-004")
    asking.ready()
    asking.command("Ckit spec FEAT-004")
    asking.shows("# Pausing")
    asking.type("<C-c>")
    asking.shows("✘ The request was cancelled.")
    asking.until(lambda: scripted.closed_at, "the end of the model's answer")
    asking.until(lambda: asking.lua("return require('ckit').status()") == "ckit", "an idle status")
    assert specifications(asking) == []
