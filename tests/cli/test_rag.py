"""Search by meaning, answers with sources, and the evaluation, as people and scripts see them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.cli import passages
from ckit_daemon.wire.rag import StatusResult
from tests.cli.conftest import Ckit, copy_example
from tests.support.model_server import Reply, model_server

if TYPE_CHECKING:
    from pathlib import Path

QUESTION = "Can people borrow when the internet is down?"
OFFLINE_DESK = "contexts/tasks/T-012-desk-without-network.yaml"


_indexed: set[Path] = set()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example that keeps its index from test to test."""
    return copy_example(tmp_path_factory.mktemp("rag") / "lantern")


@pytest.fixture
def indexed(repository: Path) -> Ckit:
    ckit = Ckit(repository)
    if repository not in _indexed:
        assert ckit("rag", "index").code == 0
        _indexed.add(repository)
    return ckit


def test_the_index_says_how_far_it_is_and_what_it_is_made_with(indexed: Ckit) -> None:
    run = indexed("rag", "status")
    assert run.code == 0
    assert run.out.splitlines()[0] == "The index is ready"
    status = indexed("rag", "status", "--json").json
    assert status["state"] == "ready"
    assert f"{status['embedded']:,} of {status['chunks']:,} passages" in run.out
    assert status["embedder"] in run.out
    assert "embedded" in run.out


@pytest.fixture
def nothing_embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ckit:
    monkeypatch.setenv("CKIT_PATHS_CACHE_DIR", str(tmp_path / "cache"))
    return Ckit(copy_example(tmp_path / "lantern"))


def test_an_index_that_nobody_needed_yet_is_absent_and_the_exit_code_says_so(nothing_embedded: Ckit) -> None:
    run = nothing_embedded("rag", "status")
    assert run.code == 1
    assert run.out.startswith("The index is absent")
    assert " MB" not in run.out


def test_the_status_says_that_notes_are_left_out_which_nobody_can_read(nothing_embedded: Ckit, tmp_path: Path) -> None:
    assert "left out" not in nothing_embedded("rag", "status").out
    notes = tmp_path / "lantern" / ".context-kit" / "rag" / "more.jsonl"
    notes.write_text("no JSON\n", "utf-8")
    assert "1 note, log entry or file that can't be read" in nothing_embedded("rag", "status").out


def test_what_was_embedded_before_counts_though_this_daemon_has_not_opened_it(indexed: Ckit, tmp_path: Path) -> None:
    status = Ckit(copy_example(tmp_path / "lantern"))("rag", "status", "--json")
    assert status.code == 0
    assert status.json["state"] == "ready"
    assert status.json["embedded"] == status.json["chunks"]


def test_a_search_shows_passages_with_their_line_and_why_they_were_found(indexed: Ckit) -> None:
    run = indexed("rag", "search", "borrow", "when", "the", "internet", "is", "down", "-n", "3")
    assert run.code == 0
    assert f"{OFFLINE_DESK}:" in run.out
    assert "vector 0." in run.out
    assert run.err == ""
    found = indexed("rag", "search", QUESTION, "--json", "--mode", "vector", "--type", "task").json
    assert found["mode"] == "vector"
    assert {hit["type"] for hit in found["hits"]} == {"task"}
    assert found["hits"][0]["entity"] == "T-012"


def test_what_nothing_is_about_exits_with_1(indexed: Ckit) -> None:
    run = indexed("rag", "search", "Who won the football world cup in 1998?")
    assert run.code == 1
    assert "Nothing" in run.err
    assert indexed("ask", "--cite", "Who won the football world cup in 1998?").code == 1


def test_a_search_can_be_restricted_to_what_is_joined_in_some_way(indexed: Ckit) -> None:
    def types(*options: str) -> set[str]:
        hits = indexed("rag", "search", "hold shelf", "--related-to", "FEAT-003", "--json", *options).json["hits"]
        return {hit["type"] for hit in hits if hit["kind"] == "entity"}

    assert len(types()) > 1
    assert types("--relation", "has-story") == {"userstory"}


def test_similar_passages_of_an_entity_and_of_a_text(indexed: Ckit) -> None:
    by_id = indexed("rag", "similar", "US-008", "--json").json
    assert by_id["hits"]
    assert "US-008" not in {hit.get("entity") for hit in by_id["hits"]}
    run = indexed("rag", "similar", "--text", "Reservations that nobody fetches go to the next member")
    assert run.code == 0
    assert "T-007" in run.out
    assert indexed("rag", "similar").code == 2
    assert indexed("rag", "similar", "US-404").code == 1


def test_an_answer_names_its_sources_with_file_and_line(indexed: Ckit) -> None:
    run = indexed("ask", "--cite", QUESTION)
    assert run.code == 0
    text, _, sources = run.out.partition("Sources")
    assert "[1]" in text
    assert "[1] " in sources
    line = next(line for line in sources.splitlines() if line.startswith("[1] "))
    path, _, number = line.split()[-1].rpartition(":")
    lines = (indexed.repo / path).read_text("utf-8").splitlines()
    assert 0 < int(number) <= len(lines)
    answer = indexed("ask", "--cite", QUESTION, "--json").json
    assert answer["found"] is True
    assert answer["citations"][0]["location"]["path"] == path


def test_what_a_model_says_and_nothing_bears_out_is_told(
    indexed: Ckit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with model_server("openai") as server:
        config = tmp_path / "config.toml"
        provider = f'{{ kind = "openai", baseUrl = "{server.base_url}" }}'
        config.write_text(f'models.chat = "mine/scripted"\nmodels.providers.mine = {provider}\n', "utf-8")
        monkeypatch.setenv("CKIT_CONFIG_FILE", str(config))
        server.enqueue(Reply("Lions eat it after 30 weeks [1]. Tigers wear purple hats every Friday. [99]"))
        run = indexed("ask", "--cite", QUESTION)
    assert run.code == 0
    assert "30 weeks [1]. [unverified] Tigers wear purple hats every Friday. [unverified]\n" in run.out
    assert "Nothing that it cites bears this out: Lions eat it after 30 weeks.\n" in run.err
    assert "Nothing that was found bears this out: Tigers wear purple hats every Friday.\n" in run.err


@pytest.mark.parametrize(("option", "reason"), [("--continue", "session"), ("--attach=FEAT-001", "attached")])
def test_a_cited_answer_refuses_what_it_would_not_heed(indexed: Ckit, option: str, reason: str) -> None:
    run = indexed("ask", "--cite", option, QUESTION)
    assert run.code == 2
    assert reason in run.err


def test_an_incomplete_index_is_used_when_the_person_does_not_wait(nothing_embedded: Ckit) -> None:
    ckit = nothing_embedded
    (ckit.repo / "docs" / "long.md").write_text(
        "".join(f"# Chapter {n}\n\nIn chapter {n} the zeppelin {n * 7919} lands at noon.\n\n" for n in range(800)),
        "utf-8",
    )
    run = ckit("rag", "search", "zeppelin", "--wait", "0")
    assert run.code == 0
    assert "docs/long.md" in run.out
    assert "warning" in run.err


@pytest.mark.parametrize(
    ("state", "embedded", "incomplete"), [("building", 2, True), ("building", 3, False), ("degraded", 2, False)]
)
def test_nobody_waits_for_an_index_in_which_everything_is_found(state: str, embedded: int, incomplete: bool) -> None:
    found = {"version": 1, "chunks": 3, "masked": 0, "broken": 0, "store": "embedded", "writer": "this", "bytes": 1}
    found |= {"state": state, "embedded": embedded, "embedder": "offline/all-minilm-l6-v2"}
    assert passages.is_incomplete(StatusResult.model_validate(found)) is incomplete


def test_a_cleared_index_is_absent(nothing_embedded: Ckit) -> None:
    ckit = nothing_embedded
    assert ckit("rag", "index").code == 0
    run = ckit("rag", "clear")
    assert run.code == 0
    assert "Deleted" in run.err
    assert ckit("rag", "status").code == 1
    assert "removed" in ckit("rag", "clear", "--json").json


def test_the_doctor_tells_of_the_index(indexed: Ckit) -> None:
    checks = {each["capability"]: each for each in indexed("doctor", "--json").json["checks"]}
    assert checks["Search by meaning"]["state"] == "ok"
    assert "passages" in checks["Search by meaning"]["detail"]


def test_the_doctor_says_how_to_switch_it_on(indexed: Ckit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CKIT_FEATURES_RAG", "false")
    checks = {each["capability"]: each for each in indexed("doctor", "--json").json["checks"]}
    assert checks["Search by meaning"]["state"] == "missing"
    assert "features.rag" in checks["Search by meaning"]["fix"]


# Evaluation

LINES = [
    {"question": "SPEC-004", "expected": ["SPEC-004"], "class": "exactId"},
    {"question": QUESTION, "expected": ["T-012", "FEAT-001"], "class": "paraphrase"},
    {"question": "Who won the football world cup in 1998?", "expected": [], "class": "noAnswer"},
    {"question": "Elm Street lockers", "expected": ["note-005", "docs/glossary.md"], "class": "note"},
    {"question": "SPEC-004", "expected": ["US-001"], "class": "wrong"},
]


def questions(folder: Path, *lines: object) -> str:
    file = folder / "questions.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines), "utf-8")
    return str(file)


def test_an_evaluation_measures_each_class_in_each_mode_and_names_the_failures(indexed: Ckit, tmp_path: Path) -> None:
    found = indexed("rag", "eval", questions(tmp_path, *LINES), "--json").json
    assert found["questions"] == 5
    assert [*found["modes"]] == ["hybrid", "lexical", "vector"]
    hybrid = found["modes"]["hybrid"]
    assert [*hybrid["classes"]] == ["exactId", "paraphrase", "noAnswer", "note", "wrong"]
    assert hybrid["degraded"] is None
    assert hybrid["classes"]["exactId"]["recall@1"] == 1.0
    assert hybrid["classes"]["exactId"]["nothingFound"] is None
    assert hybrid["classes"]["paraphrase"]["recall@5"] == 1.0
    assert hybrid["classes"]["note"]["recall@10"] == 1.0
    assert hybrid["classes"]["noAnswer"]["nothingFound"] == 1.0
    assert hybrid["classes"]["wrong"]["recall@1"] == 0.0
    assert hybrid["overall"]["questions"] == 5
    assert hybrid["overall"]["p95Ms"] >= hybrid["overall"]["p50Ms"] > 0
    failed = [each for each in found["failures"] if each["mode"] == "hybrid" and each["class"] == "wrong"]
    assert failed[0]["got"][0] == "SPEC-004"
    assert found["passed"] is True


def test_an_evaluation_as_a_table_ends_with_what_failed(
    indexed: Ckit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = indexed("rag", "eval", questions(tmp_path, *LINES))
    assert run.code == 0
    lines = run.out.splitlines()
    assert lines[1].split()[:2] == ["class", "by"]
    assert sum("overall" in line for line in lines) == 1
    assert "\u2718 [wrong] SPEC-004" in run.out
    assert "expected US-001" in run.out
    monkeypatch.setenv("COLUMNS", "80")
    narrow = indexed("rag", "eval", questions(tmp_path, {**LINES[1], "class": "[/para]ph"}))
    assert narrow.code == 0
    assert "[/para]ph hybrid " in narrow.out
    assert "\u2026" not in narrow.out


def test_an_evaluation_below_its_bounds_exits_with_1_and_says_which(indexed: Ckit, tmp_path: Path) -> None:
    file = questions(tmp_path, LINES[0], LINES[4])
    assert indexed("rag", "eval", file, "--min-recall1", "0.5").code == 0
    run = indexed("rag", "eval", file, "--min-recall1", "0.51", "--min-mrr", "0.5")
    assert run.code == 1
    assert "recall@1 is 0.5; 0.51 is the least" in run.out
    assert "mrr is" not in run.out
    unmeasured = indexed("rag", "eval", file, "--min-nothing", "0.5", "--json")
    assert unmeasured.code == 1
    assert unmeasured.json["missed"] == {"nothingFound": {"least": 0.5, "reached": None}}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"question": "x", "expected": []}\n{oops', "questions.jsonl:2"),
        ("", "no questions"),
        ('{"question": "x", "expected": ["FEAT-404"]}', "FEAT-404"),
        ('{"question": "x", "expected": ["docs/nowhere.md"]}', "docs/nowhere.md"),
        ('{"question": "x", "expected": ["note-999"]}', "note-999"),
        ('{"question": "x", "expected": ["../questions.jsonl"]}', "does not have"),
        (json.dumps({"question": "x", "expected": ["a" * 300]}), "does not have"),
    ],
)
def test_a_file_that_can_t_be_measured_is_refused_before_anything_is_asked(
    indexed: Ckit, tmp_path: Path, text: str, named: str
) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(text, "utf-8")
    run = indexed("rag", "eval", str(file))
    assert run.code == 2
    assert named in run.err
    assert run.out == ""


def test_a_file_of_questions_that_is_missing_or_no_text_is_refused(indexed: Ckit, tmp_path: Path) -> None:
    run = indexed("rag", "eval", str(tmp_path / "none.jsonl"))
    assert run.code == 2
    assert "none.jsonl" in run.err
    (tmp_path / "binary.jsonl").write_bytes(b"\xff\xfe\x00")
    run = indexed("rag", "eval", str(tmp_path / "binary.jsonl"))
    assert run.code == 2
    assert "UTF-8" in run.err


def test_the_shipped_questions_can_be_measured(indexed: Ckit) -> None:
    file = indexed.repo / ".context-kit" / "evaluation" / "questions.jsonl"
    run = indexed("rag", "eval", str(file), "--json", "--min-recall5", "0.95", "--min-recall1", "0.8")
    assert run.code == 0, run.out
    assert run.json["questions"] >= 60
