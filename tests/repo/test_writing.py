"""All files or none, and nothing of a file but what was meant to change."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.core.errors import (
    ConflictError,
    ContentRejectedError,
    InvalidArgumentError,
    PathNotAllowedError,
    StorageError,
)
from ckit_daemon.repo.files import FileReader
from ckit_daemon.repo.write import FileWriter
from ckit_daemon.services.ports import FileChange

if TYPE_CHECKING:
    from tests.repo.conftest import Workspace

FEATURE = "contexts/features/FEAT-001.yaml"
STORY = "contexts/userstories/US-001.yaml"
NEW = "contexts/specs/deep/SPEC-001.yaml"
posix_only = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals, limits or permissions")

APPLY = """
import json, os, signal, sys
from pathlib import Path
from ckit_daemon.core.errors import CkitError
from ckit_daemon.repo.write import FileWriter
from ckit_daemon.repo.files import FileReader
from ckit_daemon.services.ports import FileChange

root, changes, prelude = sys.argv[1:]
exec(prelude)
writer = FileWriter(FileReader(Path(root), 1_000_000))
try:
    writer.apply([FileChange(*change) for change in json.loads(changes)])
except CkitError as error:
    print(error.code, error.message)
"""


def _writer(workspace: Workspace, max_bytes: int = 1_000_000) -> FileWriter:
    return FileWriter(FileReader(workspace.root.resolve(), max_bytes))


def _three_changes(workspace: Workspace) -> list[FileChange]:
    return [
        FileChange(FEATURE, "id: FEAT-001\ntitle: Changed\n", workspace.text(FEATURE).decode()),
        FileChange(NEW, "id: SPEC-001\n", None),
        FileChange(STORY, None, workspace.text(STORY).decode()),
    ]


def _state(workspace: Workspace) -> dict[str, bytes]:
    root = workspace.root
    return {str(path.relative_to(root)): path.read_bytes() if path.is_file() else b"" for path in root.rglob("*")}


def _in_child(workspace: Workspace, changes: list[FileChange], prelude: str) -> tuple[int, str]:
    rows = json.dumps([[change.path, change.new_text, change.expected_text] for change in changes])
    done = subprocess.run(
        [sys.executable, "-c", APPLY, str(workspace.root.resolve()), rows, prelude],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        # Measuring coverage writes files too, which the limits of these children forbid.
        env={name: value for name, value in os.environ.items() if not name.startswith("COV")},
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def test_files_are_changed_made_and_removed_in_one_step(workspace: Workspace) -> None:
    _writer(workspace).apply(_three_changes(workspace))
    assert workspace.text(FEATURE) == b"id: FEAT-001\ntitle: Changed\n"
    assert workspace.text(NEW) == b"id: SPEC-001\n"
    assert not (workspace.root / STORY).exists()
    assert workspace.leftovers() == []


def test_byte_order_mark_line_endings_and_permissions_stay(workspace: Workspace) -> None:
    file = workspace.write(FEATURE, b"\xef\xbb\xbfid: FEAT-001\r\ntitle: First\r\n")
    file.chmod(0o640)
    change = FileChange(FEATURE, "id: FEAT-001\r\ntitle: Second\nstatus: draft\r\n", "id: FEAT-001\r\ntitle: First\r\n")
    _writer(workspace).apply([change])
    assert workspace.text(FEATURE) == b"\xef\xbb\xbfid: FEAT-001\r\ntitle: Second\r\nstatus: draft\r\n"
    if os.name != "nt":
        assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_mixed_line_endings_are_written_as_they_are(workspace: Workspace) -> None:
    workspace.write(FEATURE, "a: 1\r\nb: 2\n")
    _writer(workspace).apply([FileChange(FEATURE, "a: 1\r\nb: 3\n", "a: 1\r\nb: 2\n")])
    assert workspace.text(FEATURE) == b"a: 1\r\nb: 3\n"


def test_a_link_to_a_file_stays_a_link(workspace: Workspace) -> None:
    (workspace.root / "link.yaml").symlink_to(FEATURE)
    _writer(workspace).apply([FileChange("link.yaml", "id: X\n", workspace.text(FEATURE).decode())])
    assert (workspace.root / "link.yaml").is_symlink()
    assert workspace.text(FEATURE) == b"id: X\n"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (FileChange(STORY, "id: X\n", "something else"), ConflictError),
        (FileChange(STORY, "id: X\n", None), ConflictError),
        (FileChange(NEW, "id: X\n", "it was there"), ConflictError),
        (FileChange(FEATURE, "id: X\n", "id: FEAT-001\ntitle: First\nuserStories: [US-001]\n"), InvalidArgumentError),
        (FileChange("./" + FEATURE, None, "id: FEAT-001\ntitle: First\nuserStories: [US-001]\n"), InvalidArgumentError),
        (FileChange("../outside/x.yaml", "id: X\n", None), PathNotAllowedError),
        (FileChange(".git/hooks/pre-commit", "rm -rf /\n", None), PathNotAllowedError),
        (FileChange("contexts", "id: X\n", None), PathNotAllowedError),
        (FileChange(NEW, "x" * 2000, None), ContentRejectedError),
        (FileChange(NEW, "half \ud800 pair", None), ContentRejectedError),
        (FileChange(FEATURE + "/below.yaml", "id: X\n", None), PathNotAllowedError),
        (FileChange("contexts/" + "n" * 300 + ".yaml", "id: X\n", None), PathNotAllowedError),
    ],
    ids=lambda value: getattr(value, "path", getattr(value, "__name__", ""))[:40],
)
def test_a_change_that_is_refused_refuses_all(workspace: Workspace, change: FileChange, error: type[Exception]) -> None:
    before = _state(workspace)
    good = FileChange(FEATURE, "id: FEAT-001\ntitle: Changed\n", workspace.text(FEATURE).decode())
    with pytest.raises(error):
        _writer(workspace, 1000).apply([good, change])
    assert _state(workspace) == before


@pytest.mark.parametrize("failing", range(3))
def test_when_the_nth_file_can_not_be_put_in_place_every_file_is_as_it_was(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    before = _state(workspace)
    changes = _three_changes(workspace)
    target = str(workspace.root.resolve() / changes[failing].path)
    real_replace, real_unlink = Path.replace, Path.unlink

    def replace(self: Path, other: Path) -> Path:
        if str(other) == target and self.suffix == ".new":
            raise OSError(28, "No space left on device", str(self))
        return real_replace(self, other)

    def unlink(self: Path, missing_ok: bool = False) -> None:
        if str(self) == target and changes[failing].new_text is None:
            raise PermissionError(13, "Permission denied", str(self))
        real_unlink(self, missing_ok)

    monkeypatch.setattr(Path, "replace", replace)
    monkeypatch.setattr(Path, "unlink", unlink)
    with pytest.raises(StorageError) as caught:
        _writer(workspace).apply(changes)
    assert str(workspace.root) not in caught.value.message
    monkeypatch.undo()
    assert _state(workspace) == before


def test_a_file_that_vanishes_while_it_is_written_is_a_conflict(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _state(workspace)
    real_link = Path.hardlink_to

    def hardlink_to(self: Path, target: Path) -> None:
        if target.name == "FEAT-001.yaml":
            target.unlink()
        real_link(self, target)

    monkeypatch.setattr(Path, "hardlink_to", hardlink_to)
    with pytest.raises(ConflictError, match="in 'contexts/features' was removed by somebody else; nothing was written"):
        _writer(workspace).apply(_three_changes(workspace))
    monkeypatch.undo()
    assert _state(workspace) == {path: content for path, content in before.items() if path != FEATURE}


@posix_only
def test_a_disk_that_takes_no_more_leaves_every_file_as_it_was(workspace: Workspace) -> None:
    before = _state(workspace)
    big = FileChange("contexts/features/BIG.yaml", "id: BIG\n" + "# filler\n" * 5000, None)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))"
    code, out = _in_child(workspace, [*_three_changes(workspace), big], limit)
    assert code == 0
    assert out.startswith("storage_error Nothing was written: the disk takes no file of this size")
    assert _state(workspace) == before


@posix_only
def test_a_full_disk_leaves_every_file_as_it_was(workspace: Workspace, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=False, capture_output=True
    ).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        workspace.root = disk
        workspace.write(FEATURE, "id: FEAT-001\n")
        before = _state(workspace)
        changes = [
            FileChange(FEATURE, "id: FEAT-001\ntitle: Changed\n", "id: FEAT-001\n"),
            FileChange(NEW, "id: BIG\n" + "# filler\n" * 20_000, None),
        ]
        with pytest.raises(StorageError, match="the disk is full"):
            _writer(workspace).apply(changes)
        assert _state(workspace) == before
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(StorageError, match="read-only"):
            _writer(workspace).apply(changes[:1])
        assert _state(workspace) == before
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@posix_only
def test_a_folder_without_permission_leaves_every_file_as_it_was(workspace: Workspace) -> None:
    before = _state(workspace)
    features = workspace.root / "contexts/features"
    features.chmod(0o555)
    # The rights of a folder mean nothing to root, so the child becomes somebody else once it has read our code.
    prelude = "import psutil, os, pathlib; psutil.Process().create_time(); os.getuid() or os.setuid(65534)"
    private = [folder for folder in workspace.root.parents if folder.is_relative_to(tempfile.gettempdir())]
    for folder in [*private, *(path for path in workspace.root.rglob("*") if path.is_dir() and path != features)]:
        if folder != Path(tempfile.gettempdir()):
            folder.chmod(folder.stat().st_mode | 0o055)
    for folder in (workspace.root, workspace.root / "contexts", workspace.root / "contexts/userstories"):
        folder.chmod(0o777)
    code, out = _in_child(workspace, _three_changes(workspace), prelude)
    features.chmod(0o755)
    assert code == 0
    assert out.startswith("storage_error Nothing was written in 'contexts/features': there is no permission")
    assert _state(workspace) == before


KILL = """
from ckit_daemon.repo import journal
count = {number}
real = journal.{function}
def killing(*arguments, **options):
    global count
    if count == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    count -= 1
    return real(*arguments, **options)
journal.{function} = killing
"""


@posix_only
@pytest.mark.parametrize(
    ("function", "number"),
    [
        *(("write_synced", number) for number in range(4)),
        *(("Step.stage", number) for number in range(3)),
        *(("Step.commit", number) for number in range(3)),
        ("Journal.sync_folders", 0),
    ],
)
def test_a_run_that_is_killed_at_any_step_is_undone_at_the_next_opening(
    workspace: Workspace, function: str, number: int
) -> None:
    before = _state(workspace)
    code, _ = _in_child(workspace, _three_changes(workspace), KILL.format(function=function, number=number))
    assert code == -9
    _writer(workspace).recover()
    assert _state(workspace) == before


@posix_only
def test_a_run_that_is_killed_after_the_last_step_is_complete(workspace: Workspace) -> None:
    _in_child(workspace, _three_changes(workspace), KILL.format(function="Journal.clean", number=0))
    assert len(workspace.leftovers()) > 1
    assert _writer(workspace).recover() == 0
    assert workspace.leftovers() == []
    assert workspace.text(NEW) == b"id: SPEC-001\n"
    assert workspace.text(FEATURE).endswith(b"Changed\n")


@posix_only
def test_what_somebody_edited_after_a_killed_run_is_left_alone(workspace: Workspace) -> None:
    _in_child(workspace, _three_changes(workspace), KILL.format(function="Journal.sync_folders", number=0))
    workspace.write(FEATURE, "id: FEAT-001\ntitle: By hand\n")
    assert _writer(workspace).recover() == 1
    assert workspace.text(FEATURE) == b"id: FEAT-001\ntitle: By hand\n"
    assert (workspace.root / STORY).exists()
    assert not (workspace.root / NEW).exists()
    assert workspace.leftovers() == []


def test_a_run_of_another_living_process_is_not_disturbed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = _writer(workspace)
    real = FileWriter.recover
    seen: list[int] = []

    def look(*_: object) -> None:
        seen.append(real(other))

    monkeypatch.setattr("ckit_daemon.repo.journal.Journal.sync_folders", look)
    _writer(workspace).apply(_three_changes(workspace))
    assert seen == [0]
    assert workspace.text(FEATURE).endswith(b"Changed\n")


def test_R10_a_planted_journal_touches_nothing_outside(workspace: Workspace) -> None:
    secret = workspace.outside / "secret.txt"
    secret.write_text("secret")
    step = {"target": str(secret), "staged": str(secret), "backup": str(secret), "existed": False, "digest": ""}
    journal = {"pid": 0, "started": 0, "renaming": True, "folders": [], "steps": [step]}
    planted = workspace.write(".ckit-0.journal", json.dumps(journal))
    workspace.write(".ckit-1.journal", "[]")
    workspace.write(".ckit-2.journal", '{"pid":"x","started":0,"renaming":1,"folders":[],"steps":[]}')
    _writer(workspace).recover()
    assert secret.read_text() == "secret"
    assert planted.exists()


@pytest.mark.anyio
async def test_a_write_is_seen_in_the_snapshot_and_recovered_files_are_read(workspace: Workspace) -> None:
    async with workspace.open() as repository:
        change = await repository.apply(_three_changes(workspace))
        assert change.paths == {FEATURE, NEW, STORY}
        assert repository.snapshot.get("SPEC-001") is not None
        assert repository.snapshot.get("US-001") is None
        with pytest.raises(ConflictError):
            await repository.apply([FileChange(FEATURE, "x", "not this")])
        assert repository.snapshot is change.after
