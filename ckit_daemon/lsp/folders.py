"""Opens the repositories of the client's workspace folders, and sees to it that somebody watches their files.

A client that can watch files is asked to (LSP 3.17, `workspace/didChangeWatchedFiles`); for any other the daemon
watches. Folders may come and go (`workspace/didChangeWorkspaceFolders`).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from lsprotocol import types

from ckit_daemon.core.errors import CkitError
from ckit_daemon.core.progress import SILENT
from ckit_daemon.lsp.documents import local_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pygls.lsp.server import LanguageServer

    from ckit_daemon.services.repositories import Repositories

logger = logging.getLogger(__name__)

WATCHED = "**/{contexts,.context,.context-kit}/**"
"""What a client watches for us: all files that a snapshot is made of. Others are read when they are needed."""


class WorkspaceFolders:
    """The workspace folders of one session."""

    def __init__(self, server: LanguageServer, repositories: Repositories) -> None:
        """Register the handlers."""
        self._server = server
        self._repositories = repositories

        @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
        def did_change_workspace_folders(params: types.DidChangeWorkspaceFoldersParams) -> None:
            for folder in params.event.removed:
                repositories.changes.add(self._remove(folder.uri))
            for folder in params.event.added:
                repositories.changes.add(self._add(folder.uri))

    def open(self, folders: Sequence[str]) -> None:
        """Begin to open the repositories of these URIs; requests wait for them as for every announced change."""
        if self._client_watches():
            options = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher(glob_pattern=WATCHED)])
            registration = types.Registration("ckit-files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            self._server.client_register_capability(types.RegistrationParams([registration]))
        for uri in folders:
            self._repositories.changes.add(self._add(uri))

    async def _add(self, uri: str) -> None:
        path = _folder(uri)
        if path is None:
            return
        try:
            await self._repositories.add_folder(path, watch=not self._client_watches(), progress=SILENT)
        except CkitError as error:
            # The first request that needs the repository tries again, and gets the same error as its answer.
            logger.warning("a workspace folder was not opened: %s", error.message)

    async def _remove(self, uri: str) -> None:
        path = _folder(uri)
        if path is not None:
            await self._repositories.remove_folder(path)

    def _client_watches(self) -> bool:
        workspace = self._server.client_capabilities.workspace
        watching = None if workspace is None else workspace.did_change_watched_files
        return watching is not None and bool(watching.dynamic_registration)


def _folder(uri: str) -> Path | None:
    """The folder of a URI as its files know it: with all links resolved."""
    path = local_path(uri)
    return None if path is None else path.resolve()
