"""Workflow commands of GitHub Actions, which show findings beside the lines of a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckit_daemon.wire.common import Finding

_COMMANDS: Final[Mapping[str, str]] = {
    "error": "error",
    "warning": "warning",
    "information": "notice",
    "hint": "notice",
}


def to_github(findings: Sequence[Finding], prefix: str) -> str:
    """Write one command a line; `prefix` leads from the checkout to the repository."""
    return "".join(f"{_command(finding, prefix)}\n" for finding in findings)


def _command(finding: Finding, prefix: str) -> str:
    start, end = finding.location.range.start, finding.location.range.end
    properties = {
        "file": prefix + finding.location.path,
        "line": str(start.line + 1),
        "endLine": str(end.line + 1),
        "title": finding.code,
    }
    if start.line == end.line:
        # GitHub refuses columns for annotations of several lines.
        properties |= {"col": str(start.character + 1), "endColumn": str(end.character + 1)}
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[finding.severity]} {written}::{_data(finding.message)}"


def _data(text: str) -> str:
    # The escapes of GitHub's own toolkit (actions/toolkit, command.ts).
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
