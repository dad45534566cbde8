"""R07, R08: a key appears in no log, event, error, database, spec log, crash output or child's arguments.

One run from beginning to end: three lives of a daemon, two of which end in a crash, and the command. Everybody repeats
the keys: people, models, providers in their errors, files, tools and scripts. Afterwards all that was written is
searched, by whomever and wherever.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
from typing import TYPE_CHECKING

import pytest

from tests.security import planted, planted_scenes
from tests.security.planted import ALL, KEYS, Finder, files_below
from tests.security.planted_commands import commands_are_used
from tests.security.planted_run import POSIX, Run, configure, options, plant
from tests.security.watched import watched
from tests.support.model_server import ModelServer, model_server
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

NPM = shutil.which("npm")


@contextlib.contextmanager
def servers() -> Generator[dict[str, ModelServer]]:
    """One server of each kind."""
    with model_server("openai") as openai, model_server("azure") as azure, model_server("ollama") as asked:
        openai.models[f"ft-{planted.KNOWN_FORM}"] = 8192
        for server in (openai, azure, asked):
            server.models["scripted"] = 200_000
        yield {"openai": openai, "azure": azure, "asked": asked}


def findings(run: Run, held: set[str]) -> dict[str, dict[str, str]]:
    """Every place where a key is that should not be there."""
    finder = Finder(KEYS)
    places: dict[str, bytes | str] = {f"printed by {name}": data for name, data in run.printed.items()}
    for folder in ("out", "state", "cache", "tmp", "home", "children", "example"):
        for path in files_below(run.folder / folder):
            places[path.relative_to(run.folder).as_posix()] = path.read_bytes()
    for path in held:
        del places[f"example/{path}"]
    places["shown to the person"] = json.dumps(run.shown, ensure_ascii=False)
    for children in run.children:
        places["the daemon's own arguments"] = json.dumps(children.own_command)
        for command, environment in children.seen.values():
            places[f"arguments of {command[:3]}"] = json.dumps(command)
            # Python itself asks `uname` for its libraries, and gives it all that it has.
            if command != ["uname", "-p"]:
                places[f"environment of {command[:3]}"] = json.dumps(environment)
    for name, server in run.servers.items():
        places[f"told to {name}"] = json.dumps([call.body for call in server.requests], ensure_ascii=False)
    found = {place: finder.find(data) for place, data in places.items()}
    for place, keys in found.items():
        if place.startswith("cache/parsed/"):
            keys.pop("idle ring", None)
    return {place: keys for place, keys in found.items() if keys}


def headers(run: Run, server: str, name: str) -> set[str]:
    """What a server was sent in a header."""
    return {request.headers[name] for request in run.servers[server].requests if name in request.headers}


@pytest.mark.asyncio
async def test_R07_R08_planted_keys_are_nowhere_after_a_full_run_with_failures(tmp_path: Path) -> None:
    for name in ("out", "home", "tmp", "children"):
        (tmp_path / name).mkdir()
    root = copy_example(tmp_path / "example")
    held = plant(root)
    with servers() as kinds:
        configure(tmp_path, kinds)
        run = Run(tmp_path, root, kinds)
        out = tmp_path / "out"
        debug = ("--log-level", "debug")
        async with watched(out, "first", run.environment, options(), *debug) as daemon:
            run.children.append(daemon.children)
            client = daemon.client
            run.serve(client)
            client.notify("$/setTrace", {"value": "verbose"})
            await client.request("ckit/repo/open", {"path": str(root)})
            await planted_scenes.before_anybody_has_used_a_key(run, client)
            await planted_scenes.keys_as_parameters(run, client)
            await planted_scenes.providers_are_tried(run, client)
            await planted_scenes.turns_go_wrong(run, client)
            await planted_scenes.tools_bring_keys(run, client)
            if NPM:
                await planted_scenes.scripts_show_what_they_get(run, client)
            await planted_scenes.a_crash(run, daemon, None)
        log = ("--log-file", str(out / "second.log"))
        async with watched(out, "second", run.environment, options(), *debug, *log) as daemon:
            run.children.append(daemon.children)
            run.serve(daemon.client)
            daemon.client.notify("$/setTrace", {"value": "verbose"})
            await daemon.client.request("ckit/repo/open", {"path": str(root)})
            await planted_scenes.the_client_is_asked(run, daemon.client)
            await planted_scenes.the_repository_is_searched(run, daemon.client)
            await planted_scenes.things_are_generated(run, daemon.client)
            await planted_scenes.sessions_are_looked_at(run, daemon.client)
            await planted_scenes.a_crash(run, daemon, signal.SIGABRT if POSIX else None)
        async with watched(out, "third", run.environment, options(), *debug) as daemon:
            run.children.append(daemon.children)
            run.serve(daemon.client)
            await daemon.client.request("ckit/repo/open", {"path": str(root)})
            await planted_scenes.the_client_is_asked(run, daemon.client)
            await planted_scenes.sessions_are_looked_at(run, daemon.client)
            await daemon.client.request("shutdown")
            daemon.client.notify("exit")
            assert await daemon.ended() == 0
        await commands_are_used(run)

        # The run was real: the keys were used, logs were written, the crash left its output, children were seen.
        assert headers(run, "openai", "authorization") == {f"Bearer {planted.KNOWN_FORM}"}
        assert headers(run, "openai", "x-stamp") == {planted.STAMP}
        assert headers(run, "azure", "api-key") == {planted.AZURE}
        assert headers(run, "azure", "ocp-apim-subscription-key") == {planted.GATEWAY}
        assert headers(run, "asked", "authorization") == {f"Bearer {planted.ASKED}"}
        assert headers(run, "asked", "x-pass") == {planted.PHRASE}
        assert b'"level":"debug"' in (out / "first.stderr").read_bytes()
        assert b'"level":"debug"' in (out / "second.log").read_bytes()
        assert not POSIX or b"Fatal Python error: Aborted" in (out / "second.stderr").read_bytes()
        assert not NPM or any("show.mjs" in command for each in run.children for command, _ in each.seen.values())
        assert Finder(KEYS).find((root / "docs" / "asked.txt").read_bytes()).keys() >= {"asked", "umlaut"}

        found = findings(run, held)
        assert not found, json.dumps(found, indent=1, ensure_ascii=False)
    assert set(ALL) < {*KEYS.values()}
