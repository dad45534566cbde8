"""Reads the facts of a request: what composers and generators need of entities whose form nobody guarantees."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ckit_daemon.core.json import JsonObject, JsonValue

_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n\s*\n")
MAX_TITLE: Final = 100


def mappings(value: JsonValue) -> list[JsonObject]:
    """The mappings in a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts(value: JsonValue) -> list[str]:
    """The texts in a list, or the text itself, each in one line."""
    items = value if isinstance(value, list) else [value]
    return [" ".join(item.split()) for item in items if isinstance(item, str) and item.strip()]


def text(holder: JsonObject, *keys: str) -> str:
    """The first of some fields that holds a text, in one line; ''."""
    return next((found[0] for key in keys if (found := texts(holder.get(key)))), "")


def of_type(facts: JsonObject, *types: str) -> list[JsonObject]:
    """The entities of some types among the facts."""
    return [entity for entity in mappings(facts.get("entities")) if entity.get("type") in types]


def data_of(entity: JsonObject) -> JsonObject:
    """The fields of an entity among the facts."""
    data = entity.get("data")
    return data if isinstance(data, dict) else {}


def criteria(facts: JsonObject) -> list[tuple[str, str]]:
    """Every acceptance criterion among the facts, with the id of the entity that has it, each once."""
    found: dict[str, str] = {}
    for entity in of_type(facts, "userstory", "feature", "spec"):
        for key in ("acceptanceCriteria", "acceptance"):
            for criterion in texts(data_of(entity).get(key)):
                found.setdefault(criterion, str(entity.get("id")))
    return list(found.items())


def story_sentence(entity: JsonObject) -> str:
    """A user story in its usual sentence."""
    data = data_of(entity)
    reason = text(data, "soThat")
    want = text(data, "iWant", "title")
    return f"As a {text(data, 'asA') or 'user'}, I want {want}{f', so that {reason}' if reason else ''}"


def short_title(sentences: str) -> str:
    """The beginning of a text as a title: its first sentence, cut at a word."""
    first = " ".join(_SENTENCE.split(sentences.strip(), maxsplit=1)[0].split()).rstrip(".!?:;,")
    if len(first) > MAX_TITLE:
        first = first[:MAX_TITLE].rsplit(" ", 1)[0].rstrip(".!?:;,") + "…"
    return first[:1].upper() + first[1:]


def split_sentences(value: str) -> list[str]:
    """The sentences of a text, each in one line."""
    return [" ".join(part.split()) for part in _SENTENCE.split(value) if part.strip()]
