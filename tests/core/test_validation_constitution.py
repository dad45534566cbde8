"""Compliance rules: operators, exceptions, severities, and rules that can't be applied."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest
import yaml12

from ckit_daemon.core.conditions import Condition, ConditionError, parse_path
from ckit_daemon.core.document import Finding, Severity
from ckit_daemon.core.snapshot import Snapshot
from ckit_daemon.core.validation import validate

MakeSnapshot = Callable[[Mapping[str, str]], Snapshot]

CONSTITUTION = "contexts/governance/constitution.yaml"
TASK = "contexts/tasks/T-001.yaml"


def rule(*conditions: tuple[str, str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "the-rule",
        "targets": ["task"],
        "severity": "high",
        "conditions": [{"path": path, "operator": operator, "value": value} for path, operator, value in conditions],
        **more,
    }


def constitution(*rules: dict[str, Any], exceptions: list[Any] | None = None, applies_to: str = "task") -> str:
    data = {
        "id": "CONST-1",
        "principles": [{"appliesTo": [applies_to]}],
        "compliance": {"rules": list(rules), "exceptions": exceptions or []},
    }
    return yaml12.format_yaml(data)


HOLDS: list[tuple[str, str, object, object]] = [
    ("owner", "exists", None, {"owner": ""}),
    ("a.b[1].c", "exists", None, {"a": {"b": [0, {"c": 0}]}}),
    ("/a/b/1/c", "exists", None, {"a": {"b": [0, {"c": 0}]}}),
    ("a", "nonEmpty", None, {"a": [0]}),
    ("a", "nonEmpty", None, {"a": False}),
    ("a", "equals", "x", {"a": "x"}),
    ("a", "equals", [1, 2], {"a": [1, 2]}),
    ("a", "notEquals", "x", {}),
    ("a", "notEquals", 1, {"a": True}),
    ("a", "includes", "x", {"a": ["y", "x"]}),
    ("a", "includes", "x", {"a": "text"}),
    ("a", "includes", "x", {"a": {"x": 1}}),
    ("a", "matches", r"^\d{3}-\w+$", {"a": "123-ab"}),
    ("a", "matches", "b", {"a": "abc"}),
    ("a", "greaterThan", 1, {"a": 1.5}),
    ("a", "greaterThan", 1, {"a": ["x", "y"]}),
    ("a.length", "greaterThan", 1, {"a": ["x", "y"]}),
    ("a.length", "equals", 4, {"a": "four"}),
    ("a.length", "equals", "long", {"a": {"length": "long"}}),
    ("a", "lessThan", 3, {"a": "ab"}),
]
FAILS: list[tuple[str, str, object, object]] = [
    ("owner", "exists", None, {}),
    ("owner", "exists", None, {"owner": None}),
    ("a.b[1].c", "exists", None, {"a": {"b": [0]}}),
    ("a", "nonEmpty", None, {"a": []}),
    ("a", "nonEmpty", None, {"a": "  "}),
    ("a", "nonEmpty", None, {}),
    ("a", "equals", "x", {}),
    ("a", "equals", 1, {"a": True}),
    ("a", "notEquals", "x", {"a": "x"}),
    ("a", "includes", "x", {"a": ["xy"]}),
    ("a", "includes", 1, {"a": [True]}),
    ("a", "includes", "x", {}),
    ("a", "matches", "^b", {"a": "abc"}),
    ("a", "matches", ".*", {"a": 7}),
    ("a", "greaterThan", 2, {"a": 2}),
    ("a", "greaterThan", 0, {"a": True}),
    ("a", "greaterThan", 0, {}),
    ("a", "lessThan", 2, {"a": [1, 2]}),
    ("a", "lessThan", 2, {}),
]


@pytest.mark.parametrize(("path", "operator", "value", "data"), HOLDS)
def test_a_condition_holds(path: str, operator: str, value: Any, data: Any) -> None:
    assert Condition.of(path, operator, value, None).holds(data)


@pytest.mark.parametrize(("path", "operator", "value", "data"), FAILS)
def test_a_condition_fails(path: str, operator: str, value: Any, data: Any) -> None:
    assert not Condition.of(path, operator, value, None).holds(data)


@pytest.mark.parametrize(
    ("path", "operator", "value", "field"),
    [
        ("a", "resembles", "x", "operator"),
        ("a..b", "exists", None, "path"),
        ("a[x]", "exists", None, "path"),
        ("", "exists", None, "path"),
        ("a", "matches", "(", "value"),
        ("a", "matches", "(?=a)b", "value"),
        ("a", "matches", "a{1000}{1000}{1000}", "value"),
        ("a", "matches", 7, "value"),
        ("a", "greaterThan", "7", "value"),
        ("a", "lessThan", True, "value"),
    ],
)
def test_a_condition_that_makes_no_sense_is_refused_with_the_part_that_is_wrong(
    path: str, operator: str, value: Any, field: str
) -> None:
    with pytest.raises(ConditionError) as caught:
        Condition.of(path, operator, value, None)
    assert caught.value.field == field


def test_paths_are_read_in_both_notations() -> None:
    assert parse_path("a.b[0].c-d") == ("a", "b", 0, "c-d")
    assert parse_path("/a/b~1c/0") == ("a", "b/c", 0)


def test_R10_no_pattern_of_a_constitution_can_hang_the_daemon() -> None:
    condition = Condition.of("a", "matches", "^(a+)+$", None)
    begin = time.perf_counter()
    assert not condition.holds({"a": "a" * 50_000 + "b"})
    # It takes milliseconds, or years.
    assert time.perf_counter() - begin < 30


def test_a_missing_field_is_shown_at_the_first_key_and_a_wrong_one_at_its_value(make_snapshot: MakeSnapshot) -> None:
    findings = violations(
        make_snapshot, "id: T-001\nowner: bob\n", rule(("title", "exists", None), ("owner", "equals", "eve"))
    )
    assert [(found.path, found.location.range.start) for found in findings] == [
        (("title",), (0, 0)),
        (("owner",), (1, 7)),
    ]
    assert [related.location.path for related in findings[0].related] == [CONSTITUTION]


def test_a_field_that_is_missing_is_reported_once_whatever_else_the_rule_asks_of_it(
    make_snapshot: MakeSnapshot,
) -> None:
    wanted = rule(("steps", "exists", None), ("steps", "nonEmpty", None), ("steps.length", "greaterThan", 1))
    assert len(violations(make_snapshot, "id: T-001\n", wanted)) == 1
    assert [found.path for found in violations(make_snapshot, "id: T-001\nsteps: []\n", wanted)] == [("steps",)]


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        ("critical", Severity.ERROR),
        ("high", Severity.ERROR),
        ("medium", Severity.WARNING),
        ("low", Severity.INFORMATION),
        ("odd", Severity.WARNING),
    ],
)
def test_the_severity_is_the_rules(severity: str, expected: Severity, make_snapshot: MakeSnapshot) -> None:
    found = violations(make_snapshot, "id: T-001\n", rule(("owner", "exists", None), severity=severity))
    assert [one.severity for one in found] == [expected]


def test_the_message_says_what_why_and_what_to_do(make_snapshot: MakeSnapshot) -> None:
    wanted = rule(("owner", "exists", None), remediation="Ask the guild.")
    wanted["conditions"][0]["message"] = "Task must identify an owner."
    (found,) = violations(make_snapshot, "id: T-001\n", wanted)
    assert found.message == (
        "Task must identify an owner. (rule 'the-rule' of CONST-1: 'owner' must exist) Ask the guild."
    )


@pytest.mark.parametrize(("targets", "count"), [(["global"], 2), (["task"], 1), (["feature"], 0), (["layer"], 0)])
def test_a_rule_holds_for_its_targets_and_global_means_all(
    targets: list[str], count: int, make_snapshot: MakeSnapshot
) -> None:
    # The constitution itself is an entity, too.
    assert len(violations(make_snapshot, "id: T-001\n", rule(("owner", "exists", None), targets=targets))) == count


@pytest.mark.parametrize(
    ("exception", "exempt"),
    [
        ({"scope": {"entities": ["T-001"]}}, True),
        ({"scope": {"entities": ["T-002"]}}, False),
        ({"scope": {"layers": ["main"]}}, False),
        ({"scope": {}}, True),
        ({"scope": {"entities": ["T-001"]}, "expiresOn": "2026-05-02"}, True),
        ({"scope": {"entities": ["T-001"]}, "expiresOn": "2026-05-01"}, True),
        ({"scope": {"entities": ["T-001"]}, "expiresOn": "2026-04-30"}, False),
    ],
)
def test_an_exception_frees_what_its_scope_names_until_it_expires(
    exception: dict[str, Any], exempt: bool, make_snapshot: MakeSnapshot
) -> None:
    text = constitution(rule(("owner", "exists", None)), exceptions=[{"id": "e", "ruleId": "the-rule", **exception}])
    report = validate(make_snapshot({CONSTITUTION: text, TASK: "id: T-001\n"}), today=date(2026, 5, 1))
    assert (report.findings == ()) is exempt


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (
            constitution(rule(("a", "resembles", 1), targets=["spec"])),
            ("compliance", "rules", 0, "conditions", 0, "operator"),
        ),
        (
            constitution(rule(("a", "matches", "("), targets=["spec"])),
            ("compliance", "rules", 0, "conditions", 0, "value"),
        ),
        (constitution(rule(targets=["epic"])), ("compliance", "rules", 0, "targets", 0)),
        (constitution(applies_to="epic"), ("principles", 0, "appliesTo", 0)),
        (
            constitution(rule() | {"conditions": [{"path": "a"}, "no condition"]}),
            ("compliance", "rules", 0, "conditions", 0),
        ),
        (constitution(exceptions=[{"ruleId": "none"}, "no exception"]), ("compliance", "exceptions", 0, "ruleId")),
        (
            constitution(rule(), exceptions=[{"ruleId": "the-rule", "expiresOn": "soon"}]),
            ("compliance", "exceptions", 0, "expiresOn"),
        ),
    ],
)
def test_a_part_that_cannot_be_applied_is_reported_in_the_constitution(
    text: str, path: tuple[str | int, ...], make_snapshot: MakeSnapshot
) -> None:
    findings = validate(make_snapshot({CONSTITUTION: text})).findings
    assert [(found.code, found.path, found.entity) for found in findings] == [("constitution.invalid", path, "CONST-1")]


def test_what_the_schema_says_about_a_place_is_not_said_again(make_snapshot: MakeSnapshot) -> None:
    found = violations(make_snapshot, "id: T-001\nowner: 7\n", rule(("owner", "matches", "^@")))
    assert [one.code for one in found] == ["schema.type"]


def violations(make_snapshot: MakeSnapshot, task: str, wanted: dict[str, Any]) -> tuple[Finding, ...]:
    return validate(make_snapshot({CONSTITUTION: constitution(wanted), TASK: task})).findings
