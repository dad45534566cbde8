"""What the model is told before a conversation: its task by mode, the rules about data, and what the repository is."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.entity import text_of
from ckit_daemon.core.relations import GOVERNANCE
from ckit_daemon.services.assistant.fencing import RULES, fence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.services.assistant.records import Mode
    from ckit_daemon.services.open_repository import OpenRepository

_BASE: Final = """\
You are the assistant of a context repository: YAML files that say what a product is and why (features, user stories, \
specs, tasks, services, packages, governance). Answer in the language of the person, briefly, in Markdown. Name \
entities by their ids. State only what you were told or what a tool has shown you; look things up with tools instead \
of guessing, and say so when something is not there."""

_MODES: Final[Mapping[Mode, str]] = {
    "general": "Answer questions and do what the person asks. Change files only if they ask for it.",
    "improvement": (
        "Look for what could be better in what the person names: gaps, contradictions, vague criteria, missing links. "
        "Give the findings by weight, each with the entity, the reason and a concrete proposal. Change files only if "
        "they ask for it."
    ),
    "clarification": (
        "Find out what the person means before you answer. As long as something that matters is open, ask at most "
        "three short questions, each with the answers that the repository suggests; then sum up what was agreed. You "
        "have no tools that change anything; what was agreed can be done once the person has left this mode."
    ),
}
_MAX_PRINCIPLES: Final = 20


def system_prompt(mode: Mode, repository: OpenRepository) -> str:
    """Return the system prompt; may be called from any thread."""
    overview = "\n".join(_overview(repository.store.root.name, repository.store.snapshot))
    return "\n\n".join([_BASE, _MODES[mode], RULES, "The repository:", fence(overview, "overview of the repository")])


def _overview(name: str, snapshot: Snapshot) -> Iterator[str]:
    yield f"name: {name}"
    counts = Counter(entity.type for entity in snapshot.entities)
    yield "entities: " + (", ".join(f"{count} {kind}" for kind, count in counts.items()) or "none")
    principles = [
        line for entity in snapshot.entities if entity.type == GOVERNANCE for line in _principles(entity.data)
    ]
    if principles:
        yield "principles:"
        yield from principles[:_MAX_PRINCIPLES]


def _principles(data: JsonObject) -> Iterator[str]:
    listed = data.get("principles")
    for principle in listed if isinstance(listed, list) else []:
        if isinstance(principle, dict):
            title, summary = text_of(principle.get("title")), text_of(principle.get("summary"))
            yield "- " + ": ".join(part for part in (title, summary) if part)
