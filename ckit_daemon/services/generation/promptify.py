"""Prompts made of specifications within a token budget: no model is asked, and the same input gives the same prompt."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckit_daemon.core.errors import InvalidArgumentError
from ckit_daemon.services.assistant.fencing import RULES
from ckit_daemon.services.generation.material import Source
from ckit_daemon.services.generation.templates import GUIDANCE, target_template

if TYPE_CHECKING:
    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.services.generation.packing import Packed
    from ckit_daemon.services.generation.run import Run
    from ckit_daemon.services.generation.workshop import Basis, Workshop
    from ckit_daemon.services.open_repository import OpenRepository


@dataclass(frozen=True, slots=True)
class PromptRequest:
    """What to make a prompt of."""

    id: str | None = None
    """The specification, or another entity that the prompt is to be about."""
    text: str | None = None
    """The text of one that is not saved."""
    target: str = "codegen"
    max_tokens: int = 8000
    model: str | None = None
    """Whose tokens count."""

    def as_parameters(self) -> JsonObject:
        """What provenance keeps of it."""
        return {
            "entities": [self.id] if self.id else [],
            "text": self.text,
            "target": self.target,
            "maxTokens": self.max_tokens,
            "model": self.model,
        }


async def make_prompt(workshop: Workshop, run: Run, repository: OpenRepository, request: PromptRequest) -> Packed:
    """Pack a specification and what belongs to it into a prompt.

    Raises:
        InvalidArgumentError: not just one of `id` and `text` is given, or the template needs what is not there.
        NotFoundError: the specification or the template does not exist.
        LimitExceededError: the instructions alone are beyond the budget.
    """
    if (request.id is None) == (not (request.text or "").strip()):
        raise InvalidArgumentError("Give one of 'id' and 'text'.")
    named = [] if request.id is None else [request.id]
    basis = await workshop.basis(
        repository, named, run, guidance=GUIDANCE.get(request.target, "promptify"), search=request.text or ""
    )
    run.entity = request.id
    run.warnings += basis.kit.warnings
    template = await asyncio.to_thread(target_template, basis.kit, request.target, basis.material)
    run.template = template.as_used()
    return await workshop.packed(
        f"{template.text}\n{RULES}\n", _sources(basis, request), run, budget=request.max_tokens
    )


def _sources(basis: Basis, request: PromptRequest) -> list[Source]:
    """What may go in; the text or entity that the prompt is about comes first, whatever its type."""
    if request.text:
        about = Source("specification", "Specification", request.text, "given with the request")
        return [about, *basis.material.sources]
    return sorted(basis.material.sources, key=lambda source: source.id != request.id)
