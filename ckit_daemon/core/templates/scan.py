"""The tags of a Handlebars template with their places, which the rendering library does not tell.

The grammar is that of https://handlebarsjs.com/guide/expressions.html, as far as places need it; whether a template is
right is for the rendering library to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from ckit_daemon.core.text import Range, position_at

if TYPE_CHECKING:
    from collections.abc import Iterator

_RAW: Final = re.compile(r"\{\{\{\{([^{}]*)\}\}\}\}")
# A kind of tag: how it begins, how it ends, and whether what stands between is an expression. The first one that is
# closed counts: `{{{a}}` is a plain tag with a brace too many.
_KINDS: Final = (
    (re.compile(r"\{\{~?!--"), re.compile(r"--~?\}\}"), False),
    (re.compile(r"\{\{~?\{"), re.compile(r"\}~?\}\}"), True),
    (re.compile(r"\{\{~?"), re.compile(r"~?\}\}"), True),
)
_OPENER: Final = re.compile(r"\s*(#\*|#>|[#^/>&!*]|else\b)?\s*")
_TOKEN: Final = re.compile(
    r"""(?P<text>"[^"]*"|'[^']*')|(?P<params>\bas\s+\|[^|]*\|)|(?P<bracket>[()])|(?P<key>[^\s()"'=|\[\]]+=)"""
    r"""|(?P<path>(?:\[[^\]]*\]|[^\s()"'=|\[\]])+)|(?P<other>.)""",
    re.DOTALL,
)
_LITERAL: Final = re.compile(r"-?\d+(?:\.\d+)?|true|false|null|undefined")


class Word(NamedTuple):
    """A path in a tag; `called` says that it names a helper: it is followed by arguments or begins a subexpression."""

    text: str
    start: int
    called: bool


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag. `opener` is what it begins with: `#`, `/`, `else`, nothing for a plain value, and so on."""

    opener: str
    words: tuple[Word, ...]
    params: tuple[str, ...]
    start: int
    end: int

    @property
    def name(self) -> str:
        """The first word: a helper's name, or the path itself."""
        return self.words[0].text if self.words else ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A place where tags don't fit together."""

    start: int
    end: int


def scan(source: str) -> Iterator[Tag | Fault]:
    """Yield every tag that is no comment in the order of the text, and a fault where one is never closed."""
    at = 0
    # The ends that the rest of the text does not have are not searched for again, which keeps the time linear.
    kinds = list(_KINDS)
    while (start := source.find("{{", at)) >= 0:
        if _backslashes(source, at, start) == 1:
            at = start + 2
            continue
        raw = _RAW.match(source, start)
        if raw is not None:
            # What stands in a raw block is text.
            name = raw[1].split()
            close = source.find(f"{{{{{{{{/{name[0] if name else ''}", raw.end())
            end = -1 if close < 0 else source.find("}}}}", close)
            if end < 0:
                yield Fault(start, raw.end())
                return
            at = end + 4
            continue
        for kind in tuple(kinds):
            opening, closing, is_expression = kind
            opened = opening.match(source, start)
            if opened is None:
                continue
            closed = closing.search(source, opened.end())
            if closed is None:
                kinds.remove(kind)
                continue
            at = closed.end()
            body = source[opened.end() : closed.start()]
            if is_expression and not body.lstrip().startswith("!"):
                yield _tag(body, opened.end(), start, at)
            break
        else:
            yield Fault(start, len(source[start:].split("\n", 1)[0]) + start)
            return


def _backslashes(source: str, first: int, end: int) -> int:
    """How many backslashes stand before `end`, not counting what comes before `first`."""
    count = 0
    while end - count > first and source[end - count - 1] == "\\":
        count += 1
    return count


def _tag(body: str, offset: int, start: int, end: int) -> Tag:
    opener = _OPENER.match(body)
    at = 0 if opener is None else opener.end()
    tokens = list(_TOKEN.finditer(body, at))
    arguments = sum(1 for token in tokens if token["text"] is not None or token["path"] or token["key"])
    words: list[Word] = []
    params: tuple[str, ...] = ()
    called = arguments > 1
    for token in tokens:
        if token["bracket"]:
            called = token["bracket"] == "("
        elif token["params"]:
            params = tuple(token["params"].partition("|")[2].rstrip("|").split())
        elif token["text"] is not None or token["path"]:
            if token["path"] and not _LITERAL.fullmatch(token["path"]):
                words.append(Word(token["path"], offset + token.start(), called))
            called = False
    return Tag(opener[1] or "" if opener else "", tuple(words), params, start, end)


def find_fault(source: str) -> Fault | None:
    """The first place where a tag is not closed, or a block is closed that is not open, or left open."""
    opened: list[Tag] = []
    for item in scan(source):
        if isinstance(item, Fault):
            return item
        if item.opener in {"#", "^", "#>", "#*"} and item.name:
            opened.append(item)
        elif item.opener == "/":
            expected = opened.pop().name if opened else None
            if expected != item.name:
                return Fault(item.start, item.end)
        elif item.opener == "else" and not opened:
            return Fault(item.start, item.end)
    return Fault(opened[-1].start, opened[-1].end) if opened else None


def range_of(source: str, start: int, end: int) -> Range:
    """The lines and columns of a stretch of text."""
    return Range(position_at(source, start), position_at(source, end))
