"""The tool that changes entities, through the engine's plans, so that every untouched byte stays."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Literal, Self

from pydantic import Field, model_validator

from ckit_daemon.core import edit
from ckit_daemon.services.assistant.fencing import label
from ckit_daemon.services.assistant.tools.arguments import Arguments, EntityIdArgument, JsonArgument
from ckit_daemon.services.assistant.tools.base import Output, Plan, Tool, edit_plan
from ckit_daemon.services.edits import affected_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.services.assistant.records import ToolClass
    from ckit_daemon.services.assistant.tools.base import AnyTool, ToolContext

Action = Literal["create", "update", "rename", "delete"]

_NEEDED: Final[Mapping[Action, tuple[str, ...]]] = {
    "create": ("type", "data"),
    "update": ("id", "changes"),
    "rename": ("id", "new_id"),
    "delete": ("id",),
}
_ALLOWED: Final[Mapping[Action, frozenset[str]]] = {
    "create": frozenset({"action", "type", "data", "id"}),
    "update": frozenset({"action", "id", "changes"}),
    "rename": frozenset({"action", "id", "new_id"}),
    "delete": frozenset({"action", "id", "references"}),
}


class Change(Arguments):
    """One change of a field."""

    path: list[str | int] = Field(
        min_length=1, max_length=64, description='Keys and list indexes from the root, e.g. ["related","features",0].'
    )
    op: Literal["set", "append", "insert", "remove"] = Field(
        default="set",
        description="set: put the value; append: add it to the list; insert: before the index; remove: take away.",
    )
    value: JsonArgument = Field(default=None, description="The value; none for remove.")


class EditArguments(Arguments):
    """What to change."""

    action: Action = Field(
        description="create: needs type and data; update: id and changes; rename: id and newId; delete: id."
    )
    id: EntityIdArgument | None = Field(
        default=None, description="The entity; for create the next free id is taken without it."
    )
    type: str | None = Field(default=None, min_length=1, max_length=100, description="create: its type, e.g. task.")
    data: dict[str, JsonArgument] | None = Field(default=None, description="create: its fields, without the id.")
    changes: list[Change] | None = Field(
        default=None, min_length=1, max_length=200, description="update: made in this order."
    )
    new_id: EntityIdArgument | None = Field(default=None, description="rename: the new id.")
    references: Literal["refuse", "remove"] | None = Field(
        default=None, description="delete: refuse (the default) while others name it, or take it out of them."
    )

    @model_validator(mode="after")
    def _fits_the_action(self) -> Self:
        given = {name for name in type(self).model_fields if getattr(self, name) is not None}
        missing = [name for name in _NEEDED[self.action] if name not in given]
        if missing:
            raise ValueError(f"{self.action} needs {', '.join(map(_shown, missing))}")
        superfluous = sorted(given - _ALLOWED[self.action])
        if superfluous:
            raise ValueError(f"{self.action} takes no {', '.join(map(_shown, superfluous))}")
        return self


class Edit(Tool[EditArguments]):
    """Changes entities."""

    name = "entity.edit"
    description = (
        "Create, update, rename or delete one entity. References in both directions are kept right, and the result "
        "must fit the schema. A person sees the diff and has to approve it."
    )
    tool_class: ToolClass = "write"
    arguments = EditArguments
    features = ("edits",)

    async def plan(self, context: ToolContext, arguments: EditArguments) -> Plan:
        """Plan in a worker thread."""
        return await asyncio.to_thread(self._plan, context, arguments)

    @staticmethod
    def _plan(context: ToolContext, arguments: EditArguments) -> Plan:
        identifier, planned = _PLANNERS[arguments.action](context, arguments)
        title = f"{arguments.action.capitalize()} {label(identifier)}"
        if arguments.action == "rename":
            title = f"Rename {label(arguments.id or '')} to {label(identifier)}"
        value: JsonObject = {
            "id": identifier,
            "action": arguments.action,
            "files": [*affected_files(planned)],
            "diff": planned.unified_diff(),
            "warnings": [*planned.warnings],
        }
        text = [f"{title}: done, as the person approved it." if planned.before or planned.creates else "Nothing to do."]
        text += [f"Warning: {warning}" for warning in planned.warnings]
        output = Output(value, "\n".join([*text, planned.unified_diff()]))
        return edit_plan(f"{title}.", context.repository.store, planned, output)


def _create(context: ToolContext, arguments: EditArguments) -> tuple[str, edit.EditPlan]:
    store = context.repository.store
    taken = store.history.ids_on_branches() if arguments.id is None else frozenset[str]()
    new = edit.NewEntity(arguments.type or "", arguments.data or {}, arguments.id)
    created = edit.create(store.snapshot, new, taken=taken)
    return created.id, created.plan


def _update(context: ToolContext, arguments: EditArguments) -> tuple[str, edit.EditPlan]:
    identifier = arguments.id or ""
    operations = [_operation(change) for change in arguments.changes or ()]
    return identifier, edit.update(context.repository.store.snapshot, identifier, operations)


def _rename(context: ToolContext, arguments: EditArguments) -> tuple[str, edit.EditPlan]:
    store, new = context.repository.store, arguments.new_id or ""
    return new, edit.rename(store.snapshot, arguments.id or "", new, store.prose())


def _delete(context: ToolContext, arguments: EditArguments) -> tuple[str, edit.EditPlan]:
    identifier = arguments.id or ""
    references = arguments.references or "refuse"
    return identifier, edit.delete(context.repository.store.snapshot, identifier, references=references)


_PLANNERS: Final = {"create": _create, "update": _update, "rename": _rename, "delete": _delete}


def _operation(change: Change) -> edit.Operation:
    path = tuple(change.path)
    if change.op == "remove":
        return edit.Remove(path)
    if change.op == "append":
        return edit.Append(path, change.value)
    if change.op == "insert":
        return edit.Insert(path, change.value)
    return edit.SetValue(path, change.value)


def _shown(name: str) -> str:
    return f"'{EditArguments.model_fields[name].alias}'"


TOOLS: Final[tuple[AnyTool, ...]] = (Edit(),)
