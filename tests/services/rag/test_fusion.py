"""What words, meanings, ids and the graph amount to."""

from __future__ import annotations

import pytest

from ckit_daemon.services.rag.fusion import (
    LEXICAL,
    MATCHED,
    PLAIN,
    UNNAMED,
    WORDED,
    Evidence,
    at_most,
    fuse,
    named,
    weight_of_words,
    with_part,
)
from ckit_daemon.services.rag.records import Chunk, ScorePart


def a_chunk(name: str = "a", entity: str = "FEAT-001") -> Chunk:
    return Chunk(f"f.yaml#{name}", "entity", "f.yaml", (name,), "Heading", "Text", f"hash-{name}", entity=entity)


def evidence(name: str, cosine: float | None, lexical: float, *words: str) -> Evidence:
    return Evidence(a_chunk(name), cosine, lexical, words)


@pytest.mark.parametrize(
    ("query", "mode", "best", "misspelt", "weight"),
    [
        ("how long does it wait", "hybrid", 0.0, False, LEXICAL),
        ("how long does it wait", "hybrid", 1.0, False, LEXICAL + MATCHED),
        ('the "hold shelf"', "hybrid", 0.0, False, WORDED),
        ("\u201chold shelf\u201d", "hybrid", 0.0, False, WORDED),
        ("hold shlef", "hybrid", PLAIN, True, WORDED),
        ("hold shlef", "hybrid", PLAIN - 0.01, True, LEXICAL + MATCHED * (PLAIN - 0.01)),
        ('the "hold shelf"', "lexical", 0.0, False, 1.0),
        ('the "hold shelf"', "vector", 1.0, True, 0.0),
    ],
)
def test_words_count_by_the_form_of_the_query(
    query: str, mode: str, best: float, misspelt: bool, weight: float
) -> None:
    assert weight_of_words(query, mode, best, misspelt=misspelt) == pytest.approx(weight)  # type: ignore[arg-type]


def test_the_score_is_the_sum_of_its_explained_parts() -> None:
    fused = fuse([evidence("a", 0.6, 0.5, "wait"), evidence("b", 0.2, 0.0)], 0.3)
    assert fused.best.id == "f.yaml#a"
    assert fused.score == pytest.approx(sum(part.score * part.weight for part in fused.parts))
    assert [part.source for part in fused.parts] == ["lexical", "vector"]
    assert fused.parts[0].why == "shares wait"


def test_an_entity_that_is_found_by_its_title_alone_is_shown_by_its_beginning() -> None:
    title = "T-009 Retry deliveries"
    short = Chunk("t.yaml#steps[0]", "entity", "t.yaml", ("steps", 0), title, "Unit tests pass", "h1", entity="T-009")
    card = Chunk("t.yaml#", "entity", "t.yaml", (), title, "Status: todo, owner: @mira", "h2", entity="T-009")

    def shown(said: Chunk, *words: str, lexical: float = WORDED) -> Chunk:
        return fuse([Evidence(said, 0.3, 0.9, words), Evidence(card, 0.2, 0.8, words)], lexical).best

    assert shown(short, "retry deliveries") == card
    assert shown(short, "retry", "tests") == short
    assert shown(short, "retyr") == short
    assert shown(short) == short
    assert shown(short, "retry deliveries", lexical=LEXICAL) == short
    scores = [
        fuse([Evidence(short, 0.3, 0.9, words), Evidence(card, 0.2, 0.8, ())], WORDED) for words in (("retry",), ())
    ]
    assert scores[0].score == scores[1].score
    assert "of another passage" in scores[0].parts[1].why


def test_a_passage_whose_siblings_fit_too_comes_before_one_that_fits_alone() -> None:
    alone = fuse([evidence("a", 0.6, 0.0), evidence("b", 0.0, 0.0)], 0.2)
    together = fuse([evidence("c", 0.6, 0.0), evidence("d", 0.5, 0.0)], 0.2)
    assert together.score > alone.score


def test_what_is_not_embedded_yet_is_judged_by_its_words() -> None:
    waiting = fuse([evidence("a", None, 0.8, "wait")], 0.2)
    embedded = fuse([evidence("b", 0.0, 0.8, "wait")], 0.2)
    assert waiting.score == pytest.approx(0.8)
    assert waiting.score > embedded.score


def test_passages_that_mean_the_opposite_count_for_nothing() -> None:
    assert fuse([evidence("a", -0.4, 0.0)], 0.2).score == 0


def test_an_id_that_the_query_names_comes_before_everything_else() -> None:
    perfect = fuse([evidence("a", 1.0, 1.0, "wait")], 0.5)
    first, second = named(None, a_chunk("x"), 0), named(perfect, a_chunk("y"), 1)
    assert first.score > 0.89
    assert second.score > 0.89
    assert named(None, a_chunk(), 0).score > named(None, a_chunk(), 1).score
    for each in (first, second):
        assert each.score == pytest.approx(sum(part.score * part.weight for part in each.parts))
        assert each.parts[0].source == "exactId"


def test_names_stay_in_the_order_of_the_query_however_well_the_rest_fits() -> None:
    perfect = fuse([evidence("a", 1.0, 1.0, "wait")], 0.5)
    scores = [named(perfect if position % 2 else None, a_chunk(), position).score for position in range(10)]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(scores)
    other = at_most(perfect, UNNAMED)
    assert other.score == UNNAMED < scores[-1]
    assert sum(part.score * part.weight for part in other.parts) == pytest.approx(UNNAMED)
    assert at_most(other, UNNAMED) is other


def test_no_score_passes_one() -> None:
    fused = fuse([evidence("a", 1.0, 1.0)], 0.5)
    assert with_part(fused, ScorePart("graph", 1.0, 0.5, "because")).score == 1.0
