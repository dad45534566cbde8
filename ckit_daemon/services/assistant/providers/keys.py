"""Which keys a provider needs, and the HTTP headers that they travel in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Literal, cast

from ckit_daemon import redaction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckit_daemon.services.assistant.secrets import SecretStore
    from ckit_daemon.settings import ProviderKind, ProviderSettings, Settings

USUAL_VARIABLES: Final[Mapping[ProviderKind, str]] = {"openai": "OPENAI_API_KEY", "azure": "AZURE_OPENAI_API_KEY"}
"""Where the providers' own tools look for a key."""
SUBSCRIPTION_HEADER: Final = "Ocp-Apim-Subscription-Key"
ENVIRONMENT: Final = "env:"


class Keys:
    """The keys of one provider."""

    def __init__(self, name: str, settings: ProviderSettings, secrets: SecretStore) -> None:
        self._name = name
        self._settings = settings
        self._secrets = secrets

    @property
    def references(self) -> list[str]:
        """What the settings call the keys."""
        return key_references(self._settings)

    async def headers(self) -> dict[str, str]:
        """Return the HTTP headers that carry the keys.

        Raises:
            SecretUnavailableError: one of them can't be had.
        """
        return {
            header: before + (await self._secrets.resolve(reference, self._name)).get_secret_value()
            for header, (reference, before) in _headers(self._settings)
        }

    def refused(self) -> None:
        """Look the keys up anew for the next call, because the provider refused them."""
        for reference in self.references:
            self._secrets.forget(reference)


def key_references(settings: ProviderSettings) -> list[str]:
    """Return the references of all keys that a provider needs, its own key first."""
    return [reference for _, (reference, _) in _headers(settings)]


def all_references(settings: Settings) -> set[str]:
    """Return the references of all keys that the settings name, whoever needs them."""
    references = {name for provider in settings.models.providers.values() for name in key_references(provider)}
    return references | ({settings.rag.chroma_token} - {""})


def key_variables(settings: Settings) -> set[str]:
    """Return the names of all variables of the environment that hold keys."""
    return {name.removeprefix(ENVIRONMENT) for name in all_references(settings) if name.startswith(ENVIRONMENT)}


def teach_variables(settings: Settings) -> None:
    """Let the redaction know the keys in the environment, before anybody uses them."""
    for name in key_variables(settings):
        redaction.learn(os.environ.get(name, "").strip())


def key_source(reference: str) -> Literal["env", "keyring", "client"]:
    """Return where a reference points to."""
    # The settings check the form of references.
    return cast('Literal["env", "keyring", "client"]', reference.partition(":")[0])


def _headers(settings: ProviderSettings) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield header, and reference with the text before the key."""
    if reference := _key(settings):
        yield ("api-key", (reference, "")) if settings.kind == "azure" else ("Authorization", (reference, "Bearer "))
    if settings.subscription_key:
        yield SUBSCRIPTION_HEADER, (settings.subscription_key, "")
    for name, reference in settings.headers.items():
        if reference:
            yield name, (reference, "")


def _key(settings: ProviderSettings) -> str:
    if settings.api_key:
        return settings.api_key
    variable = USUAL_VARIABLES.get(settings.kind, "")
    match settings.kind:
        case "openai":
            # A key for OpenAI must not go to whatever other server speaks its language.
            return "" if settings.base_url else f"env:{variable}"
        case "azure":
            # API Management may have taken over the authentication.
            return "" if settings.subscription_key and variable not in os.environ else f"env:{variable}"
        case _:
            return ""
