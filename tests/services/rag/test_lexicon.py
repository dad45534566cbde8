"""Words find passages, whatever the query holds."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckit_daemon.core.errors import OperationCancelledError
from ckit_daemon.core.progress import SILENT
from ckit_daemon.services.rag.lexicon import MAX_WORDS, PassageLexicon
from tests.support.passages import FEATURE, MemoryRepository, corpus_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckit_daemon.services.rag.ports import LexicalHit

GUIDE: Final = "docs/guide.md"
SECTIONS: Final = {
    "loans": "A member borrows items at the kiosk and returns them later. Borrowing is free.",
    "queue": "Reservations wait in a queue; the reservation queue has an order. See SPEC-004 and svc-loans.",
    "names": "The field acceptanceCriteria and the event loan.opened are names. Also HTTPServer.",
    "coffee": "The café serves crème brûlée and Grüße.",
    "dates": "Each due date is computed once. The date on which a fee is due never moves.",
    "limits": "A member holds twelve items at most. A member may renew items twice.",
}


def guide(sections: Mapping[str, str] = SECTIONS) -> dict[str, str]:
    return {GUIDE: "".join(f"# {name}\n\n{text}\n\n" for name, text in sections.items())}


def lexicon_of(files: Mapping[str, str]) -> PassageLexicon:
    lexicon = PassageLexicon()
    lexicon.update(corpus_of(files), SILENT)
    return lexicon


@pytest.fixture(scope="module")
def lexicon() -> PassageLexicon:
    return lexicon_of(guide())


def names(hits: Sequence[LexicalHit]) -> list[str]:
    return [hit.chunk.id.partition("#")[2] for hit in hits]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("borrowing", "loans"),
        ("to BORROW an ITEM at the kiosk", "loans"),
        ("reserve queues in order", "queue"),
        ("SPEC-004", "queue"),
        ("spec-004.", "queue"),
        ("(svc-loans)", "queue"),
        ("acceptanceCriteria", "names"),
        ("acceptance criteria", "names"),
        ("acceptance", "names"),
        ("loan.opened", "names"),
        ("http server", "names"),
        ("cafe creme brulee", "coffee"),
        ("CAFÉ", "coffee"),
        ("cafe\u0301", "coffee"),
        ("bru\u0302le\u0301e", "coffee"),
        ("grusse", ""),
        ("gruße", "coffee"),
        ("resrvation quue", "queue"),
        ("kiosq", "loans"),
        ("comptued", "dates"),
        ("reservatoins", "queue"),
        ("rezervatoins", "queue"),
        ("girafs", ""),
        ("guide.md limits", "limits"),
    ],
)
def test_stems_accents_ids_names_and_typos_find(lexicon: PassageLexicon, query: str, found: str) -> None:
    assert names(lexicon.search(query, limit=1)) == ([found] if found else [])


def test_a_score_is_the_share_of_the_words_by_how_telling_they_are(lexicon: PassageLexicon) -> None:
    (whole,) = lexicon.search("kiosk", limit=1)
    half, *_ = lexicon.search("kiosk zebras", limit=1)
    assert whole.words == ("kiosk",)
    assert 0.7 < whole.score <= 1
    assert half.words == ("kiosk",)
    assert half.score < 0.6 * whole.score
    rare, *_ = lexicon.search("kiosk member", limit=1)
    assert names([rare]) == ["loans"]
    assert rare.words == ("kiosk", "member")
    by_common = next(hit for hit in lexicon.search("kiosk member", limit=5) if hit.words == ("member",))
    assert by_common.score < 0.5 * rare.score


def test_words_that_only_make_a_question_count_little(lexicon: PassageLexicon) -> None:
    plain, *_ = lexicon.search("kiosk", limit=1)
    asked, *_ = lexicon.search("What is there at the kiosk?", limit=1)
    assert names([asked]) == ["loans"]
    assert asked.score > 0.4 * plain.score


def test_a_misspelt_word_counts_less_than_a_right_one(lexicon: PassageLexicon) -> None:
    right, *_ = lexicon.search("kiosk", limit=1)
    one, *_ = lexicon.search("kiosq", limit=1)
    assert 0.5 * right.score < one.score < 0.8 * right.score
    assert lexicon.is_misspelt("where is the kiosq")
    assert not lexicon.is_misspelt("where is the kiosk")
    assert not lexicon.is_misspelt("zebras")


@pytest.mark.parametrize("query", ["zebra", "kio", "kiosksss", "lmts", "0123456", "цена", "日本語"])
def test_what_is_like_no_word_finds_nothing(lexicon: PassageLexicon, query: str) -> None:
    assert lexicon.search(query, limit=5) == ()


def test_quoted_words_are_found_together_and_in_order(lexicon: PassageLexicon) -> None:
    assert names(lexicon.search('"due date"', limit=5)) == ["dates"]
    assert names(lexicon.search("“due date”", limit=5)) == ["dates"]
    assert lexicon.search('"date due"', limit=5) == ()
    assert lexicon.search('"duedate"', limit=5) == ()
    assert lexicon.search('"computed kiosk"', limit=5) == ()
    first, second, *_ = lexicon.search('"reservation queue" kiosk', limit=5)
    assert names([first, second]) == ["queue", "loans"]
    assert first.words == ("reservation queue",)


def test_an_id_whose_parts_stand_apart_is_found_by_them(lexicon: PassageLexicon) -> None:
    assert {*names(lexicon.search("due-kiosk", limit=5))} == {"loans", "dates"}
    assert lexicon.weights("due-kiosk").keys() == {"due", "kiosk"}


def test_weights_say_how_telling_words_are(lexicon: PassageLexicon) -> None:
    weights = lexicon.weights('kiosk, member the zebra? "due date" SPEC-004')
    assert weights.keys() == {"kiosk", "member", "the", "zebra", "due date", "SPEC-004"}
    assert weights["kiosk"] == weights["zebra"] == weights["due date"] == weights["SPEC-004"] == 1
    assert 0 <= weights["the"] < weights["member"] < 1
    assert PassageLexicon().weights("a b") == {"a": 1.0, "b": 1.0}


def test_only_allowed_passages_are_found(lexicon: PassageLexicon) -> None:
    allowed = {f"{GUIDE}#limits", f"{GUIDE}#coffee", "gone.md#"}
    assert names(lexicon.search("member", limit=5, allowed=allowed)) == ["limits"]
    assert lexicon.search("member", limit=5, allowed=[]) == ()
    assert lexicon.search("member", limit=0) == ()
    assert len(lexicon.search("member", limit=10**9)) == 2


def test_equal_passages_come_in_the_order_of_their_ids() -> None:
    same = {f"{name}.md": "# A\n\nSame words.\n" for name in "dbca"}
    assert [hit.chunk.path for hit in lexicon_of(same).search("same words", limit=3)] == ["a.md", "b.md", "c.md"]


QUERIES: Final = [
    "",
    " \t\n",
    '"',
    '""',
    "'",
    "*",
    "kiosk*",
    "^kiosk",
    "-kiosk",
    "+kiosk",
    "kiosk AND NOT (member OR",
    "NEAR(kiosk member, 2)",
    "heading : kiosk",
    "{heading text}: kiosk",
    'kiosk" OR "x',
    "kiosk'; DROP TABLE words; --",
    "a\0kiosk",
    "\ud800kiosk\udfff",
    "\x01\x02",
    "(" * 5000,
    "%s {} \\ / $",
    "🙂",
]


@pytest.mark.parametrize("query", QUERIES)
def test_operators_and_odd_characters_are_plain_text(lexicon: PassageLexicon, query: str) -> None:
    hits = lexicon.search(query, limit=5)
    assert [hit.chunk.text for hit in hits if "kiosk" in hit.words] == [SECTIONS["loans"]] * ("kiosk" in query)
    lexicon.weights(query)
    lexicon.is_misspelt(query)


@settings(deadline=None, max_examples=50)
@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=200))
def test_every_text_is_a_query(query: str) -> None:
    shared = lexicon_of(guide())
    hits = shared.search(query, limit=3)
    assert all(0 < hit.score <= 1 and hit.words for hit in hits)
    assert all(0 <= weight <= 1 for weight in shared.weights(query).values())


@pytest.mark.parametrize(
    "query",
    ["kiosk " * 20_000, "kiosk " + "x" * 100_000, '"' + "kiosk " * 20_000 + '"', "kiosk " + "a-b." * 25_000],
    ids=["words", "one word", "a phrase", "an id"],
)
def test_a_query_of_100_kb_is_answered(lexicon: PassageLexicon, query: str) -> None:
    first, *_ = lexicon.search(query, limit=5)
    assert names([first]) == ["loans"]
    assert lexicon.weights(query)["kiosk"] == 1


def test_of_a_long_text_the_most_telling_words_count() -> None:
    files = {f"{number}.md": f"# S\n\ncommon{number % 7} everywhere rare{number}\n" for number in range(100)}
    words = [
        *(f"common{number} everywhere" for number in range(7)),
        *(f"new{number}" for number in range(90)),
        "rare50",
    ]
    text = " ".join(words)
    first, *_ = lexicon_of(files).search(text, limit=3)
    assert first.chunk.path == "50.md"
    assert len(first.words) <= MAX_WORDS


# Keeping up


def test_an_update_finds_what_is_new_and_forgets_what_is_gone() -> None:
    repository, lexicon = MemoryRepository(), PassageLexicon()
    many = {f"docs/{number}.md": f"# N\n\nnumber{number}\n" for number in range(20)}
    lexicon.update(repository.corpus({**many, **guide()}), SILENT)
    changed = guide({**SECTIONS, "loans": "Giraffes borrow nothing."})
    lexicon.update(repository.corpus({**many, **changed}), SILENT)
    assert names(lexicon.search("giraffe", limit=5)) == ["loans"]
    assert names(lexicon.search("girafe", limit=5)) == ["loans"]
    assert lexicon.search("kiosk", limit=5) == ()
    assert names(lexicon.search("queue", limit=5)) == ["queue"]
    lexicon.update(repository.corpus(many), SILENT)
    assert lexicon.search("giraffe queue", limit=5) == ()
    lexicon.update(repository.corpus({}), SILENT)
    assert lexicon.search("number7", limit=5) == ()


def test_a_hit_shows_the_newest_state_of_its_entity() -> None:
    repository, lexicon = MemoryRepository(), PassageLexicon()
    others = {f"docs/{number}.md": f"# N\n\nnumber{number}\n" for number in range(20)}
    text = "id: FEAT-001\nstatus: proposed\nrules: [one two three]\n"
    lexicon.update(repository.corpus({**others, FEATURE: text}), SILENT)
    lexicon.update(repository.corpus({**others, FEATURE: text.replace("proposed", "done")}), SILENT)
    (rule,) = (hit for hit in lexicon.search("three", limit=5) if hit.chunk.field)
    assert rule.chunk.status == "done"


WORDS: Final = st.lists(st.sampled_from(["loan", "loans", "queue", "member", "svc-x", "kiosk"]), max_size=4)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.dictionaries(st.sampled_from("abcdef"), WORDS, max_size=6), max_size=6))
def test_step_by_step_finds_the_same_as_from_the_beginning(steps: list[dict[str, list[str]]]) -> None:
    repository, lexicon = MemoryRepository(), PassageLexicon()
    for step in steps:
        # With so many others it is not made anew.
        others = {f"docs/{number}.md": f"# N\n\nnumber{number}\n" for number in range(40)}
        files = others | {f"{name}.md": f"# H\n\n{' '.join(words)}\n" for name, words in step.items()}
        lexicon.update(repository.corpus(files), SILENT)
        fresh = lexicon_of(files)
        for query in ("loan kiosk", "queue", "svc-x memebr"):
            assert lexicon.search(query, limit=99) == fresh.search(query, limit=99)
            assert lexicon.weights(query) == fresh.weights(query)


@pytest.mark.parametrize("rebuild", [True, False])
def test_an_update_that_is_cancelled_changes_nothing_and_can_be_repeated(*, rebuild: bool) -> None:
    class Cancelling:
        def report(self, done: int, total: int, message: str) -> None:
            raise OperationCancelledError("cancelled")

    repository, lexicon = MemoryRepository(), PassageLexicon()
    many = {f"docs/{number}.md": f"# N\n\nnumber{number}\n" for number in range(0 if rebuild else 60)}
    lexicon.update(repository.corpus({**many, **guide()}), SILENT)
    after = repository.corpus({**many, **guide({**SECTIONS, "loans": "Giraffes."})})
    with pytest.raises(OperationCancelledError):
        lexicon.update(after, Cancelling())
    assert names(lexicon.search("kiosk", limit=5)) == ["loans"]
    assert lexicon.search("giraffes", limit=5) == ()
    lexicon.update(after, SILENT)
    assert lexicon.search("kiosk", limit=5) == ()
    assert names(lexicon.search("giraffes", limit=5)) == ["loans"]


def test_threads_search_while_it_is_updated() -> None:
    repository, lexicon = MemoryRepository(), PassageLexicon()
    many = {f"docs/{number}.md": f"# N\n\nnumber{number} common\n" for number in range(60)}
    corpora = [repository.corpus({**many, "a.md": f"# A\n\nversion{number} common\n"}) for number in range(40)]
    lexicon.update(corpora[0], SILENT)
    failures: list[BaseException] = []
    done = threading.Event()

    def search() -> None:
        try:
            while not done.is_set():
                hits = lexicon.search("common", limit=100)
                assert len(hits) == 61
                assert len([hit for hit in hits if hit.chunk.path == "a.md"]) == 1
        except BaseException as error:  # noqa: BLE001 - the test shows it.
            failures.append(error)

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for corpus in [*corpora, *reversed(corpora)]:
        lexicon.update(corpus, SILENT)
    done.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert names(lexicon.search("version0", limit=5)) == ["a"]
