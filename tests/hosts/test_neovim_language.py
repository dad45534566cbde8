"""Neovim's own LSP client gets everything that the daemon knows of half-typed and odd text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nvim_editor import Editor


def lsp(editor: Editor, method: str, line: int, column: int, **more: object) -> Any:
    """What the daemon answers Neovim's client about a place in the current buffer; 0-based, in bytes."""
    script = """
        local method, line, column, more = ...
        local client = vim.lsp.get_clients({ name = 'ckit', bufnr = 0 })[1]
        local place = { line = line, character = column }
        local params = vim.tbl_extend('force', {
          textDocument = vim.lsp.util.make_text_document_params(0),
          position = place,
          range = { start = place, ['end'] = place },
        }, more)
        local answer = client:request_sync(method, params, 120000, 0)
        assert(not answer.err, vim.inspect(answer.err))
        return answer.result
        """
    return editor.lua(script, method, line, column, more)


def place_of(editor: Editor, text: str) -> tuple[int, int]:
    """Where a text stands in the current buffer; 0-based, in bytes."""
    for number, line in enumerate(editor.text().split("\n")):
        if text in line:
            return number, len(line[: line.index(text)].encode())
    raise AssertionError(f"{text} is not there")


def go(editor: Editor, text: str) -> None:
    """Put the cursor on a text."""
    line, column = place_of(editor, text)
    editor.call("cursor", line + 1, column + 1)


def floats(editor: Editor) -> bool:
    """Whether the cursor is in a floating window."""
    return editor.lua("return vim.api.nvim_win_get_config(0).relative") != ""


def file_name(editor: Editor) -> str:
    """Of the current buffer."""
    return editor.call("expand", "%:t")


def test_hover_definition_references_and_symbols_lead_through_the_graph(editor: Editor) -> None:
    editor.edit("features", "FEAT-003")
    editor.ready()
    go(editor, "US-006")
    editor.command("lua vim.lsp.buf.hover()")
    editor.until(lambda: editor.lua("return #vim.api.nvim_list_wins()") == 2, "the card")
    # Once more, and the cursor is in it.
    editor.command("lua vim.lsp.buf.hover()")
    editor.until(lambda: floats(editor), "the card with the cursor")
    assert "Queue for a title" in editor.text()
    editor.command("close | lua vim.lsp.buf.definition()")
    editor.until(lambda: file_name(editor).startswith("US-006"), "the definition")
    editor.call("cursor", 1, 5)
    editor.command("lua vim.lsp.buf.references()")
    entries = editor.until(lambda: editor.call("getqflist"), "the references")
    assert any("FEAT-003" in editor.call("bufname", entry["bufnr"]) for entry in entries)
    editor.command("cclose | lua vim.lsp.buf.workspace_symbol('FEAT-00')")
    editor.until(lambda: len(editor.call("getqflist")) == 5, "the features")
    editor.command("cclose | lua vim.lsp.buf.document_symbol()")
    editor.until(lambda: editor.lua("return vim.fn.getloclist(0, { size = 0 }).size > 0"), "the outline")
    editor.command("lclose")
    go(editor, "US-006")
    editor.command("call setqflist([]) | lua vim.lsp.buf.incoming_calls()")
    editor.until(lambda: editor.call("getqflist"), "who names it")


def test_rename_changes_every_file_and_its_name(editor: Editor) -> None:
    old = editor.edit("userstories", "US-006")
    editor.ready()
    go(editor, "US-006")
    editor.command("lua vim.lsp.buf.rename('US-106')")
    editor.until(lambda: file_name(editor).startswith("US-106"), "the new name")
    editor.command("silent wall")
    assert not old.exists()
    feature = next((editor.root / "contexts" / "features").glob("FEAT-003*")).read_text("utf-8")
    assert "US-106" in feature
    assert "US-006" not in feature
    assert [each["id"] for each in editor.ask("ckit/entity/list")["entities"] if each["id"] == "US-106"] == ["US-106"]


def test_diagnostics_are_pulled_as_text_is_typed(editor: Editor) -> None:
    editor.edit("tasks", "T-009")
    editor.ready()
    assert editor.lua("return #vim.diagnostic.get(0)") == 0
    editor.command("silent %s/SPEC-005/SPEC-999/")
    editor.until(lambda: editor.lua("return #vim.diagnostic.get(0)") > 0, "the finding")
    script = "return vim.tbl_map(function(each) return each.code end, vim.diagnostic.get(0))"
    assert "reference.unresolved" in editor.lua(script)
    editor.command("silent undo")
    editor.until(lambda: editor.lua("return #vim.diagnostic.get(0)") == 0, "no finding")


def test_hints_folds_and_colours_are_shown(editor: Editor) -> None:
    editor.edit("features", "FEAT-003")
    editor.ready()
    editor.command("lua vim.lsp.inlay_hint.enable(true, { bufnr = 0 })")
    hints = editor.until(lambda: editor.lua("return vim.lsp.inlay_hint.get({ bufnr = 0 })"), "the hints")
    assert "Queue for a title" in str([hint["inlay_hint"]["label"] for hint in hints])
    editor.command("setlocal foldmethod=expr foldexpr=v:lua.vim.lsp.foldexpr()")
    line, _ = place_of(editor, "acceptance:")
    editor.until(lambda: editor.call("foldlevel", line + 2) > 0, "the folds")
    tokens = "return vim.lsp.semantic_tokens.get_at_pos(0, ...)"
    editor.until(lambda: editor.lua(tokens, *place_of(editor, "US-006")), "the colours")
    editor.command("lua vim.lsp.codelens.refresh({ bufnr = 0 })")
    editor.until(lambda: editor.lua("return #vim.lsp.codelens.get(0)") > 0, "the lenses")


def test_completion_works_in_a_half_typed_line(editor: Editor) -> None:
    editor.edit("tasks", "T-009")
    editor.ready()
    line, _ = place_of(editor, "  spec: SPEC-005")
    editor.call("setline", line + 1, "  spec: SP")
    found = lsp(editor, "textDocument/completion", line, len("  spec: SP"))
    labels = [item["label"] for item in (found["items"] if isinstance(found, dict) else found)]
    assert {f"SPEC-00{n}" for n in range(1, 8)} <= {label.split()[0] for label in labels}
    # As a person does it: insert mode, Neovim's own menu, the first entry.
    editor.call("cursor", line + 1, 99)
    editor.command("setlocal omnifunc=v:lua.vim.lsp.omnifunc completeopt=menuone,noinsert")
    editor.type("A<C-x><C-o>")
    editor.until(lambda: editor.call("pumvisible") == 1, "the menu")
    editor.type("<C-y><Esc>")
    editor.until(lambda: editor.line().startswith("  spec: SPEC-00"), "the chosen id")


def test_windows_line_ends_and_wide_characters_keep_their_places(editor: Editor) -> None:
    path = next((editor.root / "contexts" / "tasks").glob("T-009*"))
    text = path.read_text("utf-8").replace("summary: Messages", "summary: 😀 Ünïcode, Messages")
    text = text.replace("  spec: SPEC-005", '  spec: SPEC-005 # 😀 "SPEC-004"')
    path.write_bytes(text.replace("\n", "\r\n").encode())
    editor.edit("tasks", "T-009")
    editor.ready()
    assert editor.call("getbufvar", "%", "&fileformat") == "dos"
    assert editor.lua("return #vim.diagnostic.get(0)") == 0
    hover = lsp(editor, "textDocument/hover", *place_of(editor, "SPEC-005"))
    assert "SPEC-005" in hover["contents"]["value"]
    editor.call("setline", place_of(editor, "summary:")[0] + 1, "summary: 😀 {oh: [")
    found = editor.until(lambda: editor.lua("return vim.diagnostic.get(0)"), "the finding")
    assert all(each["col"] <= len("summary: 😀 {oh: [".encode()) for each in found)
    editor.command("silent undo")
    editor.until(lambda: editor.lua("return #vim.diagnostic.get(0)") == 0, "no finding")
    editor.command("silent %s/status: blocked/status: blokked/")
    editor.until(lambda: editor.lua("return #vim.diagnostic.get(0)") == 1, "the finding")
    go(editor, "blokked")
    editor.fix("blocked")
    editor.until(lambda: "status: blocked" in editor.text(), "the quick fix")
    editor.command("silent write")
    assert path.read_bytes() == text.replace("\n", "\r\n").encode()


def test_two_repositories_have_a_daemon_each(editor: Editor, tmp_path: Path) -> None:
    other = copy_example(tmp_path / "other")
    story = next((other / "contexts" / "userstories").glob("US-011*"))
    renamed = story.with_name("US-077-other.yaml")
    story.rename(renamed)
    renamed.write_text(renamed.read_text("utf-8").replace("US-011", "US-077"), "utf-8")
    editor.edit("features", "FEAT-003")
    editor.ready()
    editor.command(f"split {renamed}")
    editor.command("set filetype=yaml")
    clients = "return vim.tbl_map(function(c) return c.config.root_dir end, vim.lsp.get_clients({ name = 'ckit' }))"
    editor.until(lambda: sorted(editor.lua(clients)) == sorted([str(editor.root), str(other)]), "two daemons")
    editor.command("Ckit show US-077")
    editor.until(lambda: floats(editor), "the entity of the second one")
    assert "id: US-077" in editor.text()
    # The window is about the repository that it was opened from.
    editor.command("Ckit show US-011")
    editor.says("There is no entity 'US-011'")
    editor.command("close")
    editor.command("wincmd j")
    editor.command("Ckit show US-011")
    editor.until(lambda: floats(editor), "the entity of the first one")
    assert "id: US-011" in editor.text()


def test_lenses_lead_to_what_they_count(editor: Editor) -> None:
    editor.edit("features", "FEAT-003")
    editor.ready()
    lenses = editor.until(
        lambda: editor.lua(
            """
            local client = vim.lsp.get_clients({ name = 'ckit' })[1]
            local params = { textDocument = vim.lsp.util.make_text_document_params(0) }
            local answer = client:request_sync('textDocument/codeLens', params, 120000, 0)
            local lenses = answer and answer.result or {}
            for index, lens in ipairs(lenses) do
              if not lens.command then
                lenses[index] = client:request_sync('codeLens/resolve', lens, 120000, 0).result
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
    editor.lua("vim.lsp.commands['ckit.generatePrompt']({ arguments = { 'FEAT-003' } }, {})")
    editor.until(lambda: floats(editor), "the prompt")
