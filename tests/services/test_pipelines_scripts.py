"""Scripts run by the real npm and Node."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from ckit_daemon import redaction
from ckit_daemon.core.errors import (
    DeadlineExceededError,
    DegradedError,
    InvalidArgumentError,
    LimitExceededError,
    NotFoundError,
    NotTrustedError,
    OperationCancelledError,
    ProcessFailedError,
)
from ckit_daemon.processes import ChildProcesses
from ckit_daemon.redaction import MASK
from ckit_daemon.services.pipelines import script as script_module
from ckit_daemon.services.pipelines.script import ScriptRun, ScriptRunner, reduced_environment
from ckit_daemon.services.pipelines.scripts import Command, Manager, Package, plan, read_package

if TYPE_CHECKING:
    from pathlib import Path

NODE = shutil.which("node")
needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed")
FIND = {"pnpm": "/bin/pnpm", "npm": "/bin/npm", "node": "/bin/node"}


def package(preferred: Manager = "npm", **scripts: str) -> Package:
    return Package({"validate": "node .context/validate.mjs", **scripts}, preferred)


@pytest.mark.parametrize(
    ("preferred", "installed", "arguments", "note"),
    [
        (
            "pnpm",
            {"pnpm", "npm", "node"},
            ("/bin/pnpm", "--silent", "--config.enable-pre-post-scripts=false", "run", "validate", "--x", "a b"),
            None,
        ),
        (
            "pnpm",
            {"npm", "node"},
            ("/bin/npm", "run", "--silent", "--ignore-scripts", "validate", "--", "--x", "a b"),
            "pnpm is not installed; npm runs it",
        ),
        (
            "npm",
            {"pnpm", "npm"},
            ("/bin/npm", "run", "--silent", "--ignore-scripts", "validate", "--", "--x", "a b"),
            None,
        ),
        (
            "pnpm",
            {"node"},
            ("/bin/node", ".context/validate.mjs", "--x", "a b"),
            "pnpm is not installed; node runs it directly",
        ),
    ],
)
def test_the_command_line_is_a_list_for_the_best_program_there_is(preferred, installed, arguments, note):
    command = plan(
        package(preferred), "validate", ["--x", "a b"], lambda name: FIND[name] if name in installed else None
    )
    assert (command.arguments, command.note) == (arguments, note)


def test_without_any_program_the_native_engine_and_the_fix_are_named():
    with pytest.raises(DegradedError, match=r"needs pnpm.*npm install --global pnpm.*engine 'native'"):
        plan(package("pnpm"), "validate", find=lambda _: None)
    with pytest.raises(DegradedError) as caught:
        plan(package("pnpm", c4="node a.mjs && rm x"), "c4", find=lambda name: "/bin/node" if name == "node" else None)
    assert "native" not in caught.value.message


@pytest.mark.parametrize(
    "argument", ["$(touch x)", "`x`", "a;b", "a|b", "a&b", 'a"b', "a'b", "a\nb", "%PATH%", "a>b", "*", "\0", "x" * 5000]
)
def test_R21_an_argument_that_a_shell_might_read_is_refused(argument):
    with pytest.raises(InvalidArgumentError):
        plan(package(), "validate", [argument], FIND.get)


@pytest.mark.parametrize("name", ["nope", "--help", "", "validate; rm -rf x"])
def test_R21_only_scripts_of_package_json_run(name):
    with pytest.raises(NotFoundError, match=r"no script .*; there are: validate\."):
        plan(package(), name, find=FIND.get)


class Files:
    def __init__(self, text: str | None) -> None:
        self._text = text

    def read_file(self, path: str):
        if self._text is None:
            raise NotFoundError("none")
        return type("Content", (), {"text": self._text})


@pytest.mark.parametrize(
    ("text", "scripts", "preferred"),
    [
        (None, {}, "npm"),
        ("{", {}, "npm"),
        ("[]", {}, "npm"),
        ('{"scripts": 5, "packageManager": 5}', {}, "npm"),
        ('{"scripts": {"a": "x", "-b": "x", "c d": "x", "e": 1, "s:f": "y"}}', {"a": "x", "s:f": "y"}, "npm"),
        ('{"packageManager": "pnpm@10.1.0+sha512.x"}', {}, "pnpm"),
        ('{"packageManager": "pnpmx"}', {}, "npm"),
    ],
)
def test_package_json_gives_scripts_with_sound_names_and_the_manager(text, scripts, preferred):
    assert read_package(Files(text)) == Package(scripts, preferred)  # type: ignore[arg-type]  # only read_file is used


def test_R07_a_script_gets_no_secret_from_the_environment():
    given = {
        "PATH": "/bin",
        "HOME": "/h",
        "OPENAI_API_KEY": "x",
        "NPM_TOKEN": "x",
        "DB_PASSWORD": "x",
        "INNOCENT": "sk-" + "a" * 20,
        "CKIT_LOG_LEVEL": "debug",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-scope=planted",
    }
    kept = reduced_environment(given)
    assert kept.keys() & given.keys() == {"PATH", "HOME"}


def test_R07_a_script_gets_no_variable_that_the_settings_name_and_no_copy_of_a_key():
    redaction.learn("learnt of a drawer 4711")
    given = {"HOME": "/h", "WORK_LLM": "short", "COPY": "Use learnt of a drawer 4711", "OTHER": "of a drawer"}
    kept = reduced_environment(given, {"WORK_LLM", "NOT_SET"})
    assert kept.keys() & given.keys() == {"HOME", "OTHER"}


@pytest.mark.parametrize(("source", "args"), [("node a.cjs", ["--key=drawer-key-4712"]), ("go drawer-key-4712", [])])
def test_R07_no_command_line_holds_a_key(source, args):
    redaction.learn("drawer-key-4712")
    with pytest.raises(InvalidArgumentError) as caught:
        plan(Package({"a": source}, "npm"), "a", args, lambda _: "/bin/npm")
    assert "drawer" not in str(caught.value)
    assert (
        plan(Package({"a": "node a.cjs"}, "npm"), "a", ["--key=4712"], lambda _: "/bin/npm").arguments[-1]
        == "--key=4712"
    )


# Real processes

SCRIPTS = {
    "args": "console.log(JSON.stringify(process.argv.slice(2))); console.error('wärning'); process.exit(3)",
    "big": "console.log(JSON.stringify({x: 'y'.repeat(1 << 20)})); process.exit(0)",
    "lines": "for (let i = 0; i < 3; i++) console.log('line ' + i); process.stdout.write('no end')",
    "tree": (
        "const {spawn} = require('node:child_process');"
        "const c = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);"
        "console.log('pids ' + process.pid + ' ' + c.pid); setInterval(() => {}, 1000)"
    ),
    "leaves": (
        "const {spawn} = require('node:child_process');"
        "const c = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {stdio: 'inherit'});"
        "c.unref(); console.log('pids ' + c.pid); process.exit(0)"
    ),
    "flood": "for (let i = 0; i < 100; i++) require('fs').writeSync(1, 'x'.repeat(1 << 20))",
}


class Lines:
    def __init__(self, stop_at: str | None = None) -> None:
        self.lines: list[str] = []
        self._stop_at = stop_at
        self.seen = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def report(self, done: int, total: int, message: str) -> None:
        self.lines.append(message)
        self._loop.call_soon_threadsafe(self.seen.set)
        if self._stop_at is not None and message.startswith(self._stop_at):
            raise OperationCancelledError("stop")

    def pids(self) -> list[int]:
        return [int(pid) for line in self.lines if line.startswith("pids ") for pid in line.split()[1:]]


@pytest.fixture
def root(tmp_path) -> Path:
    folder = tmp_path / "a repö"
    folder.mkdir()
    for name, text in SCRIPTS.items():
        (folder / f"{name}.cjs").write_text(text)
    scripts = {name: f"node {name}.cjs" for name in SCRIPTS}
    (folder / "package.json").write_text(json.dumps({"scripts": {**scripts, "preargs": "node big.cjs"}}))
    return folder


def direct(name: str) -> Command:
    return Command(name, f"node {name}.cjs", "node", (NODE or "node", f"{name}.cjs"))


def run(coroutine):
    async def bounded():
        async with asyncio.timeout(120):
            return await coroutine()

    return asyncio.run(bounded())


async def start(root: Path, name: str, runner: ScriptRunner | None = None, **options):
    return await (runner or ScriptRunner(ChildProcesses())).run(
        root, direct(name), trusted=True, confirm=True, **options
    )


def alive(pids: list[int]) -> list[int]:
    """Those of some processes that still run once each had a moment to die."""
    assert pids
    deadline = time.monotonic() + 60
    while (left := [pid for pid in pids if runs(pid)]) and time.monotonic() < deadline:
        pass
    return left


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@needs_node
@pytest.mark.parametrize("line", ["", "\\n"])
def test_R08_no_part_of_a_key_is_left_where_output_is_cut(root, line):
    key = "".join(random.Random(4713).choices("abcdefghijklmnopqrstuvwxyz", k=90))
    redaction.learn(key)
    # Over and over without a gap, so that every cut goes through it.
    (root / "args.cjs").write_text(
        f"process.stdout.write(`{key} {line}`.repeat(3000)); process.stderr.write('{key}\\n')"
    )

    async def act():
        progress = Lines()
        return progress, await start(root, "args", progress=progress)

    progress, result = run(act)
    parts = {key[start : start + 8] for start in range(len(key) - 8)}
    assert result.truncated is True
    assert MASK in result.stdout
    assert result.stderr.strip() == MASK
    for text in (result.stdout, *progress.lines):
        assert not [part for part in parts if part in text]


@needs_npm
def test_npm_runs_a_script_with_its_arguments_and_without_the_scripts_around_it(root):
    command = plan(Package({"args": "node args.cjs"}, "npm"), "args", ["--id", "FEAT 1"])
    result = run(lambda: ScriptRunner(ChildProcesses()).run(root, command, trusted=True, confirm=True))
    assert (result.exit_code, result.output, result.truncated) == (3, ["--id", "FEAT 1"], False)
    assert "wärning" in result.stderr
    assert "yyy" not in result.stdout


@needs_node
def test_output_beyond_a_pipe_arrives_whole_though_the_script_exits_at_once(root):
    """The predecessor got 64 KB of it."""
    result = run(lambda: start(root, "big"))
    assert result.output == {"x": "y" * (1 << 20)}
    assert (result.truncated, len(result.stdout)) == (True, script_module.TAIL_CHARACTERS)


@needs_node
def test_every_line_is_told_while_the_script_runs_and_the_last_one_without_an_end(root):
    async def lines():
        progress = Lines()
        result = await start(root, "lines", progress=progress)
        return progress.lines, result.stdout, result.output

    told, stdout, output = run(lines)
    assert told == ["line 0", "line 1", "line 2", "no end"]
    assert stdout.endswith("line 2\nno end")
    assert output is None


class Remembering(ChildProcesses):
    def __init__(self) -> None:
        super().__init__()
        self.leaders: list[int] = []

    def add(self, pid: int) -> None:
        self.leaders.append(pid)
        super().add(pid)


@needs_node
@pytest.mark.parametrize("how", ["cancel", "deadline", "progress", "end"])
def test_R23_all_processes_of_a_script_are_gone_when_it_is_stopped(root, how):
    async def stop():
        processes = Remembering()
        runner = ScriptRunner(processes)
        progress = Lines("pids" if how == "progress" else None)
        # Long enough for a busy machine to start Node twice before it has passed.
        deadline = 8.0 if how == "deadline" else 100.0
        task = asyncio.create_task(start(root, "tree", runner, progress=progress, deadline_seconds=deadline))
        await asyncio.wait([task, asyncio.create_task(progress.seen.wait())], return_when=asyncio.FIRST_COMPLETED)
        if how == "cancel":
            task.cancel()
        if how == "end":
            await asyncio.to_thread(processes.end, processes.leaders[0], 0.3)
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        return progress.pids(), outcome

    pids, outcome = run(stop)
    assert alive(pids) == []
    kinds = {
        "cancel": asyncio.CancelledError,
        "deadline": DeadlineExceededError,
        "progress": OperationCancelledError,
    }
    if how in kinds:
        assert isinstance(outcome, kinds[how])
    else:
        assert isinstance(outcome, ScriptRun)


@needs_node
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no sessions to find orphans by")
def test_what_a_script_leaves_behind_ends_with_it(root):
    async def leave():
        progress = Lines()
        await start(root, "leaves", progress=progress, deadline_seconds=20)
        return progress.pids()

    assert alive(run(leave)) == []


@needs_node
def test_a_script_that_prints_without_end_is_stopped(root):
    with pytest.raises(LimitExceededError):
        run(lambda: start(root, "flood"))


def test_a_program_that_cannot_start_is_an_error_without_a_traceback(root):
    command = Command("x", "x", "npm", (str(root / "no such program"),))
    with pytest.raises(ProcessFailedError, match="npm can't be started"):
        run(lambda: ScriptRunner(ChildProcesses()).run(root, command, trusted=True, confirm=True))


def test_R39_an_untrusted_workspace_runs_nothing(root):
    with pytest.raises(NotTrustedError, match="trusted workspace"):
        run(lambda: ScriptRunner(ChildProcesses()).run(root, direct("args"), trusted=False, confirm=True))


@needs_node
def test_R39_a_script_is_approved_once_and_again_when_it_reads_differently(root):
    asked: list[str] = []

    async def approve(command: Command) -> bool:
        asked.append(command.source)
        return len(asked) > 1

    async def several():
        runner = ScriptRunner(ChildProcesses())
        with pytest.raises(NotTrustedError) as caught:
            await runner.run(root, direct("lines"), trusted=True)
        assert caught.value.details["needs"] == "confirm"
        assert caught.value.details["command"] == list(direct("lines").arguments)
        with pytest.raises(NotTrustedError):
            await runner.run(root, direct("lines"), trusted=True, approve=approve)
        for _ in range(2):
            await runner.run(root, direct("lines"), trusted=True, approve=approve)
        changed = Command("lines", "node lines.cjs --more", "node", direct("lines").arguments)
        await runner.run(root, changed, trusted=True, approve=approve)

    run(several)
    assert asked == ["node lines.cjs", "node lines.cjs", "node lines.cjs --more"]


@needs_node
def test_R24_a_run_leaves_no_file_behind(root, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    run(lambda: start(root, "lines"))
    assert list((tmp_path / "t").iterdir()) == []
