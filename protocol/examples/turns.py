"""Examples of the methods about turns, and their events."""

from __future__ import annotations

from examples.model import Call, DaemonExamples, MethodExamples, Told, Wrong
from examples.sessions import ASKED, BEGUN, NOBODY, SAID

RUNNING_ERRORS = ("not_found", "conflict", "storage_error")
MODEL_ERRORS = ("provider_error", "provider_unavailable", "rate_limited", "secret_unavailable")

EXAMPLES = (
    MethodExamples(
        "ckit/turn/start",
        valid=(
            Call("A question about an entity", {"sessionId": "session-2", "text": "What is T-009?"}),
            Call(
                "About what the person points at",
                {
                    "sessionId": "session-2",
                    "text": "What is this about?",
                    "attachments": [
                        {"kind": "entity", "id": "FEAT-004"},
                        {
                            "kind": "selection",
                            "path": "docs/glossary.md",
                            "startLine": 0,
                            "endLine": 1,
                            "text": "# Glossary\n\n",
                        },
                    ],
                    "mode": "clarification",
                },
            ),
        ),
        invalid=(
            Call("A missing field", {"text": "What is T-009?"}, "invalid_params"),
            Call(
                "An unknown field is refused by name",
                {"sessionId": "session-2", "message": "What is T-009?"},
                "invalid_params",
            ),
            Call("A wrong type", {"sessionId": "session-2", "text": ["What", "is"]}, "invalid_params"),
            Call("A message without text", {"sessionId": "session-2", "text": ""}, "invalid_params"),
            Call(
                "An attachment of no known kind",
                {"sessionId": "session-2", "text": "Look.", "attachments": [{"kind": "image", "path": "a.png"}]},
                "invalid_params",
            ),
            Call("A session that does not exist", {"sessionId": NOBODY, "text": "What is T-009?"}, "not_found"),
            Call("Neither a text nor a turn to go on with", {"sessionId": "session-2"}, "invalid_argument"),
            Call("A turn that does not exist", {"sessionId": "session-2", "resume": NOBODY}, "not_found"),
            Call(
                "A provider that no setting describes",
                {"sessionId": "session-2", "text": "What is T-009?", "model": "home/llama"},
                "not_found",
            ),
            Call(
                "An entity that does not exist",
                {"sessionId": "session-2", "text": "Look.", "attachments": [{"kind": "entity", "id": "T-404"}]},
                "not_found",
            ),
            Call(
                "A file outside of the repository",
                {"sessionId": "session-2", "text": "Look.", "attachments": [{"kind": "file", "path": "../notes.md"}]},
                "path_not_allowed",
            ),
            Call("A turn of the session is running", {"sessionId": "session-1", "text": "And T-008?"}, "conflict"),
        ),
        errors=(*RUNNING_ERRORS, "invalid_argument", "path_not_allowed", "content_rejected", "rate_limited"),
        before=(BEGUN, ASKED, BEGUN),
    ),
    MethodExamples(
        "ckit/turn/cancel",
        valid=(Call("A turn that waits for an approval", {"sessionId": "session-1", "turnId": "turn-1"}),),
        invalid=(
            Call("A missing field", {"turnId": "turn-1"}, "invalid_params"),
            Call("An unknown field is refused by name", {"sessionId": "session-1", "id": "turn-1"}, "invalid_params"),
            Call("A wrong type", {"sessionId": 1}, "invalid_params"),
            Call("A session that does not exist", {"sessionId": NOBODY}, "not_found"),
            Call("A turn that does not exist", {"sessionId": "session-1", "turnId": NOBODY}, "not_found"),
            Call("Nothing is running", {"sessionId": "session-2"}, "conflict"),
        ),
        errors=RUNNING_ERRORS,
        before=(BEGUN, ASKED, BEGUN),
    ),
    MethodExamples(
        "ckit/turn/steer",
        valid=(Call("Said while the turn waits", {"sessionId": "session-1", "text": "And name Samuel in it."}),),
        invalid=(
            Call("A missing field", {"sessionId": "session-1"}, "invalid_params"),
            Call(
                "An unknown field is refused by name",
                {"sessionId": "session-1", "text": "Wait.", "turnId": "turn-1"},
                "invalid_params",
            ),
            Call("A message without text", {"sessionId": "session-1", "text": ""}, "invalid_params"),
            Call("A session that does not exist", {"sessionId": NOBODY, "text": "Wait."}, "not_found"),
            Call("Nothing is running", {"sessionId": "session-2", "text": "Wait."}, "conflict"),
        ),
        errors=RUNNING_ERRORS,
        before=(BEGUN, ASKED, BEGUN),
    ),
    DaemonExamples(
        "ckit/turn/event",
        valid=(
            Told("A turn begins", {"event.type": "turnStarted"}),
            Told(
                "A tool was run: the item as it stays",
                {"event.type": "itemCompleted", "event.item.kind": "toolCall"},
            ),
            Told(
                "The assistant begins to speak",
                {"event.type": "itemStarted", "event.item.kind": "message", "event.seq": 7},
            ),
            Told("Its first words", {"event.type": "itemDelta", "event.offset": 0}),
            Told("The whole message", {"event.type": "itemCompleted", "event.item.kind": "message", "event.seq": 8}),
            Told("What the turn took", {"event.type": "itemCompleted", "event.item.kind": "usage"}),
            Told("The turn is over", {"event.type": "turnCompleted"}),
        ),
        invalid=(
            Wrong(
                "An unknown field",
                {
                    "event": {
                        "type": "itemDelta",
                        "sessionId": "session-1",
                        "turnId": "turn-1",
                        "seq": 7,
                        "itemId": "message-1",
                        "offset": 0,
                        "text": "T-009",
                        "at": 7,
                    }
                },
            ),
            Wrong(
                "A type that does not exist",
                {"event": {"type": "itemGone", "sessionId": "session-1", "turnId": "turn-1", "seq": 7}},
            ),
            Wrong(
                "An item without its kind",
                {
                    "event": {
                        "type": "itemStarted",
                        "sessionId": "session-1",
                        "turnId": "turn-1",
                        "seq": 7,
                        "item": {"id": "message-1", "turnId": "turn-1", "seq": 7, "status": "inProgress"},
                    }
                },
            ),
        ),
        before=(BEGUN, SAID),
    ),
)
