from __future__ import annotations

import pytest

from ckit_daemon.core.changes import field_changes
from ckit_daemon.core.document import Severity
from ckit_daemon.core.rules import Rule, read_rules, rule_findings

RULES = ".context/rules/consistency.rules.yaml"
RULE = """\
rules:
  - id: blocked
    severity: error
    when:
      entity: task
      fieldChanged: {fields}
      {extra}
    then:
      markRelated:
        types: {types}
        rel: {rel}
        status: needs-review
        reason: "Blocked"
"""


def rule_text(fields: str = "status", extra: str = "", types: str = "[feature]", rel: str = "has-task") -> str:
    return RULE.format(fields=fields, extra=extra, types=types, rel=rel)


@pytest.fixture
def rule_of(make_snapshot):
    def make(text: str) -> Rule:
        (rule,) = read_rules(make_snapshot({RULES: text}))
        return rule

    return make


@pytest.mark.parametrize(
    ("fields", "extra", "old", "new", "fired"),
    [
        ("status", "", {"status": "todo"}, {"status": "done"}, ("status",)),
        ("status", "", {"status": "todo", "a": 1}, {"status": "todo", "a": 2}, ()),
        ("status", "", {"x": {"status": 1}}, {"x": {"status": 2}}, ()),
        ("[status, owner]", "", {"status": "a", "owner": "b"}, {"status": "b", "owner": "c"}, ("status", "owner")),
        (
            "api.version",
            "",
            {"api": {"version": "1", "spec": "x"}},
            {"api": {"version": "2", "spec": "x"}},
            ("api.version",),
        ),
        ("api.version", "", {"api": {"version": "1", "spec": "x"}}, {"api": {"version": "1", "spec": "y"}}, ()),
        ("api.version", "", {}, {"api": {"version": "1"}}, ("api.version",)),
        ("api.version", "", {}, {"api": {"spec": "1"}}, ()),
        ("api", "", {"api": {"version": "1"}}, {"api": {"version": "2"}}, ("api",)),
        ("steps.name", "", {"steps": [{"name": "a"}]}, {"steps": [{"name": "b"}]}, ("steps.name",)),
        ("status", "newValue: blocked", {"status": "todo"}, {"status": "blocked"}, ("status",)),
        ("status", "newValue: blocked", {"status": "todo"}, {"status": "done"}, ()),
        ("status", "newValue: blocked", {"status": "blocked"}, {"status": "done"}, ()),
        ("status", "newValue: true", {"status": 0}, {"status": 1}, ()),
        ("status", "newValue: null", {"status": 0}, {"status": None}, ("status",)),
    ],
)
def test_a_rule_fires_on_the_fields_and_values_that_it_names_and_on_no_others(rule_of, fields, extra, old, new, fired):
    rule = rule_of(rule_text(fields, extra))
    assert rule.fired_by(old, new, field_changes("task", old, new)) == fired


def test_a_rule_is_read_with_its_severity_and_what_it_marks(rule_of):
    rule = rule_of(rule_text(types="feature"))
    assert (rule.id, rule.severity, rule.types, rule.rel) == ("blocked", Severity.ERROR, ("feature",), "has-task")
    assert (rule.status, rule.reason, rule.condition) == ("needs-review", "Blocked", None)
    assert rule.leads_to("has-task", "feature")
    assert not rule.leads_to("has-spec", "feature")
    assert not rule.leads_to("has-task", "task")


@pytest.mark.parametrize(
    ("text", "place", "part"),
    [
        ("rules: 5\n", (0, 7), "list under 'rules'"),
        ("- a\n", (0, 0), "list under 'rules'"),
        ("rules:\n  - 5\n", (1, 4), "A rule is a mapping"),
        (rule_text().replace("id: blocked", "id: [1]"), (1, 8), "'id' of a rule must be a text"),
        (rule_text().replace("severity: error", "severity: bad"), (2, 14), "must be one of error, warning, info"),
        (rule_text().replace("entity: task", "entitty: task"), (4, 6), "no field 'entitty'"),
        (rule_text().replace("fieldChanged: status", "fieldChanged: []"), (5, 20), "'fieldChanged'"),
        (rule_text().replace("markRelated", "mark"), (8, 6), "'markRelated'"),
        (rule_text(types="[1]"), (9, 15), "'types'"),
        (rule_text() + rule_text().removeprefix("rules:\n"), (13, 8), "has the id 'blocked' already"),
    ],
)
def test_a_malformed_rule_is_a_finding_at_its_place(make_snapshot, text, place, part):
    findings = [f for f in rule_findings(make_snapshot({RULES: text})) if f.code == "rule.invalid"]
    assert any(part in f.message and tuple(f.location.range.start) == place for f in findings), findings


@pytest.mark.parametrize("text", ["", "rules:\n", "rules: []\n", "rules: [\n"])
def test_a_file_without_rules_or_with_a_syntax_error_has_no_findings_here(make_snapshot, text):
    assert rule_findings(make_snapshot({RULES: text})) == ()


TASK = {"contexts/tasks/T-001.yaml": "id: T-001\nstatus: todo\nextra:\n  deep: 1\n"}


@pytest.mark.parametrize(
    ("text", "place", "severity", "part"),
    [
        (
            rule_text().replace("entity: task", "entity: taks"),
            (4, 14),
            Severity.WARNING,
            "no entity has the type 'taks'",
        ),
        (rule_text("nonsense"), (5, 20), Severity.WARNING, "has a field 'nonsense'"),
        (rule_text("[owner, nonsense]"), (5, 28), Severity.INFORMATION, "has a field 'nonsense'"),
        (rule_text(rel="consumers"), (10, 13), Severity.WARNING, "no relation has the name 'consumers'"),
        (rule_text(types="[package]"), (9, 15), Severity.WARNING, "'has-task' leads from no task to a package"),
        (rule_text(types="[feature, package]"), (9, 25), Severity.INFORMATION, "leads from no task to a package"),
    ],
)
def test_what_can_never_have_an_effect_is_a_dead_rule_and_says_why(make_snapshot, text, place, severity, part):
    (finding,) = rule_findings(make_snapshot({**TASK, RULES: text}))
    assert (finding.code, finding.severity, tuple(finding.location.range.start)) == ("rule.dead", severity, place)
    assert part in finding.message


def test_a_value_that_the_schema_never_allows_makes_a_rule_dead(make_snapshot):
    text = rule_text("status", "newValue: gone", "[userstory]", "has-story").replace("entity: task", "entity: feature")
    (finding,) = rule_findings(make_snapshot({RULES: text}))
    assert finding.code == "rule.dead"
    assert "can't become 'gone'; it can be proposed, done" in finding.message


def test_a_field_that_only_entities_know_is_alive(make_snapshot):
    assert rule_findings(make_snapshot({**TASK, RULES: rule_text("extra.deep")})) == ()


def test_relations_in_both_directions_and_of_the_constitution_lead_somewhere(make_snapshot):
    text = rule_text("owner", types="[governance, spec, service]").replace("        rel: has-task\n", "")
    assert rule_findings(make_snapshot({RULES: text})) == ()
