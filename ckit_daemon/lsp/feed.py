"""Tells the client about findings that change, a moment after the last change.

A client that pulls diagnostics asks again about the document that it changed; only when that changes what is found
elsewhere, or files change beneath it, is it asked to pull anew. Any other client gets the diagnostics of each file
whose findings changed, and those of each new version of an open document.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from lsprotocol import types

from ckit_daemon.core.errors import CkitError
from ckit_daemon.lsp.context import Cancellation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ckit_daemon.core.document import Finding
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.core.validation import Report
    from ckit_daemon.lsp.context import LanguageContext, View
    from ckit_daemon.services.open_repository import OpenRepository

logger = logging.getLogger(__name__)

QUIET_SECONDS: Final = 0.15
"""How long nothing must have changed before the client is told."""
LONGEST_SECONDS: Final = 1.0
"""How long the first untold change may wait while others follow."""


class Told(NamedTuple):
    """What the client knows about a file."""

    findings: tuple[Finding, ...]
    version: int | None
    uri: str


class _News(NamedTuple):
    path: str
    told: Told
    body: bytes


@dataclass
class _State:
    """What was told about one repository."""

    snapshot: Snapshot | None = None
    findings: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict[str, "tuple[Finding, ...]"])
    told: dict[str, Told] = field(default_factory=dict[str, Told])
    waiting_since: float | None = None
    timer: asyncio.TimerHandle | None = None
    task: asyncio.Task[None] | None = None


class FindingsFeed:
    """Follows the findings of all open repositories; used on the event loop only."""

    def __init__(
        self,
        context: LanguageContext,
        *,
        encode: Callable[[object], bytes],
        notify: Callable[[str, bytes], object],
        refresh: Callable[[], object],
    ) -> None:
        """Begin.

        Args:
            context: finds what is open, and knows the client.
            encode: makes JSON of lsprotocol's values; may be called from any thread.
            notify: sends a notification.
            refresh: asks the client to pull diagnostics again.
        """
        client = context.client
        self._context = context
        self._encode = encode
        self._notify = notify
        self._refresh = refresh if client.has("workspace.diagnostics.refresh_support") else None
        self._pulled = client.has("text_document.diagnostic")
        self._pushed = client.has("text_document.publish_diagnostics") and not self._pulled
        self._states: dict[str, _State] = {}

    def changed(self, opened: OpenRepository) -> None:
        """Tell about the findings of a repository in a moment."""
        if not self._pushed and not (self._pulled and self._refresh):
            return
        state = self._states.setdefault(opened.id, _State())
        loop = asyncio.get_running_loop()
        if state.waiting_since is None:
            state.waiting_since = loop.time()
        if state.timer is not None:
            state.timer.cancel()
        latest = state.waiting_since + LONGEST_SECONDS
        state.timer = loop.call_at(min(loop.time() + QUIET_SECONDS, latest), self._begin, opened, state)

    def forget(self, opened: OpenRepository) -> None:
        """Take back what was told about a repository that is closed."""
        state = self._states.pop(opened.id, None)
        if state is None:
            return
        self._stop(state)
        for told in state.told.values():
            if told.findings:
                self._notify(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, self._encode(_params(told.uri, [], None)))

    def close(self) -> None:
        """Tell nothing any more."""
        for state in self._states.values():
            self._stop(state)
        self._states.clear()

    @staticmethod
    def _stop(state: _State) -> None:
        if state.timer is not None:
            state.timer.cancel()
        if state.task is not None:
            state.task.cancel()

    def _begin(self, opened: OpenRepository, state: _State) -> None:
        state.timer = None
        if state.task is not None and not state.task.done():
            # One after the other: what is told last must be the newest.
            state.task.add_done_callback(lambda _: self._again(opened, state))
            return
        state.waiting_since = None
        state.task = asyncio.create_task(self._tell(opened, state))
        state.task.add_done_callback(_log_failure)

    def _again(self, opened: OpenRepository, state: _State) -> None:
        if self._states.get(opened.id) is state:
            self.changed(opened)

    async def _tell(self, opened: OpenRepository, state: _State) -> None:
        context = self._context
        await context.changes_made()
        stopping = Cancellation()
        try:
            view = context.view(opened, stopping)
            report = await context.run(stopping, view.report)
            # The report may be about a newer text than the view, which is therefore taken again.
            view = context.view(opened, stopping)
            if report.snapshot is not view.snapshot:
                self.changed(opened)
            if self._pushed:
                await self._push(view, report, state)
            elif self._refresh is not None and await context.run(stopping, _differs_elsewhere, view, report, state):
                self._refresh()
        except CkitError as error:
            logger.warning("findings were not told: %s", error.message)
            return
        state.snapshot, state.findings = report.snapshot, report.by_path

    async def _push(self, view: View, report: Report, state: _State) -> None:
        stopping = Cancellation()
        news = await self._context.run(stopping, lambda: list(self._news(view, report, dict(state.told))))
        for path, told, body in news:
            self._notify(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, body)
            if told.findings or told.version is not None:
                state.told[path] = told
            else:
                state.told.pop(path, None)

    def _news(self, view: View, report: Report, told: Mapping[str, Told]) -> Iterator[_News]:
        from ckit_daemon.lsp.diagnostics import to_diagnostics  # noqa: PLC0415 - stands on the engine.

        for path in sorted({*told, *view.versions, *report.by_path}):
            if report.snapshot.documents.get(path) is not view.snapshot.documents.get(path):
                # A newer text came meanwhile; it is told about in a moment.
                continue
            uri = view.convert.uri(path)
            now = Told(report.by_path.get(path, ()), view.versions.get(path), uri)
            before = told.get(path)
            if before is not None and before.uri != uri and before.findings:
                # The editor calls the file by another name than the one that was told.
                yield _News(path, Told((), None, before.uri), self._encode(_params(before.uri, [], None)))
            if now != (before or Told((), None, uri)):
                items = to_diagnostics(view, now.findings)
                yield _News(path, now, self._encode(_params(uri, items, now.version)))


def _log_failure(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        logger.error("findings were not told", exc_info=error)


def _params(uri: str, items: list[types.Diagnostic], version: int | None) -> types.PublishDiagnosticsParams:
    return types.PublishDiagnosticsParams(uri, items, version)


def _differs_elsewhere(view: View, report: Report, state: _State) -> bool:
    """Whether findings changed that the client won't ask about by itself."""
    if state.snapshot is None:
        return True
    before, now = state.snapshot.documents, report.snapshot.documents
    edited = {path for path in view.versions if before.get(path) is not now.get(path)}
    return any(
        state.findings.get(path) != report.by_path.get(path)
        for path in state.findings.keys() | report.by_path.keys()
        if path not in edited
    )
