"""Engine values to LSP's and back, in the position encoding that was negotiated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from ckit_daemon.core.text import PositionEncoding
from ckit_daemon.services.uris import to_uri

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.edit import EditPlan
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.core.text import Location, Position, Range, TextEdit
    from ckit_daemon.lsp.context import Client


class Converter:
    """Converts values of one snapshot for one client."""

    def __init__(self, snapshot: Snapshot, root: Path, encoding: str, uris: Mapping[str, str]) -> None:
        """Begin.

        Args:
            snapshot: what locations are meant in.
            root: the repository's folder.
            encoding: unit of the columns at the client.
            uris: how the client itself names the documents that it has open, by path.
        """
        self._documents = snapshot.documents
        self._root = root
        self._encoding = PositionEncoding(encoding)
        self._uris = uris

    def uri(self, path: str) -> str:
        """The URI of a file of the repository; of an open one as its editor writes it."""
        return self._uris.get(path) or to_uri(self._root / path)

    def to_position(self, position: types.Position, document: Document) -> Position:
        """Read a position of the client."""
        return self._encoding.decode_position(position.line, position.character, document.lines)

    def position(self, position: Position, lines: Sequence[str]) -> types.Position:
        """Write a position; columns need the line that they are in."""
        return types.Position(*self._encoding.encode_position(position, lines))

    def range(self, where: Range, document: Document | None) -> types.Range:
        """Write a range of a document; of one that is gone, the columns stay as they are."""
        # Where all units are the same nobody needs the lines, which take time to find.
        is_same = document is None or self._encoding is PositionEncoding.UTF32 or document.text.isascii()
        lines = () if document is None or is_same else document.lines
        return types.Range(self.position(where.start, lines), self.position(where.end, lines))

    def location(self, location: Location, document: Document | None = None) -> types.Location:
        """Write a place in a file; a document that is in no snapshot has to be given."""
        known = self._documents.get(location.path, document)
        return types.Location(self.uri(location.path), self.range(location.range, known))

    def workspace_edit(self, plan: EditPlan, client: Client, versions: Mapping[str, int]) -> types.WorkspaceEdit | None:
        """Write a plan as this client can carry it out; None where it can't make or delete a file that it has to.

        A client that renames no files gets the changes of their texts alone.
        """
        known = "workspace.workspace_edit.resource_operations"
        if not client.has("workspace.workspace_edit.document_changes"):
            if plan.creates or plan.deletes:
                return None
            return types.WorkspaceEdit(
                {self.uri(path): self._text_edits(edits, plan.lines(path)) for path, edits in plan.edits.items()}
            )
        changes: list[types.TextDocumentEdit | types.CreateFile | types.RenameFile | types.DeleteFile] = []
        for step in plan.steps():
            match step.kind:
                case "make":
                    if not client.among(known, types.ResourceOperationKind.Create):
                        return None
                    changes.append(types.CreateFile(self.uri(step.path)))
                case "change":
                    document = types.OptionalVersionedTextDocumentIdentifier(
                        self.uri(step.path), versions.get(step.path)
                    )
                    changes.append(
                        types.TextDocumentEdit(document, self._text_edits(step.edits, plan.lines(step.path)))
                    )
                case "rename":
                    if client.among(known, types.ResourceOperationKind.Rename):
                        changes.append(types.RenameFile(self.uri(step.path), to_uri(self._root / step.new_path)))
                case "delete":
                    if not client.among(known, types.ResourceOperationKind.Delete):
                        return None
                    changes.append(types.DeleteFile(self.uri(step.path)))
        return types.WorkspaceEdit(document_changes=changes)

    def _text_edits(self, edits: Iterable[TextEdit], lines: Sequence[str]) -> list[types.TextEdit]:
        return [
            types.TextEdit(
                types.Range(self.position(edit.range.start, lines), self.position(edit.range.end, lines)), edit.new_text
            )
            for edit in edits
        ]
