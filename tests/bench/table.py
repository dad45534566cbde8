"""Rows of the table: what was measured, against what, and whether that is good enough."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

Unit = Literal["s", "MB", "/s", ""]


@dataclass(frozen=True, slots=True)
class Aim:
    """A bound on a ratio, or on the measured value where there is nothing to compare it with."""

    sense: Literal["at most", "at least"]
    bound: float

    def is_met_by(self, value: float) -> bool:
        return value <= self.bound if self.sense == "at most" else value >= self.bound


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        section: what the line is about, e.g. `start-up`.
        name: what was measured.
        measured: the daemon's figure.
        unit: its unit, and that of `reference`.
        reference: the figure it is compared with; None where there is none.
        reference_name: what was compared with, or why it was not.
        ratio: as `compared` defines it; None without a reference.
        aim: what the ratio (without one, the figure) should be; None where the line only informs.
    """

    section: str
    name: str
    measured: float
    unit: Unit
    reference: float | None = None
    reference_name: str = ""
    ratio: float | None = None
    aim: Aim | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether the aim is met; None where there is none, or nothing to tell it by."""
        if self.aim is None or (self.ratio is None and self.reference_name):
            return None
        return self.aim.is_met_by(self.measured if self.ratio is None else self.ratio)


def at_most(bound: float) -> Aim:
    return Aim("at most", bound)


def at_least(bound: float) -> Aim:
    return Aim("at least", bound)


def compared(
    section: str,
    name: str,
    measured: float,
    reference: float | None,
    reference_name: str,
    aim: Aim | None = None,
    unit: Unit = "s",
) -> Row:
    """Make a line with a ratio: how much more it takes for an `at most`, how much faster it is for the others."""
    ratio = None
    if reference is not None:
        grows = unit == "/s" or (aim is not None and aim.sense == "at most")
        ratio = measured / reference if grows else reference / measured
    return Row(section, name, measured, unit, reference, reference_name, ratio, aim)


def _figure(value: float, unit: Unit) -> str:
    if unit == "s":
        scaled, name = (value, "s") if value >= 1 else (value * 1e3, "ms") if value >= 1e-3 else (value * 1e6, "µs")
        return f"{scaled:.3g} {name}" if scaled < 1000 else f"{scaled:.0f} {name}"
    if unit == "/s":
        return f"{value:,.0f} /s"
    return f"{value:.0f} MB" if unit == "MB" else f"{value:.2f}"


def _bound(row: Row) -> str:
    if row.aim is None:
        return ""
    sign = "≤" if row.aim.sense == "at most" else "≥"
    if row.ratio is None and not row.reference_name:
        return f"{sign} {_figure(row.aim.bound, row.unit)}"
    return f"{sign} {row.aim.bound:g}x"


def _verdict(row: Row) -> str:
    return "" if row.is_met is None else "[green]met[/]" if row.is_met else "[bold red]missed[/]"


def show(rows: Sequence[Row]) -> None:
    """Print the table; it stays readable where the output is no terminal."""
    table = Table(title="ckit bench: ratios of one run", title_justify="left", pad_edge=False)
    right = {"ckit", " ", "ratio", "aim"}
    for heading in ("", "what", "ckit", "against", " ", "ratio", "aim", ""):
        table.add_column(heading, justify="right" if heading in right else "left", no_wrap=True)
    section = ""
    for row in rows:
        if row.section != section and section:
            table.add_section()
        ratio = "" if row.ratio is None else f"{row.ratio:.3g}x" if row.ratio < 100 else f"{row.ratio:,.0f}x"
        table.add_row(
            row.section if row.section != section else "",
            row.name,
            _figure(row.measured, row.unit),
            row.reference_name,
            "" if row.reference is None else _figure(row.reference, row.unit),
            ratio,
            _bound(row),
            _verdict(row),
        )
        section = row.section
    console = Console() if sys.stdout.isatty() else Console(width=170)
    console.print(table)
    judged = [row.is_met for row in rows if row.is_met is not None]
    console.print(f"{sum(judged)} of {len(judged)} aims met.")


def as_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [{**asdict(row), "met": row.is_met} for row in rows]
