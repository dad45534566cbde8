"""Azure OpenAI, directly or behind API Management."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import openai

from ckit_daemon.services.assistant.providers.openai import PLACEHOLDER, OpenAiProvider

if TYPE_CHECKING:
    import httpx2

    from ckit_daemon.services.assistant.providers.base import ModelInfo
    from ckit_daemon.settings import ProviderKind

API_VERSION: Final = "2024-10-21"
"""The version that is used where the settings name none: the last one that is generally available (Azure OpenAI
REST API reference, "API specs")."""


class AzureProvider(OpenAiProvider):
    """The same protocol with deployments in the path, a version in the query and the key in headers of Azure's own.

    The library puts the deployment, which is what the settings call the model, into the path below `baseUrl`. A base
    path of API Management may or may not end in `/openai`.
    """

    kind: ProviderKind = "azure"

    async def models(self) -> list[ModelInfo] | None:
        """Return None: Azure lists what could be deployed, not what is; the settings name the deployments."""
        return None

    def _client(self, headers: dict[str, str], timeout: httpx2.Timeout) -> openai.AsyncOpenAI:
        base = self._base_url.rstrip("/")
        return openai.AsyncAzureOpenAI(
            api_key=PLACEHOLDER,
            base_url=base if base.endswith("/openai") or "/openai/" in base else f"{base}/openai",
            api_version=self.settings.api_version or API_VERSION,
            max_retries=0,
            timeout=timeout,
            http_client=self._http(headers, timeout),
        )

    @property
    def _names_completion(self) -> bool:
        return True
