"""What the model is given: the person's last message, and what the tools have said since."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from ckit_daemon.services.assistant.history import SUMMARY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import BaseMessage

    from ckit_daemon.core.json import JsonObject, JsonValue

_FENCED: Final = re.compile(r'<data-([0-9a-f]+) source="[^"\n]*">\n(.*?)\n</data-\1>', re.DOTALL)
"""What `services.assistant.fencing.fence` makes."""
_HEADING: Final = SUMMARY.partition("{text}")[0].strip()
"""Stands before a summary, which the person's next message is joined to."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one tool run said."""

    tool: str
    """Its name as the model knows it."""
    arguments: JsonObject
    failed: bool
    text: str
    """As every model reads it."""
    output: JsonValue
    """As programs read it; None where only the text is known."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """The open part of a conversation."""

    request: str
    """The person's own words, without what they attached."""
    task: str | None
    """What is to be generated, where this is no conversation."""
    material: JsonObject
    """What to generate it from."""
    results: tuple[Result, ...]
    mode: str = "general"
    """How the assistant takes its part in the conversation."""


def canonical(name: str) -> str:
    """Return a tool's name in a form that does not depend on who gave it: `a.b-c`, `a_b-c` and `a_b_c` are one."""
    return name.replace("_", ".").replace("-", ".")


def read(messages: Sequence[BaseMessage]) -> Exchange:
    """Return the last message of a person with the tool runs after it."""
    last = max((at for at, message in enumerate(messages) if isinstance(message, HumanMessage)), default=-1)
    if last < 0:
        return Exchange("", None, {}, ())
    asked = _told(messages[last])
    task, material = asked.get("task"), asked.get("material")
    mode = _told(messages[0]).get("mode")
    return Exchange(
        mode=mode if isinstance(mode, str) else "general",
        request=_FENCED.sub("", messages[last].text).strip().removeprefix(_HEADING).strip(),
        task=task if isinstance(task, str) else None,
        material=material if isinstance(material, dict) else {},
        results=tuple(_results(messages[last + 1 :])),
    )


def _told(message: BaseMessage) -> JsonObject:
    """What a message holds for this provider alone."""
    return cast("JsonObject", cast("dict[str, object]", message.additional_kwargs).get("ckit") or {})


def _results(messages: Sequence[BaseMessage]) -> Sequence[Result]:
    calls = {call["id"]: call for message in messages if isinstance(message, AIMessage) for call in message.tool_calls}
    return [
        Result(
            tool=call["name"],
            arguments=cast("JsonObject", call["args"]),
            failed=message.status == "error",
            text=_FENCED.sub(r"\2", message.text),
            output=cast("JsonValue", message.artifact),
        )
        for message in messages
        if isinstance(message, ToolMessage) and (call := calls.get(message.tool_call_id))
    ]
