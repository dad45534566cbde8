"""What a person sees in a Neovim: its grid of cells with colours, as user interfaces get it (`:help ui-linegrid`)."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Screen:
    """One grid; floating windows are part of it, since no other grids were asked for."""

    columns: int
    rows: int
    foreground: int = 0xE0E2EA
    background: int = 0x14161B
    highlights: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])
    cells: list[list[tuple[str, int]]] = field(default_factory=list[list[tuple[str, int]]])

    def __post_init__(self) -> None:
        self._clear()

    def draw(self, batch: list[list[Any]]) -> None:
        """Take the events of one redraw."""
        for name, *calls in batch:
            for arguments in calls:
                if name == "grid_line":
                    self._line(*arguments)
                elif name == "grid_clear":
                    self._clear()
                elif name == "grid_scroll":
                    self._scroll(*arguments)
                elif name == "hl_attr_define":
                    self.highlights[arguments[0]] = arguments[1]
                elif name == "default_colors_set":
                    self.foreground, self.background = arguments[0], arguments[1]

    def _clear(self) -> None:
        self.cells = [[(" ", 0)] * self.columns for _ in range(self.rows)]

    def _line(self, _grid: int, row: int, column: int, cells: list[list[Any]], *_wrapped: object) -> None:
        current = 0
        for text, *rest in cells:
            current = rest[0] if rest else current
            for _again in range(rest[1] if len(rest) > 1 else 1):
                self.cells[row][column] = (text, current)
                column += 1

    def _scroll(self, _grid: int, top: int, bottom: int, left: int, right: int, rows: int, _columns: int) -> None:
        order = range(top, bottom) if rows > 0 else range(bottom - 1, top - 1, -1)
        for row in order:
            if top <= row + rows < bottom:
                self.cells[row][left:right] = self.cells[row + rows][left:right]

    def text(self) -> str:
        """What stands on it, without what is empty."""
        lines = ("".join(cell for cell, _ in row).rstrip() for row in self.cells)
        return "\n".join(line for line in lines if line)

    def html(self) -> str:
        """A page that looks like it."""
        lines = ["".join(self._span(*cell) for cell in row) for row in self.cells]
        style = f"margin:0;padding:12px;background:{_color(self.background)};color:{_color(self.foreground)};"
        font = "font:14px/1.25 'DejaVu Sans Mono',monospace"
        head = '<!doctype html><meta charset="utf-8"><body style="margin:0">'
        return f'{head}<pre style="{style}{font}">{chr(10).join(lines)}</pre>'

    def _span(self, text: str, highlight: int) -> str:
        look = self.highlights.get(highlight, {})
        colors = look.get("foreground", self.foreground), look.get("background", self.background)
        front, back = reversed(colors) if look.get("reverse") else colors
        style = f"color:{_color(front)};background:{_color(back)}"
        if look.get("bold"):
            style += ";font-weight:bold"
        if look.get("italic"):
            style += ";font-style:italic"
        return f'<span style="{style}">{html.escape(text)}</span>'


def _color(value: int) -> str:
    return f"#{value:06x}"
