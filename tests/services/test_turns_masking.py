"""Secrets in a text that arrives in pieces."""

from __future__ import annotations

import itertools
import random
import re
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckit_daemon.redaction import ASSIGNMENT, BEARER, MASK, PRIVATE_KEY, SECRET_VALUE, URL_PASSWORD, Redactor
from ckit_daemon.services.assistant.stream_masking import StreamMasker

KNOWN = "hunter2-hunter2"
SECRETS = [
    "sk-proj-abcdEFGH1234567890",
    "ghp_abcdefghijklmnopqrstuvwxyz0123",
    "AKIAABCDEFGHIJKLMNOP",
    "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAK\n-----END RSA PRIVATE KEY-----",
    KNOWN,
]
FRAMED = [
    *("password: swordfish99", "Authorization: Bearer abcdef0123456789", "postgres://me:swordfish99@db/x"),
    *("PGPASSWORD=swordfish99", "MYSQL_PWD=swordfish99"),
]
REDACTOR = Redactor({"DB_PASSWORD": KNOWN})


def streamed(pieces: list[str]) -> list[str]:
    masker = StreamMasker(REDACTOR)
    return [*map(masker.push, pieces), masker.finish()]


@pytest.mark.parametrize("secret", [*SECRETS, *FRAMED])
@pytest.mark.parametrize("seed", range(20))
def test_a_secret_is_masked_however_the_text_is_cut(secret: str, seed: int) -> None:
    text = f"The service said: {secret} and then a thing, and\nmore of sense."
    cuts = sorted({0, len(text), *random.Random(seed).sample(range(1, len(text)), 12)})
    shown = "".join(streamed([text[a:b] for a, b in itertools.pairwise(cuts)]))
    # A known secret has no mark of its own, so that up to three of its characters may be out before it is recognized.
    assert re.sub(r"\bhu?n?(?=\[redacted)", "", shown) == REDACTOR.text(text)
    assert MASK in shown


@pytest.mark.parametrize("secret", [*SECRETS, *FRAMED])
def test_a_secret_is_masked_letter_by_letter_and_at_the_end_of_the_text(secret: str) -> None:
    shown = "".join(streamed([*f"It is {secret}"]))
    assert MASK in shown
    assert "swordfish99" not in shown
    assert secret[6:] not in shown


@pytest.mark.parametrize("secret", [SECRETS[0], SECRETS[3], SECRETS[4], KNOWN])
def test_a_text_that_breaks_off_within_a_secret_keeps_no_part_that_tells(secret: str) -> None:
    for end in range(len(secret)):
        shown = "".join(streamed([*f"It is {secret[:end]}"]))
        assert secret[:9] not in shown, f"{end}: {shown}"
    assert "".join(streamed(["It is a hunter"])) == "It is a hunter"


def test_ordinary_words_pass_at_once() -> None:
    words = re.findall(
        r"\s*\S+", "The feature keeps its tokens: two specs and seven tasks, see https://example.org:8080/x now."
    )
    held = [word for word, shown in zip(words, streamed(words), strict=False) if not shown]
    assert held == []


def test_a_key_without_end_does_not_fill_the_memory() -> None:
    masker = StreamMasker(REDACTOR)
    shown = "".join(masker.push("a" * 1000) for _ in range(1)) + masker.push(" sk-")
    shown += "".join(masker.push("x" * 1000) for _ in range(50))
    assert len(masker._window) < 10_000
    shown += masker.push(" end") + masker.finish()
    assert shown == "a" * 1000 + f" {MASK} end"


def masked_at_once(text: str) -> str:
    """What every pattern makes of the whole text."""
    text = PRIVATE_KEY.sub(MASK, text.replace(KNOWN, MASK))
    text = SECRET_VALUE.sub(MASK, text)
    text = BEARER.sub(rf"\1 {MASK}", text)
    text = URL_PASSWORD.sub(rf"\1:{MASK}@", text)
    return ASSIGNMENT.sub(rf"\1\2{MASK}", text)


ACROSS = ["Bearer\nabcdef0123456789", "password:\n  swordfish99", "token\n= swordfish99"]
GITHUB = [f"{kind}_abcdefghijklmnopqrstuv" for kind in ("ghp", "gho", "ghu", "ghs", "ghr", "github_pat")]
OTHERS = ["glpat-abcdefghij0123456789", "xoxb-1234567890-abc", f"AIza{'x' * 35}"]
STRANGE = ["acc\u0131\u017fs_to\u212aen=swordfish99", "bas\u0131c abcdef0123456789"]
PIECES = [*SECRETS, *FRAMED, *ACROSS, *GITHUB, *OTHERS, *STRANGE]
BETWEEN = ["title: A thing", "- a list", "word", "of r", "end c", " ", ":", "=", "\n", "\n\n", "\n  "]


@given(st.lists(st.sampled_from([*PIECES, *BETWEEN]), min_size=1, max_size=60), st.integers(0, 40))
def test_a_long_text_is_masked_step_by_step_as_it_would_be_at_once(pieces: list[str], step: int) -> None:
    text = "".join(pieces)
    with mock.patch("ckit_daemon.redaction.STEP_CHARACTERS", step):
        assert REDACTOR.text(text) == masked_at_once(text)


@pytest.mark.parametrize("secret", PIECES)
def test_a_secret_far_within_a_long_text_is_masked(secret: str) -> None:
    filling = "A line of the specification.\n" * 3000
    shown = REDACTOR.text(f"{filling}{secret}\n{filling}")
    assert MASK in shown
    assert "swordfish99" not in shown
    assert shown.startswith(filling)
    assert shown.endswith(filling)
