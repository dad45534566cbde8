"""What must hold before a turn begins, as far as it can be seen without asking anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.core.errors import BudgetExceededError, ConflictError, InvalidArgumentError, LimitExceededError

if TYPE_CHECKING:
    from ckit_daemon.services.assistant.conversation import StartTurn
    from ckit_daemon.services.assistant.records import Session


def check_request(request: StartTurn, most: int) -> None:
    """See that a turn has something to say, or a turn to go on with, and not both.

    Raises:
        InvalidArgumentError: it has neither or both.
        LimitExceededError: the message has more than `most` characters.
    """
    if request.resume is None:
        check_length(request.text or "", most)
    elif request.text is not None or request.attachments:
        raise InvalidArgumentError(
            "To resume a turn is to go on with what was said; leave `text` and `attachments` out.",
            details={"field": "resume"},
        )


def check_length(text: str, most: int) -> None:
    """See that a message says something, in at most so many characters.

    Raises:
        InvalidArgumentError: it is empty.
        LimitExceededError: it is too long.
    """
    if not text.strip():
        raise InvalidArgumentError("The message is empty.", details={"field": "text"})
    if len(text) > most:
        raise LimitExceededError(
            f"The message has {len(text)} characters; assistant.maxMessageCharacters allows {most}.",
            details={"limit": most},
        )


def check_budget(session: Session) -> None:
    """See that a session has something left of its budget.

    Raises:
        BudgetExceededError: it has not.
    """
    budget, usage = session.budget, session.usage
    if budget is None:
        return
    tokens = usage.input_tokens + usage.output_tokens
    if budget.max_tokens is not None and tokens >= budget.max_tokens:
        raise BudgetExceededError(
            f"The session has used {tokens} of its {budget.max_tokens} tokens; fork it with another budget to go on.",
            details={"tokens": tokens, "maxTokens": budget.max_tokens},
        )
    cost = usage.cost or 0.0
    # A budget of nothing allows what costs nothing.
    if budget.max_cost is not None and cost >= budget.max_cost > 0:
        raise BudgetExceededError(
            f"The session has cost {cost:.4f} of its {budget.max_cost:g} US dollars; fork it with another budget to go "
            "on.",
            details={"cost": cost, "maxCost": budget.max_cost},
        )


def already_running(**details: str) -> ConflictError:
    """Return the error that says why a session can't be used now: by `details` its id, or that of the turn."""
    return ConflictError(
        "A turn of the session is running; wait for its end, or cancel it where it was started.", details={**details}
    )


def not_here(session: Session) -> ConflictError:
    """Return the error that says why no turn of a session can be reached."""
    if session.running_turn is None:
        return ConflictError("No turn of the session is running.", details={"session": session.id})
    return ConflictError(
        "The turn runs in another daemon; only that one can reach it.", details={"turnId": session.running_turn}
    )
