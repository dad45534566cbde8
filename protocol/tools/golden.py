"""Records golden messages: the hand-written examples, answered by a real daemon about the example repository.

Values that differ from run to run or from machine to machine are replaced by fixed ones of the same type.
"""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from examples import CONVERSATIONS, EXAMPLES, INITIALIZE
from examples.model import DaemonExamples, MethodExamples
from pydantic import ValidationError

from ckit_daemon.wire.methods import BY_NAME
from tools.contract import short_name, to_text
from tools.daemon import Daemon
from tools.steady import STEADIERS
from tools.workspace import Words, Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from examples.model import Before, Call, Conversation, Wrong
    from pydantic import JsonValue

    from ckit_daemon.wire.base import WireModel

    JsonObject = dict[str, JsonValue]

PARALLEL_DAEMONS = 3
REFUSED = {"error", "ignored", "refused"}
"""Fields of a recorded message that mark it as one that the contract forbids."""

HOST: JsonObject = {
    "processId": None,
    "rootUri": None,
    "capabilities": {},
    "initializationOptions": {
        "ckit": {
            "answers": [row.name for row in BY_NAME.values() if row.direction == "serverToClient" and row.result],
            "config": {
                # What is found while an index is being built depends on how fast that goes.
                "rag": {"index": "manual"},
                "models": {
                    "providers": {
                        "work": {
                            "kind": "openai",
                            "apiKey": "client:work-openai",
                            "models": {"gpt-5.2": {"contextTokens": 400_000}},
                        }
                    }
                },
            },
        }
    },
}
"""The host of the examples: it answers the daemon, and has set up a provider whose key it asks the person for."""


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
        daemon.initialize(HOST)
        untouched = Workspace(_folder(home, "untouched"))
        for examples in EXAMPLES:
            own = isinstance(examples, MethodExamples) and (examples.changes or examples.writes)
            workspace = Workspace(_folder(home, examples.method)) if own else untouched
            recorded[short_name(examples.method)] = _Recording(daemon, workspace, examples).run()
    return recorded


class _Recording:
    """The recording of one method's examples."""

    def __init__(self, daemon: Daemon, workspace: Workspace, examples: MethodExamples | DaemonExamples) -> None:
        self._daemon = daemon
        self._workspace = workspace
        self._examples = examples
        self._words = Words(workspace)
        self._open: list[int] = []

    def run(self) -> JsonObject:
        """Return the golden file of the method; the daemon is left as it was."""
        examples, daemon = self._examples, self._daemon
        notifies = BY_NAME[examples.method].kind == "notification"
        if isinstance(examples, MethodExamples) and not notifies:
            self._workspace.change(examples.changes)
        if isinstance(examples, DaemonExamples) or examples.opens:
            self._workspace.open(daemon)
        daemon.told.clear()
        daemon.answers = examples.answers
        for step in examples.before:
            self._prepare(step)
        if isinstance(examples, DaemonExamples):
            entries = self._overheard(examples)
        else:
            record = self._notify if notifies else self._call
            entries = [record(examples, call) for call in (*examples.invalid, *examples.valid)]
        self._clear()
        return _golden_method(examples.method, entries)

    def _prepare(self, step: Before) -> None:
        params = self._words.to_real(step.params)
        if step.until is None:
            answer = self._daemon.request(step.method, params)
            if "error" in answer:
                raise ValueError(f"{self._examples.method}: {step.method} before it failed: {answer['error']}")
            self._words.to_golden(answer)
        else:
            self._open.append(self._daemon.begin(step.method, params, step.until))
            for message in self._daemon.told:
                self._words.to_golden(message)

    def _call(self, examples: MethodExamples, call: Call) -> JsonObject:
        answer = self._daemon.request(examples.method, self._words.to_real(call.params))
        self._workspace.learn(answer)
        return _golden_call(examples.method, call, answer, self._words)

    def _notify(self, examples: MethodExamples, call: Call) -> JsonObject:
        daemon = self._daemon
        if call.error is None:
            self._workspace.change(examples.changes)
        params = self._words.to_real(call.params)
        daemon.send({"jsonrpc": "2.0", "method": examples.method, "params": params})
        entry: JsonObject = {"title": call.title, "params": call.params}
        if call.error is not None:
            return entry | {"ignored": True}
        while (message := daemon.receive()).get("method") != examples.method:
            pass
        return entry | {"answeredBy": self._words.to_golden(message)["params"]}

    def _overheard(self, examples: DaemonExamples) -> list[JsonObject]:
        row = BY_NAME[examples.method]
        said = [self._words.to_golden(message) for message in self._daemon.told]
        said = [message for message in said if message["method"] == row.name]
        entries: list[JsonObject] = []
        for told in examples.valid:
            message = next((message for message in said if _fits(message["params"], told.where)), None)
            if message is None:
                raise ValueError(f"{row.name}: {told.title}: the daemon did not say that")
            answer: JsonObject = {} if row.result is None else {"result": told.result}
            entries.append({"title": told.title, "params": message["params"], **answer})
        for wrong in examples.invalid:
            message = {"params": wrong.message} if row.result is None else {"result": wrong.message}
            entries.append({"title": wrong.title, **message, "refused": _problems(row.result or row.params, wrong)})
        return entries

    def _clear(self) -> None:
        daemon = self._daemon
        sessions = self._words.ids("session")
        for session in sessions:
            # Unlike a cancelled request, this is answered when the turn has said its last.
            daemon.request("ckit/turn/cancel", {"sessionId": session})
        for identifier in self._open:
            daemon.cancel(identifier)
        for session in sessions:
            daemon.request("ckit/session/delete", {"id": session})
        daemon.request("ckit/repo/close", {})


def _fits(value: JsonValue, where: Mapping[str, JsonValue]) -> bool:
    return all(_at(value, path.split(".")) == wanted for path, wanted in where.items())


def _at(value: JsonValue, path: list[str]) -> JsonValue:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _problems(model: type[WireModel], wrong: Wrong) -> list[JsonValue]:
    try:
        model.from_json(to_text(wrong.message).encode())
    except ValidationError as error:
        return [".".join(map(str, item["loc"])) for item in error.errors()]
    raise ValueError(f"{wrong.title}: the message fits the contract")


def _record_initialize(workspace: Workspace, valid: Call) -> list[JsonObject]:
    # A refused initialize leaves the daemon as it was, so that the client can try again on the same connection.
    calls = (*INITIALIZE.invalid, valid) if valid is INITIALIZE.valid[0] else (valid,)
    with tempfile.TemporaryDirectory() as home, Daemon(Path(home)) as daemon:
        words = Words(workspace)
        return [_golden_call("initialize", call, daemon.request("initialize", call.params), words) for call in calls]


def _record_conversation(workspace: Workspace, conversation: Conversation) -> JsonObject:
    messages: list[JsonValue] = []
    words = Words(workspace)
    with tempfile.TemporaryDirectory() as home, Daemon(Path(home)) as daemon:
        for step in conversation.steps:
            messages.append({"send": step.send})
            data = step.send if isinstance(step.send, str) else _framed(words.to_real(step.send))
            daemon.send_bytes(data.encode())
            for _ in range(step.answers):
                answer = words.to_golden(daemon.answer())
                if step.told is not None and "result" in answer:
                    answer["result"] = step.told
                messages.append({"receive": answer})
    return {"title": conversation.title, "messages": messages}


def _golden_call(method: str, call: Call, answer: JsonObject, words: Words) -> JsonObject:
    side = "error" if call.error else "result"
    found = answer.get("error")
    code = _error_code(found) if isinstance(found, dict) else None
    if code != call.error:
        raise ValueError(f"{method}: {call.title}: expected {call.error or 'a result'}, got {found}")
    body = words.to_golden({side: answer[side]})[side]
    if side == "result" and method in STEADIERS and isinstance(body, dict):
        STEADIERS[method](body)
    return {"title": call.title, "params": call.params, side: body}


def _golden_method(method: str, entries: list[JsonObject]) -> JsonObject:
    invalid: list[JsonValue] = [entry for entry in entries if REFUSED & entry.keys()]
    return {"method": method, "valid": [entry for entry in entries if entry not in invalid], "invalid": invalid}


def _error_code(error: JsonObject) -> JsonValue:
    data = error.get("data")
    return data.get("code") if isinstance(data, dict) else None


def _framed(message: JsonValue) -> str:
    body = to_text(message)
    return f"Content-Length: {len(body.encode())}\r\n\r\n{body}"


def _folder(home: Path, name: str) -> Path:
    folder = home / name.replace("/", "-")
    folder.mkdir()
    return folder
