"""Repositories full of traps, asked by every method of a real daemon: each is a finding, and the daemon goes on."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.support.client import RpcError
from tests.support.daemon import spawned

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Client

pytestmark = pytest.mark.asyncio

GOOD = "contexts/features/good.yaml"
FEATURE = "contexts/features/trap.yaml"
SCHEMA = ".context/schemas/feature.schema.json"
TEMPLATE = ".context/templates/prompts/feature.hbs"
RULES = ".context/rules/consistency.rules.yaml"
CONSTITUTION = "contexts/governance/constitution.yaml"
PATIENCE_SECONDS = 30.0
"""Less than the daemon's own deadline; what explodes takes hours."""
UNMEASURED = {"COVERAGE_PROCESS_CONFIG": "", "COVERAGE_PROCESS_START": ""}
"""Measuring coverage doubles what the largest traps cost, and patience is for the daemon alone."""

BOMB = "a: &a [x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
LONG = "id: FEAT-666\nnotes:\n" + "".join(f"  - line {number}\n" for number in range(40_000))

CONDITION = """\
id: CONST-X
compliance:
  rules:
    - {id: R, targets: [feature], conditions: [{path: title, operator: matches, value: '((a{1000}){1000}){1000}'}]}
"""


def schema(pattern: str) -> str:
    return json.dumps({"properties": {"title": {"pattern": pattern}}})


# Path, content, and the code of the finding about it; none where it is no fault.
FILES: dict[str, tuple[str, str | bytes, str | None]] = {
    "alias bomb": (FEATURE, BOMB, "yaml.alias-limit"),
    "100,000 brackets": (FEATURE, "[" * 100_000, "yaml.syntax"),
    "300 levels": (FEATURE, "\n".join("  " * level + "a:" for level in range(300)), "yaml.syntax"),
    "python object": (FEATURE, "id: FEAT-666\nx: !!python/object/apply:os.system ['touch pwned']\n", "yaml.tag"),
    "lone CR": (FEATURE, "id: FEAT-666\rtitle: Ä\ruserStories: [US-404]\r", "reference.unresolved"),
    "empty": (FEATURE, "", "entity.not-a-mapping"),
    "scalar": (FEATURE, "hello\n", "entity.not-a-mapping"),
    "number as id": (FEATURE, "id: 5\n", None),
    "text as list": (FEATURE, "id: FEAT-666\nuserStories: hello\n", "reference.not-an-id"),
    "half a surrogate": (FEATURE, 'id: FEAT-666\ntitle: "\\ud800"\n', "yaml.syntax"),
    "integers beyond 64 bits": (FEATURE, f"id: FEAT-666\nn: {10**40}\nf: .nan\ng: -.inf\n", None),
    "one line of 900,000": (FEATURE, "id: FEAT-666\nx: " + "y" * 900_000 + "\n", None),
    "60,000 keys": (FEATURE, "id: FEAT-666\n" + "".join(f"k{i}: {i}\n" for i in range(60_000)), None),
    "10,000 references": (
        FEATURE,
        "id: FEAT-666\nuserStories: [" + ", ".join(f"US-{i:05}" for i in range(10_000)) + "]\n",
        "reference.unresolved",
    ),
    "40,000 lines": (FEATURE, LONG + "userStories: [US-404]\n", "reference.unresolved"),
    "broken after 40,000 lines": (FEATURE, LONG + "x: [\n", "yaml.syntax"),
    "shell in a name": (
        "contexts/features/$(touch pwned).yaml",
        "id: FEAT-666\nuserStories: 5\n",
        "reference.not-an-id",
    ),
    "odd name": ("contexts/features/--é 🎉 '\"<b>.yaml", "id: FEAT-666\nuserStories: 5\n", "reference.not-an-id"),
    "schema of itself": (SCHEMA, '{"allOf": [{"$ref": "#"}]}', None),
    "schema of each other": (
        SCHEMA,
        '{"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}',
        None,
    ),
    "schema file": (SCHEMA, '{"$ref": "file:///etc/passwd"}', "schema.invalid"),
    "schema no JSON": (SCHEMA, '{"type":', "schema.invalid"),
    "schema nests": (SCHEMA, '{"not":' * 900 + "{}" + "}" * 900, "schema.invalid"),
    "schema brackets": (SCHEMA, "[" * 100_000, "schema.invalid"),
    "schema binary": (SCHEMA, b"\x00\xff", "file.binary"),
    "pattern explodes": (SCHEMA, schema("^(a+)+$"), "schema.pattern"),
    "pattern looks around": (SCHEMA, schema("(?=a)(a|aa)+$"), "schema.pattern"),
    "pattern refers back": (SCHEMA, schema(r"(a*)*\1b"), "schema.pattern"),
    "pattern fills memory": (SCHEMA, schema("((a{1000}){1000}){1000}"), "schema.invalid"),
    "template unclosed": (TEMPLATE, "{{#if", "template.syntax"),
    "template nests": (TEMPLATE, "{{#if id}}" * 3000 + "{{/if}}" * 3000, "template.syntax"),
    "template too long": (TEMPLATE, "x" * 2_000_000, None),
    "template calls itself": (TEMPLATE, '{{#*inline "p"}}{{> p}}{{> p}}{{/inline}}{{> p}}', None),
    "template loops": (TEMPLATE, "{{#each l}}" + "{{#each ../l}}" * 7 + "x" + "{{/each}}" * 8, None),
    "template asks Python": (TEMPLATE, "{{__class__}}{{entity.__class__.__init__}}{{constructor}}", None),
    "rules are a mapping": (RULES, "rules: {a: b}\n", "rule.invalid"),
    "rules of wrong shapes": (RULES, "rules: [5, null, [], {id: 5}, {id: x, when: [], then: 5}]\n", "rule.invalid"),
    "constitution of wrong shapes": (
        CONSTITUTION,
        "id: CONST-X\nprinciples: [5, {appliesTo: 5}]\ncompliance: {rules: [1, {id: x, targets: 1, conditions: 1}]}\n",
        None,
    ),
    "constitution pattern": (
        CONSTITUTION,
        CONDITION,
        "constitution.invalid",
    ),
    "package.json is a list": ("package.json", "[1, 2]", None),
    "scripts of wrong shapes": ("package.json", '{"scripts": {"a": 5, "b;c": "x"}, "packageManager": []}', None),
    "package.json brackets": ("package.json", "{" * 100_000, None),
    "settings no TOML": (".context-kit/ckit.toml", "[[[[", None),
}

QUESTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("ckit/repo/inspect", {}),
    ("ckit/repo/validate", {}),
    *(("ckit/repo/graph", {"format": name}) for name in ("json", "cytoscape", "mermaid", "dot", "graphml", "html")),
    ("ckit/repo/impact", {"ids": ["FEAT-001"]}),
    ("ckit/repo/impact", {"ids": ["FEAT-666"]}),
    ("ckit/entity/list", {}),
    ("ckit/entity/get", {"id": "FEAT-666"}),
    ("ckit/entity/search", {"query": "line a x"}),
    ("ckit/entity/create", {"type": "feature", "id": "FEAT-002"}),
    ("ckit/entity/update", {"id": "FEAT-666", "changes": [{"path": ["status"], "value": "b"}]}),
    ("ckit/entity/rename", {"id": "FEAT-666", "newId": "FEAT-777"}),
    ("ckit/entity/delete", {"id": "FEAT-666", "references": "remove"}),
    ("ckit/prompt/render", {"id": "FEAT-001"}),
    ("ckit/pipeline/list", {}),
    *(("ckit/pipeline/run", {"name": name, "dryRun": True}) for name in ("validate", "build-graph", "generate")),
    ("ckit/repo/list", {}),
    ("ckit/health", {}),
)


def repository(folder: Path) -> Path:
    (folder / "contexts/features").mkdir(parents=True)
    (folder / ".context").mkdir()
    title = "a" * 40 + "!"
    (folder / GOOD).write_text(f"id: FEAT-001\ntitle: {title}\nl: [1, 2, 3, 4, 5, 6, 7, 8, 9]\n", newline="")
    return folder


async def ask_everything(client: Client, name: str) -> None:
    """Whatever the answer is, it comes soon and is no accident."""
    for method, params in QUESTIONS:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await client.request(method, params)
        except RpcError as error:
            assert error.number != -32603, (name, method, error.message)
            assert len(error.message) < 1000, (name, method)
        except TimeoutError:
            pytest.fail(f"{method} did not answer in time: {name}")


async def test_R34_every_trap_is_answered_by_every_method_without_harm(tmp_path: Path) -> None:
    async with spawned(tmp_path, environment=UNMEASURED) as daemon:
        process = psutil.Process(daemon.process.pid)
        for number, (name, (path, content, code)) in enumerate(FILES.items()):
            root = repository(tmp_path / f"r{number}")
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
            opened = await daemon.client.request("ckit/repo/open", {"path": str(root)})
            result = await daemon.client.request("ckit/repo/validate")
            found = {finding["code"] for finding in result["findings"]}
            assert code is None or code in found, (name, found)
            for finding in result["findings"][:50]:
                message = finding["message"]
                assert "\n" not in message, (name, message)
                assert message.endswith((".", "!", "?")), (name, message)
                assert len(message) < 600, (name, message)
            await ask_everything(daemon.client, name)
            await daemon.client.request("ckit/repo/close", {"repository": opened["repository"]["id"]})
        assert process.memory_info().rss < 500_000_000
        assert not list(tmp_path.rglob("pwned"))
    assert "Traceback" not in daemon.log.read_text()


async def test_places_beyond_line_32767_are_right_or_the_beginning_of_the_file(tmp_path: Path) -> None:
    root = repository(tmp_path / "long")
    (root / FEATURE).write_text(LONG + "userStories: [US-404]\nrequires: [svc-a]\n", newline="")
    (root / "contexts/services").mkdir()
    (root / "contexts/services/svc-a.yaml").write_text("id: svc-a\n", newline="")
    async with spawned(tmp_path) as daemon:
        await daemon.client.request("ckit/repo/open", {"path": str(root)})
        result = await daemon.client.request("ckit/repo/validate")
        lines = {
            f["location"]["range"]["start"]["line"] for f in result["findings"] if f["code"] == "reference.unresolved"
        }
        assert lines <= {0, 40_002}
        # What can't be located can't be cut out either; a rename is told by the text and works.
        with pytest.raises(RpcError) as refused:
            await daemon.client.request("ckit/entity/delete", {"id": "svc-a", "references": "remove", "apply": True})
        assert refused.value.code == "conflict"
        await daemon.client.request("ckit/entity/rename", {"id": "svc-a", "newId": "svc-b", "apply": True})
        assert (root / FEATURE).read_text() == LONG + "userStories: [US-404]\nrequires: [svc-b]\n"


async def test_R34_a_reference_to_a_schema_elsewhere_opens_no_connection(tmp_path: Path) -> None:
    asked = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def answer() -> None:
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return
                asked.set()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        root = repository(tmp_path / "remote")
        (root / ".context/schemas").mkdir()
        address = f"http://127.0.0.1:{port}/x.json"
        (root / SCHEMA).write_text(json.dumps({"$schema": address}))
        (root / ".context/schemas/task.schema.json").write_text(json.dumps({"properties": {"a": {"$ref": address}}}))
        async with spawned(tmp_path) as daemon:
            await daemon.client.request("ckit/repo/open", {"path": str(root)})
            result = await daemon.client.request("ckit/repo/validate")
            assert [finding["code"] for finding in result["findings"]].count("schema.invalid") == 2
        assert not asked.is_set()
        # The server does notice a connection.
        socket.create_connection(("127.0.0.1", port)).close()
        assert asked.wait(60)
        server.shutdown(socket.SHUT_RDWR)
    thread.join(60)


@pytest.mark.skipif(os.name == "nt", reason="POSIX has FIFOs and links that anybody may make")
async def test_R34_what_is_no_plain_file_is_not_waited_for(tmp_path: Path) -> None:
    root = repository(tmp_path / "odd")
    (root / "package.json").mkdir()
    (root / SCHEMA).mkdir(parents=True)
    (root / TEMPLATE).mkdir(parents=True)
    (root / "contexts/features/folder.yaml").mkdir()
    (root / "contexts/features/loop.yaml").symlink_to("loop.yaml")
    (root / "contexts/features/up").symlink_to("..", target_is_directory=True)
    os.mkfifo(root / "contexts/features/pipe.yaml")
    os.mkfifo(root / "docs.md")
    os.mkfifo(root / ".context/templates/prompts/task.hbs")
    with (root / "contexts/features/huge.yaml").open("wb") as huge:
        huge.truncate(50_000_000)
    (root / "contexts" / "/".join("d" * 400)).mkdir(parents=True)
    (root / "docs" / "/".join("d" * 400)).mkdir(parents=True)
    async with spawned(tmp_path) as daemon:
        await daemon.client.request("ckit/repo/open", {"path": str(root)})
        result = await daemon.client.request("ckit/repo/validate")
        found = {(f["code"], f["location"]["path"].rpartition("/")[2]) for f in result["findings"]}
        assert {
            ("file.unreadable", "pipe.yaml"),
            ("file.outside", "loop.yaml"),
            ("file.unreadable", "task.hbs"),
            ("file.too-large", "huge.yaml"),
            ("file.unreadable", "d"),
        } <= found
        await ask_everything(daemon.client, "no plain files")
        with pytest.raises(RpcError):
            await daemon.client.request("ckit/file/read", {"path": "docs.md"})
