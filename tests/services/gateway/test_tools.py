"""Tools of models with and without tool calls of their own, and answers in JSON of a schema."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from ckit_daemon.core.errors import GenerationFailedError
from ckit_daemon.services.assistant.gateway import ModelCall, UnfitAnswerError, actions
from ckit_daemon.services.assistant.gateway.parsing import parse
from tests.support.gateways import Heard, ask, gateways
from tests.support.model_server import Reply, ToolCallReply, model_server

if TYPE_CHECKING:
    from pathlib import Path

    from langchain_core.messages import BaseMessage
    from langchain_core.messages.tool import ToolCall

    from ckit_daemon.core.json import JsonObject
    from tests.support.model_server_reply import Json
    from tests.support.model_server_wire import Kind

SEARCH: Json = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Find entities.",
        "parameters": {
            "type": "object",
            "properties": {
                "query": {"type": "string"},
                "types": {"type": "array", "items": {"$ref": "#/$defs/Type"}},
            },
            "required": ["query"],
            "$defs": {"Type": {"enum": ["feature", "task"]}},
        },
    },
}
CONVERSATION: list[BaseMessage] = [
    SystemMessage("Be brief."),
    HumanMessage("Find it"),
    AIMessage("", tool_calls=[{"name": "search", "args": {"query": "it"}, "id": "c1"}]),
    ToolMessage("Nothing.", tool_call_id="c1"),
    HumanMessage("Again"),
]
PERSON: JsonObject = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}


def calls(heard: Heard) -> list[ToolCall]:
    whole = heard.chunks[0]
    for chunk in heard.chunks[1:]:
        whole += chunk
    return whole.tool_calls


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["openai", "ollama"])
async def test_tool_calls_arrive_whole_and_apart(tmp_path: Path, kind: Kind) -> None:
    with model_server(kind) as server:
        wanted = [ToolCallReply("search", {"query": "a"}), ToolCallReply("search", {"query": "b", "types": ["task"]})]
        server.enqueue(Reply(text="Let me look.", tool_calls=wanted))
        async with gateways(tmp_path, {"test": server}) as built:
            heard = await ask(built.gateway, tools=[SEARCH])
        assert server.calls[0].body["tools"][0]["function"]["name"] == "search"
    assert heard.text == "Let me look."
    assert [(call["name"], call["args"]) for call in calls(heard)] == [
        ("search", {"query": "a"}),
        ("search", {"query": "b", "types": ["task"]}),
    ]
    assert heard.info.finish == "toolCalls"


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["openai", "ollama"])
async def test_a_model_without_tool_calls_chooses_a_tool_through_constrained_json(tmp_path: Path, kind: Kind) -> None:
    with model_server(kind) as server:
        server.enqueue(Reply(text='{"action": "search", "arguments": {"query": "locks"}}'))
        async with gateways(tmp_path, {"test": server}, provider={"toolMode": "schema"}) as built:
            heard = await ask(built.gateway, CONVERSATION, tools=[SEARCH])
        body = server.calls[0].body
    assert heard.error is None
    assert heard.text == ""
    assert [(call["name"], call["args"]) for call in calls(heard)] == [("search", {"query": "locks"})]
    assert heard.info.finish == "toolCalls"
    assert not body.get("tools")
    assert "search" in json.dumps(body["format"] if kind == "ollama" else body["response_format"])
    said = [(message["role"], message["content"]) for message in body["messages"]]
    assert [role for role, _ in said] == ["system", "user", "assistant", "user", "user"]
    assert said[0][1].startswith("Be brief.")
    assert "Find entities." in said[0][1]
    assert json.loads(said[2][1]) == {"action": "search", "arguments": {"query": "it"}}
    assert "Nothing." in said[3][1]


def rounds(*called: tuple[str, str]) -> list[BaseMessage]:
    """Runs of the search, each with a query and its result."""
    said: list[BaseMessage] = [HumanMessage("Find it")]
    for number, (query, result) in enumerate(called):
        identifier = f"c{number}"
        said.append(AIMessage("", tool_calls=[{"name": "search", "args": {"query": query}, "id": identifier}]))
        said.append(ToolMessage(result, tool_call_id=identifier))
    return said


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (rounds(("a", "1")), False),
        (rounds(("a", "1"), ("a", "1")), True),
        (rounds(("a", "1"), ("a", "1 (You have made this very call before.)")), True),
        (rounds(("a", "1"), ("a", "2")), False),
        (rounds(("a", "1"), ("b", "1")), False),
        (rounds(("a", "1"), ("b", "1"), ("a", "1")), False),
        (rounds(("a", "1"), ("b", "1"), ("a", "1"), ("b", "1"), ("a", "1")), True),
        ([*rounds(("a", "1"), ("a", "1")), HumanMessage("Again")], False),
    ],
)
def test_going_round_in_circles_is_to_do_the_same_again_with_the_same_result(
    messages: list[BaseMessage], expected: bool
) -> None:
    assert actions.goes_round(messages) is expected


@pytest.mark.asyncio
async def test_a_model_that_goes_round_in_circles_can_only_answer(tmp_path: Path) -> None:
    with model_server() as server:
        server.respond = lambda _: Reply(text='{"action": "answer", "text": "Here."}')
        async with gateways(tmp_path, {"test": server}, provider={"toolMode": "schema"}) as built:
            await ask(built.gateway, rounds(("a", "1")), tools=[SEARCH])
            heard = await ask(built.gateway, rounds(("a", "1"), ("a", "1")), tools=[SEARCH])
        free, bound = (call.body["response_format"]["json_schema"]["schema"]["anyOf"] for call in server.calls)
    assert heard.text == "Here."
    assert [choice["properties"]["action"]["const"] for choice in free] == ["answer", "search"]
    assert [choice["properties"]["action"]["const"] for choice in bound] == ["answer"]


@pytest.mark.asyncio
async def test_the_text_of_a_constrained_answer_streams_while_it_is_written(tmp_path: Path) -> None:
    chunks = ['{"action"', ': "answer", ', '"text": "He', "llo", ' \\"you', '\\" there', '"}']
    with model_server() as server:
        server.enqueue(Reply(chunks=chunks))
        async with gateways(tmp_path, {"test": server}, provider={"toolMode": "schema"}) as built:
            heard = await ask(built.gateway, tools=[SEARCH])
    assert heard.text == 'Hello "you" there'
    assert [chunk.text for chunk in heard.chunks if chunk.text][:2] == ["He", "llo"]
    assert calls(heard) == []
    assert heard.info.finish == "stop"


@pytest.mark.asyncio
async def test_a_constrained_choice_that_is_no_json_fails_and_a_cut_one_says_that_it_was_cut(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(Reply(text='{"action": "search", "argu'), Reply(text='{"action": "sea', finish="length"))
        async with gateways(tmp_path, {"test": server}, provider={"toolMode": "schema"}) as built:
            heard = await ask(built.gateway, tools=[SEARCH])
            assert isinstance(heard.error, GenerationFailedError)
            heard = await ask(built.gateway, tools=[SEARCH])
            assert heard.error is None
            assert heard.info.finish == "length"


@pytest.mark.asyncio
async def test_the_mode_of_a_model_counts_more_than_that_of_its_provider_and_none_sends_no_tools(
    tmp_path: Path,
) -> None:
    options = {"toolMode": "schema", "models": {"scripted": {"toolMode": "none"}}}
    with model_server() as server:
        async with gateways(tmp_path, {"test": server}, provider=options) as built:
            heard = await ask(built.gateway, CONVERSATION, tools=[SEARCH])
        body = server.calls[0].body
    assert heard.text == "Again"
    assert "tools" not in body
    assert "response_format" not in body
    assert {message["role"] for message in body["messages"]} == {"system", "user", "assistant"}


@pytest.mark.asyncio
async def test_each_model_of_the_chain_uses_tools_in_its_own_way(tmp_path: Path) -> None:
    with model_server() as first, model_server() as second:
        first.respond = lambda _: Reply(status=404)
        second.enqueue(Reply(text='{"action": "search", "arguments": {"query": "x"}}'))
        async with gateways(
            tmp_path,
            {"first": first, "second": second},
            provider={"models": {"scripted-b": {"toolMode": "schema"}}},
            fallbacks=["second/scripted-b"],
        ) as built:
            heard = await ask(built.gateway, tools=[SEARCH])
        assert "tools" in first.calls[0].body
        assert "tools" not in second.calls[0].body
    assert [call["name"] for call in calls(heard)] == ["search"]


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["openai", "ollama"])
async def test_a_structured_answer_is_constrained_and_checked(tmp_path: Path, kind: Kind) -> None:
    with model_server(kind) as server:
        server.enqueue(Reply(text='{"name": "Mei", "age": 7}', usage=(20, 9)))
        async with gateways(tmp_path, {"test": server}) as built:
            found = await built.gateway.structured(ModelCall(), [HumanMessage("Who?")], PERSON, "person")
        sent = json.dumps(server.calls[0].body)
    assert found.value == {"name": "Mei", "age": 7}
    assert found.info.usage.output_tokens == 9
    assert '"age"' in sent


@pytest.mark.asyncio
async def test_an_unfit_structured_answer_says_what_is_wrong_and_what_it_took(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(Reply(text='{"name": 5}', usage=(20, 9), finish="length"))
        async with gateways(tmp_path, {"test": server}) as built:
            with pytest.raises(UnfitAnswerError) as caught:
                await built.gateway.structured(ModelCall(), [HumanMessage("Who?")], PERSON, "person")
    error = caught.value
    assert error.code == "generation_failed"
    assert error.text == '{"name": 5}'
    assert error.info.usage.input_tokens == 20
    assert any(problem.startswith("name:") for problem in error.problems)
    assert any("age" in problem for problem in error.problems)
    assert any("cut" in problem for problem in error.problems)
    assert error.details["problems"] == error.problems


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Mei", "age": 7}',
        'Here you are:\n```json\n{"name": "Mei", "age": 7}\n```\nAnything else?',
        'First a wrong one:\n```\n{"name": "Mei"}\n```\nthen\n```json\n{"name": "Mei", "age": 7}\n```',
        '```JSON\r\n{"name": "Mei", "age": 7}\r\n```',
        '```json\n{"name": "Mei", "age": 7}',
        'She is {"name": "Mei", "age": 7}, I believe.',
        'By the {rules}: {"name": "Mei", "age": 7}',
    ],
)
def test_json_is_found_wherever_the_model_has_put_it(text: str) -> None:
    assert parse(text, PERSON) == ({"name": "Mei", "age": 7}, [])


NONE = [
    "",
    "no JSON",
    "{",
    "[[[[" * 50_000,
    '{"name": ',
    'So: {"age": 1180591620717411303424}',
    r'So: {"name": "\ud83c"}',
]


@pytest.mark.parametrize("text", NONE)
def test_an_answer_without_json_is_told_to_have_none(text: str) -> None:
    assert parse(text, PERSON) == (None, ["There is no JSON in the answer."])


def test_the_value_that_comes_closest_is_the_one_whose_problems_are_told() -> None:
    value, problems = parse('```json\n{"age": "x"}\n```\n```json\n{"name": "Mei"}\n```', PERSON)
    assert value == {"name": "Mei"}
    assert len(problems) == 1


def test_an_action_is_an_answer_or_a_tool_with_its_own_arguments_and_everything_has_a_bound() -> None:
    schema = actions.schema([SEARCH])
    valid = jsonschema_rs.validator_for(schema).is_valid
    assert valid({"action": "answer", "text": "Hi"})
    assert valid({"action": "search", "arguments": {"query": "x", "types": ["task"]}})
    assert not valid({"action": "search", "arguments": {"query": "x", "types": ["spec"]}})
    assert not valid({"action": "search", "arguments": {}})
    assert not valid({"action": "other", "arguments": {}})
    assert not valid({"action": "answer", "text": "x" * 5000})
    assert not valid({"action": "search", "arguments": {"query": "x" * 5000}})
    assert not valid({"action": "search", "arguments": {"query": "x", "types": ["task"] * 50}})


@pytest.mark.parametrize("choice", ["required", "any", "search", {"type": "function", "function": {"name": "search"}}])
def test_where_a_tool_is_required_there_is_no_room_for_an_answer(choice: str | JsonObject) -> None:
    valid = jsonschema_rs.validator_for(actions.schema([SEARCH], choice)).is_valid
    assert not valid({"action": "answer", "text": "Hi"})
    assert valid({"action": "search", "arguments": {"query": "x"}})
