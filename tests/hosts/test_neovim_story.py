"""A person's whole story in Neovim, from a planted fault to the end of every process."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.nvim_editor import Editor

FLOATS = """
    return #vim.tbl_filter(function(window)
      return vim.api.nvim_win_get_config(window).relative ~= ''
    end, vim.api.nvim_list_wins())
    """


def test_a_person_s_story_in_neovim(editor: Editor) -> None:
    # A planted fault is seen, and mended by its fix.
    feature = editor.edit("features", "FEAT-001")
    editor.ready()
    editor.command("Ckit validate")
    entries = editor.until(lambda: editor.call("getqflist"), "the findings")
    assert [entry["text"].endswith("[schema.enum]") for entry in entries] == [True]
    editor.command("cfirst")
    editor.until(lambda: editor.lua("return #vim.diagnostic.get(0)") == 1, "the diagnostic")
    editor.fix("in-progress")
    editor.until(lambda: editor.line() == "status: in-progress", "the quick fix")
    editor.command("silent write | cclose")
    assert "status: in-progress\n" in feature.read_text("utf-8")

    # A question, and the place that answers it.
    editor.command("Ckit index")
    editor.says("the index is ready")
    editor.command("Ckit ask How long does an item wait on the hold shelf?")
    editor.shows("[1] ")
    number = next(n for n, line in enumerate(editor.text().split("\n"), 1) if line.startswith("[1] "))
    editor.call("cursor", number, 1)
    editor.type("<CR>")
    editor.until(lambda: "7 opening days" in editor.line(), "the cited line")

    # A specification is generated, and written after a yes.
    specs = editor.root / "contexts" / "specs"
    editor.edit("features", "FEAT-004")
    editor.choose("Allow once")
    editor.command("Ckit spec FEAT-004 Members can pause notices while they travel")
    editor.says("`:Ckit undo` takes it back")
    assert "+++ b/contexts/specs/SPEC-008" in editor.lua("return _G.shown")
    assert [*specs.glob("SPEC-008*")] != []
    editor.command("close")

    # A turn that waits for an answer is cancelled, and nothing goes on turning.
    task = editor.edit("tasks", "T-008")
    before = task.read_text("utf-8")
    editor.lua("vim.ui.select = function() _G.asked = true end")
    editor.command("Ckit chat Set status of T-008 to done")
    editor.until(lambda: editor.lua("return _G.asked == true"), "the question")
    editor.command("Ckit cancel")
    editor.shows("_cancelled_")
    editor.until(lambda: editor.lua(FLOATS) == 1, "the end of the question")
    editor.until(lambda: "…" not in editor.lua("return vim.wo.winbar"), "an idle bar")
    editor.until(lambda: editor.lua("return require('ckit').status()") == "ckit", "an idle status")
    session = editor.ask("ckit/session/get", {"id": editor.sessions()[0]["id"]})
    assert [turn["stopReason"] for turn in session["turns"]] == ["cancelled"]
    assert task.read_text("utf-8") == before
    # Whoever lends the editor sees that it leaves no process.
