"""Embeddings as OpenAI, Azure and Ollama send them; the same text always has the same vector."""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.model_server_reply import Json, Reply


def embedded_texts(body: Json) -> list[str]:
    """The texts of a request. Lists of tokens are refused, as servers do that are compatible with OpenAI's."""
    given = body.get("input", "")
    texts = [given] if isinstance(given, str) else given
    assert all(isinstance(text, str) for text in texts), "these servers take texts only"
    return texts


def embedding_of(text: str, dimension: int, salt: str = "") -> list[float]:
    """A vector made of a text's hash; its length is not 1, as is so with many models."""
    data = hashlib.shake_256(f"{salt}{text}".encode()).digest(4 * dimension)
    return [number / 2**30 - 2.0 for number in struct.unpack(f"<{dimension}I", data)]


def openai_embeddings(body: Json, model: str, vectors: list[list[float]], reply: Reply) -> Json:
    """OpenAI API reference, "Create embeddings"; `base64` holds numbers of 32 bits, little endian."""
    in_base64 = body.get("encoding_format") == "base64"
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": base64.b64encode(struct.pack(f"<{len(each)}f", *each)).decode() if in_base64 else each,
        }
        for index, each in enumerate(vectors)
    ]
    answer: Json = {"object": "list", "data": data, "model": model}
    return answer | ({} if reply.usage is None else {"usage": {"prompt_tokens": reply.usage[0], "total_tokens": 11}})


def ollama_embeddings(model: str, vectors: list[list[float]], reply: Reply) -> Json:
    """Ollama's API, "Generate Embeddings" (`/api/embed`)."""
    answer: Json = {"model": model, "embeddings": vectors, "total_duration": 14_143_917, "load_duration": 1_019_500}
    return answer | ({} if reply.usage is None else {"prompt_eval_count": reply.usage[0]})
