"""Records golden messages: the hand-written examples, answered by a real daemon about the example repository.

Values that differ from run to run or from machine to machine are replaced by fixed ones of the same type.
"""

from __future__ import annotations

import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pygit2
from examples import CONVERSATIONS, EXAMPLES, INITIALIZE
from examples.model import REPOSITORY, ROOT

import ckit_daemon
from ckit_daemon.wire.methods import BY_NAME
from tools.contract import short_name, to_text
from tools.daemon import Daemon

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from examples.model import Call, Change, Conversation, MethodExamples
    from pydantic import JsonValue

    JsonObject = dict[str, JsonValue]

EXAMPLE = Path(ckit_daemon.__file__).parent / "example"
COMMIT_TIME = 1767603600
PARALLEL_DAEMONS = 3

STEADY: Mapping[str, JsonValue] = {
    "ageSeconds": 0.5,
    "bytesReceived": 4096,
    "bytesSent": 65536,
    "daemonVersion": "<version>",
    "durationMs": 12.5,
    "head": "0123456789abcdef0123456789abcdef01234567",
    "latencyMs": 0.25,
    "logId": "<log id>",
    "maxSeconds": 0.002,
    "memoryBytes": 50331648,
    "prometheus": "<Prometheus text>",
    "schemaHash": "<SHA-256>",
    "serverInfo": {"name": "ckit-daemon", "version": "<version>"},
    "totalSeconds": 0.002,
    "uptimeSeconds": 60.5,
    "versions": {"ckit-daemon": "<version>", "protocol": "1.0", "python": "<version>"},
}
"""What stands in golden messages for values that are never the same twice, by name of the field."""


class Workspace:
    """A copy of the example repository in a Git repository of its own, and the words that stand for its places."""

    def __init__(self, folder: Path) -> None:
        self._root = folder.resolve() / "lantern"
        self._id = ""
        shutil.copytree(EXAMPLE, self._root)
        repository = pygit2.init_repository(self._root, initial_head="main")
        # The user's own configuration must not change what is committed.
        repository.config["core.autocrlf"] = False
        repository.index.add_all()
        repository.index.write()
        author = pygit2.Signature("Lantern", "lantern@example.org", COMMIT_TIME, 0)
        repository.create_commit("HEAD", author, author, "Describe Lantern", repository.index.write_tree(), [])

    def change(self, changes: Sequence[Change]) -> None:
        """Replace text in files.

        Raises:
            ValueError: a file does not hold the old text.
        """
        for change in changes:
            path = self._root / change.path
            text = path.read_bytes().decode()
            if change.old not in text:
                raise ValueError(f"{change.path} has no {change.old!r}")
            path.write_bytes(text.replace(change.old, change.new).encode())

    def open(self, daemon: Daemon) -> None:
        """Open the repository in the daemon and learn its id."""
        answer = daemon.request("ckit/repo/open", {"path": str(self._root)})
        self.learn(answer)
        if not self._id:
            raise ValueError(f"the example repository can't be opened: {answer}")

    def learn(self, answer: JsonObject) -> None:
        """Take the repository's id from the answer to `ckit/repo/open`, if it is one."""
        match answer:
            case {"result": {"repository": {"id": str(identifier)}}}:
                self._id = identifier
            case _:
                pass

    def to_real(self, text: str) -> str:
        """Return a text of an example with the real places in it."""
        return text.replace(ROOT, str(self._root)).replace(REPOSITORY, self._id)

    def to_golden(self, text: str) -> str:
        """Return a text of an answer with nothing of this machine in it."""
        for real in (self._root.as_uri().removeprefix("file://"), str(self._root), self._root.as_posix()):
            text = text.replace(real, ROOT)
        return text.replace(self._id, REPOSITORY) if self._id else text


def golden_files() -> dict[str, str]:
    """Return the text of every golden file by name.

    Raises:
        ValueError: a method has no examples, or an example is answered in another way than it says.
    """
    if missing := BY_NAME.keys() - {examples.method for examples in EXAMPLES}:
        raise ValueError(f"methods without examples: {sorted(missing)}")
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(PARALLEL_DAEMONS) as pool:
        home = Path(name).resolve()
        methods = pool.submit(_record_methods, _folder(home, "methods"))
        workspace = Workspace(_folder(home, "sessions"))
        opened = pool.map(partial(_record_initialize, workspace), INITIALIZE.valid)
        sessions = pool.map(partial(_record_conversation, workspace), CONVERSATIONS)
        initialize = _golden_method("initialize", [entry for entries in opened for entry in entries])
        files = {"initialize": initialize, "session": {"conversations": list(sessions)}, **methods.result()}
    return {f"golden/{name}.json": to_text(document) for name, document in files.items()}


def _record_methods(home: Path) -> dict[str, JsonObject]:
    recorded: dict[str, JsonObject] = {}
    with Daemon(home) as daemon:
        daemon.initialize({"processId": None, "rootUri": None, "capabilities": {}})
        untouched = Workspace(_folder(home, "untouched"))
        for examples in EXAMPLES:
            workspace = Workspace(_folder(home, examples.method)) if examples.changes or examples.writes else untouched
            notifies = BY_NAME[examples.method].kind == "notification"
            if not notifies:
                workspace.change(examples.changes)
            if examples.opens:
                workspace.open(daemon)
            record = _record_notification if notifies else _record_call
            calls = (*examples.invalid, *examples.valid)
            entries = [record(daemon, workspace, examples, call) for call in calls]
            recorded[short_name(examples.method)] = _golden_method(examples.method, entries)
            daemon.request("ckit/repo/close", {})
    return recorded


def _record_call(daemon: Daemon, workspace: Workspace, examples: MethodExamples, call: Call) -> JsonObject:
    answer = daemon.request(examples.method, _replaced(call.params, workspace.to_real))
    workspace.learn(answer)
    return _golden_call(examples.method, call, answer, workspace)


def _record_notification(daemon: Daemon, workspace: Workspace, examples: MethodExamples, call: Call) -> JsonObject:
    if call.error is None:
        workspace.change(examples.changes)
    daemon.send({"jsonrpc": "2.0", "method": examples.method, "params": _replaced(call.params, workspace.to_real)})
    entry: JsonObject = {"title": call.title, "params": call.params}
    if call.error is not None:
        return entry | {"ignored": True}
    while (message := daemon.receive()).get("method") != examples.method:
        pass
    return entry | {"answeredBy": _steady({"params": message["params"]}, workspace)["params"]}


def _record_initialize(workspace: Workspace, valid: Call) -> list[JsonObject]:
    # A refused initialize leaves the daemon as it was, so that the client can try again on the same connection.
    calls = (*INITIALIZE.invalid, valid) if valid is INITIALIZE.valid[0] else (valid,)
    with tempfile.TemporaryDirectory() as home, Daemon(Path(home)) as daemon:
        return [
            _golden_call("initialize", call, daemon.request("initialize", call.params), workspace) for call in calls
        ]


def _record_conversation(workspace: Workspace, conversation: Conversation) -> JsonObject:
    messages: list[JsonValue] = []
    with tempfile.TemporaryDirectory() as home, Daemon(Path(home)) as daemon:
        for step in conversation.steps:
            messages.append({"send": step.send})
            data = step.send if isinstance(step.send, str) else _framed(_replaced(step.send, workspace.to_real))
            daemon.send_bytes(data.encode())
            for _ in range(step.answers):
                answer = _steady(daemon.answer(), workspace)
                if step.told is not None and "result" in answer:
                    answer["result"] = step.told
                messages.append({"receive": answer})
    return {"title": conversation.title, "messages": messages}


def _golden_call(method: str, call: Call, answer: JsonObject, workspace: Workspace) -> JsonObject:
    side = "error" if call.error else "result"
    found = answer.get("error")
    code = _error_code(found) if isinstance(found, dict) else None
    if code != call.error:
        raise ValueError(f"{method}: {call.title}: expected {call.error or 'a result'}, got {found}")
    body = _steady({side: answer[side]}, workspace)[side]
    if side == "result" and method in STEADIERS and isinstance(body, dict):
        STEADIERS[method](body)
    return {"title": call.title, "params": call.params, side: body}


def _golden_method(method: str, entries: list[JsonObject]) -> JsonObject:
    invalid: list[JsonValue] = [entry for entry in entries if "error" in entry or "ignored" in entry]
    return {"method": method, "valid": [entry for entry in entries if entry not in invalid], "invalid": invalid}


def _error_code(error: JsonObject) -> JsonValue:
    data = error.get("data")
    return data.get("code") if isinstance(data, dict) else None


def _steady(value: JsonObject, workspace: Workspace) -> JsonObject:
    return cast("JsonObject", _replaced(value, workspace.to_golden, STEADY))


def _replaced(value: JsonValue, text: Callable[[str], str], fixed: Mapping[str, JsonValue] | None = None) -> JsonValue:
    """Return a copy with every text replaced, and with fixed values where fields have such names."""
    match value:
        case str():
            return text(value)
        case list():
            return [_replaced(item, text, fixed) for item in value]
        case dict():
            names = fixed or {}
            return {key: names.get(key, _replaced(item, text, fixed)) for key, item in value.items()}
        case _:
            return value


def _steady_health(result: JsonObject) -> None:
    """Make every component well: which ones are depends on the machine."""
    result["status"] = "ok"
    for component in _objects(result["components"]):
        component |= {"status": "ok", "detail": "<what the probe found>"}
        component.pop("works", None)


def _steady_metrics(result: JsonObject) -> None:
    """Leave one request of the kind that every machine counts alike."""
    requests = cast("list[JsonValue]", result["requests"])
    del requests[1:]
    result["errors"] = {"invalid_params": 3}


def _steady_pipelines(result: JsonObject) -> None:
    """Say of every script that it can't run: whether it could depends on Node."""
    for pipeline in _objects(result["pipelines"]):
        if pipeline["engine"] == "script":
            pipeline |= {"available": False, "reason": "<why it can't run, and what to do>"}


STEADIERS = {
    "ckit/health": _steady_health,
    "ckit/metrics": _steady_metrics,
    "ckit/pipeline/list": _steady_pipelines,
}


def _objects(value: JsonValue) -> list[JsonObject]:
    return cast("list[JsonObject]", value)


def _framed(message: JsonValue) -> str:
    body = to_text(message)
    return f"Content-Length: {len(body.encode())}\r\n\r\n{body}"


def _folder(home: Path, name: str) -> Path:
    folder = home / name.replace("/", "-")
    folder.mkdir()
    return folder
