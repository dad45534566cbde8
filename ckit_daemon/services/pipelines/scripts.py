"""The scripts that a repository's own package.json names, and the command lines that run them."""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, cast

import orjson

from ckit_daemon.core import layout
from ckit_daemon.core.errors import CkitError, DegradedError, InvalidArgumentError, NotFoundError
from ckit_daemon.redaction import ValueRedactor
from ckit_daemon.services.pipelines.native import NATIVE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ckit_daemon.core.json import JsonValue
    from ckit_daemon.services.ports import Repository

Manager = Literal["pnpm", "npm", "node"]

MAX_ARGUMENTS: Final = 100
_SCRIPT_NAME: Final = re.compile(r"[A-Za-z0-9][\w:.@/-]{0,199}")
# Package managers hand arguments to a shell, and not all of them quote well (pnpm wraps them in double quotes, and
# on Windows a .cmd file reads them once more). These characters mean nothing to any shell.
_ARGUMENT: Final = re.compile(r"[\w./:=@,+ -]{0,4096}")
_PLAIN_NODE: Final = re.compile(r"node +[\w./ @:=-]+")
_FIX: Final = "Install Node.js with npm (https://nodejs.org), or pnpm with 'npm install --global pnpm'"


@dataclass(frozen=True, slots=True)
class Command:
    """A command line for one script, and what a person has to know before it runs."""

    script: str
    source: str
    """What package.json says that the script does."""
    manager: Manager
    arguments: tuple[str, ...]
    """The program and its arguments."""
    note: str | None = None
    """Why another program runs it than the one that the repository asks for."""


@dataclass(frozen=True, slots=True)
class Package:
    """What package.json says, as far as pipelines need it."""

    scripts: dict[str, str]
    preferred: Manager
    """The manager that the repository asks for; npm where it doesn't say."""


def read_package(store: Repository) -> Package:
    """Read package.json; one that is missing or broken names no scripts."""
    try:
        value = cast("JsonValue", orjson.loads(store.read_file(layout.PACKAGE_JSON).text))
    except (CkitError, orjson.JSONDecodeError):
        value = None
    data = value if isinstance(value, dict) else {}
    scripts = data.get("scripts")
    named = {
        name: source
        for name, source in (scripts.items() if isinstance(scripts, dict) else ())
        if isinstance(source, str) and _SCRIPT_NAME.fullmatch(name)
    }
    return Package(named, "pnpm" if str(data.get("packageManager", "")).startswith("pnpm@") else "npm")


def plan(
    package: Package, script: str, args: Sequence[str] = (), find: Callable[[str], str | None] | None = None
) -> Command:
    """Make the command line for a script. Nothing of it is ever read by a shell of ours.

    Args:
        package: the repository's package.json.
        script: the name of the script.
        args: arguments that are added to it.
        find: finds a program; by default on the PATH, where Windows has `.cmd` files that need their full name.

    Raises:
        NotFoundError: package.json names no such script.
        InvalidArgumentError: an argument has characters that a shell might read, or the command line holds a secret.
        DegradedError: neither pnpm nor npm is installed, and node alone can't run it.

    """
    find = find or shutil.which
    source = package.scripts.get(script)
    if source is None:
        known = ", ".join(package.scripts) or "none"
        message = f"package.json has no script {script[:100]!r}; there are: {known}."
        raise NotFoundError(message, details={"kind": "script"})
    if len(args) > MAX_ARGUMENTS or not all(_ARGUMENT.fullmatch(arg) for arg in args):
        raise InvalidArgumentError("An argument may have letters, digits, spaces and . / : = @ , + - _ only.")
    redactor = ValueRedactor()
    if any(redactor.text(part) != part for part in (source, *args)):
        raise InvalidArgumentError(
            f"The command line of the script {script!r} would hold a secret, and every program on this machine can "
            "read command lines. Let the script read it from a file.",
            details={"script": script},
        )
    others: tuple[Manager, Manager] = ("pnpm", "npm") if package.preferred == "pnpm" else ("npm", "pnpm")
    for manager in others:
        program = find(manager)
        if program is not None:
            note = None if manager == package.preferred else f"{package.preferred} is not installed; {manager} runs it"
            return Command(
                script, source, manager, (program, *_options(manager, script), *_passed(manager, args)), note
            )
    node = find("node")
    if node is not None and _PLAIN_NODE.fullmatch(source):
        note = f"{package.preferred} is not installed; node runs it directly"
        return Command(script, source, "node", (node, *shlex.split(source)[1:], *args), note)
    offer = f", or use the engine 'native', which runs {script} itself" if script in NATIVE else ""
    message = f"The script {script!r} needs {package.preferred}, which is not installed. {_FIX}{offer}."
    raise DegradedError(message, details={"missing": package.preferred, "native": script in NATIVE})


def _options(manager: Manager, script: str) -> tuple[str, ...]:
    # Scripts that run before or after this one are not what the person has approved.
    if manager == "pnpm":
        return "--silent", "--config.enable-pre-post-scripts=false", "run", script
    return "run", "--silent", "--ignore-scripts", script


def _passed(manager: Manager, args: Sequence[str]) -> tuple[str, ...]:
    return ("--", *args) if args and manager == "npm" else tuple(args)
