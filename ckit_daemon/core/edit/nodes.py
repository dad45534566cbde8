"""Questions about nodes of a syntax tree that edits ask: where they end, how they are quoted, how text is laid out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.edit.scalars import Quote
from ckit_daemon.core.edit.writer import Style

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tree_sitter import Node

    from ckit_daemon.core.yaml import SourceTree

BLOCK_PAIR: Final = "block_mapping_pair"
BLOCK_ITEM: Final = "block_sequence_item"
MAPPINGS: Final = frozenset({"block_mapping", "flow_mapping"})
SEQUENCES: Final = frozenset({"block_sequence", "flow_sequence"})
BLOCK_COLLECTIONS: Final = frozenset({"block_mapping", "block_sequence"})
_QUOTES: Final = {
    "plain_scalar": Quote.PLAIN,
    "single_quote_scalar": Quote.SINGLE,
    "double_quote_scalar": Quote.DOUBLE,
}
_LEAVES: Final = frozenset({*_QUOTES, "block_scalar", "comment", "alias"})


def last_leaf(node: Node) -> Node:
    """The last token or scalar of a node that is no comment."""
    while node.type not in _LEAVES:
        inner = next((child for child in reversed(node.children) if child.type != "comment"), None)
        if inner is None:
            break
        node = inner
    return node


def end_of(node: Node) -> int:
    """The byte after the last thing that a node says, without the blank lines and comments that trail it."""
    leaf = last_leaf(node)
    text = leaf.text or b""
    return leaf.start_byte + len(text.rstrip(b" \r\n") if leaf.type == "block_scalar" else text)


def keeps_blank_lines(node: Node) -> bool:
    """Whether a node ends in a block scalar whose trailing blank lines are part of its value."""
    leaf = last_leaf(node)
    return leaf.type == "block_scalar" and b"+" in (leaf.text or b"").split(b"\n", 1)[0].split(b"#", 1)[0]


def value_node(owner: Node) -> Node | None:
    """The node under a pair or an item that holds the value with its anchor and tag; None where it is empty."""
    if owner.type in {BLOCK_PAIR, "flow_pair"}:
        return owner.child_by_field_name("value")
    if owner.type == BLOCK_ITEM:
        return next((child for child in owner.named_children if child.type != "comment"), None)
    return owner


def head_end(owner: Node) -> int:
    """The byte after the colon or the dash of an entry, and after the anchor and tag of its value."""
    marks = [child for child in owner.children if child.type in {":", "-"}]
    value = value_node(owner)
    if value is not None:
        marks += [child for child in value.children if child.type in {"anchor", "tag"}]
    return marks[-1].end_byte if marks else owner.start_byte


def entries(container: Node) -> list[Node]:
    """The pairs or items of a collection, without comments."""
    return [child for child in container.named_children if child.type not in {"comment", "anchor", "tag"}]


def quote_of(tree: SourceTree, owner: Node) -> Quote | None:
    """How the scalar of an entry is quoted; None where its value is no scalar on a line."""
    value = value_node(owner)
    content = None if value is None else tree.content(value)
    if content is None or content.type not in _QUOTES:
        return None
    # Numbers, booleans and nulls can't be quoted, so they are no example for a string.
    if content.type == "plain_scalar" and not any(child.type == "string_scalar" for child in content.children):
        return None
    return _QUOTES[content.type]


def key_quote_of(pair: Node) -> Quote | None:
    """How the key of a pair is quoted."""
    key = pair.child_by_field_name("key")
    inner = None if key is None else last_leaf(key)
    if inner is None:
        return None
    return _QUOTES.get(inner.type)


def usual(quotes: Iterable[Quote | None]) -> Quote:
    """The quotes that most siblings have."""
    counted = Counter(quote for quote in quotes if quote is not None)
    return counted.most_common(1)[0][0] if counted else Quote.PLAIN


def style_of(tree: SourceTree) -> Style:
    """The layout of a document, learnt from its first nested mapping and its first sequence under a key."""
    step: int | None = None
    sequence_step: int | None = None
    for pair in _block_pairs(tree, tree.root()):
        value = value_node(pair)
        content = None if value is None else tree.content(value)
        if content is None:
            continue
        distance = content.start_point[1] - pair.start_point[1]
        if content.type == "block_mapping" and step is None:
            step = distance
        if content.type == "block_sequence" and sequence_step is None:
            sequence_step = distance
    first_line, found, _ = tree.text.partition("\n")
    newline = "\r\n" if found and first_line.endswith("\r") else "\n"
    step = step or sequence_step or 2
    return Style(newline, step, step if sequence_step is None else sequence_step)


def _block_pairs(tree: SourceTree, top: Node | None) -> Iterator[Node]:
    waiting = [top] if top is not None else []
    while waiting:
        node = waiting.pop()
        if node.type not in BLOCK_COLLECTIONS:
            continue
        for entry in reversed(entries(node)):
            value = value_node(entry)
            content = None if value is None else tree.content(value)
            if content is not None:
                waiting.append(content)
        if node.type == "block_mapping":
            yield from entries(node)
