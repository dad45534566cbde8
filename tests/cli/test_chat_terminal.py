"""The assistant on a real terminal: what a person sees, answers and interrupts."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.support.model_server import Reply, model_server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Ckit

if os.name != "posix":
    pytest.skip("Windows has no terminals of this kind", allow_module_level=True)

from tests.support.terminal import on_terminal

CKIT = "ckit_daemon.cli.main"
TASK = "contexts/tasks/T-009-retry-and-suppress.yaml"
STATUS = "Set status of T-009 to {}\r"
KEY = "sk-test-0123456789abcdefghij"


def status(repo: Path) -> str:
    lines = (repo / TASK).read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith("status: ")).removeprefix("status: ")


def test_R38_a_person_sees_each_change_and_decides(own: Ckit, tmp_path: Path) -> None:
    # The editor of a person who wants another value than the model.
    editor = tmp_path / "editor.py"
    editor.write_text(
        "import pathlib, sys\nfile = pathlib.Path(sys.argv[1])\n"
        "file.write_text(file.read_text().replace('done', 'todo'))\n",
        encoding="utf-8",
    )
    with on_terminal(CKIT, ["--repo", str(own.repo), "chat"], {"VISUAL": f"{sys.executable} {editor}"}) as terminal:
        terminal.expect("/help lists commands")
        terminal.type(STATUS.format("done"))
        terminal.expect("-status: blocked")
        terminal.expect("+status: done")
        terminal.type("what?\r")
        terminal.expect("A word behind the letter tells the model why")
        terminal.type("n not before Friday\r")
        terminal.expect("not allowed: Update T-009")
        terminal.expect("not before Friday")
        terminal.expect("offline/offline")
        assert status(own.repo) == "blocked"

        terminal.type(STATUS.format("done"))
        terminal.expect("[e]dit")
        terminal.type("e\r")
        terminal.expect("T-009 is changed")
        terminal.expect("offline/offline")
        assert status(own.repo) == "todo"

        terminal.type(STATUS.format("done"))
        terminal.expect("+status: done")
        terminal.type("s\r")
        terminal.expect("allowed for this session")
        terminal.expect("offline/offline")
        terminal.type(STATUS.format("blocked"))
        terminal.expect("T-009 is changed")
        terminal.expect("offline/offline")
        assert status(own.repo) == "blocked"

        # Ctrl-D leaves, once the chat reads: before, a terminal that changes its mode forgets it.
        terminal.expect("> ")
        terminal.type("\x04")
        assert terminal.end() == 0
    assert "[s]ession" in terminal.screen


def test_ctrl_c_cancels_the_turn_and_not_the_chat(own: Ckit, tmp_path: Path) -> None:
    with model_server("openai") as server:
        server.key = KEY
        server.enqueue(Reply(text="One two three.", chunks=["One ", "two ", "three."], stall_after=2))
        server.enqueue(Reply(text="All of it."))
        config = tmp_path / "config.toml"
        config.write_text(
            f'[models]\nchat = "test/scripted"\n[models.providers.test]\nkind = "openai"\n'
            f'baseUrl = "{server.base_url}"\napiKey = "client:test"\n',
            encoding="utf-8",
        )
        with on_terminal(CKIT, ["-C", str(own.repo), "chat"], {"CKIT_CONFIG_FILE": str(config)}) as terminal:
            terminal.expect("/help lists commands")
            terminal.type("Count.\r")
            terminal.expect("Key (kept in memory only")
            terminal.type(f"{KEY}\r")
            terminal.expect("two")
            terminal.interrupt()
            terminal.expect("Cancelled; what was said so far is kept.")
            asyncio.run(server.wait_idle())
            terminal.type("Again.\r")
            terminal.expect("All of it.")
            terminal.expect("test/scripted")
            terminal.type("/exit\r")
            assert terminal.end() == 0
        assert KEY not in terminal.screen


def test_ctrl_c_at_a_question_cancels_the_turn_and_is_told_on_a_line_of_its_own(own: Ckit) -> None:
    with on_terminal(CKIT, ["-C", str(own.repo), "chat"]) as terminal:
        terminal.expect("/help lists commands")
        terminal.type(STATUS.format("done"))
        terminal.expect("yes for this [s]ession (entity.edit on this file)")
        terminal.expect("[e]dit what it does: ")
        terminal.interrupt()
        terminal.expect("cancelled: Update T-009.")
        terminal.expect("Cancelled; what was said so far is kept.")
        terminal.type("/exit\r")
        assert terminal.end() == 0
    asked, _, told = terminal.screen.rpartition("[e]dit what it does: ")
    assert asked
    assert told.lstrip("^C").startswith("\r\n")
    assert status(own.repo) == "blocked"


def test_R38_generated_files_are_shown_and_can_be_taken_or_left(own: Ckit) -> None:
    spec = ["-C", str(own.repo), "spec", "FEAT-004", "-r", "Members can pause notices", "--apply"]
    with on_terminal(CKIT, spec) as terminal:
        terminal.expect("+specs: [SPEC-005, SPEC-008]")
        terminal.expect("[y]es, [n]o: ")
        terminal.type("e\r")
        terminal.expect("A word behind the letter tells the model why")
        terminal.type("n\r")
        assert terminal.end() == 1
    assert not [*(own.repo / "contexts/specs").glob("SPEC-008*")]
    with on_terminal(CKIT, spec) as terminal:
        terminal.expect("[y]es, [n]o: ")
        terminal.type("y\r")
        terminal.expect("takes it back")
        assert terminal.end() == 0
    assert [*(own.repo / "contexts/specs").glob("SPEC-008*")]


def test_R04_when_the_daemon_dies_what_was_read_stays_and_the_chat_says_how_to_go_on(own: Ckit, tmp_path: Path) -> None:
    with model_server("openai") as server:
        server.enqueue(Reply(text="One two three.", chunks=["One ", "two ", "three."], stall_after=2))
        server.enqueue(Reply(text="Four five."))
        config = tmp_path / "config.toml"
        config.write_text(
            f'[models]\nchat = "test/scripted"\n[models.providers.test]\nkind = "openai"\n'
            f'baseUrl = "{server.base_url}"\n',
            encoding="utf-8",
        )
        environment = {"CKIT_CONFIG_FILE": str(config)}
        with on_terminal(CKIT, ["-C", str(own.repo), "chat"], environment) as terminal:
            terminal.expect("/help lists commands")
            terminal.type("Count.\r")
            terminal.expect("two")
            [dying] = psutil.Process(terminal.process.pid).children()
            dying.kill()
            terminal.expect("One two")
            terminal.expect("The daemon ended unexpectedly")
            terminal.expect("What was said is kept: `ckit chat --continue` goes on with it.")
            assert terminal.end() == 2
        assert terminal.screen.count("The daemon ended unexpectedly") == 1
        with on_terminal(CKIT, ["-C", str(own.repo), "chat", "--continue"], environment) as terminal:
            terminal.expect("Its last turn was interrupted; /resume goes on with it.")
            terminal.type("/resume\r")
            terminal.expect("Four five.")
            terminal.type("/exit\r")
            assert terminal.end() == 0


def test_without_the_key_the_turn_fails_and_the_chat_goes_on(own: Ckit, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        '[models]\nchat = "test/scripted"\n[models.providers.test]\nkind = "openai"\n'
        'baseUrl = "http://127.0.0.1:9/v1"\napiKey = "client:test"\n',
        encoding="utf-8",
    )
    with on_terminal(CKIT, ["-C", str(own.repo), "chat"], {"CKIT_CONFIG_FILE": str(config)}) as terminal:
        terminal.expect("/help lists commands")
        terminal.type("Count.\r")
        terminal.expect("Key (kept in memory only")
        terminal.interrupt()
        terminal.expect("The key client:test was asked for and not given")
        terminal.type("/model offline/offline\r")
        terminal.expect("From now on offline/offline answers.")
        terminal.type("Validate.\r")
        terminal.expect("The repository is in order")
        terminal.type("/exit\r")
        assert terminal.end() == 0
