"""Where things stand in YAML text, from a concrete syntax tree that survives half-typed documents."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import tree_sitter
import tree_sitter_yaml
import yaml12

from ckit_daemon.core.text import START, Position, Range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from ckit_daemon.core.json import Path

_MAPPINGS: Final = frozenset({"block_mapping", "flow_mapping"})
_SEQUENCES: Final = frozenset({"block_sequence", "flow_sequence"})
_PAIRS: Final = frozenset({"block_mapping_pair", "flow_pair"})
_SCALARS: Final = frozenset({"plain_scalar", "double_quote_scalar", "single_quote_scalar", "block_scalar"})
_COUNTED: Final = _MAPPINGS | _SEQUENCES | _SCALARS
_QUOTED: Final = frozenset({"double_quote_scalar", "single_quote_scalar"})

MAX_DEPTH: Final = 100
"""Levels of nesting that a document may have. Parsers written in C keep their levels in fixed buffers or on the stack:
tree-sitter-yaml overruns its buffer at 256 block collections, and that ends the process."""
MAX_ROWS: Final = 32_767
"""Lines that a tree is made of: tree-sitter-yaml counts them in 16 bits and mistakes what follows."""
_LONE_CR = re.compile(rb"\r(?!\n)")
_DEEP_PREFIX = re.compile(rb"[ \t\-?:]{%d}" % MAX_DEPTH)
_PREFIX = re.compile(rb"[ \t\-?:]*")
_INDICATOR = re.compile(rb"[\-?:](?=[ \t\r]|$)")


def nests_too_deep(text: bytes) -> bool:
    """Whether block collections may nest deeper than `MAX_DEPTH`, judged by the columns where they can begin."""
    if _DEEP_PREFIX.search(text) is None:
        return False
    columns: list[int] = []
    for line in text.split(b"\n"):
        prefix = _PREFIX.match(line)
        end = len(line) if prefix is None else prefix.end()
        if not line.strip():
            continue
        for column in (*(mark.start() for mark in _INDICATOR.finditer(line, 0, end)), end):
            while columns and columns[-1] >= column:
                columns.pop()
            columns.append(column)
        if len(columns) > MAX_DEPTH:
            return True
    return False


class Located(NamedTuple):
    """Where an entry stands: its key (None in a sequence), its value, and both with what joins them."""

    key: Range | None
    value: Range
    whole: Range


@cache
def _parser() -> tree_sitter.Parser:
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_yaml.language()))


class SourceTree:
    """The syntax tree of one text. Building it takes about 40 microseconds a kilobyte, so build it when asked.

    Beyond `MAX_ROWS` nothing has a place of its own: it is shown at the nearest ancestor before.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        # The tree knows no lone CR as a line break, YAML and editors do. The offsets are the same with LF.
        self._bytes = _LONE_CR.sub(b"\n", text.encode("utf-8", "surrogatepass"))
        self._lines = self._bytes.split(b"\n")
        parsed = self._bytes if len(self._lines) <= MAX_ROWS else b"\n".join(self._lines[:MAX_ROWS])
        # No place can be found in what is not parsed, so every range of such a text is its beginning.
        self._tree = _parser().parse(b"" if nests_too_deep(parsed) else parsed)
        self.is_whole = parsed is self._bytes and not self._tree.root_node.has_error
        """Whether the tree shows all of the text, and understands it."""
        # A list of ten thousand references is searched once for all of them, not once for each.
        self._entries: dict[int, dict[str | int, Node]] = {}

    # Reading the tree

    def content(self, node: Node) -> Node | None:
        """Unwrap a value node down to its mapping, sequence, scalar or alias; None where the value is empty."""
        while node.type in {"block_node", "flow_node", "document", "stream"}:
            inner = next(
                (child for child in node.named_children if child.type not in {"comment", "anchor", "tag"}),
                None,
            )
            if inner is None:
                return None
            node = inner
        return node

    def root(self) -> Node | None:
        """The top value of the first document, or None in an empty text."""
        document = next((child for child in self._tree.root_node.named_children if child.type == "document"), None)
        return None if document is None else self.content(document)

    def pairs(self, mapping: Node) -> Iterator[tuple[str, Node]]:
        """Yield each key of a mapping as text, with the node of its pair."""
        for child in mapping.named_children:
            if child.type in _PAIRS:
                key = child.child_by_field_name("key")
                if key is not None:
                    yield self.scalar_text(key), child

    def items(self, sequence: Node) -> Iterator[Node]:
        """Yield the item nodes of a sequence, without comments."""
        for child in sequence.named_children:
            if child.type != "comment":
                yield child

    def scalar_text(self, node: Node) -> str:
        """The text of a scalar without its quotes and escapes; a scalar whose escapes are broken as it is written."""
        inner = self.content(node)
        if inner is None or inner.text is None:
            return ""
        text = inner.text.decode("utf-8", "surrogatepass")
        if inner.type not in _QUOTED:
            return text
        if "\\" in text or "''" in text[1:-1]:
            try:
                return str(yaml12.parse_yaml(text))
            except ValueError:
                return text[1:-1]
        return text[1:-1]

    def range_of(self, node: Node) -> Range:
        """The range of a node in code points; a block scalar's last line break is not part of it."""
        return Range(self._position(node.start_point), self._position(node.end_point))

    def _position(self, point: tuple[int, int]) -> Position:
        row, byte_column = point
        if row >= len(self._lines):
            return Position(row, 0)
        prefix = self._lines[row][:byte_column]
        return Position(row, len(prefix.decode("utf-8", "surrogatepass")))

    # Finding places

    def find(self, path: Path) -> Node | None:
        """The node of the pair or item at `path`, or None where the text has no such place."""
        node = self.root()
        found: Node | None = None
        for step in path:
            if node is None:
                return None
            if isinstance(step, str):
                if node.type not in _MAPPINGS:
                    return None
                found = self._by_key(node).get(step)
                value = None if found is None else found.child_by_field_name("value")
            else:
                if node.type not in _SEQUENCES:
                    return None
                found = self._by_index(node).get(step)
                value = self._item_value(found)
            if found is None:
                return None
            node = None if value is None else self.content(value)
        return found

    def _by_key(self, mapping: Node) -> dict[str | int, Node]:
        # The last of two equal keys is the one whose value was read.
        if mapping.id not in self._entries:
            self._entries[mapping.id] = dict(self.pairs(mapping))
        return self._entries[mapping.id]

    def _by_index(self, sequence: Node) -> dict[str | int, Node]:
        if sequence.id not in self._entries:
            self._entries[sequence.id] = dict(enumerate(self.items(sequence)))
        return self._entries[sequence.id]

    @staticmethod
    def _item_value(item: Node | None) -> Node | None:
        if item is None or item.type != "block_sequence_item":
            return item
        return next((child for child in item.named_children if child.type != "comment"), None)

    def locate(self, path: Path) -> Located:
        """Where the entry at `path` stands; where it is missing, its nearest ancestor that exists."""
        for length in range(len(path), 0, -1):
            node = self.find(path[:length])
            if node is not None:
                return self._located(node)
        root = self.root()
        if root is None:
            return Located(None, START, START)
        first = next((pair for _, pair in self.pairs(root)), root) if root.type in _MAPPINGS else root
        return self._located(first) if first is not root else Located(None, *[self._first_line(root)] * 2)

    def _located(self, node: Node) -> Located:
        whole = self.range_of(node)
        if node.type in _PAIRS:
            key_node = node.child_by_field_name("key")
            key = whole if key_node is None else self.range_of(key_node)
            value_node = node.child_by_field_name("value")
            content = None if value_node is None else self.content(value_node)
            value = Range(whole.end, whole.end) if content is None else self.range_of(content)
            return Located(key, value, whole)
        value_node = self._item_value(node)
        content = None if value_node is None else self.content(value_node)
        return Located(None, whole if content is None else self.range_of(content), whole)

    def _first_line(self, node: Node) -> Range:
        where = self.range_of(node)
        if where.start.line == where.end.line:
            return where
        return Range(where.start, self._end_of_line(where.start.line))

    def _end_of_line(self, line: int) -> Position:
        raw = self._lines[line].rstrip(b"\r")
        return Position(line, len(raw.decode("utf-8", "surrogatepass")))

    def document_start(self, index: int) -> Range:
        """The first line of the document with this 0-based number in the stream."""
        documents = [child for child in self._tree.root_node.named_children if child.type == "document"]
        return self._first_line(documents[index]) if index < len(documents) else START

    def is_past_end(self, position: Position) -> bool:
        """Whether nothing but white space stands at `position` and after it."""
        row, column = position
        rest = b"".join(self._lines[row + 1 :])
        if row < len(self._lines):
            rest += self._lines[row].decode("utf-8", "surrogatepass")[column:].encode("utf-8", "surrogatepass")
        return not rest.strip()

    def clamp(self, position: Position) -> Range:
        """A range of one character at `position`, or at the end of the last line that has text."""
        line = min(position.line, len(self._lines) - 1)
        while line > 0 and not self._lines[line].strip():
            line -= 1
        end = self._end_of_line(line)
        column = min(position.column, end.column) if line == position.line else end.column
        return Range(Position(line, max(column - 1, 0) if column == end.column else column), end)

    def top_level_text(self, key: str) -> str:
        """The scalar under a key of the top mapping, found even where the rest of the text is broken."""
        for node in self._walk():
            if node.type in _PAIRS and node.start_point[1] == 0:
                key_node, value_node = node.child_by_field_name("key"), node.child_by_field_name("value")
                if key_node is not None and value_node is not None and self.scalar_text(key_node) == key:
                    return self.scalar_text(value_node)
        return ""

    # Searching the whole tree

    def duplicate_keys(self) -> Iterator[tuple[str, Range]]:
        """Yield every key that stands in its mapping already, with its range."""
        for node in self._walk():
            if node.type in _MAPPINGS:
                seen: set[str] = set()
                for key, pair in self.pairs(node):
                    if key in seen:
                        where = self._located(pair)
                        yield key, where.key or where.whole
                    seen.add(key)

    def unclosed_bracket(self) -> Range | None:
        """From the last `[` or `{` that nothing closes to the end of its line."""
        opened: list[Node] = []
        for node in self._walk():
            if node.type in {"[", "{"} and not node.is_missing:
                opened.append(node)
            elif node.type in {"]", "}"} and not node.is_missing and opened:
                opened.pop()
        if not opened:
            return None
        start = self.range_of(opened[-1]).start
        return Range(start, self._end_of_line(start.line))

    def expanded_size(self, limit: int) -> int:
        """Nodes of the document once every alias is replaced by what it names; stops past `limit`."""
        sizes: dict[str, int] = {}
        total = 0
        cursor = self._tree.walk()
        opened: list[tuple[str, int]] = []
        while total <= limit:
            node = cursor.node
            if node is not None:
                if node.type in _COUNTED:
                    total += 1
                elif node.type == "alias":
                    total += sizes.get(self._name(node), 0)
            opened.append((self._anchor(node), total))
            if cursor.goto_first_child():
                continue
            while True:
                name, before = opened.pop()
                if name:
                    sizes[name] = max(total - before, 1)
                if cursor.goto_next_sibling():
                    break
                if not cursor.goto_parent():
                    return total
        return total

    def _anchor(self, node: Node | None) -> str:
        if node is None or node.type not in {"block_node", "flow_node"}:
            return ""
        anchor = next((child for child in node.named_children if child.type == "anchor"), None)
        return "" if anchor is None else self._name(anchor)

    @staticmethod
    def _name(node: Node) -> str:
        return node.text.decode("utf-8", "replace")[1:] if node.text else ""

    def _walk(self) -> Iterator[Node]:
        """Yield every node in the order of the text; a loop, since documents nest deeper than calls."""
        cursor = self._tree.walk()
        while True:
            if cursor.node is not None:
                yield cursor.node
            if cursor.goto_first_child():
                continue
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    return
