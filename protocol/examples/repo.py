"""Examples of the methods about whole repositories."""

from __future__ import annotations

from examples.model import REPOSITORY, ROOT, Call, Change, MethodExamples

FEATURE = "contexts/features/FEAT-001-borrow-and-return.yaml"
REPOSITORY_ERRORS = ("not_found", "invalid_argument")

EXAMPLES = (
    MethodExamples(
        "ckit/repo/open",
        valid=(
            Call("A repository by path", {"path": ROOT}),
            Call("The same one again, by a file inside it", {"path": f"{ROOT}/{FEATURE}"}),
        ),
        invalid=(
            Call("An unknown field is refused by name", {"path": ROOT, "recursive": True}, "invalid_params"),
            Call("A wrong type", {"path": ["lantern"]}, "invalid_params"),
            Call("A folder that does not exist", {"path": f"{ROOT}-2"}, "not_found"),
            Call("A relative path", {"path": "lantern"}, "invalid_argument"),
        ),
        errors=("not_found", "invalid_argument", "path_not_allowed", "storage_error"),
        opens=False,
    ),
    MethodExamples(
        "ckit/repo/close",
        valid=(Call("The only open one", {}),),
        invalid=(
            Call("An unknown field is refused by name", {"force": True}, "invalid_params"),
            Call("A wrong type", {"repository": 1}, "invalid_params"),
            Call("A repository that is not open", {"repository": "compass"}, "not_found"),
        ),
        errors=REPOSITORY_ERRORS,
    ),
    MethodExamples(
        "ckit/repo/list",
        valid=(Call("One repository is open", {}),),
        invalid=(
            Call("An unknown field is refused by name", {"limit": 5}, "invalid_params"),
            Call("Positional parameters are not known", ["open"], "invalid_params"),
            Call("Parameters are an object", "open", "invalid_params"),
        ),
    ),
    MethodExamples(
        "ckit/repo/inspect",
        valid=(Call("Counts, relations, coverage and advice", {"repository": REPOSITORY}),),
        invalid=(
            Call("An unknown field is refused by name", {"types": ["feature"]}, "invalid_params"),
            Call("A wrong type", {"repository": ["lantern"]}, "invalid_params"),
            Call("A repository that is not open", {"repository": "compass"}, "not_found"),
        ),
        errors=REPOSITORY_ERRORS,
    ),
    MethodExamples(
        "ckit/repo/validate",
        valid=(
            Call("A reference that names nothing", {"codes": ["reference.unresolved"], "limit": 2}),
            Call("Errors in one file", {"paths": ["docs/glossary.md"], "minSeverity": "error"}),
        ),
        invalid=(
            Call("An unknown field is refused by name", {"path": FEATURE}, "invalid_params"),
            Call("A wrong type", {"limit": "all"}, "invalid_params"),
            Call("A severity that does not exist", {"minSeverity": "fatal"}, "invalid_params"),
            Call("A repository that is not open", {"repository": "compass"}, "not_found"),
        ),
        errors=REPOSITORY_ERRORS,
        changes=(Change(FEATURE, "[US-001, US-002, US-003]", "[US-001, US-002, US-099]"),),
    ),
    MethodExamples(
        "ckit/repo/graph",
        valid=(
            Call("What a service depends on", {"ids": ["svc-notify"], "depth": 1, "direction": "out"}),
            Call("The same with places", {"ids": ["svc-notify"], "depth": 1, "direction": "out", "statements": True}),
            Call(
                "A picture for Markdown",
                {"ids": ["US-011"], "depth": 1, "direction": "out", "format": "mermaid"},
            ),
        ),
        invalid=(
            Call("An unknown field is refused by name", {"id": "FEAT-001"}, "invalid_params"),
            Call("A wrong type", {"depth": "all"}, "invalid_params"),
            Call("A format that does not exist", {"format": "svg"}, "invalid_params"),
            Call("An entity that does not exist", {"ids": ["FEAT-404"]}, "not_found"),
        ),
        errors=REPOSITORY_ERRORS,
    ),
    MethodExamples(
        "ckit/repo/paths",
        valid=(Call("The shortest way", {"source": "T-009", "target": "svc-members", "limit": 1}),),
        invalid=(
            Call("A missing field", {"source": "T-009"}, "invalid_params"),
            Call(
                "An unknown field is refused by name",
                {"source": "T-009", "target": "US-001", "via": "svc-notify"},
                "invalid_params",
            ),
            Call("A wrong type", {"source": "T-009", "target": 7}, "invalid_params"),
            Call("An entity that does not exist", {"source": "T-009", "target": "svc-payments"}, "not_found"),
            Call("From an entity to itself", {"source": "T-009", "target": "T-009"}, "invalid_argument"),
        ),
        errors=REPOSITORY_ERRORS,
    ),
    MethodExamples(
        "ckit/repo/impact",
        valid=(
            Call("What is changed in the working tree", {"between": "workingTree", "depth": 1}),
            Call("What a change of one task would reach", {"ids": ["T-009"], "depth": 1}),
        ),
        invalid=(
            Call("An unknown field is refused by name", {"id": "T-009"}, "invalid_params"),
            Call("A wrong type", {"ids": "T-009"}, "invalid_params"),
            Call("Neither entities nor states", {}, "invalid_argument"),
            Call("An entity that does not exist", {"ids": ["T-404"]}, "not_found"),
            Call("A revision that does not exist", {"between": "commits", "base": "v99"}, "not_found"),
        ),
        errors=(*REPOSITORY_ERRORS, "degraded"),
        changes=(Change(FEATURE, "status: in-progress", "status: blocked"),),
    ),
    MethodExamples(
        "ckit/repo/didChange",
        valid=(Call("One file was saved", {"paths": [FEATURE]}),),
        invalid=(
            Call("An unknown field: the notification is logged and ignored", {"files": [FEATURE]}, "invalid_params"),
            Call("A wrong type: the same", {"paths": FEATURE}, "invalid_params"),
            Call("A path without text: the same", {"paths": [""]}, "invalid_params"),
        ),
        changes=(Change(FEATURE, "status: in-progress", "status: blocked"),),
    ),
)
