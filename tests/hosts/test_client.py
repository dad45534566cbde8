"""The TypeScript client in Node, against a real daemon: its own tests, and its package in a foreign project."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from tests.hosts.building import EDITORS, build, run

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

CLIENT = EDITORS / "client"
USE = """
import { CkitError, Daemon } from '@ckit/client';
import { ChatView } from '@ckit/client/views';

export const views: object[] = [ChatView];
export async function codes(daemon: Daemon): Promise<string[] | CkitError> {
  const { findings } = await daemon.client.request('ckit/repo/validate', {});
  return findings.map(({ code }) => code);
}
// @ts-expect-error there is no such method
export const wrong = (daemon: Daemon): unknown => daemon.client.request('ckit/nothing', {});
"""
RUN = """
const { Daemon } = require('@ckit/client');
Daemon.spawn({ command: process.argv.slice(1) }).then(async (daemon) => {
  const { repositories } = await daemon.client.request('ckit/repo/list', {});
  const { code } = await daemon.dispose();
  console.log(JSON.stringify([repositories, code]));
});
"""


def test_the_typed_client_passes_its_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CKIT_TEST_PYTHON", sys.executable)
    build(CLIENT, "test")


def test_the_client_s_package_is_typed_and_runs_outside_of_the_checkout(tmp_path: Path) -> None:
    build(CLIENT, "build")
    run("npm", CLIENT, "pack", "--ignore-scripts", "--pack-destination", str(tmp_path))
    host = tmp_path / "host"
    host.mkdir()
    (host / "package.json").write_text('{"private": true}', "utf-8")
    package = str(next(tmp_path.glob("*.tgz")))
    run("npm", host, "install", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", package)
    options = {
        "noEmit": True,
        "strict": True,
        "skipLibCheck": True,
        "target": "es2022",
        "module": "esnext",
        "moduleResolution": "bundler",
        "esModuleInterop": True,
        "lib": ["es2022", "dom", "dom.iterable"],
        "typeRoots": [str(CLIENT / "node_modules" / "@types")],
        "types": ["node"],
    }
    (host / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": ["use.ts"]}), "utf-8")
    (host / "use.ts").write_text(USE, "utf-8")
    assert run("node", host, str(CLIENT / "node_modules" / "typescript" / "bin" / "tsc"), "-p", ".") == ""
    assert json.loads(run("node", host, "-e", RUN, sys.executable, "-m", "ckit_daemon")) == [[], 0]
