"""Specifications composed from facts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ckit_daemon.services.generation.facts import (
    criteria,
    data_of,
    mappings,
    of_type,
    short_title,
    split_sentences,
    story_sentence,
    text,
    texts,
)
from ckit_daemon.services.generation.markdown import sections

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ckit_daemon.core.json import JsonObject

_UNKNOWN: Final = "Nothing in the repository says this yet."
_FAILURE: Final = re.compile(
    r"\b(fail|refus|reject|error|invalid|without|unavailable|offline|down|lost|late|twice|timeout|retr|never|miss)",
    re.IGNORECASE,
)
_PLACEHOLDER: Final = re.compile(
    r"<[a-z][^<>\n]*>|\{\{[^{}]*\}\}|\[(?:to be|generated|[a-z ]+requirements)[^\]\n]*\]", re.IGNORECASE
)
_MAX_QUESTIONS: Final = 3


def compose_spec(facts: JsonObject) -> str:
    """A specification as Markdown, in the outline that the facts bring."""
    outline = _block(facts, "outline")
    parts = [f"# {_title(facts, outline)}", _summary(facts)]
    for section in sections(outline):
        if section.level <= 1:
            kept = _kept(section.text)
            if kept and section.level == 1 and "<" not in section.text:
                parts.append(kept)
            continue
        parts.append(f"{'#' * section.level} {section.heading}\n\n{_section(section.heading, section.text, facts)}")
    names = ", ".join(str(entity.get("id")) for entity in mappings(facts.get("entities"))) or "the requirement alone"
    parts.append(
        "## About this text\n\n"
        f"Composed offline from {names} with the template `{text(facts, 'template')}`; no language model was asked. "
        "It repeats what the repository says and names what it does not say."
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _block(facts: JsonObject, key: str) -> str:
    """A fact that is a text of several lines."""
    value = facts.get(key)
    return value.strip() if isinstance(value, str) else ""


def _title(facts: JsonObject, outline: str) -> str:
    if requirement := _block(facts, "requirement"):
        return short_title(requirement)
    focus = mappings(facts.get("entities"))
    named = next((section.heading for section in sections(outline) if section.level == 1), "")
    if named and "<" not in named:
        return named
    subject = text(focus[0], "title", "id") if focus else "What is to be built"
    return f"How it works: {subject}"


def _summary(facts: JsonObject) -> str:
    focus = mappings(facts.get("entities"))
    requirement = split_sentences(_block(facts, "requirement"))
    about = [f"{entity.get('id')} ({text(entity, 'title')})" for entity in focus[:3] if entity.get("title")]
    sentences = [requirement[0] if requirement else "This is how one part of the product works."]
    if about:
        sentences.append(f"It is about {', '.join(about)}.")
    return " ".join(sentence if sentence.endswith((".", "!", "?")) else f"{sentence}." for sentence in sentences)


def _section(heading: str, outline: str, facts: JsonObject) -> str:
    words = heading.casefold()
    for name, fill in _FILLERS.items():
        if name in words:
            return fill(facts) or _UNKNOWN
    return _kept(outline) or _UNKNOWN


def _kept(outline: str) -> str:
    """What an outline says itself, without the lines that are still to be filled in."""
    return "\n".join(line for line in outline.splitlines() if not _PLACEHOLDER.search(line)).strip()


def _listed(items: list[str]) -> str:
    return "\n".join(f"- {item}" for item in dict.fromkeys(items))


def _goal(facts: JsonObject) -> str:
    features = of_type(facts, "feature")
    asked = [feature for feature in features if feature.get("id") in texts(facts.get("focus"))] or features
    return "\n\n".join(goal for each in asked if (goal := text(data_of(each), "objective", "description")))


def _behaviour(facts: JsonObject) -> str:
    wanted = split_sentences(_block(facts, "requirement"))
    rules = [
        f"{rule} ({feature.get('id')})"
        for feature in of_type(facts, "feature")
        for rule in texts(data_of(feature).get("acceptance"))
    ]
    stories = [f"{story_sentence(story)}. ({story.get('id')})" for story in of_type(facts, "userstory")]
    return _listed([*wanted, *rules, *stories]) or _goal(facts)


def _scope(facts: JsonObject) -> str:
    lines: list[str] = []
    for feature in of_type(facts, "feature"):
        scope = data_of(feature).get("scope")
        if isinstance(scope, dict):
            lines += [f"In: {item}" for item in texts(scope.get("includes"))]
            lines += [f"Out: {item}" for item in texts(scope.get("excludes"))]
    return _listed(lines)


def _stories(facts: JsonObject) -> str:
    blocks: list[str] = []
    for story in of_type(facts, "userstory"):
        listed = _listed(texts(data_of(story).get("acceptanceCriteria")))
        blocks.append(f"{story_sentence(story)}. ({story.get('id')})" + (f"\n\n{listed}" if listed else ""))
    return "\n\n".join(blocks)


def _data(facts: JsonObject) -> str:
    lines: list[str] = []
    for domain in mappings(facts.get("domains")):
        boundaries = domain.get("boundaries")
        names = texts(boundaries.get("entities")) if isinstance(boundaries, dict) else []
        if names:
            lines.append(f"{text(domain, 'name', 'id')} owns {', '.join(names)}.")
        language = domain.get("ubiquitousLanguage")
        lines += (
            f"**{word}**: {meaning}" for word, meaning in (language if isinstance(language, dict) else {}).items()
        )
    return _listed(lines)


def _interfaces(facts: JsonObject) -> str:
    return _listed(
        [
            f"`{part.get('id')}`: {text(data_of(part), 'summary', 'description', 'purpose', 'title', 'name')}"
            for part in of_type(facts, "service", "package")
        ]
    )


def _operations(facts: JsonObject) -> str:
    """One operation for each story; names and paths are decisions that nobody has made yet."""
    wishes = [(text(data_of(story), "iWant", "title"), story.get("id")) for story in of_type(facts, "userstory")]
    return _listed([f"{wish.removeprefix('to ')} ({name}); method and path are open" for wish, name in wishes])


def _failures(facts: JsonObject) -> str:
    found = [f"{criterion} ({identifier})" for criterion, identifier in criteria(facts) if _FAILURE.search(criterion)]
    for entity in of_type(facts, "feature", "userstory"):
        found += [f"Risk: {risk} ({entity.get('id')})" for risk in texts(data_of(entity).get("risks"))]
    return _listed(found)


def _constraints(facts: JsonObject) -> str:
    lines = [
        f"{constraint} ({entity.get('id')})"
        for entity in of_type(facts, "feature", "spec")
        for constraint in texts(data_of(entity).get("constraints"))
    ]
    firm = [principle for principle in mappings(facts.get("principles")) if principle.get("nonNegotiable") is True]
    lines += [f"{text(principle, 'title', 'id')}: {text(principle, 'summary', 'details')}" for principle in firm]
    return _listed(lines)


def _acceptance(facts: JsonObject) -> str:
    return _listed([f"{criterion} ({identifier})" for criterion, identifier in criteria(facts)])


def _questions(facts: JsonObject) -> str:
    asked = [
        question
        for entity in mappings(facts.get("entities"))
        for question in texts(data_of(entity).get("clarifications"))
    ]
    if not criteria(facts):
        asked.append("How can a person check that this is done? No acceptance criterion says it.")
    if not _failures(facts):
        asked.append("What happens when something that this builds on does not answer?")
    if not of_type(facts, "userstory"):
        asked.append("Who needs this, and what for? No user story says it.")
    return _listed(asked[:_MAX_QUESTIONS])


_FILLERS: Final[Mapping[str, Callable[[JsonObject], str]]] = {
    "question": _questions,
    "clarification": _questions,
    "acceptance": _acceptance,
    "must be true": _acceptance,
    "test": _acceptance,
    "constraint": _constraints,
    "complian": _constraints,
    "fail": _failures,
    "error": _failures,
    "risk": _failures,
    "goal": _goal,
    "objective": _goal,
    "overview": _summary,
    "summary": _summary,
    "scope": _scope,
    "stor": _stories,
    "behavi": _behaviour,
    "approach": _behaviour,
    "data": _data,
    "model": _data,
    "interface": _interfaces,
    "depend": _interfaces,
    "builds on": _interfaces,
    "operation": _operations,
    "endpoint": _operations,
}
"""What fills a section, by a part of its heading; the first that fits."""
