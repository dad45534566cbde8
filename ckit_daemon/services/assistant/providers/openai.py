"""OpenAI, and every server that speaks its chat completions."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

# The openai library looks at `httpx` wherever something has begun to import it, and what another thread has not
# finished importing (the list of prices does so) makes a request fail: so it is imported whole before any request.
import httpx  # noqa: F401  # pyright: ignore[reportUnusedImport]
import httpx2
import openai

from ckit_daemon.core.errors import CkitError
from ckit_daemon.services.assistant.providers.base import Embedded, ModelInfo, ToolMode
from ckit_daemon.services.assistant.providers.chat_completions import ChatCompletionsModel
from ckit_daemon.services.assistant.providers.errors import Translator
from ckit_daemon.services.assistant.providers.http import (
    KEEPALIVE_SECONDS,
    MAX_IDLE_CONNECTIONS,
    base_url,
    identified,
    proxy_for,
    stamp,
    timeouts,
)
from ckit_daemon.services.assistant.providers.keys import Keys

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.services.assistant.providers.base import ModelParameters
    from ckit_daemon.services.assistant.secrets import SecretStore
    from ckit_daemon.settings import ProviderKind, ProviderSettings

PLACEHOLDER: Final = "set-by-the-transport"
"""The library wants a key; the real one, if any, is put into the headers of each request."""
CONTEXT_FIELDS: Final = ("context_length", "max_model_len", "context_window", "max_context_length")
"""Where compatible servers tell the size of a model's context."""


class OpenAiProvider:
    """Implements `Provider`; calls go through the library of OpenAI, without its retries and logs."""

    kind: ProviderKind = "openai"

    def __init__(self, name: str, settings: ProviderSettings, secrets: SecretStore) -> None:
        """Prepare the pool of connections, which loads certificates; nothing is connected yet."""
        self.name = name
        self.settings = settings
        self.tool_mode: ToolMode = settings.tool_mode
        self._keys = Keys(name, settings, secrets)
        self._errors = Translator(name, self._keys)
        self._base_url = base_url(settings)
        self._transport = self._connect()

    async def chat_model(self, model: str, params: ModelParameters) -> ChatCompletionsModel:
        """Return a model for one call; see the protocol."""
        headers = {**await self._keys.headers(), **identified(params)}
        client = self._client(headers, httpx2.Timeout(**timeouts(params)))
        return ChatCompletionsModel(
            model=model,
            temperature=params.temperature,
            max_tokens=None if self._names_completion else params.max_output_tokens,
            model_kwargs={"max_completion_tokens": params.max_output_tokens} if self._names_completion else {},
            root_async_client=client,
            async_client=client.chat.completions,
            stream_usage=True,
            stream_chunk_timeout=None,
            use_responses_api=False,
            output_version="v0",
        )

    def constrained(self, schema: JsonObject, name: str) -> Mapping[str, object]:
        """Return what makes the model answer JSON of this schema.

        Not `strict`: that refuses most real schemas (optional properties, patterns, lengths). And in the body rather
        than as the library's own parameter, since that one parses the answer and fails where it is cut.
        """
        chosen = {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}
        return {"extra_body": {"response_format": chosen}}

    async def embed(self, model: str, texts: Sequence[str], params: ModelParameters) -> Embedded:
        """Return the vectors of some texts, sent as texts: other servers than OpenAI's know no lists of tokens.

        By OpenAI's library itself, since langchain's embeddings count with tiktoken, make further requests of their
        own where a text is empty, and say nothing of the tokens that were used.
        """
        client = self._client({**await self._keys.headers(), **identified(params)}, httpx2.Timeout(**timeouts(params)))
        try:
            answer = await client.embeddings.create(model=model, input=list(texts))
            data = sorted(answer.data, key=lambda each: each.index)
            return Embedded([list(map(float, each.embedding)) for each in data], _tokens(answer))
        except (openai.OpenAIError, httpx2.HTTPError, ValueError, TypeError, AttributeError) as error:
            raise self.translate(error) from error

    async def models(self) -> list[ModelInfo] | None:
        """Return the models of `/models`."""
        client = self._client(await self._keys.headers(), httpx2.Timeout(20.0))
        try:
            return [ModelInfo(model.id, _context(model.model_extra or {})) async for model in client.models.list()]
        except (openai.OpenAIError, httpx2.HTTPError, ValueError, TypeError) as error:
            raise self.translate(error) from error

    def translate(self, error: BaseException) -> CkitError:
        """Return an error of the libraries in our own terms."""
        match error:
            case CkitError():
                return error
            case openai.APIStatusError():
                return self._errors.status(error.status_code, error.response.headers, error.body)
            case openai.APIConnectionError() | httpx2.HTTPError() | ConnectionError():
                return self._errors.unreachable(error)
            case openai.APIResponseValidationError() | json.JSONDecodeError() | UnicodeDecodeError():
                return self._errors.nonsense()
            case openai.APIError():
                return self._errors.in_stream(error.body or error.message)
            case ValueError() | TypeError() | KeyError() | AttributeError():
                # The libraries stumble over answers of other forms than they know.
                return self._errors.nonsense()
            case _:
                return self._errors.unforeseen(error)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    def _connect(self) -> httpx2.AsyncBaseTransport:
        return httpx2.AsyncHTTPTransport(
            proxy=proxy_for(self._base_url),
            limits=httpx2.Limits(
                max_connections=None,
                max_keepalive_connections=MAX_IDLE_CONNECTIONS,
                keepalive_expiry=KEEPALIVE_SECONDS,
            ),
        )

    def _client(self, headers: dict[str, str], timeout: httpx2.Timeout) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(
            api_key=PLACEHOLDER,
            base_url=self._base_url,
            max_retries=0,
            timeout=timeout,
            http_client=self._http(headers, timeout),
        )

    def _http(self, headers: dict[str, str], timeout: httpx2.Timeout) -> httpx2.AsyncClient:
        if self.settings.organization:
            headers["OpenAI-Organization"] = self.settings.organization
        return httpx2.AsyncClient(
            transport=self._transport,
            auth=_Stamp(headers),
            timeout=timeout,
            event_hooks={"response": [self._notice]},
        )

    @property
    def _names_completion(self) -> bool:
        # OpenAI's newer models refuse `max_tokens`; other servers know only that, or ignore the new name silently.
        return not self.settings.base_url

    async def _notice(self, response: httpx2.Response) -> None:
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            self._keys.refused()


class _Stamp(httpx2.Auth):
    """Puts the headers of one call onto its requests; its `repr` shows none of them."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        stamp(request.headers, self._headers)
        yield request


def _tokens(answer: openai.types.CreateEmbeddingResponse) -> int | None:
    # Some servers leave it out, whatever the library's types say.
    usage = cast("object", answer.usage)
    found = getattr(usage, "prompt_tokens", None)
    return found if isinstance(found, int) else None


def _context(more: Mapping[str, object]) -> int | None:
    meta = more.get("meta")
    places = [more.get(field) for field in CONTEXT_FIELDS]
    if isinstance(meta, dict):
        # llama.cpp: the size that the server was started with, then the one that the model was trained for.
        fields = cast("dict[str, object]", meta)
        places += [fields.get("n_ctx"), fields.get("n_ctx_train")]
    return next((size for size in places if isinstance(size, int) and size > 0), None)
