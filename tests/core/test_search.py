"""Search by id, title, text and field."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ckit_daemon.core.document import read_yaml
from ckit_daemon.core.errors import InvalidArgumentError, OperationCancelledError
from ckit_daemon.core.search import Hit, SearchIndex
from ckit_daemon.core.snapshot import Snapshot

MakeSnapshot = Callable[[Mapping[str, str]], Snapshot]

FILES = {
    "contexts/features/FEAT-001.yaml": "id: FEAT-001\ntitle: Lend a book\nstatus: proposed\ntasks: [T-001]\n",
    "contexts/features/FEAT-0010.yaml": "id: FEAT-0010\ntitle: Réserver à Étage\nstatus: done\n",
    "contexts/tasks/T-001.yaml": (
        "id: T-001\ntitle: Validate the loan contract\nstatus: needs-review\nowner: '@mei'\n"
        "related: {feature: FEAT-001}\nsteps:\n- Write tests\n- Review the audit log\n"
    ),
    "contexts/tasks/T-002.yaml": "id: T-002\ntitle: Log every audit\nstatus: done\nowner: '@omar'\n",
    "contexts/specs/SPEC-001.yaml": (
        "id: SPEC-001\ntitle: Loans\ncontent: |\n  A loan is validated\n  by the contract. A book.\n"
    ),
    "contexts/services/svc-git.yaml": "id: svc-git\ntype: backend\n",
}


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("FEAT-001", ["FEAT-001", "FEAT-0010", "T-001"]),
        ("feat-0010", ["FEAT-0010"]),
        ("id:T-", ["T-001", "T-002"]),
        ('id:"T-00"', []),
        ("svc-git", ["svc-git"]),
        ("svc-g", ["svc-git"]),
        ("book", ["FEAT-001", "SPEC-001"]),
        ("loan", ["SPEC-001", "T-001"]),
        ("VALIDATE contract", ["T-001", "SPEC-001"]),
        ("valid contract", ["T-001", "SPEC-001"]),
        ('"audit log"', ["T-001"]),
        ('"valid"', []),
        ('"is validated by"', ["SPEC-001"]),
        ("audit -review", ["T-002"]),
        ('audit -"audit log"', ["T-002"]),
        ("log -status:done", ["T-001"]),
        ("etage", ["FEAT-0010"]),
        ("RESERVER", ["FEAT-0010"]),
        ("owner:@mei", ["T-001"]),
        ("owner:mei", ["T-001"]),
        ("status:done", ["FEAT-0010", "T-002"]),
        ("status:review", []),
        ("status:needs-review", ["T-001"]),
        ("related.feature:FEAT-001", ["T-001"]),
        ("feature:FEAT-001", ["T-001"]),
        ("tasks:T-001", ["FEAT-001"]),
        ("type:task", ["T-001", "T-002"]),
        ("type:backend", ["svc-git"]),
        ("type:task status:done", ["T-002"]),
        ('title:"the loan"', ["T-001"]),
        ("title:contract", ["T-001"]),
        ("zebra", []),
        ("- -- :", ["FEAT-001", "FEAT-0010", "svc-git", "SPEC-001", "T-001", "T-002"]),
        ("", ["FEAT-001", "FEAT-0010", "svc-git", "SPEC-001", "T-001", "T-002"]),
        ("-loan -id:FEAT", ["svc-git", "T-002"]),
    ],
)
def test_a_query_finds(query: str, ids: list[str], make_snapshot: MakeSnapshot) -> None:
    found = SearchIndex().search(make_snapshot(FILES), query)
    assert sorted(names(found.hits)) == sorted(ids)
    assert found.total == len(ids)


def test_the_exact_id_comes_first_and_ids_that_begin_so_come_next(make_snapshot: MakeSnapshot) -> None:
    often = "FEAT-001 FEAT-001 FEAT-001"
    files = {
        **FILES,
        "contexts/tasks/T-003.yaml": f"id: T-003\ntitle: {often}\n",
        "contexts/features/FEAT-0010.yaml": f"id: FEAT-0010\ntitle: {often}\n",
    }
    hits = SearchIndex().search(make_snapshot(files), "FEAT-001").hits
    assert names(hits)[:2] == ["FEAT-001", "FEAT-0010"]


def test_a_word_in_the_title_counts_more_than_one_in_the_text(make_snapshot: MakeSnapshot) -> None:
    files = {
        "contexts/tasks/T-001.yaml": "id: T-001\ntitle: zebra\nnote: two words\n",
        "contexts/tasks/T-000.yaml": "id: T-000\ntitle: two words\nnote: zebra\n",
    }
    assert names(SearchIndex().search(make_snapshot(files), "zebra").hits) == ["T-001", "T-000"]


def test_filters_narrow_what_a_query_finds(make_snapshot: MakeSnapshot) -> None:
    index, snapshot = SearchIndex(), make_snapshot(FILES)
    assert names(index.search(snapshot, "loan", types=["task"]).hits) == ["T-001"]
    assert names(index.search(snapshot, "", statuses=["DONE"]).hits) == ["FEAT-0010", "T-002"]
    assert names(index.search(snapshot, "audit", fields=["title"]).hits) == ["T-002"]
    assert names(index.search(snapshot, "audit", fields=["steps"]).hits) == ["T-001"]


def test_pages_join_to_the_whole(make_snapshot: MakeSnapshot) -> None:
    index, snapshot = SearchIndex(), make_snapshot(FILES)
    pages = [index.search(snapshot, "", limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert [hit.entity.id for page in pages for hit in page.hits] == names(index.search(snapshot, "").hits)
    assert {page.total for page in pages} == {6}


def test_highlights_say_which_field_matches_and_where(make_snapshot: MakeSnapshot) -> None:
    snapshot = make_snapshot(FILES)
    (hit,) = SearchIndex().search(snapshot, '"audit log" owner:@mei').hits
    steps, owner = hit.highlights
    assert (steps.path, steps.excerpt[steps.start : steps.end]) == (("steps", 1), "audit log")
    assert (owner.path, owner.excerpt[owner.start : owner.end]) == (("owner",), "mei")
    for highlight, text in ((steps, "audit log"), (owner, "mei")):
        (line, start), (_, end) = highlight.range
        assert hit.entity.document.lines[line][start:end] == text


def test_a_highlight_of_folded_text_shows_the_text_as_it_is_written(make_snapshot: MakeSnapshot) -> None:
    files = {"contexts/tasks/T-001.yaml": "id: T-001\ntitle: 'ﬁne Straße — ﬁn de été'\n"}
    (hit,) = SearchIndex().search(make_snapshot(files), "ete").hits
    (highlight,) = hit.highlights
    assert highlight.excerpt[highlight.start : highlight.end] == "été"


def test_an_excerpt_of_a_long_text_is_cut_around_the_match(make_snapshot: MakeSnapshot) -> None:
    text = f"id: T-001\nnote: {'word ' * 100}zebra {'word ' * 100}\n"
    (hit,) = SearchIndex().search(make_snapshot({"contexts/tasks/T-001.yaml": text}), "zebra").hits
    (highlight,) = hit.highlights
    assert highlight.excerpt.startswith("…")
    assert highlight.excerpt.endswith("…")
    assert len(highlight.excerpt) < 130
    assert highlight.excerpt[highlight.start : highlight.end] == "zebra"


@pytest.mark.parametrize("query", ["x" * 1001, " ".join(f"w{number}" for number in range(33))])
def test_R10_a_query_that_is_too_long_is_refused(query: str, make_snapshot: MakeSnapshot) -> None:
    with pytest.raises(InvalidArgumentError):
        SearchIndex().search(make_snapshot({}), query)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(st.text(max_size=40) | st.text(st.sampled_from("ab-:\"' T01É@."), max_size=20))
def test_every_text_is_a_query(make_snapshot: MakeSnapshot, query: str) -> None:
    found = SearchIndex().search(make_snapshot(FILES), query)
    assert len(found.hits) == found.total


def test_R36_a_change_is_found_at_once_and_only_the_changed_file_is_read_again(make_snapshot: MakeSnapshot) -> None:
    index, first = SearchIndex(), make_snapshot(FILES)
    index.search(first, "")
    path = "contexts/tasks/T-001.yaml"
    read: list[tuple[int, int]] = []

    class Watcher:
        def report(self, done: int, total: int, message: str) -> None:
            read.append((done, total))

    second = first.with_changes({path: read_yaml(path, "id: T-001\ntitle: zebra\n")})
    assert names(index.search(second, "zebra", progress=Watcher()).hits) == ["T-001"]
    assert read == [(0, 1)]
    assert names(index.search(second, "contract").hits) == ["SPEC-001"]
    assert names(index.search(second.with_changes({path: None}), "zebra").hits) == []
    assert names(index.search(first, "contract").hits) == ["T-001", "SPEC-001"]


edits = st.lists(
    st.tuples(st.sampled_from("abc"), st.none() | st.lists(st.sampled_from(["red", "reed", "blue"]), max_size=4)),
    max_size=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(edits)
def test_an_index_that_followed_changes_answers_as_a_new_one(
    make_snapshot: MakeSnapshot, steps: list[tuple[str, list[str] | None]]
) -> None:
    index, snapshot = SearchIndex(), make_snapshot({})
    for name, words in steps:
        path = f"contexts/tasks/{name}.yaml"
        text = None if words is None else f"id: T-{name}\ntitle: {' '.join(words)} {name}\n"
        snapshot = snapshot.with_changes({path: None if text is None else read_yaml(path, text)})
        for query in ("re", "red", "blue", "red -blue", ""):
            assert index.search(snapshot, query) == SearchIndex().search(snapshot, query)


def test_a_cancelled_search_leaves_an_index_that_still_works(make_snapshot: MakeSnapshot) -> None:
    class Cancelled:
        def report(self, done: int, total: int, message: str) -> None:
            if done:
                raise OperationCancelledError("cancelled")

    files = {f"contexts/tasks/T-{number}.yaml": f"id: T-{number}\nnote: w{number}" for number in range(1000, 1600)}
    index, snapshot = SearchIndex(), make_snapshot(files)
    with pytest.raises(OperationCancelledError):
        index.search(snapshot, "w1", progress=Cancelled())
    assert index.search(snapshot, "w1", limit=1000) == SearchIndex().search(snapshot, "w1", limit=1000)


def names(hits: tuple[Hit, ...]) -> list[str]:
    return [hit.entity.id for hit in hits]
