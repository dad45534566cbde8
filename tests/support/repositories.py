"""Repositories for tests: the shipped example, the real one where it is at hand, and small ones made on the spot."""

from __future__ import annotations

import importlib.resources
import shutil
from pathlib import Path
from typing import Final

import pygit2
import pytest

SHARED: Final = Path(__file__).parents[2].parent / "shared"
REFERENCE: Final = SHARED / "reference" / "context-repo"
EXPECTED: Final = SHARED / "reference" / "expected"
GENERATOR: Final = SHARED / "tools" / "gen_repo.py"

needs_reference = pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference repository is not on this machine")
needs_generator = pytest.mark.skipif(not GENERATOR.is_file(), reason="the repository generator is not on this machine")

AUTHOR: Final = pygit2.Signature("Tester", "tester@example.org", 1_700_000_000, 0)


def copy_example(folder: Path, *, git: bool = True) -> Path:
    """Copy the shipped example to `folder`, by default with one commit."""
    with importlib.resources.as_file(importlib.resources.files("ckit_daemon") / "example") as source:
        shutil.copytree(source, folder)
    if git:
        commit_all(folder, "Begin")
    return folder


def commit_all(folder: Path, message: str) -> str:
    """Commit everything in `folder`, making the Git repository where there is none; returns the commit's id."""
    if not (folder / ".git").exists():
        pygit2.init_repository(str(folder), initial_head="main")
    repository = pygit2.Repository(str(folder))
    repository.index.add_all()
    repository.index.write()
    parents = [] if repository.head_is_unborn else [repository.head.target]
    tree = repository.index.write_tree()
    return str(repository.create_commit("HEAD", AUTHOR, AUTHOR, message, tree, parents))
