"""Takes an answer apart: sentences, what they cite, and the words that carry them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_FENCE: Final = re.compile(r"^(```+|~~~+)[^\n]*\n.*?^\1[^\n]*$", re.DOTALL | re.MULTILINE)
# A full stop ends a sentence only where what follows looks like a beginning, so that versions and times stay whole; it
# does not where it belongs to the number of a list's item or to a single letter, as in "e.g. FEAT-001", nor before an
# ellipsis, by which a quotation goes on.
_END: Final = re.compile(
    r"^[ \t]*(?:[-*+>][ \t]+)*(?P<item>\d+\.)(?=[ \t])"
    r"|(?:(?:(?<!\b[^\W\d_])\.|[!?\u3002\uff01\uff1f])['\")\]\u2019\u201d]*(?:[ \t]*\[\d+(?:[ \t]*,[ \t]*\d+)*\])*"
    r"(?=\s+[^\sa-z\u2026]|\s*\Z))|\n+",
    re.MULTILINE,
)
# Numbers in brackets; what stands in code is passed over, since there they are part of it.
_CITATION: Final = re.compile(
    r"^(?P<fence>```+|~~~+)[^\n]*\n.*?(?:^(?P=fence)[^\n]*$|\Z)"
    r"|(?P<ticks>`+)(?!`)[^\n]*?(?<!`)(?P=ticks)(?!`)"
    r"|[ \t]*\[(?P<numbers>\d+(?:[ \t]*,[ \t]*\d+)*)\]",
    re.DOTALL | re.MULTILINE,
)
_MARKUP: Final = re.compile(r"^\s*(?:(?:[-*+>]|\d+[.)]|#+)\s+)+")
_WORD: Final = re.compile(r"[^\W_]+(?:[.:,]\d+)*")
_NUMBER: Final = re.compile(r"\d+(?:[.:,]\d+)*")
_TABLE_RULE: Final = re.compile(r"[|\t :]*-[|\t :-]*$", re.MULTILINE)
"""What stands under the headings of a table."""
SAYING_NOTHING: Final = 2
"""So many words are a heading or a connection and claim nothing, unless there is a number among them."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an answer, with its place in it."""

    start: int
    end: int
    text: str
    """Without citations and list marks."""
    cited: tuple[int, ...]


def sentences(answer: str) -> Iterator[Sentence]:
    """Yield the sentences of a Markdown text that claim something; headings and code claim nothing."""
    code = [match.span() for match in _FENCE.finditer(answer)]
    start = 0
    for match in (*_END.finditer(answer), None):
        if match is not None and match["item"]:
            continue
        end = len(answer) if match is None else match.end()
        heads_table = answer.startswith("|", start) and _TABLE_RULE.match(answer, end)
        if not heads_table and not any(begin < end and start < stop for begin, stop in code):
            found = _sentence(answer, start, end)
            if found is not None:
                yield found
        start = end


def _sentence(answer: str, start: int, end: int) -> Sentence | None:
    raw = answer[start:end]
    left = start + len(raw) - len(raw.lstrip())
    right = start + len(raw.rstrip())
    beginning = answer[answer.rfind("\n", 0, left) + 1 : right].lstrip()
    if beginning.startswith("|") and beginning.endswith("|"):
        # Whatever is added to a row of a table is seen only within its last cell.
        right = left + len(answer[left : right - 1].rstrip())
    line = answer[left:right]
    text = _MARKUP.sub("", _CITATION.sub(lambda match: "" if match["numbers"] else match[0], line)).strip()
    says_nothing = len(words(text)) <= SAYING_NOTHING and not numbers(text)
    if line.startswith("#") or text.endswith(":") or says_nothing:
        return None
    return Sentence(left, right, text, cited_in(line))


def cited_in(text: str) -> tuple[int, ...]:
    """Return the numbers of the sources that a text cites, each once, in its order."""
    found = [match["numbers"] for match in _CITATION.finditer(text)]
    return tuple(dict.fromkeys(int(number) for listed in found if listed for number in listed.split(",")))


def words(text: str) -> list[str]:
    """Return the words of a text, numbers with their points and colons among them, in small letters."""
    return [match[0].casefold() for match in _WORD.finditer(text)]


def numbers(text: str) -> set[str]:
    """Return the numbers of a text in a form in which 9,000 and 9000 are one."""
    return {match[0].replace(",", "").lstrip("0") or "0" for match in _NUMBER.finditer(text)}


def without_citations(text: str) -> str:
    """Return a quoted text with its own numbers in brackets as code, so that nobody takes them for citations."""

    def as_code(match: re.Match[str]) -> str:
        if match["numbers"] is None:
            return match[0]
        before, bracket, rest = match[0].partition("[")
        return f"{before}`{bracket}{rest}`"

    return _CITATION.sub(as_code, text)


def without_unknown_citations(answer: str, known: int) -> str:
    """Return an answer without numbers of sources that it was not given."""

    def kept(match: re.Match[str]) -> str:
        if match["numbers"] is None:
            return match[0]
        found = [number.strip() for number in match["numbers"].split(",") if 1 <= int(number) <= known]
        return f"{match[0][: match[0].index('[')]}[{', '.join(found)}]" if found else ""

    return _CITATION.sub(kept, answer)
