"""One validation after the other, each of which redoes only what the changes in between can have touched."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Final, TypeVar

from ckit_daemon.core import layout
from ckit_daemon.core.constitution import Constitution
from ckit_daemon.core.progress import SILENT
from ckit_daemon.core.rules import asked_types, rule_findings
from ckit_daemon.core.templates import template_findings
from ckit_daemon.core.validation.cycles import CYCLE_TYPES, cycle_findings
from ckit_daemon.core.validation.local import CLEAN, check_document
from ckit_daemon.core.validation.references import SOUND, Resolver, unread_paths
from ckit_daemon.core.validation.report import Partials, Report
from ckit_daemon.core.validation.sides import PARTNERS, SideChecker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Set
    from datetime import date

    from ckit_daemon.core.document import Document, Finding
    from ckit_daemon.core.progress import Progress
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.core.validation.local import LocalResult
    from ckit_daemon.core.validation.references import Resolution

_T = TypeVar("_T")
_STEP: Final = 500
"""Files between two reports of progress."""


def validate(
    snapshot: Snapshot, previous: Report | None = None, progress: Progress = SILENT, *, today: date | None = None
) -> Report:
    """Find everything that is wrong with a snapshot.

    `previous`, a report on an earlier snapshot of the same repository, saves the work that no change has touched; the
    result is the same without it. `today` decides which exceptions of a constitution have expired.

    Raises:
        OperationCancelledError: raised by `progress`.

    """
    before = previous.partials if previous is not None and previous.snapshot.schemas is snapshot.schemas else None
    old = previous.snapshot if previous is not None and before is not None else None
    constitution = Constitution.of(snapshot, before and before.constitution, today or datetime.now(tz=UTC).date())
    changed = _changed(old, snapshot)
    local = _check_documents(snapshot, constitution, before, changed, progress)
    if old is None or before is None:
        resolutions, sides = _check_links(snapshot, local, progress)
    else:
        resolutions, sides = _recheck_links(snapshot, local, old, before, changed)
    same_cycles = before is not None and old is not None and not _may_form_cycles(changed, old, snapshot)
    sources = tuple(
        document
        for path, document in snapshot.documents.items()
        if path.startswith((layout.RULES, layout.PROMPT_TEMPLATES))
    )
    same_sources = (
        before is not None
        and old is not None
        and _are_same(sources, before.sources)
        # Whether a field of a rule exists is asked of the entities where the schema doesn't know it.
        and before.asked_types.isdisjoint(_types_around(changed, old, snapshot))
    )
    partials = Partials(
        constitution,
        local,
        resolutions,
        sides,
        before.cycles if before is not None and same_cycles else tuple(cycle_findings(snapshot)),
        sources,
        before.asked_types if before is not None and same_sources else asked_types(snapshot),
        before.of_sources if before is not None and same_sources else _source_findings(snapshot),
    )
    return Report(snapshot, _by_path(snapshot, partials), partials)


def _changed(old: Snapshot | None, new: Snapshot) -> Set[str]:
    """The paths of the files that were added, removed or replaced."""
    if old is None:
        return new.documents.keys()
    documents = old.documents
    changed = {path for path, document in new.documents.items() if documents.get(path) is not document}
    return changed | (documents.keys() - new.documents.keys())


def _check_documents(
    snapshot: Snapshot,
    constitution: Constitution,
    before: Partials | None,
    changed: Set[str],
    progress: Progress,
) -> Mapping[str, LocalResult]:
    reusable = before is not None and before.constitution is constitution
    results = dict(before.local) if before is not None and reusable else {}
    todo = changed if reusable else snapshot.documents.keys()
    for number, path in enumerate(todo):
        if number % _STEP == 0:
            progress.report(number, len(todo), "Checking files")
        document = snapshot.documents.get(path)
        result = CLEAN
        if document is not None:
            result = check_document(document, snapshot.by_path.get(path), snapshot.schemas, constitution)
        _keep(results, path, result, CLEAN)
    return results


def _check_links(
    snapshot: Snapshot, local: Mapping[str, LocalResult], progress: Progress
) -> tuple[Mapping[str, Resolution], Mapping[str, tuple[Finding, ...]]]:
    """Check the references of all entities."""
    total = 2 * len(snapshot.by_path)
    resolver = Resolver(snapshot, local)
    resolutions: dict[str, Resolution] = {}
    for number, (path, entity) in enumerate(snapshot.by_path.items()):
        if number % _STEP == 0:
            progress.report(number, total, "Resolving references")
        _keep(resolutions, path, resolver.resolve(entity), SOUND)
    checker = SideChecker(snapshot, resolutions)
    sides: dict[str, tuple[Finding, ...]] = {}
    for number, (path, entity) in enumerate(snapshot.by_path.items(), len(snapshot.by_path)):
        if number % _STEP == 0:
            progress.report(number, total, "Comparing both sides of relations")
        _keep(sides, path, tuple(checker.check(entity)), ())
    return resolutions, sides


def _recheck_links(
    snapshot: Snapshot,
    local: Mapping[str, LocalResult],
    old: Snapshot,
    before: Partials,
    changed: Set[str],
) -> tuple[Mapping[str, Resolution], Mapping[str, tuple[Finding, ...]]]:
    """Check the references again that the changed files make, or that lead to them."""
    both = (old, snapshot)
    ids = {entity.id for picture in both for path in changed if (entity := picture.by_path.get(path)) is not None}
    siblings = {entity.path for picture in both for one in ids for entity in picture.definitions.get(one, ())}
    todo = changed | siblings
    regained = {one for one in ids if _types(old, one) != _types(snapshot, one)}
    for one in regained:
        todo |= snapshot.referrers.get(one, frozenset())
    if regained or unread_paths(old) != unread_paths(snapshot):
        # Which ids are near to a missing one depends on all ids there are.
        todo |= {path for path, resolution in before.resolutions.items() if resolution.unresolved}
    resolver = Resolver(snapshot, local)
    resolutions = dict(before.resolutions)
    for path in todo:
        entity = snapshot.by_path.get(path)
        _keep(resolutions, path, SOUND if entity is None else resolver.resolve(entity), SOUND)

    touched = changed | siblings
    checker = SideChecker(snapshot, resolutions)
    sides = dict(before.sides)
    partners = {partner for picture in both for path in touched for partner in _partners(picture, path)}
    for path in touched | partners:
        entity = snapshot.by_path.get(path)
        _keep(sides, path, () if entity is None else tuple(checker.check(entity)), ())
    return resolutions, sides


def _types(snapshot: Snapshot, identifier: str) -> tuple[str, ...]:
    return tuple(entity.type for entity in snapshot.definitions.get(identifier, ()))


def _partners(snapshot: Snapshot, path: str) -> Iterator[str]:
    """The files of the entities that state relations together with the one in `path`."""
    entity = snapshot.by_path.get(path)
    if entity is None:
        return
    for reference in entity.references:
        if reference.relation.mirror:
            yield from (target.path for target in snapshot.definitions.get(reference.target, ()))
    types = PARTNERS.get(entity.type, frozenset())
    for referrer in snapshot.referrers.get(entity.id, ()):
        if snapshot.by_path[referrer].type in types:
            yield referrer


def _may_form_cycles(changed: Set[str], old: Snapshot, new: Snapshot) -> bool:
    # An id that is defined twice may change its owner, and with it its type.
    return not CYCLE_TYPES.isdisjoint(_types_around(changed, old, new))


def _types_around(changed: Set[str], old: Snapshot, new: Snapshot) -> Set[str]:
    """The types of the changed entities, and of all others with their ids."""
    return {
        one.type
        for picture in (old, new)
        for path in changed
        if (entity := picture.by_path.get(path)) is not None
        for one in picture.definitions[entity.id]
    }


def _source_findings(snapshot: Snapshot) -> tuple[Finding, ...]:
    return (*rule_findings(snapshot), *template_findings(snapshot))


def _are_same(left: tuple[Document, ...], right: tuple[Document, ...]) -> bool:
    return len(left) == len(right) and all(a is b for a, b in zip(left, right, strict=True))


def _by_path(snapshot: Snapshot, partials: Partials) -> Mapping[str, tuple[Finding, ...]]:
    grouped: dict[str, list[Finding]] = {}
    parts: Iterable[Iterable[Finding]] = (
        snapshot.schemas.findings,
        *(result.findings for result in partials.local.values()),
        *(result.findings for result in partials.resolutions.values()),
        *partials.sides.values(),
        partials.cycles,
        partials.of_sources,
    )
    for finding in chain.from_iterable(parts):
        grouped.setdefault(finding.location.path, []).append(finding)
    return {
        path: tuple(sorted(grouped[path], key=lambda finding: (finding.location.range, finding.code, finding.message)))
        for path in sorted(grouped)
    }


def _keep(results: dict[str, _T], path: str, result: _T, nothing: _T) -> None:
    """Remember a result unless it says nothing."""
    if result == nothing:
        results.pop(path, None)
    else:
        results[path] = result
