"""What the offline model does next: run tools, or answer from what they said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.errors import GenerationFailedError
from ckit_daemon.services.assistant.providers.offline.answers import CLOSING, answer
from ckit_daemon.services.assistant.providers.offline.exchange import canonical
from ckit_daemon.services.assistant.providers.offline.fields import block, objects, text
from ckit_daemon.services.assistant.providers.offline.modes import report
from ckit_daemon.services.assistant.providers.offline.requests import Step, by_words, keywords, steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckit_daemon.services.assistant.providers.offline.exchange import Exchange

_DETAILED: Final = 2
"""How many hits of a search are read."""
_SIMILAR: Final = 5
"""How many entities are looked at where no search finds anything."""
_HELP: Final = """\
I am ckit's built-in **offline** assistant: not a language model, but rules that follow simple requests to tools. Ask me

- about an entity by its id: "What is FEAT-001?"
- what a change breaks: "What breaks if FEAT-001 changes?"
- whether all is in order: "Validate the repository."
- where something is said: "How long does an item wait?" or "search for hold shelf"
- what is alike: "What is similar to US-003?"
- for a change: "Set status of T-009 to done." You see the diff before anything is written.
- for a spec: "Generate a spec for FEAT-001: members can pause notices."

A language model understands more; `models.chat` in the settings chooses one."""


_UNCHANGED: Final = (
    "In the mode clarification I change and run nothing. Name an entity, and I say what is open about it; for anything "
    "else choose the mode general."
)
_WHOLE: Final = """
    better improve improved improvement improvements gap gaps missing weak weaknesses vague whole everything
"""
_ABOUT_ALL: Final = frozenset(_WHOLE.split())
"""Words of somebody who asks about the repository as a whole."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The next message of the model: a text, or tools to be run."""

    text: str = ""
    steps: Sequence[Step] = ()


def respond(exchange: Exchange, *, tools: Sequence[str], structured: bool) -> Reply:
    """Return what to say or to run next.

    Raises:
        GenerationFailedError: something is to be generated that the model has no way to compose.
    """
    if exchange.task is not None or structured:
        return Reply(_compose(exchange))
    planned = _next_steps(exchange)
    known = {canonical(name): name for name in tools}
    usable = [found for step in planned if (found := _offered(step, known)) is not None]
    if usable:
        return Reply(steps=usable)
    if exchange.results:
        said = report(exchange)
        return Reply(answer(exchange) if said is None else f"{said}\n\n{CLOSING}")
    if planned and exchange.mode == "clarification":
        return Reply(_UNCHANGED)
    if planned and not tools:
        return Reply(_HELP)
    if planned:
        lacking = ", ".join(f"`{name}`" for name in dict.fromkeys(step.tool for step in planned))
        return Reply(f"This needs the tool {lacking}, which is not available here.")
    return Reply(_HELP)


def _offered(step: Step, known: Mapping[str, str]) -> Step | None:
    """The step, or what is to be run instead, under the name that its tool is offered by."""
    name = known.get(canonical(step.tool))
    if name is not None:
        return Step(name, step.arguments)
    return None if step.instead is None else _offered(step.instead, known)


def _next_steps(exchange: Exchange) -> Sequence[Step]:
    """Plan from the person's words first; a search that found something is followed up, one that did not is widened."""
    results = exchange.results
    if not results and exchange.mode == "general":
        return steps(exchange.request)
    if not results:
        return _looked_up(exchange)
    last = results[-1]
    tool, output = canonical(last.tool), block(last.output)
    if tool == "rag.search" and (last.failed or text(output, "mode") == "lexical"):
        # Without an index, whole questions find whatever shares words like `where` and `say`.
        return (by_words(" ".join(keywords(exchange.request))),)
    if (
        last.failed
        or tool not in {"context.search", "entity.similar"}
        or canonical(results[0].tool) not in {"context.search", "rag.search"}
    ):
        return ()
    hits = objects(output, "hits") or objects(output, "entities")
    if not hits and tool == "context.search":
        # All words together stand nowhere; what holds most of them may answer, too.
        return (Step("entity.similar", {"text": " ".join(keywords(exchange.request)), "limit": _SIMILAR}),)
    return tuple(Step("entity.details", {"id": text(hit, "id")}) for hit in hits[:_DETAILED])


def _looked_up(exchange: Exchange) -> Sequence[Step]:
    """Look at entities where the mode is to say something about them; who asks for something else gets that."""
    planned = steps(exchange.request)
    words = [word for word in keywords(exchange.request) if word.lower() not in _ABOUT_ALL]
    if exchange.mode == "improvement" and not words:
        return (Step("pipeline.validate", {}),)
    # Passages answer a question; here it is the entities themselves that are talked about.
    return [step if step.instead is None else by_words(" ".join(words)) for step in planned]


def _compose(exchange: Exchange) -> str:
    # Imported here, since conversations don't need it.
    from ckit_daemon.services.generation.compose import COMPOSERS  # noqa: PLC0415

    composer = COMPOSERS.get(exchange.task or "")
    if composer is None:
        raise GenerationFailedError(
            "The offline provider can't write this; choose a language model in the setting models.generation.",
            details={"task": exchange.task},
        )
    return composer(exchange.material)
