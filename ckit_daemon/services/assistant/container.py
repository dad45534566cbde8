"""The parts that conversations are made of, each built when it is first needed."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from ckit_daemon.services.assistant.approvals import ApprovalService
    from ckit_daemon.services.assistant.gateway import ModelGateway
    from ckit_daemon.services.assistant.providers.registry import ProviderRegistry
    from ckit_daemon.services.assistant.sessions import SessionService
    from ckit_daemon.services.assistant.tools.runner import ToolRunner
    from ckit_daemon.services.assistant.turns import TurnService
    from ckit_daemon.services.generation.service import GenerationService

T = TypeVar("T")


class Part(Generic[T]):
    """Something that takes time to import and build, so that nobody should wait for it before it is needed."""

    def __init__(self, build: Callable[[], T]) -> None:
        self._build = build
        self._lock = threading.Lock()
        self._built: T | None = None

    @property
    def built(self) -> T | None:
        """What was built; None as long as nobody needed it."""
        return self._built

    def need(self) -> T:
        """Return the part, built in the calling thread; for the builders of other parts."""
        with self._lock:
            if self._built is None:
                self._built = self._build()
            return self._built

    def prepare(self, load: Callable[[], object]) -> None:
        """Do the slow half of building in advance: import what it takes; who needs the part meanwhile waits for that.

        In a thread that the end of the process does not wait for. A part that is there, or that is being prepared or
        built, is left alone.
        """

        def run() -> None:
            with self._lock:
                if self._built is None:
                    load()

        if self._built is None and not self._lock.locked():
            threading.Thread(target=run, name="ckit-prepare", daemon=True).start()

    async def get(self) -> T:
        """Return the part, built in a worker thread."""
        return self._built if self._built is not None else await asyncio.to_thread(self.need)


@dataclass(slots=True)
class Assistant:
    """All parts; `conversations.py` says how each is built."""

    providers: Part[ProviderRegistry]
    gateway: Part[ModelGateway]
    sessions: Part[SessionService]
    approvals: Part[ApprovalService]
    tools: Part[ToolRunner]
    turns: Part[TurnService]
    generation: Part[GenerationService]
    warm_up: Callable[[str], None]
    """Gets what a turn with a model needs ready in the background; to be called where somebody is about to talk."""
