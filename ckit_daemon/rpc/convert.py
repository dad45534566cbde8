"""Engine values to wire values and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.core.document import Severity
from ckit_daemon.core.text import PositionEncoding
from ckit_daemon.services.uris import to_uri
from ckit_daemon.wire import common as wire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ckit_daemon.core.document import Document, Finding
    from ckit_daemon.core.edit import EditPlan
    from ckit_daemon.core.edit.plan import Step
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.graph import Edge
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.core.text import Location, Position, Range

SEVERITIES: Mapping[Severity, wire.SeverityName] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFORMATION: "information",
    Severity.HINT: "hint",
}


def _encode(position: Position, lines: Sequence[str], encoding: PositionEncoding) -> wire.Position:
    line, character = encoding.encode_position(position, lines)
    return wire.Position(line=line, character=character)


class Converter:
    """Converts values of one snapshot for one client."""

    def __init__(self, snapshot: Snapshot, encoding: str) -> None:
        self._documents = snapshot.documents
        self._encoding = PositionEncoding(encoding)

    def location(self, location: Location) -> wire.Location:
        """Convert a place in a file; columns need the line that they are in."""
        return wire.Location(path=location.path, range=self.range(location.range, self._documents.get(location.path)))

    def range(self, where: Range, document: Document | None) -> wire.Range:
        """Convert a range of a document; of one that is gone, the columns stay as they are."""
        lines = document.lines if document is not None and self._encoding is not PositionEncoding.UTF32 else ()
        return wire.Range(
            start=_encode(where.start, lines, self._encoding), end=_encode(where.end, lines, self._encoding)
        )

    def finding(self, finding: Finding) -> wire.Finding:
        """Convert a finding."""
        return wire.Finding(
            code=finding.code,
            severity=SEVERITIES[finding.severity],
            message=finding.message,
            location=self.location(finding.location),
            entity=finding.entity,
            field=list(finding.path) or None,
            related=[
                wire.Related(location=self.location(other.location), message=other.message) for other in finding.related
            ],
            fixes=[
                wire.Fix(
                    title=fix.title,
                    file=fix.file,
                    path=None if fix.removes or fix.renames_to is not None else list(fix.path) or None,
                    value=fix.value if fix.renames_to is None else fix.renames_to,
                    creates=fix.creates,
                    removes=list(fix.path) if fix.removes else None,
                    renames=None if fix.renames_to is None else list(fix.path),
                )
                for fix in finding.fixes
            ],
        )

    def edge(self, edge: Edge, *, statements: bool = False) -> wire.Edge:
        """Convert a fact; finding out where it is stated takes time, so that is done only when asked for."""
        return wire.Edge(
            source=edge.source,
            target=edge.target,
            rel=edge.rel,
            statements=self.statements(edge) if statements else None,
        )

    def statements(self, edge: Edge) -> list[wire.Statement]:
        """Convert the places that state a fact."""
        return [
            wire.Statement(
                entity=statement.entity.id,
                location=self.location(statement.entity.document.location_at(statement.path)),
            )
            for statement in edge.statements
        ]


def workspace_edit(plan: EditPlan, root: Path, encoding: str, versions: Mapping[str, int]) -> wire.WorkspaceEdit:
    """Convert a plan to an edit that clients apply: files are made first, then edited, then renamed or deleted.

    Args:
        plan: what changes.
        root: the repository's folder.
        encoding: unit of characters in positions.
        versions: versions of the documents that the client has open and the plan was made from, by path.
    """
    units = PositionEncoding(encoding)

    def uri(path: str) -> str:
        return to_uri(root / path)

    def document_edit(step: Step) -> wire.TextDocumentEdit:
        lines = plan.lines(step.path)
        return wire.TextDocumentEdit(
            text_document=wire.VersionedDocument(uri=uri(step.path), version=versions.get(step.path)),
            edits=[
                wire.TextEdit(
                    range=wire.Range(
                        start=_encode(edit.range.start, lines, units), end=_encode(edit.range.end, lines, units)
                    ),
                    new_text=edit.new_text,
                )
                for edit in step.edits
            ],
        )

    changes: list[wire.TextDocumentEdit | wire.CreateFile | wire.RenameFile | wire.DeleteFile] = []
    for step in plan.steps():
        match step.kind:
            case "make":
                changes.append(wire.CreateFile(uri=uri(step.path)))
            case "change":
                changes.append(document_edit(step))
            case "rename":
                changes.append(wire.RenameFile(old_uri=uri(step.path), new_uri=uri(step.new_path)))
            case "delete":
                changes.append(wire.DeleteFile(uri=uri(step.path)))
    return wire.WorkspaceEdit(document_changes=changes)


def summary(entity: Entity) -> wire.EntitySummary:
    """Convert an entity for a list."""
    return wire.EntitySummary(
        id=entity.id, type=entity.type, title=entity.title, status=entity.status, path=entity.path
    )


def next_offset(page: wire.Page, total: int) -> int | None:
    """Where the next page begins, None after the last one."""
    end = page.offset + page.limit
    return end if end < total else None
