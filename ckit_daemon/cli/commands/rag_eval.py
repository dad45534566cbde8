"""`ckit rag eval`: how well a repository's questions are answered by search, by words, by meaning and by both."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table
from rich.text import Text

from ckit_daemon.cli import evaluation, passages, render
from ckit_daemon.cli.app import command
from ckit_daemon.cli.client import Hooks, Report
from ckit_daemon.cli.commands.rag import group
from ckit_daemon.cli.errors import NEGATIVE, OK, CommandError, RequestError
from ckit_daemon.cli.evaluation import DEPTH, Outcome, Question
from ckit_daemon.cli.session import parse, session
from ckit_daemon.wire.entity import ListParams, ListResult
from ckit_daemon.wire.rag import IndexParams, SearchParams, SearchResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from ckit_daemon.cli.evaluation import Scores
    from ckit_daemon.cli.session import JsonObject, Session
    from ckit_daemon.cli.terminal import Terminal
    from ckit_daemon.wire.rag import RagHit, SearchMode

MODES: Final[tuple[SearchMode, ...]] = ("hybrid", "lexical", "vector")
_GOT: Final = 3
"""Hits that are shown of a question that failed."""
Share = Annotated[float | None, typer.Option(min=0, max=1, metavar="0..1", help="The least that will do.")]


@dataclass(frozen=True, slots=True)
class Run:
    """All questions, asked in one mode."""

    outcomes: tuple[Outcome, ...]
    degraded: str | None
    """Why some were not asked as they should have been."""


@command("eval", group=group)
def evaluate(
    terminal: Terminal,
    *,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.jsonl",
            help='Lines like {"question": "...", "expected": ["FEAT-001"], "class": "typo"}; '
            "an empty list where nothing may be found.",
        ),
    ],
    min_recall1: Share = None,
    min_recall5: Share = None,
    min_recall10: Share = None,
    min_mrr: Share = None,
    min_ndcg: Share = None,
    min_nothing: Annotated[
        float | None, typer.Option(min=0, max=1, metavar="0..1", help="Questions rightly left without an answer.")
    ] = None,
) -> int:
    """Measure how well questions find what they should: by words and meaning together, and by each alone.

    Each expected id is an answer: recall@k is the share of questions that find one of theirs among the first k hits.

    Exits with 1 if the search by both reaches less than one of the bounds.
    """
    questions = evaluation.read_questions(_text(file), file.name)
    bounds = {
        "recall@1": min_recall1,
        "recall@5": min_recall5,
        "recall@10": min_recall10,
        "mrr": min_mrr,
        "ndcg@10": min_ndcg,
        "nothingFound": min_nothing,
    }
    with session(terminal) as opened:
        _refuse_unknown(opened, questions, file.name)
        _complete_index(opened)
        runs: dict[SearchMode, Run] = {mode: _run(opened, questions, mode) for mode in MODES}
        missed = _missed(evaluation.scores(runs["hybrid"].outcomes), bounds)
        if terminal.as_json:
            terminal.print_json(_as_json(runs, missed))
        else:
            _show(opened, runs, missed)
    return NEGATIVE if missed else OK


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{file} can't be read: {error.strerror or error}.", code="not_found") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} is no text in UTF-8.", code="content_rejected") from error


def _refuse_unknown(opened: Session, questions: Sequence[Question], name: str) -> None:
    """Refuse to look for what isn't there: a typing error in the file would count as a fault of the search."""
    listed = parse(ListResult, opened.request("ckit/entity/list", ListParams(limit=10_000)))
    known = {entity.id for entity in listed.entities}
    root = Path(opened.root)
    unknown = {
        expected: question.text
        for question in questions
        for expected in question.expected
        if expected not in known and not _is_file(root, expected.partition("#")[0]) and not _is_note(opened, expected)
    }
    if unknown and len(listed.entities) == listed.total:
        hints = [f"{expected}: {text}" for expected, text in unknown.items()]
        raise CommandError(f"{name} expects what the repository does not have.", hints=hints, code="not_found")


def _is_file(root: Path, path: str) -> bool:
    try:
        return (root / path).resolve().is_relative_to(root.resolve()) and (root / path).is_file()
    except OSError:
        # No name of a file is that long.
        return False


def _is_note(opened: Session, expected: str) -> bool:
    params = SearchParams(query=expected, mode="lexical", kinds=["note", "specLog"], top_k=100)
    found = parse(SearchResult, opened.request("ckit/rag/search", params))
    return any(expected in _names(hit) for hit in found.hits)


def _complete_index(opened: Session) -> None:
    try:
        opened.request("ckit/rag/index", IndexParams())
    except RequestError as error:
        if error.code != "degraded":
            raise
        passages.warn(opened, error.message)


def _run(opened: Session, questions: Sequence[Question], mode: SearchMode) -> Run:
    # Whatever is loaded at first use is no part of how long a search takes.
    _search(opened, questions[0].text, mode)
    outcomes: list[Outcome] = []
    degraded: str | None = None
    with opened.terminal.progress(f"Asking, {mode}") as show:
        for number, question in enumerate(questions):
            show(Report(100 * number // len(questions), f"Asking, {mode}"))
            started = time.perf_counter()
            found = _search(opened, question.text, mode)
            milliseconds = (time.perf_counter() - started) * 1000
            relevant = any(hit.relevant for hit in found.hits)
            outcomes.append(Outcome(question, tuple(_names(hit) for hit in found.hits), relevant, milliseconds))
            degraded = found.degraded or degraded
    return Run(tuple(outcomes), degraded)


def _search(opened: Session, query: str, mode: SearchMode) -> SearchResult:
    params = SearchParams(query=query, mode=mode, top_k=DEPTH)
    return parse(SearchResult, opened.request("ckit/rag/search", params, Hooks()))


def _names(hit: RagHit) -> frozenset[str]:
    # A note has no entity, but an id of its own.
    own = hit.entity or (hit.chunk_id.partition("#")[2] if hit.kind == "note" else "")
    return frozenset({hit.chunk_id, hit.location.path, own} - {""})


def _missed(found: Scores, bounds: Mapping[str, float | None]) -> dict[str, JsonValue]:
    """The measures that are below their bounds, with what they are."""
    values = found.as_json()
    missed: dict[str, JsonValue] = {}
    for name, bound in bounds.items():
        value = values[name]
        if bound is not None and not (isinstance(value, float) and value >= bound):
            missed[name] = {"least": bound, "reached": value}
    return missed


def _as_json(runs: Mapping[SearchMode, Run], missed: Mapping[str, JsonValue]) -> JsonObject:
    modes: JsonObject = {}
    failures: list[JsonValue] = []
    for mode, run in runs.items():
        classes: JsonObject = {name: each.as_json() for name, each in evaluation.by_group(run.outcomes).items()}
        overall: JsonObject = {**evaluation.scores(run.outcomes).as_json()}
        modes[mode] = {"overall": overall, "classes": classes, "degraded": run.degraded}
        failures += [_failure(mode, each) for each in run.outcomes if not each.succeeded]
    return {
        "questions": len(runs["hybrid"].outcomes),
        "modes": modes,
        "failures": failures,
        "passed": not missed,
        "missed": {**missed},
    }


def _failure(mode: str, outcome: Outcome) -> JsonObject:
    question = outcome.question
    return {
        "mode": mode,
        "question": question.text,
        "class": question.group,
        "expected": [*question.expected],
        "ranks": [*outcome.ranks],
        "got": [_shortest(names) for names in outcome.hits[:_GOT]],
    }


def _shortest(names: frozenset[str]) -> str:
    """The name that people know: an entity's id is shorter than its path."""
    return min(names, key=lambda name: (len(name), name))


def _show(opened: Session, runs: Mapping[SearchMode, Run], missed: Mapping[str, JsonValue]) -> None:
    out = opened.terminal.out
    # As narrow as its numbers, so that it fits a terminal of 80 columns.
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("class")
    table.add_column("searched\nby", no_wrap=True)
    columns = (
        "n",
        "recall\n@1",
        "\n@5",
        "\n@10",
        "MRR",
        "nDCG\n@10",
        "nothing\nfound",
        "over-\nlooked",
        "p50\nms",
        "p95\nms",
    )
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    groups = {mode: evaluation.by_group(run.outcomes) for mode, run in runs.items()}
    overall = {mode: evaluation.scores(run.outcomes) for mode, run in runs.items()}
    for name in dict.fromkeys(each.question.group for each in runs["hybrid"].outcomes):
        for mode in runs:
            table.add_row(*_row(name if mode == MODES[0] else "", mode, groups[mode][name]))
    for mode in runs:
        table.add_row(*_row("overall" if mode == MODES[0] else "", mode, overall[mode]), style="bold")
    out.print(table)
    failed = [each for each in runs["hybrid"].outcomes if not each.succeeded]
    if failed:
        out.print(Text(f"\n{render.plural(len(failed), 'question')} without what was expected at the top", "bold"))
    for each in failed:
        out.print(_failed(each), soft_wrap=True)
    for reason in dict.fromkeys(run.degraded for run in runs.values() if run.degraded):
        passages.warn(opened, reason)
    for name, value in missed.items():
        if isinstance(value, dict):
            out.print(Text(f"\u2718 {name} is {value['reached']}; {value['least']} is the least", "bold red"))


def _row(name: str, mode: str, found: Scores) -> list[str | Text]:
    shares = (
        found.recall_1,
        found.recall_5,
        found.recall_10,
        found.mrr,
        found.ndcg_10,
        found.nothing,
        found.overlooked,
    )
    shown = ["" if share is None else f"{share:.3f}" for share in shares]
    # A person's own name of a class may look like Rich's markup.
    return [Text(name), mode, str(found.questions), *shown, f"{found.p50_ms:.1f}", f"{found.p95_ms:.1f}"]


def _failed(outcome: Outcome) -> Text:
    question, got = outcome.question, ", ".join(_shortest(names) for names in outcome.hits[:_GOT])
    line = Text.assemble(("\u2718 ", "red"), (f"[{question.group}] ", "dim"), question.text)
    if not question.expected:
        return line.append(f"\n    nothing answers this; found {got}", "dim")
    where = f"at {', '.join(map(str, outcome.ranks))}" if outcome.ranks else "not among the first ten"
    return line.append(f"\n    expected {', '.join(question.expected)}, {where}; found {got or 'nothing'}", "dim")
