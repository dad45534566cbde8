"""Examples of the methods that find passages and answer questions."""

from __future__ import annotations

from examples.model import Before, Call, MethodExamples

RAG_ERRORS = ("not_found", "invalid_argument", "storage_error", "content_rejected")
INDEXED = Before("ckit/rag/index", {})
QUESTION = "How long does an uncollected copy stay on the hold shelf?"
HASH = "0" * 64
RESERVE = "contexts/features/FEAT-003-reserve-and-collect.yaml"

EXAMPLES = (
    MethodExamples(
        "ckit/rag/status",
        valid=(Call("Everything can be found by meaning", {}),),
        invalid=(
            Call("An unknown field is refused by name", {"fresh": True}, "invalid_params"),
            Call("A wrong type", {"repository": 1}, "invalid_params"),
            Call("A repository that is not open", {"repository": "compass"}, "not_found"),
        ),
        errors=RAG_ERRORS,
        before=(INDEXED,),
    ),
    MethodExamples(
        "ckit/rag/index",
        valid=(Call("Up to date", {}),),
        invalid=(
            Call("An unknown field is refused by name", {"force": True}, "invalid_params"),
            Call("A wrong type", {"rebuild": "yes"}, "invalid_params"),
            Call("A repository that is not open", {"repository": "compass"}, "not_found"),
        ),
        errors=(*RAG_ERRORS, "degraded"),
    ),
    MethodExamples(
        "ckit/rag/search",
        valid=(
            Call("A question in other words than the repository's", {"query": QUESTION, "topK": 1}),
            Call(
                "By words alone, in the specifications of one service",
                {"query": "idempotent", "mode": "lexical", "types": ["spec"], "relatedTo": "svc-loans", "topK": 1},
            ),
        ),
        invalid=(
            Call("A missing field", {"topK": 5}, "invalid_params"),
            Call("An unknown field is refused by name", {"query": "fee", "limit": 5}, "invalid_params"),
            Call("A wrong type", {"query": ["fee"]}, "invalid_params"),
            Call("Nothing to look for", {"query": ""}, "invalid_params"),
            Call("Nothing but spaces", {"query": "  "}, "invalid_argument"),
            Call("More than can be looked at", {"query": "fee", "topK": 1_000_000_000}, "invalid_params"),
            Call("A type that does not exist", {"query": "fee", "types": ["epic"]}, "invalid_argument"),
            Call("An entity that does not exist", {"query": "fee", "relatedTo": "FEAT-404"}, "not_found"),
            Call("A path outside of the repository", {"query": "fee", "paths": ["../**"]}, "invalid_argument"),
        ),
        errors=RAG_ERRORS,
        before=(INDEXED,),
    ),
    MethodExamples(
        "ckit/rag/similar",
        valid=(Call("Stories like a story", {"id": "US-008", "types": ["userstory"], "topK": 1}),),
        invalid=(
            Call("An unknown field is refused by name", {"id": "US-008", "limit": 5}, "invalid_params"),
            Call("A wrong type", {"id": ["US-008"]}, "invalid_params"),
            Call("Neither an entity nor a text", {}, "invalid_argument"),
            Call("An entity that does not exist", {"id": "US-404"}, "not_found"),
        ),
        errors=RAG_ERRORS,
        before=(INDEXED,),
    ),
    MethodExamples(
        "ckit/rag/query",
        valid=(
            Call("An answer with its sources", {"question": QUESTION, "topK": 2}),
            Call("Nothing in the repository answers it", {"question": "Who won the football world cup in 1998?"}),
        ),
        invalid=(
            Call("A missing field", {"topK": 5}, "invalid_params"),
            Call("An unknown field is refused by name", {"question": QUESTION, "temperature": 1}, "invalid_params"),
            Call("A wrong type", {"question": 5}, "invalid_params"),
            Call("Nothing is asked", {"question": " "}, "invalid_argument"),
            Call("A type that does not exist", {"question": QUESTION, "types": ["epic"]}, "invalid_argument"),
        ),
        errors=(
            *RAG_ERRORS,
            "generation_failed",
            "context_too_long",
            "provider_error",
            "provider_unavailable",
            "rate_limited",
            "secret_unavailable",
        ),
        before=(INDEXED,),
    ),
    MethodExamples(
        "ckit/rag/check",
        valid=(
            Call(
                "A place that says something else now, and one that is no more",
                {
                    "citations": [
                        {"chunkId": f"{RESERVE}#acceptance[2]", "contentHash": HASH},
                        {"chunkId": "docs/faq.md", "contentHash": HASH},
                    ]
                },
            ),
        ),
        invalid=(
            Call("A missing field", {}, "invalid_params"),
            Call("An unknown field is refused by name", {"citations": [], "all": True}, "invalid_params"),
            Call("A wrong type", {"citations": "docs/faq.md"}, "invalid_params"),
            Call("No citations", {"citations": []}, "invalid_params"),
            Call("A hash that is none", {"citations": [{"chunkId": "a", "contentHash": "1"}]}, "invalid_params"),
        ),
        errors=RAG_ERRORS,
    ),
    MethodExamples(
        "ckit/rag/clear",
        valid=(Call("The index is deleted", {}),),
        invalid=(
            Call("An unknown field is refused by name", {"all": True}, "invalid_params"),
            Call("A wrong type", {"repository": 1}, "invalid_params"),
            Call("A repository that is not open", {"repository": "compass"}, "not_found"),
        ),
        errors=RAG_ERRORS,
        before=(INDEXED,),
    ),
)
