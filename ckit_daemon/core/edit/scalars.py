"""How one scalar is written so that every YAML reader takes it for the same value.

The values are those of the YAML 1.2 core schema (https://yaml.org/spec/1.2.2/#103-core-schema). A plain scalar is used
only where a YAML 1.1 reader agrees too: `no`, `2024-05-01`, `12:30`, `1_000` and `0o7` are quoted, since some tools
of a repository may still read them as something else.
"""

from __future__ import annotations

import json
import math
import re
from enum import Enum, auto
from typing import Final


class Quote(Enum):
    """The quotes of a scalar; a wish that is kept where the value permits it."""

    PLAIN = auto()
    SINGLE = auto()
    DOUBLE = auto()


_RESERVED: Final = frozenset({"", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<"})
_NUMBER_LIKE: Final = re.compile(r"[-+.]*[0-9][-+0-9_.,:eExobtTzZ a-fA-F]*|[-+]?\.(?:inf|nan)", re.IGNORECASE)
_INDICATORS: Final = frozenset("-?:,[]{}#&*!|>'\"%@`")
_FLOW_INDICATORS: Final = frozenset(",[]{}:")
# YAML 1.2.2 section 5.1 allows these only as escapes; U+0085 and U+2028/9 are line breaks to a YAML 1.1 reader.
_ESCAPED: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_NOT_IN_LITERAL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def is_plain(text: str, *, flow: bool = False) -> bool:
    """Whether `text` may stand without quotes and is a string to readers of YAML 1.1 and 1.2 alike."""
    if text.lower() in _RESERVED or text[0] in _INDICATORS or text != text.strip() or text.startswith("..."):
        return False
    if _NUMBER_LIKE.fullmatch(text) or _UNPRINTABLE.search(text):
        return False
    if flow and not _FLOW_INDICATORS.isdisjoint(text):
        return False
    return ": " not in text and " #" not in text and not text.endswith(":")


def write_scalar(value: None | bool | float | str, quote: Quote = Quote.PLAIN, *, flow: bool = False) -> str:
    """Write a scalar on one line. `quote` is the wish for a string; `flow` says that it stands inside `[]` or `{}`."""
    if isinstance(value, str):
        return _write_string(value, quote, flow=flow)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _write_float(value)
    return str(value)


def _write_string(text: str, quote: Quote, *, flow: bool) -> str:
    if quote is Quote.PLAIN and is_plain(text, flow=flow):
        return text
    if quote is Quote.SINGLE and not _UNPRINTABLE.search(text):
        return "'" + text.replace("'", "''") + "'"
    # A JSON string is a double-quoted YAML scalar.
    return _ESCAPED.sub(lambda match: f"\\u{ord(match.group()):04x}", json.dumps(text, ensure_ascii=False))


def _write_float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    mantissa, exponent, power = repr(value).partition("e")
    # Without a point in it, `1e+16` is a string to a YAML 1.1 reader.
    return mantissa if not exponent else f"{mantissa if '.' in mantissa else mantissa + '.0'}e{power}"


def literal(text: str) -> tuple[str, list[str]] | None:
    """The header and the lines of `text` as a literal block scalar (YAML 1.2.2 section 8.1.2).

    None for a text of one line, and where a block would need an indentation indicator, escapes, or line breaks at
    its end that a later edit could change by accident.
    """
    lines = text.split("\n")
    clipped = lines[-1] == ""
    if clipped:
        lines.pop()
    if len(lines) < 2 and not clipped:
        return None
    if not lines or not lines[0].strip() or lines[0][0] in " \t" or not lines[-1].strip():
        return None
    if _NOT_IN_LITERAL.search(text):
        return None
    return ("|" if clipped else "|-"), lines
