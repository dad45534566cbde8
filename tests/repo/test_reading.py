"""Content that is bad, odd or in motion."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pygit2
import pytest

from ckit_daemon.core.errors import ContentRejectedError, LimitExceededError, OperationCancelledError
from ckit_daemon.core.progress import SILENT
from ckit_daemon.repo.files import FileReader
from ckit_daemon.repo.scan import Scanner

if TYPE_CHECKING:
    from tests.repo.conftest import Workspace

pytestmark = pytest.mark.anyio
BOMB = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}]\n" for a, b in zip("abcdefghij", "bcdefghijk", strict=True)
)
BAD = "contexts/features/BAD.yaml"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param("id: Grün\n".encode("latin-1"), "file.not-utf8", id="latin-1"),
        pytest.param("id: x\n".encode("utf-16"), "file.not-utf8", id="utf-16"),
        pytest.param(b"\x89PNG\0\0\0", "file.binary", id="binary"),
        pytest.param(b"id: " + b"x" * 100_000, "file.too-large", id="too large"),
        pytest.param(BOMB.encode(), "yaml.alias-limit", id="alias bomb"),
        pytest.param(b"- " * 20_000, "yaml.syntax", id="nested blocks"),
        pytest.param(b"[" * 50_000, "yaml.syntax", id="nested brackets"),
        pytest.param(b"\n".join(b" " * depth + b"a:" for depth in range(400)), "yaml.syntax", id="nested mappings"),
        pytest.param(b"id: A\n? " + b"? " * 400 + b"\nid: B\n", "yaml.key", id="nested keys"),
        pytest.param(b"id: A\nid: B\n", "yaml.duplicate-key", id="duplicate keys"),
        pytest.param(b"id: A\nlist:\n\t- x\n", "yaml.syntax", id="tabs"),
    ],
)
async def test_R34_bad_content_is_a_finding_and_everything_else_is_read(
    workspace: Workspace, content: bytes, code: str
) -> None:
    workspace.write(BAD, content)
    async with workspace.open() as repository:
        document = repository.snapshot.documents[BAD]
        codes = [finding.code for finding in document.failures] + [problem.code for problem in document.problems]
        assert codes == [code]
        assert repository.snapshot.get("FEAT-001") is not None


async def test_R34_a_50_mb_file_is_refused_without_being_read(workspace: Workspace) -> None:
    with workspace.write(BAD, "id: X\n").open("r+b") as file:
        file.truncate(50 * 1024 * 1024)
    async with workspace.open() as repository:
        assert repository.snapshot.documents[BAD].failures[0].code == "file.too-large"
        assert repository.snapshot.documents[BAD].text == ""
        with pytest.raises(ContentRejectedError) as caught:
            repository.read_file(BAD)
        assert caught.value.details["reason"] == "file.too-large"


async def test_a_byte_order_mark_is_tolerated_and_crlf_is_kept(workspace: Workspace) -> None:
    workspace.write(BAD, b"\xef\xbb\xbfid: FEAT-002\r\ntitle: Two\r\n")
    async with workspace.open() as repository:
        document = repository.snapshot.documents[BAD]
        assert document.value == {"id": "FEAT-002", "title": "Two"}
        assert document.text == "id: FEAT-002\r\ntitle: Two\r\n"
        assert repository.disk_text(BAD) == document.text
        content = repository.read_file(BAD)
        assert (content.line_ending, content.size, content.lines) == ("crlf", 29, 3)


async def test_a_part_of_a_file_is_read_by_lines(workspace: Workspace) -> None:
    workspace.write("notes.md", "zero\r\none\ntwo\u2028still\rthree")
    async with workspace.open() as repository:
        part = repository.read_file("./notes.md", start_line=1, max_lines=2)
        assert (part.path, part.text, part.first_line, part.truncated) == ("notes.md", "one\ntwo\u2028still\r", 1, True)
        assert (part.lines, part.line_ending) == (4, "mixed")
        assert repository.read_file("notes.md", start_line=9).text == ""
        whole = repository.read_file("notes.md")
        assert whole.sha256 == repository.read_file("notes.md", start_line=3).sha256
        assert not whole.truncated


async def test_hidden_and_other_files_are_no_sources(workspace: Workspace) -> None:
    for path in ["contexts/README.md", "contexts/features/.#FEAT-001.yaml", "contexts/.old/x.yaml", "contexts/x.yaml~"]:
        workspace.write(path, "id: X\n")
    workspace.write("contexts/features/deep/er/FEAT-003.YML", "id: FEAT-003\n")
    async with workspace.open() as repository:
        entities = [path for path in repository.snapshot.documents if path.startswith("contexts/")]
        assert entities == [
            "contexts/features/FEAT-001.yaml",
            "contexts/features/deep/er/FEAT-003.YML",
            "contexts/userstories/US-001.yaml",
        ]


async def test_R10_links_that_lead_out_or_nowhere_are_findings_and_are_not_read(workspace: Workspace) -> None:
    (workspace.outside / "SECRET.yaml").write_text("id: SECRET\n")
    features = workspace.root / "contexts/features"
    (features / "out.yaml").symlink_to(workspace.outside / "SECRET.yaml")
    (features / "gone.yaml").symlink_to("nothing")
    (features / "folder").symlink_to(workspace.outside, target_is_directory=True)
    (features / "again").symlink_to("..", target_is_directory=True)
    workspace.write("shared/FEAT-009.yaml", "id: FEAT-009\n")
    (features / "shared").symlink_to("../../shared", target_is_directory=True)
    async with workspace.open() as repository:
        documents = repository.snapshot.documents
        codes = {
            path.rpartition("/")[2]: documents[path].failures[0].code for path in documents if documents[path].failures
        }
        assert codes == {"out.yaml": "file.outside", "gone.yaml": "file.unreadable", "folder": "file.outside"}
        assert repository.snapshot.get("SECRET") is None
        assert repository.snapshot.get("FEAT-009") is not None
        assert len(repository.snapshot.definitions["FEAT-001"]) == 1


@pytest.mark.skipif(os.name == "nt", reason="FIFOs are POSIX's")
async def test_a_fifo_with_the_name_of_an_entity_does_not_stop_the_opening(workspace: Workspace) -> None:
    os.mkfifo(workspace.root / BAD)
    async with workspace.open() as repository:
        assert repository.snapshot.documents[BAD].failures[0].code == "file.unreadable"


@pytest.mark.skipif(os.name == "nt", reason="Windows has only Unicode names")
async def test_a_file_name_in_another_encoding_is_a_finding(workspace: Workspace) -> None:
    workspace.write("contexts/features/" + os.fsdecode(b"Gr\xfcn.yaml"), "id: G\n")
    async with workspace.open() as repository:
        documents = repository.snapshot.documents
        assert [path for path in documents if documents[path].failures] == ["contexts/features/Gr\ufffdn.yaml"]


async def test_a_file_that_vanishes_between_the_walk_and_the_reading_is_left_out(workspace: Workspace) -> None:
    root = workspace.root

    class Removing:
        def report(self, done: int, total: int, message: str) -> None:
            if message == "Reading files":
                (root / "contexts/features/FEAT-001.yaml").unlink(missing_ok=True)

    async with workspace.open() as repository:
        workspace.write(BAD, "id: FEAT-002\n")
        workspace.write("contexts/features/FEAT-001.yaml", "id: FEAT-001\ntitle: Again\n")
        change = await repository.refresh(progress=Removing())
        assert change.paths == {BAD, "contexts/features/FEAT-001.yaml"}
        assert repository.snapshot.get("FEAT-001") is None


def test_a_file_that_never_stops_changing_is_given_up(workspace: Workspace) -> None:
    file = workspace.write("busy.md", "x" * 40_000)
    stop = threading.Event()

    def grow() -> None:
        while not stop.is_set():
            with file.open("ab") as stream:
                stream.write(b"y")

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        reader = FileReader(workspace.root.resolve(), 10_000_000)
        for _ in range(200):
            try:
                data = reader.read("busy.md").data
            except ContentRejectedError as error:
                assert error.details["reason"] == "file.unreadable"
            else:
                assert data.startswith(b"x" * 40_000)
    finally:
        stop.set()
        writer.join()


async def test_R11_opening_stops_when_it_is_cancelled(workspace: Workspace) -> None:
    class Cancelling:
        def report(self, done: int, total: int, message: str) -> None:
            raise OperationCancelledError("cancelled")

    async with workspace.open() as repository:
        before = repository.snapshot
        with pytest.raises(OperationCancelledError):
            await repository.refresh(progress=Cancelling())
        assert repository.snapshot is before
        workspace.write(BAD, "id: FEAT-002\n")
        assert (await repository.refresh()).paths == {BAD}


def test_more_files_than_allowed_are_refused(workspace: Workspace) -> None:
    with pytest.raises(LimitExceededError):
        Scanner(workspace.root.resolve(), max_files=0).scan(SILENT)


async def test_prose_is_markdown_and_templates_that_git_does_not_ignore(workspace: Workspace) -> None:
    pygit2.init_repository(str(workspace.root))
    workspace.write(".gitignore", "private/\nsecret.md\n")
    workspace.write(".git/x.md", "FEAT-001")
    for path in ["docs/a.md", "secret.md", "private/b.md", "node_modules/p/README.md", "generated/prompts/x.md"]:
        workspace.write(path, "FEAT-001")
    workspace.write("docs/latin.md", b"\xfc")
    workspace.write(".context/templates/prompts/feature.hbs", "{{id}}")
    workspace.write(".context/templates/builder/feature.yaml", "id: FEAT-000")
    async with workspace.open() as repository:
        await repository.overlay("docs/a.md", "unsaved")
        assert repository.prose() == {
            ".context/templates/builder/feature.yaml": "id: FEAT-000",
            ".context/templates/prompts/feature.hbs": "{{id}}",
            "docs/a.md": "unsaved",
        }
