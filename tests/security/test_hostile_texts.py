"""Texts that are made to keep the daemon busy: to search one takes a time that grows with its length alone.

Each of these took from 5 to 50 seconds where a pattern went back and forth, in which the daemon answers nobody.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.lsp.links import paths_in
from ckit_daemon.lsp.markup import Markup
from ckit_daemon.redaction import Redactor
from ckit_daemon.services.assistant.gateway.parsing import parse
from ckit_daemon.services.generation.artifacts import from_blocks
from ckit_daemon.services.generation.markdown import sections
from ckit_daemon.services.rag.chunking import markdown as passages
from ckit_daemon.services.rag.secrets import PassageRedactor
from ckit_daemon.services.rag.terms import inner_words

if TYPE_CHECKING:
    from collections.abc import Callable

DEADLINE_SECONDS = 2.5
"""All of them take milliseconds."""


def sections_of(text: str) -> list[passages.Section]:
    return [*passages.sections(text)]


def words_in(text: str) -> list[str]:
    return [*inner_words(text)]


def parsed(text: str) -> object:
    return parse(text, {"type": "object"})


@pytest.mark.parametrize(
    ("search", "text"),
    [
        pytest.param(sections, "# a" + " " * 2000 + "b", id="blanks in a heading"),
        pytest.param(sections, "# a" + "#" * 40_000 + "b", id="marks in a heading"),
        pytest.param(parsed, "```" + " " * 60_000 + "x", id="blanks after a fence"),
        pytest.param(from_blocks, "```\n# a.py" + " " * 60_000 + "x\n```\n", id="blanks after a path"),
        pytest.param(from_blocks, "```a\n" * 12_000, id="blocks that nothing closes"),
        pytest.param(Redactor({}).text, "https://example.com " + "a." * 40_000, id="dots on one line"),
        pytest.param(Redactor({}).text, "password" * 8000, id="names of secrets in one word"),
        pytest.param(Redactor({}).text, "my_pwd" + " " * 60_000, id="blanks after the name of a secret"),
        pytest.param(PassageRedactor({}).text, "A_PWD=" + "a." * 40_000, id="dots in the value of a variable"),
        pytest.param(PassageRedactor({}).text, "A_PWD=$" + "A" * 60_000 + "a", id="a variable in the value of another"),
        pytest.param(words_in, "a" * 20_000, id="a word without an end"),
        pytest.param(sections_of, "# a" + "_" * 40_000 + "b\n\ntext\n", id="underscores in a heading"),
        pytest.param(paths_in, "a" * 120_000, id="letters on one line"),
        pytest.param(paths_in, "a://b c.d " * 12_000, id="addresses on one line"),
        pytest.param(Markup(markdown=True).text, "\n" * 20_000, id="empty lines"),
    ],
)
def test_R21_a_hostile_text_is_searched_at_once(search: Callable[[str], object], text: str) -> None:
    began = time.monotonic()
    search(text)
    assert time.monotonic() - began < DEADLINE_SECONDS
