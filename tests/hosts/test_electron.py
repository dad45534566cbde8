"""The reference application drives the daemon in a real Electron, on a screen that only the test sees."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.hosts.building import EDITORS, build
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from tests.hosts.install import Hosts

APP = EDITORS / "electron"
DEADLINE_SECONDS = 240
SHOTS = Path(__file__).parents[2] / ".cache" / "hosts" / "screenshots" / "electron"


@pytest.fixture(scope="session")
def application() -> Path:
    """The application, built for the Electron that is there."""
    build(EDITORS / "client", "build")
    build(APP, "build:old")
    return APP


def test_a_person_s_story_in_electron(hosts: Hosts, application: Path, tmp_path: Path) -> None:
    root = copy_example(tmp_path / "lantern", git=False)
    feature = next((root / "contexts" / "features").glob("FEAT-001*"))
    feature.write_text(feature.read_text("utf-8").replace("status: in-progress", "status: in-progres"), "utf-8")
    SHOTS.mkdir(parents=True, exist_ok=True)
    own = {name: str(tmp_path / name) for name in ("CKIT_PATHS_CACHE_DIR", "CKIT_PATHS_STATE_DIR", "HOME")}
    daemon = [sys.executable, "-m", "ckit_daemon", "--log-level", "warning"]
    story = [hosts.node, str(application / "test" / "story.cjs"), hosts.electron, hosts.electron_tools]
    run = subprocess.run(
        ["xvfb-run", "--auto-servernum", "--server-args=-screen 0 1400x900x24", *story, str(root), str(SHOTS)],
        check=False,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        env={**os.environ, **own, "CKIT_CONFIG_FILE": os.devnull, "CKIT_DAEMON": json.dumps(daemon)},
    )
    assert run.returncode == 0, run.stderr[-4000:]
    seen: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    assert seen.pop("isolated") == {
        "require": "undefined",
        "process": "undefined",
        "api": [
            "cancel",
            "chooseFolder",
            "onApproval",
            "onChange",
            "onPart",
            "onState",
            "onTurnEvent",
            "openFile",
            "request",
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
    left = [each for each in psutil.process_iter(["cmdline"]) if str(root) in " ".join(each.info["cmdline"] or [])]
    assert left == []
