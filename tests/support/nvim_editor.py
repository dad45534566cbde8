"""A person at a Neovim that has the plugin."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.support.nvim import Nvim

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.client import Json
    from tests.support.nvim_screen import Screen

PLUGIN = Path(__file__).parents[2] / "editors" / "neovim"
DEADLINE_SECONDS = 300


def program() -> str:
    """Neovim beside the interpreter, or in PATH; where CI runs it has to be there."""
    beside = Path(sys.executable).with_name("nvim")
    found = str(beside) if beside.exists() else shutil.which("nvim")
    if found is None:
        assert not os.environ.get("CI"), "Neovim is not installed"
        pytest.skip("Neovim is not installed")
    return found


class Editor:
    """A Neovim with the plugin, in a repository; `options` are those of `setup()`."""

    def __init__(self, root: Path, tmp_path: Path, **options: object) -> None:
        self.root = root
        own = {
            name: str(tmp_path / name) for name in ("CKIT_PATHS_CACHE_DIR", "CKIT_PATHS_STATE_DIR", "XDG_STATE_HOME")
        }
        self.nvim = Nvim(program(), {**os.environ, **own, "CKIT_CONFIG_FILE": os.devnull})
        self.lua, self.command = self.nvim.lua, self.nvim.command
        self.command(f"set runtimepath^={PLUGIN} background=dark termguicolors")
        self.command("runtime plugin/ckit.lua")
        self.lua("require('ckit').setup(...)", {"cmd": [sys.executable, "-m", "ckit_daemon"], **options})
        self.lua("_G.said = {}; vim.notify = function(text) table.insert(_G.said, text) end")

    # What a person does

    def edit(self, kind: str, beginning: str) -> Path:
        """Open the file of an entity."""
        path = next((self.root / "contexts" / kind).glob(f"{beginning}*"))
        self.command(f"edit {path}")
        self.command("set filetype=yaml")
        return path

    def type(self, keys: str) -> None:
        """Press keys, e.g. `<CR>`."""
        self.nvim.request("nvim_input", keys)

    def choose(self, *labels: str) -> None:
        """Answer the next questions of `vim.ui.select` with items, the last one over and over.

        What was shown then is kept in `_G.shown`, the items in `_G.offered`.
        """
        self.lua(
            """
            local labels = ...
            _G.shown, _G.offered = '', {}
            vim.ui.select = function(items, options, done)
              local wanted = #labels > 1 and table.remove(labels, 1) or labels[1]
              local format = options.format_item or tostring
              _G.shown = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')
              _G.offered = vim.tbl_map(format, items)
              for _, item in ipairs(items) do
                if format(item):find(wanted, 1, true) == 1 then
                  return done(item)
                end
              end
              table.insert(_G.said, 'nothing begins with ' .. wanted .. ': ' .. vim.inspect(_G.offered))
              done(nil)
            end
            """,
            [*labels],
        )

    def fix(self, part: str) -> None:
        """Apply the quick fix in whose title a text stands."""
        self.lua(
            """
            local part = ...
            vim.lsp.buf.code_action({ apply = true, filter = function(action)
              return action.title:find(part, 1, true) ~= nil
            end })
            """,
            part,
        )

    def answer(self, text: str) -> None:
        """Answer the next questions of `vim.ui.input`."""
        self.lua("local text = ...; vim.ui.input = function(_, done) done(text) end", text)

    # What a person sees

    def until(self, holds: Callable[[], Any], what: str) -> Any:
        """Wait until something holds, and return it."""
        end = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < end:
            found = holds()
            if found:
                return found
            # Every look is a request that Neovim answers between what it does for the plugin.
            time.sleep(0.02)
        raise AssertionError(f"{what} did not come; messages: {self.said()}; text: {self.text()}")

    def text(self) -> str:
        """The text of the window in which the cursor is."""
        return "\n".join(self.lua("return vim.api.nvim_buf_get_lines(0, 0, -1, false)"))

    def shows(self, part: str) -> None:
        """Wait for a text in the current window."""
        self.until(lambda: part in self.text(), part)

    def said(self) -> list[str]:
        """The messages up to now."""
        return [*self.lua("return _G.said")]

    def says(self, part: str) -> str:
        """Wait for a message, and return it."""
        return self.until(lambda: next((each for each in self.said() if part in each), None), part)

    def screen(self) -> Screen:
        """All of the screen, as it is now."""
        self.command("redraw")
        self.lua("return 0")
        return self.nvim.screen

    def line(self) -> str:
        """The line of the cursor."""
        return self.lua("return vim.api.nvim_get_current_line()")

    def call(self, function: str, *arguments: object) -> Any:
        """Call a function of Vim."""
        return self.nvim.request("nvim_call_function", function, [*arguments])

    def complete(self, line: str) -> list[str]:
        """What is offered behind the beginning of a command line."""
        return [*self.call("getcompletion", line, "cmdline")]

    def offered(self, line: str) -> list[str]:
        """Wait until something is offered; nothing is where the daemon takes longer than a person would wait."""
        return self.until(lambda: self.complete(line), f"what stands behind `{line}`")

    # What the daemon knows

    def ready(self) -> None:
        """Wait for the daemon."""
        script = "local c = vim.lsp.get_clients({ name = 'ckit' })[1]; return c ~= nil and c.initialized == true"
        self.until(lambda: self.lua(script), "the daemon")

    def ask(self, method: str, params: Json | None = None) -> Any:
        """What the daemon of the editor itself answers."""
        script = """
            local method, params = ...
            local client = vim.lsp.get_clients({ name = 'ckit' })[1]
            local answer = client:request_sync(method, next(params) and params or vim.empty_dict(), 120000, 0)
            return { answer and answer.err, answer and answer.result }
            """
        error, result = (*self.lua(script, method, params or {}), None)[:2]
        assert error is None, error
        return result

    def sessions(self) -> list[Json]:
        """All sessions that are not put away, the newest first."""
        return self.ask("ckit/session/list")["sessions"]

    def items(self, kind: str) -> list[Json]:
        """The items of the newest session."""
        session = self.ask("ckit/session/get", {"id": self.sessions()[0]["id"]})
        return [item for item in session["items"] if item["kind"] == kind]

    def kill_daemon(self) -> None:
        """End the daemon as the operating system would, without a word."""
        for child in psutil.Process(self.nvim.pid).children(recursive=True):
            # Others come and go meanwhile.
            with contextlib.suppress(psutil.Error):
                if "ckit_daemon" in child.cmdline():
                    child.kill()
                    return
        raise AssertionError("no daemon runs")

    def leave(self) -> None:
        """Quit; nothing that Neovim has started may outlive it."""
        family = psutil.Process(self.nvim.pid)
        processes = [family, *family.children(recursive=True)]
        self.nvim.quit()
        _, alive = psutil.wait_procs(processes, timeout=DEADLINE_SECONDS)
        assert alive == []
