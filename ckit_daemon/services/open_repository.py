"""One open repository, with what was found out about its newest snapshot."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ckit_daemon.core.overview import Overview, overview
from ckit_daemon.core.progress import SILENT, Progress
from ckit_daemon.core.search import SearchIndex
from ckit_daemon.core.validation import Report, validate
from ckit_daemon.services.answers import Answers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.services.ports import Repository


class OpenRepository:
    """A repository with the findings of its newest snapshot.

    The methods that compute are synchronous and may be called from any thread; each snapshot is validated once and
    described once.
    """

    def __init__(self, store: Repository) -> None:
        self.store = store
        self.search_index = SearchIndex()
        self.answers = Answers()
        self.document_versions: Mapping[str, int] = {}
        """Versions of the editor's documents by path, as they are in the newest snapshot; replaced, never changed, so
        that a reader's copy stays."""
        self.document_uris: Mapping[str, str] = {}
        """The same documents' URIs, as the editor writes them."""
        self._report: Report | None = None
        self._overview: tuple[Report, Overview] | None = None
        self._validating = threading.Lock()

    @property
    def id(self) -> str:
        """The repository's short stable name."""
        return self.store.id

    def report(self, progress: Progress = SILENT) -> Report:
        """Validate the newest snapshot; what an earlier report says about unchanged files is taken over."""
        with self._validating:
            snapshot = self.store.snapshot
            if self._report is None or self._report.snapshot is not snapshot:
                self._report = validate(snapshot, self._report, progress)
            return self._report

    def overview(self, progress: Progress = SILENT) -> tuple[Report, Overview]:
        """Describe what the newest snapshot holds and lacks, with the report that this rests on."""
        report = self.report(progress)
        known = self._overview
        if known is None or known[0] is not report:
            known = self._overview = report, overview(report.snapshot, report)
        return known
