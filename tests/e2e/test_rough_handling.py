"""What a daemon lives through: floods of requests, files in motion, vanished folders, full disks and sudden death."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.support.client import TIMEOUT_SECONDS, RpcError
from tests.support.daemon import Spawned, spawned
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

pytestmark = pytest.mark.asyncio

FLOOD: tuple[tuple[str, dict[str, Any]], ...] = (
    ("ckit/repo/inspect", {}),
    ("ckit/repo/validate", {}),
    ("ckit/repo/graph", {}),
    ("ckit/repo/paths", {"source": "T-009", "target": "svc-members"}),
    ("ckit/repo/impact", {"ids": ["FEAT-001"]}),
    ("ckit/entity/get", {"id": "FEAT-001"}),
    ("ckit/entity/list", {}),
    ("ckit/entity/search", {"query": "loan"}),
    ("ckit/entity/rename", {"id": "FEAT-001", "newId": "FEAT-100"}),
    ("ckit/file/read", {"path": "README.md"}),
    ("ckit/prompt/render", {"id": "T-009"}),
    ("ckit/pipeline/list", {}),
    ("ckit/health", {}),
    ("ckit/metrics", {}),
    ("ckit/entity/get", {"id": 5}),
    ("ckit/entity/get", {"id": "NOPE"}),
    ("ckit/nothing", {}),
)
RENAMED = 250
KILLS = 5
MOST_KILLS = 50
"""Where none of the first came in the middle of the writing, more follow until one does."""


async def test_R05_a_thousand_mixed_requests_at_once_are_all_answered_and_leave_no_memory_behind(
    tmp_path: Path,
) -> None:
    root = copy_example(tmp_path / "lantern")
    async with spawned(tmp_path) as daemon:
        await daemon.client.request("ckit/repo/open", {"path": str(root)})
        process = psutil.Process(daemon.process.pid)

        async def flood() -> int:
            requests = [daemon.client.start(*FLOOD[number % len(FLOOD)]) for number in range(1000)]
            answers = await asyncio.gather(*requests, return_exceptions=True)
            wrong = {answer.code for answer in answers if isinstance(answer, RpcError)}
            assert wrong <= {"invalid_params", "not_found", "method_not_found", "overloaded"}
            assert all(isinstance(answer, dict | RpcError) for answer in answers)
            assert sum(isinstance(answer, dict) for answer in answers) >= 200
            return process.memory_info().rss

        await flood()
        first = await flood()
        second = await flood()
        assert second - first < 30_000_000
        assert not daemon.client.strays
        assert await daemon.client.request("ckit/health")


@contextlib.contextmanager
def rewriting(root: Path) -> Generator[None]:
    """Change, remove and make files from another thread, as fast as it can, while the block runs."""
    stop = threading.Event()
    generator = random.Random(7)
    files = sorted((root / "contexts").rglob("*.yaml")) + sorted((root / ".context").rglob("*.json"))
    texts = {file: file.read_bytes() for file in files}

    def work() -> None:
        while not stop.is_set():
            file = generator.choice(files)
            kind = generator.randrange(5)
            # On Windows a file that is being read can be neither written nor removed.
            with contextlib.suppress(OSError):
                if kind == 0:
                    file.unlink(missing_ok=True)
                elif kind == 1:
                    file.write_bytes(texts[file][: generator.randrange(len(texts[file]))])
                elif kind == 2:
                    file.write_bytes(generator.randbytes(500))
                else:
                    file.write_bytes(texts[file])

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        for file, text in texts.items():
            file.write_bytes(text)


async def test_files_that_change_and_vanish_while_they_are_read_never_end_in_an_accident(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "lantern")
    async with spawned(tmp_path) as daemon:
        client = daemon.client
        await client.request("ckit/repo/open", {"path": str(root)})
        with rewriting(root):
            until = time.monotonic() + 2
            while time.monotonic() < until:
                client.notify("ckit/repo/didChange", {})
                for method, params in (
                    *FLOOD[:5],
                    (
                        "ckit/entity/update",
                        {
                            "id": "T-009",
                            "changes": [{"path": ["title"], "value": "x"}],
                            "apply": True,
                            "allowInvalid": True,
                        },
                    ),
                ):
                    try:
                        await client.request(method, params)
                    except RpcError as error:
                        assert error.code in {"not_found", "conflict", "content_rejected", "invalid_argument"}, error
        client.notify("ckit/repo/didChange", {})
        assert (await client.request("ckit/repo/validate"))["findings"] == []
    assert "Traceback" not in daemon.log.read_text()


@pytest.mark.skipif(os.name == "nt", reason="Windows removes and renames no folder that is open")
@pytest.mark.parametrize(("renamed", "watch"), [(False, True), (True, False)])
async def test_a_repository_that_disappears_is_an_error_and_no_end(
    tmp_path: Path, *, renamed: bool, watch: bool
) -> None:
    root = copy_example(tmp_path / "lantern")
    other = copy_example(tmp_path / "other")
    async with spawned(tmp_path) as daemon:
        client = daemon.client
        opened = await client.request("ckit/repo/open", {"path": str(root), "watch": watch})
        name = opened["repository"]["id"]
        if renamed:
            root.rename(tmp_path / "elsewhere")
        else:
            shutil.rmtree(root)
        client.notify("ckit/repo/didChange", {"repository": name})
        change = {"id": "FEAT-001", "newId": "FEAT-100", "apply": True}
        for method, params in (*FLOOD[:-3], ("ckit/entity/rename", change)):
            try:
                await client.request(method, {**params, "repository": name} if method.count("/") > 1 else params)
            except RpcError as error:
                assert error.code in {"not_found", "conflict", "storage_error", "invalid_argument"}, (method, error)
        await client.request("ckit/repo/close", {"repository": name})
        await client.request("ckit/repo/open", {"path": str(other)})
        assert (await client.request("ckit/repo/validate"))["ok"]
        assert not root.exists()


@contextlib.contextmanager
def small_disk(folder: Path) -> Generator[None]:
    folder.mkdir()
    if os.name == "nt" or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("fault", ["full", "read-only"])
async def test_R04_a_disk_that_takes_nothing_is_an_error_and_every_file_stays(tmp_path: Path, fault: str) -> None:
    with small_disk(tmp_path / "disk"):
        root = copy_example(tmp_path / "disk/lantern", git=False)
        filler = tmp_path / "disk/filler"
        if fault == "full":
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(b"x" * 4096)
        else:
            remount = ["mount", "-o", "remount,ro", tmp_path / "disk"]
            await asyncio.to_thread(subprocess.run, remount, check=True)
        before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
        async with spawned(tmp_path) as daemon:
            await daemon.client.request("ckit/repo/open", {"path": str(root)})
            for method, params in (
                ("ckit/entity/rename", {"id": "FEAT-001", "newId": "FEAT-100", "apply": True}),
                ("ckit/entity/create", {"type": "package", "id": "pkg-x", "allowInvalid": True, "apply": True}),
                ("ckit/prompt/render", {"id": "T-009", "write": True}),
                ("ckit/pipeline/run", {"name": "generate"}),
            ):
                with pytest.raises(RpcError) as caught:
                    await daemon.client.request(method, params)
                assert caught.value.code == "storage_error", (method, caught.value)
                assert caught.value.message.endswith(".")
            assert (await daemon.client.request("ckit/repo/validate"))["ok"]
        assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def names(root: Path) -> list[str]:
    """The service that each file names."""
    return [
        path.read_text().rpartition("# ")[2].strip() for path in sorted((root / "contexts/features").glob("*.yaml"))
    ]


async def killed_while_renaming(daemon: Spawned, old: str, new: str, delay: float, folder: Path) -> None:
    params = {"id": old, "newId": new, "apply": True}
    answer = daemon.client.start("ckit/entity/rename", params)
    until = time.monotonic() + TIMEOUT_SECONDS
    # Making the plan takes most of the time; the file system says when the writing begins.
    while not answer.done() and time.monotonic() < until and not any(folder.glob(".ckit-*")):  # noqa: ASYNC110 - a process.
        await asyncio.sleep(0.001)
    await asyncio.sleep(delay)
    daemon.process.kill()
    with contextlib.suppress(ConnectionError, RpcError):
        await answer


async def test_R04_killed_while_it_writes_the_next_start_finds_all_files_old_or_all_new(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    (root / "contexts/services").mkdir(parents=True)
    (root / "contexts/features").mkdir()
    (root / ".context").mkdir()
    (root / "contexts/services/s.yaml").write_text("id: svc-0\n")
    for number in range(RENAMED):
        file = root / f"contexts/features/f{number:03}.yaml"
        file.write_text(f"id: FEAT-{number:03}\nrequires: [svc-0]\n# svc-0\n")
    generator = random.Random(3)
    old, torn, attempt = "svc-0", 0, 0
    while attempt < KILLS or (not torn and attempt < MOST_KILLS):
        attempt += 1
        new = f"svc-{attempt}"
        async with spawned(tmp_path) as daemon:
            await daemon.client.request("ckit/repo/open", {"path": str(root)})
            # A start after a kill has mended everything, so the files can be looked at here.
            state = set(names(root))
            assert len(state) == 1, state
            assert not [path for path in root.rglob("*") if path.name.startswith(".ckit")]
            (old,) = state
            assert (await daemon.client.request("ckit/repo/validate"))["ok"]
            delay = generator.uniform(0, 0.12) if attempt <= KILLS else 0
            await killed_while_renaming(daemon, old, new, delay, root / "contexts/features")
        torn += len(set(names(root))) > 1 or any(p.name.startswith(".ckit") for p in root.rglob("*"))
    async with spawned(tmp_path) as daemon:
        await daemon.client.request("ckit/repo/open", {"path": str(root)})
        assert len(set(names(root))) == 1
    # Otherwise nothing was proved.
    assert torn > 0
