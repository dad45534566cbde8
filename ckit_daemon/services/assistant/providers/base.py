"""What every provider of language models offers to the rest of the daemon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from ckit_daemon.core.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.language_models import BaseChatModel

    from ckit_daemon.core.errors import CkitError
    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.settings import ProviderKind, ProviderSettings

ToolMode = Literal["native", "schema", "none"]
Purpose = Literal["chat", "generation", "embeddings"]


@dataclass(frozen=True, slots=True)
class ModelParameters:
    """Parameters of one call.

    Attributes:
        temperature: None leaves it to the provider.
        max_output_tokens: the longest answer.
        connect_timeout: seconds to reach the provider.
        total_timeout: seconds for the whole answer.
        request_id: goes with the call as the header `X-Request-Id`, percent-encoded where it must be.
    """

    temperature: float | None
    max_output_tokens: int
    connect_timeout: float
    total_timeout: float
    request_id: str


@dataclass(frozen=True, slots=True)
class Embedded:
    """What a model made of some texts.

    Attributes:
        vectors: one for each text, as the provider gave them.
        input_tokens: how many tokens the texts had; None where the provider does not say.
    """

    vectors: list[list[float]]
    input_tokens: int | None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model as its provider describes it; None where it does not say."""

    name: str
    context_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ProviderState:
    """A provider and whether it could be asked now, as far as that can be told without asking it.

    Attributes:
        reason: why it is not ready, and what to do.
        base_url: where it is; None for providers in this process.
        key_source: where its key comes from; None where it has none.
    """

    name: str
    kind: ProviderKind
    status: Literal["ready", "unconfigured"]
    reason: str | None
    base_url: str | None
    key_source: Literal["env", "keyring", "client"] | None
    tool_mode: ToolMode
    purposes: tuple[Purpose, ...]


def no_embeddings(provider: str) -> InvalidArgumentError:
    """Return the error for a provider that has no embeddings."""
    return InvalidArgumentError(
        f"The provider {provider} has no embeddings. Leave models.embeddings empty for the built-in embedder, or name "
        "a model of another provider.",
        details={"provider": provider, "setting": "models.embeddings"},
    )


class Provider(Protocol):
    """One endpoint that serves models; used on the event loop only."""

    name: str
    kind: ProviderKind
    settings: ProviderSettings
    tool_mode: ToolMode

    async def chat_model(self, model: str, params: ModelParameters) -> BaseChatModel:
        """Return a model for one call; all models of a provider share one pool of connections.

        Raises:
            SecretUnavailableError: a key that the settings refer to can't be had.
            DegradedError: something that must be installed for it is missing.
        """
        ...

    def constrained(self, schema: JsonObject, name: str) -> Mapping[str, object]:
        """Return the keyword arguments of the model's `astream` that make it answer JSON of this schema."""
        ...

    async def embed(self, model: str, texts: Sequence[str], params: ModelParameters) -> Embedded:
        """Return the vectors of some texts.

        Raises:
            CkitError: as `translate` makes them.
            InvalidArgumentError: the provider has no embeddings.
        """
        ...

    async def models(self) -> list[ModelInfo] | None:
        """Return what the provider really offers; None where it keeps no list.

        Raises:
            CkitError: as `translate` makes them.
        """
        ...

    def translate(self, error: BaseException) -> CkitError:
        """Return an error of the provider's library in our own terms, free of keys."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...
