"""Markdown by its headings."""

from __future__ import annotations

import re
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from markdown_it import MarkdownIt

from ckit_daemon.core.document import read_yaml
from ckit_daemon.core.entity import text_of
from ckit_daemon.core.text import lines_with_ends
from ckit_daemon.services.rag.chunking.passages import Passages, part_of_heading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckit_daemon.core.document import Document
    from ckit_daemon.services.rag.chunking.passages import Masker, Passage

MAX_PARSED: Final = 1_000_000
"""Characters of a text that is taken apart at its headings; a longer one is only cut into pieces."""
_MAY_HAVE_HEADINGS: Final = re.compile(r"(?:\A|[\r\n])[ ]{0,3}(?:\#{1,6}(?:\s|\Z)|(?:=+|-+)[ \t]*(?:[\r\n]|\Z))")
_FRONT_MATTER: Final = re.compile(r"---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_ANCHOR: Final = re.compile(r"(?<!\s)\s*\{#([^\s{}]+)[^{}]*\}\s*$|<a\s+(?:id|name)=[\"']([^\"']+)[\"']\s*/?>(?:</a>)?")
_MARKUP: Final = re.compile(r"[*`]+|(?<!\w)_+|(?<!_)_++(?!\w)")
_NO_SLUG: Final = re.compile(r"[^\w\- ]+")


class Section(NamedTuple):
    """What stands between two headings."""

    headings: tuple[str, ...]
    """The headings above it, the outermost first and its own last; none before the first heading."""
    anchor: str
    """What links to it, as GitHub makes it of the heading, or as the heading says itself."""
    start: int
    """Where its body begins in the text; the heading stands before."""
    end: int


def markdown_passages(document: Document, limit: int, masker: Masker | None) -> list[Passage]:
    """Take a Markdown file apart at its headings."""
    text = document.text
    passages = Passages("markdown", document.path, limit, masker)
    matter = _FRONT_MATTER.match(text)
    title = _title_in(matter[1]) if matter else None
    for section in sections(text, matter.end() if matter else 0):
        headings = section.headings
        # Without a heading, the name of the file is what the text is about; the folder is not, since files move.
        named = headings or (title or document.path.rpartition("/")[2].rpartition(".")[0],)
        heading = ", ".join(named if not title or title in named else (title, *named))
        passages.add(section.anchor, headings, heading, text[section.start : section.end], at=section.start)
    if not passages.found:
        # A file of nothing but headings is found by them.
        start = matter.end() if matter else 0
        passages.add("", (), title or document.path.rpartition("/")[2], text[start:], at=start)
    return passages.found


def sections(text: str, start: int = 0) -> Iterator[Section]:
    """Take a text apart at its headings, from `start` on; headings that have neither text nor parts are left out."""
    if len(text) > MAX_PARSED or _MAY_HAVE_HEADINGS.search(text, start) is None:
        yield Section((), "", start, len(text))
        return
    body = text[start:]
    lines = [*accumulate(map(len, lines_with_ends(body)), initial=start)]
    above: list[tuple[int, str]] = []
    anchors: dict[str, int] = {}
    begin, anchor = start, ""
    for level, first, after, content in _headings(body):
        yield Section(tuple(name for _, name in above), anchor, begin, lines[first])
        name, anchor = _named(content, anchors)
        while above and above[-1][0] >= level:
            above.pop()
        above.append((level, name))
        begin = lines[min(after, len(lines) - 1)]
    yield Section(tuple(name for _, name in above), anchor, begin, len(text))


def _headings(text: str) -> Iterator[tuple[int, int, int, str]]:
    """Yield level, first line, line after and content of each heading that stands in no quote and no list."""
    tokens = _parser().parse(text)
    for index, token in enumerate(tokens):
        if token.type == "heading_open" and token.level == 0 and token.map is not None:
            yield int(token.tag[1:]), token.map[0], token.map[1], tokens[index + 1].content


@cache
def _parser() -> MarkdownIt:
    # What stands within a line is of no interest, and is most of the work.
    return MarkdownIt("commonmark").disable(["inline", "text_join"])


def _named(content: str, anchors: dict[str, int]) -> tuple[str, str]:
    """A heading's text without its markup, and its anchor."""
    own = _ANCHOR.search(content)
    name = " ".join(_MARKUP.sub("", _ANCHOR.sub("", content)).split())
    anchor = (own[1] or own[2]) if own else _NO_SLUG.sub("", name.lower()).strip().replace(" ", "-")
    count = anchors.get(anchor, 0)
    anchors[anchor] = count + 1
    return name, anchor if count == 0 else f"{anchor}-{count}"


def _title_in(matter: str) -> str | None:
    value = read_yaml("", matter).value
    found = text_of(value.get("title")) if isinstance(value, dict) else None
    return None if found is None else part_of_heading(found)
