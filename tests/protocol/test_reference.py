"""The protocol reference is what the code says, and every method is in all of its parts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ckit_daemon.config import LEAVES
from ckit_daemon.rpc.capabilities import describe_capabilities
from ckit_daemon.rpc.context import Session
from ckit_daemon.settings import Settings
from ckit_daemon.wire.errors import NUMBERS
from ckit_daemon.wire.methods import METHODS, Method
from ckit_daemon.wire.schema import schema_hash

PROTOCOL = Path(__file__).parents[2] / "protocol"
README = (PROTOCOL / "README.md").read_text("utf-8")
REFERENCE = (PROTOCOL / "REFERENCE.md").read_text("utf-8")
TYPES = (PROTOCOL / "ts" / "index.d.ts").read_text("utf-8")
INDEX = {row["name"]: row for row in json.loads((PROTOCOL / "index.json").read_text("utf-8"))["methods"]}
NAMES = [method.name for method in METHODS]

CLIENT = """
import type {
  ClientHandlers, ErrorCode, ErrorNumbers, Item, Methods, ParamsOf, ResultOf, TurnEvent, WorkspaceEdit,
} from './index';

declare function request<M extends keyof Methods>(method: M, params: ParamsOf<M>): Promise<ResultOf<M>>;

export async function use(): Promise<string[]> {
  const report = await request('ckit/repo/validate', { limit: 5 });
  const places: string[] = report.findings.map((f) => `${f.location.path}:${f.location.range.start.line} ${f.message}`);
  const edit: WorkspaceEdit = (await request('ckit/entity/rename', { id: 'US-001', newId: 'US-002' })).edit;
  for (const change of edit.documentChanges) {
    if ('kind' in change && change.kind === 'rename') places.push(change.oldUri, change.newUri);
  }
  const code: ErrorCode = 'not_found';
  const number: ErrorNumbers[typeof code] = -33001;
  // @ts-expect-error - a parameter that does not exist
  await request('ckit/repo/validate', { maximum: 5 });
  // @ts-expect-error - a parameter that is missing
  await request('ckit/entity/rename', { id: 'US-001' });
  // @ts-expect-error - a method that does not exist
  await request('ckit/repo/destroy', {});
  return [...places, String(number)];
}

export function show(event: TurnEvent): string {
  switch (event.type) {
    case 'turnStarted':
    case 'turnCompleted':
      return event.turn.stopReason ?? event.turn.status;
    case 'itemDelta':
      return `${event.itemId} ${event.offset} ${event.text}`;
    case 'itemStarted':
    case 'itemCompleted':
      return about(event.item);
    default: {
      const nothing: never = event;
      return nothing;
    }
  }
}

function about(item: Item): string {
  if (item.kind === 'toolCall') return `${item.class} ${item.name} ${item.result ?? ''}`;
  // @ts-expect-error - only tool calls have a class
  return item.class;
}

export const handlers: ClientHandlers = {
  'ckit/approval/request': async ({ approval }) => ({ decision: approval.diff ? 'allowOnce' : 'deny' }),
  // @ts-expect-error - a key is a text
  'ckit/secret/request': async () => ({ value: 7 }),
};
"""


PLANTED = {"protocol/index.json", "protocol/schema/old.json"}


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """`generate.py --check` on a copy with two planted differences; one run, because it records every example."""
    copy = tmp_path_factory.mktemp("drift")
    shutil.copytree(PROTOCOL, copy / "protocol", ignore=shutil.ignore_patterns("__pycache__"))
    contract = Path("ckit_daemon", "wire", "contract.py")
    (copy / contract).parent.mkdir(parents=True)
    shutil.copy(PROTOCOL.parent / contract, copy / contract)
    with (copy / "protocol" / "index.json").open("a", encoding="utf-8") as file:
        file.write("\n")
    (copy / "protocol" / "schema" / "old.json").write_text("{}", "utf-8")
    command = [sys.executable, str(copy / "protocol" / "generate.py"), "--check"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_R25_the_reference_is_what_the_code_says(checked: subprocess.CompletedProcess[str]) -> None:
    assert "Traceback" not in checked.stderr, checked.stderr
    found = set(re.findall(r"^out of date: (.+)$", checked.stderr, re.MULTILINE))
    assert found == PLANTED, "Mend it with: python protocol/generate.py"


def test_R25_a_difference_fails_and_names_the_command_that_mends_it(checked: subprocess.CompletedProcess[str]) -> None:
    assert checked.returncode == 1
    assert all(f"out of date: {name}" in checked.stderr for name in PLANTED)
    assert "python protocol/generate.py" in checked.stderr


def test_R19_the_hash_in_the_capabilities_is_that_of_the_schemas() -> None:
    assert describe_capabilities(Settings(), Session())["schemaHash"] == schema_hash()


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
def test_R25_every_method_has_schemas_types_examples_and_a_section(method: Method) -> None:
    row = INDEX[method.name]
    assert (PROTOCOL / row["params"]).is_file()
    assert (PROTOCOL / row["golden"]).is_file()
    assert (row["result"] is None) == (method.kind == "notification")
    assert f"'{method.name}': {{ params: " in TYPES
    assert f"### `{method.name}`" in REFERENCE
    assert f"[`{method.name}`](REFERENCE.md#{re.sub(r'[^a-z-]', '', method.name.lower())})" in README


def test_R25_nothing_but_the_methods_is_in_the_index() -> None:
    assert list(INDEX) == NAMES


@pytest.mark.parametrize("code", NUMBERS)
def test_R30_every_error_is_explained_and_typed(code: str) -> None:
    assert re.search(rf"^\| `{code}` \| {NUMBERS[code]} \| .+ \| (yes|no) \| .+ \|$", README, re.MULTILINE)
    assert f"  {code}: {NUMBERS[code]};" in TYPES


OF_HOSTS = [m for m in METHODS if m.kind == "request" and m.direction == "clientToServer"]
OF_THE_DAEMON = [m for m in METHODS if m.kind == "request" and m.direction == "serverToClient"]


@pytest.mark.parametrize("method", OF_THE_DAEMON, ids=lambda m: m.name)
def test_R30_every_request_of_the_daemon_shows_an_answer_and_one_that_is_refused(method: Method) -> None:
    section = REFERENCE.split(f"### `{method.name}`\n")[1].split("\n### ")[0]
    assert section.count('"result": ') == 2
    assert "An answer that the daemon refuses" in section


@pytest.mark.parametrize("method", OF_HOSTS, ids=lambda m: m.name)
def test_R30_every_request_shows_an_answer_an_error_and_the_errors_that_it_can_have(method: Method) -> None:
    section = REFERENCE.split(f"### `{method.name}`\n")[1].split("\n### ")[0]
    assert '"result": ' in section
    assert '"error": ' in section
    assert "Errors: `" in section


@pytest.mark.parametrize("method", OF_HOSTS, ids=lambda m: m.name)
def test_R30_no_method_answers_with_an_error_that_its_section_leaves_out(method: Method) -> None:
    section = REFERENCE.split(f"### `{method.name}`\n")[1].split("\n### ")[0]
    (line,) = re.findall(r"^Errors: (.+)\.$", section, re.MULTILINE)
    golden = json.loads((PROTOCOL / INDEX[method.name]["golden"]).read_text("utf-8"))
    assert {entry["error"]["data"]["code"] for entry in golden["invalid"]} <= set(re.findall(r"`(\w+)`", line))


def test_R17_every_setting_is_in_the_reference() -> None:
    for key in LEAVES:
        assert f"| `{key}` |" in README


@pytest.mark.parametrize(
    "endpoint",
    [
        "/health",
        "/context/inspect",
        "/spec/generate",
        "/spec/promptify",
        "/codegen/from-spec",
        "/spec-log",
        "/ai/*",
        "/assistant/sessions",
        "/assistant/sessions/{id}/messages",
        "/ai/chat/stream",
    ],
)
def test_R13_every_old_endpoint_is_in_the_migration_table(endpoint: str) -> None:
    table = README.split("## From the REST side-car")[1]
    assert endpoint in table


def test_R13_every_method_in_the_migration_table_exists() -> None:
    table = README.split("## From the REST side-car")[1].split("\n## ")[0]
    assert set(re.findall(r"`(ckit/[\w/]+)`", table)) <= set(NAMES)


def test_R25_every_link_inside_the_reference_leads_somewhere() -> None:
    prose = {
        name: re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
        for name, text in (("README.md", README), ("REFERENCE.md", REFERENCE))
    }
    anchors = {
        f"{name}#" + re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for name, text in prose.items()
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    links = {
        f"{page or name}#{anchor}"
        for name, text in prose.items()
        for page, anchor in re.findall(r"\]\(([\w.]*)#([^)]+)\)", text)
    }
    assert links - anchors == set()


def test_the_types_are_valid_strict_typescript(tmp_path: Path) -> None:
    npx = shutil.which("npx")
    if npx is None:
        pytest.skip("Node is not installed; only TypeScript itself can check its types")
    shutil.copy(PROTOCOL / "ts" / "index.d.ts", tmp_path)
    (tmp_path / "client.ts").write_text(CLIENT, "utf-8")
    compiler = [npx, "--yes", "--package", "typescript@5", "tsc"]
    if subprocess.run([*compiler, "--version"], capture_output=True, cwd=tmp_path, check=False).returncode:
        pytest.skip("the TypeScript compiler can't be installed from the npm registry")
    options = ["--strict", "--noEmit", "--target", "es2022", "--moduleResolution", "bundler", "--module", "esnext"]
    done = subprocess.run([*compiler, *options, "client.ts"], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout
