"""What the start leaves for later: libraries that take long to import and that initialize does not need."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

HEAVY = {"anyio._backends", "jsonschema_rs", "prometheus_client", "psutil", "pydantic", "pygit2", "ryml", "structlog"}
SCRIPT = """
import asyncio, json, sys
from lsprotocol import types
from ckit_daemon.app import App
from ckit_daemon.config import load
from ckit_daemon.logs import Logs

async def start():
    configuration = load()
    Logs(configuration.settings.log)
    app = App(configuration, own_process=False)
    app.initialize(types.InitializeParams(types.ClientCapabilities()), {})
    before = set(sys.modules)
    await asyncio.sleep(0)
    json.dump([sorted(before), sorted(sys.modules)], sys.stdout)

asyncio.run(start())
"""


@pytest.fixture(scope="module")
def modules() -> tuple[set[str], set[str]]:
    """The modules that are there when initialize is answered, and a turn of the event loop later."""
    environment = {**os.environ, "CKIT_CONFIG_FILE": os.devnull, "CKIT_LOG_LEVEL": "warning"}
    run = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, check=True, capture_output=True)
    before, after = json.loads(run.stdout)
    return set(before), set(after)


def test_initialize_is_answered_before_anything_heavy_is_imported(modules: tuple[set[str], set[str]]) -> None:
    before, _ = modules
    assert "ckit_daemon.rpc.initialize" in before
    assert not HEAVY & before


def test_the_models_are_loaded_right_behind_the_answer_and_the_engine_is_not(
    modules: tuple[set[str], set[str]],
) -> None:
    _, after = modules
    assert {"pydantic", "ckit_daemon.wire.methods", "ckit_daemon.rpc.dispatch"} <= after
    assert not {module for module in after if module.startswith(("ckit_daemon.repo", "ckit_daemon.core.validation"))}
