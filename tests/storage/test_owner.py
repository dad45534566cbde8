"""Who lives is told by locks, whatever happens in the moment in which somebody looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from filelock import FileLock

from ckit_daemon.storage.owner import Owner

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_an_owner_that_begins_to_live_while_another_one_tidies_up_is_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = Owner(tmp_path), Owner(tmp_path)
    one.live()
    # What is there between the making of the file and its lock.
    (tmp_path / f"{other.id}.lock").touch()
    release = FileLock.release

    def release_and_be_overtaken(lock: FileLock, *, force: bool = False) -> None:
        release(lock, force=force)
        monkeypatch.undo()
        other.live()

    monkeypatch.setattr(FileLock, "release", release_and_be_overtaken)
    assert not one.is_alive(other.id)
    assert one.is_alive(other.id)
    other.close()
    assert not one.is_alive(other.id)
    one.close()
    assert [*tmp_path.iterdir()] == []
