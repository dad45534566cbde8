"""What the settings say about tools: allowed, to be asked about, or denied."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING

from ckit_daemon.core.errors import PathNotAllowedError
from ckit_daemon.core.glob import matches
from ckit_daemon.core.layout import SPEC_LOG
from ckit_daemon.services.assistant.tools.base import places

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ckit_daemon.services.assistant.records import ToolClass
    from ckit_daemon.services.ports import Repository
    from ckit_daemon.settings import PolicyAction, ToolPolicy


def decide(policies: Sequence[ToolPolicy], tool: str, tool_class: ToolClass, files: Sequence[str]) -> PolicyAction:
    """Return what holds for a tool that would touch these files: the first policy that fits decides.

    To allow, a policy's path must fit every file but the daemon's own entry in the log of what was generated; to ask or
    to deny, one file is enough, or a second file would lift the protection of the first. Without a policy, reading is
    allowed, and writing and running ask.
    """
    for policy in policies:
        if fnmatchcase(tool, policy.tool) and _fits(policy, files):
            return policy.action
    return "allow" if tool_class == "read" else "ask"


def readable(
    policies: Sequence[ToolPolicy], tool: str, tool_class: ToolClass, store: Repository
) -> Callable[[str], bool] | None:
    """Return whether a tool that may run may also show what it finds in a file; None where no policy has a path.

    What would have to be asked about for the file alone is not shown either: nobody was asked. The function looks at
    the disk, so call it in a worker thread.
    """
    if all(policy.path == "**" for policy in policies):
        return None
    permitted = {"allow", decide(policies, tool, tool_class, ())}

    @cache
    def may_show(file: str) -> bool:
        try:
            return decide(policies, tool, tool_class, places(store, [file])) in permitted
        except PathNotAllowedError:
            return False

    return may_show


def _fits(policy: ToolPolicy, files: Sequence[str]) -> bool:
    pattern = policy.path.split("/")
    if pattern == ["**"]:
        return True
    if policy.action == "allow":
        named = [file for file in files if not file.startswith(f"{SPEC_LOG}/")]
        return bool(named) and all(matches(file.split("/"), pattern) for file in named)
    # Windows and macOS open a file by any spelling of its name.
    folded = [step.casefold() for step in pattern]
    return any(matches(file.casefold().split("/"), folded) for file in files)
