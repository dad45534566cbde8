"""A run with planted keys: its folders, settings, keyring and repository, and its person, who tells everybody."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from keyrings.alt.file import PlaintextKeyring

from tests.rpc.test_repository_methods import a_file
from tests.security import planted
from tests.security.planted import EARLY, VARIABLES, told
from tests.security.watched import Children
from tests.support.talk import ASK, CALL, Talk

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Client, Json
    from tests.support.model_server import ModelServer

SECRET: Final = "ckit/secret/request"
POSIX: Final = os.name == "posix"
FETCH: Json = {
    "name": "fetch",
    "description": "Fetches a page.",
    "inputSchema": {"type": "object", "properties": {"url": {"type": "string"}}},
    "class": "read",
}
SHOW: Final = """\
import {readFileSync, writeFileSync} from 'node:fs'
const seen = [{argv: process.argv, env: process.env}]
for (let pid = process.ppid; process.platform === 'linux' && pid > 1; ) {
  const read = name => readFileSync(`/proc/${pid}/${name}`, 'utf8')
  if (read('cmdline').includes('ckit_daemon')) break
  seen.push({argv: read('cmdline').split('\\0'), env: read('environ').split('\\0')})
  pid = Number(/PPid:\\s*(\\d+)/.exec(read('status'))[1])
}
writeFileSync(`../children/${process.pid}.json`, JSON.stringify(seen))
const keys = readFileSync('docs/asked.txt', 'utf8')
if (process.argv[2] === 'json') console.log(JSON.stringify({seen, keys}))
else for (let i = 0; i < 400; i++) console.log(keys.replaceAll('\\n', '').padStart(i + 600, 'x'))
console.error(keys)
process.exit(process.argv[2] === 'json' ? 0 : 3)
"""


@dataclass
class Run:
    """Where it happens, and with whom."""

    folder: Path
    root: Path
    servers: dict[str, ModelServer]
    shown: list[Any] = field(default_factory=list[Any])
    """What the daemon has told the person and the client's tools."""
    children: list[Children] = field(default_factory=list[Children])
    printed: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """What commands have printed."""

    @property
    def environment(self) -> dict[str, str]:
        """All that a daemon gets."""
        home = {
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "XDG_CONFIG_HOME": str(self.folder / "home" / "config"),
            "XDG_CACHE_HOME": str(self.folder / "home" / "cache"),
            "XDG_DATA_HOME": str(self.folder / "home" / "data"),
            "XDG_STATE_HOME": str(self.folder / "home" / "state"),
        }
        own = {
            "CKIT_CONFIG_FILE": str(self.folder / "config.toml"),
            "CKIT_PATHS_CACHE_DIR": str(self.folder / "cache"),
            "CKIT_PATHS_STATE_DIR": str(self.folder / "state"),
            "PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring",
            "KEYRING_PROPERTY_FILE_PATH": str(self.folder / "ring.cfg"),
            "PYTHONFAULTHANDLER": "1",
        }
        return {**os.environ, **(home if POSIX else {}), **own, **VARIABLES}

    async def session(self, client: Client, model: str, **params: Any) -> Talk:
        """Open a session."""
        params = {"model": f"{model}/scripted" if model != "offline" else "offline/offline", "tools": [FETCH], **params}
        created = await client.request("ckit/session/create", params)
        server = self.servers.get(model, self.servers["openai"])
        return Talk(client, server, self.root, created["session"]["id"])

    def serve(self, client: Client) -> None:
        """Answer what the daemon asks of its client."""

        def give(params: Json) -> Json:
            self.shown.append(params)
            return {"value": planted.ASKED if params["reference"] == "client:asked" else None}

        def allow(params: Json) -> Json:
            self.shown.append(params)
            return {"decision": "allowOnce", "note": told(EARLY)}

        def fetch(params: Json) -> Json:
            self.shown.append(params)
            return {"text": told(), "output": {"all": [told()], told(): 1}, "isError": len(self.shown) % 2 == 0}

        client.answer(SECRET, give)
        client.answer(ASK, allow)
        client.answer(CALL, fetch)


def options(**config: Any) -> Json:
    """What a client that knows no better sends."""
    return {
        "protocolVersions": ["1.0"],
        "trusted": True,
        "answers": [SECRET, ASK, CALL],
        "config": {
            "models": {"apiKey": planted.ODD_INLINE, "providers": {"x": {"kind": "openai", "apiKey": planted.INLINE}}},
            "assistant": {"password": planted.ODD_INLINE},
            "telemetry": {"otelEndpoint": f"https://me:{planted.ODD_INLINE}@example.org"},
            planted.INLINE: True,
            **config,
        },
    }


def configure(folder: Path, servers: dict[str, ModelServer]) -> None:
    """Write the settings and fill the keyring, as people do."""
    openai, azure, asked = (servers[name].base_url for name in ("openai", "azure", "asked"))
    (folder / "config.toml").write_text(
        f"""\
[models]
chat = "openai/scripted"
embeddings = "openai/scripted"
maxRetries = 1
retryBackoffSeconds = 0.01
circuitFailures = 1000

[models.providers]
azure = {{ kind = "azure", baseUrl = "{azure}", apiKey = "keyring:azure/me" }}
gateway = {{ kind = "azure", baseUrl = "{azure}/api", subscriptionKey = "keyring:gateway/team" }}
bridge = {{ kind = "openai", baseUrl = "{openai}", apiKey = "env:BRIDGE" }}
withheld = {{ kind = "openai", baseUrl = "{openai}", apiKey = "client:withheld" }}

[models.providers.openai]
kind = "openai"
baseUrl = "{openai}"
apiKey = "env:WORK_LLM"
headers = {{ X-Stamp = "env:TEAM_STAMP" }}

[models.providers.asked]
kind = "ollama"
baseUrl = "{asked}"
apiKey = "client:asked"
headers = {{ X-Pass = "env:LANTERN_PHRASE" }}

[models.providers.spare]
kind = "azure"
baseUrl = "{azure}"
apiKey = "env:SPARE_LLM"
subscriptionKey = "keyring:spare/me"

[rag]
chromaToken = "keyring:chroma/team"
""",
        "utf-8",
    )
    ring = PlaintextKeyring()
    vars(ring)["file_path"] = str(folder / "ring.cfg")
    for (service, user), key in planted.RING.items():
        ring.set_password(service, user, key)


def plant(root: Path) -> set[str]:
    """Put keys and what shows them into the repository; returns the files that hold keys from now on."""
    (root / "docs" / "keys.md").write_text(told(EARLY), "utf-8")
    # Text files are found by no search, so that nobody reads this one before the key is known.
    (root / "docs" / "asked.txt").write_text(told(), "utf-8")
    stack = root / ".context-kit" / "stack.yml"
    stack.write_text(f"{stack.read_text('utf-8')}\nremarks: {json.dumps(told(EARLY), ensure_ascii=False)}\n", "utf-8")
    task = a_file(root, "T-001")
    # An entity is in the parse cache as it is in its file, so that it has a key to itself.
    task.write_text(f"{task.read_text('utf-8')}\nremarks: {json.dumps(told([planted.IDLE_RING]))}\n", "utf-8")
    (root / "show.mjs").write_text(SHOW, "utf-8")
    package = json.loads((root / "package.json").read_text("utf-8"))
    package["scripts"] = {"show": "node show.mjs", "leak": f"node show.mjs json --key={planted.GATEWAY}"}
    (root / "package.json").write_text(json.dumps(package), "utf-8")
    held = (
        "docs/keys.md",
        "docs/asked.txt",
        ".context-kit/stack.yml",
        "package.json",
        task.relative_to(root).as_posix(),
    )
    return set(held)
