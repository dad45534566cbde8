"""Golden messages agree with the published schemas and with the daemon's own models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from ckit_daemon.wire.errors import NUMBERS, ErrorObject
from ckit_daemon.wire.lifecycle import InitializeOptions
from ckit_daemon.wire.methods import BY_NAME, METHODS
from ckit_daemon.wire.server import Capabilities

PROTOCOL = Path(__file__).parents[2] / "protocol"
SCHEMAS = sorted((PROTOCOL / "schema").rglob("*.json"))
GOLDEN = {
    document["method"]: document
    for path in sorted((PROTOCOL / "golden").rglob("*.json"))
    if "method" in (document := json.loads(path.read_text("utf-8")))
}
CONVERSATIONS = json.loads((PROTOCOL / "golden" / "session.json").read_text("utf-8"))["conversations"]
MAX_GOLDEN_BYTES = 600_000
LSP_ONLY = "initialize"

Entry = dict[str, Any]


def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((PROTOCOL / "schema" / f"{name}.json").read_text("utf-8")))


def _of_schema(method: str, side: str) -> Draft202012Validator:
    return _validator(f"{method.removeprefix('ckit/')}.{side}")


def _entries(kind: str) -> list[Any]:
    return [
        pytest.param(method, entry, id=f"{method}: {entry['title']}")
        for method, document in GOLDEN.items()
        for entry in document[kind]
    ]


def _parsed_params(method: str, params: Any) -> object:
    if method == LSP_ONLY:
        ours = params.get("initializationOptions", {}).get("ckit", {})
        return InitializeOptions.from_json(json.dumps(ours).encode())
    return BY_NAME[method].params.from_json(json.dumps(params).encode())


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.relative_to(PROTOCOL).as_posix())
def test_R30_every_schema_is_valid_and_stands_alone(path: Path) -> None:
    schema = json.loads(path.read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    name = path.relative_to(PROTOCOL / "schema").with_suffix("").as_posix()
    assert schema["$id"].endswith(f":{name}")
    assert set(_references(schema)) <= {f"#/$defs/{part}" for part in schema.get("$defs", {})}


def _references(schema: object) -> list[str]:
    if isinstance(schema, list):
        return [reference for item in schema for reference in _references(item)]
    if not isinstance(schema, dict):
        return []
    own = [schema["$ref"]] if isinstance(schema.get("$ref"), str) else []
    return own + [reference for item in schema.values() for reference in _references(item)]


@pytest.mark.parametrize("method", [LSP_ONLY, *BY_NAME])
def test_R30_every_method_has_golden_messages_of_both_kinds(method: str) -> None:
    assert len(GOLDEN[method]["valid"]) >= 1
    assert len(GOLDEN[method]["invalid"]) >= 3
    assert all(entry["title"] for kind in ("valid", "invalid") for entry in GOLDEN[method][kind])


@pytest.mark.parametrize(("method", "entry"), _entries("valid"))
def test_valid_messages_fit_the_schemas_and_the_models(method: str, entry: Entry) -> None:
    if entry["params"] is not None:
        _of_schema(method, "params").validate(entry["params"])
        _parsed_params(method, entry["params"])
    if method != LSP_ONLY and BY_NAME[method].kind == "notification":
        _of_schema(method, "params").validate(entry.get("answeredBy", entry["params"]))
        return
    _of_schema(method, "result").validate(entry["result"])
    if method == LSP_ONLY:
        Capabilities.model_validate(entry["result"]["capabilities"]["experimental"]["ckit"])
    else:
        model = BY_NAME[method].result
        assert model is not None
        model.model_validate(entry["result"])


def _of(direction: str) -> list[Any]:
    return [p for p in _entries("invalid") if ("refused" in p.values[1]) == (direction == "serverToClient")]


@pytest.mark.parametrize(("method", "entry"), _of("serverToClient"))
def test_what_breaks_the_contract_of_the_daemon_s_own_calls_fits_neither_schema_nor_model(
    method: str, entry: Entry
) -> None:
    row = BY_NAME[method]
    side = "params" if row.result is None else "result"
    assert not _of_schema(method, side).is_valid(entry[side])
    with pytest.raises(ValidationError) as caught:
        (row.result or row.params).from_json(json.dumps(entry[side]).encode())
    assert [".".join(map(str, item["loc"])) for item in caught.value.errors()] == entry["refused"]


@pytest.mark.parametrize(("method", "entry"), _of("clientToServer"))
def test_refused_parameters_fit_neither_schema_nor_model_and_others_fit_both(method: str, entry: Entry) -> None:
    code = "invalid_params" if entry.get("ignored") else entry["error"]["data"]["code"]
    broken = code == "invalid_params"
    assert _of_schema(method, "params").is_valid(entry["params"]) != broken
    if broken:
        with pytest.raises(ValidationError):
            _parsed_params(method, entry["params"])
    else:
        _parsed_params(method, entry["params"])


@pytest.mark.parametrize(("method", "entry"), [p for p in _entries("invalid") if "error" in p.values[1]])
def test_R06_every_error_has_the_one_form(method: str, entry: Entry) -> None:
    _assert_error(entry["error"])
    if entry["error"]["data"]["code"] == "invalid_params" and isinstance(entry["params"], dict):
        assert entry["error"]["data"]["details"]["fields"]


@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=lambda conversation: conversation["title"])
def test_R06_a_mistake_of_the_session_has_the_one_form_as_well(conversation: Entry) -> None:
    answers = [message["receive"] for message in conversation["messages"] if "receive" in message]
    _assert_error(answers[-1]["error"])


def _assert_error(error: Entry) -> None:
    _validator("error").validate(error)
    parsed = ErrorObject.model_validate(error)
    assert parsed.code == NUMBERS[parsed.data.code]
    assert parsed.message


def test_R10_every_method_refuses_an_unknown_field_by_name() -> None:
    for method in METHODS:
        unknown = [entry for entry in GOLDEN[method.name]["invalid"] if "unknown field" in entry["title"]]
        assert unknown, method.name
        assert all("unknown field" in e["error"]["message"] for e in unknown if "error" in e), method.name


def test_golden_messages_hold_nothing_of_the_machine_that_recorded_them() -> None:
    texts = [path.read_text("utf-8") for path in (PROTOCOL / "golden").rglob("*.json")]
    assert sum(map(len, texts)) < MAX_GOLDEN_BYTES
    for text in texts:
        assert str(Path.home()) not in text
        assert "/tmp/" not in text
