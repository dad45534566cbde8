"""Finds the two states that a client wants compared, and asks the engine what the difference breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ckit_daemon.core.document import read_yaml
from ckit_daemon.core.errors import InvalidArgumentError
from ckit_daemon.core.impact import Impact, impact
from ckit_daemon.core.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckit_daemon.core.document import Document
    from ckit_daemon.services.ports import Repository

Comparison = Literal["unsaved", "workingTree", "staged", "commits"]


def assess(
    store: Repository,
    *,
    ids: Sequence[str],
    between: Comparison | None,
    base: str,
    head: str,
    depth: int | None,
) -> tuple[Snapshot, Impact]:
    """Tell what a change brings about, and in which snapshot.

    Args:
        store: the repository.
        ids: the entities to look at; with a comparison only these, without one they are taken as changed.
        between: the two states to compare; see `ckit/repo/impact`.
        base: the old revision of every comparison but `unsaved`.
        head: the new revision of `commits`.
        depth: over how many facts staleness goes on.

    Raises:
        InvalidArgumentError: neither ids nor a comparison.
        NotFoundError: no such entity or revision, or no Git.
    """
    if between is None and not ids:
        raise InvalidArgumentError("Give 'ids', or say with 'between' what to compare.")
    snapshot = store.snapshot
    baseline: Mapping[str, Document | None] | None = None
    if between == "unsaved":
        baseline = _on_disk(store, snapshot)
    elif between == "workingTree":
        baseline = store.history.changed_since(base, snapshot.documents)
    elif between is not None:
        documents = store.history.staged_documents() if between == "staged" else store.history.documents_at(head)
        baseline = store.history.changed_since(base, documents)
        snapshot = Snapshot.of(documents.values())
    return snapshot, impact(snapshot, changed_ids=ids, baseline=baseline, depth=depth)


def _on_disk(store: Repository, snapshot: Snapshot) -> Mapping[str, Document | None]:
    saved = {path: store.disk_text(path) for path in store.overlays if path in snapshot.documents}
    return {path: None if text is None else read_yaml(path, text) for path, text in saved.items()}
