"""The wire formats of OpenAI, Azure OpenAI and Ollama, as their own references and servers have them."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from tests.support.model_server_embeddings import ollama_embeddings, openai_embeddings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.model_server_reply import Json, Recorded, Reply

Kind = Literal["openai", "azure", "ollama"]

CREATED = 1_760_000_000
CREATED_AT = "2026-10-09T08:53:20.123456789Z"
ARGUMENT_CUT = 9
NOT_FILTERED: Json = {
    name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")
}

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Frame:
    """A part of a streamed body."""

    data: bytes
    part: Literal["head", "piece", "tail"]
    """A piece is a part of what the model says."""


@dataclass(frozen=True)
class Response:
    """A whole answer that is not streamed."""

    status: int
    body: Json


class Wire(Protocol):
    """How one kind of server speaks."""

    content_type: str

    def refuse(self, request: Recorded, key: str | None) -> Response | None:
        """An error for a request without the right key, or to the wrong path; None: it is fine."""
        ...

    def is_chat(self, path: str) -> bool:
        """Whether the request asks the model."""
        ...

    def is_embedding(self, path: str) -> bool:
        """Whether the request asks for embeddings."""
        ...

    def embedded(self, body: Json, model: str, vectors: list[list[float]], reply: Reply) -> Json:
        """An answer with embeddings."""
        ...

    def other(self, request: Recorded, models: Mapping[str, int]) -> Response:
        """Answer a request that does not ask the model."""
        ...

    def model(self, request: Recorded) -> str:
        """The model that a request names."""
        ...

    def unknown_model(self, model: str) -> Response:
        """The error for a model that is not there."""
        ...

    def streams(self, body: Json) -> bool:
        """Whether the request wants a stream."""
        ...

    def frames(self, body: Json, model: str, reply: Reply) -> Iterator[Frame]:
        """A streamed answer."""
        ...

    def whole(self, body: Json, model: str, reply: Reply) -> Json:
        """An answer in one piece."""
        ...

    def error(self, status: int) -> Json:
        """The usual body of an error with this status."""
        ...

    def malformed(self, said: str) -> bytes:
        """A frame that is no JSON: it breaks off in what the model says."""
        ...

    def late_error(self, error: Json) -> bytes:
        """An error in the middle of a stream; without a body the usual one."""
        ...


def sse(data: Any) -> bytes:
    """One server-sent event."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"data: {text}\n\n".encode()


class OpenAiWire:
    """Chat completions of OpenAI and of servers compatible with it."""

    content_type = "text/event-stream; charset=utf-8"

    def refuse(self, request: Recorded, key: str | None) -> Response | None:
        if not request.path.startswith("/v1/"):
            return Response(404, _error(f"Invalid URL ({request.method} {request.path})", "invalid_request_error"))
        if key is not None and request.headers.get("authorization") != f"Bearer {key}":
            return Response(401, self.error(401))
        return None

    def is_chat(self, path: str) -> bool:
        return path.endswith("/chat/completions")

    def is_embedding(self, path: str) -> bool:
        return path == "/v1/embeddings"

    def embedded(self, body: Json, model: str, vectors: list[list[float]], reply: Reply) -> Json:
        return openai_embeddings(body, model, vectors, reply)

    def other(self, request: Recorded, models: Mapping[str, int]) -> Response:
        if request.path != "/v1/models":
            return Response(404, _error(f"Invalid URL ({request.method} {request.path})", "invalid_request_error"))
        data = [{"id": name, "object": "model", "created": CREATED, "owned_by": "test"} for name in models]
        return Response(200, {"object": "list", "data": data})

    def model(self, request: Recorded) -> str:
        return str(request.body.get("model", ""))

    def unknown_model(self, model: str) -> Response:
        message = f"The model `{model}` does not exist or you do not have access to it."
        return Response(404, _error(message, "invalid_request_error", "model_not_found"))

    def streams(self, body: Json) -> bool:
        return bool(body.get("stream"))

    def frames(self, body: Json, model: str, reply: Reply) -> Iterator[Frame]:
        with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        identifier = f"chatcmpl-{next(_numbers)}"

        def chunk(delta: Json | None, finish: str | None = None, **more: Any) -> bytes:
            choices = [] if delta is None else [self.choice(delta, finish)]
            base: Json = {"id": identifier, "object": "chat.completion.chunk", "created": CREATED, "model": model}
            usage: Json = {"usage": None} if with_usage else {}
            return sse({**base, "system_fingerprint": "fp_test", "choices": choices, **usage, **more})

        yield from self.preamble(identifier)
        yield Frame(chunk({"role": "assistant", "content": "", "refusal": None}), "head")
        for delta in _deltas(reply):
            yield Frame(chunk(delta), "piece")
        yield Frame(chunk({}, reply.finish_reason()), "tail")
        if with_usage and reply.usage is not None:
            yield Frame(chunk(None, usage=_usage(reply)), "tail")
        yield Frame(sse("[DONE]"), "tail")

    def preamble(self, _identifier: str) -> Iterator[Frame]:
        yield from ()

    def choice(self, delta: Json, finish: str | None) -> Json:
        return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}

    def whole(self, body: Json, model: str, reply: Reply) -> Json:
        message: Json = {"role": "assistant", "content": reply.full_text() or None, "refusal": reply.refusal or None}
        if reply.reasoning:
            message["reasoning_content"] = reply.reasoning
        if reply.tool_calls:
            message["tool_calls"] = [
                {
                    "id": call.id or f"call_{next(_numbers)}",
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments_text()},
                }
                for call in reply.tool_calls
            ]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish_reason()}
        answer: Json = {
            "id": f"chatcmpl-{next(_numbers)}",
            "object": "chat.completion",
            "created": CREATED,
            "model": model,
            "choices": [choice],
            "system_fingerprint": "fp_test",
        }
        return answer | ({} if reply.usage is None else {"usage": _usage(reply)})

    def error(self, status: int) -> Json:
        match status:
            case 400:
                return _error(
                    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 "
                    "tokens. Please reduce the length of the messages.",
                    "invalid_request_error",
                    "context_length_exceeded",
                )
            case 401:
                return _error("Incorrect API key provided: sk-****.", "invalid_request_error", "invalid_api_key")
            case 429:
                return _error(
                    "Rate limit reached for requests per minute. Please try again in 1s.",
                    "requests",
                    "rate_limit_exceeded",
                )
            case 503:
                return _error("The engine is currently overloaded, please try again later.", "server_error")
            case _:
                return _error("The server had an error while processing your request.", "server_error")

    def malformed(self, said: str) -> bytes:
        return sse('{"id":"chatcmpl-broken","choices":[{"delta":{"content":' + json.dumps(said)[:-1])

    def late_error(self, error: Json) -> bytes:
        return sse(error or self.error(500))


class AzureWire(OpenAiWire):
    """Azure OpenAI, also behind API Management under a path of its own."""

    def refuse(self, request: Recorded, key: str | None) -> Response | None:
        if "api-version" not in request.query:
            return Response(404, {"error": {"code": "404", "message": "Resource not found"}})
        found = request.headers.get("api-key") or request.headers.get("ocp-apim-subscription-key")
        if not found or (key is not None and found != key):
            return Response(401, self.error(401))
        return None

    def is_chat(self, path: str) -> bool:
        return "/openai/deployments/" in path and path.endswith("/chat/completions")

    def is_embedding(self, path: str) -> bool:
        return "/openai/deployments/" in path and path.endswith("/embeddings")

    def other(self, request: Recorded, models: Mapping[str, int]) -> Response:
        if not request.path.endswith("/openai/models"):
            return Response(404, {"error": {"code": "404", "message": "Resource not found"}})
        data = [
            {"id": name, "object": "model", "status": "succeeded", "capabilities": {"chat_completion": True}}
            for name in models
        ]
        return Response(200, {"object": "list", "data": data})

    def model(self, request: Recorded) -> str:
        return request.path.partition("/openai/deployments/")[2].partition("/")[0]

    def unknown_model(self, model: str) -> Response:
        message = "The API deployment for this resource does not exist."
        return Response(404, {"error": {"code": "DeploymentNotFound", "message": message}})

    def preamble(self, _identifier: str) -> Iterator[Frame]:
        results = [{"prompt_index": 0, "content_filter_results": NOT_FILTERED}]
        first: Json = {"id": "", "object": "", "created": 0, "model": "", "choices": []}
        yield Frame(sse({**first, "prompt_filter_results": results}), "head")

    def choice(self, delta: Json, finish: str | None) -> Json:
        filters = NOT_FILTERED if delta.get("content") else {}
        return {**super().choice(delta, finish), "content_filter_results": filters}

    def error(self, status: int) -> Json:
        match status:
            case 401:
                message = "Access denied due to invalid subscription key or wrong API endpoint."
                return {"error": {"code": "401", "message": message}}
            case 429:
                message = "Requests to the ChatCompletions_Create Operation have exceeded the call rate limit."
                return {"error": {"code": "429", "message": message}}
            case _:
                return super().error(status)


class OllamaWire:
    """Ollama's own API: one JSON object a line."""

    content_type = "application/x-ndjson"

    def refuse(self, request: Recorded, key: str | None) -> Response | None:
        if key is not None and request.headers.get("authorization") != f"Bearer {key}":
            return Response(401, {"error": "unauthorized"})
        return None

    def is_chat(self, path: str) -> bool:
        return path == "/api/chat"

    def is_embedding(self, path: str) -> bool:
        return path == "/api/embed"

    def embedded(self, body: Json, model: str, vectors: list[list[float]], reply: Reply) -> Json:
        return ollama_embeddings(model, vectors, reply)

    def other(self, request: Recorded, models: Mapping[str, int]) -> Response:
        match request.path:
            case "/api/version":
                return Response(200, {"version": "0.12.6"})
            case "/api/tags":
                return Response(200, {"models": [_tag(name) for name in models]})
            case "/api/show":
                name = self.model(request)
                return _show(name, models[name]) if name in models else self.unknown_model(name)
            case _:
                return Response(404, {"error": "404 page not found"})

    def model(self, request: Recorded) -> str:
        return str(request.body.get("model", "")).removesuffix(":latest")

    def unknown_model(self, model: str) -> Response:
        return Response(404, {"error": f"model '{model}' not found"})

    def streams(self, body: Json) -> bool:
        return body.get("stream") is not False

    def frames(self, body: Json, model: str, reply: Reply) -> Iterator[Frame]:
        def line(message: Json, **more: Any) -> bytes:
            full = {
                "model": model,
                "created_at": CREATED_AT,
                "message": {"role": "assistant", "content": "", **message},
            }
            return ndjson({**full, "done": False, **more})

        if reply.reasoning:
            yield Frame(line({"thinking": reply.reasoning}), "piece")
        for text in reply.pieces():
            yield Frame(line({"content": text}), "piece")
        for call in reply.tool_calls:
            yield Frame(line({"tool_calls": [_ollama_call(call.name, call.arguments_object())]}), "piece")
        yield Frame(line({}, **_ollama_end(reply)), "tail")

    def whole(self, body: Json, model: str, reply: Reply) -> Json:
        message: Json = {"role": "assistant", "content": reply.full_text()}
        if reply.reasoning:
            message["thinking"] = reply.reasoning
        if reply.tool_calls:
            message["tool_calls"] = [_ollama_call(call.name, call.arguments_object()) for call in reply.tool_calls]
        return {"model": model, "created_at": CREATED_AT, "message": message, **_ollama_end(reply)}

    def error(self, status: int) -> Json:
        match status:
            case 400:
                return {"error": "input length exceeds the context length"}
            case 401:
                return {"error": "unauthorized"}
            case 503:
                return {"error": "server busy, please try again. maximum pending requests exceeded"}
            case _:
                return {"error": "llama runner process has terminated: exit status 2"}

    def malformed(self, said: str) -> bytes:
        return f'{{"model":"scripted","message":{{"role":"assistant","content":{json.dumps(said)[:-1]}\n'.encode()

    def late_error(self, error: Json) -> bytes:
        return ndjson(error or self.error(500))


def ndjson(data: Json) -> bytes:
    """One line of newline-delimited JSON."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


WIRES: Mapping[Kind, Wire] = {"openai": OpenAiWire(), "azure": AzureWire(), "ollama": OllamaWire()}


def _deltas(reply: Reply) -> Iterator[Json]:
    if reply.reasoning:
        yield {"reasoning_content": reply.reasoning}
    if reply.refusal:
        yield {"refusal": reply.refusal}
    for text in reply.pieces():
        yield {"content": text}
    for index, call in enumerate(reply.tool_calls):
        identifier = call.id or f"call_{next(_numbers)}"
        function = {"name": call.name, "arguments": ""}
        yield {"tool_calls": [{"index": index, "id": identifier, "type": "function", "function": function}]}
        text = call.arguments_text()
        for start in range(0, len(text), ARGUMENT_CUT):
            part = text[start : start + ARGUMENT_CUT]
            yield {"tool_calls": [{"index": index, "function": {"arguments": part}}]}


def _usage(reply: Reply) -> Json:
    assert reply.usage is not None
    taken, given = reply.usage
    return {
        "prompt_tokens": taken,
        "completion_tokens": given,
        "total_tokens": taken + given,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def _error(message: str, kind: str, code: str | None = None) -> Json:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _ollama_call(name: str, arguments: Json) -> Json:
    return {"function": {"name": name, "arguments": arguments}}


def _ollama_end(reply: Reply) -> Json:
    end: Json = {"done": True, "done_reason": "length" if reply.finish == "length" else "stop"}
    end |= {"total_duration": 512_000_000, "load_duration": 1_000_000}
    if reply.usage is not None:
        taken, given = reply.usage
        end |= {"prompt_eval_count": taken, "prompt_eval_duration": 9_000_000}
        end |= {"eval_count": given, "eval_duration": 500_000_000}
    return end


def _tag(name: str) -> Json:
    details = {"format": "gguf", "family": "llama", "parameter_size": "1B", "quantization_level": "Q4_0"}
    full = f"{name}:latest"
    return {"name": full, "model": full, "modified_at": CREATED_AT, "size": 1, "digest": "0" * 64, "details": details}


def _show(name: str, context: int) -> Response:
    """What Ollama tells of a model; one whose name begins with `thinker` can think."""
    info = {"general.architecture": "llama", "llama.context_length": context}
    able = ["completion", "tools", *(["thinking"] if name.startswith("thinker") else [])]
    return Response(200, {"details": {"family": "llama"}, "model_info": info, "capabilities": able})
