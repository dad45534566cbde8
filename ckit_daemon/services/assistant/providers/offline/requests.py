"""What a person's message asks for, as the tool runs that answer it.

Only the person's own words are looked at, never what tools or files say, so that a text in the repository can't make
this model do anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ckit_daemon.core.json import JsonObject, JsonValue

_ID: Final = r"(?:[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*-\d+|(?:svc|pkg)-[a-z0-9]+(?:-[a-z0-9]+)*)"
IDENTIFIER: Final = re.compile(rf"(?<![\w/.-]){_ID}(?![\w-])|(?<=`)[\w.-]+-[\w.-]+(?=`)")
"""Ids as they stand in prose; ids of another form are recognized in backticks."""
_PATH: Final = re.compile(r"(?<![\w/.-])[\w.-]+(?:/[\w.-]+)+\.\w+")
_QUOTES: Final = "'\"`\u2018\u2019\u201c\u201d"
_NAMED: Final = 5
"""Most entities that one message looks up."""
_WORDS: Final = 8
"""Most words of a question that are searched for."""
_LONGEST: Final = 20_000
"""Characters of a question that can be searched for as it is."""
_PASSAGES: Final = 8
"""Passages that an answer is put together from."""
_WORD: Final = re.compile(r"[^\W_][\w'-]*")
_COMMON_WORDS: Final = """
    a about above after again all also am an and any anybody anyone anything are aren't as at be because been before
    being below between both but by can can't could describe did didn't do does doesn't doing don't down during each
    ever every explain few find for from further get give given gives go had has have having he hello her here hers hey
    hi him his how however i i'd i'll i'm i've if in into is isn't it it's its itself just know let let's like list long
    look looking made make makes many may me mean means might more most much must my need needs no nor not now of off
    often ok on once one only or other our ours out over own please repository said same say says see shall she should
    show so some somebody someone something soon such tell than thank thanks that that's the their theirs them then
    there there's these they this those through to too under until up us use used using very want was we we'd we'll
    we're were what what's when where where's whether which while who who's whose why will with would yes you you'd
    you'll you're your yours search
"""
_COMMON: Final = frozenset(_COMMON_WORDS.split())


@dataclass(frozen=True, slots=True)
class Step:
    """A tool run that a request asks for."""

    tool: str
    arguments: JsonObject
    instead: Step | None = None
    """What to run where the tool is not offered."""


def identifiers(text: str) -> list[str]:
    """Return the ids that a text names, each once, in their order."""
    return list(dict.fromkeys(IDENTIFIER.findall(text)))


def keywords(text: str) -> list[str]:
    """Return the words of a question that say what it is about, each once, in their order."""
    words = (word.strip("'-") for word in _WORD.findall(text.replace("\u2019", "'")))
    return list(dict.fromkeys(word for word in words if word and word.lower() not in _COMMON))[:_WORDS]


def steps(text: str) -> Sequence[Step]:
    """Return the tool runs that a message asks for; none where it asks for nothing that a tool could find."""
    for pattern, plan in _RULES:
        match = pattern.search(text)
        planned = plan(match) if match else ()
        if planned:
            return planned
    return (question(text),) if keywords(text) else ()


def question(text: str) -> Step:
    """Return the search that answers a question: by meaning, or by its words where nobody looks for meaning."""
    words = " ".join(keywords(text))
    asked = text if len(text) <= _LONGEST else words
    return Step("rag.search", {"query": asked, "limit": _PASSAGES}, by_words(words))


def by_words(query: str) -> Step:
    """Return the search for entities that hold these words."""
    return Step("context.search", {"query": query})


def _edit(match: re.Match[str]) -> Sequence[Step]:
    return _set(match, match["field"].lower())


def _rename(match: re.Match[str]) -> Sequence[Step]:
    return (Step("entity.edit", {"action": "rename", "id": match["id"], "newId": match["new"]}),)


def _retitle(match: re.Match[str]) -> Sequence[Step]:
    return _set(match, "title")


def _set(match: re.Match[str], field: str) -> Sequence[Step]:
    value = match["value"].strip().removesuffix(".").strip(_QUOTES)
    change: JsonObject = {"path": [field], "value": value}
    return (Step("entity.edit", {"action": "update", "id": match["id"], "changes": [change]}),)


def _specification(match: re.Match[str]) -> Sequence[Step]:
    before, _, requirement = match["rest"].partition(":")
    named: list[JsonValue] = [*identifiers(before)]
    if not named:
        return ()
    arguments: JsonObject = {"entities": named}
    if requirement.strip():
        arguments["requirement"] = requirement.strip()
    return (Step("spec.generate", arguments),)


def _impact(match: re.Match[str]) -> Sequence[Step]:
    named: list[JsonValue] = [*identifiers(match.string)[:_NAMED]]
    return (Step("pipeline.impact", {"ids": named}),) if named else ()


def _similar(match: re.Match[str]) -> Sequence[Step]:
    named = identifiers(match["rest"])
    return (Step("entity.similar", {"id": named[0]} if named else {"text": match["rest"].strip()}),)


def _prompts(match: re.Match[str]) -> Sequence[Step]:
    named: list[JsonValue] = [*identifiers(match.string)[:_NAMED]]
    return (Step("pipeline.generate", {"ids": named}),) if named else ()


def _graph(match: re.Match[str]) -> Sequence[Step]:
    named: list[JsonValue] = [*identifiers(match.string)[:_NAMED]]
    return (Step("pipeline.build-graph", {"ids": named} if named else {}),)


def _read(match: re.Match[str]) -> Sequence[Step]:
    return tuple(Step("context.read", {"path": path}) for path in _PATH.findall(match.string)[:_NAMED])


def _details(match: re.Match[str]) -> Sequence[Step]:
    return tuple(Step("entity.details", {"id": name}) for name in identifiers(match.string)[:_NAMED])


def _search(match: re.Match[str]) -> Sequence[Step]:
    query = match["rest"].strip().rstrip("?.!").strip()
    return (by_words(query),) if query else ()


def _validate(_match: re.Match[str]) -> Sequence[Step]:
    return (Step("pipeline.validate", {}),)


_TO: Final = rf"\s+to\s+(?P<new>{_ID})"
_OF: Final = rf"\s+of\s+(?P<id>{_ID})\s+to\s+(?P<value>[^\n]+)"
_RULES: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Sequence[Step]]], ...]] = (
    (re.compile(rf"(?i:\b(?:rename|renumber))\s+(?P<id>{_ID}){_TO}"), _rename),
    (re.compile(rf"(?i:\b(?:rename|retitle))\s+(?P<id>{_ID})\s+to\s+(?P<value>[^\n]+)"), _retitle),
    (re.compile(rf"(?i:\b(?:set|change|update)\s+(?:the\s+)?)(?P<field>[A-Za-z]\w*){_OF}"), _edit),
    (
        re.compile(
            r"(?i)\bvalidate\b|^\W*(?:please\s+)?check\b"
            r"|\b(?:everything|all|repository)\b.*\b(?:valid|fine|okay|in order|sound|consistent)\b"
            r"|\b(?:any|what|which|show|list)\b.*\b(?:findings|problems|mistakes|errors)\b(?:\s+(?:are )?there)?\W*$"
        ),
        _validate,
    ),
    (
        re.compile(
            r"(?i:\b(?:generate|write|draft|create|make|compose)\s+(?:me\s+)?(?:a\s+|the\s+)?(?:new\s+)?"
            r"spec(?:ification)?s?\b)(?P<rest>.*)",
            re.DOTALL,
        ),
        _specification,
    ),
    (
        re.compile(
            r"(?i)\b(?:breaks?|impacts?|affect(?:s|ed)?|consequences?|stale|depends? on)\b|\bif\b.*\bchanges?\b"
        ),
        _impact,
    ),
    (re.compile(r"(?i)\b(?:similar to|duplicates? of|resembles?|something like)\s+(?P<rest>.+)"), _similar),
    (re.compile(r"(?i)\b(?:generate|render|write|make)\b.*\b(?:prompts?|checklists?)\b"), _prompts),
    (re.compile(r"(?i)\bgraph\b"), _graph),
    (_PATH, _read),
    (IDENTIFIER, _details),
    (re.compile(r"(?i)\b(?:search(?: for)?|look for|find)\s+(?P<rest>.+)"), _search),
)
