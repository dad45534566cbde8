"""Where output goes: results to standard output, everything about the work itself to standard error."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping

    from pydantic import JsonValue
    from rich.console import ConsoleOptions, RenderableType
    from rich.segment import Segment

    from ckit_daemon.cli.client import Report

PIPE_WIDTH: Final = 160
"""Width of tables that no terminal shows; 80 would break the lines of most messages."""
PROGRESS_AFTER_SECONDS: Final = 0.3
_CONTROLS: Final = re.compile(r"[\0-\x08\x0b-\x1f\x7f-\x9f]")


class _SafeConsole(Console):
    """Shows the control characters of a text instead of sending them.

    A title in a repository or an answer of a model could hide what stands there, or write to the clipboard.
    """

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of what is printed; Rich's own controls are not in their texts."""
        for segment in super().render(renderable, options):
            if segment.control is None and _CONTROLS.search(segment.text):
                yield segment._replace(text=_CONTROLS.sub("\ufffd", segment.text))
            else:
                yield segment


@dataclass(frozen=True)
class Terminal:
    """How to talk to the person, or to the program, at the other end."""

    repo: Path = field(default_factory=Path.cwd)
    as_json: bool = False
    color: bool = True
    quiet: bool = False
    verbose: bool = False

    @cached_property
    def out(self) -> Console:
        """For results."""
        return self._console(stderr=False)

    @cached_property
    def err(self) -> Console:
        """For progress, notes and errors."""
        return self._console(stderr=True)

    def _console(self, *, stderr: bool) -> Console:
        stream = sys.stderr if stderr else sys.stdout
        plain = not self.color or bool(os.environ.get("NO_COLOR"))
        width = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
        return _SafeConsole(stderr=stderr, highlight=False, width=width, color_system=None if plain else "auto")

    @property
    def has_person(self) -> bool:
        """Whether somebody can be asked."""
        return sys.stdin.isatty() and not self.as_json

    def note(self, message: str) -> None:
        """Say something about the work; `--quiet` and `--json` leave it out."""
        if not (self.quiet or self.as_json):
            self.err.print(message, style="dim")

    def print_json(self, value: Mapping[str, JsonValue]) -> None:
        """Print a result of the protocol."""
        self.write(json_text(value))

    def write(self, text: str) -> None:
        """Print text that is not ours to format."""
        sys.stdout.write(text)
        sys.stdout.flush()

    @contextmanager
    def progress(self, title: str) -> Generator[Callable[[Report], None]]:
        """Show a bar on standard error once the work has lasted a while; yields what takes the reports."""
        if self.quiet or self.as_json or not self.err.is_terminal:
            yield lambda _: None
            return
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
        bar = Progress(*columns, console=self.err, transient=True)
        task: TaskID | None = None
        started = time.monotonic()

        def show(report: Report) -> None:
            nonlocal task
            if task is None:
                if time.monotonic() - started < PROGRESS_AFTER_SECONDS:
                    return
                bar.start()
                task = bar.add_task(report.message or title, total=100)
            # The last report of a request says nothing; what was said before stays.
            bar.update(task, completed=report.percentage, description=report.message or None)

        try:
            yield show
        finally:
            bar.stop()


def json_text(value: JsonValue | Mapping[str, JsonValue]) -> str:
    """A result of the protocol as readable JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
