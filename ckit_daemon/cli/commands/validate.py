"""`ckit validate`: everything that is wrong."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ckit_daemon.cli import render
from ckit_daemon.cli.app import command
from ckit_daemon.cli.errors import NEGATIVE, OK, CommandError
from ckit_daemon.cli.reports import to_github, to_junit, to_sarif
from ckit_daemon.cli.session import parse, session
from ckit_daemon.wire.repo import ValidateParams, ValidateResult

if TYPE_CHECKING:
    from ckit_daemon.cli.session import JsonObject, Session
    from ckit_daemon.cli.terminal import Terminal
    from ckit_daemon.wire.common import SeverityName

PAGE = 10_000


class ReportFormat(StrEnum):
    """How findings are printed."""

    HUMAN = "human"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"
    JUNIT = "junit"


class Severity(StrEnum):
    """The severities of the protocol."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"
    HINT = "hint"


@command("validate")
def validate(
    terminal: Terminal,
    *,
    paths: Annotated[list[str] | None, typer.Argument(help="Only these files and folders.")] = None,
    report: Annotated[
        ReportFormat, typer.Option("--format", "-f", help="How to print the findings.")
    ] = ReportFormat.HUMAN,
    severity: Annotated[
        Severity, typer.Option("--severity", "-s", help="Leave out what matters less than this.")
    ] = Severity.HINT,
    fail_on: Annotated[
        Severity, typer.Option("--fail-on", help="Exit with 1 on findings that matter as much as this or more.")
    ] = Severity.ERROR,
    code: Annotated[
        list[str] | None, typer.Option("--code", help="Only these codes; `schema` stands for `schema.*`.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Check again after every change, until Ctrl-C.")] = False,
) -> int:
    """Check files, references, constitution and rules.

    Exits with 1 if there are errors, or what --fail-on says.
    """
    failing = set(render.SEVERITIES[: render.SEVERITIES.index(fail_on.value) + 1])
    with session(terminal, watch=watch) as opened:
        inside = [_inside(Path(opened.root), path) for path in paths or []]
        params = ValidateParams(paths=inside or None, codes=code or None, min_severity=severity.value, limit=PAGE)
        while True:
            raw = _all_pages(opened, params)
            result = parse(ValidateResult, raw)
            _print(opened, ReportFormat.JSON if terminal.as_json else report, raw, failing)
            if not watch:
                break
            terminal.note("Waiting for changes; Ctrl-C ends it.")
            opened.daemon.next_change()
    return NEGATIVE if any(finding.severity in failing for finding in result.findings) else OK


def _inside(root: Path, given: str) -> str:
    """Return the path in the repository of what is there, as seen from the current folder or from the repository."""
    for base in (Path.cwd(), root):
        found = Path(os.path.normpath(base / given))
        if found.exists() and found.is_relative_to(root):
            return found.relative_to(root).as_posix()
    raise CommandError(f"There is no '{given}' in the repository {root}.", code="not_found")


def _all_pages(opened: Session, params: ValidateParams) -> JsonObject:
    raw = opened.request("ckit/repo/validate", params)
    findings = raw["findings"]
    while isinstance(offset := raw.pop("nextOffset", None), int) and isinstance(findings, list):
        page = opened.request("ckit/repo/validate", params.model_copy(update={"offset": offset}))
        more = page["findings"]
        findings += more if isinstance(more, list) else []
        raw = {**page, "findings": findings}
    return raw


def _print(opened: Session, report: ReportFormat, raw: JsonObject, failing: set[SeverityName]) -> None:
    terminal, result = opened.terminal, parse(ValidateResult, raw)
    # Reports of CI services name files from where the command runs, which is the checkout.
    inside = os.path.relpath(opened.root).replace(os.sep, "/")
    prefix = "" if inside == "." or inside.startswith("..") else f"{inside}/"
    match report:
        case ReportFormat.JSON:
            terminal.print_json(raw)
        case ReportFormat.SARIF:
            terminal.write(to_sarif(result.findings, prefix))
        case ReportFormat.GITHUB:
            terminal.write(to_github(result.findings, prefix))
        case ReportFormat.JUNIT:
            terminal.write(to_junit(result.findings, prefix, failing))
        case ReportFormat.HUMAN:
            summarize(opened, result)


def summarize(opened: Session, result: ValidateResult) -> None:
    """Print findings for people."""
    out = opened.terminal.out
    for part in render.findings(opened, result.findings):
        out.print(part)
    mark = ("\u2714 ", "bold green") if result.ok else ("\u2718 ", "bold red")
    line = render.Text.assemble(mark, render.counts(result.counts))
    out.print(line.append(f" in {render.plural(result.entities, 'entity', 'entities')}", "dim"))
    hidden = sum(result.counts.values()) - result.total
    if hidden > 0:
        opened.terminal.note(f"{render.plural(hidden, 'finding')} left out by the filters.")
