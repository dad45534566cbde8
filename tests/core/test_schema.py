"""Schemas of a repository: what they accept, and what they say about what they don't."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ckit_daemon.core.document import Document
from ckit_daemon.core.json import shown
from ckit_daemon.core.schema import Schema, SchemaSet


def schema_set(**definitions: Any) -> SchemaSet:
    paths = {f".context/schemas/{name}.schema.json": json.dumps(value) for name, value in definitions.items()}
    return SchemaSet({path: Document(path, text) for path, text in paths.items()})


def schema(definition: Any) -> Schema:
    found = schema_set(task=definition)["task"]
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("definition", "value", "keyword", "path"),
    [
        ({"required": ["id"]}, {}, "required", ("id",)),
        ({"properties": {"a": {"required": ["b"]}}}, {"a": {}}, "required", ("a", "b")),
        ({"properties": {"a": {}}, "additionalProperties": False}, {"b": 1}, "additionalProperties", ("b",)),
        ({"properties": {"a": {"enum": [1, 2]}}}, {"a": 3}, "enum", ("a",)),
        ({"properties": {"a": {"type": "string"}}}, {"a": True}, "type", ("a",)),
        ({"properties": {"a": {"pattern": "^x"}}}, {"a": "y"}, "pattern", ("a",)),
        ({"properties": {"a": {"format": "date"}}}, {"a": "soon"}, "format", ("a",)),
        ({"properties": {"a": {"minItems": 1}}}, {"a": []}, "minItems", ("a",)),
        ({"properties": {"a": {"items": {"type": "string"}}}}, {"a": ["x", 7]}, "type", ("a", 1)),
        ({"properties": {"a": {"const": "x"}}}, {"a": "y"}, "const", ("a",)),
    ],
)
def test_an_error_names_its_keyword_and_its_place(
    definition: Any, value: Any, keyword: str, path: tuple[str | int, ...]
) -> None:
    for dialect in ("http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"):
        errors = list(schema({"$schema": dialect, **definition}).errors(value))
        assert [(error.keyword, error.path) for error in errors] == [(keyword, path)]
        assert errors[0].message


def test_a_valid_value_has_no_error() -> None:
    assert list(schema({"type": "object", "required": ["id"]}).errors({"id": "T-001"})) == []


def test_the_allowed_values_come_with_the_error() -> None:
    (error,) = schema({"properties": {"a": {"enum": ["x", None]}}}).errors({"a": "y"})
    assert error.allowed == ("x", None)
    assert error.message == '\'a\' must be one of "x", null, not "y"'


def test_a_reference_to_another_schema_file_is_followed() -> None:
    schemas = schema_set(base={"type": "string"}, task={"properties": {"a": {"$ref": "base.schema.json"}}})
    found = schemas["task"]
    assert found is not None
    assert [error.keyword for error in found.errors({"a": 7})] == ["type"]


@pytest.mark.parametrize(
    "definition",
    [{"type": "wrong"}, {"$ref": "https://example.org/other.json"}, {"properties": {"a": {"pattern": "("}}}, [], 7],
)
def test_a_broken_schema_is_a_finding_and_fetches_nothing(definition: Any) -> None:
    schemas = schema_set(task=definition)
    assert schemas["task"] is None
    assert [finding.code for finding in schemas.findings] == ["schema.invalid"]


def test_types_come_from_schemas_and_folders() -> None:
    schemas = schema_set(story={}, policy={}, constitution={})
    assert schemas.type_of_path("contexts/stories/a.yaml") == "story"
    assert schemas.type_of_path("contexts/policies/deep/a.yaml") == "policy"
    assert schemas.type_of_path("contexts/features/a.yaml") == "feature"
    assert schemas.type_of_path("contexts/other/a.yaml") is None
    assert schemas.type_of_path("contexts/a.yaml") is None
    assert schemas["governance"] is not None
    assert schemas.types()[-2:] == ("policy", "story")
    assert schemas.folder_of("feature") == "contexts/features"


def test_properties_are_found_by_path() -> None:
    found = schema({"properties": {"a": {"items": {"properties": {"b": {"description": "x"}}}}}})
    assert found.property_at(("a", 0, "b")) == {"description": "x"}
    assert found.property_at(("a", "b")) is None
    assert found.property_at(("c", "d")) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", '"a"'), (None, "null"), (2**70, "1180591620717411303424"), ("x" * 100, f'"{"x" * 59}…')],
)
def test_values_in_messages_are_json_and_short(value: Any, text: str) -> None:
    assert shown(value) == text
