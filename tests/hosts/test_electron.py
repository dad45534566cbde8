"""The reference application drives the daemon in a real Electron, on a screen that only the test sees."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.hosts.building import EDITORS, build
from tests.support.model_server import model_server
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from tests.hosts.install import Hosts

APP = EDITORS / "electron"
DEADLINE_SECONDS = 600
CONFIG = """
[models.providers.mine]
kind = "openai"
baseUrl = "{url}"
models.scripted = {{ inputPrice = 1000, outputPrice = 2000 }}

[models.providers.elsewhere]
kind = "openai"
apiKey = "env:CKIT_TEST_NO_KEY"
"""
SHOTS = Path(__file__).parents[2] / ".cache" / "hosts" / "screenshots" / "electron"


@pytest.fixture(scope="session")
def application() -> Path:
    """The application, built for the Electron that is there."""
    build(EDITORS / "client", "build")
    build(APP, "build:old")
    return APP


def started_with(variables: dict[str, str]) -> list[psutil.Process]:
    """Processes whose environment has these."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if variables.items() <= process.environ().items():
                found.append(process)
    return found


def driven(hosts: Hosts, application: Path, script: str, root: Path, config: Path | None = None) -> dict[str, Any]:
    """Run one of the scripts that use the application on a screen of its own; return what it saw."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    own = {name: str(root.parent / name) for name in ("CKIT_PATHS_CACHE_DIR", "CKIT_PATHS_STATE_DIR", "HOME")}
    daemon = [sys.executable, "-m", "ckit_daemon", "--log-level", "warning"]
    story = [hosts.node, str(application / "test" / script), hosts.electron, hosts.electron_tools]
    run = subprocess.run(
        ["xvfb-run", "--auto-servernum", "--server-args=-screen 0 1400x900x24", *story, str(root), str(SHOTS)],
        check=False,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        env={**os.environ, **own, "CKIT_CONFIG_FILE": str(config or os.devnull), "CKIT_DAEMON": json.dumps(daemon)},
    )
    assert run.returncode == 0, run.stderr[-4000:]
    # Nothing that the application has started outlives it for long.
    _, alive = psutil.wait_procs(started_with(own), timeout=DEADLINE_SECONDS)
    assert alive == []
    return json.loads(run.stdout.splitlines()[-1])


def test_a_person_s_story_in_electron(hosts: Hosts, application: Path, tmp_path: Path) -> None:
    root = copy_example(tmp_path / "lantern", git=False)
    feature = next((root / "contexts" / "features").glob("FEAT-001*"))
    feature.write_text(feature.read_text("utf-8").replace("status: in-progress", "status: in-progres"), "utf-8")
    seen = driven(hosts, application, "story.cjs", root)
    assert seen.pop("isolated") == {
        "require": "undefined",
        "process": "undefined",
        "api": [
            "cancel",
            "chooseFolder",
            "onApproval",
            "onApprovalOver",
            "onChange",
            "onPart",
            "onState",
            "onTurnEvent",
            "openFile",
            "request",
            "saveText",
        ],
    }
    assert seen.pop("refused")["code"] == "denied"
    assert "in-progres" in seen.pop("finding")
    assert "7 opening days" in seen.pop("cited")
    assert seen.pop("sources") >= 2
    assert "cancelled" in seen.pop("cancelled")
    assert seen == {
        "mended": True,
        "denied": True,
        "allowed": True,
        "untouched": True,
        "spec": True,
        "restarted": True,
        "problems": [],
    }


def test_a_person_leads_conversations_in_electron(hosts: Hosts, application: Path, tmp_path: Path) -> None:
    root = copy_example(tmp_path / "lantern", git=False)
    config = tmp_path / "config.toml"
    with model_server() as server:
        config.write_text(CONFIG.format(url=server.base_url), "utf-8")
        seen = driven(hosts, application, "chat.cjs", root, config)
    assert seen.pop("offered") == ["", "mine/scripted", "mine/scripted-b"]
    assert [each for each in seen.pop("models") if "CKIT_TEST_NO_KEY" in each]
    usage, end, broken = seen.pop("usage"), "11 tokens in, 7 out \u00b7 $0.025", seen.pop("broken")
    assert (usage["inputTokens"], usage["outputTokens"], usage["cost"]) == (11, 7, pytest.approx(0.025))
    assert usage["shown"] == f"mine/scripted \u00b7 {end}"
    assert broken.startswith("This is no JSON: ")
    assert "colour: unknown field" in seen.pop("wrong")
    until = seen.pop("until")
    assert until[0] == until[1]
    assert seen.pop("early")["code"] == "cancelled"
    assert seen == {
        "step": "end",
        "turn": {
            "mode": "clarification",
            "model": "mine/scripted",
            "attachments": [{"kind": "entity", "id": "SPEC-003"}],
        },
        "shown": "SPEC-003",
        "left": 0,
        "title": ["What does it need?", "What does it need?"],
        "back": "offline/offline",
        "edited": "needs-review",
        "answers": [["allowed", None], ["denied", "Not before Friday"]],
        "untouched": seen["untouched"],
        "compacted": 1,
        "listed": ["Where are holds kept?", "What does it need?"],
        "found": ["About T-009"],
        "suggested": "About-T-009.md",
        "exported": True,
        "forked": ["About T-009", True],
        "away": ["About T-009", "Where are holds kept?"],
        "fetched": False,
        "kept": True,
        "deleted": True,
        "interrupted": ["interrupted"],
        "resumed": ["blocked", ["completed"]],
        "same": True,
        "again": ["blocked", ["completed", "completed"]],
        "problems": [],
    }
    assert seen["untouched"] != "done"
