"""The texts beside the entities are found where Git does not ignore them, and read again only where they changed."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pygit2
import pytest

from ckit_daemon.repo import loader
from ckit_daemon.repo import texts as module
from ckit_daemon.repo.files import FileReader
from ckit_daemon.repo.texts import TextFiles

if TYPE_CHECKING:
    from pathlib import Path

    from tests.repo.conftest import Workspace

pytestmark = pytest.mark.anyio

GUIDE = "docs/guide.md"
NOTES = ".context-kit/rag/notes.jsonl"
LOG = ".context-kit/spec-log/entry.json"
FEATURE = "contexts/features/FEAT-001.yaml"


def make_old(root: Path) -> None:
    """Set all times back: a folder that changed a moment ago is looked at again in any case."""
    then = time.time() - 3600
    for path in (root, *root.rglob("*")):
        os.utime(path, (then, then), follow_symlinks=False)


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


async def test_markdown_notes_and_the_log_are_texts_and_nothing_else(workspace: Workspace) -> None:
    found = [GUIDE, NOTES, LOG, "README.MD", "a/b.markdown", "c.mdx", ".hidden/d.md", "contexts/features/README.md"]
    others = [
        "notes.jsonl",
        ".context-kit/rag/notes.json",
        ".context-kit/spec-log/deep/x.json",
        ".context/templates/prompts/feature.hbs",
        "node_modules/p/README.md",
        "generated/x.md",
        ".git/x.md",
        ".venv/y.md",
        "plain.txt",
    ]
    for path in (*found, *others):
        workspace.write(path, '{"id": "x"}')
    broken = workspace.write(".context-kit/spec-log/broken.json", "{")
    found.append(broken.relative_to(workspace.root).as_posix())
    workspace.write("latin.md", b"\xfc")
    workspace.write("binary.md", b"a\0b")
    workspace.write("large.md", "x" * 200_000)
    async with workspace.open() as repository:
        documents = repository.texts().documents
        assert [path for path, document in documents.items() if not document.failures] == sorted(found)
        unreadable = {path: document.text for path, document in documents.items() if document.failures}
        assert unreadable == {"binary.md": "", "large.md": "", "latin.md": ""}
        assert not repository.prose().keys() & unreadable.keys()
        assert documents[LOG].value == {"id": "x"}
        assert documents[GUIDE].text == '{"id": "x"}'


async def test_what_git_ignores_is_a_text_only_if_asked_for(workspace: Workspace) -> None:
    pygit2.init_repository(str(workspace.root))
    workspace.write(".gitignore", "private/\n*.secret.md\n/contexts/features/FEAT-001.yaml\n")
    workspace.write("docs/.gitignore", "draft.md\n")
    for path in (GUIDE, "docs/draft.md", "private/a.md", "b.secret.md", "draft.md"):
        workspace.write(path, "text")
    async with workspace.open() as repository:
        usual, everything = repository.texts(), repository.texts(ignored=True)
        assert [*usual.documents] == [GUIDE, "draft.md"]
        assert usual.ignored == {FEATURE}
        assert [*everything.documents] == sorted([GUIDE, "docs/draft.md", "private/a.md", "b.secret.md", "draft.md"])
        assert everything.ignored == frozenset()
        assert repository.texts() is usual


async def test_rules_of_an_outer_repository_that_ignores_all_of_it_hide_nothing(workspace: Workspace) -> None:
    pygit2.init_repository(str(workspace.root.parent))
    (workspace.root.parent / ".gitignore").write_text(f"{workspace.root.name}/\n")
    workspace.write(GUIDE, "text")
    async with workspace.open() as repository:
        assert [*repository.texts().documents] == [GUIDE]
        assert repository.texts().ignored == frozenset()


async def test_rules_that_change_take_effect(workspace: Workspace) -> None:
    pygit2.init_repository(str(workspace.root))
    workspace.write(GUIDE, "text")
    workspace.write("docs/other.md", "text")
    make_old(workspace.root)
    async with workspace.open() as repository:
        assert [*repository.texts().documents] == [GUIDE, "docs/other.md"]
        workspace.write(".gitignore", "other.md\n")
        assert [*repository.texts().documents] == [GUIDE]
        workspace.write("docs/.gitignore", "guide.md\n")
        assert [*repository.texts().documents] == []
        workspace.write(".gitignore", "")
        assert [*repository.texts().documents] == ["docs/other.md"]
        (workspace.root / "docs/.gitignore").unlink()
        assert [*repository.texts().documents] == [GUIDE, "docs/other.md"]
        workspace.write(".git/info/exclude", "guide.md\n")
        assert [*repository.texts().documents] == ["docs/other.md"]


async def test_texts_that_do_not_change_are_the_same_objects(workspace: Workspace) -> None:
    workspace.write(GUIDE, "one")
    workspace.write("docs/other.md", "two")
    async with workspace.open() as repository:
        before = repository.texts()
        assert repository.texts() is before
        workspace.write(GUIDE, "changed")
        workspace.write("new.md", "three")
        after = repository.texts()
        assert [*after.documents] == [GUIDE, "docs/other.md", "new.md"]
        assert after.documents[GUIDE].text == "changed"
        assert after.documents["docs/other.md"] is before.documents["docs/other.md"]
        assert before.documents[GUIDE].text == "one"
        age(workspace.root / GUIDE, 5)
        assert repository.texts() is after
        (workspace.root / GUIDE).unlink()
        assert [*repository.texts().documents] == ["docs/other.md", "new.md"]


async def test_unsaved_text_comes_first(workspace: Workspace) -> None:
    pygit2.init_repository(str(workspace.root))
    workspace.write(".gitignore", "private/\n")
    workspace.write(GUIDE, "saved")
    async with workspace.open() as repository:
        saved = repository.texts()
        await repository.overlay(GUIDE, "unsaved")
        await repository.overlay("docs/new.md", "nowhere on disk")
        await repository.overlay("private/new.md", "ignored")
        await repository.overlay("node_modules/new.md", "skipped")
        await repository.overlay("new.txt", "no such text")
        unsaved = repository.texts()
        assert {path: document.text for path, document in unsaved.documents.items()} == {
            GUIDE: "unsaved",
            "docs/new.md": "nowhere on disk",
        }
        assert repository.texts() is unsaved
        assert "private/new.md" in repository.texts(ignored=True).documents
        assert repository.prose()[GUIDE] == "unsaved"
        await repository.overlay("docs/new.md", None)
        await repository.overlay(GUIDE, "saved")
        assert repository.texts().documents[GUIDE] is saved.documents[GUIDE]
        await repository.overlay(GUIDE, None)
        assert {**repository.texts().documents} == {**saved.documents}


async def test_a_link_is_followed_to_a_file_inside_and_never_out(workspace: Workspace) -> None:
    workspace.write(GUIDE, "inside")
    (workspace.outside / "secret.md").write_text("outside")
    for link, target in (("in.md", workspace.root / GUIDE), ("out.md", workspace.outside / "secret.md")):
        (workspace.root / link).symlink_to(target)
    (workspace.root / "folder").symlink_to(workspace.outside)
    (workspace.root / "loop").symlink_to(workspace.root)
    async with workspace.open() as repository:
        assert {path: each.text for path, each in repository.texts().documents.items()} == {
            GUIDE: "inside",
            "in.md": "inside",
            # That it can't be read is all that is said of it.
            "out.md": "",
        }


def test_folders_that_did_not_change_are_not_read_again(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        workspace.write(f"docs/{number}/a.md", "text")
    make_old(workspace.root)
    asked: list[str] = []
    listed: list[str] = []
    texts: list[str] = []
    scandir = os.scandir

    def counting(path: str) -> object:
        listed.append(os.path.relpath(path, workspace.root))
        return scandir(path)

    monkeypatch.setattr(module.os, "scandir", counting)
    reader = FileReader(workspace.root.resolve(), 100_000)
    read = reader.read
    monkeypatch.setattr(reader, "read", lambda path: texts.append(path) or read(path))
    monkeypatch.setattr(module, "_OFTEN_SECONDS", 60.0)
    # Nobody can set back the time at which a file's state changed.
    monkeypatch.setattr(loader, "RACY_NS", 0)
    files = TextFiles(reader, lambda path: asked.append(path) is not None)
    first = files.texts({}, ignored=False)
    assert len(listed) > 20
    for calls in (listed, asked, texts):
        calls.clear()
    assert files.texts({}, ignored=False) is first
    assert listed == []
    workspace.write("docs/7/b.md", "text")
    assert len(files.texts({}, ignored=False).documents) == 21
    assert listed == [os.path.join("docs", "7")]  # noqa: PTH118 - as `relpath` writes it.
    assert asked == texts == ["docs/7/b.md"]


async def test_a_folder_that_changed_a_moment_ago_is_read_again(workspace: Workspace) -> None:
    folder = workspace.write(GUIDE, "text").parent
    times = (time.time(), time.time())
    os.utime(folder, times)
    async with workspace.open() as repository:
        assert [*repository.texts().documents] == [GUIDE]
        workspace.write("docs/other.md", "text")
        os.utime(folder, times)
        assert [*repository.texts().documents] == [GUIDE, "docs/other.md"]


def test_a_look_that_takes_long_is_not_repeated_at_once(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.write(GUIDE, "text")
    files = TextFiles(FileReader(workspace.root.resolve(), 100_000), lambda _: False)
    monkeypatch.setattr(module, "_OFTEN_SECONDS", -1.0)
    monkeypatch.setattr(module, "_SHARE", 1e-9)
    for _ in range(2):
        assert [*files.texts({}, ignored=False).documents] == [GUIDE]
    workspace.write("new.md", "text")
    assert [*files.texts({}, ignored=False).documents] == [GUIDE]
    assert "new.md" in files.prose({})
    files.expire()
    assert [*files.texts({}, ignored=False).documents] == [GUIDE, "new.md"]


async def test_a_text_of_the_same_size_that_is_written_at_once_is_not_missed(workspace: Workspace) -> None:
    workspace.write(GUIDE, "00")
    async with workspace.open() as repository:
        for number in range(100):
            workspace.write(GUIDE, f"{number:02}")
            assert repository.texts().documents[GUIDE].text == f"{number:02}"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
async def test_a_name_that_is_no_text_is_left_out(workspace: Workspace) -> None:
    workspace.write(GUIDE, "text")
    (workspace.root / os.fsdecode(b"\xff.md")).write_bytes(b"text")
    async with workspace.open() as repository:
        assert [*repository.texts().documents] == [GUIDE]
