"""Examples of the methods about files."""

from __future__ import annotations

from examples.model import Call, MethodExamples

EXAMPLES = (
    MethodExamples(
        "ckit/file/read",
        valid=(Call("The beginning of a file", {"path": "docs/glossary.md", "maxLines": 4}),),
        invalid=(
            Call("A missing field", {"maxLines": 4}, "invalid_params"),
            Call("An unknown field is refused by name", {"path": "README.md", "encoding": "latin-1"}, "invalid_params"),
            Call("A wrong type", {"path": "README.md", "startLine": "1"}, "invalid_params"),
            Call("A path that leaves the repository", {"path": "../secrets.txt"}, "path_not_allowed"),
            Call("A file that does not exist", {"path": "docs/missing.md"}, "not_found"),
        ),
        errors=("not_found", "invalid_argument", "path_not_allowed", "content_rejected", "storage_error"),
    ),
)
