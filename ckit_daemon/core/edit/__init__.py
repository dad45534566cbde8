"""Edits of a repository as plans: what to write, make, rename and delete, with every untouched byte kept."""

from ckit_daemon.core.edit.create import Created, NewEntity, create
from ckit_daemon.core.edit.delete import delete
from ckit_daemon.core.edit.ids import check_id, next_id
from ckit_daemon.core.edit.mend import mend
from ckit_daemon.core.edit.move import move
from ckit_daemon.core.edit.plan import EditPlan, edits_between
from ckit_daemon.core.edit.rename import rename
from ckit_daemon.core.edit.update import update
from ckit_daemon.core.edit.values import Append, Insert, Operation, Remove, RenameKey, SetValue
from ckit_daemon.core.edit.yaml_edit import edit_yaml

__all__ = [
    "Append",
    "Created",
    "EditPlan",
    "Insert",
    "NewEntity",
    "Operation",
    "Remove",
    "RenameKey",
    "SetValue",
    "check_id",
    "create",
    "delete",
    "edit_yaml",
    "edits_between",
    "mend",
    "move",
    "next_id",
    "rename",
    "update",
]
