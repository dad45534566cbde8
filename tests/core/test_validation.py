"""Each kind of finding: what gives rise to it, where it is shown, and what is left unsaid because of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest

from ckit_daemon.core.document import Finding, Severity, unreadable
from ckit_daemon.core.errors import OperationCancelledError
from ckit_daemon.core.snapshot import Snapshot
from ckit_daemon.core.text import Range
from ckit_daemon.core.validation import CODES, validate
from ckit_daemon.core.validation.codes import code_of

Files = Mapping[str, str]
MakeSnapshot = Callable[[Files], Snapshot]
Unmark = Callable[[Files], tuple[Files, list[tuple[str, Range]]]]

F1, F2 = "contexts/features/FEAT-001.yaml", "contexts/features/FEAT-002.yaml"
S1, S2 = "contexts/userstories/US-001.yaml", "contexts/userstories/US-002.yaml"
P1 = "contexts/specs/SPEC-001.yaml"
T1, T2 = "contexts/tasks/T-001.yaml", "contexts/tasks/T-002.yaml"
V1, V2, V3 = (f"contexts/services/svc-{name}.yaml" for name in "abc")
K1 = "contexts/packages/pkg-a.yaml"

FEATURE = "id: FEAT-001\nuserStories: [US-001]\n"
STORY = "id: US-001\nfeature: FEAT-001\n"

CLOSED = {
    ".context/schemas/task.schema.json": json.dumps(
        {
            "required": ["id"],
            "properties": {
                "id": {},
                "owner": {"type": "string"},
                "steps": {"type": "array", "items": {"type": "string"}},
                "ranks": {"type": "array", "items": {"type": "integer"}},
                "links": {"type": "array"},
                "deep": {},
            },
            "additionalProperties": False,
        }
    )
}

CASES: dict[str, tuple[str, Files]] = {
    "text that is no YAML": ("yaml.syntax", {T1: "id: T-001\nsteps: «[unclosed»"}),
    "a key that stands twice": ("yaml.duplicate-key", {T1: "id: T-001\nowner: a\n«owner»: b"}),
    "a second document": ("yaml.multiple-documents", {T1: "id: T-001\n«---»\nid: T-002"}),
    "a list instead of an entity": ("entity.not-a-mapping", {T1: "«- a»"}),
    "an empty file": ("entity.not-a-mapping", {T1: "«»"}),
    "no id, said once although the schema requires it too": ("entity.no-id", {T1: "«owner»: a"}),
    "a folder that no schema claims": ("entity.unknown-type", {"contexts/epics/E-1.yaml": "«id»: E-1"}),
    "a file directly in contexts": ("entity.unknown-type", {"contexts/T-001.yaml": "«id»: T-001"}),
    "an id that an earlier file has": ("entity.duplicate-id", {T1: "id: T-001", T2: "id: «T-001»"}),
    "a value that is not among the allowed ones": ("schema.enum", {F1: "id: FEAT-001\nstatus: «banana»"}),
    "a boolean where a text belongs": ("schema.type", {F1: "id: FEAT-001\ntitle: «true» # text"}),
    "an id that breaks its pattern": ("schema.pattern", {T1: "id: «TASK-1»"}),
    "a number as the id, which still resolves": (
        "schema.type",
        {T1: "id: «7»\nrelated:\n  feature: FEAT-001", F1: "id: FEAT-001\ntasks:\n  - '7'"},
    ),
    "a text that is no address": ("schema.format", {V1: "id: svc-a\nrepository: «not a uri»"}),
    "a reference to nothing": ("reference.unresolved", {S1: "id: US-001\nfeature: «FEAT-009»"}),
    "a reference to nothing in a list": ("reference.unresolved", {F1: "id: FEAT-001\nrequires:\n  - «svc-x»"}),
    "a dependency on nothing, with a version": (
        "reference.unresolved",
        {V1: "id: svc-a\ndependencies:\n  - «'svc-x@^1.0'»"},
    ),
    "a reference to another type": (
        "reference.wrong-type",
        {V1: "id: svc-a", T1: "id: T-001\nrelated: {spec: «svc-a»}"},
    ),
    "a reference that is a number": ("reference.not-an-id", {S1: "id: US-001\nfeature: «7»"}),
    "a text in place of a list of ids": ("reference.not-an-id", {F1: "id: FEAT-001\nrequires: «svc-a»"}),
    "a number in place of an id, where the schema says so already": (
        "schema.type",
        {T1: "id: T-001\nrelated: {spec: «7»}"},
    ),
    "a reference whose value breaks its schema": (
        "schema.pattern",
        {T1: "id: T-001\nrelated:\n  feature: «FEAT-X»", F1: "id: FEAT-001\ntasks: [T-001]"},
    ),
    "a text in place of a feature's list, which says nothing about its stories": (
        "schema.type",
        {F1: "id: FEAT-001\nuserStories: «US-001»", S1: STORY},
    ),
    "a folder that no schema claims, whose entity another one names": (
        "entity.unknown-type",
        {"contexts/epics/E-1.yaml": "«id»: svc-x", T1: "id: T-001\nrelated: {service: svc-x}"},
    ),
    "a story that its feature does not list": (
        "reference.not-listed",
        {F1: "id: FEAT-001", S1: "id: US-001\nfeature: «FEAT-001»"},
    ),
    "a story that names no feature": (
        "reference.not-listed",
        {F1: "id: FEAT-001\nuserStories: [«US-001»]", S1: "id: US-001"},
    ),
    "a story that names another feature, which does not list it": (
        "reference.disagrees",
        {F1: FEATURE, F2: "id: FEAT-002", S1: "id: US-001\nfeature: «FEAT-002»"},
    ),
    "a second feature that lists a story": (
        "reference.disagrees",
        {F1: FEATURE, F2: "id: FEAT-002\nuserStories: [«US-001»]", S1: STORY},
    ),
    "a story whose feature dangles, although another lists it": (
        "reference.unresolved",
        {F1: FEATURE, S1: "id: US-001\nfeature: «FEAT-404»"},
    ),
    "a spec that names a feature, which does not list it": (
        "reference.not-listed",
        {F1: "id: FEAT-001", P1: "id: SPEC-001\nrelated:\n  features: [«FEAT-001»]"},
    ),
    "a feature that lists a spec, which does not name it": (
        "reference.not-listed",
        {F1: "id: FEAT-001\nspecs: [«SPEC-001»]", P1: "id: SPEC-001"},
    ),
    "a consumer that does not use the service": (
        "reference.not-listed",
        {V1: "id: svc-a\nconsumers: [«pkg-a»]", K1: "id: pkg-a"},
    ),
    "a service that depends on itself": ("cycle.dependency", {V1: "id: svc-a\ndependencies: [«svc-a@1»]"}),
    "a ring of three services": (
        "cycle.dependency",
        {
            V1: "id: svc-a\ndependencies: [«svc-b»]",
            V2: "id: svc-b\ndependencies: [svc-c]",
            V3: "id: svc-c\ndependencies: [svc-a]",
        },
    ),
    "a schema that is no JSON": ("schema.invalid", {".context/schemas/epic.schema.json": "«»{"}),
}


@pytest.mark.parametrize("case", CASES)
def test_one_fault_gives_one_finding_with_its_code_and_exact_range(
    case: str, make_snapshot: MakeSnapshot, unmark: Unmark
) -> None:
    code, marked = CASES[case]
    files, places = unmark(marked)
    findings = validate(make_snapshot(files)).findings
    assert [(found.code, found.location.path, found.location.range) for found in findings] == [
        (code, path, where) for path, where in places
    ]
    assert findings[0].severity == code_of(code).severity


QUIET: dict[str, Files] = {
    "both sides agree": {F1: FEATURE, S1: STORY},
    "an empty reference names nothing": {S1: "id: US-001\nfeature: ''\n", T1: "id: T-001\nrelated: {spec: ''}"},
    "a package depends on foreign packages": {K1: "id: pkg-a\ndependencies: [electron@^38.0.0]"},
    "a service consumes another, which has no field for it": {
        V1: "id: svc-a\nconsumers: [svc-b]",
        V2: "id: svc-b",
    },
    "dates, no and on are texts": {F1: "id: FEAT-001\ntitle: 2025-10-22"},
}


@pytest.mark.parametrize("case", QUIET)
def test_what_is_right_gives_no_finding(case: str, make_snapshot: MakeSnapshot) -> None:
    assert validate(make_snapshot(QUIET[case])).findings == ()


def test_an_unreadable_file_has_one_finding_and_nobody_who_refers_to_it_has_any(make_snapshot: MakeSnapshot) -> None:
    report = validate(
        make_snapshot(
            {
                F1: "id: FEAT-001\nuserStories: [US-001, US-002]\ntitle: [\n",
                S1: STORY,
                S2: "id: US-002\nfeature: FEAT-001",
                T1: "id: T-001\nrelated:\n  feature: FEAT-001\n",
            }
        )
    )
    assert [(found.code, found.location.path, found.entity) for found in report.findings] == [
        ("yaml.syntax", F1, "FEAT-001")
    ]


def test_an_id_of_two_types_can_be_named_as_either(make_snapshot: MakeSnapshot) -> None:
    files = {P1: "id: SPEC-001", "contexts/packages/p.yaml": "id: SPEC-001", T1: "id: T-001\nrelated: {spec: SPEC-001}"}
    codes = {found.code for found in validate(make_snapshot(files)).findings}
    assert codes == {"entity.duplicate-id", "schema.pattern"}


def test_a_file_that_could_not_be_read_is_reported_as_its_reader_says(make_snapshot: MakeSnapshot) -> None:
    snapshot = make_snapshot({}).with_changes({T1: unreadable(T1, "file.binary", "this is no text")})
    assert [(found.code, found.message) for found in validate(snapshot).findings] == [
        ("file.binary", "this is no text")
    ]


def test_a_broken_schema_is_reported_once_and_leaves_its_type_unchecked(make_snapshot: MakeSnapshot) -> None:
    path = ".context/schemas/task.schema.json"
    snapshot = make_snapshot({path: '{"type": "wrong"}', T1: "id: anything"})
    assert [(found.code, found.location.path) for found in validate(snapshot).findings] == [("schema.invalid", path)]


def test_an_unresolved_reference_offers_the_nearest_id_and_to_create_the_missing_one(
    make_snapshot: MakeSnapshot,
) -> None:
    found = only(
        make_snapshot({V1: "id: svc-git", V2: "id: svc-mail\ndependencies: ['svc-gti@^2.0']", V3: "id: svc-unlike"})
    )
    assert "did you mean svc-git?" in found.message
    assert [(fix.path, fix.value, fix.creates) for fix in found.fixes] == [
        (("dependencies", 0), "svc-git@^2.0", None),
        ((), None, "svc-gti"),
    ]


def test_ids_of_other_types_are_not_offered(make_snapshot: MakeSnapshot) -> None:
    found = only(
        make_snapshot({"contexts/specs/x.yaml": "id: SPEC-001", T1: "id: T-001\nrelated: {service: SPEC-002}"})
    )
    assert [fix.creates for fix in found.fixes] == ["SPEC-002"]


def test_a_disagreement_offers_both_sides_and_points_at_the_other(make_snapshot: MakeSnapshot) -> None:
    found = only(make_snapshot({F1: FEATURE, F2: "id: FEAT-002", S1: "id: US-001\nfeature: FEAT-002"}))
    assert (found.entity, found.path, found.severity) == ("US-001", ("feature",), Severity.WARNING)
    assert [related.location.path for related in found.related] == [F1]
    assert [(fix.file, fix.path, fix.value) for fix in found.fixes] == [
        (S1, ("feature",), "FEAT-001"),
        (F2, ("userStories",), ["US-001"]),
    ]


def test_the_missing_side_of_a_list_is_appended(make_snapshot: MakeSnapshot) -> None:
    found = only(
        make_snapshot({F1: FEATURE, S1: STORY, S2: "id: US-002\nfeature: FEAT-001"}),
    )
    assert [(fix.file, fix.path, fix.value) for fix in found.fixes] == [(F1, ("userStories", 1), "US-002")]


def test_allowed_values_are_offered_the_nearest_first(make_snapshot: MakeSnapshot) -> None:
    found = only(make_snapshot({F1: "id: FEAT-001\nstatus: doen"}))
    assert [fix.value for fix in found.fixes] == ["done", "proposed"]


@pytest.mark.parametrize(
    ("text", "title", "path", "name"),
    [
        ("id: T-001\nownr: a", "Rename 'ownr' to 'owner'", ("ownr",), "owner"),
        ("id: T-001\nOwner: a", "Rename 'Owner' to 'owner'", ("Owner",), "owner"),
        ("id: T-001\ncolour: a", "Remove 'colour'", ("colour",), None),
        # What it means is there already.
        ("id: T-001\nowner: a\nownr: a", "Remove 'ownr'", ("ownr",), None),
    ],
)
def test_an_unknown_key_can_become_the_field_that_it_means_or_go(
    text: str, title: str, path: tuple[str, ...], name: str | None, make_snapshot: MakeSnapshot
) -> None:
    found = only(make_snapshot({**CLOSED, T1: text}))
    (fix,) = found.fixes
    assert (fix.title, fix.path, fix.renames_to, fix.removes) == (title, path, name, name is None)


def test_each_unknown_key_is_a_finding_of_its_own(make_snapshot: MakeSnapshot) -> None:
    findings = validate(make_snapshot({**CLOSED, T1: "id: T-001\ncolour: a\nownr: a"})).findings
    assert [(found.code, found.location.range.start.line, found.path) for found in findings] == [
        ("schema.additionalProperties", 1, ("colour",)),
        ("schema.additionalProperties", 2, ("ownr",)),
    ]


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("owner: 1.10 # one", "1.10"),
        ("owner: 007", "007"),
        ("owner: True", "True"),
        ("steps: [write, 7]", "7"),
        ("steps: write", ["write"]),
        ("steps: 2.0", ["2.0"]),
        ("ranks: 2", [2]),
        ("links: 2", [2]),
        # Nobody can say what these should be.
        ("owner: [a]", None),
        ("owner:", None),
        ("steps:", None),
        ("steps: ''", None),
        ("ranks: high", None),
        ("ranks: true", None),
        ("deep: {at: &a 7}\nowner: *a", None),
    ],
)
def test_a_single_value_of_another_type_can_become_a_text_or_a_list(
    text: str, mended: object, make_snapshot: MakeSnapshot
) -> None:
    found = only(make_snapshot({**CLOSED, T1: f"id: T-001\n{text}"}))
    assert found.code == "schema.type"
    assert [fix.value for fix in found.fixes] == ([] if mended is None else [mended])
    assert all(fix.path == found.path for fix in found.fixes)


def test_a_ring_is_reported_at_its_first_file_with_the_other_dependencies(make_snapshot: MakeSnapshot) -> None:
    found = only(
        make_snapshot(
            {
                V1: "id: svc-z\ndependencies: [svc-x]",
                V2: "id: svc-y\ndependencies: [svc-z]",
                V3: "id: svc-x\ndependencies: [svc-y]",
            }
        )
    )
    assert "svc-z → svc-x → svc-y → svc-z" in found.message
    assert [related.location.path for related in found.related] == [V3, V2]


@pytest.mark.parametrize("length", [61, 5_000])
def test_messages_hold_no_huge_values(length: int, make_snapshot: MakeSnapshot) -> None:
    long = "x" * length
    texts = [
        f"id: US-001\nfeature: {long}",
        f"id: {long}",
        f"id: US-001\nimpacts: {{services: [{long}]}}",
    ]
    for text in texts:
        for found in validate(make_snapshot({S1: text, F1: f"id: FEAT-001\nstatus: {long}"})).findings:
            assert len(found.message) < 300
            assert all(len(fix.title) < 120 for fix in found.fixes)


def test_findings_come_by_path_then_place_then_code(make_snapshot: MakeSnapshot) -> None:
    report = validate(
        make_snapshot({T2: "id: T-X\nowner: 1", F1: "id: FEAT-001\nstatus: x", T1: "id: T-001\nowner: 1"})
    )
    keys = [(found.location.path, found.location.range, found.code) for found in report.findings]
    assert keys == sorted(keys)
    assert list(report.by_path) == [F1, T1, T2]
    assert report.counts == {Severity.ERROR: 4, Severity.WARNING: 0, Severity.INFORMATION: 0, Severity.HINT: 0}
    assert not report.ok


def test_every_code_is_described_with_what_to_do(make_snapshot: MakeSnapshot) -> None:
    assert all(code.description and code.advice and "." in code.code for code in CODES.values())
    assert code_of("schema.minLength") is CODES["schema.*"]
    with pytest.raises(KeyError):
        code_of("weather.rain")


def test_a_cancelled_validation_ends_at_once(make_snapshot: MakeSnapshot) -> None:
    class Cancelled:
        def report(self, done: int, total: int, message: str) -> None:
            raise OperationCancelledError("cancelled")

    with pytest.raises(OperationCancelledError):
        validate(make_snapshot({T1: "id: T-001"}), progress=Cancelled())


def only(snapshot: Snapshot) -> Finding:
    findings = validate(snapshot).findings
    assert len(findings) == 1, findings
    return findings[0]
