"""How well the example's questions are answered, measured as people measure it: by the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.repositories import copy_example
from tests.support.retrieval import with_vectors

if TYPE_CHECKING:
    from pathlib import Path

SLACK = 0.02


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("quality")
    root = copy_example(folder / "lantern")
    questions = root / ".context-kit" / "evaluation" / "questions.jsonl"
    return evaluated(folder, root, questions)


def evaluated(folder: Path, root: Path, questions: Path) -> dict[str, Any]:
    own = {"CKIT_CONFIG_FILE": os.devnull, "CKIT_PATHS_STATE_DIR": str(folder / "state")}
    own["CKIT_PATHS_CACHE_DIR"] = str(with_vectors(folder / "cache"))
    command = [sys.executable, "-m", "ckit_daemon.cli.main", "--repo", str(root), "--json"]
    run = subprocess.run(
        [*command, "rag", "eval", str(questions)],
        check=False,
        capture_output=True,
        timeout=300,
        env={**os.environ, **own},
    )
    assert run.returncode == 0, run.stderr.decode()
    return json.loads(run.stdout)


def scores(report: dict[str, Any], mode: str, group: str | None = None) -> dict[str, Any]:
    found = report["modes"][mode]
    return found["overall"] if group is None else found["classes"][group]


def test_enough_questions_of_every_kind_are_asked(report: dict[str, Any]) -> None:
    classes = report["modes"]["hybrid"]["classes"]
    assert report["questions"] >= 60
    assert set(classes) == {"paraphrase", "exactId", "rareTerm", "typo", "negation", "noAnswer"}
    assert all(each["questions"] >= 8 for each in classes.values())


def test_what_is_expected_is_found(report: dict[str, Any]) -> None:
    found = scores(report, "hybrid")
    assert found["recall@5"] >= 0.95
    assert found["recall@1"] >= 0.8


@pytest.mark.parametrize("measure", ["recall@1", "recall@5", "mrr", "ndcg@10"])
def test_words_and_meaning_together_find_more_than_each_alone(report: dict[str, Any], measure: str) -> None:
    alone = max(scores(report, mode)[measure] for mode in ("lexical", "vector"))
    assert scores(report, "hybrid")[measure] > alone


@pytest.mark.parametrize("measure", ["recall@1", "recall@5"])
@pytest.mark.parametrize("group", ["paraphrase", "exactId", "rareTerm", "typo", "negation"])
def test_no_kind_of_question_suffers_from_the_other_way_of_looking(
    report: dict[str, Any], group: str, measure: str
) -> None:
    alone = max(scores(report, mode, group)[measure] for mode in ("lexical", "vector"))
    assert scores(report, "hybrid", group)[measure] >= alone - SLACK


def test_what_has_no_answer_gets_none(report: dict[str, Any]) -> None:
    alone = max(scores(report, mode, "noAnswer")["nothingFound"] for mode in ("lexical", "vector"))
    assert scores(report, "hybrid", "noAnswer")["nothingFound"] >= max(alone - SLACK, 0.9)
