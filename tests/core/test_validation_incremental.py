"""A validation that reuses the one before gives what a fresh one gives, and looks at little."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ckit_daemon.core.document import Document, read_yaml, unreadable
from ckit_daemon.core.snapshot import Snapshot
from ckit_daemon.core.validation import Report, validate

Files = Mapping[str, str]
MakeSnapshot = Callable[[Files], Snapshot]

features = ["FEAT-001", "FEAT-002"]
stories = ["US-001", "US-002"]
specs = ["SPEC-001"]
services = ["svc-a", "svc-b"]


def some(ids: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from([*ids, "NOPE-1"]), max_size=2, unique=True)


def one(ids: list[str]) -> st.SearchStrategy[str]:
    return st.sampled_from([*ids, "NOPE-1", "FEAT-003", "''", "7", "[a]"])


feature = st.builds(
    "id: {}\nstatus: {}\nuserStories: {}\nspecs: {}\nrequires: {}\n".format,
    st.sampled_from(features),
    st.sampled_from(["done", "banana"]),
    some(stories),
    some(specs),
    some(services),
)
story = st.builds("# {}\nid: {}\nfeature: {}\n".format, st.sampled_from("ab"), st.sampled_from(stories), one(features))
spec = st.builds("id: {}\nrelated:\n  features: {}\n".format, st.sampled_from(specs), some(features))
service = st.builds(
    "id: {}\ndependencies: {}\nconsumers: {}\n".format, st.sampled_from(services), some(services), some(["pkg-a"])
)
package = st.builds("id: pkg-a\nuses:\n  services: {}\n".format, some(services))
governance = st.builds(
    "id: CONST-1\ncompliance:\n  rules:\n  - id: r-one\n    targets: [{}]\n    severity: high\n"
    "    conditions:\n    - path: status\n      operator: {}\n      value: done\n".format,
    st.sampled_from(["feature", "userstory", "global", "nothing"]),
    st.sampled_from(["exists", "equals", "wrong"]),
)
broken = st.sampled_from(["id: FEAT-001\nx: [", "id: US-001\nid: US-001\n", "- a", ""])
folders = {
    "features": feature,
    "userstories": story,
    "specs": spec,
    "services": service,
    "packages": package,
    "governance": governance,
}
changes = st.sampled_from(sorted(folders)).flatmap(
    lambda folder: st.tuples(
        st.sampled_from([f"contexts/{folder}/{name}.yaml" for name in "xyz"]), st.none() | broken | folders[folder]
    )
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=150
)
@given(st.lists(st.lists(changes, min_size=1, max_size=3), min_size=2, max_size=8))
def test_a_chain_of_changes_gives_the_findings_of_a_fresh_validation(
    make_snapshot: MakeSnapshot, steps: list[list[tuple[str, str | None]]]
) -> None:
    snapshot = make_snapshot({})
    report: Report | None = None
    for step in steps:
        documents: dict[str, Document | None] = {
            path: None if text is None else read_yaml(path, text) for path, text in step
        }
        snapshot = snapshot.with_changes(documents)
        report = validate(snapshot, report)
        assert report.findings == validate(Snapshot.of(snapshot.documents.values())).findings


def test_a_changed_schema_changes_the_findings_of_its_type(make_snapshot: MakeSnapshot) -> None:
    snapshot = make_snapshot({"contexts/tasks/T-001.yaml": "id: T-001"})
    before = validate(snapshot)
    path = ".context/schemas/task.schema.json"
    after = snapshot.with_changes({path: Document(path, '{"required": ["title"]}')})
    assert [found.code for found in validate(after, before).findings] == ["schema.required"]


def test_a_changed_rule_file_changes_the_findings_about_rules_alone(make_snapshot: MakeSnapshot) -> None:
    path = ".context/rules/a.rules.yaml"
    snapshot = make_snapshot({"contexts/tasks/T-001.yaml": "id: T-001"})
    before = validate(snapshot)
    rules = "rules:\n- id: r\n  when: {entity: nothing, fieldChanged: x}\n  then: {markRelated: {types: [task]}}\n"
    after = snapshot.with_changes({path: read_yaml(path, rules)})
    assert {found.code.partition(".")[0] for found in validate(after, before).findings} == {"rule"}


def test_the_second_definition_of_an_id_is_compared_once_the_first_is_gone(make_snapshot: MakeSnapshot) -> None:
    story = "id: US-001\nfeature: FEAT-001"
    first, second = "contexts/userstories/a.yaml", "contexts/userstories/b.yaml"
    snapshot = make_snapshot({"contexts/features/f.yaml": "id: FEAT-001", first: "id: US-001", second: story})
    before = validate(snapshot)
    assert [found.code for found in before.findings] == ["entity.duplicate-id"]
    after = validate(snapshot.with_changes({first: None}), before)
    assert [(found.code, found.location.path) for found in after.findings] == [("reference.not-listed", second)]


def test_R36_what_a_change_leaves_alone_is_not_looked_at_again(make_snapshot: MakeSnapshot) -> None:
    files = {f"contexts/tasks/T-{number:03}.yaml": f"id: T-{number:03}\nowner: 7" for number in range(20)}
    snapshot = make_snapshot(files)
    before = validate(snapshot)
    path = "contexts/tasks/T-004.yaml"
    after = validate(snapshot.with_changes({path: read_yaml(path, "id: T-004\nowner: 8")}), before)
    again = {path for path in files if after.by_path[path][0] is not before.by_path[path][0]}
    assert again == {path}


def test_nothing_is_reused_across_the_day_on_which_an_exception_ends(make_snapshot: MakeSnapshot) -> None:
    text = (
        "id: CONST-1\ncompliance:\n  rules:\n  - id: owned\n    targets: [task]\n    severity: high\n"
        "    conditions: [{path: owner, operator: exists}]\n"
        "  exceptions: [{id: e, ruleId: owned, scope: {entities: [T-001]}, expiresOn: 2026-05-01}]\n"
    )
    snapshot = make_snapshot({"contexts/governance/c.yaml": text, "contexts/tasks/T-001.yaml": "id: T-001"})
    last = validate(snapshot, today=date(2026, 5, 1))
    assert last.findings == ()
    assert [found.code for found in validate(snapshot, last, today=date(2026, 5, 2)).findings] == [
        "constitution.violation"
    ]


def test_a_rule_lives_and_dies_with_the_field_that_it_watches(make_snapshot: MakeSnapshot) -> None:
    path = "contexts/tasks/T-001.yaml"
    rules = "rules:\n- id: r\n  when: {entity: task, fieldChanged: size}\n  then: {markRelated: {types: [feature]}}\n"
    snapshot = make_snapshot({".context/rules/a.rules.yaml": rules, path: "id: T-001"})
    dead = validate(snapshot)
    assert [found.code for found in dead.findings] == ["rule.dead"]
    snapshot = snapshot.with_changes({path: read_yaml(path, "id: T-001\nsize: 3")})
    alive = validate(snapshot, dead)
    assert alive.findings == ()
    again = validate(snapshot.with_changes({path: read_yaml(path, "id: T-001")}), alive)
    assert [found.code for found in again.findings] == ["rule.dead"]


def test_a_ring_is_gone_once_another_type_claims_the_id_of_a_member(make_snapshot: MakeSnapshot) -> None:
    path = "contexts/features/a.yaml"
    snapshot = make_snapshot({"contexts/services/a.yaml": "id: svc-a\ndependencies: [svc-a]"})
    before = validate(snapshot)
    assert [found.code for found in before.findings] == ["cycle.dependency"]
    snapshot = snapshot.with_changes({path: read_yaml(path, "id: svc-a")})
    assert validate(snapshot, before).findings == validate(snapshot).findings


def test_ids_that_an_unread_file_is_named_after_are_not_missed(make_snapshot: MakeSnapshot) -> None:
    story, path = "contexts/userstories/US-001.yaml", "contexts/features/FEAT-001-log.yaml"
    snapshot = make_snapshot({story: "id: US-001\nfeature: FEAT-001", path: "id: FEAT-001\nuserStories: [US-001]"})
    report = validate(snapshot)
    assert report.findings == ()
    snapshot = snapshot.with_changes({path: unreadable(path, "file.too-large", "The file is too large.")})
    report = validate(snapshot, report)
    assert [found.code for found in report.findings] == ["file.too-large"]
    assert report.findings == validate(snapshot).findings
    report = validate(snapshot.with_changes({path: None}), report)
    assert [found.code for found in report.findings] == ["reference.unresolved"]
