"""What a tool is: a name, arguments with a JSON Schema, and a plan that says what will happen before it does.

A new tool is one class: derive from `ReadTool` (only looks) or `Tool` (plans a change or a command line), and add an
instance to its module's `TOOLS`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Generic, Literal, Self, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic import JsonValue as AnyJson
from pydantic.alias_generators import to_camel
from pydantic.json_schema import GenerateJsonSchema

from ckit_daemon.core.edit import EditPlan
from ckit_daemon.core.errors import (
    CapabilityDisabledError,
    DegradedError,
    InvalidArgumentError,
    LimitExceededError,
)
from ckit_daemon.services.edits import write

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import core_schema

    from ckit_daemon.core.errors import CkitError
    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.core.progress import Progress
    from ckit_daemon.services.assistant.container import Part
    from ckit_daemon.services.assistant.records import Session, ToolClass
    from ckit_daemon.services.generation.service import GenerationService
    from ckit_daemon.services.open_repository import OpenRepository
    from ckit_daemon.services.pipelines.script import ScriptRunner
    from ckit_daemon.services.ports import Repository
    from ckit_daemon.settings import Settings

MAX_DIFF_CHARACTERS: Final = 2 * 1024 * 1024
"""Longest patch that a person can be asked about."""
_MAX_PROBLEMS: Final = 20

Status = Literal["available", "degraded", "disabled"]
JsonArgument = Annotated[AnyJson, WithJsonSchema({})]
EntityIdArgument = Annotated[str, Field(min_length=1, max_length=200)]
EntityIds = Annotated[list[EntityIdArgument], Field(max_length=100)]


class _Terse(GenerateJsonSchema):
    """Leaves out what only repeats the names or says that a field may be left out: every prompt holds every schema."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - as pydantic asks.
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


class Arguments(BaseModel):
    """Base of what tools are called with: closed, immutable, camelCase outside of Python."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, defer_build=True
    )

    @classmethod
    def read(cls, arguments: JsonObject) -> Self:
        """Return the arguments, read as their JSON Schema says.

        Raises:
            InvalidArgumentError: they don't fit; names the fields, and no value is repeated.
        """
        try:
            return cls.model_validate_json(orjson.dumps(arguments), strict=True)
        except ValidationError as error:
            raise _invalid(error) from None

    @classmethod
    @cache
    def to_schema(cls) -> JsonObject:
        """Return the JSON Schema (2020-12) of the arguments."""
        schema: JsonObject = cls.model_json_schema(schema_generator=_Terse)
        schema.pop("title", None)
        schema.pop("description", None)
        return schema


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
    scripts: ScriptRunner
    generation: Part[GenerationService]


class AnyTool(ABC):
    """A tool as the runner sees it, whoever runs it."""

    name: str
    description: str
    """What it does and when to use it, for people and models alike."""
    tool_class: ToolClass
    limitation: str | None = None
    """What it can't do for now, although it runs."""

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
        off = next((feature for feature in self.features if not settings.enabled(feature)), None)
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


def _invalid(error: ValidationError) -> InvalidArgumentError:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    fields: list[JsonValue] = []
    texts: list[str] = []
    for item in found[:_MAX_PROBLEMS]:
        name = ".".join(str(part) for part in item["loc"])[:200] or "arguments"
        problem = "unknown field" if item["type"] == "extra_forbidden" else item["msg"]
        fields.append({"field": name, "problem": problem})
        texts.append(f"{name}: {problem}")
    return InvalidArgumentError(f"The arguments don't fit: {'; '.join(texts)}.", details={"fields": fields})
