"""The gateway: everything between those who ask language models and the providers of these.

A request goes through, in this order: the session's hard budget; one shared run for identical requests in flight; the
cache of answers; then, for the chosen model and each fallback: the size of its context, its provider's circuit breaker,
the bounded queue with priorities, the rate limit, retries, deadlines, the provider; and on the way back one form for
all providers' chunks, token usage, cost, metrics and a line of the log.

Much of this exists as middleware of langchain's agents. Where that is used and where not:

- `ModelRetryMiddleware` and `ModelFallbackMiddleware` wrap an agent's whole model call. Specs, code and entities are
  generated without an agent and need the same; and once a part of an answer has been passed on, asking again would
  repeat text that the person has read, which only this place can know. So both live here, on stamina.
- What acts on an agent's own loop is the agent's matter: `services/assistant/agent.py` says which of it turns use.

Of langchain's own parts `BaseChatModel` is the interface on both sides, so that agents can't tell the gateway from a
model; its caches and rate limiters are not used, since they know nothing of streams, parameters or deadlines.
"""

from __future__ import annotations

from ckit_daemon.services.assistant.gateway.budget import Account
from ckit_daemon.services.assistant.gateway.calls import (
    CallInfo,
    Finish,
    ModelCall,
    Priority,
    Purpose,
    Structured,
    TokenCount,
    UnfitAnswerError,
    answerer,
    call_info,
)
from ckit_daemon.services.assistant.gateway.gateway import ModelGateway
from ckit_daemon.services.assistant.gateway.model import GatewayChatModel

__all__ = [
    "Account",
    "CallInfo",
    "Finish",
    "GatewayChatModel",
    "ModelCall",
    "ModelGateway",
    "Priority",
    "Purpose",
    "Structured",
    "TokenCount",
    "UnfitAnswerError",
    "answerer",
    "call_info",
]
