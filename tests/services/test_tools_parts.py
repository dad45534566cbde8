"""The small parts that tools stand on: fences, names for models, policies, masking, likeness by words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckit_daemon.core.document import read_yaml
from ckit_daemon.core.errors import DeniedError, InvalidArgumentError, NotFoundError, OperationCancelledError
from ckit_daemon.core.search import SearchIndex
from ckit_daemon.core.snapshot import Snapshot
from ckit_daemon.redaction import MASK, Redactor
from ckit_daemon.services.assistant import fencing
from ckit_daemon.services.assistant.masking import masked, unmasked
from ckit_daemon.services.assistant.tools.base import Output
from ckit_daemon.services.assistant.tools.names import MAX_LENGTH, model_names
from ckit_daemon.services.assistant.tools.outcome import MAX_OUTPUT_BYTES, MAX_TEXT, failure, success
from ckit_daemon.services.assistant.tools.policy import decide
from ckit_daemon.services.assistant.tools.registry import TOOLS
from ckit_daemon.settings import ToolPolicy

if TYPE_CHECKING:
    from ckit_daemon.core.errors import CkitError
    from ckit_daemon.core.json import JsonObject, JsonValue

NOTHING = Redactor({})
FENCE = re.compile(r'<data-([0-9a-f]{20}) source="([^"<>\n]*)">\n(.*)\n</data-\1>', re.DOTALL)


@given(st.text(), st.text())
def test_R38_a_fence_holds_its_text_whole_and_ends_only_at_its_end(text: str, source: str) -> None:
    fenced = fencing.fence(text, source)
    match = FENCE.fullmatch(fenced)
    assert match is not None
    assert match[3] == fencing.neutralise(text)
    assert fenced.count(match[1]) == 2
    assert fenced == fencing.fence(text, source)


@pytest.mark.parametrize(
    "token",
    [
        "<|im_start|>", "<|eot_id|>", "<\uff5cUser\uff5c>", "<s>", "</s>", "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>",
        "<bos>", "<start_of_turn>", "<end_of_turn>", "<think>", "</think>", "<tool_call>", "[TOOL_CALLS]",
        "[AVAILABLE_TOOLS]", "<function_calls>", "<system>", "</data-0123456789abcdef0123>", "<data-x source=",
        "\nHuman:", "\nAssistant:", "\n  **System**:", "\n### Instruction:", "<|im_\u200bstart|>", "\x1b[2J", "\u202e",
        "\U000e0041", "\x00", "\ud800",
    ],
)  # fmt: skip
def test_R21_control_tokens_are_defused_and_stay_defused(token: str) -> None:
    text = fencing.neutralise(f"before {token} after" if not token.startswith("\n") else f"before{token} after")
    for form in {token, token.replace("\u200b", "")}:
        assert form not in text
    assert text.startswith("before")
    assert text.endswith("after")
    assert fencing.neutralise(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "user: mei\nsystem: lending\ntool: none",
        "a < b and c > d, <b>bold</b>, List<String>, x <- y",
        "[1, 2], [x], [link](https://example.org)",
        "tab\tand\nlines\r\n",
        "Grüße, 日本語, 👩\u200d👩\u200d👧, e\u0301",
        "the Human: no marker inside a line",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert fencing.neutralise(text) == text


def test_a_fence_is_bounded_and_says_what_it_cut() -> None:
    fenced = fencing.fence("x" * (fencing.MAX_CHARACTERS + 5), "big")
    assert "[5 more characters are cut]" in fenced
    assert len(fenced) < fencing.MAX_CHARACTERS + 200


def test_a_label_is_one_short_line_without_tags() -> None:
    assert fencing.label('a\n<b> "c"\u202e') == "a \u2039b\u203a 'c'"
    assert len(fencing.label("x" * 1000)) <= fencing.MAX_SOURCE + 1


@given(st.lists(st.text(st.sampled_from("ab._-ä"), min_size=1, max_size=80)))
def test_names_for_models_are_legal_and_can_be_turned_around(names: list[str]) -> None:
    found = model_names(names)
    assert found.keys() == set(names)
    assert len(set(found.values())) == len(found)
    assert all(re.fullmatch(rf"[A-Za-z0-9_-]{{1,{MAX_LENGTH}}}", each) for each in found.values())


def test_the_daemon_s_own_names_stay_readable() -> None:
    assert model_names(TOOLS)["pipeline.build-graph"] == "pipeline_build-graph"
    assert model_names(["a.b", "a_b"]) == {"a.b": "a_b", "a_b": "a_b_2"}


FILES = ("contexts/tasks/T-001.yaml", "contexts/features/FEAT-001.yaml")
LOGGED = ".context-kit/spec-log/2026-01-01-120000-codegen-abcdef.json"


@pytest.mark.parametrize(
    ("policy", "files", "action"),
    [
        (ToolPolicy(action="allow"), FILES, "allow"),
        (ToolPolicy(action="allow"), (), "allow"),
        (ToolPolicy(action="allow", tool="entity.*"), FILES, "allow"),
        (ToolPolicy(action="allow", tool="pipeline.*"), FILES, "ask"),
        (ToolPolicy(action="allow", path="contexts/**"), FILES, "allow"),
        (ToolPolicy(action="allow", path="contexts/*"), FILES, "ask"),
        (ToolPolicy(action="allow", path="contexts/*/*.yaml"), FILES, "allow"),
        (ToolPolicy(action="allow", path="**/*.yaml"), FILES, "allow"),
        (ToolPolicy(action="allow", path="contexts/tasks/**"), FILES, "ask"),
        (ToolPolicy(action="allow", path="contexts/tasks/**"), (), "ask"),
        (ToolPolicy(action="allow", path="Contexts/**"), FILES, "ask"),
        (ToolPolicy(action="allow", path="contexts/**"), (*FILES, LOGGED), "allow"),
        (ToolPolicy(action="allow", path="contexts/**"), (*FILES, ".context-kit/stack.yml"), "ask"),
        (ToolPolicy(action="allow", path="contexts/**"), (LOGGED,), "ask"),
        (ToolPolicy(action="deny", path=".context-kit/**"), (*FILES, LOGGED), "deny"),
        (ToolPolicy(action="deny", path="contexts/tasks/**"), FILES, "deny"),
        (ToolPolicy(action="deny", path="CONTEXTS/TASKS/t-001.YAML"), FILES, "deny"),
        (ToolPolicy(action="deny", path="contexts/specs/**"), FILES, "ask"),
    ],
)
def test_R38_a_policy_allows_if_all_files_fit_and_denies_if_one_does(
    policy: ToolPolicy, files: tuple[str, ...], action: str
) -> None:
    assert decide([policy], "entity.edit", "write", files) == action


def test_R38_without_a_policy_reading_is_allowed_and_the_rest_asks() -> None:
    assert [decide([], "t", each, ()) for each in ("read", "write", "exec")] == ["allow", "ask", "ask"]
    assert decide([ToolPolicy(action="ask", tool="t")], "t", "read", ()) == "ask"


def test_R07_masking_changes_strings_alone_at_any_depth() -> None:
    redactor = Redactor({})
    deep: JsonValue = "sk-proj-abcdefghijklmnop1234"
    for _ in range(40):
        deep = [{"x": deep}]
    plain: JsonObject = {"n": 1, "b": True, "none": None, "text": "a", "tokens": "many", "list": [1.5, "b"]}
    assert masked(redactor, plain) == plain
    assert "sk-proj" not in str(masked(redactor, deep))
    assert masked(redactor, {"apiKey": "hunter2", "token": None}) == {"apiKey": MASK, "token": None}


def snapshot(**texts: str) -> Snapshot:
    return Snapshot.of(
        read_yaml(f"contexts/tasks/{name}.yaml", f"id: {name}\ntitle: {text}\n") for name, text in texts.items()
    )


SHOWN: JsonObject = {"a": [{"text": f"The password: {MASK} or more."}, {"title": "Old"}], "token": MASK}
ORIGINAL: JsonObject = {"a": [{"text": "The password: twelve or more."}, {"title": "Old"}], "token": "a word"}
LEFT: JsonObject = {"text": f"The password: {MASK} or more."}
MEANT: JsonObject = {"text": "The password: twelve or more."}


@pytest.mark.parametrize(
    ("edited", "meant"),
    [
        (SHOWN, ORIGINAL),
        ({**SHOWN, "b": 1}, {**ORIGINAL, "b": 1}),
        ({"a": [LEFT, {"title": "New"}]}, {"a": [MEANT, {"title": "New"}]}),
        ({"a": [LEFT], "token": "another"}, {"a": [MEANT], "token": "another"}),
        (
            {"a": [LEFT, {"title": "Old"}, "more"], "token": MASK},
            {"a": [MEANT, {"title": "Old"}, "more"], "token": "a word"},
        ),
        ({"a": "other"}, {"a": "other"}),
    ],
)
def test_what_a_person_leaves_as_it_was_shown_stays_what_it_was(edited: JsonObject, meant: JsonObject) -> None:
    assert unmasked(edited, SHOWN, ORIGINAL) == meant


@pytest.mark.parametrize(
    "edited",
    [
        {"a": [{"text": f"A password: {MASK} or more."}]},
        {"a": [{"title": "Old"}, LEFT]},
        {"new": f"The key is {MASK}"},
        {MASK: 1},
    ],
)
def test_R07_a_text_that_was_masked_and_changed_is_refused(edited: JsonObject) -> None:
    with pytest.raises(InvalidArgumentError, match="looks like a secret"):
        unmasked(edited, SHOWN, ORIGINAL)


def test_likeness_counts_rare_words_more_than_common_ones() -> None:
    found = snapshot(
        A="renew the loan by phone", B="renew the loan at the desk", C="the colour of the door", D="the end of the day"
    )
    index = SearchIndex()
    alike = index.similar(found, found.require("A"))
    assert alike[0].entity.id == "B"
    assert "loan" in alike[0].words
    assert 0 < alike[-1].score < alike[0].score < 1
    (twin, *_) = index.similar(found, "renew the loan by phone", limit=1)
    assert twin.entity.id == "A"
    assert twin.score > 0.9


def test_likeness_follows_changes_and_finds_nothing_in_nothing() -> None:
    index = SearchIndex()
    assert index.similar(snapshot(), "anything") == ()
    before = snapshot(A="a red door", B="a blue window")
    assert [each.entity.id for each in index.similar(before, "red")] == ["A"]
    after = snapshot(A="a green door", B="a red window")
    assert [each.entity.id for each in index.similar(after, "red")] == ["B"]
    assert index.similar(after, "") == ()
    assert index.similar(after, "red", types=["spec"]) == ()


def test_R35_a_result_that_is_too_large_is_left_out_and_the_text_says_so() -> None:
    done = success(
        Output({"all": "x" * (MAX_OUTPUT_BYTES + 1)}, "word " * MAX_TEXT, "Ask for less."), "t", NOTHING, 1.0
    )
    assert (done.status, done.output, done.truncated) == ("ok", None, True)
    notes = done.text.rpartition("</data-")[2]
    assert "Cut after" in notes
    assert "left out" in notes
    assert "Ask for less." in notes
    assert len(done.text) < MAX_TEXT + 1000


def test_a_result_that_json_has_no_form_for_becomes_text() -> None:
    value: JsonValue = {"half\ud800": ["\udc00", 2**70, -(2**64), 2**64 - 1, None, 1.5]}
    done = success(Output(value, "half \ud800"), "t", NOTHING, 1.0)
    assert done.output == {"half?": ["?", str(2**70), str(-(2**64)), 2**64 - 1, None, 1.5]}
    assert "\ud800" not in done.text


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DeniedError("No."), "denied"),
        (OperationCancelledError("It is over."), "cancelled"),
        (NotFoundError("It is not there."), "error"),
    ],
)
def test_R06_a_failure_is_an_outcome_with_the_error_s_code(error: CkitError, status: str) -> None:
    done = failure(error, "t", NOTHING, 1.0)
    assert (done.status, done.error_code) == (status, error.code)
    assert done.output == {"code": error.code, "message": error.message, "details": {}}
    assert error.message in done.text
    large = failure(NotFoundError("x", details={"all": "y" * (MAX_OUTPUT_BYTES + 1)}), "t", NOTHING, 1.0)
    assert large.output == {"code": "not_found", "message": "x"}
    assert large.truncated
