"""Markdown while it is being written: blocks that are complete stand, the last one moves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment, SegmentLines
from rich.spinner import Spinner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType

_REFRESH_PER_SECOND: Final = 12
_FENCE: Final = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
_BLOCK_END: Final = re.compile(r"\n[ \t]*\n(?![ \t]|[-*+] |\d+[.)] )")
"""An empty line, unless the list before it may go on."""


class Display:
    """The one place of a terminal that moves; without a terminal, there is none."""

    def __init__(self, console: Console) -> None:
        """Show nothing yet."""
        self._console = console
        self._live: Live | None = None

    def show(self, what: RenderableType) -> None:
        """Show something, in the place of what was shown before."""
        if not self._console.file.isatty():
            return
        if self._live is None:
            self._live = Live(
                what, console=self._console, transient=True, refresh_per_second=_REFRESH_PER_SECOND, auto_refresh=True
            )
            self._live.start()
        else:
            self._live.update(what)

    def wait(self, text: str) -> None:
        """Show that something is being done."""
        self.show(Spinner("dots", text, style="cyan"))

    def clear(self) -> None:
        """Show nothing, so that others can write."""
        if self._live is not None:
            self._live.stop()
            self._live = None


class MarkdownStream:
    """Prints Markdown that comes piece by piece: formatted on a terminal, as it is elsewhere."""

    def __init__(self, console: Console, display: Display) -> None:
        """Begin with an empty text."""
        self._console = console
        self._display = display
        self._pending = ""

    def write(self, text: str) -> None:
        """Take more text."""
        if not self._console.is_terminal:
            self._console.out(text, end="", highlight=False)
            self._console.file.flush()
            return
        self._pending += text
        while (end := _end_of_block(self._pending)) is not None:
            self._print(self._pending[:end])
            self._pending = self._pending[end:].lstrip("\n")
        if self._pending.strip():
            self._display.show(_formatted(self._console, self._pending))

    def close(self) -> None:
        """Print what is left; the text is complete."""
        if not self._console.is_terminal:
            self._console.out("")
        elif self._pending.strip():
            self._print(self._pending)
        self._pending = ""

    def _print(self, block: str) -> None:
        self._display.clear()
        self._console.print(_formatted(self._console, block), end="")


def _formatted(console: Console, markdown: str) -> SegmentLines:
    """Return formatted Markdown under one empty line, without spaces at the ends of lines.

    A terminal that writes `^C` behind a line of full width would break it, and a display that moves would be lost.
    """
    lines = [_trimmed(line) for line in console.render_lines(Markdown(markdown), pad=False)]
    # Some kinds of blocks bring empty lines of their own.
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return SegmentLines([[], *lines], new_lines=True)


def _trimmed(line: Sequence[Segment]) -> list[Segment]:
    kept = list(line)
    while kept and not (kept[-1].style and kept[-1].style.bgcolor):
        last = kept.pop()
        if text := last.text.rstrip():
            return [*kept, Segment(text, last.style)]
    return kept


def _end_of_block(text: str) -> int | None:
    """Return where the first block ends for sure; code is one block, however many empty lines it has."""
    for match in _BLOCK_END.finditer(text):
        if match.end() < len(text) and not _open_fence(text[: match.start()]):
            return match.end()
    return None


def _open_fence(text: str) -> bool:
    opened = ""
    for found in _FENCE.finditer(text):
        if not opened:
            opened = found[1]
        elif found[1].startswith(opened):
            opened = ""
    return bool(opened)
