"""What providers' errors become."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from ckit_daemon import redaction
from ckit_daemon.core.errors import (
    ContextTooLongError,
    OverloadedError,
    ProviderError,
    ProviderUnavailableError,
    RateLimitedError,
)
from ckit_daemon.services.assistant.providers.base import ProviderState
from ckit_daemon.services.assistant.providers.errors import Translator, read_body, retry_after_ms
from ckit_daemon.services.assistant.providers.http import proxy_for, stamp
from ckit_daemon.services.assistant.providers.keys import Keys, key_references
from ckit_daemon.services.assistant.providers.ollama import OllamaProvider
from ckit_daemon.services.assistant.providers.openai import OpenAiProvider
from ckit_daemon.services.assistant.providers.probe import ProviderProbe
from ckit_daemon.services.assistant.secrets import SecretStore
from ckit_daemon.settings import ProviderSettings, Settings
from tests.providers.test_secrets import Person

if TYPE_CHECKING:
    from ckit_daemon.core.errors import CkitError
    from ckit_daemon.services.assistant.providers.base import Provider

SECRETS = SecretStore(Person(), Settings)
KEYED = ProviderSettings(kind="openai", api_key="env:CKIT_TEST_KEY")


def translator(settings: ProviderSettings = KEYED) -> Translator:
    return Translator("work", Keys("work", settings, SECRETS))


@pytest.mark.parametrize(
    ("headers", "milliseconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3000),
        ({"retry-after": " 0.5 "}, 500),
        ({"retry-after": "0"}, 0),
        ({"retry-after-ms": "1250", "retry-after": "9"}, 1250),
        ({"retry-after": "99999999"}, 24 * 3600 * 1000),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 99 Foo 2026 99:99:99 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
    ],
)
def test_R33_retry_after_is_read_in_each_of_its_forms(headers: dict[str, str], milliseconds: int | None) -> None:
    assert retry_after_ms(headers) == milliseconds


def test_R33_retry_after_may_be_a_date() -> None:
    found = retry_after_ms({"retry-after": formatdate(time.time() + 60, usegmt=True)})
    assert found is not None
    assert 50_000 < found <= 60_000


BODIES = [
    ({"error": {"message": "m", "code": "c", "type": "t"}}, ("c", "m")),
    ({"message": "m", "code": None, "type": "t"}, ("t", "m")),
    ({"error": {"message": "m", "code": 400, "type": "t"}}, ("t", "m")),
    ({"error": "m"}, ("", "m")),
    ({"statusCode": 401, "message": "m"}, ("", "m")),
    ("<html>", ("", "<html>")),
    (None, ("", "")),
    ([1], ("", "")),
    ({"error": None}, ("", "")),
]


@pytest.mark.parametrize(("body", "expected"), BODIES, ids=json.dumps)
def test_the_usual_forms_of_bodies_are_read(body: object, expected: tuple[str, str]) -> None:
    assert read_body(body) == expected


def coded(code: str) -> dict[str, object]:
    return {"error": {"message": "No.", "code": code}}


STATUSES = [
    (400, coded("context_length_exceeded"), ContextTooLongError),
    (413, {"error": "the prompt is too long"}, ContextTooLongError),
    (500, {"error": "input exceeds the context window"}, ContextTooLongError),
    (400, coded("content_filter"), ProviderError),
    (400, coded("invalid_value"), ProviderError),
    (402, None, ProviderError),
    (403, None, ProviderError),
    (409, None, ProviderUnavailableError),
    (429, coded("insufficient_quota"), ProviderError),
    (429, coded("rate_limit_exceeded"), RateLimitedError),
    (529, None, ProviderUnavailableError),
    (301, None, ProviderError),
]


@pytest.mark.parametrize(("status", "body", "kind"), STATUSES, ids=str)
def test_a_status_and_code_decide_what_an_error_becomes(status: int, body: object, kind: type[CkitError]) -> None:
    assert type(translator().status(status, {}, body)) is kind


def test_a_refused_key_is_named_by_its_reference() -> None:
    assert "env:CKIT_TEST_KEY" in translator().status(401, {}, None).message
    bare = translator(ProviderSettings(kind="ollama")).status(401, {}, None)
    assert "apiKey" in bare.message


def test_an_error_in_the_middle_of_an_answer_may_be_about_its_length() -> None:
    assert isinstance(translator().in_stream(coded("context_length_exceeded")), ContextTooLongError)
    assert isinstance(translator().in_stream({"error": "out of memory"}), ProviderUnavailableError)


def test_R27_health_says_that_a_provider_is_left_alone() -> None:
    state = ProviderState("work", "openai", "ready", None, "http://127.0.0.1:9/v1", None, "native", ())
    found = ProviderProbe("work", lambda _: state, lambda: {"work": "open"}).check()
    assert found.status == "degraded"
    assert found.works
    inside = replace(state, base_url=None)
    assert ProviderProbe("work", lambda _: inside, lambda: {"work": "halfOpen"}).check().status == "ok"


def test_what_a_provider_says_is_shortened_masked_and_put_on_one_line() -> None:
    redaction.learn("a-secret-of-the-tests")
    message = translator().status(400, {}, {"error": "one\n\ttwo a-secret-of-the-tests " + "x" * 1000}).message
    assert "one two [redacted] xxx" in message
    assert message.endswith("…")
    assert len(message) < 600


PROVIDERS = [
    OpenAiProvider("work", ProviderSettings(kind="openai", base_url="http://127.0.0.1:9/v1"), SECRETS),
    OllamaProvider("work", ProviderSettings(kind="ollama"), SECRETS),
]


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.kind)
def test_errors_of_ours_pass_unchanged_and_unforeseen_ones_are_logged(
    provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    ours = OverloadedError("Full.")
    assert provider.translate(ours) is ours
    for odd in (ValueError("odd"), KeyError("choices"), TypeError("odd")):
        assert isinstance(provider.translate(odd), ProviderUnavailableError)
    with caplog.at_level(logging.ERROR):
        error = provider.translate(ArithmeticError("the secret inside"))
    assert isinstance(error, ProviderError)
    assert "secret" not in error.message
    assert "the secret inside" in caplog.text


def test_no_proxy_stands_before_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("https_proxy", "http://proxy.example:3129")
    monkeypatch.setenv("no_proxy", "intern.example")
    for here in ("http://127.0.0.1:11434", "http://localhost:1234/v1", "http://[::1]:8080", "http://intern.example/v1"):
        assert proxy_for(here) is None, here
    assert proxy_for("https://api.openai.com/v1") == "http://proxy.example:3129"
    assert proxy_for("http://models.example") == "http://proxy.example:3128"


def test_only_our_own_headers_say_who_is_asking() -> None:
    headers = {"authorization": "Bearer placeholder", "api-key": "x", "openai-project": "p", "accept": "*/*"}
    stamp(headers, {"X-Request-Id": "7"})
    assert headers == {"accept": "*/*", "X-Request-Id": "7"}


def test_a_usual_variable_counts_only_where_its_key_belongs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "set-for-the-test")
    assert key_references(ProviderSettings(kind="openai")) == ["env:OPENAI_API_KEY"]
    assert key_references(ProviderSettings(kind="openai", base_url="http://other.example/v1")) == []
    assert key_references(ProviderSettings(kind="azure")) == ["env:AZURE_OPENAI_API_KEY"]
    managed = ProviderSettings(kind="azure", subscription_key="env:APIM")
    assert key_references(managed) == ["env:AZURE_OPENAI_API_KEY", "env:APIM"]
    monkeypatch.delenv("AZURE_OPENAI_API_KEY")
    assert key_references(managed) == ["env:APIM"]
    assert key_references(ProviderSettings(kind="ollama")) == []
