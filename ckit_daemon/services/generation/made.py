"""What generators have made, before and after it is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.core.edit import EditPlan
    from ckit_daemon.services.generation.artifacts import Artifact
    from ckit_daemon.services.generation.drafts import Drafted
    from ckit_daemon.services.generation.packing import Packed
    from ckit_daemon.services.generation.records import Generation


@dataclass(frozen=True, slots=True)
class Made:
    """What a generator has made: files to be shown or written."""

    generation: Generation
    plan: EditPlan
    applied: bool
    warnings: tuple[str, ...]
    versions: Mapping[str, int] = field(default_factory=dict[str, int])
    """Versions of the editor's documents that the plan was made from."""
    drafted: Drafted | None = None
    """The entity, for specs and entities."""
    markdown: str = ""
    """The text of a spec."""
    log_path: str = ""
    artifacts: tuple[Artifact, ...] = ()
    """The files of code."""


@dataclass(frozen=True, slots=True)
class MadePrompt:
    """A prompt with its receipts."""

    generation: Generation
    packed: Packed
    warnings: tuple[str, ...]
    log_path: str | None


@dataclass(frozen=True, slots=True)
class Written:
    """Files that were written or put back."""

    generation: Generation
    plan: EditPlan
