"""Takes texts apart into passages that can be found and cited on their own."""

from ckit_daemon.services.rag.chunking.entities import entity_passages, log_passages
from ckit_daemon.services.rag.chunking.markdown import markdown_passages
from ckit_daemon.services.rag.chunking.notes import note_passages
from ckit_daemon.services.rag.chunking.passages import Passage, Passages

__all__ = ["Passage", "Passages", "entity_passages", "log_passages", "markdown_passages", "note_passages"]
