"""Methods about the providers of models, and the daemon's question for a key."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ckit_daemon.wire.base import NoParams, Params, Result, WireModel, WorkDone
from ckit_daemon.wire.errors import ErrorData
from ckit_daemon.wire.row import Method

ModelReference = Annotated[
    str, Field(min_length=3, max_length=300, pattern=r"^[\w.-]+/\S+$", description="A model, as `provider/model`.")
]
ProviderName = Annotated[
    str, Field(min_length=1, max_length=60, pattern=r"^[\w.-]+$", description="Name of a provider in the settings.")
]


class Provider(WireModel):
    """A provider of models and how it is."""

    name: ProviderName
    kind: Literal["offline", "openai", "azure", "ollama", "local"] = Field(description="Which protocol it speaks.")
    status: Literal["ready", "unconfigured", "unavailable"] = Field(
        description="unconfigured: something is missing, e.g. a key; unavailable: left alone after failures."
    )
    reason: str | None = Field(default=None, description="Why it is not ready, and what to do.")
    base_url: str | None = Field(default=None, description="Where it is; nothing for providers in this process.")
    key_source: Literal["env", "keyring", "client"] | None = Field(
        default=None, description="Where its key comes from; nothing where it needs none."
    )
    circuit: Literal["closed", "open", "halfOpen"] = Field(
        description="open: left alone after failures; halfOpen: about to be tried again."
    )
    tool_mode: Literal["native", "schema", "none"] = Field(
        description="How its models use tools; schema: through constrained JSON."
    )
    purposes: list[Literal["chat", "generation", "embeddings"]] = Field(description="What the settings use it for.")


class ProviderListResult(Result):
    """The providers, the built-in one first."""

    providers: list[Provider] = Field(description="All of them.")
    chat: ModelReference = Field(description="Model for conversations.")
    generation: ModelReference = Field(description="Model for specs, prompts and code.")
    embeddings: str | None = Field(default=None, description="Model for embeddings; nothing: the built-in one.")
    fallbacks: list[ModelReference] = Field(description="Models that are asked when the chosen one can't answer.")


class ModelsParams(Params, WorkDone):
    """Whose models to list."""

    provider: ProviderName


class Model(WireModel):
    """A model that a provider offers."""

    name: str = Field(description="Its name at the provider; on Azure the deployment's.")
    context_tokens: int | None = Field(default=None, description="Size of its context, where it is known.")
    tool_mode: Literal["native", "schema", "none"] = Field(description="How it uses tools.")
    input_price: float | None = Field(default=None, description="US dollars for a million tokens, where known.")
    output_price: float | None = Field(default=None, description="US dollars for a million tokens, where known.")


class ModelsResult(Result):
    """What the provider really offers, by its own word."""

    provider: ProviderName
    models: list[Model] = Field(description="By name.")
    complete: bool = Field(
        description="False where the provider has no list of models and these are those of the settings."
    )


class TestParams(Params, WorkDone):
    """What to try."""

    provider: ProviderName
    model: str | None = Field(
        default=None, min_length=1, max_length=200, description="Its first one of the settings without it."
    )


class TestResult(Result):
    """How one short request went; a failure is a result here, not an error."""

    provider: ProviderName
    model: str = Field(description="The model that was asked.")
    ok: bool = Field(description="Whether it answered.")
    detail: str = Field(description="What happened, for people.")
    first_output_ms: float | None = Field(default=None, description="Time to the first output, in milliseconds.")
    total_ms: float | None = Field(default=None, description="Time to the end of the answer, in milliseconds.")
    error: ErrorData | None = Field(default=None, description="What went wrong, for programs.")


class ClearCacheResult(Result):
    """What was thrown away."""

    removed: int = Field(description="Answers that were kept.")


class SecretRequestParams(Params):
    """Which key is wanted, and what for."""

    reference: str = Field(description="As it stands in the settings, e.g. `client:work-openai`.")
    provider: ProviderName
    reason: str = Field(description="One line for the person.")


class SecretRequestResult(Result):
    """The key; the daemon keeps it in memory only, until it ends."""

    value: str | None = Field(default=None, max_length=20_000, description="Nothing: the person does not give it.")


METHODS = (
    Method(
        "ckit/provider/list",
        "List the providers of models, with what each is used for.",
        NoParams,
        ProviderListResult,
        feature="assistant",
    ),
    Method(
        "ckit/provider/models",
        "List the models that a provider really offers.",
        ModelsParams,
        ModelsResult,
        cost="model",
        feature="assistant",
    ),
    Method(
        "ckit/provider/test",
        "Ask a provider for a few words, to see whether it works.",
        TestParams,
        TestResult,
        cost="model",
        feature="assistant",
    ),
    Method(
        "ckit/provider/clearCache",
        "Throw away all kept answers of models.",
        NoParams,
        ClearCacheResult,
        feature="assistant",
    ),
    Method(
        "ckit/secret/request",
        "Ask the person for a key that a setting refers to as `client:NAME`.",
        SecretRequestParams,
        SecretRequestResult,
        direction="serverToClient",
        feature="assistant",
    ),
)
