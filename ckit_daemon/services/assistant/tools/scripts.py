"""The tool that runs a repository's own scripts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from ckit_daemon.core.errors import ConflictError, LimitExceededError, NotTrustedError
from ckit_daemon.services.assistant.tools.arguments import Arguments
from ckit_daemon.services.assistant.tools.base import Output, Plan, Tool
from ckit_daemon.services.pipelines.scripts import MAX_ARGUMENTS, Command, plan, read_package

if TYPE_CHECKING:
    from ckit_daemon.core.errors import CkitError
    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.services.assistant.records import ToolClass
    from ckit_daemon.services.assistant.tools.base import AnyTool, ToolContext
    from ckit_daemon.settings import Settings

MAX_SHOWN: Final = 2000
"""Longest script that a person can be shown on one line."""


class ScriptArguments(Arguments):
    """Which script."""

    name: str = Field(min_length=1, max_length=200, description="Name of a script of package.json.")
    args: list[Annotated[str, Field(max_length=4096)]] = Field(
        default=[], max_length=MAX_ARGUMENTS, description="Arguments to add to it."
    )


class RunScript(Tool[ScriptArguments]):
    """Runs a script."""

    name = "pipeline.script"
    description = (
        "Run a script that the repository's package.json names, e.g. its own checks. A person has to approve the "
        "command line. The built-in pipelines need no script: prefer them."
    )
    tool_class: ToolClass = "exec"
    arguments = ScriptArguments
    features = ("pipelines", "scripts")

    def refusal(self, settings: Settings, *, trusted: bool) -> CkitError | None:
        """Return why it can't run: a feature flag, or a workspace that isn't trusted."""
        off = super().refusal(settings, trusted=trusted)
        if off is not None or trusted:
            return off
        return NotTrustedError(
            "Scripts of a repository run only in a trusted workspace. The person can trust it in their editor.",
            details={"tool": self.name},
        )

    async def plan(self, context: ToolContext, arguments: ScriptArguments) -> Plan:
        """Find the command line."""
        command = await asyncio.to_thread(_command, context, arguments)
        source = " ".join(command.source.split())
        if len(source) > MAX_SHOWN:
            raise LimitExceededError(
                "The script is too long to be shown to a person on one line.", details={"limit": MAX_SHOWN}
            )
        return Plan(
            f"Run the script {command.script} of package.json, which says: {source}",
            lambda: _run(context, arguments, command),
            command=command.arguments,
        )


def _command(context: ToolContext, arguments: ScriptArguments) -> Command:
    return plan(read_package(context.repository.store), arguments.name, arguments.args)


async def _run(context: ToolContext, arguments: ScriptArguments, command: Command) -> Output:
    # Package managers read package.json again; what it says now must be what the person has seen.
    if await asyncio.to_thread(_command, context, arguments) != command:
        raise ConflictError(f"The script {command.script} has changed since it was approved; nothing is run.")
    done = await context.scripts.run(
        context.repository.store.root,
        command,
        trusted=context.trusted,
        confirm=True,
        deadline_seconds=context.settings.limits.script_timeout_seconds,
        progress=context.progress,
    )
    value: JsonObject = {
        "script": command.script,
        "command": [*command.arguments],
        "exitCode": done.exit_code,
        "stdout": done.stdout,
        "stderr": done.stderr,
        "output": done.output,
    }
    parts = [f"Exit code {done.exit_code}."]
    parts += [f"{name}:\n{text}" for name, text in (("stdout", done.stdout), ("stderr", done.stderr)) if text.strip()]
    more = "Only the end of what it printed is here." if done.truncated else ""
    return Output(value, "\n".join(parts), more, error_code="process_failed" if done.exit_code else None)


TOOLS: Final[tuple[AnyTool, ...]] = (RunScript(),)
