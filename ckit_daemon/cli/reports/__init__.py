"""Findings in the formats of other tools."""

from __future__ import annotations

from ckit_daemon.cli.reports.github import to_github
from ckit_daemon.cli.reports.junit import to_junit
from ckit_daemon.cli.reports.sarif import to_sarif

__all__ = ["to_github", "to_junit", "to_sarif"]
