"""The built-in provider: answers from the repository and its tools alone, without a language model or a network."""

from __future__ import annotations

from ckit_daemon.services.assistant.providers.offline.model import OfflineChatModel
from ckit_daemon.services.assistant.providers.offline.provider import OfflineProvider

__all__ = ["OfflineChatModel", "OfflineProvider"]
