"""The editor's documents, with lines as LSP counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pygls.workspace import TextDocument, Workspace

from ckit_daemon.core.text import lines_with_ends

if TYPE_CHECKING:
    from collections.abc import Sequence


class EditorDocument(TextDocument):
    """A document whose lines end with LF, CRLF or CR alone (LSP 3.17, Text Documents).

    pygls splits at every character that Python takes for the end of a line, such as U+2028 or U+0085, and would make
    an editor's changes in the wrong line from then on.
    """

    @property
    def lines(self) -> Sequence[str]:
        """The lines with their ends."""
        return tuple(lines_with_ends(self.source))


class EditorWorkspace(Workspace):
    """Makes such documents."""

    def _create_text_document(
        self, doc_uri: str, source: str | None = None, version: int | None = None, language_id: str | None = None
    ) -> TextDocument:
        return EditorDocument(
            doc_uri,
            source=source,
            version=version,
            language_id=language_id,
            sync_kind=self._sync_kind,
            position_codec=self._position_codec,
        )
