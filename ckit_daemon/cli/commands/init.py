"""`ckit init`: a new context repository that validates."""

from __future__ import annotations

import datetime as dt
import functools
import re
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.text import Text

from ckit_daemon.cli import render
from ckit_daemon.cli.app import command
from ckit_daemon.cli.commands.validate import summarize
from ckit_daemon.cli.errors import NEGATIVE, OK, CommandError
from ckit_daemon.cli.session import parse, session
from ckit_daemon.cli.terminal import Terminal
from ckit_daemon.wire.repo import ValidateParams, ValidateResult

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

_PRODUCT: Final = "Lantern, the lending app of a public library"
"""How the example calls itself in its templates."""


@command("init")
def init(
    terminal: Terminal,
    *,
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="An empty or new folder.")] = Path(),
    name: Annotated[str | None, typer.Option("--name", help="Name of the product (default: the folder's).")] = None,
) -> int:
    """Make a new context repository.

    It has schemas, rules, templates, a constitution, a feature and a story, and it validates.
    """
    folder = folder.absolute()
    title = name or folder.name.replace("-", " ").replace("_", " ").strip().capitalize() or "Product"
    written = _write(folder, title)
    with session(Terminal(folder, terminal.as_json, terminal.color, terminal.quiet, terminal.verbose)) as opened:
        raw = opened.request("ckit/repo/validate", ValidateParams())
        result = parse(ValidateResult, raw)
        if terminal.as_json:
            terminal.print_json({"folder": str(folder), "files": [*written], "validate": raw})
        else:
            out = terminal.out
            out.print(
                Text.assemble(("\u2714 ", "bold green"), f"Wrote {render.plural(len(written), 'file')} to {folder}")
            )
            summarize(opened, result)
            here = "" if folder == Path.cwd() else f"cd {folder}\n"
            terminal.note(f"Next:\n{here}git init\nckit show FEAT-001\nckit graph --open")
    return OK if result.ok else NEGATIVE


def _write(folder: Path, title: str) -> list[str]:
    try:
        if folder.exists() and any(entry.name != ".git" for entry in folder.iterdir()):
            raise CommandError(f"{folder} is not empty.", hints=("Name a new folder: ckit init DIR",))
        contents = dict(_contents(title))
        for path, text in contents.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise CommandError(f"{error.filename or folder}: {error.strerror or error}") from error
    return sorted(contents)


def _contents(title: str) -> Iterator[tuple[str, str]]:
    """Yield every file of the new repository: the example's schemas, rules and templates, and fresh entities."""
    # A name goes into YAML, JSON and Handlebars; what could end a text there is left out.
    plain = " ".join(re.sub(r"[^\w .-]+", " ", title).split()) or "Product"
    slug = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "product"
    package = files("ckit_daemon")
    renamed = ((_PRODUCT, plain), ("LANTERN", slug.upper()), ("Lantern", plain), ("lantern", slug))
    for path, text in read_tree(package / "example" / ".context", ".context"):
        yield path, functools.reduce(lambda done, pair: done.replace(*pair), renamed, text)
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    for path, text in read_tree(package / "cli" / "starter"):
        filled = Template(text).substitute(name=plain, ident=slug.upper(), date=today)
        yield (".gitignore" if path == "gitignore" else path), filled


def read_tree(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and text of every file under a folder of the package."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        path = f"{prefix}/{entry.name}" if prefix else entry.name
        if entry.is_dir():
            yield from read_tree(entry, path)
        elif entry.name not in {"__pycache__", ".DS_Store"}:
            yield path, entry.read_text(encoding="utf-8")
