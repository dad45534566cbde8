"""Examples of the methods about entities."""

from __future__ import annotations

from examples.model import Call, MethodExamples

REPOSITORY_ERRORS = ("not_found", "invalid_argument")
EDIT_ERRORS = (*REPOSITORY_ERRORS, "conflict", "content_rejected", "path_not_allowed", "storage_error")

EXAMPLES = (
    MethodExamples(
        "ckit/entity/get",
        valid=(Call("A task with its relations", {"id": "T-009"}),),
        invalid=(
            Call("A missing field", {}, "invalid_params"),
            Call("An unknown field is refused by name", {"id": "T-009", "full": True}, "invalid_params"),
            Call("A wrong type", {"id": 9}, "invalid_params"),
            Call("An entity that does not exist", {"id": "T-404"}, "not_found"),
        ),
        errors=REPOSITORY_ERRORS,
    ),
    MethodExamples(
        "ckit/entity/list",
        valid=(
            Call("One type, page by page", {"types": ["service"], "limit": 2}),
            Call("By status", {"types": ["task"], "statuses": ["blocked"]}),
        ),
        invalid=(
            Call("An unknown field is refused by name", {"type": "service"}, "invalid_params"),
            Call("A wrong type", {"types": "service"}, "invalid_params"),
            Call("A page without items", {"limit": 0}, "invalid_params"),
            Call("A repository that is not open", {"repository": "compass"}, "not_found"),
        ),
        errors=REPOSITORY_ERRORS,
    ),
    MethodExamples(
        "ckit/entity/search",
        valid=(
            Call("Words in any order", {"query": "mail gateway", "limit": 2}),
            Call("A field and a type", {"query": "status:blocked", "types": ["task"], "limit": 1}),
        ),
        invalid=(
            Call("A missing field", {"types": ["task"]}, "invalid_params"),
            Call("An unknown field is refused by name", {"query": "fee", "fuzzy": True}, "invalid_params"),
            Call("A wrong type", {"query": ["fee"]}, "invalid_params"),
            Call("A repository that is not open", {"query": "fee", "repository": "compass"}, "not_found"),
        ),
        errors=REPOSITORY_ERRORS,
    ),
    MethodExamples(
        "ckit/entity/create",
        valid=(
            Call(
                "A story under the next free id, as a preview",
                {
                    "type": "userstory",
                    "data": {
                        "title": "Donate a fee",
                        "feature": "FEAT-005",
                        "status": "proposed",
                        "asA": "member",
                        "iWant": "to round up a fee",
                        "soThat": "the library can buy another book",
                    },
                },
            ),
        ),
        invalid=(
            Call("A missing field", {"data": {"title": "Donate a fee"}}, "invalid_params"),
            Call("An unknown field is refused by name", {"type": "userstory", "title": "Donate"}, "invalid_params"),
            Call("A wrong type", {"type": "userstory", "data": []}, "invalid_params"),
            Call("A type that does not exist", {"type": "epic"}, "not_found"),
            Call(
                "An id that is taken",
                {
                    "type": "userstory",
                    "id": "US-011",
                    "data": {"feature": "FEAT-005", "asA": "member", "iWant": "to pay", "soThat": "it is paid"},
                },
                "already_exists",
            ),
            Call("Data that breaks the schema", {"type": "userstory", "data": {"title": "Donate"}}, "invalid_argument"),
        ),
        errors=(*EDIT_ERRORS, "already_exists"),
    ),
    MethodExamples(
        "ckit/entity/update",
        valid=(
            Call(
                "A preview of two changes",
                {
                    "id": "T-009",
                    "changes": [
                        {"path": ["status"], "value": "doing"},
                        {"path": ["blockers"], "remove": True},
                    ],
                },
            ),
            Call(
                "The same kind of change, written",
                {"id": "T-009", "changes": [{"path": ["steps"], "append": "Tell staff"}], "apply": True},
            ),
        ),
        invalid=(
            Call("A missing field", {"id": "T-009"}, "invalid_params"),
            Call(
                "An unknown field is refused by name",
                {"id": "T-009", "changes": [{"path": ["status"], "value": "done"}], "dryRun": True},
                "invalid_params",
            ),
            Call("A wrong type", {"id": "T-009", "changes": {"status": "done"}}, "invalid_params"),
            Call(
                "A value that the schema forbids",
                {"id": "T-009", "changes": [{"path": ["status"], "value": "paused"}]},
                "invalid_argument",
            ),
            Call(
                "An entity that does not exist",
                {"id": "T-404", "changes": [{"path": ["status"], "value": "done"}]},
                "not_found",
            ),
        ),
        errors=EDIT_ERRORS,
        writes=True,
    ),
    MethodExamples(
        "ckit/entity/rename",
        valid=(Call("A preview", {"id": "US-011", "newId": "US-021"}),),
        invalid=(
            Call("A missing field", {"id": "US-011"}, "invalid_params"),
            Call(
                "An unknown field is refused by name",
                {"id": "US-011", "newId": "US-021", "to": "US-022"},
                "invalid_params",
            ),
            Call("A wrong type", {"id": "US-011", "newId": 21}, "invalid_params"),
            Call("An entity that does not exist", {"id": "US-404", "newId": "US-021"}, "not_found"),
            Call("An id that is taken", {"id": "US-011", "newId": "US-010"}, "already_exists"),
        ),
        errors=(*EDIT_ERRORS, "already_exists"),
    ),
    MethodExamples(
        "ckit/entity/delete",
        valid=(Call("A preview, with the references to it", {"id": "US-011", "references": "remove"}),),
        invalid=(
            Call("A missing field", {"references": "remove"}, "invalid_params"),
            Call("An unknown field is refused by name", {"id": "US-011", "force": True}, "invalid_params"),
            Call("A wrong type", {"id": "US-011", "apply": "yes"}, "invalid_params"),
            Call("Others still name it", {"id": "US-011"}, "conflict"),
            Call("An entity that does not exist", {"id": "US-404"}, "not_found"),
        ),
        errors=EDIT_ERRORS,
    ),
)
