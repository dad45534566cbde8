"""How soon the daemon lets go of what a turn has begun once the client cancels it."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING, Final

import psutil

from tests.bench.assistant import Talk, talking
from tests.bench.models import PATIENCE_SECONDS, ModelProcess, pieces, script
from tests.bench.table import Row, at_most

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECTION: Final = "cancel to end, slowest"
PROMISED_SECONDS: Final = 0.2
ALLOWED: Final = {"policies": [{"action": "allow", "tool": "pipeline.script"}]}
# A script whose child has a child; the last one writes a file once signals find all of them prepared.
TREE: Final = """
import {spawn} from 'node:child_process';
import {writeFileSync} from 'node:fs';
const [manner, depth] = process.argv.slice(2);
if (manner === 'stubborn') for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(name, () => {});
setInterval(() => {}, 1000);
if (depth < 2) spawn(process.execPath, ['job.mjs', manner, Number(depth) + 1], {stdio: 'inherit'});
else writeFileSync('ready', '');
"""
MANNERS: Final = {"polite": "a script's processes", "stubborn": "processes that ignore signals"}


def cancels(runs: int) -> Iterator[Row]:
    """Cancel turns while the model speaks, and while a script runs whose processes end politely or ignore signals."""
    with ModelProcess() as model, talking(model, assistant=ALLOWED) as talk:
        for name, cancel in (("ckit/turn/cancel", _by_method), ("$/cancelRequest", _by_notification)):
            seconds = max(_until_stream_ends(talk, model, cancel, run) for run in range(runs))
            yield Row(SECTION, f"{name}: the model's stream", seconds, "s", aim=at_most(PROMISED_SECONDS))
        if shutil.which("npm") is None:
            return
        (talk.root / "job.mjs").write_text(TREE, encoding="utf-8")
        scripts = {manner: f"node job.mjs {manner} 0" for manner in MANNERS}
        (talk.root / "package.json").write_text(json.dumps({"scripts": scripts}), encoding="utf-8")
        for manner, name in MANNERS.items():
            seconds = max(_until_processes_end(talk, manner) for _ in range(runs))
            yield Row(SECTION, f"ckit/turn/cancel: {name}", seconds, "s", aim=at_most(PROMISED_SECONDS))


def _by_method(talk: Talk, session: str, _: int) -> None:
    talk.server.send("ckit/turn/cancel", {"sessionId": session})


def _by_notification(talk: Talk, _: str, request: int) -> None:
    talk.server.notify("$/cancelRequest", {"id": request})


def _until_stream_ends(talk: Talk, model: ModelProcess, cancel: Callable[[Talk, str, int], None], run: int) -> float:
    talk.deltas.clear()
    session = talk.session()
    request = talk.start(session, pieces(10_000, 0.01, f"{cancel.__name__} {run}"))
    talk.server.wait_until(lambda: len(talk.deltas) >= 3)
    began = time.perf_counter()
    cancel(talk, session, request)
    seconds = model.gone() - began
    _check_cancelled(talk, session)
    return seconds


def _until_processes_end(talk: Talk, manner: str) -> float:
    ready = talk.root / "ready"
    session = talk.session()
    talk.start(session, script(manner))
    _wait(lambda: not ready.exists(), lambda: talk.server.call("ckit/capabilities"))
    ready.unlink()
    family = psutil.Process(talk.server.pid).children(recursive=True)
    began = time.perf_counter()
    _by_method(talk, session, 0)
    _wait(lambda: any(map(_runs, family)))
    seconds = time.perf_counter() - began
    _check_cancelled(talk, session)
    return seconds


def _wait(lasts: Callable[[], bool], meanwhile: Callable[[], object] = lambda: None) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while lasts():
        assert time.monotonic() < deadline, "it took too long"
        meanwhile()


def _check_cancelled(talk: Talk, session: str) -> None:
    [turn] = talk.server.call("ckit/session/get", {"id": session}).result["turns"]
    while turn["status"] == "running":
        [turn] = talk.server.call("ckit/session/get", {"id": session}).result["turns"]
    assert turn["stopReason"] == "cancelled", turn


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
