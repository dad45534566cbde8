"""Where keys come from."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail

from ckit_daemon.core.errors import DegradedError, SecretUnavailableError
from ckit_daemon.redaction import MASK, Redactor
from ckit_daemon.services.assistant.secrets import SecretStore
from ckit_daemon.settings import Settings

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


@pytest.mark.parametrize("value", ["   ", "line\nbreak", "schlüssel", "null\x00byte"])
async def test_what_can_be_no_key_is_refused_without_repeating_it(
    value: str, monkeypatch: pytest.MonkeyPatch, drawer: Drawer
) -> None:
    drawer.set_password("service", "user", value)
    secrets, _ = store()
    assert value not in (await refusal(secrets, "keyring:service/user")).message


async def test_R08_every_key_is_masked_from_then_on_in_any_form(caplog: pytest.LogCaptureFixture) -> None:
    secrets, _ = store('odd"key/with+signs')
    redactor = Redactor({})
    with caplog.at_level(logging.DEBUG):
        secret = await secrets.resolve("client:work", "work")
    assert "odd" not in f"{secret!r} {secret}"
    for written in ('odd"key/with+signs', "odd%22key%2Fwith%2Bsigns", r"odd\"key/with+signs"):
        assert redactor.text(f"before {written} after") == f"before {MASK} after"
    assert "odd" not in caplog.text
