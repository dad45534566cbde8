"""Diagnostics: the findings of `ckit/repo/validate`, as editors show them (LSP 3.17, Diagnostics)."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import orjson
from lsprotocol import types

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ckit_daemon.core.document import Document, Finding
    from ckit_daemon.core.text import Location
    from ckit_daemon.core.validation import Report
    from ckit_daemon.lsp.context import View

SOURCE: Final = "ckit"
_UNNECESSARY: Final = frozenset({"yaml.tag", "yaml.key", "yaml.multiple-documents", "rule.dead"})
"""Findings about text that nothing reads, or that never does anything; editors fade it out."""
_NOTHING: Final = "nothing"
"""The name of no findings."""


def document_diagnostics(
    view: View, document: Document, params: types.DocumentDiagnosticParams
) -> types.DocumentDiagnosticReport:
    """Answer `textDocument/diagnostic`."""
    view, report = _reported(view)
    findings = report.by_path.get(document.path, ())
    result_id = _result_id(view, findings)
    if params.previous_result_id == result_id:
        return types.RelatedUnchangedDocumentDiagnosticReport(result_id)
    return types.RelatedFullDocumentDiagnosticReport(to_diagnostics(view, findings), result_id=result_id)


def workspace_diagnostics(
    views: Sequence[View], params: types.WorkspaceDiagnosticParams
) -> types.WorkspaceDiagnosticReport:
    """Answer `workspace/diagnostic`: the files with findings, and those that had some when the client last asked."""
    known = {previous.uri: previous.value for previous in params.previous_result_ids}
    items: list[types.WorkspaceFullDocumentDiagnosticReport | types.WorkspaceUnchangedDocumentDiagnosticReport] = []
    for asked in views:
        view, report = _reported(asked)
        for path, findings in report.by_path.items():
            uri, result_id = view.convert.uri(path), _result_id(view, findings)
            # The findings may be about a newer text than the one whose version is known.
            version = view.versions.get(path) if view is asked else None
            if known.pop(uri, None) == result_id:
                items.append(types.WorkspaceUnchangedDocumentDiagnosticReport(uri, result_id, version))
            else:
                found = to_diagnostics(view, findings)
                items.append(types.WorkspaceFullDocumentDiagnosticReport(uri, found, version, result_id=result_id))
    items += (
        types.WorkspaceFullDocumentDiagnosticReport(uri, [], result_id=_NOTHING)
        for uri, result_id in known.items()
        if result_id != _NOTHING
    )
    return types.WorkspaceDiagnosticReport(items)


def _reported(view: View) -> tuple[View, Report]:
    """The findings, and a view of the text that they are about: it may be newer than what was asked about."""
    report = view.report()
    return (view if report.snapshot is view.snapshot else replace(view, snapshot=report.snapshot)), report


def to_diagnostics(view: View, findings: Iterable[Finding]) -> list[types.Diagnostic]:
    """Write the findings of one file as this client wants them."""
    related = _wants(view, "related_information")
    tagged = _wants(view, "tag_support")
    described = _wants(view, "code_description_support")
    return [_diagnostic(view, finding, related=related, tagged=tagged, described=described) for finding in findings]


def _wants(view: View, capability: str) -> bool:
    groups = ("text_document.diagnostic", "text_document.publish_diagnostics")
    return any(view.client.has(f"{group}.{capability}") for group in groups)


def _diagnostic(view: View, finding: Finding, *, related: bool, tagged: bool, described: bool) -> types.Diagnostic:
    convert = view.convert
    return types.Diagnostic(
        range=convert.location(finding.location).range,
        message=finding.message,
        severity=types.DiagnosticSeverity(finding.severity),
        code=finding.code,
        code_description=_description(view, finding) if described else None,
        source=SOURCE,
        tags=[types.DiagnosticTag.Unnecessary] if tagged and finding.code in _UNNECESSARY else None,
        related_information=[
            types.DiagnosticRelatedInformation(convert.location(other.location), other.message)
            for other in finding.related
        ]
        if related and finding.related
        else None,
    )


def _description(view: View, finding: Finding) -> types.CodeDescription | None:
    """The schema that a value breaks; nothing else has a document of its own."""
    if not finding.code.startswith("schema.") or finding.code == "schema.invalid":
        return None
    entity_type = view.snapshot.schemas.type_of_path(finding.location.path)
    schema = view.snapshot.schemas[entity_type] if entity_type is not None else None
    return None if schema is None else types.CodeDescription(view.convert.uri(schema.document.path))


def _result_id(view: View, findings: Sequence[Finding]) -> str:
    """A name for these findings as this client gets them; others have another one."""
    said = [
        (
            finding.code,
            finding.message,
            *_place(view, finding.location),
            *((*_place(view, other.location), other.message) for other in finding.related),
        )
        for finding in findings
    ]
    return hashlib.blake2b(orjson.dumps(said), digest_size=12).hexdigest() if said else _NOTHING


def _place(view: View, location: Location) -> tuple[str | int, ...]:
    where = view.convert.range(location.range, view.snapshot.documents.get(location.path))
    return location.path, where.start.line, where.start.character, where.end.line, where.end.character
