"""The four pipelines that the engine runs itself, with the JSON that the predecessor's scripts print."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ckit_daemon.core import compat
from ckit_daemon.core.errors import InvalidArgumentError, NotFoundError
from ckit_daemon.core.progress import SILENT
from ckit_daemon.services.clock import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.core.progress import Progress
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.services.ports import Repository
    from ckit_daemon.services.repositories import OpenRepository

NATIVE: Final[Mapping[str, str]] = {
    "validate": "Check schemas, references and the constitution's rules.",
    "build-graph": "List every entity and every reference.",
    "impact": "Say what a change of entities asks of others; compares with the last commit where there is one.",
    "generate": "Render prompts and checklists under generated/prompts.",
}
"""The names of the pipelines, with what each does."""


@dataclass(frozen=True, slots=True)
class NativeRun:
    """What a pipeline found, and the files that it would write."""

    ok: bool
    output: JsonObject
    files: Mapping[str, str] = field(default_factory=dict[str, str])


def compute(
    repository: OpenRepository,
    name: str,
    *,
    ids: Sequence[str] = (),
    now: str | None = None,
    absolute_paths: bool = False,
    progress: Progress = SILENT,
) -> NativeRun:
    """Run a pipeline without writing anything. It computes and reads files, so call it in a worker thread.

    Args:
        repository: what it runs on.
        name: one of `NATIVE`.
        ids: the entities for `impact` (at least one) and `generate` (all without any).
        now: the time that `generate` writes into prompts; the current time in UTC without it.
        absolute_paths: whether `generate` writes absolute paths into prompts, as the predecessor did.
        progress: is told how far the work is.

    Raises:
        NotFoundError: there is no such pipeline.
        InvalidArgumentError: `impact` without ids.

    """
    if name == "validate":
        report = repository.report(progress)
        output = compat.validate(report.snapshot, report.findings)
        return NativeRun(output["ok"] is True, output)
    store = repository.store
    if name == "build-graph":
        return NativeRun(ok=True, output=compat.build_graph(store.snapshot))
    if name == "impact":
        if not ids:
            raise InvalidArgumentError("The pipeline 'impact' needs the ids of the entities that change.")
        snapshot = store.snapshot
        output = compat.impact(snapshot, list(dict.fromkeys(ids)), _committed(store, snapshot, ids))
        return NativeRun(all(snapshot.get(identifier) is not None for identifier in ids), output)
    if name == "generate":
        now = now or timestamp()
        root = str(store.root) if absolute_paths else None
        generated = compat.generate(store.snapshot, ids, now=now, root=root, progress=progress)
        return NativeRun(generated.output["ok"] is True, generated.output, generated.files)
    known = ", ".join(NATIVE)
    raise NotFoundError(f"There is no native pipeline {name[:100]!r}; there are {known}.", details={"kind": "pipeline"})


def _committed(store: Repository, snapshot: Snapshot, ids: Sequence[str]) -> Mapping[str, Document | None]:
    """The documents of these entities as the last commit has them."""
    if store.history.head() is None:
        return {}
    entities = [entity for identifier in ids if (entity := snapshot.get(identifier)) is not None]
    return dict(store.history.documents_at("HEAD", [entity.path for entity in entities]))
