"""The example repository that examples are about, and the fixed words that stand for what differs from run to run."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pygit2
from examples.model import REPOSITORY, ROOT

import ckit_daemon
from tools.steady import COUNTS, STEADY, steady_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from examples.model import Change
    from pydantic import JsonValue

    from tools.daemon import Daemon

    JsonObject = dict[str, JsonValue]

EXAMPLE = Path(ckit_daemon.__file__).parent / "example"
COMMIT_TIME = 1767603600


OPAQUE = re.compile(r"(?<![0-9A-Za-z])(?:[a-z]+_)?[0-9a-f]{32}(?![0-9A-Za-z])")
"""An id that the daemon made up. Hashes are longer or shorter."""
LOG_NAME = re.compile(r"\b20\d\d-\d\d-\d\d-\d{6}-([a-z-]+)-[0-9a-f]{6}\b")
"""Id of an entry of the spec log."""


ID_OF = {
    "approvalId": "approval",
    "callId": "toolCall",
    "forkedFrom": "session",
    "generationId": "generation",
    "itemId": "item",
    "messageId": "message",
    "runningTurn": "turn",
    "sessionId": "session",
    "toolCallId": "toolCall",
    "turnId": "turn",
}
"""Fields that hold ids that the daemon made up, and of what."""
ITEMS = {"approval": "approvalItem"}


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


class Words:
    """What stands for real values in the golden messages of one method, both ways.

    Ids that the daemon made up are called after what they are of, and numbered as they turn up: `session-1`, `turn-2`.
    An example's own parameters use these names.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._names: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def ids(self, kind: str) -> list[str]:
        """Return the real ids of everything of a kind that has turned up."""
        return [real for real, name in self._names.items() if name.rpartition("-")[0] == kind]

    def to_real(self, value: JsonValue) -> JsonValue:
        """Return the parameters of an example with the real values in them."""
        match value:
            case str():
                known = next((real for real, name in self._names.items() if name == value), None)
                return known or self._workspace.to_real(value)
            case list():
                return [self.to_real(item) for item in value]
            case dict():
                return {key: self.to_real(item) for key, item in value.items()}
            case _:
                return value

    def to_golden(self, message: JsonObject) -> JsonObject:
        """Return a message of the daemon with fixed words for what differs from run to run."""
        return cast("JsonObject", self._golden(message, "", {}))

    def _golden(self, value: JsonValue, key: str, owner: JsonObject, outer: str = "") -> JsonValue:
        match value:
            case str() if key in ID_OF or (key == "id" and "turnId" in owner):
                return self._name(value, _kind(key, owner, outer))
            case str():
                return self._text(value, _kind(key, owner, outer))
            case list():
                return [self._golden(item, key, owner, outer) for item in value]
            case dict():
                steady = {**STEADY, **{name: count for name, count in COUNTS.items() if value.get(name)}}
                return {
                    name: steady[name] if name in steady else self._golden(item, name, value, key)
                    for name, item in value.items()
                }
            case _:
                return value

    def _text(self, text: str, kind: str) -> str:
        text = OPAQUE.sub(lambda match: self._name(match[0], kind), self._workspace.to_golden(text))
        text = steady_text(text)
        return LOG_NAME.sub(lambda match: self._name(match[0], f"2026-01-05-090000-{match[1]}"), text)

    def _name(self, real: str, kind: str) -> str:
        if real not in self._names:
            self._counts[kind] += 1
            self._names[real] = f"{kind}-{self._counts[kind]}"
        return self._names[real]


def _kind(key: str, owner: JsonObject, outer: str) -> str:
    """Return what a field holds an id of: `turnId` that of a turn, `id` that of the object around it."""
    if key == "id":
        kind = owner.get("kind")
        # The item that tells of an approval is not the approval.
        return ITEMS.get(kind, kind) if isinstance(kind, str) else outer.removesuffix("s") or "id"
    return ID_OF.get(key, "id")
