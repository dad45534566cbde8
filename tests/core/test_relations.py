"""The table of relations, and what entities name by it."""

from __future__ import annotations

from typing import Any

import pytest

from ckit_daemon.core.relations import RELATIONS, Misfit, Reference, references_of, split_version


@pytest.mark.parametrize(
    ("entity_type", "data", "expected"),
    [
        (
            "feature",
            {"userStories": ["US-001", "US-002"]},
            [(("userStories", 0), "US-001"), (("userStories", 1), "US-002")],
        ),
        ("userstory", {"feature": "FEAT-001"}, [(("feature",), "FEAT-001")]),
        ("userstory", {"impacts": {"packages": ["pkg-a"]}}, [(("impacts", "packages", 0), "pkg-a")]),
        ("task", {"related": {"spec": "SPEC-001", "other": "x"}}, [(("related", "spec"), "SPEC-001")]),
        (
            "service",
            {"dependencies": ["svc-a@^1.0", "@scope/pkg@2"]},
            [(("dependencies", 0), "svc-a"), (("dependencies", 1), "@scope/pkg")],
        ),
        ("feature", {"userStories": "US-001"}, [(("userStories",), None)]),
        (
            "feature",
            {"userStories": ["US-001", 7, None, ""]},
            [(("userStories", 0), "US-001"), (("userStories", 1), None)],
        ),
        ("userstory", {"feature": ["FEAT-001"]}, [(("feature",), None)]),
        ("task", {"related": "FEAT-001"}, []),
        ("task", {"related": None}, []),
        ("package", {"dependencies": ["vue@3"]}, []),
        ("epic", {"feature": "FEAT-001"}, []),
    ],
)
def test_references_and_misfits_are_found_at_their_places(entity_type: str, data: Any, expected: list[Any]) -> None:
    found = list(references_of(entity_type, data))
    assert [(one.path, one.target if isinstance(one, Reference) else None) for one in found] == expected
    assert all(isinstance(one, (Reference, Misfit)) for one in found)


@pytest.mark.parametrize(
    ("written", "parts"),
    [("a@^1", ("a", "^1")), ("a", ("a", "")), ("@s/a@1", ("@s/a", "1")), ("@s/a", ("@s/a", "")), ("", ("", ""))],
)
def test_a_dependency_is_split_into_name_and_range(written: str, parts: tuple[str, str]) -> None:
    assert split_version(written) == parts


def test_the_two_sides_of_a_relation_name_each_other_in_the_table() -> None:
    by_field = {(relation.source, relation.field): relation for relation in RELATIONS}
    for relation in RELATIONS:
        for target in relation.targets if relation.mirror else ():
            mirror = by_field.get((target, relation.mirror))
            if mirror is not None:
                assert mirror.mirror == relation.field
                assert relation.source in mirror.targets
                assert (mirror.rel, mirror.reverse) == (relation.rel, not relation.reverse)
