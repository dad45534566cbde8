"""The services that routes call, built by app and nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ckit_daemon.config import Configuration
    from ckit_daemon.metrics import Metrics
    from ckit_daemon.services.assistant.container import Assistant, Part
    from ckit_daemon.services.health import HealthService
    from ckit_daemon.services.pipelines.script import ScriptRunner
    from ckit_daemon.services.rag.service import RagService
    from ckit_daemon.services.repositories import Repositories


@dataclass(slots=True)
class Services:
    """Everything that a route may use."""

    configuration: Configuration
    health: HealthService
    metrics: Metrics
    repositories: Repositories
    scripts: ScriptRunner
    assistant: Assistant
    rag: Part[RagService]
