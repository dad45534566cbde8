"""Where keys come from."""

from __future__ import annotations

import asyncio
import base64
import html
import json
import logging
import threading
from typing import TYPE_CHECKING
from urllib.parse import quote

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail

from ckit_daemon.core.errors import DegradedError, SecretUnavailableError
from ckit_daemon.redaction import MASK, Redactor
from ckit_daemon.services.assistant.providers.keys import key_variables, teach_variables
from ckit_daemon.services.assistant.secrets import SecretStore
from ckit_daemon.settings import ModelsSettings, ProviderSettings, RagSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Generator

    from ckit_daemon.core.json import JsonObject

pytestmark = pytest.mark.asyncio


class Person:
    """A client whose person is asked for keys."""

    def __init__(self, *answers: str | None) -> None:
        self.left = list(answers)
        self.asked = 0

    def answers(self, method: str) -> bool:
        return method == "ckit/secret/request"

    async def request(self, method: str, params: JsonObject, *, timeout_seconds: float) -> JsonObject:
        self.asked += 1
        await asyncio.sleep(0)
        if not self.left:
            raise DegradedError(f"The client does not answer {method}.")
        return {"value": self.left.pop(0)}

    def notify(self, method: str, params: bytes) -> None:
        raise AssertionError(method)


class Drawer(KeyringBackend):
    """A keyring in memory."""

    priority = 1  # type: ignore[assignment] - keyring declares a property of the class.

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


@pytest.fixture
def drawer() -> Generator[Drawer]:
    """Make it the keyring of this process."""
    before = keyring.get_keyring()
    mine = Drawer()
    keyring.set_keyring(mine)
    yield mine
    keyring.set_keyring(before)


def store(*answers: str | None) -> tuple[SecretStore, Person]:
    person = Person(*answers)
    return SecretStore(person, Settings), person


async def refusal(secrets: SecretStore, reference: str) -> SecretUnavailableError:
    with pytest.raises(SecretUnavailableError) as caught:
        await secrets.resolve(reference, "work")
    assert caught.value.details == {"reference": reference}
    return caught.value


async def test_a_variable_of_the_environment_is_read_at_each_use(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets, _ = store()
    monkeypatch.setenv("CKIT_TEST_A", "value-one-1111\n")
    assert (await secrets.resolve("env:CKIT_TEST_A", "work")).get_secret_value() == "value-one-1111"
    monkeypatch.setenv("CKIT_TEST_A", "value-two-2222")
    assert (await secrets.resolve("env:CKIT_TEST_A", "work")).get_secret_value() == "value-two-2222"
    monkeypatch.delenv("CKIT_TEST_A")
    assert "CKIT_TEST_A" in (await refusal(secrets, "env:CKIT_TEST_A")).message


async def test_a_keyring_is_asked_by_service_and_user(drawer: Drawer) -> None:
    secrets, _ = store()
    drawer.set_password("azure", "me/team", "from-the-drawer-33")
    found = await secrets.resolve("keyring:azure/me/team", "work")
    assert found.get_secret_value() == "from-the-drawer-33"
    drawer.delete_password("azure", "me/team")
    assert await secrets.resolve("keyring:azure/me/team", "work") == found, "kept in memory until it is refused"
    secrets.forget("keyring:azure/me/team")
    assert "keyring set azure me/team" in (await refusal(secrets, "keyring:azure/me/team")).message


async def test_a_machine_without_a_keyring_says_what_to_use_instead(drawer: Drawer) -> None:
    keyring.set_keyring(fail.Keyring())
    secrets, _ = store()
    assert "env:NAME" in (await refusal(secrets, "keyring:azure/me")).message


async def test_a_person_is_asked_once_for_calls_at_the_same_time() -> None:
    secrets, person = store("typed-by-hand-44")
    found = await asyncio.gather(*(secrets.resolve("client:work", "work") for _ in range(5)))
    assert {each.get_secret_value() for each in found} == {"typed-by-hand-44"}
    assert person.asked == 1


async def test_a_person_who_gives_nothing_is_asked_again_the_next_time() -> None:
    secrets, person = store(None, "second-thoughts-55")
    await refusal(secrets, "client:work")
    assert (await secrets.resolve("client:work", "work")).get_secret_value() == "second-thoughts-55"
    assert person.asked == 2


@pytest.mark.parametrize("value", ["   ", "line-4811\nbreak", "schlüssel-4812", "null-4813\x00byte"])
async def test_what_can_be_no_key_is_refused_without_repeating_it(
    value: str, monkeypatch: pytest.MonkeyPatch, drawer: Drawer
) -> None:
    drawer.set_password("service", "user", value)
    secrets, _ = store()
    assert value not in (await refusal(secrets, "keyring:service/user")).message
    text = f"before {value} after"
    assert (Redactor({}).text(text) == text) is (len(value.strip()) < 6), "it was taken for a key, and may be one"


async def test_R08_every_key_is_masked_from_then_on_in_any_form(caplog: pytest.LogCaptureFixture) -> None:
    key = "odd\"key'with\\+signs/&<spaces>"
    secrets, _ = store(key)
    redactor = Redactor({})
    with caplog.at_level(logging.DEBUG):
        secret = await secrets.resolve("client:work", "work")
    assert "odd" not in f"{secret!r} {secret}"
    in_json = json.dumps(key)[1:-1]
    in_python = (repr(key)[1:-1], repr(key.encode())[2:-1])
    for written in (key, quote(key, safe=""), in_json, json.dumps(in_json)[1:-1], *in_python, html.escape(key)):
        assert redactor.text(f"before {written} after") == f"before {MASK} after"
    for before in ("", "a", "user:"):
        encoded = base64.b64encode(f"{before}{key}".encode()).decode()
        # What stands before and behind it takes part in a character or two.
        assert len(redactor.text(encoded).replace(MASK, "")) <= len(before) * 4 / 3 + 4
    assert "odd" not in caplog.text


def a_provider(**fields: object) -> Settings:
    providers = {"work": ProviderSettings(kind="openai", **fields)}  # type: ignore[arg-type]
    return Settings(models=ModelsSettings(providers=providers), rag=RagSettings(chroma_token="env:CKIT_TEST_CHROMA"))


async def test_R08_keys_of_variables_are_masked_before_anybody_has_used_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CKIT_TEST_PLAIN", "plain-word-of-ours-66\n")
    monkeypatch.setenv("CKIT_TEST_HEADER", "header-word-of-ours-77")
    monkeypatch.setenv("CKIT_TEST_CHROMA", "chroma-word-of-ours-88")
    settings = a_provider(api_key="env:CKIT_TEST_PLAIN", headers={"X-Team": "env:CKIT_TEST_HEADER", "X": "client:x"})
    assert key_variables(settings) == {"CKIT_TEST_PLAIN", "CKIT_TEST_HEADER", "CKIT_TEST_CHROMA"}
    text = "plain-word-of-ours-66 header-word-of-ours-77 chroma-word-of-ours-88"
    assert Redactor({}).text(text) == text
    teach_variables(settings)
    assert Redactor({}).text(text) == f"{MASK} {MASK} {MASK}"


async def test_R08_keys_of_the_keyring_are_masked_once_the_store_is_prepared(drawer: Drawer) -> None:
    drawer.set_password("azure", "early", "from-the-drawer-88")
    secrets, person = store("never")
    secrets.prepare(["keyring:azure/early", "keyring:azure/nobody", "client:work", "env:CKIT_TEST_NOT_SET"])
    assert Redactor({}).text("It is from-the-drawer-88.") == f"It is {MASK}."
    assert person.asked == 0


async def test_a_keyring_that_can_t_be_read_is_no_obstacle(caplog: pytest.LogCaptureFixture, drawer: Drawer) -> None:
    keyring.set_keyring(fail.Keyring())
    with caplog.at_level(logging.INFO):
        store()[0].prepare(["keyring:azure/me"])
    assert "a key is not known yet" in caplog.text


async def test_a_keyring_that_waits_for_a_person_holds_nobody_up_and_its_keys_are_masked_later(drawer: Drawer) -> None:
    unlocked = threading.Event()

    class Locked(Drawer):
        def get_password(self, service: str, username: str) -> str | None:
            unlocked.wait(20)
            return "behind-the-lock-99"

    keyring.set_keyring(Locked())
    settings = Settings(models=ModelsSettings(connect_timeout_seconds=0.01))
    SecretStore(Person(), lambda: settings).prepare(["keyring:azure/me"])
    assert Redactor({}).text("behind-the-lock-99") == "behind-the-lock-99"
    unlocked.set()
    for thread in threading.enumerate():
        if thread.name == "ckit-keyring":
            thread.join(20)
    assert Redactor({}).text("behind-the-lock-99") == MASK
