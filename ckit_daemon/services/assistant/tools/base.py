"""What a tool is: a name, arguments with a JSON Schema, and a plan that says what will happen before it does.

A new tool is one class: derive from `ReadTool` (only looks) or `Tool` (plans a change or a command line), and add an
instance to its module's `TOOLS`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeVar

from ckit_daemon.core.edit import EditPlan
from ckit_daemon.core.errors import (
    CapabilityDisabledError,
    DegradedError,
    LimitExceededError,
)
from ckit_daemon.services.assistant.tools.arguments import Arguments
from ckit_daemon.services.edits import write

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from ckit_daemon.core.errors import CkitError
    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.core.progress import Progress
    from ckit_daemon.services.assistant.container import Part
    from ckit_daemon.services.assistant.gateway import Account
    from ckit_daemon.services.assistant.records import Session, ToolClass
    from ckit_daemon.services.generation.service import GenerationService
    from ckit_daemon.services.open_repository import OpenRepository
    from ckit_daemon.services.pipelines.script import ScriptRunner
    from ckit_daemon.services.ports import Repository
    from ckit_daemon.services.rag.service import RagService
    from ckit_daemon.settings import Settings

MAX_DIFF_CHARACTERS: Final = 2 * 1024 * 1024
"""Longest patch that a person can be asked about."""

Status = Literal["available", "degraded", "disabled"]


A = TypeVar("A", bound=Arguments)


@dataclass(frozen=True, slots=True)
class Output:
    """What a tool has to say. All of it counts as untrusted, since it is made of the repository's texts."""

    value: JsonValue
    """For programs."""
    text: str
    """For the model; it is redacted, cut and fenced later."""
    more: str = ""
    """How to get the rest where there is more than `text` holds; written by the tool, so trusted."""
    error_code: str | None = None
    """Stable name of the error where what the tool ran has failed, and still has something to say."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a tool will do, exactly: a person is shown this and then `run` does it, and nothing else."""

    title: str
    """One line for people."""
    run: Callable[[], Awaitable[Output]]
    """Raises ConflictError where the world is not as the plan found it."""
    files: tuple[str, ...] = ()
    """The files that are changed, or that a reading tool names."""
    diff: str | None = None
    command: tuple[str, ...] | None = None
    idle: bool = False
    """Nothing would change, so that nobody needs to be asked."""
    determined: bool = True
    """Whether the arguments alone say what happens; what a model makes of them a person must see first."""


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool may use in one run."""

    repository: OpenRepository
    settings: Settings
    progress: Progress
    request_id: str
    call_id: str
    trusted: bool
    session: Session | None
    turn_id: str | None
    account: Account
    """What models do for the run is charged to this."""
    readable: Callable[[str], bool] | None
    """Whether something may be shown that was found in a file; None where all may be. Looks at the disk."""
    scripts: ScriptRunner
    generation: Part[GenerationService]
    rag: Part[RagService]


class AnyTool(ABC):
    """A tool as the runner sees it, whoever runs it."""

    name: str
    description: str
    """What it does and when to use it, for people and models alike."""
    tool_class: ToolClass
    limitation: str | None = None
    """What it can't do for now, although it runs."""
    uses_index: bool = False
    """Whether it finds less while the index of a repository is not ready."""

    @abstractmethod
    def refusal(self, settings: Settings, *, trusted: bool) -> CkitError | None:
        """Return why the tool can't run now, if it can't.

        Args:
            settings: the settings in force.
            trusted: whether the workspace may run its own code.
        """

    def status(self, settings: Settings, *, trusted: bool) -> tuple[Status, str | None]:
        """Return how the tool is offered, with the reason where it lacks something."""
        refusal = self.refusal(settings, trusted=trusted)
        if refusal is not None:
            return ("degraded" if isinstance(refusal, DegradedError) else "disabled"), refusal.message
        return ("available", None) if self.limitation is None else ("degraded", self.limitation)

    @abstractmethod
    def input_schema(self) -> JsonObject:
        """Return the JSON Schema of the arguments."""

    @abstractmethod
    def check(self, arguments: JsonObject) -> None:
        """Refuse arguments that don't fit the schema.

        Raises:
            InvalidArgumentError: they don't; names the fields, and no value is repeated.
        """

    @abstractmethod
    async def planned(self, context: ToolContext, arguments: JsonObject) -> Plan:
        """Check the arguments and say what would happen; changes nothing.

        Raises:
            CkitError: it can't be done.
        """


class Tool(AnyTool, Generic[A]):
    """Something that the daemon can do in a repository."""

    arguments: type[A]
    features: tuple[str, ...] = ()
    """The feature flags that all must be on."""

    @abstractmethod
    async def plan(self, context: ToolContext, arguments: A) -> Plan:
        """Say what would happen; changes nothing.

        Raises:
            CkitError: it can't be done.
        """

    def refusal(self, settings: Settings, *, trusted: bool) -> CkitError | None:
        """Return the feature flag that is off, if one is."""
        del trusted
        off = next(filter(None, map(settings.switched_off, self.features)), None)
        if off is None:
            return None
        return CapabilityDisabledError(
            f"A setting switches {self.name} off: features.{off}.", details={"tool": self.name, "feature": off}
        )

    def input_schema(self) -> JsonObject:
        """Return the JSON Schema of the arguments."""
        return self.arguments.to_schema()

    def check(self, arguments: JsonObject) -> None:
        """Refuse arguments that don't fit the schema."""
        self.arguments.read(arguments)

    async def planned(self, context: ToolContext, arguments: JsonObject) -> Plan:
        """Read the arguments and plan; raises as `plan`, and InvalidArgumentError."""
        return await self.plan(context, self.arguments.read(arguments))


class ReadTool(Tool[A]):
    """A tool that only looks."""

    tool_class: ToolClass = "read"

    def files(self, context: ToolContext, arguments: A) -> tuple[str, ...]:
        """Return the files that the arguments name, for policies; may read the snapshot, but no disk."""
        del context, arguments
        return ()

    @abstractmethod
    async def look(self, context: ToolContext, arguments: A) -> Output:
        """Look; raises CkitError where there is nothing to see."""

    async def plan(self, context: ToolContext, arguments: A) -> Plan:
        """Plan to look."""
        title = f"Look with {self.name}."
        return Plan(title, lambda: self.look(context, arguments), files=self.files(context, arguments))


def edit_plan(title: str, store: Repository, edit: EditPlan, output: Output) -> Plan:
    """Return the plan to write all files of an edit or none.

    Comparing large texts takes time, so call it in a worker thread.

    Args:
        title: one line for people.
        store: where to write.
        edit: what changes.
        output: what the tool has to say once it is done.

    Raises:
        LimitExceededError: nobody can be shown a patch of this size.
    """
    diff = edit.unified_diff()
    if len(diff) > MAX_DIFF_CHARACTERS:
        raise LimitExceededError(
            "The change is too large to be shown to a person; do it in smaller parts.",
            details={"limit": MAX_DIFF_CHARACTERS},
        )

    async def save() -> Output:
        await write(store, edit)
        return output

    files = tuple(sorted({path for path, _, _ in edit.changes()}))
    return Plan(title, save, files=files, diff=diff, idle=not files)


def places(store: Repository, files: Iterable[str]) -> tuple[str, ...]:
    """Return files by the names that were used and by where links lead to, for policies and people; reads the disk.

    Raises:
        PathNotAllowedError: one of them is outside of the repository.
    """
    return tuple(sorted({name for file in files for name in (file, store.real_path(file))}))


def edit_of_texts(present: dict[str, str | None], texts: dict[str, str]) -> EditPlan:
    """Return the edit that makes files hold these texts.

    Args:
        present: what each file holds now; None where there is none.
        texts: what each is to hold.
    """
    before = {path: old for path, old in present.items() if old is not None and old != texts[path]}
    return EditPlan(
        before=before,
        after={path: texts[path] for path in before},
        creates={path: text for path, text in texts.items() if present[path] is None},
    )
