"""YAML text to plain values, with everything that is wrong with it as data.

Values follow the YAML 1.2 core schema (https://yaml.org/spec/1.2.2/#103-core-schema): dates, `no`, `on`, `12:30` and
`1_000` are strings. yaml12 reads the values; it keeps the last of two equal keys, as most loaders do, so a second
count of the nodes by rapidyaml, which keeps both, tells cheaply whether a document needs the exact search.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import ryml  # pyright: ignore[reportMissingTypeStubs]
import yaml12

from ckit_daemon.core.text import START, Position, Range, position_at
from ckit_daemon.core.yaml.tree import MAX_DEPTH, MAX_ROWS, SourceTree, nests_too_deep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckit_daemon.core.json import JsonValue, Path

ProblemCode = Literal[
    "yaml.syntax", "yaml.duplicate-key", "yaml.multiple-documents", "yaml.tag", "yaml.alias-limit", "yaml.key"
]

MAX_EXPANDED_NODES = 100_000
"""Nodes that one document may hold once its aliases are followed; a bomb of ten short lines asks for billions."""

_MARK = re.compile(r" at byte \d+ line (\d+) column (\d+)$")
_PREFIX = "YAML parse error: "
_ALWAYS_SHALLOW = 2000
_ANCHOR = re.compile(r"(?<![^\s,:?\[\]{}-])&(?=[^\s,\[\]{}])")
_ALIAS = re.compile(r"(?<![^\s,:?\[\]{}-])\*(?=[^\s,\[\]{}])")
_BEGINS_WITH_CLOSING = re.compile(rb"\n[ \t]*[\]}]")
# Behind an item or a comma; behind a comment, or the head of a text in lines, the bracket would be lost.
_BEFORE_CLOSING = re.compile(rb"(?<=[\w\"'\]},])[ \t]*\r?\n[ \t]*(?=[\]}])")
# YAML 1.2.2 section 5.1: the characters that may not stand in a stream at all.
_CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t\n\r"))


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a document, apart from what it says."""

    code: ProblemCode
    message: str
    range: Range


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a text says. `value` is None where nothing could be read; `problems` then says why."""

    value: JsonValue
    problems: tuple[Problem, ...] = ()

    @property
    def readable(self) -> bool:
        """Whether `value` is what the text says, perhaps with some part of it read twice."""
        return not any(problem.code in {"yaml.syntax", "yaml.alias-limit"} for problem in self.problems)


def parse(text: str) -> Parsed:
    """Read one YAML document.

    Never raises for any text: what is wrong is in `Parsed.problems`.
    """
    try:
        encoded = text.encode()
    except UnicodeEncodeError as error:
        return _unreadable(text, "half of a surrogate pair is no character", error.start)
    if len(encoded.translate(None, _CONTROLS)) != len(encoded):
        offset = next(index for index, character in enumerate(text) if character.encode() in _CONTROLS)
        return _unreadable(text, f"the character U+{ord(text[offset]):04X} is not allowed in YAML", offset)
    aliased = "*" in text and "&" in text
    # What is short can't nest so deep that yaml12 fails, and the tree is only asked about the size of aliases.
    if (aliased or len(encoded) > _ALWAYS_SHALLOW) and nests_too_deep(encoded):
        return _too_deep()
    if aliased and (refused := _refuse_aliases(text)):
        return refused
    try:
        documents = cast("list[object]", yaml12.parse_yaml(text, multi=True))
    except ValueError as error:
        return _syntax_error(text, str(error))
    if not documents:
        return Parsed(None)
    return _read_documents(text, encoded, documents)


def _refuse_aliases(text: str) -> Parsed | None:
    """What is wrong with a document whose aliases must not be followed; None where they may be."""
    tree = SourceTree(text)
    message = f"aliases expand this document to more than {MAX_EXPANDED_NODES} nodes"
    if tree.is_whole:
        if tree.expanded_size(MAX_EXPANDED_NODES) <= MAX_EXPANDED_NODES:
            return None
    elif not (_ANCHOR.search(text) and _ALIAS.search(text)):
        return None
    else:
        # What the tree does not understand may hide a bomb from it, so the text is read with its aliases defused.
        try:
            yaml12.parse_yaml(_ALIAS.sub("x", text), multi=True)
        except ValueError as error:
            return _syntax_error(text, str(error))
        message = "nobody can tell how far the aliases of this document expand: it is too long, or oddly laid out"
    return Parsed(None, (Problem("yaml.alias-limit", message, START),))


def _read_documents(text: str, encoded: bytes, documents: list[object]) -> Parsed:
    reader = _Reader()
    try:
        value = reader.read(documents[0], ())
    except _TooDeepError:
        return _too_deep()
    # rapidyaml has no mappings as keys, and in a stream of several documents the counts differ anyway.
    plain = len(documents) == 1 and not reader.tagged and not reader.odd_keys
    written = _node_count(encoded) if plain else 0
    if written == reader.nodes:
        return Parsed(value)
    problems = tuple(_oddities(text, reader, len(documents)))
    if not problems and written > reader.nodes and text.count("\n") >= MAX_ROWS:
        message = f"a key stands twice in one mapping, somewhere after line {MAX_ROWS}"
        problems = (Problem("yaml.duplicate-key", message, START),)
    return Parsed(value, problems)


def _oddities(text: str, reader: _Reader, documents: int) -> Iterator[Problem]:
    tree = SourceTree(text)
    if documents > 1:
        message = "one file holds one document; only the first is read"
        yield Problem("yaml.multiple-documents", message, tree.document_start(1))
    for key, where in tree.duplicate_keys():
        yield Problem("yaml.duplicate-key", f"the key '{key}' stands twice in one mapping", where)
    for path, tag in reader.tagged:
        message = f"the tag {tag} has no meaning here; its value is read as if it had none"
        yield Problem("yaml.tag", message, tree.locate(path).value)
    for path in reader.odd_keys:
        yield Problem("yaml.key", "a mapping or a sequence can't be a key here", tree.locate(path).value)


class _TooDeepError(Exception):
    """A value nests deeper than `MAX_DEPTH`."""


class _Reader:
    """Turns yaml12's values into JSON values and counts their nodes."""

    def __init__(self) -> None:
        self.nodes = 1
        self.tagged: list[tuple[Path, str]] = []
        self.odd_keys: list[Path] = []

    def read(self, value: object, path: Path) -> JsonValue:
        kind = type(value)
        if kind is dict:
            return self._read_mapping(cast("dict[object, object]", value), path)
        if kind is list:
            if len(path) >= MAX_DEPTH:
                raise _TooDeepError
            items = cast("list[object]", value)
            self.nodes += len(items)
            for index, item in enumerate(items):
                if type(item) is not str:
                    items[index] = self.read(item, (*path, index))
            return cast("JsonValue", items)
        if isinstance(value, yaml12.Yaml):
            if value.tag is not None:
                self.tagged.append((path, value.tag))
            return self.read(value.value, path)
        return cast("JsonValue", value)

    def _read_mapping(self, mapping: dict[object, object], path: Path) -> JsonValue:
        if len(path) >= MAX_DEPTH:
            raise _TooDeepError
        self.nodes += len(mapping)
        for key, item in mapping.items():
            if type(key) is not str:
                return self._with_plain_keys(mapping, path)
            if type(item) is not str:
                mapping[key] = self.read(item, (*path, key))
        return cast("JsonValue", mapping)

    def _with_plain_keys(self, mapping: dict[object, object], path: Path) -> JsonValue:
        """Name keys as JavaScript would, since that is what the readers of these files expect."""
        plain: dict[str, JsonValue] = {}
        for key, item in mapping.items():
            if isinstance(key, yaml12.Yaml):
                self.odd_keys.append(path)
                continue
            name = "null" if key is None else str(key).lower() if isinstance(key, bool) else str(key)
            plain[name] = self.read(item, (*path, name))
        return plain


def _node_count(encoded: bytes) -> int:
    """Count the nodes; -1 for a text that only the other parser can read."""
    # rapidyaml refuses a bracket that closes at the left, as most people write it, and says so on standard error.
    if _BEGINS_WITH_CLOSING.search(encoded):
        encoded = _BEFORE_CLOSING.sub(b" ", encoded)
    try:
        return cast("int", ryml.parse_in_arena(encoded).size())  # pyright: ignore[reportUnknownMemberType]
    except ryml.ExceptionBasic:  # pyright: ignore[reportUnknownMemberType]
        return -1


def _syntax_error(text: str, error: str) -> Parsed:
    message = error.removeprefix(_PREFIX)
    line, column = 0, 0
    if mark := _MARK.search(message):
        line, column = int(mark.group(1)) - 1, int(mark.group(2)) - 1
        message = message[: mark.start()]
    tree = SourceTree(text)
    reported = Position(line, column)
    # A parser learns at the end of the text that a bracket is open; a reader wants to see the bracket.
    where = (tree.is_past_end(reported) and tree.unclosed_bracket()) or tree.clamp(reported)
    return Parsed(None, (Problem("yaml.syntax", message, where),))


def _too_deep() -> Parsed:
    return Parsed(None, (Problem("yaml.syntax", f"the document nests deeper than {MAX_DEPTH} levels", START),))


def _unreadable(text: str, message: str, offset: int) -> Parsed:
    line, column = position_at(text, offset)
    where = Range(Position(line, column), Position(line, column + 1))
    return Parsed(None, (Problem("yaml.syntax", message, where),))
