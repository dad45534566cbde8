"""Keys by reference: `env:NAME`, `keyring:SERVICE/USER`, or `client:NAME`, which asks the person at the client.

A key is never a parameter and never stored by us (R07). What was found in the keyring or asked for is kept in memory
until a provider refuses it. Every key is taught to the redaction before anybody gets it.

A person may paste a key before any provider has used it. Keys of the environment are therefore taught when the settings
are known (`teach_variables`), those of the keyring when the assistant is first used (`SecretStore.prepare`). What only
the client has can't be known before it is asked for, and nobody is asked for a key that nobody needs.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from typing import TYPE_CHECKING

from pydantic import SecretStr

from ckit_daemon import redaction
from ckit_daemon.core.errors import (
    ClientFailedError,
    DeadlineExceededError,
    DegradedError,
    SecretUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ckit_daemon.services.assistant.ports import Client
    from ckit_daemon.settings import Settings

METHOD = "ckit/secret/request"
KEYRING = "keyring:"

logger = logging.getLogger(__name__)


class SecretStore:
    """Finds keys; used on the event loop only."""

    def __init__(self, client: Client, settings: Callable[[], Settings]) -> None:
        self._client = client
        self._settings = settings
        self._kept: dict[str, SecretStr] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    def prepare(self, references: Iterable[str]) -> None:
        """Teach the redaction what the keyring holds; call it in a worker thread, before anybody else has the store.

        It waits no longer than for a provider to be reached: a keyring may be locked, and ask a person to unlock it.
        What comes later is taught all the same.
        """
        names = [reference.removeprefix(KEYRING) for reference in references if reference.startswith(KEYRING)]
        if names:
            # A thread of its own, since one that hangs would keep the process from ending.
            reading = threading.Thread(target=_teach_keyring, args=(names,), name="ckit-keyring", daemon=True)
            reading.start()
            reading.join(self._settings().models.connect_timeout_seconds)

    async def resolve(self, reference: str, provider: str) -> SecretStr:
        """Return the key that a reference names; its `repr` and `str` show stars.

        Args:
            reference: as it stands in the settings.
            provider: name of the provider that needs it, for the person.

        Raises:
            SecretUnavailableError: it is nowhere to be had; the message says what to do.
        """
        kind, _, name = reference.partition(":")
        if kind == "env":
            return self._taught(_from_environment(name, reference), reference)
        # Two calls at once ask the person once.
        async with self._asking.setdefault(reference, asyncio.Lock()):
            if (kept := self._kept.get(reference)) is None:
                found = await (_from_keyring(name, reference) if kind == "keyring" else self._ask(reference, provider))
                kept = self._kept[reference] = self._taught(found, reference)
            return kept

    def forget(self, reference: str) -> None:
        """Look a key up anew the next time, because a provider refused it."""
        self._kept.pop(reference, None)

    def _taught(self, value: str, reference: str) -> SecretStr:
        # A copied key often ends with a line break, which no HTTP header may hold.
        key = value.strip()
        # Also where no provider can use it: somebody took it for one.
        redaction.learn(key)
        if not key or not key.isascii() or not key.isprintable():
            raise SecretUnavailableError(
                f"What {reference} holds is no key: it is empty or has characters that no key has. Set it anew.",
                details={"reference": reference},
            )
        return SecretStr(key)

    async def _ask(self, reference: str, provider: str) -> str:
        try:
            answer = await self._client.request(
                METHOD,
                {
                    "reference": reference,
                    "provider": provider,
                    "reason": f"The provider {provider} needs the key that the settings call {reference}.",
                },
                timeout_seconds=self._settings().assistant.client_timeout_seconds,
            )
        except (DegradedError, DeadlineExceededError, ClientFailedError) as error:
            raise SecretUnavailableError(
                f"The key {reference} could not be asked for: {error.message} "
                "Use a client that asks for keys, or refer to the key as env:NAME or keyring:SERVICE/USER.",
                details={"reference": reference},
            ) from error
        value = answer.get("value")
        if not isinstance(value, str) or not value:
            raise SecretUnavailableError(
                f"The key {reference} was asked for and not given; the provider {provider} can't be used without it.",
                details={"reference": reference},
            )
        return value


def _from_environment(name: str, reference: str) -> str:
    if value := os.environ.get(name):
        return value
    raise SecretUnavailableError(
        f"The environment variable {name}, to which the setting {reference} refers, is not set. "
        "Set it before the daemon starts.",
        details={"reference": reference},
    )


def _teach_keyring(names: Iterable[str]) -> None:
    for name in names:
        service, _, user = name.partition("/")
        try:
            redaction.learn((_read_keyring(service, user, KEYRING + name) or "").strip())
        except SecretUnavailableError as error:
            logger.info("a key is not known yet: %s", error.message)


async def _from_keyring(name: str, reference: str) -> str:
    service, _, user = name.partition("/")
    value = await asyncio.to_thread(_read_keyring, service, user, reference)
    if value:
        return value
    raise SecretUnavailableError(
        f"The keyring has no entry for the service {service!r} and the user {user!r}. "
        f"Store the key with: keyring set {service} {user}",
        details={"reference": reference},
    )


def _read_keyring(service: str, user: str, reference: str) -> str | None:
    import keyring  # noqa: PLC0415 - its backends take a tenth of a second to import, and most people need none.
    from keyring.errors import KeyringError  # noqa: PLC0415 - as above.

    try:
        return keyring.get_password(service, user)
    except KeyringError as error:
        # The text of a backend's error may name the entry but never holds it; its class says enough all the same.
        raise SecretUnavailableError(
            f"The keyring of this system can't be read ({type(error).__name__}), so that {reference} can't be used. "
            "Unlock or install one, or refer to the key as env:NAME or client:NAME.",
            details={"reference": reference},
        ) from None
