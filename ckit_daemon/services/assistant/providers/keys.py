"""Which keys a provider needs, and the HTTP headers that they travel in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckit_daemon.settings import ProviderKind, ProviderSettings

USUAL_VARIABLES: Final[Mapping[ProviderKind, str]] = {"openai": "OPENAI_API_KEY", "azure": "AZURE_OPENAI_API_KEY"}
"""Where the providers' own tools look for a key."""
SUBSCRIPTION_HEADER: Final = "Ocp-Apim-Subscription-Key"


def key_headers(settings: ProviderSettings) -> Mapping[str, tuple[str, str]]:
    """Return (reference, text before the key) by HTTP header."""
    return dict(_headers(settings))


def key_references(settings: ProviderSettings) -> list[str]:
    """Return the references of all keys that a provider needs, its own key first."""
    return [reference for reference, _ in key_headers(settings).values()]


def key_source(reference: str) -> Literal["env", "keyring", "client"]:
    """Return where a reference points to."""
    # The settings check the form of references.
    return cast('Literal["env", "keyring", "client"]', reference.partition(":")[0])


def _headers(settings: ProviderSettings) -> Iterator[tuple[str, tuple[str, str]]]:
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
    variable = USUAL_VARIABLES.get(settings.kind)
    match settings.kind:
        case "openai":
            # A key for OpenAI must not go to whatever other server speaks its language.
            return f"env:{variable}" if not settings.base_url else ""
        case "azure":
            # API Management may have taken over the authentication.
            return f"env:{variable}" if not settings.subscription_key or os.environ.get(str(variable)) else ""
        case _:
            return ""
