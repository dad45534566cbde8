"""Inlay hints: the title of an entity behind its id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lsprotocol import types

from ckit_daemon.core.json import shorten
from ckit_daemon.lsp.target import ids_in, is_yaml

if TYPE_CHECKING:
    from ckit_daemon.core.document import Document
    from ckit_daemon.lsp.context import View

_MAX_TITLE: Final = 60
_MAX_HINTS: Final = 500


def inlay_hints(view: View, document: Document, params: types.InlayHintParams) -> list[types.InlayHint]:
    """Answer `textDocument/inlayHint`."""
    hints: list[types.InlayHint] = []
    first, last = params.range.start.line, params.range.end.line
    for scalar, target in ids_in(view.snapshot, document) if is_yaml(document.path) else ():
        entity = view.snapshot.get(target.id) if target.relation is not None else None
        if entity is None or not entity.title or not first <= scalar.end.line <= last or len(hints) == _MAX_HINTS:
            continue
        place = view.convert.location(entity.document.location_at(("id",)))
        label = types.InlayHintLabelPart(shorten(entity.title, _MAX_TITLE), location=place)
        at = view.convert.position(scalar.end, document.lines)
        hints.append(types.InlayHint(at, [label], padding_left=True))
    return hints
