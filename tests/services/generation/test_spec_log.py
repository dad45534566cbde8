"""Entries of the log fit whatever schema a repository has, and lose nothing on the way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.core.progress import SILENT
from ckit_daemon.repo.opener import DiskRepositoryOpener
from ckit_daemon.services.assistant.records import Failure, Usage
from ckit_daemon.services.generation.kit import read_kit
from ckit_daemon.services.generation.records import Generation, Input, UsedTemplate
from ckit_daemon.services.generation.spec_log import SCHEMA, log_schema, new_entry, read_log
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from pathlib import Path

    from ckit_daemon.repo.repository import DiskRepository

pytestmark = pytest.mark.asyncio

GENERATION = Generation(
    id="gen_1",
    kind="spec",
    outcome="succeeded",
    repository="r",
    entity="SPEC-009",
    created_at="2026-01-02T03:04:05.678Z",
    duration_ms=12.6,
    request_id="7",
    parameters={"entities": ["FEAT-001"], "requirement": "X", "temperature": 0.5},
    provider="offline",
    model="offline",
    usage=Usage(input_tokens=10, output_tokens=5),
    template=UsedTemplate(name="default", sha256="0"),
    inputs=(Input(kind="entity", id="FEAT-001", path="contexts/features/a.yaml", sha256="1"),),
)


async def repository(tmp_path: Path) -> DiskRepository:
    root = copy_example(tmp_path / "example", git=False)
    return await DiskRepositoryOpener().open(root, SILENT)


async def test_an_entry_says_all_that_the_schema_has_a_place_for(tmp_path: Path) -> None:
    store = await repository(tmp_path)
    path, text = new_entry(store, GENERATION, {"specId": "SPEC-009", "content": "# Text"})
    entry = json.loads(text)
    assert path.startswith(".context-kit/spec-log/2026-01-02-030405-spec-generate-")
    assert path == f".context-kit/spec-log/{entry['id']}.json"
    assert (entry["status"], entry["durationMs"]) == ("success", 13)
    assert entry["model"]["tokensUsed"] == {"prompt": 10, "completion": 5, "total": 15}
    assert entry["relatedEntities"] == ["SPEC-009", "FEAT-001"]
    assert entry["output"]["metadata"]["inputs"] == {"contexts/features/a.yaml": "1"}
    schema = log_schema(store)
    assert schema is not None
    assert list(schema.errors(entry)) == []


async def test_what_a_stricter_schema_refuses_moves_into_the_metadata(tmp_path: Path) -> None:
    store = await repository(tmp_path)
    definition = json.loads((store.root / SCHEMA).read_text("utf-8"))
    definition["properties"]["model"]["properties"]["provider"]["enum"] = ["openai", "ollama"]
    del definition["properties"]["relatedEntities"]
    (store.root / SCHEMA).write_text(json.dumps(definition), "utf-8")
    entry = json.loads(new_entry(store, GENERATION, {"specId": "SPEC-009"})[1])
    schema = log_schema(store)
    assert schema is not None
    assert list(schema.errors(entry)) == []
    assert entry["output"]["metadata"]["besides"] == {
        "model.provider": "offline",
        "relatedEntities": ["SPEC-009", "FEAT-001"],
    }
    assert entry["model"]["model"] == "offline"


async def test_a_failure_says_why_and_needs_no_model(tmp_path: Path) -> None:
    store = await repository(tmp_path)
    failed = Generation(
        id="gen_2",
        kind="prompt",
        outcome="failed",
        failure=Failure(code="not_found", message="There is no such thing."),
        repository="r",
        created_at="2026-01-02T03:04:05.678Z",
        duration_ms=1,
        request_id="8",
        parameters={},
    )
    entry = json.loads(new_entry(store, failed, {})[1])
    assert entry["error"] == {"message": "There is no such thing.", "code": "not_found", "retryable": False}
    assert (entry["requestType"], "model" in entry) == ("promptify", False)
    schema = log_schema(store)
    assert schema is not None
    assert list(schema.errors(entry)) == []


@pytest.mark.parametrize("schema", [None, "{", '{"type": "nonsense"}', "[]"])
async def test_without_a_usable_schema_entries_are_written_and_read_all_the_same(
    tmp_path: Path, schema: str | None
) -> None:
    store = await repository(tmp_path)
    (store.root / SCHEMA).unlink()
    if schema is not None:
        (store.root / SCHEMA).write_text(schema, "utf-8")
    assert json.loads(new_entry(store, GENERATION, {})[1])["status"] == "success"
    assert [entry.problems for entry in read_log(store)] == [()]


async def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    store = await repository(tmp_path)
    (store.root / ".context-kit").rename(store.root / "elsewhere")
    assert read_log(store) == []
    assert read_kit(store).files == {}


async def test_a_broken_file_of_the_kit_is_left_out_with_a_warning(tmp_path: Path) -> None:
    store = await repository(tmp_path)
    (store.root / ".context-kit/stack.yml").write_text("a: [\n", "utf-8")
    (store.root / ".context-kit/project.yml").write_bytes(b"\xff\xfe\x00")
    kit = read_kit(store)
    assert set(kit.files) == {"domains", "prompts"}
    assert len(kit.warnings) == 2
    assert kit["stack"].value == {}
