from __future__ import annotations

import pytest

from ckit_daemon.core.document import Severity
from ckit_daemon.core.errors import InvalidArgumentError, NotFoundError
from ckit_daemon.core.impact import impact

RULES = """\
rules:
  - id: feature-title
    severity: warning
    when: {entity: feature, fieldChanged: [title, status]}
    then: {markRelated: {types: [userstory, task, service], reason: Title}}
  - id: task-blocked
    severity: error
    when: {entity: task, fieldChanged: status, newValue: blocked}
    then: {markRelated: {types: [feature], rel: has-task, reason: Blocked}}
  - id: api
    severity: error
    when: {entity: service, fieldChanged: api.version}
    then: {markRelated: {types: [package], rel: uses, reason: Api}}
"""
F, U, S, T = (f"contexts/{name}" for name in ("features/f.yaml", "userstories/u.yaml", "specs/s.yaml", "tasks/t.yaml"))
A, B, P = (f"contexts/{name}" for name in ("services/a.yaml", "services/b.yaml", "packages/p.yaml"))
G = "contexts/governance/c.yaml"
FILES = {
    ".context/rules/r.yaml": RULES,
    F: "id: FEAT-001\ntitle: One\nstatus: done\nuserStories: [US-001]\nspecs: [SPEC-001]\nrequires: [svc-a]\n",
    U: "id: US-001\nfeature: FEAT-001\n",
    S: "id: SPEC-001\nrelated: {features: [FEAT-001]}\n",
    T: "id: T-001\nstatus: todo\nrelated: {feature: FEAT-001, spec: SPEC-001, service: svc-b}\n",
    A: 'id: svc-a\ndependencies: ["svc-b@^1.0.0"]\n',
    B: "id: svc-b\napi: {version: 1, spec: x}\nconsumers: [pkg-p]\n",
    P: "id: pkg-p\nuses: {services: [svc-b]}\n",
    G: "id: CONST\nprinciples: [{id: p, appliesTo: [global]}]\n",
}


@pytest.fixture
def base(make_snapshot):
    return make_snapshot(FILES)


@pytest.fixture
def changed(base, make_document):
    """The impact of giving some files another text; None removes a file."""

    def run(edits, **options):
        documents = {path: None if text is None else make_document(path, text) for path, text in edits.items()}
        baseline = {path: base.documents.get(path) for path in edits}
        return impact(base.with_changes(documents), baseline=baseline, **options)

    return run


def ways(result):
    return {stale.entity.id: [(edge.source, edge.rel, edge.target) for edge in stale.way] for stale in result.stale}


def fired(result):
    return [(f.rule.id, f.certainty, f.fields, tuple(f.marked)) for f in result.firings]


def test_a_known_change_fires_only_the_rules_of_its_fields(changed):
    result = changed({F: FILES[F].replace("One", "Two")})
    assert fired(result) == [("feature-title", "certain", ("title",), ("US-001", "T-001", "svc-a"))]
    assert fired(changed({F: FILES[F] + "objective: x\n"})) == []


@pytest.mark.parametrize(
    "text",
    [FILES[F] + "# comment\n", FILES[F].replace("One", '"One"'), "\n".join(reversed(FILES[F].splitlines())) + "\n"],
)
def test_a_change_without_meaning_has_no_impact(changed, text):
    result = changed({F: text})
    assert (result.changes, result.firings, result.stale, result.issues) == ((), (), (), ())


def test_a_nested_line_of_the_same_name_is_not_the_field_itself(changed):
    """The predecessor took every line `status:` of a diff for the feature's own."""
    assert fired(changed({F: FILES[F] + "linked: [{status: new}]\n"})) == []


def test_a_rule_about_a_nested_field_fires_on_that_field_alone(changed):
    """The predecessor's rules never matched `api.version`."""
    assert fired(changed({B: FILES[B].replace("version: 1", "version: 2")})) == [
        ("api", "certain", ("api.version",), ("pkg-p",))
    ]
    assert fired(changed({B: FILES[B].replace("spec: x", "spec: y")})) == []


@pytest.mark.parametrize(("status", "count"), [("blocked", 1), ("done", 0)])
def test_a_rule_with_a_new_value_fires_on_that_value_alone(changed, status, count):
    """The predecessor never read `newValue`."""
    assert len(fired(changed({T: FILES[T].replace("todo", status)}))) == count


def test_an_assumed_change_makes_rules_possible_and_tells_their_fields(base):
    result = impact(base, changed_ids=["T-001", "T-001"])
    assert [(change.id, change.kind) for change in result.changes] == [("T-001", "assumed")]
    assert fired(result) == [("task-blocked", "possible", ("status",), ("FEAT-001",))]
    assert [stale.severity for stale in result.stale if stale.entity.id == "FEAT-001"] == [Severity.INFORMATION]


def test_no_issue_is_told_twice_although_two_files_state_a_fact(changed):
    """The predecessor reported every story twice: once for each side that names the other."""
    result = changed({F: FILES[F].replace("One", "Two")})
    assert [(i.entity.id, i.kind, i.severity) for i in result.issues] == [
        ("US-001", "needs-review", Severity.WARNING),
        ("T-001", "needs-review", Severity.WARNING),
        ("svc-a", "needs-review", Severity.WARNING),
    ]
    issue = result.issues[1]
    assert (issue.reason, issue.location.path, tuple(issue.location.range.start)) == ("Title", T, (1, 8))
    assert "title from 'One' to 'Two'" in issue.message
    assert "T-001" in issue.suggested_action


def test_staleness_follows_dependencies_and_tells_its_way(base):
    assert ways(impact(base, changed_ids=["svc-b"])) == {
        "T-001": [("T-001", "modifies", "svc-b")],
        "svc-a": [("svc-a", "depends-on", "svc-b")],
        "pkg-p": [("pkg-p", "uses", "svc-b")],
        "FEAT-001": [("svc-a", "depends-on", "svc-b"), ("FEAT-001", "requires", "svc-a")],
        "US-001": [
            ("svc-a", "depends-on", "svc-b"),
            ("FEAT-001", "requires", "svc-a"),
            ("FEAT-001", "has-story", "US-001"),
        ],
        "SPEC-001": [
            ("svc-a", "depends-on", "svc-b"),
            ("FEAT-001", "requires", "svc-a"),
            ("FEAT-001", "has-spec", "SPEC-001"),
        ],
    }


def test_a_depth_bounds_how_far_staleness_goes(base):
    assert set(ways(impact(base, changed_ids=["svc-b"], depth=1))) == {"T-001", "svc-a", "pkg-p"}
    assert "US-001" not in ways(impact(base, changed_ids=["svc-b"], depth=2))


def test_the_constitution_makes_all_it_governs_stale_and_nothing_makes_it_stale(base):
    assert len(ways(impact(base, changed_ids=["CONST"]))) == 7
    assert "CONST" not in ways(impact(base, changed_ids=["FEAT-001"]))


def test_what_names_a_removed_entity_dangles_at_that_place(changed):
    result = changed({S: None})
    found = [(i.kind, i.entity.id, i.location.path, tuple(i.location.range.start)) for i in result.issues]
    assert found == [("dangling", "FEAT-001", F, (4, 8)), ("dangling", "T-001", T, (2, 35))]
    assert all("Remove the reference" in i.suggested_action for i in result.issues)
    assert ways(result) == {
        "FEAT-001": [("FEAT-001", "has-spec", "SPEC-001")],
        "T-001": [("SPEC-001", "implements", "T-001")],
    }


def test_what_names_an_old_id_is_told_the_new_one(changed):
    result = changed({U: FILES[U].replace("US-001", "US-002")})
    assert [(c.kind, c.id) for c in result.changes] == [("renamed", "US-002")]
    (issue,) = result.issues
    assert (issue.entity.id, issue.suggested_action) == ("FEAT-001", f"Name US-002 instead in {F}.")


def test_an_entity_that_a_change_no_longer_names_is_stale_too(changed):
    result = changed({F: FILES[F].replace("requires: [svc-a]", "requires: []")})
    assert ways(result)["svc-a"] == [("FEAT-001", "requires", "svc-a")]


def test_a_file_that_cannot_be_parsed_now_makes_its_rules_possible(changed):
    result = changed({F: FILES[F] + "x: [\n"})
    assert [(f.rule.id, f.certainty) for f in result.firings] == [("feature-title", "possible")]


def test_ids_narrow_a_comparison(changed):
    edits = {F: FILES[F].replace("One", "Two"), T: FILES[T].replace("todo", "blocked")}
    assert [change.id for change in changed(edits).changes] == ["FEAT-001", "T-001"]
    assert [change.id for change in changed(edits, changed_ids=["T-001", "svc-a"]).changes] == ["T-001"]


def test_an_unknown_id_is_an_error_that_names_near_ones(base):
    with pytest.raises(NotFoundError, match=r"FEAT-00l.*Did you mean FEAT-001"):
        impact(base, changed_ids=["FEAT-00l"])


@pytest.mark.parametrize("options", [{}, {"changed_ids": ["T-001"], "depth": 0}])
def test_a_request_without_sense_is_refused(base, options):
    with pytest.raises(InvalidArgumentError):
        impact(base, **options)


def test_a_reference_that_the_change_itself_points_nowhere_dangles_once(changed):
    result = changed({U: "id: US-001\nfeature: FEAT-099\n"})
    dangling = [issue for issue in result.issues if issue.kind == "dangling"]
    assert [(issue.entity.id, issue.path, issue.severity) for issue in dangling] == [
        ("US-001", ("feature",), Severity.ERROR)
    ]
    assert "FEAT-099" in dangling[0].message
    again = changed({U: "id: US-001\nfeature: FEAT-001\n", F: FILES[F].replace("title: One", "title: Two")})
    assert not [issue for issue in again.issues if issue.kind == "dangling"]
