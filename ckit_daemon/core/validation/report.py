"""The result of a validation, with the partial results that make the next one cheap."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from ckit_daemon.core.document import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.core.constitution import Constitution
    from ckit_daemon.core.document import Document, Finding
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.core.validation.local import LocalResult
    from ckit_daemon.core.validation.references import Resolution


@dataclass(frozen=True, slots=True)
class Partials:
    """What was found, by the file whose check found it. A file that is absent was checked and is clean."""

    constitution: Constitution
    local: Mapping[str, LocalResult]
    resolutions: Mapping[str, Resolution]
    sides: Mapping[str, tuple[Finding, ...]]
    cycles: tuple[Finding, ...]
    sources: tuple[Document, ...]
    """The rules and templates that `of_sources` was found in."""
    asked_types: frozenset[str]
    """The types whose entities decide what `of_sources` says about rules."""
    of_sources: tuple[Finding, ...]


@dataclass(frozen=True, eq=False)
class Report:
    """Everything that is wrong with a snapshot."""

    snapshot: Snapshot
    by_path: Mapping[str, tuple[Finding, ...]]
    """The findings of each file that has any, files and findings in the order in which one reads them."""
    partials: Partials = field(repr=False)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, by path, range and code."""
        return tuple(finding for findings in self.by_path.values() for finding in findings)

    @cached_property
    def counts(self) -> Mapping[Severity, int]:
        """How many findings there are of each severity."""
        counted = Counter(finding.severity for finding in self.findings)
        return {severity: counted[severity] for severity in Severity}

    @property
    def ok(self) -> bool:
        """Whether no finding is an error."""
        return not self.counts[Severity.ERROR]
