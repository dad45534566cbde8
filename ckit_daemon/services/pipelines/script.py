"""Runs scripts of a repository: bounded in time and output, with all their processes, and only when approved."""

from __future__ import annotations

import asyncio
import codecs
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, cast

import anyio
import orjson

from ckit_daemon.core.errors import DeadlineExceededError, LimitExceededError, NotTrustedError, ProcessFailedError
from ckit_daemon.core.progress import SILENT
from ckit_daemon.redaction import ValueRedactor, looks_secret, names_secret

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping

    from ckit_daemon.core.json import JsonValue
    from ckit_daemon.core.progress import Progress
    from ckit_daemon.redaction import Redactor
    from ckit_daemon.services.pipelines.scripts import Command
    from ckit_daemon.services.ports import ProcessTrees

DEFAULT_DEADLINE_SECONDS: Final = 600.0
TAIL_CHARACTERS: Final = 64 * 1024
MAX_OUTPUT_BYTES: Final = 64 * 1024 * 1024
"""What a script may print to each stream."""
GRACE_SECONDS: Final = 0.1
"""How long processes may take to end politely; a cancelled script, even one that ignores signals, has 0.2 s in all."""
OWN_VARIABLES: Final = ("CKIT_", "OTEL_EXPORTER_")
"""Prefixes of the daemon's own variables; OTEL_EXPORTER_OTLP_HEADERS holds the key to a collector."""
_POLL_SECONDS: Final = 0.05
_CHUNK: Final = 64 * 1024
_MAX_LINE: Final = 500
_MARGIN: Final = 4096
"""Secrets are shorter than this."""
# A script gets a process group of its own, so that no signal to it reaches the daemon, and no window.
if sys.platform == "win32":
    _CREATION_FLAGS: Final = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
else:
    _CREATION_FLAGS: Final = 0


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

    def __init__(self, processes: ProcessTrees, environment: Callable[[], Mapping[str, str]] | None = None) -> None:
        """Remember the collaborators; `environment` returns the variables that a script gets."""
        self._processes = processes
        self._environment = environment or reduced_environment
        self._redactor = ValueRedactor()
        self._approved: set[tuple[str, str, str]] = set()

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
        with ExitStack() as files:
            folder = Path(files.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
            outputs = tuple(_Output(files, folder / name, progress, self._redactor) for name in ("stdout", "stderr"))
            process = self._start(root, command, *(output.sink for output in outputs))
            # Threads of its own: however many scripts run, there must be one left to end this one.
            with ThreadPoolExecutor(2, "ckit-script") as threads:
                watching = threads.submit(_watch, process, outputs)
                try:
                    async with asyncio.timeout(deadline_seconds):
                        exit_code = await asyncio.wrap_future(watching)
                except TimeoutError as error:
                    message = f"The script {command.script!r} did not end within {deadline_seconds:g} s."
                    raise DeadlineExceededError(message, details={"script": command.script}) from error
                finally:
                    # Also after a good end: a script may leave processes behind.
                    with anyio.CancelScope(shield=True):
                        await asyncio.wrap_future(threads.submit(self._end, process, watching))
            out, err = outputs
            truncated = out.truncated or err.truncated
            seconds = round(time.monotonic() - started, 3)
            # Masking what is long takes its time.
            stdout, stderr, output = await asyncio.to_thread(lambda: (out.text(), err.text(), out.json()))
            return ScriptRun(command, exit_code, stdout, stderr, truncated, output, seconds)

    def _end(self, process: subprocess.Popen[bytes], watching: Future[int]) -> None:
        self._processes.end(process.pid, GRACE_SECONDS)
        wait([watching])
        # The watcher may have given up before the end; a process that nobody waits for stays as a zombie.
        process.wait()

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
            message = "Scripts of a repository run only in a trusted workspace."
            hint = "Trust the workspace in the editor, or use the engine 'native'."
            raise NotTrustedError(f"{message} {hint}", details=details)
        # A script that says something else now is another script.
        key = (str(root), command.script, command.source)
        if key in self._approved:
            return
        if not confirm and not (approve is not None and await approve(command)):
            message = f"The script {command.script!r} runs '{command.source[:200]}' and has to be approved first."
            raise NotTrustedError(message, details={**details, "source": command.source[:1000], "needs": "confirm"})
        self._approved.add(key)

    def _start(self, root: Path, command: Command, stdout: IO[bytes], stderr: IO[bytes]) -> subprocess.Popen[bytes]:
        try:
            process = subprocess.Popen(
                command.arguments,
                cwd=root,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=sys.platform != "win32",
                creationflags=_CREATION_FLAGS,
            )
        except OSError as error:
            message = f"{command.manager} can't be started: {error.strerror}."
            raise ProcessFailedError(message, details={"script": command.script}) from error
        self._processes.add(process.pid)
        return process


def reduced_environment(environment: Mapping[str, str] = os.environ, secret: Collection[str] = ()) -> dict[str, str]:
    """The variables that a program of others gets: nothing secret, and none of the daemon's own settings.

    Args:
        environment: the variables that there are.
        secret: names of some that hold secrets, whatever they look like.
    """
    kept = {
        name: value
        for name, value in environment.items()
        if not (name in secret or names_secret(name) or looks_secret(value) or name.upper().startswith(OWN_VARIABLES))
    }
    return kept | {"NO_UPDATE_NOTIFIER": "1", "npm_config_update_notifier": "false", "npm_config_fund": "false"}


class _Output:
    """One stream: its lines as they come, its end for people, and all of it to be read as JSON.

    It goes through a file. Node drops what is still in a pipe when a script calls `process.exit()`, which cut every
    output over 64 KB; and a process that a script leaves behind would keep a pipe open.
    """

    def __init__(self, files: ExitStack, path: Path, progress: Progress, redactor: Redactor) -> None:
        # Two handles, since each has its own place in the file: the script's end and ours.
        self.sink = files.enter_context(path.open("wb"))
        self._file = files.enter_context(path.open("rb"))
        self.truncated = False
        self._tail = ""
        self._progress = progress
        self._redactor = redactor
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._read = 0
        self._line = ""

    def follow(self, *, ended: bool) -> None:
        """Take what has been written since the last call.

        Raises:
            OperationCancelledError: `progress` says so.
            LimitExceededError: the script printed too much.

        """
        while data := self._file.read(_CHUNK):
            self._read += len(data)
            if self._read > MAX_OUTPUT_BYTES:
                message = f"The script printed more than {MAX_OUTPUT_BYTES} bytes."
                raise LimitExceededError(message, details={"limit": MAX_OUTPUT_BYTES})
            self._take(self._decoder.decode(data))
        if ended:
            self._take(self._decoder.decode(b"", final=True))
            self._tell(self._line)

    def text(self) -> str:
        """The end of it, without secrets."""
        text = self._redactor.text(self._tail)
        if self.truncated:
            # It may begin in the middle of a secret, which nothing recognizes; a line is whole.
            text = text[text.find("\n", 0, _MARGIN) + 1 or _MARGIN :]
        return text[-TAIL_CHARACTERS:]

    def json(self) -> JsonValue:
        """What the stream says, without secrets, if it is JSON."""
        self._file.seek(0)
        data = self._file.read(MAX_OUTPUT_BYTES)
        if data.lstrip().startswith((b"{", b"[")):
            with suppress(ValueError):
                return cast("JsonValue", orjson.loads(self._redactor.text(data.decode())))
        return None

    def _take(self, text: str) -> None:
        self._tail += text
        if len(self._tail) > TAIL_CHARACTERS:
            self._tail = self._tail[-TAIL_CHARACTERS - _MARGIN :]
            self.truncated = True
        *lines, self._line = (self._line + text).split("\n")
        # A line without an end must not grow for ever.
        self._line = self._line[:_MARGIN]
        for line in lines:
            self._tell(line)

    def _tell(self, line: str) -> None:
        if line.strip():
            text = self._redactor.text(line.strip()[:_MARGIN])
            # It may end in the middle of a secret.
            text = text[: len(text) - self._redactor.begun(text)]
            self._progress.report(0, 0, text[:_MAX_LINE])


def _watch(process: subprocess.Popen[bytes], outputs: Iterable[_Output]) -> int:
    """Follow a process until it ends, and return its exit code."""
    while True:
        try:
            code = process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        for output in outputs:
            output.follow(ended=code is not None)
        if code is not None:
            return code
