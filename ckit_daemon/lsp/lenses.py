"""Code lenses above an entity: who names it, and what an unsaved change of it brings about."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, cast

from lsprotocol import types

from ckit_daemon.core.changes import entity_changes
from ckit_daemon.core.document import Severity, read_yaml
from ckit_daemon.core.errors import CkitError
from ckit_daemon.core.impact import impact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.impact import Impact
    from ckit_daemon.core.json import JsonValue
    from ckit_daemon.lsp.context import View

REFERENCES_COMMAND: Final = "ckit.showReferences"
IMPACT_COMMAND: Final = "ckit.showImpact"
_REFERENCES: Final = "references"
_IMPACT: Final = "impact"
_MAX_LOCATIONS: Final = 200


def code_lenses(
    view: View,
    document: Document,
    params: types.CodeLensParams,  # noqa: ARG001 - every feature gets its params.
) -> list[types.CodeLens]:
    """Answer `textDocument/codeLens`; what they say is found out for those that are seen."""
    entity = view.snapshot.by_path.get(document.path)
    if entity is None:
        return []
    where = view.convert.range(document.range_at(("id",)), document)
    kinds = [_REFERENCES] if _named_by(view, entity) else []
    if "impact" in view.client.features and _has_changed(view, document):
        kinds.append(_IMPACT)
    return [
        types.CodeLens(where, data={"repository": view.repository.id, "path": entity.path, "kind": kind})
        for kind in kinds
    ]


def resolve(views: Sequence[View], lens: types.CodeLens) -> types.CodeLens:
    """Answer `codeLens/resolve`."""
    kept = cast("JsonValue", lens.data)
    data = kept if isinstance(kept, dict) else {}
    for view in views:
        entity = (
            view.snapshot.by_path.get(str(data.get("path"))) if data.get("repository") == view.repository.id else None
        )
        if entity is not None:
            shown = _references(view, entity, lens) if data.get("kind") == _REFERENCES else _impact(view, entity)
            lens.command = shown
            return lens
    # The file changed since, and the client asks for lenses again.
    lens.command = types.Command("", "")
    return lens


def _named_by(view: View, entity: Entity) -> list[Entity]:
    """The entities that name this one, in the order of their files."""
    paths = sorted(view.snapshot.referrers.get(entity.id, ()))
    return [other for path in paths if (other := view.snapshot.by_path[path]).id != entity.id]


def _references(view: View, entity: Entity, lens: types.CodeLens) -> types.Command:
    named_by = _named_by(view, entity)
    if not named_by:
        return types.Command("", "")
    places = [
        view.convert.location(other.document.location_at(reference.path))
        for other in named_by[:_MAX_LOCATIONS]
        for reference in other.references
        if reference.target == entity.id
    ]
    title = f"named by {_counted(other.type for other in named_by)}"
    return types.Command(title, REFERENCES_COMMAND, arguments=[view.convert.uri(entity.path), lens.range.start, places])


def _has_changed(view: View, document: Document) -> bool:
    """Whether a document means something else than its file on the disk."""
    return bool(entity_changes(view.snapshot, baseline)) if (baseline := _baseline(view, document.path)) else False


def _baseline(view: View, path: str) -> dict[str, Document | None]:
    store = view.repository.store
    if path not in store.overlays:
        return {}
    try:
        saved = store.disk_text(path)
    except CkitError:
        # A file that can't be read has no meaning that could be compared.
        return {}
    document = view.snapshot.documents.get(path)
    if document is None or document.text == saved:
        return {}
    return {path: None if saved is None else read_yaml(path, saved)}


def _impact(view: View, entity: Entity) -> types.Command:
    baseline = _baseline(view, entity.path)
    if not baseline:
        return types.Command("", "")
    return types.Command(_said(impact(view.snapshot, baseline=baseline)), IMPACT_COMMAND, arguments=[entity.id])


def _said(found: Impact) -> str:
    """An impact in a few words; what is only far away is left out."""
    stale = [each.entity.type for each in found.stale if each.severity < Severity.HINT]
    dangling = sum(issue.kind == "dangling" for issue in found.issues)
    parts: list[str] = []
    if stale:
        parts.append(f"{_counted(stale)} {'becomes' if len(stale) == 1 else 'become'} stale")
    if dangling:
        parts.append(f"{dangling} {'reference leads' if dangling == 1 else 'references lead'} nowhere")
    return " · ".join(parts) or "this change concerns nobody else"


def _counted(names: Iterator[str] | list[str]) -> str:
    """`2 tasks and 1 spec`."""
    counts = Counter(names)
    parts = [f"{count} {name if count == 1 else _plural(name)}" for name, count in counts.most_common()]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _plural(name: str) -> str:
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"
