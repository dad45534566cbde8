"""The language of search queries.

validate contract       both words, or words that begin so
"unit tests pass"       these words in this order
FEAT-001  needs-review  a compound is a phrase whose last word may go on
owner:@mei  title:"log" a field, by its path or, where no path has this name, by a key on the way
type:task  id:T-0       the entity's type; the beginning of its id
-blocked  -status:done  not
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from ckit_daemon.core.errors import InvalidArgumentError
from ckit_daemon.core.search.words import WORD, fold, phrase_pattern

MAX_QUERY: Final = 1000
MAX_TERMS: Final = 32
_TERM = re.compile(
    r'(?P<not>-(?=[^\s-]))?(?:(?P<field>[A-Za-z_][\w.-]*):(?=\S))?(?:"(?P<quoted>[^"]*)"?|(?P<plain>\S+))'
)


@dataclass(frozen=True)
class Term:
    """One condition of a query."""

    text: str
    """What was written, without field, quotes and minus."""
    field: str | None = None
    negated: bool = False
    quoted: bool = False

    @cached_property
    def folded(self) -> str:
        """The text without case and accents."""
        return fold(self.text)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words that must follow one another."""
        return tuple(WORD.findall(self.folded))

    @property
    def open_end(self) -> bool:
        """Whether the last word may be the beginning of a longer one: not for quotes and lone letters."""
        return not self.quoted and (len(self.words) > 1 or len(self.folded) > 1)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Finds the term in a folded text."""
        return phrase_pattern(self.words, open_end=self.open_end)


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for: every positive term, and none of the negated ones."""

    wanted: tuple[Term, ...]
    unwanted: tuple[Term, ...]


def parse_query(text: str) -> Query:
    """Read a query; every text is one.

    Raises:
        InvalidArgumentError: the query is too long to be meant.

    """
    if len(text) > MAX_QUERY:
        raise InvalidArgumentError(f"A query may have {MAX_QUERY} characters, and this one has {len(text)}.")
    terms = [
        Term(
            match["plain"] if match["quoted"] is None else match["quoted"],
            match["field"],
            match["not"] is not None,
            match["quoted"] is not None,
        )
        for match in _TERM.finditer(text)
    ]
    terms = [term for term in dict.fromkeys(terms) if term.words]
    if len(terms) > MAX_TERMS:
        raise InvalidArgumentError(f"A query may have {MAX_TERMS} terms, and this one has {len(terms)}.")
    return Query(
        tuple(term for term in terms if not term.negated),
        tuple(term for term in terms if term.negated),
    )
