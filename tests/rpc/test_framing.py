"""Frames come out whole whatever pieces the bytes come in."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckit_daemon.framing import Fault, Framer, Message
from tests.support.client import frame

if TYPE_CHECKING:
    from ckit_daemon.core.json import JsonValue

LIMIT = 100_000
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
headers = st.dictionaries(
    st.from_regex(r"X-[A-Za-z]{1,8}", fullmatch=True), st.from_regex(r"[a-z0-9:;= ]{0,20}", fullmatch=True), max_size=3
)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Return the data in pieces."""
    edges = sorted({0, len(data), *(p % (len(data) + 1) for p in places)})
    return [data[a:b] for a, b in itertools.pairwise(edges)]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(documents, headers), max_size=5), st.lists(st.integers(0, 10_000), max_size=20))
def test_documents_survive_any_cut_and_any_foreign_header(
    items: list[tuple[object, dict[str, str]]], places: list[int]
) -> None:
    data = b"".join(frame(document, extra) for document, extra in items)
    framer = Framer(lambda: LIMIT)
    found = [f for piece in cut(data, places) for f in framer.feed(piece)]
    assert [f.value for f in found if isinstance(f, Message)] == [document for document, _ in items]
    assert len(found) == len(items)
    assert not framer.waiting


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.lists(st.integers(0, 10_000), max_size=5))
def test_after_any_rubbish_a_good_message_is_found_again(rubbish: bytes, places: list[int]) -> None:
    framer = Framer(lambda: LIMIT)
    good = {"jsonrpc": "2.0", "method": "x"}
    # The second message is the one that must arrive: rubbish may end in something that swallows the first.
    data = rubbish + frame(good) + frame(good)
    found = [f for piece in cut(data, places) for f in framer.feed(piece)]
    if any(isinstance(f, Fault) and f.fatal for f in found):
        return
    assert good in [f.value for f in found if isinstance(f, Message)]


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (r'"\ud83c"', "\ufffd"),
        (r'"\uDF89 and \uD83C"', "\ufffd and \ufffd"),
        (r'"\ud83c\ud83c\udf89"', "\ufffd🎉"),
        (r'"\udf89\ud83c"', "\ufffd\ufffd"),
        (r'"\ud83cx\udf89"', "\ufffdx\ufffd"),
        (r'"\\ud83c \ud83c"', "\\ud83c \ufffd"),
        (r'{"\udfff": ["\ud83c\udf89"]}', {"\ufffd": ["🎉"]}),
    ],
)
def test_half_a_surrogate_pair_becomes_the_character_that_stands_for_none(sent: str, read: JsonValue) -> None:
    data = sent.encode()
    framer = Framer(lambda: LIMIT)
    assert [*framer.feed(b"Content-Length: %d\r\n\r\n" % len(data) + data)] == [Message(read, len(data))]


def test_a_broken_document_stays_broken_whatever_halves_it_holds() -> None:
    data = rb'{"text": "\ud83c", '
    framer = Framer(lambda: LIMIT)
    [fault] = framer.feed(b"Content-Length: %d\r\n\r\n" % len(data) + data)
    assert isinstance(fault, Fault)


def test_a_header_inside_a_string_of_a_broken_document_is_not_obeyed() -> None:
    inner = frame({"jsonrpc": "2.0", "method": "evil"}).decode()
    document = json.dumps({"text": inner}).encode()[:-1]
    framer = Framer(lambda: LIMIT)
    found = list(framer.feed(b"Content-Length: %d\r\n\r\n" % len(document) + document))
    assert [type(f) for f in found] == [Fault]


def test_a_body_over_the_limit_is_skipped_without_being_kept() -> None:
    framer = Framer(lambda: 1000)
    found = list(framer.feed(b"Content-Length: 50000\r\n\r\n"))
    for _ in range(50):
        found += framer.feed(b"x" * 1000)
    found += framer.feed(frame({"a": 1}))
    assert [type(f) for f in found] == [Fault, Message]


def test_a_length_beyond_all_measure_ends_the_stream() -> None:
    (fault,) = Framer(lambda: 1000).feed(b"Content-Length: 99999999999999\r\n\r\n")
    assert isinstance(fault, Fault)
    assert fault.fatal
