"""Code actions: the fixes of findings, and what can be generated from an entity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lsprotocol import types

from ckit_daemon.core import edit
from ckit_daemon.core.errors import CkitError
from ckit_daemon.core.prompts import prompt_templates
from ckit_daemon.lsp.diagnostics import to_diagnostics
from ckit_daemon.lsp.target import target_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckit_daemon.core.document import Document, Finding, Fix
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.lsp.context import View

GENERATE: Final = "source.ckit"
PROMPT_COMMAND: Final = "ckit.generatePrompt"
SPEC_COMMAND: Final = "ckit.generateSpec"
_SPECIFIED: Final = frozenset({"feature", "userstory"})
"""The types that specs are written from."""


def code_actions(view: View, document: Document, params: types.CodeActionParams) -> list[types.CodeAction]:
    """Answer `textDocument/codeAction`."""
    actions: list[types.CodeAction] = []
    if "edits" in view.client.features and _wanted(types.CodeActionKind.QuickFix, params.context.only):
        actions += _fixes(view, document, params)
    if _wanted(GENERATE, params.context.only):
        actions += _generators(view, document, params.range.start)
    return actions


def _wanted(kind: str, only: Sequence[str] | None) -> bool:
    """Whether a client that asks for these kinds wants one; a kind stands for all below it."""
    return only is None or any(kind == each or kind.startswith(f"{each}.") or each == "" for each in only)


def _fixes(view: View, document: Document, params: types.CodeActionParams) -> Iterator[types.CodeAction]:
    report = view.report()
    if report.snapshot.documents.get(document.path) is not document:
        # The document changed meanwhile, and these places are no longer those that were asked about.
        return
    for finding in report.by_path.get(document.path, ()):
        # Each fix is tried on the text, and a person may have selected all of a file that has many.
        view.progress.report(0, 0, "")
        diagnostic = to_diagnostics(view, [finding])[0]
        if not finding.fixes or not _touches(diagnostic.range, params.range):
            continue
        shown = [each for each in params.context.diagnostics if _is_same(each, diagnostic)] or [diagnostic]
        fixes = list(_planned(view, finding))
        for fix, plan in fixes:
            yield types.CodeAction(
                fix.title,
                types.CodeActionKind.QuickFix,
                shown,
                # What there is one way to mend may be mended without asking, unless something is lost.
                is_preferred=True if len(fixes) == 1 and not fix.removes else None,
                edit=plan,
            )


def _planned(view: View, finding: Finding) -> Iterator[tuple[Fix, types.WorkspaceEdit]]:
    for fix in finding.fixes:
        try:
            plan = view.edit(edit.mend(view.snapshot, finding, fix))
        except CkitError:
            # A file that can't be edited by itself is left to a person.
            continue
        if plan is not None:
            yield fix, plan


def _touches(one: types.Range, other: types.Range) -> bool:
    return _key(one.start) <= _key(other.end) and _key(other.start) <= _key(one.end)


def _key(position: types.Position) -> tuple[int, int]:
    return position.line, position.character


def _is_same(one: types.Diagnostic, other: types.Diagnostic) -> bool:
    return one.code == other.code and one.range == other.range and one.message == other.message


def _generators(view: View, document: Document, at: types.Position) -> Iterator[types.CodeAction]:
    """Yield what can be generated from the entity that is named at a position, or else from the document's own."""
    target = target_at(view.snapshot, document, view.convert.to_position(at, document))
    named = view.snapshot.get(target.id) if target is not None else None
    entity = named or view.snapshot.by_path.get(document.path)
    if entity is None:
        return
    features = view.client.features
    if "prompts" in features and entity.type in prompt_templates(view.snapshot):
        yield _command(f"Generate prompt for {entity.id}", PROMPT_COMMAND, entity)
    if "generation" in features and entity.type in _SPECIFIED:
        yield _command(f"Generate spec from {entity.id}", SPEC_COMMAND, entity)


def _command(title: str, command: str, entity: Entity) -> types.CodeAction:
    """An action whose command the client carries out: it asks, shows and applies what is generated."""
    return types.CodeAction(title, GENERATE, command=types.Command(title, command, arguments=[entity.id]))
