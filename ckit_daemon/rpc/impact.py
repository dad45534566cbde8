"""The engine's impact as the wire has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.rpc.convert import SEVERITIES, Converter, summary
from ckit_daemon.wire import repo as wire

if TYPE_CHECKING:
    from ckit_daemon.core.changes import EntityChange
    from ckit_daemon.core.impact import Firing, Impact, Issue, Stale


def impact_result(impact: Impact, convert: Converter, version: int) -> wire.ImpactResult:
    """Convert everything that a change brings about."""
    return wire.ImpactResult(
        version=version,
        changed=[_changed(change) for change in impact.changes],
        rules=[_rule(firing) for firing in impact.firings],
        stale=[_stale(stale, convert) for stale in impact.stale],
        issues=[_issue(issue, convert) for issue in impact.issues],
    )


def _changed(change: EntityChange) -> wire.ChangedEntity:
    fields = None
    if change.fields is not None:
        fields = [
            wire.FieldChange(path=list(field.path), kind=field.kind, old=field.old, new=field.new)
            for field in change.fields
        ]
    return wire.ChangedEntity(
        id=change.id, type=change.type, title=change.entity.title, kind=change.kind, fields=fields
    )


def _rule(firing: Firing) -> wire.FiredRule:
    return wire.FiredRule(
        rule=firing.rule.id,
        entity=firing.source.id,
        certainty=firing.certainty,
        severity=SEVERITIES[firing.rule.severity],
        reason=firing.rule.reason or firing.rule.description,
        fields=list(firing.fields),
        marks=list(firing.marked),
        status=firing.rule.status,
    )


def _stale(stale: Stale, convert: Converter) -> wire.StaleEntity:
    return wire.StaleEntity(
        entity=summary(stale.entity),
        origin=stale.origin,
        severity=SEVERITIES[stale.severity],
        via=[convert.edge(edge) for edge in stale.way],
    )


def _issue(issue: Issue, convert: Converter) -> wire.Issue:
    return wire.Issue(
        entity=issue.entity.id,
        kind=issue.kind,
        severity=SEVERITIES[issue.severity],
        certainty=issue.certainty,
        message=issue.message,
        reason=issue.reason,
        suggested_action=issue.suggested_action,
        source=issue.source,
        rule=None if issue.rule is None else issue.rule.id,
        location=convert.location(issue.location),
    )
