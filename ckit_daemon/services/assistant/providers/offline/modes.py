"""What the modes make of entities that were looked up: what could be better, or what has to be asked first.

Rules can see gaps, open questions and words without a measure. Whether a text says the right thing they can't see.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ckit_daemon.services.assistant.providers.offline.exchange import canonical
from ckit_daemon.services.assistant.providers.offline.fields import block, objects, text, texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.services.assistant.providers.offline.exchange import Exchange, Result

_QUESTIONS: Final = 3
_POINTS: Final = 12
"""Most points about one entity."""
_PARTS: Final[Mapping[str, Mapping[str, str]]] = {
    "feature": {"has-story": "user story", "has-spec": "specification", "has-task": "task"},
}
"""What an entity should lead to, by its relations."""
_WHOLES: Final[Mapping[str, str]] = {"userstory": "has-story", "spec": "has-spec", "task": "has-task"}
"""By which relation an entity should belong to a feature."""
_CRITERIA: Final = ("acceptance", "acceptanceCriteria")
_MEASURED: Final = (*_CRITERIA, "constraints", "outcomes", "successCriteria")
"""Lists whose sentences somebody will have to check."""
_JUDGED: Final = frozenset({"feature", "userstory"})
"""Types that promise something to people, and need criteria for it."""
_STUCK: Final = frozenset({"blocked", "needs-review", "stale"})
_VAGUE: Final = re.compile(
    r"\b(?:fast|quick(?:ly)?|easy|easily|simpl[ey]|user-friendly|intuitive|robust|flexible|soon|timely|appropriate(?:ly)?"
    r"|adequate(?:ly)?|reasonabl[ey]|sufficient(?:ly)?|as needed|if necessary|where possible|and so on|etc|several|tbd"
    r"|todo)\b",
    re.IGNORECASE,
)


def report(exchange: Exchange) -> str | None:
    """Return what the mode of a conversation makes of the results; None where it has nothing of its own to say."""
    if exchange.mode == "general":
        return None
    read = [block(result.output) for result in _of(exchange.results, "entity.details") if not result.failed]
    if not read:
        return None
    if exchange.mode == "improvement":
        return "\n\n".join(_improvement(entity) for entity in read)
    return _clarification(exchange, read)


def _of(results: Sequence[Result], tool: str) -> list[Result]:
    return [result for result in results if canonical(result.tool) == tool]


def _name(entity: JsonObject) -> str:
    return f"**{text(entity, 'id')}** {text(entity, 'title')}".strip()


def _quoted(sentence: str) -> str:
    return f"\u201c{' '.join(sentence.split())}\u201d"


# What could be better


def _improvement(entity: JsonObject) -> str:
    points = list(dict.fromkeys(_points(entity)))
    if not points:
        return (
            f"{_name(entity)} has no gap that rules can see. Whether it says the right thing, a person has to judge, "
            "or a language model."
        )
    shown = [f"{number}. {point}" for number, point in enumerate(points[:_POINTS], 1)]
    more = [f"{len(points) - _POINTS} more points are left out."] if len(points) > _POINTS else []
    return "\n\n".join([f"What could be better in {_name(entity)}, the gravest first:", "\n".join(shown), *more])


def _points(entity: JsonObject) -> Iterator[str]:
    for finding in objects(entity, "findings"):
        yield f"{text(finding, 'severity').capitalize()}: {text(finding, 'message')}"
    yield from _links(entity)
    yield from _sentences(entity)


def _links(entity: JsonObject) -> Iterator[str]:
    kind, relations = text(entity, "type"), objects(entity, "relations")
    to = [each for each in relations if text(each, "direction") == "out"]
    by = {text(each, "rel") for each in relations if text(each, "direction") == "in"}
    if text(entity, "status") in _STUCK:
        yield f"It is {text(entity, 'status')}. Say what it waits for, or go on with it."
    for other in to:
        if text(other, "status") in _STUCK:
            yield f"{_name(other)}, which it leads to, is {text(other, 'status')}. See what that needs."
    for rel, what in _PARTS.get(kind, {}).items():
        if rel not in {text(each, "rel") for each in to}:
            yield f"No {what} says how it comes about. Write one, or link it."
    if kind in _WHOLES and _WHOLES[kind] not in by:
        yield "It belongs to no feature. Link it to the one that it serves."


def _sentences(entity: JsonObject) -> Iterator[str]:
    data = block(entity.get("data"))
    if text(entity, "type") in _JUDGED and not any(texts(data, field) for field in _CRITERIA):
        yield "It has no criteria. Say by what somebody can see that it is done."
    for question in texts(data, "clarifications"):
        yield f"It leaves open: {_quoted(question)} Decide it, and make a criterion of the answer."
    for field in _MEASURED:
        for sentence in texts(data, field):
            if (found := _VAGUE.search(sentence)) is not None:
                yield f"{_quoted(sentence)} ({field}): {found.group()} has no measure. Say how much, or until when."
    for assumption in texts(data, "assumptions"):
        yield f"It assumes: {_quoted(assumption)} Find out whether that holds."


# What has to be asked


def _clarification(exchange: Exchange, read: Sequence[JsonObject]) -> str:
    found = {
        text(hit, "id"): hit
        for result in exchange.results
        for hit in [*objects(block(result.output), "hits"), *objects(block(result.output), "entities")]
    }
    about = {text(entity, "id"): entity for entity in read} | {key: hit for key, hit in found.items() if key}
    asked: list[str] = []
    if found and len(about) > 1:
        options = "\n".join(f"   - {_name(each)}" for each in list(about.values())[:5])
        asked.append(f"Which of these do you mean?\n{options}")
    asked += [question for entity in read for question in _open(entity)]
    if not asked:
        entity = read[0]
        parts = ", ".join(key for key in block(entity.get("data")) if key not in {"id", "title", "name"})
        asked.append(f"What about {text(entity, 'id')} is it that you want to know or to change? It has: {parts}.")
    names = ", ".join(_name(entity) for entity in read)
    questions = "\n".join(f"{number}. {question}" for number, question in enumerate(asked[:_QUESTIONS], 1))
    return f"As I understand you, this is about {names}. Before I answer:\n\n{questions}"


def _open(entity: JsonObject) -> Iterator[str]:
    data, name = block(entity.get("data")), text(entity, "id")
    for question in texts(data, "clarifications"):
        yield f"{name} leaves open: {_quoted(question)} Is that decided by now?"
    for assumption in texts(data, "assumptions"):
        yield f"{name} assumes: {_quoted(assumption)} Does that hold?"
