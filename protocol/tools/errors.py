"""What each error means and what a client does about it, by code."""

from __future__ import annotations

ADVICE: dict[str, tuple[str, str]] = {
    "parse_error": ("The bytes are no JSON message.", "A fault of the client's framing: mend it. `id` is null."),
    "invalid_request": (
        "The message is JSON, but no request that fits the state of the session.",
        "A fault of the client: no batches, one initialize, unique ids, nothing after `shutdown` but `exit`.",
    ),
    "method_not_found": (
        "There is no such method for clients, or a setting switches its feature off before initialize.",
        "Look at the capabilities of the session before you offer the action.",
    ),
    "invalid_params": (
        "A parameter is missing, unknown or of the wrong type.",
        "`details.fields` names each with its problem. A fault of the client: mend it.",
    ),
    "internal_error": (
        "A fault of the daemon.",
        "`details.logId` finds it in the daemon's log. Report it; the daemon goes on.",
    ),
    "not_initialized": ("A request came before `initialize`.", "Initialize first."),
    "cancelled": ("The client cancelled the request.", "Nothing; some clients drop this answer themselves."),
    "content_modified": (
        "The content changed while the answer was computed (language features).",
        "Ask again if the answer is still wanted.",
    ),
    "request_failed": ("A well-formed LSP request could not be fulfilled.", "Show the message."),
    "invalid_argument": (
        "A parameter has the right type, and a value that makes no sense here.",
        "Show the message next to the input.",
    ),
    "not_found": (
        "What the request names does not exist: a repository, entity, file, template, session, turn, tool, provider.",
        "Show the message; refresh lists that offered it. `details` names what was looked for.",
    ),
    "already_exists": ("The id or file to be made exists.", "Choose another one, or leave out the id."),
    "path_not_allowed": (
        "A path leaves the repository or is no plain file in it.",
        "Use paths relative to the repository, as answers give them.",
    ),
    "content_rejected": (
        "A file is too large, binary, not UTF-8, or expands beyond all measure.",
        "Show the message; `repository.maxFileBytes` bounds the size.",
    ),
    "conflict": (
        "The repository changed underneath an edit, or something stands in the way: a running turn, an earlier answer.",
        "Read again, show the new state, and ask again.",
    ),
    "storage_error": (
        "The file system refused: read-only, full, or no permission.",
        "Show the message; nothing was half written.",
    ),
    "not_trusted": (
        "The action runs the repository's own code, and nobody vouched for it.",
        "Ask the person; then initialize with `trusted`, or repeat with `confirm` if `details.needs` says so.",
    ),
    "capability_disabled": (
        "A setting switches the feature off.",
        "Hide the action; the setting is named in the message.",
    ),
    "degraded": (
        "A part that the action needs is missing on this machine, or the host does not answer what it asks.",
        "Show the message: it says what works instead. `ckit/health` has the rest.",
    ),
    "process_failed": ("A program that the daemon started ended with an error.", "Show the end of its output."),
    "limit_exceeded": (
        "An input or an answer is beyond a limit.",
        "Ask for less: pages, filters. `details` names the limit.",
    ),
    "overloaded": ("Too many requests are waiting.", "Wait `retryAfterMs`, then repeat."),
    "deadline_exceeded": (
        "The request took longer than its deadline.",
        "Repeat it, ask for less, or raise `limits.requestTimeoutSeconds`.",
    ),
    "unsupported_protocol": (
        "The daemon speaks none of the offered versions.",
        "`details.supported` lists what it speaks. Initialize again with one of these.",
    ),
    "rate_limited": ("A rate limit, ours or the provider's, is used up.", "Wait `retryAfterMs`, then repeat."),
    "provider_error": (
        "The model's provider refused the request: a wrong key, an unknown model, a bad parameter.",
        "Show the message; `details.status` has the provider's HTTP status. Repeating changes nothing.",
    ),
    "provider_unavailable": (
        "The provider can't be reached, broke off, or is being left alone after repeated failures.",
        "Repeat later, or choose another provider. `ckit/health` shows its circuit.",
    ),
    "secret_unavailable": (
        "A key that a setting refers to is nowhere to be had.",
        "Show the message: it names the reference, never the key.",
    ),
    "budget_exceeded": (
        "The session's budget of tokens or money is used up.",
        "Show the message; a session with a larger budget goes on (`ckit/session/fork`).",
    ),
    "context_too_long": (
        "The messages don't fit into the model's context.",
        "Compact the session, attach less, or choose a model with a larger context.",
    ),
    "denied": (
        "A person, a policy or a deadline refused the action.",
        "Nothing was changed. Ask again if it is wanted.",
    ),
    "generation_failed": (
        "The model's answer never became what was asked for.",
        "Show the message; `details.problems` says what was wrong with the last try.",
    ),
    "client_failed": (
        "The daemon asked the client something and got an error or nonsense.",
        "A fault of the client: mend the handler of the request that `details.method` names.",
    ),
}
"""(meaning, what to do)."""
