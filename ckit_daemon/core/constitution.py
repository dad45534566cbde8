"""The compliance rules of a repository's constitutions, and which entities break them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.conditions import MISSING, Condition, ConditionError, value_at
from ckit_daemon.core.document import Finding, Related, Severity
from ckit_daemon.core.entity import text_of
from ckit_daemon.core.graph import governed_types
from ckit_daemon.core.json import shorten
from ckit_daemon.core.relations import GOVERNANCE
from ckit_daemon.core.text import sentence

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import JsonValue, Path
    from ckit_daemon.core.schema import SchemaSet
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.core.text import Location

GLOBAL: Final = "global"
LAYER: Final = "layer"
"""A constitution's own layers may be governed too; no entity is one."""
MAX_MESSAGE: Final = 240

_SEVERITIES: Final = {
    "critical": Severity.ERROR,
    "high": Severity.ERROR,
    "medium": Severity.WARNING,
    "low": Severity.INFORMATION,
}


@dataclass(frozen=True)
class Rule:
    """One compliance rule."""

    id: str
    constitution: Entity
    path: Path
    targets: frozenset[str]
    conditions: tuple[Condition, ...]
    severity: Severity
    remediation: str | None
    exempt: frozenset[str] | None
    """The ids that exceptions free from the rule; None frees everything."""

    @cached_property
    def location(self) -> Location:
        """Where the constitution states the rule."""
        return self.constitution.document.location_at((*self.path, "id"))

    def governs(self, entity_type: str) -> bool:
        """Whether entities of a type must follow the rule."""
        return entity_type in self.targets or GLOBAL in self.targets

    def violations(self, entity: Entity) -> Iterator[Finding]:
        """Yield one finding for each path of the rule that an entity fails."""
        if self.exempt is None or entity.id in self.exempt:
            return
        failed: list[Condition] = []
        for condition in self.conditions:
            if any(_covers(earlier, condition) for earlier in failed) or condition.holds(entity.data):
                continue
            failed.append(condition)
            missing = value_at(entity.data, condition.place) is MISSING
            reason = condition.message or f"{condition.demand}."
            remedy = f" {self.remediation}" if self.remediation else ""
            message = f"{reason} (rule '{self.id}' of {self.constitution.id}: {condition.demand}){remedy}"
            yield Finding(
                "constitution.violation",
                self.severity,
                shorten(message, MAX_MESSAGE),
                # A missing field is best shown at the key that should hold it.
                entity.document.location_at(condition.place, key=missing),
                entity.id,
                condition.place,
                (Related(self.location, f"The rule '{self.id}' is stated here."),),
            )


def _covers(failed: Condition, condition: Condition) -> bool:
    """Whether a failed condition makes another one pointless: the same field, or part of what doesn't exist."""
    if failed.operator == "exists":
        return condition.place[: len(failed.place)] == failed.place
    return condition.place == failed.place


class Constitution:
    """The compliance rules of all constitutions of a snapshot that can be understood, and what is wrong with the rest.

    Exceptions count while `today` is not after their `expiresOn`; one whose scope names nothing frees every entity
    from its rule, and one that names only layers frees none, since no entity is a layer.
    """

    def __init__(self, entities: Sequence[Entity], schemas: SchemaSet, today: date) -> None:
        self.documents: tuple[Document, ...] = tuple(entity.document for entity in entities)
        self.schemas = schemas
        self.today = today
        self.findings: list[Finding] = []
        self._known_types: frozenset[str] = frozenset((*schemas.types(), GLOBAL, LAYER))
        self.rules: tuple[Rule, ...] = tuple(rule for entity in entities for rule in self._rules_of(entity))
        self._by_type: dict[str, tuple[Rule, ...]] = {}

    @classmethod
    def of(cls, snapshot: Snapshot, previous: Constitution | None, today: date) -> Constitution:
        """The constitution of a snapshot; `previous` itself where nothing that matters changed."""
        entities = [entity for entity in snapshot.by_path.values() if entity.type == GOVERNANCE]
        if (
            previous is not None
            and previous.today == today
            and previous.schemas is snapshot.schemas
            and len(previous.documents) == len(entities)
            and all(old is entity.document for old, entity in zip(previous.documents, entities, strict=True))
        ):
            return previous
        return cls(entities, snapshot.schemas, today)

    def violations(self, entity: Entity) -> Iterator[Finding]:
        """Yield what an entity does against the rules for its type."""
        rules = self._by_type.get(entity.type)
        if rules is None:
            rules = tuple(rule for rule in self.rules if rule.governs(entity.type))
            self._by_type[entity.type] = rules
        for rule in rules:
            yield from rule.violations(entity)

    # Reading

    def _rules_of(self, entity: Entity) -> Iterator[Rule]:
        for governed, path in governed_types(entity):
            if governed not in self._known_types:
                known = ", ".join(sorted(self._known_types))
                self._report(entity, path, f"no schema knows the type '{shorten(governed)}'; there are {known}")
        compliance = entity.data.get("compliance")
        if not isinstance(compliance, dict):
            return
        rules = compliance.get("rules")
        exempt = self._exemptions(entity, compliance.get("exceptions"), rules)
        for index, rule in enumerate(rules if isinstance(rules, list) else ()):
            path: Path = ("compliance", "rules", index)
            # Anything but a mapping is the schema's business.
            if isinstance(rule, dict):
                identifier = text_of(rule.get("id")) or f"number {index + 1}"
                targets = rule.get("targets")
                yield Rule(
                    identifier,
                    entity,
                    path,
                    frozenset(item for item in (targets if isinstance(targets, list) else ()) if isinstance(item, str)),
                    tuple(self._conditions(entity, path, rule.get("conditions"))),
                    _SEVERITIES.get(text_of(rule.get("severity")) or "", Severity.WARNING),
                    text_of(rule.get("remediation")),
                    exempt.get(identifier, frozenset()),
                )

    def _conditions(self, entity: Entity, rule_path: Path, conditions: JsonValue) -> Iterator[Condition]:
        for index, condition in enumerate(conditions if isinstance(conditions, list) else ()):
            if not isinstance(condition, dict):
                continue
            path, operator = text_of(condition.get("path")), text_of(condition.get("operator"))
            where = (*rule_path, "conditions", index)
            if path is None or operator is None:
                self._report(entity, where, "a condition needs a path and an operator")
                continue
            try:
                yield Condition.of(path, operator, condition.get("value"), text_of(condition.get("message")))
            except ConditionError as error:
                self._report(entity, (*where, error.field), str(error))

    def _exemptions(self, entity: Entity, exceptions: JsonValue, rules: JsonValue) -> dict[str, frozenset[str] | None]:
        known = {
            text_of(rule.get("id")) for rule in (rules if isinstance(rules, list) else ()) if isinstance(rule, dict)
        }
        exempt: dict[str, frozenset[str] | None] = {}
        for index, exception in enumerate(exceptions if isinstance(exceptions, list) else ()):
            if not isinstance(exception, dict):
                continue
            path: Path = ("compliance", "exceptions", index)
            rule = text_of(exception.get("ruleId"))
            if rule is None or rule not in known:
                self._report(entity, (*path, "ruleId"), f"no rule has the id '{shorten(rule or '')}'")
            elif self._is_active(entity, path, exception.get("expiresOn")):
                before, freed = exempt.get(rule, frozenset()), _scope(exception.get("scope"))
                exempt[rule] = None if before is None or freed is None else before | freed
        return exempt

    def _is_active(self, entity: Entity, path: Path, expires: JsonValue) -> bool:
        if expires is None:
            return True
        try:
            return self.today <= date.fromisoformat(expires if isinstance(expires, str) else "")
        except ValueError:
            self._report(entity, (*path, "expiresOn"), "the exception is ignored: its end is no date like 2026-12-31")
            return False

    def _report(self, entity: Entity, path: Path, message: str) -> None:
        where = entity.document.location_at(path)
        self.findings.append(Finding("constitution.invalid", Severity.ERROR, sentence(message), where, entity.id, path))


def _scope(scope: JsonValue) -> frozenset[str] | None:
    named = scope if isinstance(scope, dict) else {}
    entities: Collection[JsonValue] = found if isinstance(found := named.get("entities"), list) else ()
    if not entities and not named.get("layers"):
        return None
    return frozenset(item for item in entities if isinstance(item, str))
