"""The records that are stored and replayed are the very messages that the contract describes."""

from __future__ import annotations

import json
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from ckit_daemon.services.assistant import records
from ckit_daemon.services.assistant.records import Record
from ckit_daemon.wire import approval, session, turn
from ckit_daemon.wire.base import WireModel
from ckit_daemon.wire.schema import model_schema

WIRE = {
    name: model
    for module in (session, turn, approval)
    for name, model in vars(module).items()
    if isinstance(model, type) and issubclass(model, WireModel) and model.__module__ == module.__name__
}
BASES = {"Record", "BaseItem", "Event"}
RECORDS = {
    name: record
    for name, record in vars(records).items()
    if isinstance(record, type) and issubclass(record, Record) and name not in BASES
}
ANY_ITEM: TypeAdapter[WireModel] = TypeAdapter(session.Item)
ANY_EVENT: TypeAdapter[WireModel] = TypeAdapter(turn.TurnEvent)

each_record = pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)


def sample(kind: Any, *, full: bool, first: bool = True) -> Any:
    """A value of an annotated type: with every optional field or with none, and the first or the last of a choice."""
    origin, args = get_origin(kind), get_args(kind)
    pick = 0 if first else -1
    if isinstance(kind, type) and issubclass(kind, Record):
        hints = get_type_hints(kind, include_extras=True, localns={"JsonObject": dict[str, Any], "JsonValue": Any})
        wanted = [field for field in msgspec.structs.fields(kind) if full or field.required]
        made = {field.name: sample(hints[field.name], full=full, first=first) for field in wanted}
        return kind(**made | ({"model": "openai/gpt-5"} if "model" in made else {}))
    match origin:
        case _ if origin is Annotated:
            return sample(args[0], full=full, first=first)
        case _ if origin is Literal:
            return args[pick]
        case _ if origin in (Union, types.UnionType):
            return sample([arg for arg in args if arg is not type(None)][pick], full=full, first=first)
        case _ if origin is tuple:
            return (sample(args[0], full=full, first=first),)
        case _ if origin is dict:
            return {"deep": [{"und_er": None, "größe": 1.5}]}
        case _:
            return {str: "openai", int: 7, float: 0.25, bool: True, Any: {"rows": [1, None, {"a_b": "c"}]}}[kind]


SAMPLES = [
    pytest.param(sample(record, full=full, first=first), id=f"{name}, {'all' if full else 'few'}, {first=}")
    for name, record in RECORDS.items()
    for full in (True, False)
    for first in (True, False)
]


@each_record
def test_every_record_has_a_wire_model_of_its_name_with_its_fields(record: type[Record]) -> None:
    model = WIRE[record.__name__]
    config = record.__struct_config__
    ours = {field.encode_name for field in msgspec.structs.fields(record)}
    theirs = {field.alias or name for name, field in model.model_fields.items()}
    assert ours | ({config.tag_field} if config.tag_field else set()) == theirs


@each_record
def test_a_field_may_be_left_out_of_a_record_where_the_wire_model_has_the_same_default(record: type[Record]) -> None:
    model = WIRE[record.__name__]
    for field in msgspec.structs.fields(record):
        theirs = model.model_fields[field.name]
        assert field.required == theirs.is_required(), field.name
        if not field.required:
            ours = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
            assert (list(ours) if isinstance(ours, tuple) else ours) == theirs.get_default(), field.name


@each_record
def test_a_tag_on_disk_is_the_one_on_the_wire(record: type[Record]) -> None:
    config = record.__struct_config__
    if config.tag_field is not None:
        assert get_args(WIRE[record.__name__].model_fields[config.tag_field].annotation) == (config.tag,)


@pytest.mark.parametrize("record", SAMPLES)
def test_R04_a_record_s_json_is_the_message_and_comes_back_unchanged(record: Record) -> None:
    text = record.to_json()
    model = WIRE[type(record).__name__].from_json(text)
    assert msgspec.json.decode(model.to_json(), type=type(record)) == record
    assert msgspec.json.decode(text, type=type(record)) == record


@pytest.mark.parametrize("record", SAMPLES)
def test_R30_a_record_fits_the_schema_that_clients_validate_against(record: Record) -> None:
    model = WIRE[type(record).__name__]
    schema = model_schema(model, "serialization")
    # What the daemon sends from records leaves defaults out.
    Draft202012Validator(schema).validate(json.loads(record.to_json()))


@pytest.mark.parametrize("record", [p for p in SAMPLES if isinstance(p.values[0], records.BaseItem)])
def test_any_item_is_known_by_its_kind(record: Record) -> None:
    text = record.to_json()
    assert type(ANY_ITEM.validate_json(text, strict=True)).__name__ == type(record).__name__
    assert records.ITEM_DECODER.decode(text) == record


@pytest.mark.parametrize("record", [p for p in SAMPLES if isinstance(p.values[0], records.Event)])
def test_any_event_is_known_by_its_type(record: Record) -> None:
    assert type(ANY_EVENT.validate_json(record.to_json(), strict=True)).__name__ == type(record).__name__
    turn.EventParams.from_json(b'{"event":' + record.to_json() + b"}")


def test_every_kind_of_item_attachment_and_event_is_in_both() -> None:
    for ours, theirs in (
        (records.Item, session.Item),
        (records.Attachment, session.Attachment),
        (records.TurnEvent, turn.TurnEvent),
    ):
        assert {kind.__name__ for kind in get_args(ours)} == {
            kind.__name__ for kind in get_args(get_args(theirs.__value__)[0])
        }


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (records.Mode, session.Mode),
        (records.StopReason, session.StopReason),
        (records.ToolClass, session.ToolClass),
        (records.Decision, approval.Decision),
        (records.ApprovalState, approval.State),
    ],
)
def test_every_named_choice_is_the_same_in_both(ours: Any, theirs: Any) -> None:
    if get_origin(theirs) is Annotated:
        theirs = get_args(theirs)[0]
    assert get_args(ours) == get_args(theirs)
