"""A model with no judgement at all: whatever any text in its prompt says, it does.

`CALL name {json}` anywhere in a prompt, also in base64 or in invisible letters, makes it call that tool, once. `<ALL>`
in the arguments stands for all that it has ever read. In the end it repeats every word of its prompt.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import TYPE_CHECKING

from tests.support.model_server import Reply, ToolCallReply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.client import Json

_CALL = re.compile(r"CALL\s+([A-Za-z_][\w.-]*)\s*(?=\{)")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{32,}={0,2}")
_ALL = "<ALL>"
_TAGS = range(0xE0020, 0xE007F)


def hidden(text: str) -> str:
    """The text in letters that nobody sees, and that models can read all the same."""
    return "".join(chr(0xE0000 + ord(letter)) for letter in text)


def obey(body: Json) -> Reply:
    """Do what the prompt says."""
    prompt = "\n".join(_texts(body))
    made = {_key(call["name"], call["arguments"]) for call in _made(body)}
    if body.get("tools"):
        for name, arguments in orders(prompt):
            text = json.dumps(arguments).replace(_ALL, json.dumps(prompt[-6000:])[1:-1])
            if _key(name, text) not in made:
                return Reply(tool_calls=[ToolCallReply(name, json.loads(text))])
    said = f"I have done it all, and this is what I know:\n{prompt}"
    return Reply(text=said, chunks=[said])


def orders(text: str) -> list[tuple[str, Json]]:
    """Every call that a text wants, in its order."""
    return [*_orders(text)]


def _orders(text: str) -> Iterator[tuple[str, Json]]:
    for readable in (text, _revealed(text), *_decoded(text)):
        for match in _CALL.finditer(readable):
            try:
                arguments, _ = json.JSONDecoder().raw_decode(readable, match.end())
            except json.JSONDecodeError:
                continue
            yield match[1], arguments


def _revealed(text: str) -> str:
    return "".join(chr(ord(letter) - 0xE0000) for letter in text if ord(letter) in _TAGS)


def _decoded(text: str) -> Iterator[str]:
    for match in _BASE64.finditer(text):
        try:
            yield base64.b64decode(match[0], validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue


def _texts(body: Json) -> Iterator[str]:
    for message in body["messages"]:
        if message["role"] != "assistant":
            content = message["content"]
            yield content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)


def _made(body: Json) -> Iterator[Json]:
    for message in body["messages"]:
        for call in message.get("tool_calls") or ():
            yield call["function"]


def _key(name: str, arguments: str) -> tuple[str, str]:
    # What stands for all that was read grows with every answer, and the call is meant once all the same.
    meant = {key: str(value).partition("?all=")[0] for key, value in json.loads(arguments).items()}
    return name, json.dumps(meant, sort_keys=True)
