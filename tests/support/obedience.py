"""A model that does what the person's words say, step by step, however often it is asked again.

"Do: read; append 7 T-001; say 5" makes it call two tools, one after the other, and then say five words; where nothing
is ordered, it is asked for a summary. What it answers follows from the conversation that it is sent and from nothing
else, so that an interrupted turn can go on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.support.model_server_reply import Reply, ToolCallReply

if TYPE_CHECKING:
    from tests.support.client import Json

ORDER = "Do: "
MARK = re.compile(r"Mark[ -](\d+)( as edited)?")
"""What a change leaves behind, so that one can see whether it was made, how often, and as whom it pleased."""
GAP_SECONDS = 0.002


def obey(body: Json) -> Reply:
    """Answer a request for a model."""
    messages: list[Json] = body["messages"]
    orders = [at for at, message in enumerate(messages) if message["role"] == "user" and ORDER in message["content"]]
    if not orders:
        return Reply(text="It was all done as it was ordered.", gap=GAP_SECONDS)
    at = orders[-1]
    steps = steps_of(messages[at]["content"])
    done = sum(1 for message in messages[at:] if message["role"] == "assistant" and message.get("tool_calls"))
    if done < len(steps) - 1:
        return Reply(text=f"Step {done}.", tool_calls=_calls(steps[done]), gap=GAP_SECONDS)
    number, seconds = (*steps[-1].split()[1:], str(GAP_SECONDS))[:2]
    return Reply(text=" ".join(f"word{each}" for each in range(int(number))), gap=float(seconds))


def steps_of(text: str) -> list[str]:
    """The steps of the last order in a text."""
    order = text[text.rindex(ORDER) + len(ORDER) :].splitlines()[0]
    return order.split("; ")


def arguments_of(step: str) -> tuple[str, Json]:
    """The tool of a step, by the name that people know, and its arguments."""
    match step.split():
        case ["read"]:
            return "entity.details", {"id": "FEAT-001"}
        case ["check"]:
            return "pipeline.validate", {}
        case ["look"]:
            return "weather", {"town": "Bern"}
        case ["send", number]:
            return "send", {"town": f"Mark {number}"}
        case ["script", number]:
            return "pipeline.script", {"name": "mark", "args": [f"Mark-{number}"]}
        case ["append", number, task]:
            change = {"path": ["notes"], "op": "append", "value": f"Mark {number}"}
            return "entity.edit", {"action": "update", "id": task, "changes": [change]}
        case ["create", number, feature]:
            data = {"title": f"Mark {number}", "status": "todo", "related": {"feature": feature}}
            return "entity.edit", {"action": "create", "type": "task", "data": data}
        case _:
            raise AssertionError(step)


def _calls(step: str) -> list[ToolCallReply]:
    asked = [arguments_of(each) for each in step.split(" + ")]
    return [ToolCallReply(name.replace(".", "_"), arguments) for name, arguments in asked]
