"""Runs scripts of a repository: bounded in time and output, with all their processes, and only when approved."""

from __future__ import annotations

import asyncio
import codecs
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, cast

import orjson

from ckit_daemon.core.errors import DeadlineExceededError, NotTrustedError, ProcessFailedError
from ckit_daemon.core.progress import SILENT
from ckit_daemon.redaction import looks_secret, names_secret

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    import psutil

    from ckit_daemon.core.json import JsonValue
    from ckit_daemon.core.progress import Progress
    from ckit_daemon.services.pipelines.scripts import Command

Stream = Literal["stdout", "stderr"]

DEFAULT_DEADLINE_SECONDS: Final = 600.0
TAIL_CHARACTERS: Final = 64 * 1024
MAX_OUTPUT_BYTES: Final = 32 * 1024 * 1024
"""Standard output that is kept to be read as JSON."""
GRACE_SECONDS: Final = 0.3
_CHUNK: Final = 64 * 1024
_MAX_LINE: Final = 500


@dataclass(frozen=True, slots=True)
class ScriptRun:
    """What a script did."""

    command: Command
    exit_code: int
    stdout: str
    """The end of what it printed."""
    stderr: str
    truncated: bool
    """Whether it printed more than `stdout` and `stderr` hold."""
    output: JsonValue
    """What it printed to standard output, if that is JSON."""
    seconds: float


class ScriptRunner:
    """Runs scripts, and remembers which ones a person has approved."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = reduced_environment(os.environ if environment is None else environment)
        self._approved: set[tuple[str, str, str]] = set()
        self._running: set[int] = set()

    async def run(
        self,
        root: Path,
        command: Command,
        *,
        trusted: bool,
        confirm: bool = False,
        approve: Callable[[Command], Awaitable[bool]] | None = None,
        deadline_seconds: float = DEFAULT_DEADLINE_SECONDS,
        progress: Progress = SILENT,
    ) -> ScriptRun:
        """Run a script in its repository until it ends.

        Args:
            root: the repository's folder.
            command: what to run; see `scripts.plan`.
            trusted: whether the workspace is trusted to run its own code.
            confirm: a person has seen the command and wants it to run.
            approve: asks a person; called when the script, as it reads now, has never been approved.
            deadline_seconds: how long the script may take.
            progress: is told every line that the script prints.

        Raises:
            NotTrustedError: the workspace is not trusted, or nobody approved the script.
            ProcessFailedError: the program can't be started.
            DeadlineExceededError: the script took too long; all its processes are gone.

        """
        await self._require_approval(root, command, trusted=trusted, confirm=confirm, approve=approve)
        started = time.monotonic()
        process = await self._start(root, command)
        out, err = _Output("stdout", progress), _Output("stderr", progress)
        self._running.add(process.pid)
        try:
            async with asyncio.timeout(deadline_seconds):
                await _read_both(process, out, err)
                exit_code = await process.wait()
        except TimeoutError as error:
            message = f"The script {command.script!r} did not end within {deadline_seconds:g} s."
            raise DeadlineExceededError(message, details={"script": command.script}) from error
        finally:
            # Also after a good end: a script may leave processes behind.
            await asyncio.shield(asyncio.to_thread(end_process_tree, process.pid, self._running))
            if process.returncode is None:
                await asyncio.shield(process.wait())
            self._running.discard(process.pid)
        seconds = time.monotonic() - started
        return ScriptRun(
            command, exit_code, out.tail, err.tail, out.truncated or err.truncated, out.json(), round(seconds, 3)
        )

    def end_all(self) -> None:
        """End every script and all its processes at once; for the daemon's own end."""
        for pid in tuple(self._running):
            end_process_tree(pid, self._running)

    async def _require_approval(
        self,
        root: Path,
        command: Command,
        *,
        trusted: bool,
        confirm: bool,
        approve: Callable[[Command], Awaitable[bool]] | None,
    ) -> None:
        details: dict[str, JsonValue] = {"script": command.script, "command": list(command.arguments)}
        if not trusted:
            message = "Scripts of a repository run only in a trusted workspace. Trust it in the editor, or use the engine 'native'."
            raise NotTrustedError(message, details=details)
        # A script that says something else now is another script.
        key = (str(root), command.script, command.source)
        if key in self._approved:
            return
        if not confirm and not (approve is not None and await approve(command)):
            message = f"The script {command.script!r} runs '{command.source[:200]}' and has to be approved first."
            raise NotTrustedError(message, details={**details, "source": command.source[:1000], "needs": "confirm"})
        self._approved.add(key)

    async def _start(self, root: Path, command: Command) -> asyncio.subprocess.Process:
        windows = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "CREATE_NO_WINDOW", 0)
        try:
            return await asyncio.create_subprocess_exec(
                *command.arguments,
                cwd=root,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=os.name != "nt",
                creationflags=windows if os.name == "nt" else 0,
            )
        except OSError as error:
            message = f"{command.manager} can't be started: {error.strerror}."
            raise ProcessFailedError(message, details={"script": command.script}) from error


def reduced_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that a script gets: none that looks like a secret, and none of the daemon's own settings."""
    kept = {
        name: value
        for name, value in environment.items()
        if not (names_secret(name) or looks_secret(value) or name.upper().startswith("CKIT_"))
    }
    return kept | {"NO_UPDATE_NOTIFIER": "1", "npm_config_update_notifier": "false", "npm_config_fund": "false"}


async def _read_both(process: asyncio.subprocess.Process, out: _Output, err: _Output) -> None:
    tasks = [
        asyncio.create_task(output.read(cast("asyncio.StreamReader", stream)))
        for output, stream in ((out, process.stdout), (err, process.stderr))
    ]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


@dataclass(slots=True)
class _Output:
    """Reads one stream: lines as they come for progress, its end for people, and standard output whole for JSON."""

    name: Stream
    progress: Progress
    tail: str = ""
    truncated: bool = False
    lines: int = 0
    kept: bytearray | None = field(default_factory=bytearray)
    _line: str = ""

    async def read(self, stream: asyncio.StreamReader) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while True:
            data = await stream.read(_CHUNK)
            self._take(data, decoder.decode(data, final=not data))
            if not data:
                return

    def _take(self, data: bytes, text: str) -> None:
        if self.kept is not None:
            self.kept += data
            if self.name != "stdout" or len(self.kept) > MAX_OUTPUT_BYTES:
                self.kept = None
        self.tail += text
        if len(self.tail) > TAIL_CHARACTERS:
            self.tail = self.tail[-TAIL_CHARACTERS:]
            self.truncated = True
        *complete, self._line = (self._line + text).split("\n")
        # A line without an end must not grow for ever.
        self._line = self._line[:_MAX_LINE]
        if not data and self._line:
            complete.append(self._line)
        for line in complete:
            self.lines += 1
            if line.strip():
                self.progress.report(0, 0, line.strip()[:_MAX_LINE])

    def json(self) -> JsonValue:
        if not self.kept or self.kept.lstrip()[:1] not in (b"{", b"["):
            return None
        with suppress(orjson.JSONDecodeError):
            return cast("JsonValue", orjson.loads(self.kept))
        return None


def end_process_tree(pid: int, running: set[int]) -> None:
    """End a process with everything that it started: politely first, by force after a moment."""
    import psutil  # noqa: PLC0415 - only scripts need it, never the start-up.

    if pid not in running:
        return
    family: list[psutil.Process] = []
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        family = [*process.children(recursive=True), process]
    group = _group_exists(pid)
    for member in family:
        with suppress(psutil.Error):
            member.terminate()
    if group:
        _signal_group(pid, signal.SIGTERM)
    _, alive = psutil.wait_procs(family, timeout=GRACE_SECONDS)
    for member in alive:
        with suppress(psutil.Error):
            member.kill()
    if group and os.name != "nt":
        _signal_group(pid, signal.SIGKILL)


def _group_exists(pid: int) -> bool:
    """Whether anything is left of the session that was made for the script; its parent may have gone already."""
    return os.name != "nt" and _signal_group(pid, 0)


def _signal_group(pid: int, number: int) -> bool:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
