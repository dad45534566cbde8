"""Examples of the methods that generate specifications, prompts, code and entities."""

from __future__ import annotations

from examples.model import Before, Call, MethodExamples
from examples.sessions import NOBODY

GENERATE_ERRORS = (
    "not_found",
    "invalid_argument",
    "already_exists",
    "conflict",
    "storage_error",
    "generation_failed",
    "context_too_long",
    "provider_error",
    "provider_unavailable",
    "rate_limited",
    "secret_unavailable",
)
PAUSE = "Members can pause their notices while they travel."
SPECIFIED = Before("ckit/spec/generate", {"entities": ["FEAT-004"], "requirement": PAUSE, "apply": True})
CODED = Before("ckit/code/generate", {"spec": "SPEC-005", "language": "typescript"})
LOGGED = ".context-kit/spec-log"

EXAMPLES = (
    MethodExamples(
        "ckit/spec/generate",
        valid=(Call("A preview, linked with its feature", {"entities": ["FEAT-004"], "requirement": PAUSE}),),
        invalid=(
            Call("An unknown field is refused by name", {"entity": "FEAT-004"}, "invalid_params"),
            Call("A wrong type", {"entities": "FEAT-004"}, "invalid_params"),
            Call("A requirement without text", {"requirement": ""}, "invalid_params"),
            Call("Neither entities nor a requirement", {}, "invalid_argument"),
            Call("An entity that does not exist", {"entities": ["FEAT-404"]}, "not_found"),
            Call("A template that does not exist", {"entities": ["FEAT-004"], "template": "novel"}, "not_found"),
            Call("An id that is taken", {"entities": ["FEAT-004"], "id": "SPEC-005"}, "already_exists"),
        ),
        errors=GENERATE_ERRORS,
        writes=True,
    ),
    MethodExamples(
        "ckit/spec/promptify",
        valid=(Call("Within a budget, with a receipt for every part", {"id": "SPEC-005", "maxTokens": 500}),),
        invalid=(
            Call("An unknown field is refused by name", {"spec": "SPEC-005"}, "invalid_params"),
            Call("A wrong type", {"id": ["SPEC-005"]}, "invalid_params"),
            Call("A budget that holds nothing", {"id": "SPEC-005", "maxTokens": 10}, "invalid_params"),
            Call("Neither a specification nor a text", {}, "invalid_argument"),
            Call("A specification that does not exist", {"id": "SPEC-404"}, "not_found"),
            Call("A target that does not exist", {"id": "SPEC-005", "target": "poem"}, "not_found"),
        ),
        errors=("not_found", "invalid_argument", "storage_error", "limit_exceeded"),
    ),
    MethodExamples(
        "ckit/specLog/list",
        valid=(Call("What was generated about a feature", {"entity": "FEAT-004", "limit": 1}),),
        invalid=(
            Call("An unknown field is refused by name", {"spec": "SPEC-006"}, "invalid_params"),
            Call("A wrong type", {"limit": "all"}, "invalid_params"),
            Call("A kind that does not exist", {"requestType": "poem"}, "invalid_params"),
            Call("A repository that is not open", {"repository": "compass"}, "not_found"),
        ),
        errors=("not_found", "invalid_argument"),
        before=(SPECIFIED,),
        writes=True,
    ),
    MethodExamples(
        "ckit/specLog/get",
        valid=(Call("An entry", {"id": "2026-01-05-090000-spec-generate-1"}),),
        invalid=(
            Call("A missing field", {}, "invalid_params"),
            Call(
                "An unknown field is refused by name",
                {"id": "2026-01-05-090000-spec-generate-1", "path": LOGGED},
                "invalid_params",
            ),
            Call("A name that no entry can have", {"id": "../project"}, "invalid_params"),
            Call("An entry that does not exist", {"id": "2020-01-01-000000-nothing-000000"}, "not_found"),
        ),
        errors=("not_found", "invalid_argument"),
        before=(SPECIFIED,),
        writes=True,
    ),
    MethodExamples(
        "ckit/code/generate",
        valid=(Call("Files for a specification; nothing is written", {"spec": "SPEC-005", "language": "typescript"}),),
        invalid=(
            Call("A missing field", {"language": "typescript"}, "invalid_params"),
            Call("An unknown field is refused by name", {"spec": "SPEC-005", "apply": True}, "invalid_params"),
            Call("A wrong type", {"spec": 5}, "invalid_params"),
            Call("A specification that does not exist", {"spec": "SPEC-404"}, "not_found"),
            Call("A folder outside of the repository", {"spec": "SPEC-005", "folder": "../src"}, "path_not_allowed"),
        ),
        errors=(*GENERATE_ERRORS, "path_not_allowed"),
    ),
    MethodExamples(
        "ckit/code/apply",
        valid=(Call("The person has seen the diff and says yes", {"generationId": "generation-1"}),),
        invalid=(
            Call("A missing field", {"paths": ["src/retry.ts"]}, "invalid_params"),
            Call(
                "An unknown field is refused by name", {"generationId": "generation-1", "force": True}, "invalid_params"
            ),
            Call("A wrong type", {"generationId": 1}, "invalid_params"),
            Call("A choice of nothing", {"generationId": "generation-1", "paths": []}, "invalid_params"),
            Call("A generation that does not exist", {"generationId": NOBODY}, "not_found"),
            Call(
                "A file that was not generated",
                {"generationId": "generation-1", "paths": ["README.md"]},
                "invalid_argument",
            ),
        ),
        errors=("not_found", "invalid_argument", "conflict", "denied", "storage_error", "path_not_allowed"),
        before=(CODED,),
        answers={"ckit/approval/request": {"decision": "allowOnce"}},
        writes=True,
    ),
    MethodExamples(
        "ckit/code/undo",
        valid=(Call("The files are as they were", {"generationId": "generation-1"}),),
        invalid=(
            Call("A missing field", {}, "invalid_params"),
            Call(
                "An unknown field is refused by name", {"generationId": "generation-1", "paths": []}, "invalid_params"
            ),
            Call("A wrong type", {"generationId": 1}, "invalid_params"),
            Call("A generation that does not exist", {"generationId": NOBODY}, "not_found"),
            Call("One that was never written", {"generationId": "generation-2"}, "conflict"),
        ),
        errors=("not_found", "conflict", "storage_error"),
        before=(CODED, Before("ckit/code/apply", {"generationId": "generation-1"}), CODED),
        answers={"ckit/approval/request": {"decision": "allowOnce"}},
        writes=True,
    ),
    MethodExamples(
        "ckit/entity/generate",
        valid=(
            Call("A story of a feature, as a preview", {"type": "userstory", "request": PAUSE, "feature": "FEAT-004"}),
        ),
        invalid=(
            Call("A missing field", {"type": "userstory"}, "invalid_params"),
            Call(
                "An unknown field is refused by name", {"type": "userstory", "request": PAUSE, "n": 2}, "invalid_params"
            ),
            Call("A wrong type", {"type": "userstory", "request": [PAUSE]}, "invalid_params"),
            Call("A type that does not exist", {"type": "epic", "request": PAUSE}, "not_found"),
            Call(
                "A feature that does not exist",
                {"type": "userstory", "request": PAUSE, "feature": "FEAT-404"},
                "not_found",
            ),
            Call("An id that is taken", {"type": "userstory", "request": PAUSE, "id": "US-011"}, "already_exists"),
        ),
        errors=GENERATE_ERRORS,
    ),
    MethodExamples(
        "ckit/generation/explain",
        valid=(Call("Where a specification came from", {"id": "generation-1"}),),
        invalid=(
            Call("An unknown field is refused by name", {"generation": "generation-1"}, "invalid_params"),
            Call("A wrong type", {"id": 1}, "invalid_params"),
            Call("An id without text", {"id": ""}, "invalid_params"),
            Call("Neither a generation nor an entity", {}, "invalid_argument"),
            Call("A generation that does not exist", {"id": NOBODY}, "not_found"),
            Call("An entity that was not generated", {"entity": "T-009"}, "not_found"),
        ),
        errors=("not_found", "invalid_argument", "storage_error"),
        before=(SPECIFIED,),
        writes=True,
    ),
)
