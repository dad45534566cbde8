"""Ollama."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import httpx
import ollama
from langchain_ollama import ChatOllama

from ckit_daemon.core.errors import CkitError
from ckit_daemon.services.assistant.providers.base import Embedded, ModelInfo, ToolMode
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

MAX_PARALLEL_SHOW: Final = 8
IN_STREAM: Final = -1
"""The library's status for an error in the middle of an answer."""


class OllamaProvider:
    """Implements `Provider` through langchain-ollama."""

    kind: ProviderKind = "ollama"

    def __init__(self, name: str, settings: ProviderSettings, secrets: SecretStore) -> None:
        """Prepare the pool of connections, which loads certificates; nothing is connected yet."""
        self.name = name
        self.settings = settings
        self.tool_mode: ToolMode = settings.tool_mode
        self._keys = Keys(name, settings, secrets)
        self._errors = Translator(name, self._keys)
        self._base_url = base_url(settings)
        self._thinking: dict[str, bool] = {}
        self._transport = httpx.AsyncHTTPTransport(
            proxy=proxy_for(self._base_url),
            limits=httpx.Limits(
                max_connections=None,
                max_keepalive_connections=MAX_IDLE_CONNECTIONS,
                keepalive_expiry=KEEPALIVE_SECONDS,
            ),
        )

    async def chat_model(self, model: str, params: ModelParameters) -> ChatOllama:
        """Return a model for one call; see the protocol."""
        headers = {**await self._keys.headers(), **identified(params)}
        known = self.settings.models.get(model)
        return ChatOllama(
            model=model,
            # Without it, thoughts would be lost; and Ollama refuses it for models that have none.
            reasoning=await self._thinks(model, headers, params) or None,
            base_url=self._base_url,
            temperature=params.temperature,
            num_predict=params.max_output_tokens,
            # Ollama cuts what does not fit into its small default context without a word.
            num_ctx=known.context_tokens if known else None,
            async_client_kwargs=self._http(headers, httpx.Timeout(**timeouts(params))),
            # The synchronous client is never used; a real one would load certificates for each call.
            sync_client_kwargs={"transport": httpx.BaseTransport()},
        )

    def constrained(self, schema: JsonObject, name: str) -> Mapping[str, object]:  # noqa: ARG002 - Ollama wants none.
        """Return what makes the model answer JSON of this schema."""
        return {"format": schema}

    async def embed(self, model: str, texts: Sequence[str], params: ModelParameters) -> Embedded:
        """Return the vectors of some texts; Ollama cuts what is too long.

        By Ollama's library itself, since langchain's embeddings say nothing of the tokens that were used.
        """
        headers = {**await self._keys.headers(), **identified(params)}
        client = ollama.AsyncClient(self._base_url, **self._http(headers, httpx.Timeout(**timeouts(params))))
        try:
            answer = await client.embed(model, list(texts))
            return Embedded([list(map(float, each)) for each in answer.embeddings], answer.prompt_eval_count)
        except (ollama.ResponseError, httpx.HTTPError, ConnectionError, ValueError, TypeError) as error:
            raise self.translate(error) from error

    async def models(self) -> list[ModelInfo] | None:
        """Return the models that are installed there, with the size of context that each was made for."""
        client = ollama.AsyncClient(self._base_url, **self._http(await self._keys.headers(), httpx.Timeout(20.0)))
        places = asyncio.Semaphore(MAX_PARALLEL_SHOW)

        async def describe(name: str) -> ModelInfo:
            try:
                async with places:
                    shown = await client.show(name)
            except ollama.ResponseError:
                # It was removed meanwhile, or something in between offers Ollama's API without this part of it.
                return ModelInfo(name)
            sizes = (value for key, value in (shown.modelinfo or {}).items() if key.endswith(".context_length"))
            return ModelInfo(name, next((size for size in sizes if isinstance(size, int)), None))

        try:
            names = [entry.model for entry in (await client.list()).models if entry.model]
            return await asyncio.gather(*map(describe, names))
        except (ollama.ResponseError, httpx.HTTPError, ConnectionError, ValueError, TypeError) as error:
            raise self.translate(error) from error

    def translate(self, error: BaseException) -> CkitError:
        """Return an error of the libraries in our own terms."""
        match error:
            case CkitError():
                return error
            case httpx.HTTPStatusError():
                return self._errors.status(error.response.status_code, error.response.headers, _body(error.response))
            case ollama.ResponseError(status_code=status) if status == IN_STREAM:
                return self._errors.in_stream(error.error)
            case ollama.ResponseError():
                return self._errors.status(error.status_code, {}, error.error)
            case httpx.HTTPError() | ConnectionError():
                return self._errors.unreachable(error)
            case ValueError() | TypeError() | KeyError() | AttributeError():
                # The libraries stumble over answers of other forms than they know.
                return self._errors.nonsense()
            case _:
                return self._errors.unforeseen(error)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def _thinks(self, model: str, headers: Mapping[str, str], params: ModelParameters) -> bool:
        if model not in self._thinking:
            client = ollama.AsyncClient(self._base_url, **self._http(headers, httpx.Timeout(params.connect_timeout)))
            try:
                self._thinking[model] = "thinking" in ((await client.show(model)).capabilities or ())
            except (ollama.ResponseError, httpx.HTTPError, ConnectionError, ValueError, TypeError):
                # The call itself will meet the same trouble, if it is one, and say so.
                return False
        return self._thinking[model]

    def _http(self, headers: Mapping[str, str], timeout: httpx.Timeout) -> dict[str, object]:
        return {
            "transport": self._transport,
            "auth": _Stamp(headers),
            "timeout": timeout,
            "follow_redirects": False,
            "event_hooks": {"response": [self._check]},
        }

    async def _check(self, response: httpx.Response) -> None:
        # The library's own error has neither the headers, and so no Retry-After, nor the body of a proxy in between.
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            self._keys.refused()
        if response.is_error:
            await response.aread()
            response.raise_for_status()


class _Stamp(httpx.Auth):
    """Puts the headers of one call onto its requests; its `repr` shows none of them."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        stamp(request.headers, self._headers)
        yield request


def _body(response: httpx.Response) -> object:
    try:
        return response.json()
    except json.JSONDecodeError:
        return response.text
