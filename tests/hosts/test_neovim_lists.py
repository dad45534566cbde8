"""What Neovim's quickfix list and messages say of a staged change, the log, and the index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygit2

from tests.hosts.conftest import SERVER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nvim_editor import Editor


def stage(root: Path, path: Path) -> None:
    """Put a file into Git's index."""
    index = pygit2.Repository(str(root)).index
    index.add(path.relative_to(root).as_posix())
    index.write()


def forget(editor: Editor) -> None:
    """Forget the messages up to now."""
    editor.lua("_G.said = {}")


def first_words(editor: Editor) -> list[str]:
    """How each entry of the quickfix list begins."""
    return [entry["text"].split()[0] for entry in editor.call("getqflist")]


def test_what_a_staged_change_asks_of_others_is_listed(editor: Editor) -> None:
    path = editor.edit("features", "FEAT-003")
    editor.ready()
    editor.command("silent %s/7 opening days/9 opening days/ | silent write")
    editor.command("Ckit impact staged")
    # The change is on the disk and not in the index.
    editor.says("nothing becomes stale")
    stage(editor.root, path)
    editor.command("Ckit impact staged")
    editor.until(lambda: editor.call("getqflist"), "the entities")
    stale = editor.ask("ckit/repo/impact", {"between": "staged"})["stale"]
    assert stale
    assert first_words(editor) == [each["entity"]["id"] for each in stale]


def test_the_log_of_one_entity_leaves_the_others_out(editor: Editor) -> None:
    editor.edit("features", "FEAT-004")
    editor.ready()
    editor.choose("Allow once")
    editor.command("Ckit spec FEAT-004 Members can pause notices while they travel")
    editor.says("`:Ckit undo` takes it back")
    editor.command("close | Ckit log SPEC-008")
    editor.until(lambda: editor.call("getqflist"), "the log of the specification")
    assert [entry["text"].split()[1:] for entry in editor.call("getqflist")] == [
        ["spec-generate", "SPEC-008", "success"]
    ]
    editor.command("cfirst")
    assert '"SPEC-008"' in editor.text()
    editor.command("cclose | Ckit log")
    editor.until(lambda: len(editor.call("getqflist")) > 1, "the whole log")
    assert "SPEC-004" in str(editor.call("getqflist"))
    editor.command("cclose | Ckit log FEAT-999")
    editor.until(lambda: editor.call("getqflist") == [], "an empty list")
    editor.says("nothing was generated yet")


def test_the_index_is_brought_up_to_date_made_anew_and_looked_at(editor: Editor) -> None:
    def embedded() -> int:
        return editor.ask("ckit/metrics")["passagesEmbedded"]

    editor.edit("features", "FEAT-003")
    editor.ready()
    editor.command("Ckit index")
    editor.says("the index is ready")
    passages = editor.ask("ckit/rag/status")["chunks"]
    before = embedded()
    assert before >= passages
    forget(editor)
    editor.command("Ckit index status")
    assert f"{passages} of {passages} passages, by " in editor.says("the index is ready")
    forget(editor)
    editor.command("Ckit index")
    editor.says("the index is ready")
    # Nothing has changed, so that nothing was to be done.
    assert embedded() == before
    forget(editor)
    editor.command("Ckit index rebuild")
    editor.says("the index is ready")
    assert embedded() >= before + passages


def test_an_index_of_others_is_made_anew_only_once_the_person_has_said_so(sharing: Editor) -> None:
    sharing.edit("features", "FEAT-003")
    sharing.ready()
    sharing.lua("vim.ui.select = function(_, options, done) _G.asked = options.prompt done('Keep it') end")
    sharing.command("Ckit index rebuild")
    sharing.until(lambda: sharing.lua("return _G.asked"), "a question")
    assert sharing.lua("return _G.asked") == f"Make the index on {SERVER} anew, for everybody who uses it?"
    assert "can't be reached" not in sharing.lua("return table.concat(_G.said)")
    sharing.choose("Make it anew")
    sharing.command("Ckit index rebuild")
    sharing.says("can't be reached")
