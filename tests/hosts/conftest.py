"""What the tests of several hosts share."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import pytest

from tests.hosts.install import HostError, Hosts, install
from tests.support.model_server import ModelServer, model_server, openai_options
from tests.support.nvim_editor import Editor
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

SERVER = "http://127.0.0.1:9"
"""Nobody answers there."""


@pytest.fixture(scope="session")
def hosts() -> Hosts:
    """The installed hosts; where CI runs, one that is missing is a failure."""
    try:
        return install()
    except HostError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@contextlib.contextmanager
def opened(root: Path, tmp_path: Path, **options: object) -> Generator[Editor]:
    """Open a Neovim, and see that it leaves no process."""
    editor = Editor(root, tmp_path, **options)
    try:
        yield editor
        editor.leave()
    finally:
        editor.nvim.close()


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[Editor]:
    """A Neovim in a repository with one planted fault and one commit, without a language model."""
    root = copy_example(tmp_path / "lantern")
    feature = next((root / "contexts" / "features").glob("FEAT-001*"))
    feature.write_text(feature.read_text("utf-8").replace("status: in-progress", "status: in-progres"), "utf-8")
    with opened(root, tmp_path) as found:
        yield found


@pytest.fixture
def scripted() -> Iterator[ModelServer]:
    """A model that says what it is told to."""
    with model_server("openai") as server:
        yield server


@pytest.fixture
def asking(tmp_path: Path, scripted: ModelServer) -> Iterator[Editor]:
    """A Neovim whose conversations are with the scripted model."""
    with opened(copy_example(tmp_path / "lantern"), tmp_path, config=openai_options(scripted)) as found:
        yield found


@pytest.fixture
def hurried(tmp_path: Path, scripted: ModelServer) -> Iterator[Editor]:
    """The same, where nobody waits longer than five seconds for an approval."""
    config = openai_options(scripted, assistant={"approvalTimeoutSeconds": 5})
    with opened(copy_example(tmp_path / "lantern"), tmp_path, config=config) as found:
        yield found


@pytest.fixture
def sharing(tmp_path: Path) -> Iterator[Editor]:
    """A Neovim whose index is on a server that others use, too."""
    with opened(copy_example(tmp_path / "lantern"), tmp_path, config={"rag": {"chromaUrl": SERVER}}) as found:
        yield found
