"""A whole session as one text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from ckit_daemon.services.assistant.records import (
    ApprovalItem,
    AssistantMessage,
    Compaction,
    EntityAttachment,
    ErrorItem,
    Item,
    Reasoning,
    SelectionAttachment,
    ToolCall,
    UsageItem,
    UserMessage,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckit_daemon.services.assistant.ports import Transcript
    from ckit_daemon.services.assistant.records import Attachment, Turn, Usage

_MIN_FENCE: Final = 3


def to_json(transcript: Transcript) -> str:
    """The session with its turns and items, as `ckit/session/get` returns them."""
    content = {"session": transcript.session, "turns": transcript.turns, "items": transcript.items}
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n"


def to_markdown(transcript: Transcript) -> str:
    """The session for people: what was said and done, turn by turn, and what it took."""
    return "\n\n".join(_lines(transcript)).rstrip() + "\n"


def _lines(transcript: Transcript) -> Iterator[str]:
    session = transcript.session
    yield f"# {session.title or 'Untitled session'}"
    yield (
        f"Session {session.id} about the repository {session.repository}, mode {session.mode}, "
        f"begun {session.created_at}, last used {session.updated_at}. Altogether: {_usage(session.usage)}."
    )
    for turn in transcript.turns:
        yield f"## Turn {turn.number}"
        for item in transcript.items:
            if item.turn_id == turn.id:
                yield from _item(item)
        yield f"*{_end(turn)}*"


def _item(item: Item) -> Iterator[str]:
    match item:
        case UserMessage():
            yield "### Person, meanwhile" if item.steering else "### Person"
            yield _fenced(item.text)
            if item.attachments:
                yield "Attached: " + ", ".join(_attachment(each) for each in item.attachments)
        case AssistantMessage():
            marks = [item.provider, item.model, *(["from the cache"] if item.cached else []), *_unfinished(item)]
            yield f"### Assistant ({', '.join(marks)})"
            yield item.text
            if item.note:
                yield f"*{item.note}*"
        case Reasoning():
            yield "### Reasoning"
            yield item.text
        case ToolCall():
            yield f"### Tool {item.name}: {item.result or item.status}"
            yield _fenced(msgspec.json.encode(item.arguments).decode(), "json")
            if item.text:
                yield _fenced(item.text)
        case ApprovalItem():
            yield f"### Approval: {item.state}"
            yield f"{item.title}{f' ({item.decision})' if item.decision else ''}"
        case ErrorItem():
            yield f"### Error {item.failure.code}"
            yield item.failure.message
        case Compaction():
            yield "### Summary of everything before"
            yield item.text
        case UsageItem():
            yield f"Usage: {_usage(item.usage)}."


def _unfinished(item: Item) -> list[str]:
    return [] if item.status == "completed" else [item.status]


def _attachment(attachment: Attachment) -> str:
    if isinstance(attachment, EntityAttachment):
        return f"`{attachment.id}`"
    if isinstance(attachment, SelectionAttachment):
        return f"`{attachment.path}`, lines {attachment.start_line + 1} to {attachment.end_line + 1}"
    return f"`{attachment.path}`"


def _end(turn: Turn) -> str:
    reason = turn.stop_reason or turn.status
    failure = f": {turn.failure.message}" if turn.failure else ""
    return f"Ended with {reason}{failure}" if turn.status != "running" else "It is running"


def _usage(usage: Usage) -> str:
    counts = f"{usage.input_tokens} tokens in, {usage.output_tokens} out"
    cost = "" if usage.cost is None else f", ${usage.cost:.4f}"
    return counts + cost + (", estimated" if usage.estimated else "")


def _fenced(text: str, language: str = "text") -> str:
    """The text as it is; the fence is longer than any in it."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(_MIN_FENCE, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
