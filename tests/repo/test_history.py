from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.core.document import read_yaml
from ckit_daemon.core.errors import InvalidArgumentError, NotFoundError
from ckit_daemon.repo.history import GitHistory

if TYPE_CHECKING:
    from ckit_daemon.services.ports import History

F1, F2 = "contexts/features/FEAT-001.yaml", "contexts/features/FEAT-002.yaml"


class Repo:
    """A real Git repository; `inner` is the context repository's place in it."""

    def __init__(self, folder, inner: str = "") -> None:
        self.folder = folder
        self.root = folder / inner if inner else folder
        self.root.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "t")
        self.git("config", "user.email", "t@example.org")

    def git(self, *args: str) -> str:
        return subprocess.run(
            ["git", *args], cwd=self.folder, check=True, capture_output=True, text=True
        ).stdout.strip()

    def write(self, path: str, text: str | bytes) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)

    def commit(self) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x")
        return self.git("rev-parse", "HEAD")


@pytest.fixture(params=["", "a folder/context"], ids=["at the top", "in a folder"])
def repo(tmp_path, request) -> Repo:
    repo = Repo(tmp_path / "r", request.param)
    repo.write(F1, "id: FEAT-001\n")
    repo.write("README.md", "# x\n")
    repo.write("contexts/notes.txt", "no source\n")
    repo.commit()
    return repo


def test_a_commit_gives_its_source_files_and_no_others(repo):
    history: History = GitHistory(repo.root.resolve())
    assert history.available
    assert history.head() == repo.git("rev-parse", "HEAD")
    found = history.documents_at("HEAD")
    assert {path: document.value for path, document in found.items()} == {F1: {"id": "FEAT-001"}}
    assert dict(history.documents_at("main", ["contexts/nope.yaml"])) == {}


def test_an_older_commit_a_tag_and_the_index_are_read(repo):
    repo.git("tag", "v1")
    repo.write(F1, "id: FEAT-001\ntitle: new\n")
    repo.commit()
    repo.write(F2, "id: FEAT-002\n")
    repo.git("add", "-A")
    repo.write(F2, "id: FEAT-002\ntitle: not staged\n")
    history = GitHistory(repo.root.resolve())
    assert history.documents_at("v1")[F1].text == history.documents_at("HEAD~1")[F1].text == "id: FEAT-001\n"
    assert {path: document.text for path, document in history.staged_documents().items()} == {
        F1: "id: FEAT-001\ntitle: new\n",
        F2: "id: FEAT-002\n",
    }


def test_changed_files_come_with_their_old_documents(repo):
    repo.write("contexts/tasks/T-001.yaml", "id: T-001\n")
    repo.commit()
    history = GitHistory(repo.root.resolve())
    current = {F1: read_yaml(F1, "id: FEAT-001\nx: 1\n"), F2: read_yaml(F2, "id: FEAT-002\n")}
    changed = history.changed_since("HEAD", current)
    assert {path: document and document.text for path, document in changed.items()} == {
        F1: "id: FEAT-001\n",
        F2: None,
        "contexts/tasks/T-001.yaml": "id: T-001\n",
    }


@pytest.mark.parametrize("stored", [b"id: FEAT-001\r\n", b"\xef\xbb\xbfid: FEAT-001\n", b"id: FEAT-001\n"])
@pytest.mark.parametrize("text", ["id: FEAT-001\r\n", "id: FEAT-001\n"])
def test_line_endings_and_a_byte_order_mark_are_no_change(repo, stored, text):
    repo.git("config", "core.autocrlf", "false")
    repo.write(F1, stored)
    repo.commit()
    assert GitHistory(repo.root.resolve()).changed_since("HEAD", {F1: read_yaml(F1, text)}) == {}


def test_a_folder_without_git_has_no_history(tmp_path):
    history = GitHistory(tmp_path.resolve())
    assert (history.available, history.head(), history.ids_on_branches()) == (False, None, frozenset())
    assert not history.ignored("x")
    for ask in (history.staged_documents, lambda: history.documents_at("HEAD")):
        with pytest.raises(NotFoundError, match="not under Git"):
            ask()


def test_git_that_comes_later_is_noticed(tmp_path):
    folder = tmp_path / "r"
    folder.mkdir()
    history = GitHistory(folder.resolve())
    assert not history.available
    repo = Repo(folder)
    assert history.available
    assert history.head() is None
    with pytest.raises(NotFoundError):
        history.documents_at("HEAD")
    commit = repo.commit()
    assert history.head() == commit


def test_a_damaged_repository_is_as_good_as_none(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("nonsense")
    assert not GitHistory(tmp_path.resolve()).available


@pytest.mark.parametrize("revision", ["nope", "HEAD~99", "0" * 40, "HEAD@{99}", "v1^{tree}"])
def test_an_unknown_revision_is_not_found(repo, revision):
    repo.git("tag", "v1")
    with pytest.raises(NotFoundError, match="no revision"):
        GitHistory(repo.root.resolve()).documents_at(revision)


@pytest.mark.parametrize(
    "revision", ["", "-x", ":/x", "HEAD^{/(a+)+$}", "a b", "a\0", "x" * 300, "HEAD:README.md", "$(x)"]
)
def test_R21_a_text_that_is_no_plain_revision_is_refused(repo, revision):
    with pytest.raises(InvalidArgumentError):
        GitHistory(repo.root.resolve()).documents_at(revision)


def test_ids_of_every_local_branch_are_found(repo):
    repo.git("checkout", "-q", "-b", "other")
    repo.write(F2, "# c\ntitle: x\n'id': \"FEAT-002\" \r\n")
    repo.write("contexts/tasks/t.yaml", "{title: x, id: T-009}\n")
    repo.write("contexts/tasks/broken.yaml", "title: [\nid: T-010\n")
    repo.write("contexts/tasks/none.yaml", "nested:\n  id: T-011\n")
    repo.commit()
    repo.git("checkout", "-q", "main")
    history = GitHistory(repo.root.resolve())
    assert history.ids_on_branches() == {"FEAT-001", "FEAT-002", "T-009", "T-010"} == history.ids_on_branches()


def test_what_git_ignores_is_known(repo):
    repo.write(".gitignore", "generated\n")
    history = GitHistory(repo.root.resolve())
    assert history.ignored("generated/prompts/x.md")
    assert not history.ignored("README.md")


@pytest.mark.skipif(sys.platform == "win32", reason="the planted program is a shell script")
def test_R21_nothing_that_a_repository_configures_is_run(repo):
    trap = repo.folder / "trap.sh"
    trap.write_text("#!/bin/sh\ntouch '%s'\ncat\n" % (repo.folder / "sprung"))
    trap.chmod(0o755)
    for key in ("filter.x.smudge", "filter.x.clean", "core.fsmonitor", "diff.x.textconv", "diff.external"):
        repo.git("config", key, str(trap))
    (repo.folder / ".gitattributes").write_text("* filter=x diff=x\n")
    history = GitHistory(repo.root.resolve())
    history.documents_at("HEAD")
    history.staged_documents()
    history.changed_since("HEAD", {})
    history.ids_on_branches()
    assert not (repo.folder / "sprung").exists()


def test_links_large_and_binary_files_of_a_commit_are_not_read(repo):
    repo.write(F1, b"id: FEAT-001\n\0")
    repo.write(F2, "x" * 2000)
    if sys.platform != "win32":
        (repo.root / "contexts/features/link.yaml").symlink_to("/etc/passwd")
    repo.commit()
    found = GitHistory(repo.root.resolve(), max_file_bytes=1000).documents_at("HEAD")
    assert {path: document.failures[0].code for path, document in found.items()} == {
        F1: "file.binary",
        F2: "file.too-large",
    }


def test_a_file_that_cannot_be_read_now_is_not_called_changed(repo):
    history = GitHistory(repo.root.resolve(), max_file_bytes=5)
    assert history.changed_since("HEAD", history.documents_at("HEAD")) == {}


def test_several_threads_may_ask_at_once(repo):
    history = GitHistory(repo.root.resolve())
    barrier = threading.Barrier(4)

    def ask(_: int) -> int:
        barrier.wait(60)
        return sum(len(history.documents_at("HEAD")) + len(history.ids_on_branches()) for _ in range(50))

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(ask, range(4))) == [100] * 4
