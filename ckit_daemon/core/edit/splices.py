"""One edit of a YAML text as replacements of stretches of it, found on the concrete syntax tree."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from ckit_daemon.core.edit.nodes import (
    BLOCK_COLLECTIONS,
    BLOCK_ITEM,
    BLOCK_PAIR,
    MAPPINGS,
    SEQUENCES,
    end_of,
    entries,
    head_end,
    keeps_blank_lines,
    key_quote_of,
    last_leaf,
    quote_of,
    style_of,
    usual,
    value_node,
)
from ckit_daemon.core.edit.scalars import Quote, write_scalar
from ckit_daemon.core.edit.values import show_path
from ckit_daemon.core.edit.writer import Block, block_item, block_pair, block_value, flow_pair, flow_value, indent
from ckit_daemon.core.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tree_sitter import Node

    from ckit_daemon.core.json import JsonValue, Path
    from ckit_daemon.core.yaml import SourceTree


class Splices:
    """Collects replacements in one text. Offsets are bytes, as the tree counts them."""

    def __init__(self, tree: SourceTree) -> None:
        self._tree = tree
        self._bytes = tree.text.encode()
        self._style = style_of(tree)
        self._splices: list[tuple[int, int, str]] = []

    def result(self) -> str:
        """The text with all replacements made."""
        pieces: list[bytes] = []
        cursor = 0
        # The sort is stable: of two insertions at one place the first one made comes first.
        for start, end, new in sorted(self._splices, key=itemgetter(0, 1)):
            pieces += (self._bytes[cursor:start], new.encode())
            cursor = end
        pieces.append(self._bytes[cursor:])
        return b"".join(pieces).decode()

    # The operations

    def replace(self, path: Path, value: JsonValue) -> bool:
        """Put `value` in the place of what stands at `path`; False where the text has no such place."""
        owner = self._tree.find(path)
        if owner is None:
            return False
        self._replace(owner, value)
        return True

    def insert_key(self, path: Path, key: str, value: JsonValue, order: Sequence[str]) -> None:
        """Add a key to the mapping at `path`, which has some: where `order` wants it if the mapping follows that."""
        mapping = self._collection(path)
        pairs = entries(mapping)
        index = _place(key, [name for name, _ in self._tree.pairs(mapping)], order)
        quote = usual(quote_of(self._tree, pair) for pair in pairs)
        key_quote = usual(key_quote_of(pair) for pair in pairs)
        if mapping.type == "flow_mapping":
            self._insert_flow(mapping, pairs, index, flow_pair(key, value, quote, key_quote))
        else:
            self._insert_block(pairs, index, block_pair(key, value, self._style, quote, key_quote))

    def insert_item(self, path: Path, index: int, value: JsonValue) -> None:
        """Add an item to the sequence at `path`, which has some, before the one with this index."""
        sequence = self._collection(path)
        items = entries(sequence)
        quote = usual(quote_of(self._tree, item) for item in items)
        if sequence.type == "flow_sequence":
            self._insert_flow(sequence, items, index, flow_value(value, quote))
        else:
            self._insert_block(items, index, block_item(value, self._style, quote))

    def remove(self, path: Path) -> None:
        """Take an entry away, with the comment behind it; an only entry leaves `{}` or `[]`."""
        entry = self._tree.find(path)
        if entry is None or entry.parent is None:
            raise _no_place(path)
        container = entry.parent
        siblings = entries(container)
        if len(siblings) == 1:
            self._empty(container)
        elif container.type in BLOCK_COLLECTIONS:
            self._remove_block(container, entry)
        else:
            self._remove_flow(siblings, entry)

    def rename_key(self, path: Path, key: str) -> None:
        """Write another key in the place of the one at `path`."""
        pair = self._tree.find(path)
        old = None if pair is None else pair.child_by_field_name("key")
        if pair is None or old is None:
            raise _no_place(path)
        leaf = last_leaf(old)
        self._splice(leaf.start_byte, end_of(leaf), write_scalar(key, key_quote_of(pair) or Quote.PLAIN, flow=True))

    # Replacing

    def _replace(self, owner: Node, value: JsonValue) -> None:
        old = value_node(owner)
        content = None if old is None else self._tree.content(old)
        siblings = entries(owner.parent) if owner.parent is not None else []
        quote = quote_of(self._tree, owner) or usual(quote_of(self._tree, entry) for entry in siblings)
        head = head_end(owner)
        if owner.type not in {BLOCK_PAIR, BLOCK_ITEM}:
            self._replace_flow(head, content, flow_value(value, quote))
            return
        if quote is Quote.DOUBLE and content is not None and isinstance(value, str) and b"\\n" in (content.text or b""):
            # Whoever wrote the lines of the old text as escapes wants to see them so.
            block = Block(flow_value(value, quote, inside=False), [])
        else:
            block = block_value(value, self._style, quote)
        header, lines = block.header, block.lines
        column = owner.start_point[1]
        if owner.type == BLOCK_PAIR:
            column += self._style.sequence_step if block.is_sequence else self._style.step
        else:
            if block.is_collection:
                header, lines = lines[0], lines[1:]
            same_line = content is not None and content.start_point[0] == owner.start_point[0]
            column = content.start_point[1] if content is not None and same_line else column + 2
        body = self._joined(lines, column)
        head_line = self._line_end(head)
        if content is None or (content.type in BLOCK_COLLECTIONS and content.start_byte > head_line):
            self._put_behind(head, header)
            if content is None:
                self._splice(head_line, head_line, body)
            else:
                self._splice(self._line_break_before(content.start_byte), self._line_end(end_of(content)), body)
            return
        end = end_of(content)
        line_end = self._line_end(end)
        start = content.start_byte if header else self._before_spaces(content.start_byte)
        if not header and content.start_byte > head_line and line_end == end:
            # Its line would be left empty.
            start = self._line_break_before(content.start_byte)
        if content.type in BLOCK_COLLECTIONS:
            self._splice(start, line_end, header + body)
        else:
            self._splice(start, end, header)
            self._splice(line_end, line_end, body)

    def _replace_flow(self, head: int, content: Node | None, text: str) -> None:
        if content is None:
            self._splice(head, head, f" {text}")
        else:
            self._splice(content.start_byte, end_of(content), text)

    def _put_behind(self, head: int, header: str) -> None:
        line_end = self._line_end(head)
        blank = not self._bytes[head:line_end].strip()
        self._splice(head, line_end if blank else head, f" {header}" if header else "")

    # Inserting

    def _insert_block(self, siblings: list[Node], index: int, lines: list[str]) -> None:
        column = siblings[0].start_point[1]
        if index == 0:
            first = siblings[0].start_byte
            rest = self._joined(lines[1:], column)
            self._splice(first, first, lines[0] + rest + self._joined(["" if column == 0 else " " * column], 0))
        else:
            after = self._entry_end(siblings[index - 1])
            self._splice(after, after, self._joined(lines, column))

    def _insert_flow(self, container: Node, siblings: list[Node], index: int, text: str) -> None:
        first = siblings[0]
        own_lines = first.start_point[0] > container.start_point[0]
        gap = self._joined([" " * first.start_point[1]], 0) if own_lines else " "
        if index < len(siblings):
            place = siblings[index].start_byte
            self._splice(place, place, f"{text},{gap}")
            return
        last = siblings[-1]
        comma = _comma_after(last)
        if comma is not None:
            self._splice(comma, comma, f"{gap}{text}{',' if own_lines else ''}")
        else:
            self._splice(end_of(last), end_of(last), f",{gap}{text}")

    # Removing

    def _empty(self, container: Node) -> None:
        text = "{}" if container.type in MAPPINGS else "[]"
        if container.type not in BLOCK_COLLECTIONS:
            self._splice(container.start_byte, end_of(container), text)
            return
        owner = container.parent.parent if container.parent is not None else None
        if owner is not None and owner.type in {BLOCK_PAIR, BLOCK_ITEM}:
            self._replace(owner, {} if container.type in MAPPINGS else [])
        else:
            self._splice(container.start_byte, end_of(container), text)

    def _remove_block(self, container: Node, entry: Node) -> None:
        line_start = self._line_start(entry.start_byte)
        if self._bytes[line_start : entry.start_byte].strip():
            # The entry stands behind a dash, where the next one (or a comment of its own line) takes its place.
            following = next(
                child
                for child in container.named_children
                if child.start_byte > entry.start_byte
                and (child.type != "comment" or child.start_point[0] > entry.end_point[0])
            )
            self._splice(entry.start_byte, following.start_byte, "")
            return
        end = self._entry_end(entry)
        if end == len(self._bytes):
            self._splice(self._line_break_before(entry.start_byte), end, "")
        else:
            self._splice(line_start, self._next_line(end), "")

    def _remove_flow(self, siblings: list[Node], entry: Node) -> None:
        index = next(number for number, sibling in enumerate(siblings) if sibling.start_byte == entry.start_byte)
        start, end = entry.start_byte, end_of(entry)
        if index + 1 < len(siblings):
            following = siblings[index + 1].start_byte
            comma = _comma_after(entry) or end
            self._splice(start, comma if b"#" in self._bytes[comma:following] else following, "")
        else:
            before = end_of(siblings[index - 1])
            self._splice(start if b"#" in self._bytes[before:start] else before, end, "")

    # Places in the text

    def _collection(self, path: Path) -> Node:
        node = self._tree.root()
        if path:
            owner = self._tree.find(path)
            value = None if owner is None else value_node(owner)
            node = None if value is None else self._tree.content(value)
        if node is None or node.type not in MAPPINGS | SEQUENCES:
            raise _no_place(path)
        return node

    def _splice(self, start: int, end: int, text: str) -> None:
        if start != end or text:
            self._splices.append((start, end, text))

    def _joined(self, lines: list[str], column: int) -> str:
        return "".join(self._style.newline + line for line in indent(lines, column))

    def _line_start(self, offset: int) -> int:
        return self._bytes.rfind(b"\n", 0, offset) + 1

    def _line_end(self, offset: int) -> int:
        """The offset of the line break after `offset`, or of the end of the text."""
        end = self._bytes.find(b"\n", offset)
        if end < 0:
            return len(self._bytes)
        return end - 1 if end > offset and self._bytes[end - 1 : end] == b"\r" else end

    def _next_line(self, line_end: int) -> int:
        end = self._bytes.find(b"\n", line_end)
        return len(self._bytes) if end < 0 else end + 1

    def _line_break_before(self, offset: int) -> int:
        start = self._line_start(offset)
        return self._line_end(self._line_start(start - 1)) if start else 0

    def _before_spaces(self, offset: int) -> int:
        while offset > 0 and self._bytes[offset - 1 : offset] == b" ":
            offset -= 1
        return offset

    def _entry_end(self, entry: Node) -> int:
        """The end of the last line of an entry."""
        end = self._line_end(end_of(entry))
        while keeps_blank_lines(entry):
            following = self._next_line(end)
            next_end = self._line_end(following)
            if following == len(self._bytes) or next_end == len(self._bytes) or self._bytes[following:next_end].strip():
                break
            end = next_end
        return end


def _comma_after(entry: Node) -> int | None:
    sibling = entry.next_sibling
    while sibling is not None and sibling.type == "comment":
        sibling = sibling.next_sibling
    return sibling.end_byte if sibling is not None and sibling.type == "," else None


def _place(key: str, present: list[str], order: Sequence[str]) -> int:
    """The index at which a new key goes: after the last one that `order` has before it, else at the end."""
    rank = {name: index for index, name in enumerate(order)}
    known = [rank[name] for name in present if name in rank]
    if key not in rank or not known or known != sorted(known):
        return len(present)
    earlier = [index for index, name in enumerate(present) if rank.get(name, len(rank)) < rank[key]]
    return earlier[-1] + 1 if earlier else 0


def _no_place(path: Path) -> ConflictError:
    return ConflictError(f"{show_path(path)} is not written in the file itself, so it can't be edited there.")
