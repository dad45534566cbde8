"""The looks of what the commands print: severities, statuses, links, entities, findings and diffs."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from rich.style import Style
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ckit_daemon.cli.session import Session
    from ckit_daemon.wire.common import EntitySummary, Finding, Location, SeverityName

SEVERITIES: Final[tuple[SeverityName, ...]] = ("error", "warning", "information", "hint")
SEVERITY_STYLES: Final[Mapping[str, str]] = {
    "error": "bold red",
    "warning": "yellow",
    "information": "blue",
    "hint": "dim",
}
TYPE_STYLES: Final[Mapping[str, str]] = {
    "governance": "magenta",
    "feature": "blue",
    "userstory": "cyan",
    "spec": "green",
    "task": "yellow",
    "service": "red",
    "package": "bright_magenta",
}
_STATUS_STYLES: Final = {
    "green": {"done", "ratified", "approved", "operational", "released", "active", "accepted"},
    "red": {"blocked", "rejected", "deprecated", "failed", "obsolete"},
    "yellow": {"in-progress", "doing", "in-review", "needs-review", "review", "degraded"},
}


def status(value: str | None) -> Text:
    """A status in the colour of how things stand."""
    style = next((style for style, names in _STATUS_STYLES.items() if value in names), "dim")
    return Text(value or "", style)


def severity(value: str) -> Text:
    """A severity in its colour."""
    return Text(value, SEVERITY_STYLES.get(value, ""))


def identifier(entity_id: str, entity_type: str) -> Text:
    """An id in the colour of its type."""
    return Text(entity_id, TYPE_STYLES.get(entity_type, "bold"))


def place(session: Session, location: Location, *, with_path: bool = True) -> Text:
    """`path:line:column` as people count, linked to the file."""
    start = location.range.start
    numbers = f"{start.line + 1}:{start.character + 1}"
    return file(session, location.path, f"{location.path}:{numbers}" if with_path else numbers)


def file(session: Session, path: str, label: str | None = None) -> Text:
    """A path linked to the file."""
    return Text(label or path, Style(link=session.uri(path), dim=label is not None))


def grid(*, padding: tuple[int, int] = (0, 2)) -> Table:
    """A table without lines."""
    return Table.grid(padding=(padding[0], padding[1], padding[0], 0))


def entities(session: Session, items: Iterable[EntitySummary]) -> Table:
    """A list of entities."""
    table = grid()
    for item in items:
        table.add_row(
            identifier(item.id, item.type),
            Text(item.title or ""),
            status(item.status),
            file(session, item.path, item.path),
        )
    return table


def findings(session: Session, items: Sequence[Finding]) -> Iterable[Text | Table]:
    """Findings under the files they are in."""
    for path, group in groupby(items, key=lambda finding: finding.location.path):
        yield Text(path, Style(link=session.uri(path), underline=True))
        table = grid()
        for finding in group:
            message = Text(finding.message)
            for related in finding.related:
                message.append_text(Text.assemble("\n", ("see ", "dim"), place(session, related.location)))
                message.append(f" {related.message}", "dim")
            if finding.fixes:
                first, *others = finding.fixes
                more = f" (or {len(others)} more)" if others else ""
                message.append_text(Text.assemble("\n", ("fix: ", "green"), first.title, (more, "dim")))
            position = Text("  ").append_text(place(session, finding.location, with_path=False))
            table.add_row(position, severity(finding.severity), message, Text(finding.code, "dim"))
        yield table


def counts(numbers: Mapping[SeverityName, int]) -> Text:
    """`2 errors, 1 warning`."""
    parts: list[Text] = []
    for name in SEVERITIES:
        number = numbers.get(name, 0)
        if number:
            word = name if name == "information" or number == 1 else f"{name}s"
            parts.append(Text(f"{number} {word}", SEVERITY_STYLES[name]))
    return Text(", ").join(parts) if parts else Text("no findings", "green")


def diff(text: str) -> Text:
    """A unified diff in its usual colours."""
    shown = Text()
    for line in text.splitlines(keepends=True):
        if line.startswith(("+++", "---", "rename ")):
            style = "bold"
        elif line.startswith("@@"):
            style = "cyan"
        else:
            style = {"+": "green", "-": "red"}.get(line[:1], "")
        shown.append(line, style)
    return shown


def plural(number: int, word: str, many: str | None = None) -> str:
    """`1 entity`, `2 entities`."""
    return f"{number} {word if number == 1 else many or word + 's'}"
