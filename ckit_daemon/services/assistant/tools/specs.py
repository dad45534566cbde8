"""The tool that has specifications written."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pydantic import Field

from ckit_daemon.services.assistant.fencing import label
from ckit_daemon.services.assistant.tools.arguments import Arguments, EntityIds
from ckit_daemon.services.assistant.tools.base import Output, Plan, Tool, edit_plan

if TYPE_CHECKING:
    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.services.assistant.records import ToolClass
    from ckit_daemon.services.assistant.tools.base import AnyTool, ToolContext
    from ckit_daemon.services.generation.made import Made
    from ckit_daemon.services.generation.service import GenerationService


class SpecArguments(Arguments):
    """What the specification is about; entities, a requirement or both."""

    entities: EntityIds = Field(default=[], description="Ids of entities that it is about, e.g. FEAT-001.")
    requirement: str | None = Field(
        default=None, min_length=1, max_length=20_000, description="What must be true, in the person's words."
    )
    template: str = Field(
        default="default",
        min_length=1,
        max_length=200,
        description="default, api, feature, or a template of the repository.",
    )
    context: bool = Field(default=False, description="Search the repository for the requirement besides.")


class GenerateSpec(Tool[SpecArguments]):
    """Writes a specification."""

    name = "spec.generate"
    description = (
        "Have a specification written about entities or a requirement, and save it as a new spec entity, linked both "
        "ways. A person sees the files and has to approve them."
    )
    tool_class: ToolClass = "write"
    arguments = SpecArguments
    features = ("generation", "edits")

    async def plan(self, context: ToolContext, arguments: SpecArguments) -> Plan:
        """Have it written by the model for generation; nothing is saved before the approval."""
        # The generation's modules take long to import, and they in turn use the tools' approvals.
        service = await context.generation.get()
        made = await _made(service, context, arguments)
        return await asyncio.to_thread(_plan, service, context, made)


async def _made(service: GenerationService, context: ToolContext, arguments: SpecArguments) -> Made:
    from ckit_daemon.services.generation.run import Caller  # noqa: PLC0415 - loaded with the service.
    from ckit_daemon.services.generation.spec import SpecRequest  # noqa: PLC0415 - as above.

    return await service.plan_spec(
        SpecRequest(
            entities=tuple(arguments.entities),
            requirement=arguments.requirement or "",
            template=arguments.template,
            context=arguments.context,
        ),
        context.repository,
        Caller(
            request_id=context.request_id,
            progress=context.progress,
            session_id=None if context.session is None else context.session.id,
            account=context.account,
        ),
    )


def _plan(service: GenerationService, context: ToolContext, made: Made) -> Plan:
    drafted = made.drafted
    identifier = "" if drafted is None else drafted.id
    value: JsonObject = {
        "id": identifier,
        "path": None if drafted is None else drafted.path,
        "generationId": made.generation.id,
        "logPath": made.log_path,
        "markdown": made.markdown,
        "warnings": [*made.warnings],
    }
    lines = [f"Specification {identifier} is saved.", *(f"Warning: {each}" for each in made.warnings), made.markdown]
    output = Output(value, "\n".join(lines))

    async def save() -> Output:
        await service.write(made, context.repository)
        return output

    plan = edit_plan(f"Save the specification {label(identifier)}.", context.repository.store, made.plan, output)
    # The service writes it, and remembers that it did.
    return replace(plan, run=save, determined=False)


TOOLS: Final[tuple[AnyTool, ...]] = (GenerateSpec(),)
