"""How long each part of an answer may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ckit_daemon.core.errors import DeadlineExceededError

if TYPE_CHECKING:
    from ckit_daemon.settings import ModelsSettings, ProviderSettings

Deadline = Literal["firstOutput", "outputGap", "total"]

WORDS = {
    "firstOutput": "did not begin to answer within {} s",
    "outputGap": "said nothing for {} s in the middle of its answer",
    "total": "did not finish its answer within {} s",
}
SETTINGS = {
    "firstOutput": "firstOutputTimeoutSeconds",
    "outputGap": "outputGapTimeoutSeconds",
    "total": "totalTimeoutSeconds",
}


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The deadlines of one provider, in seconds."""

    connect: float
    first_output: float
    output_gap: float
    total: float

    @classmethod
    def of(cls, models: ModelsSettings, provider: ProviderSettings) -> Deadlines:
        """Return a provider's own deadlines, and the general ones where it has none."""
        return cls(
            connect=provider.connect_timeout_seconds or models.connect_timeout_seconds,
            first_output=provider.first_output_timeout_seconds or models.first_output_timeout_seconds,
            output_gap=provider.output_gap_timeout_seconds or models.output_gap_timeout_seconds,
            total=provider.total_timeout_seconds or models.total_timeout_seconds,
        )

    def error(self, provider: str, deadline: Deadline) -> DeadlineExceededError:
        """Return the error for a deadline that has passed."""
        seconds = {"firstOutput": self.first_output, "outputGap": self.output_gap, "total": self.total}[deadline]
        return DeadlineExceededError(
            f"The provider {provider} {WORDS[deadline].format(f'{seconds:g}')}. "
            f"Try again, or raise models.{SETTINGS[deadline]}.",
            details={"provider": provider, "deadline": deadline, "seconds": seconds},
        )
