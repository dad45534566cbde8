"""The extension drives the daemon in a real VS Code: inside its extension host, and as a person uses its window."""

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
from tests.hosts.install import CACHE, HostError, Hosts, install
from tests.support.code_server import CodeServer, code_server
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from collections.abc import Generator

EXTENSION = EDITORS / "vscode"
SHOTS = CACHE / "screenshots" / "vscode"
DEADLINE_SECONDS = 180
DAEMON = str(Path(sys.executable).with_name("ckit-daemon"))


@pytest.fixture(scope="module")
def hosts() -> Hosts:
    """The installed hosts; where CI runs, one that is missing is a failure."""
    try:
        return install()
    except HostError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def package(hosts: Hosts) -> Path:  # noqa: ARG001 - without hosts nothing needs to be built.
    """The extension's package, made of the sources as they are."""
    build(EDITORS / "client", "build")
    build(EXTENSION, "package")
    return EXTENSION / "dist" / "ckit.vsix"


def drive(hosts: Hosts, server: CodeServer, script: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run one of the scripts that use the window."""
    options = {
        "url": server.url,
        "folder": str(folder),
        "tools": hosts.tools,
        "chromium": hosts.chromium,
        "shots": str(SHOTS),
        **more,
    }
    return subprocess.run(
        [hosts.node, str(EXTENSION / "test" / "ui" / script), json.dumps(options)],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=DEADLINE_SECONDS,
        env=server.environment,
    )


def settings(**more: Any) -> dict[str, Any]:
    """Settings of a person who wants nothing but ckit."""
    return {
        "ckit.path": DAEMON,
        "chat.disableAIFeatures": True,
        "workbench.startupEditor": "none",
        "workbench.secondarySideBar.defaultVisibility": "hidden",
        "remote.autoForwardPorts": False,
        "git.openRepositoryInParentFolders": "never",
        **more,
    }


@pytest.fixture(scope="module")
def inside(hosts: Hosts, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[dict[str, Any]]:
    """What the tests inside the extension host found."""
    tmp_path = tmp_path_factory.mktemp("inside")
    root = copy_example(tmp_path / "lantern")
    plant(root)
    report = tmp_path / "report.json"
    server_settings = settings(**{"security.workspace.trust.enabled": False})
    with code_server(hosts, tmp_path / "vscode", server_settings, CKIT_TEST_REPORT=str(report)) as server:
        run = drive(hosts, server, "host.mjs", root, extension=str(package.parents[1]))
        assert report.exists(), run.stderr[-4000:]
    yield {"code": run.returncode, **json.loads(report.read_text("utf-8"))}


def plant(root: Path) -> None:
    """Plant a fault that has a fix."""
    feature = next((root / "contexts" / "features").glob("FEAT-001*"))
    text = feature.read_text("utf-8")
    assert "userStories: [US-001, " in text
    feature.write_text(text.replace("userStories: [US-001, ", "userStories: [US-0001, "), "utf-8")


def test_every_test_inside_the_extension_host_passes(inside: dict[str, Any]) -> None:
    failures = [f"{each['fullTitle']}: {each['err'].get('message')}" for each in inside["failures"]]
    assert not failures, "\n\n".join(failures)
    assert inside["stats"]["passes"] >= 15
    assert inside["code"] == 0
