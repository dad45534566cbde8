"""What models are told: who they are, what is wanted, and the material as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from ckit_daemon.services.assistant.fencing import RULES, fence, neutralise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import BaseMessage

    from ckit_daemon.core.json import JsonObject

_MAX_SHOWN: Final = 20_000
WRITER: Final = f"""\
You write technical specifications for a product whose context repository is given to you as data. Write plain, exact \
Markdown: short sentences, each limit with a number and a unit, the words of the domain. Say only what the material \
or the person supports; what nobody has decided goes under the open questions. Name entities by their ids.

{RULES}"""
CODER: Final = f"""\
You write production code from specifications. Answer with JSON that fits the given schema: whole files, each with a \
path relative to the repository, its content, its language and its purpose. Never put a file outside the repository.

{RULES}"""
MODELLER: Final = f"""\
You write entities of a context repository as JSON that fits the given JSON Schema. Use only ids of entities that the \
material names. Leave out optional fields that nothing is known about. Answer with the JSON object and nothing else.

{RULES}"""


def spec_request(outline: str, requirement: str) -> str:
    """What is asked of the writer of a specification."""
    wanted = f"The requirement, in the person's words:\n\n{neutralise(requirement)}\n\n" if requirement else ""
    return (
        f"Write one specification. {wanted}Keep to this outline; replace what stands in angle brackets, keep the "
        f"headings, and leave out a section only where there is nothing to say:\n\n{neutralise(outline)}\n"
        "The first line is the title as a heading of level 1. The material follows.\n"
    )


def entity_request(entity_type: str, request: str, schema: str) -> str:
    """What is asked of the writer of an entity."""
    return (
        f"Make up one entity of the type {entity_type}. What it is to be, in the person's words:\n\n"
        f"{neutralise(request)}\n\n"
        f"Don't give it an id. Its JSON Schema:\n\n{fence(schema, f'schema of {entity_type}')}\n"
    )


def writer_messages(content: str, material: JsonObject) -> list[BaseMessage]:
    """The messages that ask for a specification."""
    return _messages(WRITER, content, "spec", material)


def coder_messages(content: str, material: JsonObject) -> list[BaseMessage]:
    """The messages that ask for code."""
    return _messages(CODER, content, "code", material)


def modeller_messages(content: str, material: JsonObject) -> list[BaseMessage]:
    """The messages that ask for an entity."""
    return _messages(MODELLER, content, "entity", material)


def repair_messages(
    messages: Sequence[BaseMessage], answer: str, problems: Sequence[str], *, repair: int
) -> list[BaseMessage]:
    """The messages that ask to mend an answer, with what is wrong with it.

    The number of the repair makes a second request differ from the first, whose answer may be kept in the cache.
    """
    listed = "\n".join(f"- {neutralise(problem)}" for problem in problems)
    asked = HumanMessage(
        f"Your answer does not fit:\n{listed}\n\nAnswer again with the whole JSON object, mended (repair {repair}).",
        additional_kwargs=messages[-1].additional_kwargs,
    )
    return [*messages[:2], AIMessage(answer[:_MAX_SHOWN] or "(nothing)"), asked]


def _messages(system: str, content: str, task: str, material: JsonObject) -> list[BaseMessage]:
    # The offline provider reads the values; other providers send neither them nor their name.
    told = {"ckit": {"task": task, "material": material}}
    return [SystemMessage(system), HumanMessage(content, additional_kwargs=told)]
