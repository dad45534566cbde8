"""What a language feature gets: a repository as it was when the client asked, and a thread to work in."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from pygls.capabilities import get_capability

from ckit_daemon.core.errors import CkitError, DeadlineExceededError, OperationCancelledError
from ckit_daemon.lsp.convert import Converter
from ckit_daemon.lsp.documents import local_path

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from lsprotocol import types

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.edit import EditPlan
    from ckit_daemon.core.progress import Progress
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.core.validation import Report
    from ckit_daemon.services.repositories import OpenRepository, Repositories

P = ParamSpec("P")
T = TypeVar("T")

WORKERS: Final = 4
"""Threads of the language features: of their own, so that typing never waits for other work."""
_TEXTS: Final = (".yaml", ".yml", ".md", ".markdown", ".mdx", ".hbs")
"""Files outside of a snapshot in which ids are understood."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A result that is JSON already; the transport sends it as it is."""

    body: bytes


class Client:
    """What a client can do, as it said in `initialize`, and what it may ask for."""

    def __init__(self, capabilities: types.ClientCapabilities, encoding: str, features: Collection[str] = ()) -> None:
        """Begin.

        Args:
            capabilities: what it said.
            encoding: unit of the columns in positions.
            features: the daemon's features that no setting switches off.
        """
        self.capabilities = capabilities
        self.encoding = encoding
        self.features = frozenset(features)

    def has(self, capability: str) -> bool:
        """Whether a capability is there: `text_document.rename.prepare_support`, in lsprotocol's spelling."""
        return bool(get_capability(self.capabilities, capability, False))

    def among(self, capability: str, value: str | int) -> bool:
        """Whether a capability lists a value."""
        return value in (get_capability(self.capabilities, capability) or ())


@dataclass(frozen=True)
class View:
    """One repository as a request sees it: with all that the client announced before, and nothing changes in it."""

    repository: OpenRepository
    snapshot: Snapshot
    client: Client
    uris: Mapping[str, str]
    """How the client names the documents that it has open, by path."""
    versions: Mapping[str, int]
    """The versions of these documents that are in the snapshot."""
    progress: Progress

    @cached_property
    def convert(self) -> Converter:
        """Converts places of this snapshot for this client."""
        return Converter(self.snapshot, self.repository.store.root, self.client.encoding, self.uris)

    def edit(self, plan: EditPlan) -> types.WorkspaceEdit | None:
        """A plan as the client can carry it out; None where it can't."""
        return self.convert.workspace_edit(plan, self.client, self.versions)

    def report(self) -> Report:
        """The findings; of a newer snapshot where there is one by now."""
        return self.repository.report(self.progress)

    def document(self, path: str) -> Document | None:
        """A file of the snapshot, or another one whose text may name entities; None for all others."""
        known = self.snapshot.documents.get(path)
        if known is not None or not path.lower().endswith(_TEXTS):
            return known
        # The engine is not imported before a repository is open.
        from ckit_daemon.core.document import Document  # noqa: PLC0415

        try:
            return Document(path, self.repository.store.read_file(path).text)
        except CkitError:
            # What can't be read has no language; why, the findings say where it matters.
            return None


class Cancellation:
    """Progress that nobody watches; once nobody waits for the answer either, the work stops."""

    def __init__(self) -> None:
        self._cancelled = False

    def report(self, done: int, total: int, message: str) -> None:  # noqa: ARG002 - nobody is told.
        """Stop the work that nobody waits for.

        Raises:
            OperationCancelledError: `cancel` was called.
        """
        if self._cancelled:
            raise OperationCancelledError("The request was cancelled.")

    def cancel(self) -> None:
        """Make the next report raise."""
        self._cancelled = True


class LanguageContext:
    """Finds what a request is about and runs the work on it; used on the event loop only."""

    def __init__(self, client: Client, repositories: Repositories, timeout: Callable[[], float]) -> None:
        """Begin.

        Args:
            client: who asks.
            repositories: those that are open.
            timeout: the deadline of a request, in seconds.
        """
        self.client = client
        self._repositories = repositories
        self._timeout = timeout
        self._workers = ThreadPoolExecutor(WORKERS, "ckit-language")

    async def changes_made(self) -> None:
        """Wait until everything that the client announced by now has been made."""
        await self._repositories.changes.made()

    def find(self, uri: str) -> tuple[OpenRepository, str] | None:
        """The open repository that a document lies in, with the document's path there."""
        path = local_path(uri)
        return None if path is None else self._repositories.containing(path)

    def view(self, repository: OpenRepository, progress: Progress) -> View:
        """What a repository holds now."""
        return View(
            repository,
            repository.store.snapshot,
            self.client,
            repository.document_uris,
            repository.document_versions,
            progress,
        )

    def views(self, progress: Progress) -> tuple[View, ...]:
        """What all open repositories hold now."""
        return tuple(self.view(repository, progress) for repository in self._repositories.all())

    async def run(self, stopping: Cancellation, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run work in a thread; `stopping` ends it once nobody waits for it.

        Raises:
            DeadlineExceededError: it took too long.
        """
        call = functools.partial(contextvars.copy_context().run, fn, *args, **kwargs)
        seconds = self._timeout()
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.get_running_loop().run_in_executor(self._workers, call)
        except TimeoutError:
            message = f"The request took longer than its deadline of {seconds:g} s."
            raise DeadlineExceededError(message, details={"timeoutSeconds": seconds}) from None
        finally:
            stopping.cancel()

    def close(self) -> None:
        """Begin nothing any more."""
        self._workers.shutdown(wait=False, cancel_futures=True)
