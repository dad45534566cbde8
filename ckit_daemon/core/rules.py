"""Consistency rules: when a field of an entity changes, what has to be looked at again.

A rule lives in `.context/rules/*.yaml`. It fires when one of its fields has another meaning than before (and, with
`newValue`, when the field has taken that value), and it marks the entities that one relation leads to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from ckit_daemon.core import layout
from ckit_daemon.core.changes import same
from ckit_daemon.core.document import Finding, Severity
from ckit_daemon.core.relations import GOVERNANCE, GOVERNS, RELATION_NAMES, RELATIONS
from ckit_daemon.core.text import sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ckit_daemon.core.changes import Change
    from ckit_daemon.core.document import Document
    from ckit_daemon.core.json import JsonObject, JsonValue, Path
    from ckit_daemon.core.schema import Schema
    from ckit_daemon.core.snapshot import Snapshot

SEVERITIES: Final = {"error": Severity.ERROR, "warning": Severity.WARNING, "info": Severity.INFORMATION}

_RULE_KEYS: Final = {"id", "description", "severity", "when", "then"}
_WHEN_KEYS: Final = {"entity", "fieldChanged", "newValue"}
_MARK_KEYS: Final = {"types", "rel", "status", "reason"}


@dataclass(frozen=True, slots=True)
class Condition:
    """The value that a changed field must have taken."""

    value: JsonValue


@dataclass(frozen=True, slots=True)
class Rule:
    """One consistency rule, and where it is written."""

    id: str
    description: str
    severity: Severity
    entity: str
    fields: tuple[str, ...]
    """Dotted names of the fields whose change fires the rule."""
    condition: Condition | None
    types: tuple[str, ...]
    rel: str | None
    status: str
    reason: str
    document: Document
    path: Path

    def fired_by(self, old: JsonObject, new: JsonObject, changes: Iterable[Change]) -> tuple[str, ...]:
        """The fields of the rule whose `changes` from `old` to `new` fire it; none if it stays silent."""
        places = [tuple(step for step in change.path if isinstance(step, str)) for change in changes]
        return tuple(name for name in self.fields if self._fires(tuple(name.split(".")), old, new, places))

    def _fires(self, field: tuple[str, ...], old: JsonObject, new: JsonObject, places: list[tuple[str, ...]]) -> bool:
        # A change inside the field counts; so does one of a whole that holds the field, if the field differs in it.
        inside = any(place[: len(field)] == field for place in places)
        around = any(place == field[: len(place)] for place in places)
        if not (inside or around):
            return False
        before, after = values_at(old, field), values_at(new, field)
        if not inside and same(before, after):
            return False
        return self.condition is None or _count(self.condition.value, after) > _count(self.condition.value, before)

    def leads_to(self, rel: str, entity_type: str) -> bool:
        """Whether a fact `rel` to an entity of `entity_type` makes the rule mark that entity."""
        return entity_type in self.types and self.rel in {None, rel}


def _count(value: JsonValue, values: list[JsonValue]) -> int:
    return sum(same(value, item) for item in values)


def values_at(data: JsonValue, field: Sequence[str]) -> list[JsonValue]:
    """Every value that a field reaches; in a list the way goes on into each item."""
    found: list[JsonValue] = [data]
    for step in field:
        items = [item for holder in found for item in (holder if isinstance(holder, list) else [holder])]
        found = [item[step] for item in items if isinstance(item, dict) and step in item]
    return found


def read_rules(snapshot: Snapshot) -> tuple[Rule, ...]:
    """The rules that are well-formed, in the order of their files; what is wrong is `rule_findings`' matter."""
    return tuple(item for item in _read(snapshot) if isinstance(item, Rule))


def rule_findings(snapshot: Snapshot) -> tuple[Finding, ...]:
    """What is wrong with the rules: `rule.invalid`, and `rule.dead` for what can never have an effect."""
    findings: list[Finding] = []
    for item in _read(snapshot):
        if isinstance(item, Finding):
            findings.append(item)
        else:
            findings += _dead_parts(snapshot, item)
    return tuple(findings)


def _read(snapshot: Snapshot) -> Iterator[Rule | Finding]:
    seen: set[str] = set()
    for path, document in snapshot.documents.items():
        if not path.startswith(f"{layout.RULES}/") or not document.readable or document.failures:
            continue
        value = document.value
        rules = value.get("rules") if isinstance(value, dict) else None
        if value is None or (isinstance(value, dict) and "rules" in value and rules is None):
            continue
        if not isinstance(rules, list):
            yield _invalid(document, ("rules",), "a file of rules is a mapping with a list under 'rules'")
            continue
        for index, data in enumerate(rules):
            for item in _RuleReader(document, ("rules", index)).read(data):
                if isinstance(item, Rule):
                    if item.id in seen:
                        yield _invalid(document, (*item.path, "id"), f"another rule has the id '{item.id}' already")
                    seen.add(item.id)
                yield item


def _invalid(document: Document, path: Path, message: str, *, key: bool = False) -> Finding:
    return Finding("rule.invalid", Severity.ERROR, sentence(message), document.location_at(path, key=key), path=path)


class _RuleReader:
    """Reads one rule; either it is whole, or every fault in it is found."""

    def __init__(self, document: Document, path: Path) -> None:
        self._document = document
        self._path = path
        self._faults: list[Finding] = []

    def read(self, data: JsonValue) -> Iterator[Rule | Finding]:
        rule = self._rule(data)
        yield from self._faults
        if rule is not None and not self._faults:
            yield rule

    def _rule(self, data: JsonValue) -> Rule | None:
        if not isinstance(data, dict):
            self._fault((), "a rule is a mapping with 'id', 'when' and 'then'")
            return None
        self._only(data, (), _RULE_KEYS)
        when = self._mapping(data, (), "when")
        mark = self._mapping(self._mapping(data, (), "then"), ("then",), "markRelated")
        self._only(when, ("when",), _WHEN_KEYS)
        self._only(mark, ("then", "markRelated"), _MARK_KEYS)
        severity = self._text(data, (), "severity", "warning")
        if severity not in SEVERITIES:
            self._fault(("severity",), f"'severity' must be one of {', '.join(SEVERITIES)}")
        rel = self._text(mark, ("then", "markRelated"), "rel", "")
        return Rule(
            id=self._text(data, (), "id"),
            description=self._text(data, (), "description", ""),
            severity=SEVERITIES.get(severity, Severity.WARNING),
            entity=self._text(when, ("when",), "entity"),
            fields=self._texts(when, ("when",), "fieldChanged"),
            condition=Condition(when["newValue"]) if "newValue" in when else None,
            types=self._texts(mark, ("then", "markRelated"), "types"),
            rel=rel or None,
            status=self._text(mark, ("then", "markRelated"), "status", "needs-review"),
            reason=self._text(mark, ("then", "markRelated"), "reason", ""),
            document=self._document,
            path=self._path,
        )

    def _fault(self, path: Path, message: str) -> None:
        self._faults.append(_invalid(self._document, (*self._path, *path), message))

    def _only(self, data: JsonObject, path: Path, known: set[str]) -> None:
        for key in sorted(data.keys() - known):
            message = f"a rule has no field '{key}' here; it knows {', '.join(sorted(known))}"
            self._faults.append(_invalid(self._document, (*self._path, *path, key), message, key=True))

    def _mapping(self, data: JsonObject, path: Path, key: str) -> JsonObject:
        value = data.get(key)
        if isinstance(value, dict):
            return value
        # Inside a part that is missing itself, one finding says enough.
        if data or not path:
            self._fault((*path, key), f"a rule needs a mapping '{key}'")
        return {}

    def _text(self, data: JsonObject, path: Path, key: str, default: str | None = None) -> str:
        value = data.get(key)
        if isinstance(value, str) and value:
            return value
        if (value is not None or default is None) and (data or not path):
            self._fault((*path, key), f"'{key}' of a rule must be a text")
        return default or ""

    def _texts(self, data: JsonObject, path: Path, key: str) -> tuple[str, ...]:
        value = data.get(key)
        items = value if isinstance(value, list) else [value]
        if items and all(isinstance(item, str) and item for item in items):
            return tuple(dict.fromkeys(cast("list[str]", items)))
        if data or not path:
            self._fault((*path, key), f"'{key}' of a rule must be a text or a list of texts")
        return ()


# What can never have an effect


def _dead_parts(snapshot: Snapshot, rule: Rule) -> Iterator[Finding]:
    if rule.entity not in snapshot.schemas.types():
        known = ", ".join(snapshot.schemas.types())
        yield _dead(rule, ("when", "entity"), f"no entity has the type '{rule.entity}'; there are {known}")
        return
    yield from _dead_fields(snapshot, rule)
    yield from _dead_values(snapshot.schemas[rule.entity], rule)
    if rule.rel is not None and rule.rel not in RELATION_NAMES:
        message = f"no relation has the name '{rule.rel}'; there are {', '.join(RELATION_NAMES)}"
        yield _dead(rule, ("then", "markRelated", "rel"), message)
        return
    yield from _dead_types(snapshot, rule)


def _dead(rule: Rule, path: Path, why: str, *, partly: bool = False) -> Finding:
    where = (*rule.path, *path)
    message = f"{'this part of ' if partly else ''}the rule '{rule.id}' never has an effect: {why}"
    severity = Severity.INFORMATION if partly else Severity.WARNING
    return Finding("rule.dead", severity, sentence(message), rule.document.location_at(where), path=where)


def _item(path: Path, rule: Rule, key: str, index: int) -> Path:
    """Where the item stands, whether the rule gives a list or one text."""
    value = rule.document.value
    for step in (*rule.path, *path, key):
        value = cast("dict[str | int, JsonValue]", value)[step]
    return (*path, key, index) if isinstance(value, list) else (*path, key)


def _dead_fields(snapshot: Snapshot, rule: Rule) -> Iterator[Finding]:
    schema = snapshot.schemas[rule.entity]
    unknown = [
        (index, name)
        for index, name in enumerate(rule.fields)
        if schema is not None and not _is_known(snapshot, schema, rule.entity, name)
    ]
    for index, name in unknown:
        why = f"neither the schema of {rule.entity} nor any {rule.entity} has a field '{name}'"
        yield _dead(rule, _item(("when",), rule, "fieldChanged", index), why, partly=len(unknown) < len(rule.fields))


def asked_types(snapshot: Snapshot) -> frozenset[str]:
    """The types whose entities decide whether a rule is dead: those with a field that their schema doesn't know."""
    return frozenset(
        rule.entity
        for rule in read_rules(snapshot)
        if (schema := snapshot.schemas[rule.entity]) is not None
        and any(_property(schema, name) is None for name in rule.fields)
    )


def _is_known(snapshot: Snapshot, schema: Schema, entity_type: str, name: str) -> bool:
    if _property(schema, name) is not None:
        return True
    return any(entity.type == entity_type and values_at(entity.data, name.split(".")) for entity in snapshot.entities)


def _property(schema: Schema, name: str) -> JsonObject | None:
    path: Path = ()
    for step in name.split("."):
        there = schema.property_at(path)
        path = (*path, 0, step) if there is not None and "items" in there else (*path, step)
    return schema.property_at(path)


def _dead_values(schema: Schema | None, rule: Rule) -> Iterator[Finding]:
    if schema is None or rule.condition is None:
        return
    value = rule.condition.value
    options: list[JsonValue] = []
    for name in rule.fields:
        allowed = (_property(schema, name) or {}).get("enum")
        if not isinstance(allowed, list) or _count(value, allowed):
            return
        options += allowed
    shown = ", ".join(str(option) for option in options)
    yield _dead(rule, ("when", "newValue"), f"the field can't become {value!r}; it can be {shown}")


def related_types(entity_type: str, rel: str | None, known: tuple[str, ...]) -> dict[str, None]:
    """The types that one fact (of the relation `rel`, or of any) can join to `entity_type`, in a stable order."""
    found: dict[str, None] = {}
    for relation in RELATIONS:
        if rel in {None, relation.rel}:
            if relation.source == entity_type:
                found |= dict.fromkeys(relation.targets)
            if entity_type in relation.targets:
                found[relation.source] = None
    if rel in {None, GOVERNS}:
        found |= dict.fromkeys(known if entity_type == GOVERNANCE else (GOVERNANCE,))
    return found


def _dead_types(snapshot: Snapshot, rule: Rule) -> Iterator[Finding]:
    reachable = related_types(rule.entity, rule.rel, snapshot.schemas.types())
    dead = [(index, name) for index, name in enumerate(rule.types) if name not in reachable]
    over = f"'{rule.rel}' leads from no" if rule.rel else "no relation leads from a"
    there = f"it leads to {', '.join(reachable)}" if reachable else "it leads nowhere"
    if dead and len(dead) == len(rule.types):
        why = f"{over} {rule.entity} to a {' or '.join(rule.types)}; {there}"
        yield _dead(rule, ("then", "markRelated", "types"), why)
        return
    for index, name in dead:
        why = f"{over} {rule.entity} to a {name}; {there}"
        yield _dead(rule, _item(("then", "markRelated"), rule, "types", index), why, partly=True)
