"""Entities composed from facts: what the type's schema demands, filled with the request and with what siblings have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import jsonschema_rs
import orjson

from ckit_daemon.services.generation.facts import mappings, short_title, split_sentences, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckit_daemon.core.json import JsonObject, JsonValue

_BEGINNINGS: Final = ("draft", "proposed", "todo", "planned", "open", "new")
_TITLES: Final = frozenset({"title", "name"})
_TEXTS: Final = frozenset({"summary", "description", "objective", "content", "details", "purpose", "soThat"})
_LISTS: Final = frozenset({"acceptanceCriteria", "acceptance", "doneCriteria", "steps"})


def compose_entity(facts: JsonObject) -> str:
    """An entity as JSON, without an id."""
    schema = facts.get("schema")
    definition: JsonObject = schema if isinstance(schema, dict) else {}
    siblings = mappings(facts.get("siblings"))
    request = text(facts, "request")
    properties = definition.get("properties")
    known: JsonObject = properties if isinstance(properties, dict) else {}
    required = _names(definition.get("required"))
    entity: JsonObject = {}
    for key in dict.fromkeys([*required, *known]) if known or required else ("title", "description"):
        rules = known.get(key)
        wanted = key in required or key in _TITLES or key in _TEXTS or key in _LISTS or key == "status"
        if key != "id" and wanted:
            value = next(_candidates(key, rules if isinstance(rules, dict) else {}, request, siblings), None)
            if value is not None:
                entity[key] = value
    links = facts.get("links")
    _merge(entity, links if isinstance(links, dict) else {})
    return orjson.dumps(entity, option=orjson.OPT_INDENT_2).decode()


def _candidates(key: str, rules: JsonObject, request: str, siblings: list[JsonObject]) -> Iterator[JsonValue]:
    """Yield what a field could hold, the best first, as far as it fits the field's rules."""
    taken = (sibling[key] for sibling in siblings if sibling.get(key) not in (None, "", [], {}))
    for value in (*_made_up(key, rules, request, siblings), *taken, request):
        if "$ref" in rules or jsonschema_rs.is_valid(rules, value, validate_formats=True):
            yield value


def _made_up(key: str, rules: JsonObject, request: str, siblings: list[JsonObject]) -> Iterator[JsonValue]:
    options = rules.get("enum")
    if isinstance(options, list):
        yield from (option for option in _BEGINNINGS if option in options)
        yield from options[:1]
        return
    if "const" in rules or "default" in rules:
        yield rules.get("const", rules.get("default"))
    match rules.get("type"):
        case "array":
            yield from _made_up_list(key, rules, request, siblings)
        case "object":
            yield {
                name: value
                for name in _names(rules.get("required"))
                if (value := next(_candidates(name, _at(rules, "properties", name), request, []), None)) is not None
            }
        case "boolean":
            yield False
        case "integer" | "number":
            yield rules.get("minimum", 1)
        case _:
            if key in _TITLES:
                yield short_title(request)
            elif key == "iWant":
                wish = short_title(request)
                yield f"to {wish[:1].lower()}{wish[1:]}".replace("to to ", "to ")
            elif key in _TEXTS:
                yield request


def _made_up_list(key: str, rules: JsonObject, request: str, siblings: list[JsonObject]) -> Iterator[JsonValue]:
    items = _at(rules, "items")
    if items.get("type", "string") == "string" and "pattern" not in items and "enum" not in items:
        sentences: list[JsonValue] = [*split_sentences(request)]
        if key == "doneCriteria" and siblings:
            # What every sibling demands is a rule of the house.
            shared = [item for item in _list(siblings[0], key) if all(item in _list(each, key) for each in siblings)]
            sentences += shared
        yield sentences
        yield [*sentences, *sentences[:1]]
    yield []


def _list(holder: JsonObject, key: str) -> list[JsonValue]:
    value = holder.get(key)
    return value if isinstance(value, list) else []


def _names(value: JsonValue) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _at(rules: JsonObject, *keys: str) -> JsonObject:
    current = rules
    for key in keys:
        found = current.get(key)
        current = found if isinstance(found, dict) else {}
    return current


def _merge(target: JsonObject, source: JsonObject) -> None:
    for key, value in source.items():
        present = target.get(key)
        if isinstance(value, dict) and isinstance(present, dict):
            _merge(present, value)
        else:
            target[key] = value
