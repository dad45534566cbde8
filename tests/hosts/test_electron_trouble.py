"""The reference application in a real Electron, where something is refused, missing or dies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.hosts import test_electron
from tests.support.model_server import Reply, model_server
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hosts.install import Hosts

application = test_electron.application
CONFIG = """
[models]
chat = "mine/scripted"
generation = "offline/offline"

[models.providers.mine]
kind = "openai"
baseUrl = "{url}"
"""


def test_a_person_is_told_what_went_wrong_in_electron(hosts: Hosts, application: Path, tmp_path: Path) -> None:
    root = copy_example(tmp_path / "lantern", git=False)
    feature = next((root / "contexts" / "features").glob("FEAT-001*"))
    feature.write_text(feature.read_text("utf-8").replace("status: in-progress", "status: in-progres"), "utf-8")
    other = copy_example(tmp_path / "other", git=False)
    task = next((other / "contexts" / "tasks").glob("T-011*"))
    task.with_name("T-077-other.yaml").write_text(task.read_text("utf-8").replace("id: T-011", "id: T-077"), "utf-8")
    (tmp_path / "empty").mkdir()
    config = tmp_path / "config.toml"
    with model_server() as server:
        config.write_text(CONFIG.format(url=server.base_url), "utf-8")
        # Neither answer ever comes to an end.
        server.enqueue(Reply(text="Seven days.", stall_after=1), Reply(text="Everybody.", stall_after=0))
        seen = test_electron.driven(hosts, application, "trouble.cjs", root, config)
        assert server.open_streams == 0
    assert "Install it with `pip install ckit-daemon`" in seen.pop("missing")
    assert "There is no such program." in seen.pop("unopened")
    assert seen.pop("unsaved")
    assert seen == {
        "step": "end",
        "denied": "denied",
        "kept": ["new-window", "will-navigate", "will-attach-webview"],
        "files": [False, False, False, False, True],
        "opened": 2,
        "listed": [43, 2],
        "unmended": "The daemon ended before it answered. Try again.",
        "looking": "Looking\u2026",
        "stoppable": False,
        "unwritten": True,
        "folder": "other",
        "left": 0,
        "empty": "This folder holds no context repository. Choose another one with \u201cOpen\u2026\u201d.",
        "revived": "The window had stopped working, and what ran in it has ended.",
        "asked": [["The window has stopped working again.", "Load It Again", "Quit"]],
        "quit": True,
        "ended": True,
        "problems": [],
    }
