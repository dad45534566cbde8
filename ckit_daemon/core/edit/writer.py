"""New YAML text for values, in the style of the document that it goes into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckit_daemon.core.edit.scalars import Quote, literal, write_scalar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.core.json import JsonValue


@dataclass(frozen=True, slots=True)
class Style:
    """How a document is laid out."""

    newline: str = "\n"
    step: int = 2
    """Columns by which a nested mapping stands to the right of its key."""
    sequence_step: int = 2
    """The same for a sequence under a key; 0 where dashes stand below the key's first letter."""


@dataclass(frozen=True, slots=True)
class Block:
    """A value in block style: what follows its key or dash on the same line, and the lines below, not indented."""

    header: str
    lines: list[str]
    is_sequence: bool = False
    is_collection: bool = False


def block_value(value: JsonValue, style: Style, quote: Quote) -> Block:
    """Write a value in block style; an empty collection and a scalar of one line have a header alone."""
    if isinstance(value, dict) and value:
        lines = [line for key, item in value.items() for line in block_pair(key, item, style, quote)]
        return Block("", lines, is_collection=True)
    if isinstance(value, list) and value:
        lines = [line for item in value for line in block_item(item, style, quote)]
        return Block("", lines, is_sequence=True, is_collection=True)
    if isinstance(value, str) and (written := literal(value)):
        return Block(*written)
    return Block(flow_value(value, quote, inside=False), [])


def block_pair(key: str, value: JsonValue, style: Style, quote: Quote, key_quote: Quote = Quote.PLAIN) -> list[str]:
    """The lines of a key and its value."""
    block = block_value(value, style, quote)
    head = f"{write_scalar(key, key_quote)}:"
    first = f"{head} {block.header}" if block.header else head
    return [first, *indent(block.lines, style.sequence_step if block.is_sequence else style.step)]


def block_item(value: JsonValue, style: Style, quote: Quote) -> list[str]:
    """The lines of a sequence's item, its dash included."""
    block = block_value(value, style, quote)
    first, rest = (block.lines[0], block.lines[1:]) if block.is_collection else (block.header, block.lines)
    return [f"- {first}", *indent(rest, 2)]


def indent(lines: list[str], columns: int) -> list[str]:
    """Move lines to the right; empty lines stay empty."""
    margin = " " * columns
    return [margin + line if line else line for line in lines]


def flow_value(value: JsonValue, quote: Quote, *, inside: bool = True) -> str:
    """Write a value on one line; `inside` says that it stands within `[]` or `{}`."""
    if isinstance(value, dict):
        return "{" + ", ".join(flow_pair(key, item, quote) for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow_value(item, quote) for item in value) + "]"
    return write_scalar(value, quote, flow=inside)


def flow_pair(key: str, value: JsonValue, quote: Quote, key_quote: Quote = Quote.PLAIN) -> str:
    """Write a key and its value on one line."""
    return f"{write_scalar(key, key_quote, flow=True)}: {flow_value(value, quote)}"


def document(data: Mapping[str, JsonValue], style: Style, quotes: Mapping[str, Quote]) -> str:
    """The text of a whole document; `quotes` says for each top key how its strings are quoted."""
    lines = [line for key, item in data.items() for line in block_pair(key, item, style, quotes.get(key, Quote.PLAIN))]
    return "".join(f"{line}{style.newline}" for line in lines)
