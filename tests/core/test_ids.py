"""Ids: which are allowed, and which one comes next."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckit_daemon.core.document import Document, read_yaml
from ckit_daemon.core.edit import check_id, next_id
from ckit_daemon.core.edit.ids import check_free, slug
from ckit_daemon.core.errors import AlreadyExistsError, InvalidArgumentError
from ckit_daemon.core.snapshot import Snapshot

PATTERNS = {
    "feature": r"^FEAT-[0-9]{3,}$",
    "userstory": r"^US-\d+$",
    "spec": None,
    "service": None,
    "risk": "^RISK[.][A-Z]+$",
    "constitution": "^[A-Z0-9][A-Z0-9-]{2,}$",
}


def snapshot(**files: str) -> Snapshot:
    documents = [read_yaml(f"contexts/{path.replace('__', '/')}.yaml", text) for path, text in files.items()]
    for name, pattern in PATTERNS.items():
        rules = {"type": "string"} | ({"pattern": pattern} if pattern else {})
        schema = {"type": "object", "properties": {"id": rules}}
        documents.append(Document(f".context/schemas/{name}.schema.json", json.dumps(schema)))
    return Snapshot.of(documents)


@pytest.mark.parametrize(
    ("entity_type", "ids", "expected"),
    [
        ("feature", [], "FEAT-001"),
        ("feature", ["FEAT-001", "FEAT-007"], "FEAT-008"),
        ("feature", ["FEAT-0099"], "FEAT-0100"),
        ("feature", ["FEAT-999"], "FEAT-1000"),
        ("feature", ["feat-012", "FEAT-x", "XFEAT-50"], "FEAT-013"),
        ("feature", ["FEAT-99999999999999999999999"], "FEAT-001"),
        ("userstory", ["US-9"], "US-10"),
        ("spec", [], "SPEC-001"),
        ("spec", ["RFC-07", "RFC-12"], "RFC-13"),
        ("task", [], "T-001"),
        ("service", ["svc-git"], "svc-night-mode"),
        ("service", ["api-git", "api-mail"], "api-night-mode"),
        ("service", ["svc-night-mode", "SVC-Night-Mode-2"], "svc-night-mode-3"),
        ("governance", [], "GOVERNANCE-NIGHT-MODE"),
        ("governance", ["CONST-A", "CONST-B"], "CONST-NIGHT-MODE"),
    ],
)
def test_the_next_id_follows_those_that_are_there(entity_type: str, ids: list[str], expected: str) -> None:
    folder = {"governance": "governance", "userstory": "userstories"}.get(entity_type, f"{entity_type}s")
    current = snapshot(**{f"{folder}__{number}": f"id: {name}\n" for number, name in enumerate(ids)})
    assert next_id(current, entity_type, title="Night Mode!") == expected


def test_the_next_id_avoids_those_taken_elsewhere_duplicates_and_what_is_only_named() -> None:
    current = snapshot(features__a="id: FEAT-001\n", features__b="id: FEAT-001\nuserStories: [US-004]\n")
    assert next_id(current, "feature", frozenset({"FEAT-009"})) == "FEAT-010"
    assert next_id(current, "userstory") == "US-005"


def test_a_name_needs_a_title() -> None:
    with pytest.raises(InvalidArgumentError, match="title"):
        next_id(snapshot(), "service")


def test_a_generated_name_that_breaks_the_pattern_is_refused_with_the_pattern() -> None:
    with pytest.raises(InvalidArgumentError, match="must match"):
        next_id(snapshot(), "risk", title="Night Mode")


@given(st.sets(st.integers(0, 10**6)), st.sets(st.integers(0, 10**6)))
def test_the_next_id_never_collides_and_fits_the_pattern(present: set[int], elsewhere: set[int]) -> None:
    current = snapshot(**{f"features__{number}": f"id: FEAT-{number:03}\n" for number in present})
    taken = frozenset(f"FEAT-{number:03}" for number in elsewhere)
    identifier = next_id(current, "feature", taken)
    assert identifier not in current.definitions
    assert identifier not in taken
    check_id(current, "feature", identifier)


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        "../../X",
        "..",
        "a/b",
        "a\\b",
        "C:x",
        "con",
        "NUL",
        "com1.x",
        "a\0b",
        "a b",
        "a\nb",
        ".hidden",
        "-x",
        "x.",
        "$(touch x)",
        "{{x}}",
        "no",
        "Null",
        "12",
        "1_000",
        "x" * 5000,
    ],
)
def test_R10_an_id_that_is_no_safe_name_is_refused(identifier: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        check_id(snapshot(), "service", identifier)
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    ("entity_type", "identifier", "message"),
    [("feature", "FEAT-1", "must match"), ("feature", "US-001", "must match"), ("service", "FEAT-001", "a feature")],
)
def test_an_id_of_another_shape_or_type_is_refused(entity_type: str, identifier: str, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        check_id(snapshot(), entity_type, identifier)


def test_an_id_is_taken_in_every_case() -> None:
    with pytest.raises(AlreadyExistsError):
        check_free(snapshot(services__a="id: svc-Git\n"), "svc-git")


@pytest.mark.parametrize(
    ("title", "expected"),
    [("Do: it!", "do-it"), ("Über Ähre", "über-ähre"), ("", ""), ("../..", ""), ("w" * 90, "w" * 60), ("a_b", "a-b")],
)
def test_a_slug_is_words_in_lower_case(title: str, expected: str) -> None:
    assert slug(title) == expected


def test_a_slug_ends_with_a_whole_word() -> None:
    assert slug("seven letters " * 10) == "seven-letters-seven-letters-seven-letters-seven-letters"
