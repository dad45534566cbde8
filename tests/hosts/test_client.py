"""The TypeScript client's own tests, in Node, against a real daemon."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.hosts.building import EDITORS, build

if TYPE_CHECKING:
    import pytest


def test_the_typed_client_passes_its_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CKIT_TEST_PYTHON", sys.executable)
    build(EDITORS / "client", "test")
