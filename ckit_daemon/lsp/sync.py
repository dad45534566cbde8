"""Keeps the open repositories in step with the editor: unsaved text and files that change on disk.

A document's text is laid over its file from `didOpen` until `didClose` (LSP 3.17, text document synchronization).
Changes are handled in the order in which the client sent them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from lsprotocol import types

from ckit_daemon.core.errors import CkitError, PathNotAllowedError
from ckit_daemon.core.progress import SILENT
from ckit_daemon.lsp.documents import local_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pygls.lsp.server import LanguageServer

    from ckit_daemon.services.repositories import OpenRepository, Repositories

logger = logging.getLogger(__name__)


class DocumentSync:
    """Takes the documents of one session over."""

    def __init__(
        self,
        server: LanguageServer,
        repositories: Repositories,
        discovered: Callable[[OpenRepository], None],
        taken_over: Callable[[OpenRepository], None],
    ) -> None:
        """Register the handlers.

        Args:
            server: sends the events.
            repositories: those that they are about.
            discovered: called when a document has led to a repository below a workspace folder, which is open now.
            taken_over: called when a document was opened, changed or closed and its text is in the repository, changed
                or not.
        """
        self._server = server
        self._repositories = repositories
        self._discovered = discovered
        self._taken_over = taken_over
        changes = repositories.changes
        repositories.on_open(self._lay_open_documents)

        @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
        def did_open(params: types.DidOpenTextDocumentParams) -> None:
            changes.add(self._opened(params.text_document))

        @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
        def did_change(params: types.DidChangeTextDocumentParams) -> None:
            # pygls has applied the changes to its own copy before it calls this.
            uri = params.text_document.uri
            source = server.workspace.get_text_document(uri).source
            changes.add(self._overlay(uri, source, params.text_document.version))

        @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
        def did_close(params: types.DidCloseTextDocumentParams) -> None:
            changes.add(self._overlay(params.text_document.uri, None, None))

        @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
        def did_save(params: types.DidSaveTextDocumentParams) -> None:
            changes.add(_refresh(repositories, [params.text_document.uri]))

        @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
        def did_change_watched_files(params: types.DidChangeWatchedFilesParams) -> None:
            changes.add(_refresh(repositories, [change.uri for change in params.changes]))

    async def _opened(self, document: types.TextDocumentItem) -> None:
        path = local_path(document.uri)
        known = self._repositories.all()
        try:
            around = None if path is None else await self._repositories.open_around(path, SILENT)
        except CkitError as error:
            logger.warning("the repository of a document was not opened: %s", error.message)
            return
        if around is not None and around not in known:
            self._discovered(around)
        await self._overlay(document.uri, document.text, document.version)

    async def _overlay(self, uri: str, text: str | None, version: int | None) -> None:
        found = _find(self._repositories, uri)
        if found is not None:
            await _lay(*found, uri, text, version)
            self._taken_over(found[0])

    async def _lay_open_documents(self, repository: OpenRepository) -> None:
        for document in [*self._server.workspace.text_documents.values()]:
            path = local_path(document.uri)
            if path is not None and path.is_relative_to(repository.store.root):
                inside = path.relative_to(repository.store.root).as_posix()
                await _lay(repository, inside, document.uri, document.source, document.version)


async def _lay(repository: OpenRepository, path: str, uri: str, text: str | None, version: int | None) -> None:
    try:
        await repository.store.overlay(path, text)
    except CkitError as error:
        logger.warning("unsaved text was not taken over: %s", error.message, extra={"path": path})
        return
    # Nothing else runs between the new snapshot and this: whoever reads both finds the version of the text.
    versions = {name: known for name, known in repository.document_versions.items() if name != path}
    uris = {name: known for name, known in repository.document_uris.items() if name != path}
    repository.document_versions = versions if version is None else {**versions, path: version}
    repository.document_uris = uris if version is None else {**uris, path: uri}


async def _refresh(repositories: Repositories, changed: Sequence[str]) -> None:
    by_repository: dict[OpenRepository, list[str]] = {}
    for uri in changed:
        found = _find(repositories, uri)
        if found is not None:
            by_repository.setdefault(found[0], []).append(found[1])
    for repository, paths in by_repository.items():
        try:
            await _read_again(repository, paths)
        except CkitError as error:
            logger.warning("files that changed were not read again: %s", error.message)


async def _read_again(repository: OpenRepository, paths: Sequence[str]) -> None:
    try:
        await repository.store.refresh(paths)
    except PathNotAllowedError:
        # The root itself, or a file of a `.git` within: it can't be read alone, and the others must be.
        await repository.store.refresh()


def _find(repositories: Repositories, uri: str) -> tuple[OpenRepository, str] | None:
    path = local_path(uri)
    return None if path is None else repositories.containing(path)
