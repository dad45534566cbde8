"""What was said so far, as a model gets it: rebuilt from the items on disk, which are the only truth.

There is no checkpoint of the agent beside them, so a restart, a fork and a replay all see the same conversation.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, cast

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage, merge_message_runs

from ckit_daemon.services.assistant.fencing import fence
from ckit_daemon.services.assistant.records import AssistantMessage, Compaction, ToolCall, UserMessage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from langchain_core.messages import BaseMessage

    from ckit_daemon.services.assistant.records import Item

SUMMARY: Final = "This is a summary of the conversation so far; the messages themselves are no longer here.\n\n{text}"
UNFINISHED: Final = "This run was ended before it had a result."
UNKNOWN: Final = (
    "The daemon was stopped while this ran, so whether it took effect is not known. Look before you do it again."
)


def current(items: Sequence[Item]) -> Sequence[Item]:
    """Return the items that still count: the last summary that was finished, and what followed."""
    for at in range(len(items) - 1, -1, -1):
        if isinstance(items[at], Compaction) and items[at].status == "completed":
            return items[at:]
    return items


def to_messages(
    items: Sequence[Item], *, names: Mapping[str, str] | None = None, attached: Mapping[str, str] | None = None
) -> list[BaseMessage]:
    """Return a conversation as messages for a model.

    Args:
        items: all items of a session, in the order of their beginning.
        names: the names that tools have for the model, by their own.
        attached: the text of what the person pointed at, by the item of their message.

    Returns:
        Messages in which each tool call is followed by its result, and no two of the same kind follow each other, as
        providers demand.
    """
    items = current(items)
    calls: defaultdict[str | None, list[ToolCall]] = defaultdict(list)
    for item in items:
        if isinstance(item, ToolCall):
            calls[item.message_id].append(item)
    messages: list[BaseMessage] = []
    for item in items:
        match item:
            case Compaction() if item.status == "completed":
                messages.append(HumanMessage(SUMMARY.format(text=fence(item.text, "summary"))))
            case UserMessage():
                more = (attached or {}).get(item.id)
                messages.append(HumanMessage(f"{item.text}\n\n{more}" if more else item.text))
            case AssistantMessage():
                messages += _answer(item, calls[item.id], names or {})
            case _:
                # Thoughts, approvals, usage and errors are for people; results come with the call.
                pass
    return merge_message_runs(messages)


def result_text(call: ToolCall) -> str:
    """Return what the model reads of a call."""
    if call.result is not None or call.text:
        return call.text
    return UNKNOWN if call.status == "interrupted" and call.tool_class != "read" else UNFINISHED


def unanswered(items: Iterable[Item], turn_id: str) -> list[ToolCall]:
    """Return the calls of a turn that have no result."""
    return [item for item in items if isinstance(item, ToolCall) and item.turn_id == turn_id and item.result is None]


def without_torn_end(items: Sequence[Item], turn_id: str) -> Sequence[Item]:
    """Return the items without an answer that broke off at the end of an interrupted turn: it is given anew."""
    last = next((at for at in range(len(items) - 1, -1, -1) if isinstance(items[at], AssistantMessage)), None)
    if last is None or items[last].turn_id != turn_id or items[last].status == "completed":
        return items
    return [*items[:last], *items[last + 1 :]]


def _answer(item: AssistantMessage, calls: Sequence[ToolCall], names: Mapping[str, str]) -> list[BaseMessage]:
    if not item.text and not calls:
        return []
    asked = AIMessage(
        item.text,
        tool_calls=[
            {"type": "tool_call", "id": call.id, "name": _model_name(call.name, names), "args": call.arguments}
            for call in calls
        ],
    )
    results: list[BaseMessage] = [
        ToolMessage(
            result_text(call),
            tool_call_id=call.id,
            name=_model_name(call.name, names),
            artifact=call.output,
            status="success" if call.result == "ok" else "error",
        )
        for call in calls
    ]
    return [asked, *results]


def _model_name(name: str, names: Mapping[str, str]) -> str:
    # A tool that is gone since keeps a name that providers take.
    return names.get(name) or name.replace(".", "_")


def text_of(messages: Iterable[BaseMessage]) -> str:
    """Return all that messages hold as one text, to count its tokens or to summarize it."""
    lines: list[str] = []
    for message in messages:
        lines.append(f"{message.type}: {message.text}")
        if isinstance(message, AIMessage):
            calls = cast("list[dict[str, object]]", message.tool_calls)
            lines += [f"calls {call['name']} with {call['args']}" for call in calls]
    return "\n\n".join(lines)
