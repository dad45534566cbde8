"""Which paths a client may name."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.core.errors import NotFoundError, PathNotAllowedError
from ckit_daemon.repo.files import FileReader
from ckit_daemon.repo.opener import DiskRepositoryOpener
from ckit_daemon.repo.paths import normalise

if TYPE_CHECKING:
    from tests.repo.conftest import Workspace

REFUSED = [
    "",
    ".",
    "/",
    "../outside/secret.txt",
    "contexts/../../outside/secret.txt",
    "contexts/..",
    "/etc/passwd",
    "C:/Windows/win.ini",
    "c:secret",
    "\\\\server\\share\\file",
    "//server/share/file",
    "..\\outside\\secret.txt",
    "contexts\\features",
    "a\0b",
    "x" * 5000,
    ".git/config",
    ".GIT/config",
    ".git./config",
    ".git /config",
    ".git::$INDEX_ALLOCATION/config",
    "GIT~1/config",
    ".g\u200cit/config",
    "contexts/.Git/hooks/pre-commit",
    "half \ud800 pair",
]


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: ascii(path)[:40])
def test_R10_a_path_that_leaves_the_repository_or_names_git_is_refused(workspace: Workspace, path: str) -> None:
    with pytest.raises(PathNotAllowedError) as caught:
        FileReader(workspace.root.resolve(), 1000).read(path)
    caught.value.message.encode()
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    "path", [".gitignore", "git/config", ".github/x.md", "a..b", "...", ".context/x", "Gité", ".gïti"]
)
def test_R10_names_that_only_resemble_refused_ones_are_allowed(path: str) -> None:
    assert normalise(path) == path


def test_a_path_is_brought_into_its_normal_form() -> None:
    assert normalise("./contexts//features/./FEAT-001.yaml") == "contexts/features/FEAT-001.yaml"


def test_R10_a_link_out_of_the_repository_is_not_followed(workspace: Workspace) -> None:
    (workspace.outside / "secret.txt").write_text("secret")
    (workspace.root / "file-link.txt").symlink_to(workspace.outside / "secret.txt")
    (workspace.root / "folder-link").symlink_to(workspace.outside, target_is_directory=True)
    (workspace.root / "root-link").symlink_to("/")
    (workspace.root / "circle").symlink_to("circle")
    (workspace.root / ".git").mkdir()
    (workspace.root / ".git/config").write_text("secret")
    (workspace.root / "git-link").symlink_to(".git", target_is_directory=True)
    reader = FileReader(workspace.root.resolve(), 1000)
    for path in ["file-link.txt", "folder-link/secret.txt", "root-link/etc/passwd", "circle", "git-link/config"]:
        with pytest.raises(PathNotAllowedError) as caught:
            reader.read(path)
        assert str(workspace.outside) not in caught.value.message


def test_a_link_inside_the_repository_is_followed(workspace: Workspace) -> None:
    (workspace.root / "link.yaml").symlink_to("contexts/features/FEAT-001.yaml")
    assert FileReader(workspace.root.resolve(), 1000).read("link.yaml").data.startswith(b"id: FEAT-001")


@pytest.mark.skipif(os.name == "nt", reason="FIFOs and device files are POSIX's")
def test_R10_what_is_no_plain_file_is_refused_without_waiting_for_it(workspace: Workspace) -> None:
    os.mkfifo(workspace.root / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(workspace.root / "socket"))
        reader = FileReader(workspace.root.resolve(), 1000)
        for path in ["fifo", "socket", "contexts"]:
            with pytest.raises(PathNotAllowedError, match="no plain file"):
                reader.read(path)


@pytest.mark.parametrize("path", ["nothing.yaml", "contexts/features/FEAT-001.yaml/deeper"])
def test_a_missing_file_is_told_as_missing(workspace: Workspace, path: str) -> None:
    with pytest.raises(NotFoundError):
        FileReader(workspace.root.resolve(), 1000).read(path)


def test_the_nearest_folder_with_contexts_and_a_marker_is_the_repository(workspace: Workspace) -> None:
    opener = DiskRepositoryOpener()
    root = workspace.root.resolve()
    inner = workspace.write("examples/shop/contexts/features/F.yaml", "id: F\n").parents[2]
    assert opener.locate(str(root)) == root
    assert opener.locate(str(root / "contexts/features")) == root
    assert opener.locate(str(root / "contexts/features/FEAT-001.yaml")) == root
    assert opener.locate(str(inner)) == root
    (inner / ".context").mkdir()
    assert opener.locate(str(inner / "contexts")) == inner.resolve()


def test_a_folder_without_a_repository_around_it_is_not_found(workspace: Workspace) -> None:
    opener = DiskRepositoryOpener()
    with pytest.raises(NotFoundError, match="contexts/"):
        opener.locate(str(workspace.outside))
    with pytest.raises(NotFoundError, match="no folder"):
        opener.locate(str(workspace.outside / "nothing"))
    for folder in ["a\0b", "x" * 5000]:
        with pytest.raises(PathNotAllowedError):
            opener.locate(folder)
