"""Tools for models that have no tool calls of their own: they choose an action by answering constrained JSON.

An action is `{"action": "answer", "text": ...}` or `{"action": "<tool>", "arguments": {...}}`. Every text and list has
a bound, because a small model that may write on does so until it has no room left.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, cast

import orjson
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.utils.json_schema import dereference_refs
from pydantic_core import from_json

from ckit_daemon.core.errors import GenerationFailedError
from ckit_daemon.services.assistant.gateway.calls import CallDelta, Delta

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import BaseMessage

    from ckit_daemon.core.json import JsonObject, JsonValue

ANSWER: Final = "answer"
MAX_TEXT: Final = 2000
"""Characters of an answer; llama.cpp's grammars allow no longer repetitions."""
MAX_STRING: Final = 300
MAX_ITEMS: Final = 8

RULES: Final = """You can use tools. Reply with one JSON object and nothing else:
{"action": "answer", "text": "..."} to say something to the person, or
{"action": "<tool>", "arguments": {...}} to use a tool; its result comes in the next message.
The tools:
"""


def schema(tools: Sequence[JsonObject], tool_choice: JsonValue = None) -> JsonObject:
    """Return the JSON Schema of an action.

    Args:
        tools: the tools in OpenAI's format.
        tool_choice: OpenAI's; `required`, `any` or a tool's name leave no room for an answer.
    """
    must = tool_choice not in (None, "auto", "none")
    wanted = _wanted(tool_choice)
    choices: list[JsonValue] = [] if must else [_choice(ANSWER, "text", {"type": "string", "maxLength": MAX_TEXT})]
    if tool_choice != "none":
        choices += [
            _choice(name, "arguments", parameters)
            for name, _, parameters in map(_function, tools)
            if wanted in (None, name)
        ]
    return {"anyOf": choices}


def goes_round(messages: Sequence[BaseMessage]) -> bool:
    """Whether the model calls tools again and again as it did before, with the same results.

    Small models don't find out of that by themselves. Twice in a row is enough, and three times in between others.
    """
    rounds: list[tuple[str, str]] = []
    for message in messages:
        if isinstance(message, HumanMessage):
            rounds = []
        elif isinstance(message, AIMessage) and message.tool_calls:
            rounds.append((json.dumps([[call["name"], call["args"]] for call in message.tool_calls]), ""))
        elif isinstance(message, ToolMessage) and rounds:
            calls, results = rounds[-1]
            rounds[-1] = calls, results + message.text
    if not rounds:
        return False
    calls, results = rounds[-1]
    # What a result says may have grown by a word about the repetition.
    same = [results.startswith(other_results) and calls == other for other, other_results in rounds[:-1]]
    return bool(same) and (same[-1] or sum(same) > 1)


def describe(messages: Sequence[BaseMessage], tools: Sequence[JsonObject]) -> list[BaseMessage]:
    """Return a conversation, flattened already, with a description of the tools and how to choose one."""
    lines = [
        f"- {name}: {description} Arguments: {json.dumps(parameters.get('properties', {}))}"
        for name, description, parameters in map(_function, tools)
    ]
    rules = RULES + "\n".join(lines)
    if messages and isinstance(messages[0], SystemMessage):
        return [SystemMessage(f"{messages[0].text}\n\n{rules}"), *messages[1:]]
    return [SystemMessage(rules), *messages]


def flatten(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return a conversation without tool messages, for models that know none."""
    names: dict[str, str] = {}
    plain: list[BaseMessage] = []
    for message in messages:
        if isinstance(message, AIMessage) and message.tool_calls:
            names |= {call["id"] or "": call["name"] for call in message.tool_calls}
            actions = [{"action": call["name"], "arguments": call["args"]} for call in message.tool_calls]
            text = [message.text] if message.text else []
            plain.append(AIMessage("\n".join([*text, *map(json.dumps, actions)])))
        elif isinstance(message, ToolMessage):
            plain.append(HumanMessage(f"Result of {names.get(message.tool_call_id, 'the tool')}:\n{message.text}"))
        else:
            plain.append(message)
    return plain


class ActionReader:
    """Reads an action while it is written: the text of an answer at once, a tool call when it is whole."""

    def __init__(self) -> None:
        self._written = ""
        self._said = ""

    def read(self, text: str) -> Delta | None:
        """Take more of the action's JSON; return what it adds to an answer."""
        self._written += text
        try:
            partial: object = from_json(self._written, allow_partial="trailing-strings")
        except ValueError:
            return None
        action = cast("JsonObject", partial) if isinstance(partial, dict) else {}
        said = action.get("text")
        if action.get("action") != ANSWER or not isinstance(said, str) or len(said) <= len(self._said):
            return None
        more, self._said = said[len(self._said) :], said
        return Delta(text=more)

    def end(self) -> Delta | None:
        """Return the tool call that was chosen, if it was one.

        Raises:
            GenerationFailedError: what was written is neither an answer nor the whole choice of a tool.
        """
        if self._said:
            return None
        try:
            action: object = orjson.loads(self._written)
        except ValueError:
            action = None
        chosen = cast("JsonObject", action) if isinstance(action, dict) else {}
        name, arguments = chosen.get("action"), chosen.get("arguments")
        if name == ANSWER:
            return None
        if not isinstance(name, str) or not isinstance(arguments, dict):
            raise GenerationFailedError(
                "The model chose no tool that could be understood. Ask again, or use a larger model.",
                details={"length": len(self._written)},
            )
        return Delta(calls=(CallDelta(0, "", name, orjson.dumps(arguments).decode()),))


def bounded(part: JsonValue) -> JsonValue:
    """Return a JSON Schema in which every text and list has an end."""
    if isinstance(part, list):
        return [bounded(each) for each in part]
    if not isinstance(part, dict):
        return part
    found: JsonObject = {
        key: value if key in {"enum", "const", "default", "examples", "required"} else bounded(value)
        for key, value in part.items()
    }
    if found.get("type") == "string" and not found.keys() & {"enum", "const", "maxLength", "format", "pattern"}:
        found["maxLength"] = MAX_STRING
    if found.get("type") == "array" and "maxItems" not in found:
        found["maxItems"] = MAX_ITEMS
    return found


def _choice(name: str, key: str, value: JsonObject) -> JsonObject:
    return {
        "type": "object",
        "properties": {"action": {"const": name}, key: value},
        "required": ["action", key],
        "additionalProperties": False,
    }


def _function(tool: JsonObject) -> tuple[str, str, JsonObject]:
    function = cast("JsonObject", tool.get("function") or {})
    parameters = cast("JsonObject", function.get("parameters") or {"type": "object", "properties": {}})
    # References would point to the wrong place once the schema is a part of another one.
    whole = {key: value for key, value in dereference_refs(parameters).items() if key != "$defs"}
    return str(function.get("name")), str(function.get("description") or ""), cast("JsonObject", bounded(whole))


def _wanted(tool_choice: JsonValue) -> str | None:
    if isinstance(tool_choice, dict):
        return str(cast("JsonObject", tool_choice.get("function") or {}).get("name"))
    if isinstance(tool_choice, str) and tool_choice not in {"auto", "none", "any", "required"}:
        return tool_choice
    return None
