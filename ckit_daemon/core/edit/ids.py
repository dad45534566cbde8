"""Ids of entities: which are allowed, and which one a new entity gets."""

from __future__ import annotations

import re
from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple

import jsonschema_rs

from ckit_daemon.core.edit.scalars import is_plain
from ckit_daemon.core.errors import AlreadyExistsError, InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.core.snapshot import Snapshot

MAX_ID_LENGTH: Final = 120
_MAX_SLUG: Final = 60
_SHAPE: Final = re.compile(r"[^\W_](?:[\w.-]*\w)?")
_WORD: Final = re.compile(r"[^\W_]+")
_EDGE: Final = re.compile(r"[-.]")
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file: an id becomes the name of a file.
_DEVICES: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
_NUMBERED_PATTERN: Final = re.compile(
    r"\^?(?P<prefix>(?:[A-Za-z0-9_-]|\\[-._])*?)(?:\[0-9\]|\\d)(?:\{(?P<width>\d+)(?:,\d*)?\}|[+*])?\$?"
)
_NUMBERED_ID: Final = re.compile(r"(?P<prefix>.*\D)(?P<number>[0-9]+)")
_NUMBERED_TYPES: Final = {"feature": "FEAT-", "userstory": "US-", "spec": "SPEC-", "task": "T-"}
_NAME_PREFIXES: Final = {"service": "svc-", "package": "pkg-"}
_LITERAL_PREFIX: Final = re.compile(r"\^([A-Za-z0-9_]+-)")
_MAX_DIGITS: Final = 18
_ID_KEYWORDS: Final = ("pattern", "minLength", "maxLength", "enum")


class Numbering(NamedTuple):
    """Ids that count: what stands before the number, and the digits that it has at least."""

    prefix: str
    width: int


def slug(text: str) -> str:
    """A title as a part of a file name: lower case, words joined by hyphens, at most 60 characters."""
    words = _WORD.findall(text.lower())
    joined = ""
    for word in words:
        if len(joined) + len(word) >= _MAX_SLUG:
            break
        joined = f"{joined}-{word}" if joined else word
    return joined or (words[0][:_MAX_SLUG] if words else "")


def check_id(snapshot: Snapshot, entity_type: str, identifier: str) -> None:
    """Make sure that an entity of this type may have this id.

    Raises:
        InvalidArgumentError: the id breaks the schema's rules, belongs to another type, or could not be the name of
            a file on every system.

    """
    shown = identifier if len(identifier) <= 40 else f"{identifier[:40]}…"
    if len(identifier) > MAX_ID_LENGTH:
        raise InvalidArgumentError(f"The id {shown!r} is longer than {MAX_ID_LENGTH} characters.")
    if not _SHAPE.fullmatch(identifier) or ".." in identifier or _DEVICES.fullmatch(identifier):
        message = f"{shown!r} is no usable id: letters, digits, '-', '_' and '.' make a name that every system accepts."
        raise InvalidArgumentError(message)
    if not is_plain(identifier):
        raise InvalidArgumentError(f"{shown!r} is no usable id: some readers of YAML take it for another value.")
    rules = _id_rules(snapshot, entity_type)
    if rules is not None:
        if not jsonschema_rs.is_valid(rules, identifier):
            expected = rules.get("pattern", "the rules of its schema")
            raise InvalidArgumentError(f"{shown!r} is no id of a {entity_type}: it must match {expected}")
        return
    for other in snapshot.schemas.types():
        numbering = None if other == entity_type else _pattern_numbering(snapshot, other)
        if numbering is not None and _number(identifier, numbering.prefix) is not None:
            raise InvalidArgumentError(f"{shown!r} is an id of a {other}, not of a {entity_type}")


def check_free(snapshot: Snapshot, identifier: str, *, present: str | None = None) -> None:
    """Make sure that nothing but the entity `present` has this id, in whatever case.

    Raises:
        AlreadyExistsError: an entity has it.

    """
    for known, entities in snapshot.definitions.items():
        if known != present and known.casefold() == identifier.casefold():
            raise AlreadyExistsError(f"{known} exists already, in {entities[0].path}", details={"id": known})


def id_in_name(snapshot: Snapshot, entity_type: str, stem: str) -> str | None:
    """The longest id of a type that a file's name begins with; None where it begins with none."""
    ends = [len(stem), *(edge.start() for edge in _EDGE.finditer(stem))]
    for candidate in (stem[:end] for end in sorted(ends, reverse=True)):
        try:
            check_id(snapshot, entity_type, candidate)
        except InvalidArgumentError:
            continue
        return candidate
    return None


def next_id(snapshot: Snapshot, entity_type: str, taken: frozenset[str] = frozenset(), title: str | None = None) -> str:
    """The id for the next entity of a type.

    A number follows the highest one in the repository, in `taken` (ids elsewhere, such as on other branches) and in
    references to what does not exist, so that a new entity never becomes the target of an old mistake. Types whose
    ids are names get theirs from `title`.

    Raises:
        InvalidArgumentError: the id of such a type needs a title, or the schema's pattern is too free to count by.

    """
    used = {identifier.casefold(): identifier for identifier in (*snapshot.definitions, *snapshot.referrers, *taken)}
    numbering = _pattern_numbering(snapshot, entity_type) or _usual_numbering(snapshot, entity_type)
    if numbering is not None:
        identifier = _next_number(used.values(), numbering)
    else:
        identifier = _next_name(snapshot, entity_type, title, used.keys())
    check_id(snapshot, entity_type, identifier)
    return identifier


def _next_number(used: Iterable[str], numbering: Numbering) -> str:
    digits = [found for identifier in used if (found := _number(identifier, numbering.prefix)) is not None]
    highest = max(digits, key=int, default="0")
    width = max(numbering.width, len(highest) if digits else 0)
    return f"{numbering.prefix}{int(highest) + 1:0{width}}"


def _next_name(snapshot: Snapshot, entity_type: str, title: str | None, used: Collection[str]) -> str:
    name = slug(title or "")
    if not name:
        raise InvalidArgumentError(f"The id of a new {entity_type} is made from its title; give a title or an id.")
    prefix = _name_prefix(snapshot, entity_type)
    first = prefix + name.removeprefix(prefix.casefold())
    rules = _id_rules(snapshot, entity_type)
    if rules is not None and not jsonschema_rs.is_valid(rules, first) and jsonschema_rs.is_valid(rules, first.upper()):
        first = first.upper()
    candidates = (first if number == 1 else f"{first}-{number}" for number in count(1))
    return next(candidate for candidate in candidates if candidate.casefold() not in used)


def _name_prefix(snapshot: Snapshot, entity_type: str) -> str:
    """What the names of a type begin with: in most ids that are there, else in the schema's pattern."""
    prefixes = [identifier.partition("-") for identifier in _ids_of(snapshot, entity_type)]
    common = Counter(f"{head}-" for head, hyphen, _ in prefixes if hyphen).most_common(1)
    if common and common[0][1] * 2 > len(prefixes):
        return common[0][0]
    pattern = (_id_rules(snapshot, entity_type) or {}).get("pattern")
    literal = _LITERAL_PREFIX.match(pattern) if isinstance(pattern, str) else None
    return literal.group(1) if literal else _NAME_PREFIXES.get(entity_type, f"{entity_type}-")


def _pattern_numbering(snapshot: Snapshot, entity_type: str) -> Numbering | None:
    pattern = (_id_rules(snapshot, entity_type) or {}).get("pattern")
    found = _NUMBERED_PATTERN.fullmatch(pattern) if isinstance(pattern, str) else None
    return Numbering(found["prefix"].replace("\\", ""), int(found["width"] or 1)) if found else None


def _usual_numbering(snapshot: Snapshot, entity_type: str) -> Numbering | None:
    """How the ids of a type count where its schema has no pattern that says it."""
    rules = _id_rules(snapshot, entity_type)
    if entity_type in _NAME_PREFIXES or (rules is not None and "pattern" in rules):
        return None
    identifiers = _ids_of(snapshot, entity_type)
    found = [match for identifier in identifiers if (match := _NUMBERED_ID.fullmatch(identifier))]
    common = Counter(match["prefix"] for match in found).most_common(1)
    if common and common[0][1] * 2 > len(identifiers):
        return Numbering(common[0][0], min(len(match["number"]) for match in found))
    prefix = None if identifiers else _NUMBERED_TYPES.get(entity_type)
    return Numbering(prefix, 3) if prefix else None


def _number(identifier: str, prefix: str) -> str | None:
    """The digits of an id behind a prefix, which may be written in another case."""
    if not identifier.casefold().startswith(prefix.casefold()):
        return None
    digits = identifier[len(prefix) :]
    return digits if digits.isascii() and digits.isdecimal() and len(digits) <= _MAX_DIGITS else None


def _ids_of(snapshot: Snapshot, entity_type: str) -> list[str]:
    return [entity.id for entity in snapshot.entities if entity.type == entity_type]


def _id_rules(snapshot: Snapshot, entity_type: str) -> JsonObject | None:
    """The part of a type's schema that restricts its ids; None where nothing does."""
    schema = snapshot.schemas[entity_type]
    definition = None if schema is None else schema.property_at(("id",))
    rules = {keyword: definition[keyword] for keyword in _ID_KEYWORDS if definition and keyword in definition}
    return {"type": "string", **rules} if rules else None
