"""One run of a generator: who asked, how the model is asked, and what is remembered of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from ckit_daemon.redaction import ValueRedactor
from ckit_daemon.services.assistant.gateway import Account, ModelCall
from ckit_daemon.services.assistant.records import Failure
from ckit_daemon.services.clock import timestamp
from ckit_daemon.services.generation.records import GeneratedFile, Generation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckit_daemon.core.edit import EditPlan
    from ckit_daemon.core.errors import CkitError
    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.core.progress import Progress
    from ckit_daemon.services.assistant.gateway import CallInfo
    from ckit_daemon.services.generation.material import Source
    from ckit_daemon.services.generation.records import Input, Kind, Outcome, UsedTemplate


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """How the person wants the model to be asked; None leaves it to the settings."""

    model: str | None = None
    temperature: float | None = None
    max_output_tokens: int | None = None
    bypass_cache: bool = False

    def as_parameters(self) -> JsonObject:
        """What provenance keeps of it."""
        return {"model": self.model, "temperature": self.temperature, "maxOutputTokens": self.max_output_tokens}


AS_SET: Final = ModelChoice()
"""All as the settings say."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks for a generation."""

    request_id: str
    progress: Progress
    session_id: str | None = None
    account: Account = field(default_factory=Account)
    """What models do for it is charged to this; that of the session, where one asks."""


@dataclass(slots=True)
class Run:
    """What is known so far of one run."""

    kind: Kind
    repository: str
    caller: Caller
    parameters: JsonObject
    choice: ModelChoice = AS_SET
    id: str = field(default_factory=lambda: f"gen_{uuid4().hex}")
    created_at: str = field(default_factory=timestamp)
    entity: str | None = None
    template: UsedTemplate | None = None
    inputs: tuple[Input, ...] = ()
    files: tuple[GeneratedFile, ...] = ()
    info: CallInfo | None = None
    """About the newest answer of a model."""
    made: bool = False
    """Whether it is recorded as having succeeded."""
    repairs: int = 0
    warnings: list[str] = field(default_factory=list[str])
    _began: float = field(default_factory=time.monotonic)
    _account: Account = field(init=False)

    def __post_init__(self) -> None:
        """Open the account of what this run takes, failed and cancelled requests included."""
        self._account = self.caller.account.part()

    def call(self) -> ModelCall:
        """How the gateway is to ask."""
        return ModelCall(
            purpose="generation",
            model=self.choice.model,
            temperature=self.choice.temperature,
            max_output_tokens=self.choice.max_output_tokens,
            session_id=self.caller.session_id,
            request_id=self.caller.request_id,
            bypass_cache=self.choice.bypass_cache,
            account=self._account,
        )

    def answered(self, info: CallInfo) -> None:
        """Note what the gateway says about an answer."""
        self.info = info
        if info.note:
            self.warnings.append(info.note)

    def use(self, sources: Iterable[Source]) -> None:
        """Note what went into the request, each file once."""
        found = {each.path: each for source in sources if (each := source.as_input()) is not None}
        self.inputs = tuple(found.values())

    def take(self, plan: EditPlan) -> None:
        """Note which files the result makes or changes."""
        self.files = tuple(
            GeneratedFile(path=path, old=expected, new=new) for path, new, expected in plan.changes() if new is not None
        )

    def record(self, outcome: Outcome, error: CkitError | None = None) -> Generation:
        """What is to be remembered."""
        return Generation(
            id=self.id,
            kind=self.kind,
            outcome=outcome,
            failure=None if error is None else failure_of(error),
            repository=self.repository,
            entity=self.entity,
            created_at=self.created_at,
            duration_ms=round((time.monotonic() - self._began) * 1000, 3),
            request_id=self.caller.request_id,
            parameters={key: item for key, item in self.parameters.items() if item is not None},
            provider=None if self.info is None else self.info.provider,
            model=None if self.info is None else self.info.model,
            cached=self.info is not None and self.info.cached,
            usage=self._account.taken,
            repairs=self.repairs,
            template=self.template,
            inputs=self.inputs,
            files=self.files,
        )


def failure_of(error: CkitError) -> Failure:
    """An error as records have it, without the secrets that somebody may have asked for."""
    message = ValueRedactor().text(error.message)
    return Failure(code=error.code, message=message, retryable=error.retryable, retry_after_ms=error.retry_after_ms)
