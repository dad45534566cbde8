"""The extension drives the daemon in a real VS Code: inside its extension host, and as a person uses its window."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import zipfile
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from ckit_daemon.settings import FeatureSettings
from tests.hosts.building import EDITORS, build
from tests.hosts.install import CACHE
from tests.support.code_server import CodeServer, code_server, settings
from tests.support.model_server import Reply, model_server, provider_options
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.hosts.install import Hosts

EXTENSION = EDITORS / "vscode"
SHOTS = CACHE / "screenshots" / "vscode"
DEADLINE_SECONDS = 1800
DARK = "Default Dark Modern"
KEY = "sk-scripted-0123456789abcdef0123456789"


@pytest.fixture(scope="module")
def package(hosts: Hosts) -> Path:
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
    assert inside["stats"]["passes"] >= 39
    assert inside["code"] == 0


def test_a_person_s_story_in_vs_code(hosts: Hosts, package: Path, tmp_path: Path) -> None:
    root = copy_example(tmp_path / "lantern")
    plant(root)
    # Nobody is asked about trust at the start, and nobody trusts the folder before the story does.
    with contextlib.ExitStack() as stack:
        model = stack.enter_context(model_server("openai"))
        model.key = KEY
        model.enqueue(Reply(chunks=["# Pausing\n\n", "Half a sentence ", "that nobody waits for."], stall_after=2))
        provider = provider_options(model, apiKey="client:scripted")
        person = settings(
            **{
                "security.workspace.trust.startupPrompt": "never",
                "workbench.colorTheme": DARK,
                "ckit.config": {"models": {"providers": {"scripted": provider}}},
            }
        )
        server = stack.enter_context(code_server(hosts, tmp_path / "vscode", person, extension=package))
        run = drive(hosts, server, "story.mjs", root, key=KEY)
        seen: dict[str, Any] = json.loads(run.stdout or "{}")
        assert seen.get("step") == "end", run.stderr[-4000:]
        # The window is closed, the server goes on, and what it had started for the window is gone.
        _, alive = psutil.wait_procs(server.daemons(), timeout=DEADLINE_SECONDS)
        assert alive == []
        assert server.process.poll() is None
        # Cancelled in the window, the answer of the model ended where it was.
        assert len(model.calls) == len(model.closed_at) == 1
        assert model.open_streams == 0
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert seen == {
        "step": "end",
        "untrusted": "lantern43 entities · not trusted: its scripts do not run Repositories",
        "trusted": "lantern43 entities · trusted Repositories",
        "types": 7,
        "counted": "1",
        "fix": "Change it to US-001",
        "mended": True,
        "sources": seen["sources"],
        "cited": True,
        "strict": {"ran": False, "reached": False},
        "noticed": True,
        "nodes": 43,
        "filtered": 31,
        "reached": 8,
        "kept": True,
        "opened": True,
        "unwritten": True,
        "spec": True,
        "allowed": True,
        "withdrawn": "Not asked any more: Update T-008.",
        "cancelled": seen["cancelled"],
        "spinning": 0,
        "searched": True,
        "menu": seen["menu"],
        "stopped": 0,
        "ticked": True,
        "untouched": True,
        "script": seen["script"],
        "problems": [],
    }
    assert seen["script"].endswith(" --ignore-scripts validate")
    assert {"Find Similar Entities…", "Rename the Id of an Entity…", "Delete Entity…"} <= set(seen["menu"])
    assert "Generate the Code of a Specification…" not in seen["menu"]
    assert seen["sources"] > 0
    assert seen["cancelled"].endswith("cancelled")


def test_a_person_leads_conversations_in_vs_code(hosts: Hosts, package: Path, tmp_path: Path) -> None:
    root = copy_example(tmp_path / "lantern")
    with model_server("openai") as model:
        model.key = "sk-0123456789abcdef0123456789abcdef"
        provider = provider_options(model, apiKey="client:mine")
        person = settings(
            **{
                "security.workspace.trust.enabled": False,
                "workbench.colorTheme": DARK,
                "ckit.config": {"models": {"providers": {"mine": provider}}},
            }
        )
        with code_server(hosts, tmp_path / "vscode", person, extension=package) as server:
            run = drive(hosts, server, "chat.mjs", root, key=model.key)
    seen: dict[str, Any] = json.loads(run.stdout or "{}")
    assert seen.get("step") == "end", run.stderr[-4000:]
    assert seen.pop("refused").startswith("The arguments don't fit: ")
    assert seen == {
        "step": "end",
        "unasked": 0,
        "end": "mine/scripted \u00b7 11 tokens in, 7 out",
        "attached": ["T-010-online-registration.yaml:1-2", "FEAT-002"],
        "edited": "needs-review",
        "title": "What is this about?",
        "again": "What is this about?",
        "problems": [],
    }


def test_two_repositories_in_one_window_are_told_apart(hosts: Hosts, package: Path, tmp_path: Path) -> None:
    first, second = (copy_example(tmp_path / name, git=False) for name in ("lantern", "lamp"))
    feature = next((second / "contexts" / "features").glob("FEAT-002*"))
    text = feature.read_text("utf-8")
    assert "Search the catalogue" in text
    feature.write_text(text.replace("Search the catalogue", "Light a lamp"), "utf-8")
    both = tmp_path / "both.code-workspace"
    both.write_text(json.dumps({"folders": [{"path": str(first)}, {"path": str(second)}]}), "utf-8")
    person = settings(**{"security.workspace.trust.enabled": False})
    with code_server(hosts, tmp_path / "vscode", person, extension=package) as server:
        run = drive(hosts, server, "roots.mjs", first, workspace=str(both))
    seen: dict[str, Any] = json.loads(run.stdout or "{}")
    expected = {"repositories": ["lantern", "lamp"], "titles": ["Light a lamp", "Search the catalogue"]}
    assert seen == expected, run.stderr[-4000:]


def test_the_units_of_the_extension_pass_their_tests(hosts: Hosts, package: Path) -> None:
    tests = package.parent / "test" / "unit"
    command = [hosts.node, "--test", str(tests / "*.js")]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE_SECONDS)
    assert run.returncode == 0, run.stdout[-4000:]


def test_the_package_holds_what_runs_and_nothing_else(package: Path) -> None:
    with zipfile.ZipFile(package) as content:
        names = {name.removeprefix("extension/") for name in content.namelist() if name.startswith("extension/")}
        described = content.read("extension/readme.md").decode()
        notices = content.read("extension/dist/ThirdPartyNotices.txt").decode()
        size = sum(each.file_size for each in content.infolist() if each.filename.startswith("extension/dist/"))
    code = {f"dist/page/{name}" for name in ("ask.js", "chat.js", "graph.js", "style.css")} | {"dist/extension.js"}
    assert {name for name in names if name.startswith("dist/")} == code | {"dist/ThirdPartyNotices.txt"}
    # Of both sides: what the pages are made of comes from the shared views.
    assert all(f"{bundled} " in notices for bundled in ("cytoscape", "markdown-it", "vscode-languageclient"))
    beside = {name.split("/")[0] for name in names if not name.startswith("dist/")}
    assert beside == {"package.json", "readme.md", "LICENSE.txt", "media"}
    assert "## Install" in described
    # VS Code shows no pictures of an installed extension that are not on the network.
    assert "](images/" not in described
    assert size < 2_000_000


def test_no_setting_of_the_extension_can_hold_a_key() -> None:
    manifest: dict[str, Any] = json.loads((EXTENSION / "package.json").read_text("utf-8"))
    described: dict[str, dict[str, Any]] = manifest["contributes"]["configuration"]["properties"]
    assert not [name for name in described if any(word in name.lower() for word in ("key", "token", "secret"))]
    # What could send a key elsewhere is never taken from a folder that somebody opens.
    assert described["ckit.config"]["scope"] == "machine"
    assert {"ckit.path", "ckit.arguments"} <= set(
        manifest["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"]
    )


def test_commands_are_offered_only_where_the_daemon_has_what_they_need() -> None:
    contributes: dict[str, Any] = json.loads((EXTENSION / "package.json").read_text("utf-8"))["contributes"]
    commands = {each["command"]: each for each in contributes["commands"]}
    menus = [item for items in contributes["menus"].values() for item in items]
    conditions = [each.get("enablement", "") for each in commands.values()] + [each.get("when", "") for each in menus]
    named = {name for condition in conditions for name in re.findall(r"ckit\.feature\.(\w+)", condition)}
    assert named - set(FeatureSettings.__struct_fields__) == set()
    assert {"rag", "assistant", "generation", "edits", "graph", "impact", "prompts", "pipelines"} <= named
    assert {each["command"] for each in menus if "command" in each} <= commands.keys()
    # These have to work without a daemon, or are about its absence.
    always = {"setKey", "clearKey", "health", "restart", "showLog", "walkthrough"}
    asked = {"allow", "deny"}
    without = {name for name, each in commands.items() if "ckit.state == running" not in each.get("enablement", "")}
    assert without == {f"ckit.{name}" for name in always | asked}
